//! What the store's results mean: read once, learned from once, asked many times.

mod advise;
mod known;
mod machine;
mod predict;
mod watch;

pub use advise::Advisor;
pub use watch::Watched;

use known::Known;

use contract::{Failure, Work};
use insight::recommend::Survey;
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
use store::Store;

/// Surveys that are kept: as many pieces of work as a person goes back and forth between.
const KEPT_SURVEYS: usize = 8;

/// The version of the results, the models, and what was learned of them.
type Predicted = (u64, Vec<String>, Arc<Vec<Survey>>);

/// What was learned, for as long as no result comes or goes.
#[derive(Default)]
pub struct Insight {
    version: AtomicU64,
    known: Mutex<Option<(u64, Arc<Known>)>>,
    /// Held while learning, so that a second question for the same answer waits for the first.
    surveys: Mutex<Vec<(u64, Work, Arc<Survey>)>>,
    machine: Mutex<Option<(u64, Arc<Vec<Survey>>)>>,
    predicted: Mutex<Option<Predicted>>,
    watched: Mutex<Option<Arc<Watched>>>,
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

    /// The survey of one piece of work, learned where it is not there yet.
    fn survey<E>(&self, work: &Work, learn: impl FnOnce() -> Result<Survey, E>) -> Result<Arc<Survey>, E> {
        let mut kept = lock(&self.surveys);
        let version = self.version.load(Ordering::Relaxed);
        kept.retain(|(of, ..)| *of == version);
        if let Some((.., survey)) = kept.iter().find(|(_, of, _)| of == work) {
            return Ok(survey.clone());
        }
        let survey = Arc::new(learn()?);
        if kept.len() == KEPT_SURVEYS {
            kept.remove(0);
        }
        kept.push((version, work.clone(), survey.clone()));
        Ok(survey)
    }

    /// The surveys of these models on the usual setting of each device.
    fn predicted_surveys(&self, models: &[String], learn: impl FnOnce() -> Vec<Survey>) -> Arc<Vec<Survey>> {
        let mut kept = lock(&self.predicted);
        let version = self.version.load(Ordering::Relaxed);
        match &*kept {
            Some((of, names, surveys)) if *of == version && names == models => surveys.clone(),
            _ => {
                let surveys = Arc::new(learn());
                *kept = Some((version, models.to_vec(), surveys.clone()));
                surveys
            }
        }
    }

    /// The surveys of every known model on this machine.
    fn machine_surveys(&self, learn: impl FnOnce() -> Vec<Survey>) -> Arc<Vec<Survey>> {
        let mut kept = lock(&self.machine);
        let version = self.version.load(Ordering::Relaxed);
        match &*kept {
            Some((of, surveys)) if *of == version => surveys.clone(),
            _ => {
                let surveys = Arc::new(learn());
                *kept = Some((version, surveys.clone()));
                surveys
            }
        }
    }
}

/// Nothing is half-changed when a holder panics: what is kept is replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
