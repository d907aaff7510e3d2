//! The desk behind the window: store, machine, models, queue, and the line to whoever listens.

use crate::{
    bench::Bench,
    catalogue::Catalogue,
    comparing::Comparing,
    front::Front,
    hub::Fetching,
    import::Importing,
    insight::Insight,
    instance::{self, Claim, Instance},
    inventory::{self, Inventory},
    making::Making,
    place::{self, Place},
    python::Workshop,
    queue::{self, Queue},
    quiet::{Held, Quiet, Work},
    rendering::Renderers,
    templates::Templates,
    weights::Weights,
};
use contract::{Event, Failure, Notice, NoticeKind, Settings};
use engine::Program;
use std::{
    mem,
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use store::{Store, StoreError};
use tokio::{runtime::Handle, sync::watch};

/// Cheap to clone; all clones are one desk.
#[derive(Clone)]
pub struct Desk(Arc<Inside>);

pub struct Inside {
    pub(crate) place: Place,
    pub(crate) bench: Bench,
    pub(crate) front: Box<dyn Front>,
    pub(crate) inventory: Inventory,
    pub(crate) catalogue: Catalogue,
    pub(crate) quiet: Quiet,
    pub(crate) queue: Queue,
    pub(crate) comparing: Comparing,
    pub(crate) templates: Templates,
    pub(crate) making: Making,
    pub(crate) renderers: Renderers,
    pub(crate) insight: Insight,
    pub(crate) workshop: Workshop,
    pub(crate) fetching: Fetching,
    pub(crate) importing: Importing,
    store: watch::Sender<StoreState>,
    instance: Mutex<Option<Instance>>,
    listener: Mutex<Option<Listener>>,
    notices: Mutex<Vec<Notice>>,
    in_background: AtomicBool,
    stopping: Once,
    runtime: Handle,
}

type Listener = Box<dyn Fn(Event) + Send>;

#[derive(Clone)]
enum StoreState {
    Opening,
    Open(Store),
    Failed(Failure),
}

impl Deref for Desk {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

/// What a desk is made of.
pub struct Opening {
    pub place: Place,
    /// How a worker is started.
    pub program: Program,
    /// Folders of engine libraries beside the usual ones.
    pub libraries: Vec<PathBuf>,
    pub front: Box<dyn Front>,
    /// The store to open, or why there is none.
    pub store: Result<PathBuf, Failure>,
    /// The right to open it; to the usual one where there is none.
    pub instance: Instance,
    pub runtime: Handle,
}

impl Desk {
    /// Takes its place at once; the store is opened and the machine looked at on threads of their own.
    pub fn open(opening: Opening) -> Result<Self, Failure> {
        let Opening { place, program, libraries, front, instance, store, runtime } = opening;
        // Where it cannot be made, opening it from the window says why.
        let _ = place.make_libraries();
        let renderers = Renderers::of(&program);
        let bench = Bench {
            program,
            extra_libraries: libraries,
            own_libraries: place.libraries(),
            weights: Weights::at(place.weights()),
        };
        let desk = Self(Arc::new(Inside {
            place,
            bench,
            front,
            inventory: Inventory::default(),
            catalogue: Catalogue::default(),
            quiet: Quiet::default(),
            queue: Queue::default(),
            comparing: Comparing::default(),
            templates: Templates::default(),
            making: Making::default(),
            renderers,
            insight: Insight::default(),
            workshop: Workshop::default(),
            fetching: Fetching::default(),
            importing: Importing::default(),
            store: watch::Sender::new(StoreState::Opening),
            instance: Mutex::default(),
            listener: Mutex::default(),
            notices: Mutex::default(),
            in_background: AtomicBool::new(false),
            stopping: Once::new(),
            runtime,
        }));
        // Taken before anything else can begin: the queue waits until the machine was looked at.
        let scan = desk.begin(Work::Scan)?;
        desk.serve(instance);
        let started = desk.clone();
        on_thread("store", move || started.start(store, scan))?;
        Ok(desk)
    }

    fn start(&self, store: Result<PathBuf, Failure>, scan: Held) {
        let store = match store.and_then(|path| Ok(Store::open(&path)?)) {
            Ok(store) => Some(store),
            Err(failure) => {
                self.store.send_replace(StoreState::Failed(failure));
                None
            }
        };
        if let Some(store) = &store {
            self.use_store(store);
        }
        inventory::scan(self, store.as_ref(), scan);
    }

    /// Recalls what the store holds, lets requests through, and has the queue go on.
    fn use_store(&self, store: &Store) {
        self.notices().extend(store.notices().iter().cloned());
        if let Err(e) = self.inventory.recall(store) {
            self.note(NoticeKind::Warning, format!("The inventory could not be stored: {e}."));
        }
        if let Err(e) = self.templates.take_shipped(store) {
            self.note(NoticeKind::Error, format!("The templates of this Assay could not be stored: {e}."));
        }
        let shift = self.queue.begin_shift();
        if let Err(e) = queue::resume(self, store) {
            self.note(NoticeKind::Error, format!("The queue of the last start could not be read: {e}."));
        }
        self.store.send_replace(StoreState::Open(store.clone()));
        let (desk, store) = (self.clone(), store.clone());
        if let Err(failure) = on_thread("queue", move || queue::run(&desk, &store, shift)) {
            self.note(NoticeKind::Error, format!("Nothing can be measured: {failure}."));
        }
    }

    /// Opens another store in place of this one, and has the next start open it too.
    pub(crate) fn change_store(&self, path: &Path) -> Result<(), Failure> {
        place::as_text(path)?;
        let _held = self.begin(Work::Store)?;
        // What a scan finds goes to the store that was open when it began.
        let _no_scan = self.begin(Work::Scan)?;
        let instance = self.claim(path)?;
        let store = Store::open(path)?;
        self.note(NoticeKind::Info, format!("{} is open now.", path.display()));
        self.use_store(&store);
        if let Some(instance) = instance {
            self.serve(instance);
        }
        if let Err(failure) = self.place.choose_store(path) {
            self.note(NoticeKind::Warning, format!("The next start opens the store before this one: {failure}."));
        }
        self.tell(Event::ResultsChanged);
        self.tell(Event::ModelsChanged);
        self.tell(Event::MachineChanged);
        self.tell(Event::Queue(self.queue.view()));
        Ok(())
    }

    /// The right to open this store; none where this desk has it, as it has that to the usual one while the chosen one
    /// is not there.
    fn claim(&self, store: &Path) -> Result<Option<Instance>, Failure> {
        if let Some(own) = &*self.instance.lock().expect("no holder of this lock panics")
            && own.is_of(store)?
        {
            return Ok(None);
        }
        match instance::claim(store)? {
            Claim::Ours(instance) => Ok(Some(instance)),
            Claim::Held(_) => Err(StoreError::Locked { path: store.to_owned() }.into()),
        }
    }

    /// Lets other starts and commands reach this desk; dropping the instance before gives its store free.
    fn serve(&self, instance: Instance) {
        let desk = self.clone();
        let served = instance.serve(move |request| desk.runtime.block_on(desk.ask(request)));
        if let Err(failure) = served {
            self.note(NoticeKind::Warning, format!("Commands cannot reach this window: {failure}."));
        }
        *self.instance.lock().expect("no holder of this lock panics") = Some(instance);
    }

    /// The open store; waits while it is being opened.
    pub(crate) async fn store(&self) -> Result<Store, Failure> {
        let mut state = self.store.subscribe();
        let state = state
            .wait_for(|state| !matches!(state, StoreState::Opening))
            .await
            .expect("the sender lives as long as the desk");
        match &*state {
            StoreState::Open(store) => Ok(store.clone()),
            StoreState::Failed(failure) => Err(failure.clone()),
            StoreState::Opening => unreachable!("waited for"),
        }
    }

    /// Work on the store, off the async threads.
    pub(crate) async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = self.store().await?;
        blocking(move || Ok(work(&store)?)).await
    }

    pub(crate) async fn settings(&self) -> Result<Settings, Failure> {
        self.with_store(Store::settings).await
    }

    /// Sends every event to this listener from now on; the window is the only one.
    pub fn listen(&self, listener: impl Fn(Event) + Send + 'static) {
        *self.listener.lock().expect("no listener panics") = Some(Box::new(listener));
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(listener) = &*self.listener.lock().expect("no listener panics") {
            listener(event);
        }
    }

    /// Something for a page that begins to tell: after a start, and after another store was opened.
    pub(crate) fn note(&self, kind: NoticeKind, text: String) {
        self.notices().push(Notice { kind, text });
    }

    pub(crate) fn warn(&self, text: String) {
        self.tell(Event::Notice(Notice { kind: NoticeKind::Warning, text }));
    }

    /// What a page that begins has to tell; one that is loaded anew does not tell it again.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        mem::take(&mut *self.notices())
    }

    fn notices(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.notices.lock().expect("no holder of this lock panics")
    }

    /// Whether leaving would stop something.
    pub(crate) fn is_busy(&self) -> bool {
        self.queue.is_busy() || self.quiet.has_long_work()
    }

    /// The window was closed. Answers whether the process stays, because something is left to be done.
    pub(crate) fn window_closed(&self) -> bool {
        let stays = self.is_busy();
        self.in_background.store(stays, Ordering::Relaxed);
        stays
    }

    /// Leaves; where that would stop something, the person is asked first.
    pub(crate) fn quit(&self) -> Result<(), Failure> {
        if !self.is_busy() {
            self.front.leave();
            return Ok(());
        }
        self.tell(Event::QuitAsked);
        self.show_window()
    }

    /// Ends whatever goes on, once: a second call waits for the first. What waits in the queue is kept for the next
    /// start, paused.
    pub(crate) fn stop_for_good(&self) {
        self.stopping.call_once(|| self.stop());
    }

    fn stop(&self) {
        // What outlives this is ended by the system together with the app.
        const PATIENCE: Duration = Duration::from_secs(5);
        self.comparing.end(false);
        self.fetching.cancel();
        self.importing.cancel();
        self.inventory.cancel_peaks();
        self.workshop.cancel();
        self.queue.close();
        self.quiet.settle(PATIENCE);
        if let StoreState::Open(store) = &*self.store.borrow() {
            queue::changed(self, store);
        }
    }

    /// Brings the window to the front; whoever asks may be earlier than the window's own first request.
    pub(crate) fn show_window(&self) -> Result<(), Failure> {
        self.front.show()?;
        self.in_background.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Something has ended; without a window, the last of it ends the process.
    pub(crate) fn work_ended(&self) {
        if self.in_background.load(Ordering::Relaxed) && !self.is_busy() {
            self.front.leave();
        }
    }
}

/// Starts work on a thread of this name.
pub(crate) fn on_thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = thread::Builder::new().name(name.into()).spawn(work);
    started.map(drop).map_err(|e| Failure::broken(format!("starting the thread {name}"), e))
}

/// Runs work that may block on a thread made for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Failure::broken("the work behind this request", e))?
}
