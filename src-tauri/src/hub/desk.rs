//! Looking up and fetching for the window: one fetch at a time, on a thread of its own.

use super::Hub;
use crate::{
    desk::{Desk, on_thread},
    making::Making,
    quiet::{Held, Work},
};
use contract::{Event, Failure, Fetch, FetchStage, HubModel, ModelId, StartFetch};
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, Ordering},
};
use store::Store;

#[derive(Default)]
pub struct Fetching {
    looking: Making,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Set to have the one under way end; with its place.
    going: Option<(Arc<AtomicBool>, Held)>,
    fetch: Option<Fetch>,
}

impl Fetching {
    /// The one under way, or the last one since the start.
    pub fn fetch(&self) -> Option<Fetch> {
        self.state().fetch.clone()
    }

    pub fn cancel(&self) {
        self.looking.stop();
        if let Some((cancelled, _)) = &self.state().going {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// Says how it ended; whoever sees that may begin another.
    fn finish(&self, stage: FetchStage) -> Option<Fetch> {
        let mut state = self.state();
        state.going = None;
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
pub fn start(desk: &Desk, store: Store, wanted: StartFetch) -> Result<(), Failure> {
    let hub = hub(desk, &store)?;
    let (cancelled, held) = (Arc::new(AtomicBool::new(false)), desk.begin(Work::Fetch)?);
    let begun = Fetch::new(&wanted.repository, &wanted.folder, wanted.weights.as_deref());
    *desk.fetching.state() = State { going: Some((cancelled.clone(), held)), fetch: Some(begun) };
    let working = desk.clone();
    let work = move || {
        let desk = &working;
        let stage = match fetch(desk, &store, &hub, &wanted, &cancelled) {
            Ok(id) => FetchStage::Done(id),
            Err(Failure::Cancelled) => FetchStage::Cancelled,
            Err(failure) => FetchStage::Failed(failure),
        };
        if let FetchStage::Done(_) = stage {
            desk.tell(Event::ModelsChanged);
        }
        finish(desk, stage);
    };
    on_thread("fetch", work).inspect_err(|failure| finish(desk, FetchStage::Failed(failure.clone())))
}

fn finish(desk: &Desk, stage: FetchStage) {
    if let Some(last) = desk.fetching.finish(stage) {
        desk.tell(Event::Fetch(Box::new(last)));
    }
}

fn fetch(
    desk: &Desk,
    store: &Store,
    hub: &Hub,
    wanted: &StartFetch,
    cancelled: &AtomicBool,
) -> Result<ModelId, Failure> {
    let fetched = hub.fetch(wanted, cancelled, &mut |fetch| tell(desk, fetch))?;
    Ok(desk.catalogue.add_fetched(store, fetched)?.id)
}

fn hub(desk: &Desk, store: &Store) -> Result<Hub, Failure> {
    Hub::open(&desk.place, store.settings()?.hub_mirror.as_deref())
}

fn tell(desk: &Desk, fetch: Fetch) {
    desk.fetching.state().fetch = Some(fetch.clone());
    desk.tell(Event::Fetch(Box::new(fetch)));
}
