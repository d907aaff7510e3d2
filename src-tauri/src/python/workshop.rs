//! Making the environment and running generated files for the window: each on a thread of its own, one at a time.

use super::{
    Environment, Trials,
    trial::{check_of, file_of},
};
use crate::desk::Desk;
use contract::{
    Event, Failure, PythonEnvironment, PythonState, Settings, TrialOutcome, TrialPlan, TrialStep, TrialsProgress,
};
use engine::{Control, Limits};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
    /// Set to have the making of the environment end.
    making: Mutex<Option<Arc<AtomicBool>>>,
    trials: Mutex<TrialsProgress>,
    control: Mutex<Control>,
}

impl Workshop {
    pub fn environment(&self, desk: &Desk) -> PythonEnvironment {
        let environment = Environment::at(desk.place.python());
        let making = lock(&self.making).is_some();
        let state = if making { PythonState::Making } else { environment.state() };
        PythonEnvironment { folder: environment.folder().display().to_string(), state }
    }

    pub fn make(&self, desk: &Desk, index: String) -> Result<(), Failure> {
        let cancelled = Arc::new(AtomicBool::new(false));
        {
            let mut making = lock(&self.making);
            if making.is_some() {
                return Err(Failure::bad_input("Python", "its environment is being made already"));
            }
            *making = Some(cancelled.clone());
        }
        let desk = desk.clone();
        let made = move || {
            let environment = Environment::at(desk.place.python());
            let made = environment.make(&index, &cancelled, &mut |line| desk.tell(Event::Python(line.to_owned())));
            *lock(&desk.workshop.making) = None;
            desk.tell(Event::PythonEnded { error: made.err().map(|failure| failure.to_string()) });
        };
        thread::Builder::new()
            .name("python".into())
            .spawn(made)
            .map(drop)
            .map_err(|e| Failure::broken("starting the thread that makes an environment", e))
    }

    pub fn cancel_making(&self) {
        if let Some(cancelled) = &*lock(&self.making) {
            cancelled.store(true, Ordering::Relaxed);
        }
    }

    pub fn remove(&self, desk: &Desk) -> Result<(), Failure> {
        if lock(&self.making).is_some() || lock(&self.trials).active {
            return Err(
                Failure::bad_input("Python", "its environment is in use").remedy("Wait, or cancel what uses it")
            );
        }
        Environment::at(desk.place.python()).remove()
    }

    pub fn progress(&self) -> TrialsProgress {
        lock(&self.trials).clone()
    }

    pub fn cancel_trials(&self) {
        lock(&self.control).cancel();
    }

    /// Renders and reads everything in a plan, then runs what it asks to be run.
    pub fn start(&self, desk: &Desk, store: Store, library: Arc<Library>, plan: TrialPlan) -> Result<(), Failure> {
        let selection = selection(&plan)?;
        if plan.run && desk.is_measuring() {
            return Err(Failure::bad_input("Run", "a model is being measured, and each would disturb the other")
                .remedy("Pause the queue, or wait until it is empty"));
        }
        let python = if plan.run { Some(interpreter(desk.place.python(), plan.python.as_deref())?) } else { None };
        let limits = trial_limits(&store.settings()?);
        let control = Control::default();
        {
            let mut trials = lock(&self.trials);
            if trials.active {
                return Err(Failure::bad_input("Run", "generated files are being run already"));
            }
            let files = u32::try_from(selection.requests().len()).unwrap_or(u32::MAX);
            *trials = TrialsProgress { active: true, files, ..TrialsProgress::default() };
            *lock(&self.control) = control.clone();
        }
        let desk = desk.clone();
        let work = move || {
            let trials = python.map(|python| Trials {
                program: desk.bench.program.clone(),
                python,
                limits,
                scratch: desk.place.trials(),
            });
            let ended = prove(&desk, &store, &library, &selection, trials.as_ref(), &control);
            desk.workshop.show(&desk, |progress| {
                progress.active = false;
                progress.current = None;
                progress.error = ended.err().map(|failure| failure.to_string());
            });
        };
        thread::Builder::new()
            .name("trials".into())
            .spawn(work)
            .map(drop)
            .map_err(|e| Failure::broken("starting the thread that runs generated files", e))
    }

    fn show(&self, desk: &Desk, change: impl FnOnce(&mut TrialsProgress)) {
        let shown = {
            let mut progress = lock(&self.trials);
            change(&mut progress);
            progress.clone()
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
    generate(library, selection, &cancelled, |one| {
        made.push(one);
        if control.is_cancelled() {
            cancelled.store(true, Ordering::Relaxed);
        }
        if shown.elapsed() > SHOW_EVERY {
            shown = Instant::now();
            workshop.show(desk, |progress| progress.checked = made.len() as u32);
        }
    });
    if control.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    store.keep_trials(&made.iter().map(check_of).collect::<Vec<_>>(), &[])?;
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
        let trial = trials.run(request, rendered, control, &mut |step: &TrialStep| {
            workshop.show(desk, |progress| progress.steps.push(step.clone()));
        })?;
        store.keep_trials(&[], std::slice::from_ref(&trial))?;
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
    if let Some(named) = named {
        let path = PathBuf::from(named);
        let found = path.is_file() || path.components().count() == 1;
        return found
            .then_some(path)
            .ok_or_else(|| Failure::bad_input(named, "there is no such program").remedy("Name a Python with torch"));
    }
    let environment = Environment::at(managed);
    match environment.state() {
        PythonState::Ready { .. } => Ok(environment.python()),
        PythonState::Broken { reason } => Err(missing(reason)),
        PythonState::Absent | PythonState::Making => Err(missing("it was not made yet".to_owned())),
    }
}

fn missing(reason: String) -> Failure {
    Failure::Missing {
        what: "The Python environment".to_owned(),
        reason,
        remedy: "Make it with `assay python make` or on the page Templates, or name a Python of your own".to_owned(),
    }
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
