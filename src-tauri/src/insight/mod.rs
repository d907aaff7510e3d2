//! What the store's results mean: read once, learned from once, asked many times.

mod advise;
mod known;
mod learned;
mod machine;
mod made;
mod predict;
mod watch;

pub use advise::Advisor;
pub use watch::Watched;

use contract::{Failure, Influence};
use insight::recommend::{RecommendError, Survey, Work};
use known::Known;
use learned::Learned;
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
use store::Store;

/// What was learned, for as long as no result comes or goes.
#[derive(Default)]
pub struct Insight {
    version: AtomicU64,
    known: Mutex<Option<(u64, Arc<Known>)>>,
    /// As many pieces of work as a person goes back and forth between.
    surveys: Learned<Work, Result<Survey, RecommendError>, 8>,
    machine: Learned<Vec<machine::Place>, Vec<Survey>, 1>,
    predicted: Learned<predict::Cells, Vec<Survey>, 1>,
    /// By the smallest change that matters: that of the page, and the usual one of the badges.
    watched: Learned<f64, Watched, 2>,
    influences: Learned<(), Vec<Influence>, 1>,
}

impl Insight {
    /// A result was stored, imported, deleted or brought back.
    pub fn results_changed(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// What is known now.
    pub fn known(&self, store: &Store) -> Result<Arc<Known>, Failure> {
        let mut kept = lock(&self.known);
        // Read before the results are: what changes meanwhile is read again by the next question.
        let version = self.version.load(Ordering::Relaxed);
        if let Some((of, known)) = &*kept
            && *of == version
        {
            return Ok(known.clone());
        }
        let known = Arc::new(Known::of(store.known_runs()?));
        *kept = Some((version, known.clone()));
        Ok(known)
    }

    /// What the known times depend on.
    pub fn influences(&self, store: &Store) -> Result<Vec<Influence>, Failure> {
        let known = self.known(store)?;
        let found = self.influences.of(&known, (), || insight::forecast::influences(&known.row_refs()));
        Ok((*found).clone())
    }
}

/// Nothing is half-changed when a holder panics: what is kept is replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
