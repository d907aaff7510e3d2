//! Looking up and fetching for the window: one fetch at a time, on a thread of its own.

use super::Hub;
use crate::{desk::Desk, making::Making};
use contract::{Event, Failure, Fetch, FetchStage, HubModel, ModelId};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use store::Store;

#[derive(Default)]
pub struct Fetching {
    looking: Making,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Set to have it end.
    cancelled: Option<Arc<AtomicBool>>,
    fetch: Option<Fetch>,
}

impl Fetching {
    /// Whether something is being fetched; nothing is measured beside it.
    pub fn is_at_work(&self) -> bool {
        self.state().cancelled.is_some()
    }

    /// The one under way, or the last one since the start.
    pub fn fetch(&self) -> Option<Fetch> {
        self.state().fetch.clone()
    }

    pub fn cancel(&self) {
        self.looking.stop();
        if let Some(cancelled) = &self.state().cancelled {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// What is to be told of the end.
    fn end(&self, stage: FetchStage) -> Option<Fetch> {
        let mut state = self.state();
        state.cancelled = None;
        let fetch = state.fetch.as_mut()?;
        (fetch.stage, fetch.secs_left) = (stage, None);
        Some(fetch.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Asks what a repository holds; a question before this one that has no answer yet is given up.
pub fn look_up(desk: &Desk, store: &Store, repository: &str, revision: Option<&str>) -> Result<HubModel, Failure> {
    let cancelled = desk.fetching.looking.begin();
    hub(desk, store)?.look_up(repository, revision, &cancelled)
}

/// Starts a fetch.
pub fn start(
    desk: &Desk,
    store: Store,
    repository: String,
    revision: String,
    weights: Option<String>,
) -> Result<(), Failure> {
    let hub = hub(desk, &store)?;
    let cancelled = Arc::new(AtomicBool::new(false));
    {
        let mut state = desk.fetching.state();
        if state.cancelled.is_some() {
            return Err(Failure::bad_input("Fetch", "another model is being fetched").remedy("Wait, or cancel it"));
        }
        state.cancelled = Some(cancelled.clone());
        state.fetch = Some(Fetch::new(&repository, weights.as_deref()));
    }
    // From here on the queue starts nothing; what it had started before shows now.
    if desk.queue.is_measuring() || desk.comparing.is_at_work() || desk.inventory.measures_peaks() {
        *desk.fetching.state() = State::default();
        desk.queue.wake();
        return Err(Failure::bad_input("Fetch", "something is being measured, and each would disturb the other")
            .remedy("Pause the queue, or wait until it is empty"));
    }
    let working = desk.clone();
    let work = move || {
        let desk = &working;
        let ended = fetch(desk, &store, &hub, (&repository, &revision, weights.as_deref()), &cancelled);
        let stage = match ended {
            Ok(id) => FetchStage::Done(id),
            Err(Failure::Cancelled) => FetchStage::Cancelled,
            Err(failure) => FetchStage::Failed(failure),
        };
        if let FetchStage::Done(_) = stage {
            desk.tell(Event::ModelsChanged);
        }
        let last = desk.fetching.end(stage);
        desk.queue.wake();
        if let Some(last) = last {
            desk.tell(Event::Fetch(Box::new(last)));
        }
    };
    thread::Builder::new().name("fetch".into()).spawn(work).map(drop).map_err(|e| {
        *desk.fetching.state() = State::default();
        desk.queue.wake();
        Failure::broken("starting the thread that fetches a model", e)
    })
}

fn fetch(
    desk: &Desk,
    store: &Store,
    hub: &Hub,
    (repository, revision, weights): (&str, &str, Option<&str>),
    cancelled: &AtomicBool,
) -> Result<ModelId, Failure> {
    let fetched = hub.fetch(repository, revision, weights, cancelled, &mut |fetch| tell(desk, fetch))?;
    Ok(desk.catalogue.add_fetched(store, fetched)?.id)
}

fn hub(desk: &Desk, store: &Store) -> Result<Hub, Failure> {
    Hub::open(&desk.place, store.settings()?.hub_mirror.as_deref())
}

fn tell(desk: &Desk, fetch: Fetch) {
    desk.fetching.state().fetch = Some(fetch.clone());
    desk.tell(Event::Fetch(Box::new(fetch)));
}
