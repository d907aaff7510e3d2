//! Making the environment and running generated files for the window: each on a thread of its own, one at a time.

use super::{
    Environment, Ran, Trials,
    trial::{check_of, file_of},
};
use crate::{
    desk::{Desk, on_thread},
    keep,
    making::Making,
    quiet::{Held, Work},
};
use contract::{
    Event, Failure, PythonEnvironment, PythonPlan, PythonState, Settings, TrialOutcome, TrialPlan, TrialStep,
    TrialsProgress,
};
use engine::{Control, Limits};
use std::{
    path::PathBuf,
    slice,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use store::Store;
use workbench::{Kind, Library, Made, Selection, generate};

/// Longest time for one file.
const TIMEOUT: Duration = Duration::from_secs(900);
/// How often the window hears of files that are only checked.
const SHOW_EVERY: Duration = Duration::from_millis(150);

#[derive(Default)]
pub struct Workshop {
    planning: Making,
    /// Set to have the making of the environment end; with its place.
    making: Mutex<Option<(Arc<AtomicBool>, Held)>>,
    trials: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    /// What ends the files under way, with their place.
    going: Option<(Control, Held)>,
    progress: TrialsProgress,
}

impl Workshop {
    pub fn environment(&self, desk: &Desk) -> PythonEnvironment {
        let environment = Environment::at(desk.place.python());
        let making = lock(&self.making).is_some();
        let state = if making { PythonState::Making } else { environment.state() };
        PythonEnvironment { folder: environment.folder().display().to_string(), state }
    }

    /// Asks the index; a question before this one that has no answer yet is given up.
    pub fn plan(&self, desk: &Desk, index: &str) -> Result<PythonPlan, Failure> {
        let _held = desk.begin(Work::Plan)?;
        let cancelled = self.planning.begin();
        Environment::at(desk.place.python()).plan(&desk.place.trials(), index, &cancelled)
    }

    pub fn make(&self, desk: &Desk, index: String) -> Result<(), Failure> {
        let (cancelled, held) = (Arc::new(AtomicBool::new(false)), desk.begin(Work::Environment)?);
        *lock(&self.making) = Some((cancelled.clone(), held));
        let working = desk.clone();
        let work = move || {
            let environment = Environment::at(working.place.python());
            let made = environment.make(&index, &cancelled, &mut |line| working.tell(Event::Python(line.to_owned())));
            working.workshop.end_making();
            working.tell(Event::PythonEnded { failure: made.err() });
        };
        on_thread("python", work).inspect_err(|_| self.end_making())
    }

    fn end_making(&self) {
        *lock(&self.making) = None;
    }

    /// Ends the making of the environment, and asking what that would take.
    pub fn cancel_making(&self) {
        self.planning.stop();
        if let Some((cancelled, _)) = &*lock(&self.making) {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    pub fn remove(&self, desk: &Desk) -> Result<(), Failure> {
        let _held = desk.begin(Work::Environment)?;
        Environment::at(desk.place.python()).remove()
    }

    pub fn progress(&self) -> TrialsProgress {
        lock(&self.trials).progress.clone()
    }

    pub fn cancel_trials(&self) {
        if let Some((control, _)) = &lock(&self.trials).going {
            control.cancel();
        }
    }

    /// Ends whatever is under way.
    pub fn cancel(&self) {
        self.cancel_making();
        self.cancel_trials();
    }

    /// Renders and reads everything in a plan, then runs what it asks to be run.
    pub fn start(&self, desk: &Desk, store: Store, library: Arc<Library>, plan: TrialPlan) -> Result<(), Failure> {
        let selection = selection(&plan)?;
        let python = if plan.run { Some(interpreter(desk.place.python(), plan.python.as_deref())?) } else { None };
        let limits = trial_limits(&store.settings()?);
        let held = desk.begin(if plan.run { Work::Trials } else { Work::Checks })?;
        let control = Control::default();
        let files = u32::try_from(selection.requests().len()).unwrap_or(u32::MAX);
        *lock(&self.trials) = Running {
            going: Some((control.clone(), held)),
            progress: TrialsProgress { active: true, files, ..TrialsProgress::default() },
        };
        let working = desk.clone();
        let work = move || {
            let desk = &working;
            let trials = python.map(|python| Trials {
                program: desk.bench.program.clone(),
                python,
                limits,
                scratch: desk.place.trials(),
                machine: Some(desk.inventory.machine_blocking()),
            });
            let ended = prove(desk, &store, &library, &selection, trials.as_ref(), &control);
            desk.workshop.finish(desk, ended.err());
        };
        on_thread("trials", work).inspect_err(|failure| self.finish(desk, Some(failure.clone())))
    }

    fn show(&self, desk: &Desk, change: impl FnOnce(&mut TrialsProgress)) {
        self.change(desk, |running| change(&mut running.progress));
    }

    /// Says that nothing runs any more; whoever sees that may begin again.
    fn finish(&self, desk: &Desk, failure: Option<Failure>) {
        self.change(desk, |Running { going, progress }| {
            *going = None;
            (progress.active, progress.current) = (false, None);
            progress.error = failure.map(|failure| failure.to_string());
        });
    }

    /// The window hears what has become of it once the lock is free again.
    fn change(&self, desk: &Desk, change: impl FnOnce(&mut Running)) {
        let shown = {
            let mut running = lock(&self.trials);
            change(&mut running);
            running.progress.clone()
        };
        desk.tell(Event::Trials(shown));
    }
}

fn prove(
    desk: &Desk,
    store: &Store,
    library: &Library,
    selection: &Selection,
    trials: Option<&Trials>,
    control: &Control,
) -> Result<(), Failure> {
    let workshop = &desk.workshop;
    let cancelled = AtomicBool::new(false);
    let mut made: Vec<Made> = Vec::new();
    let mut shown = Instant::now();
    let renderer = || desk.renderers.take_of_many();
    generate(renderer, library, selection, &cancelled, |one| {
        made.push(one);
        if control.is_cancelled() {
            cancelled.store(true, Ordering::Relaxed);
        }
        if shown.elapsed() > SHOW_EVERY {
            shown = Instant::now();
            workshop.show(desk, |progress| progress.checked = made.len() as u32);
        }
    });
    desk.renderers.rest();
    if control.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    store.keep_trials(&made.iter().map(check_of).collect::<Vec<_>>(), &[], &[])?;
    let unsound = made.iter().filter(|one| !one.is_sound()).count();
    made.retain(|one| one.is_sound() && one.request.kind.is_python());
    made.sort_by_key(|one| file_of(&one.request));
    workshop.show(desk, |progress| {
        (progress.checked, progress.unsound) = (progress.files, unsound as u32);
        progress.runs = if trials.is_some() { made.len() as u32 } else { 0 };
    });
    let Some(trials) = trials else { return Ok(()) };
    for Made { request, outcome, .. } in &made {
        let rendered = outcome.as_ref().expect("only what is sound was kept");
        workshop.show(desk, |progress| {
            progress.current = Some(file_of(request));
            progress.steps.clear();
        });
        let Ran { trial, result } = trials.run(request, rendered, control, &mut |step: &TrialStep| {
            workshop.show(desk, |progress| progress.steps.push(step.clone()));
        })?;
        let save = || store.keep_trials(&[], slice::from_ref(&trial), result.as_slice());
        if !keep::surely(desk, "A run", control, save, || Ok(store.trial(&trial.id)?.is_some())) {
            return Err(Failure::Cancelled);
        }
        if let Some(run) = result {
            desk.tell(Event::Stored(run.id));
        }
        workshop.show(desk, |progress| match trial.outcome {
            TrialOutcome::Passed => progress.passed += 1,
            TrialOutcome::Failed { .. } => progress.failed += 1,
            TrialOutcome::Skipped { .. } => progress.skipped += 1,
        });
    }
    Ok(())
}

/// What each file that the window has run is kept to.
pub fn trial_limits(settings: &Settings) -> Limits {
    let memory_bytes = (engine::installed_memory_bytes() as f64 * settings.memory_share) as u64;
    Limits { memory_bytes, timeout: TIMEOUT }
}

/// The interpreter that a person names, else the one of the environment that Assay made.
pub fn interpreter(managed: PathBuf, named: Option<&str>) -> Result<PathBuf, Failure> {
    let Some(named) = named else { return Environment::at(managed).interpreter() };
    let path = PathBuf::from(named);
    let found = path.is_file() || path.components().count() == 1;
    found
        .then_some(path)
        .ok_or_else(|| Failure::bad_input(named, "there is no such program").remedy("Name a Python with torch"))
}

fn selection(plan: &TrialPlan) -> Result<Selection, Failure> {
    let known = |model_type: &&String| models::transformers::find(model_type).is_none();
    if let Some(unknown) = plan.model_types.iter().find(known) {
        return Err(Failure::not_found("model type", unknown));
    }
    let kind = |key: &String| {
        let known = Kind::from_key(key).filter(|kind| Kind::GENERATED.contains(kind));
        known.ok_or_else(|| Failure::not_found("kind of generated file", key))
    };
    Ok(Selection {
        model_types: plan.model_types.clone(),
        platforms: plan.platforms.clone(),
        kinds: plan.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        ..Selection::default()
    })
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().expect("no holder of this lock panics")
}
