//! The engines' own status: every build of every library is asked in a worker of its own.

use crate::{
    Libraries, Program, backends,
    worker::{self, Order, WorkerError},
};
use contract::{Availability, EngineId, EngineStatus};
use std::{path::PathBuf, thread, time::Duration};

/// A library that hangs is given up. Far above what a healthy one needs, even on a cold disk.
const LIMIT: Duration = Duration::from_secs(10);

/// One status for each build, in the order of `backends::ALL`; a library that crashes is missing, with that as the reason.
pub fn probe(libraries: &Libraries, program: &Program) -> Vec<EngineStatus> {
    let builds: Vec<(EngineId, Option<PathBuf>)> =
        backends::ALL.iter().flat_map(|backend| builds(libraries, backend.key())).collect();
    thread::scope(|scope| {
        let asked: Vec<_> = builds
            .iter()
            .map(|(engine, library)| scope.spawn(move || status(program, engine, library.as_ref())))
            .collect();
        asked.into_iter().map(|thread| thread.join().expect("a probe that fails is an answer, not a panic")).collect()
    })
}

/// An engine without a library of its own, and one whose library was not found, are asked once: they know what to say.
fn builds(libraries: &Libraries, key: &str) -> Vec<(EngineId, Option<PathBuf>)> {
    let found = libraries.builds(key);
    if found.is_empty() {
        return vec![(EngineId::from(key), None)];
    }
    found.into_iter().map(|build| (build.engine, Some(build.library))).collect()
}

fn status(program: &Program, engine: &EngineId, library: Option<&PathBuf>) -> EngineStatus {
    let order = Order::Probe { engine: engine.clone(), library: library.cloned() };
    worker::ask(program, &order, LIMIT).unwrap_or_else(|error| EngineStatus {
        id: engine.clone(),
        name: engine.to_string(),
        version: None,
        availability: unusable(engine, library, &error),
        library: library.map(|library| library.display().to_string()),
        offers: Vec::new(),
        targets: Vec::new(),
    })
}

fn unusable(engine: &EngineId, library: Option<&PathBuf>, error: &WorkerError) -> Availability {
    // That is no fault of the library.
    if let WorkerError::NotStarted { .. } = error
        && let Some(remedy) = error.remedy()
    {
        return Availability::missing(error.to_string(), remedy);
    }
    let what = library.map_or_else(|| engine.to_string(), |library| library.display().to_string());
    let reason = format!("{what} cannot be used: {error}");
    Availability::missing(reason, "Put another build of the library in its place, then press Rescan")
}
