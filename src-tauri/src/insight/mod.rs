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
use std::sync::{Arc, Mutex, MutexGuard};
use store::{ResultsVersion, Store};

/// What was learned, for as long as no result comes or goes.
#[derive(Default)]
pub struct Insight {
    known: Mutex<Option<(ResultsVersion, Arc<Known>)>>,
    /// As many pieces of work as a person goes back and forth between.
    surveys: Learned<Work, Result<Survey, RecommendError>, 8>,
    machine: Learned<Vec<machine::Place>, Vec<Survey>, 1>,
    predicted: Learned<predict::Cells, Vec<Survey>, 1>,
    /// By the smallest change that matters: that of the page, and the usual one of the badges.
    watched: Learned<f64, Watched, 2>,
    influences: Learned<(), Vec<Influence>, 1>,
}

impl Insight {
    /// What is known now.
    pub fn known(&self, store: &Store) -> Result<Arc<Known>, Failure> {
        let mut kept = lock(&self.known);
        let version = store.results_version();
        if let Some((of, known)) = &*kept
            && Some(*of) == version
        {
            return Ok(known.clone());
        }
        let known = Arc::new(Known::of(store.known_runs()?));
        // What changed meanwhile is read again by the next question.
        *kept = version.filter(|_| store.results_version() == version).map(|version| (version, known.clone()));
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
