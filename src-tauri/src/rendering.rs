//! Rendering in processes of their own: a template that never ends, takes all memory or breaks the engine ends such a
//! process, and not Assay.

use crate::bench::worker_program;
use contract::Failure;
use engine::{Program, Service, WorkerError};
use std::{
    collections::BTreeMap,
    mem,
    sync::{Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};
use workbench::{Ask, Library, Made, RENDERER_MEMORY_BYTES, Renderer, Request, TemplateError};

/// For one file. What ships takes some milliseconds.
const LONGEST: Duration = Duration::from_secs(5);
/// Processes at work on many files; more would take memory rather than save time.
const MOST: usize = 8;

/// The processes that render, each started when it is first needed. They end with Assay.
pub struct Renderers {
    program: Program,
    free: Mutex<Vec<Seat>>,
    freed: Condvar,
}

impl Renderers {
    /// Of the program that is also started as a worker.
    pub fn of(program: &Program) -> Self {
        let most = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        // One more than many files take at once: a preview does not wait for them.
        let free = (0..=most).map(|_| Seat::default()).collect();
        let program = Program { path: program.path.clone(), args: vec!["renderer".to_owned()] };
        Self { program, free: Mutex::new(free), freed: Condvar::new() }
    }

    pub fn own() -> Result<Self, Failure> {
        Ok(Self::of(&worker_program()?))
    }

    /// For a single file, such as a preview: the one that was used last, if it is free; waits where none is.
    pub fn take(&self) -> Taken<'_> {
        self.take_leaving(0)
    }

    /// For one of many files: leaves one for a preview, however many threads ask.
    pub fn take_of_many(&self) -> Taken<'_> {
        self.take_leaving(1)
    }

    fn take_leaving(&self, left: usize) -> Taken<'_> {
        let mut free = self.freed.wait_while(self.free(), |free| free.len() <= left).expect("no holder of it panics");
        let seat = free.pop().expect("it was waited for");
        Taken { of: self, seat }
    }

    /// Keeps one process for the next preview: several are of use for many files only.
    pub fn rest(&self) {
        let mut free = self.free();
        let others = free.len().saturating_sub(1);
        let ended: Vec<Seat> = free[..others].iter_mut().map(mem::take).collect();
        drop(free);
        drop(ended);
    }

    fn free(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.free.lock().expect("no holder of it panics")
    }
}

/// One of them, given back when this is dropped.
pub struct Taken<'a> {
    of: &'a Renderers,
    seat: Seat,
}

impl Renderer for Taken<'_> {
    fn make(&mut self, library: &Library, request: Request) -> Made {
        let was_used = self.seat.process.is_some();
        let mut made = self.seat.make(&self.of.program, library, &request);
        // What other files left behind in it is no fault of this one: a new process judges.
        if made.is_err() && was_used {
            made = self.seat.make(&self.of.program, library, &request);
        }
        made.unwrap_or_else(|error| {
            let (reason, remedy) = said(&error);
            let problem = library.unmade(&request, &reason, &remedy);
            Made::without(request, TemplateError::GivenUp(problem))
        })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.of.free().push(mem::take(&mut self.seat));
        // Not all that wait can do with the last one.
        self.of.freed.notify_all();
    }
}

/// A process, where it is started, and the library that it has.
#[derive(Default)]
struct Seat {
    process: Option<Service>,
    texts: BTreeMap<String, String>,
}

impl Seat {
    /// Where it fails, the process is ended.
    fn make(&mut self, program: &Program, library: &Library, request: &Request) -> Result<Made, WorkerError> {
        let Self { process, texts: known } = mem::take(self);
        let mut process = match process {
            Some(process) => process,
            None => Service::start(program, RENDERER_MEMORY_BYTES)?,
        };
        let is_known = library.templates().iter().map(|(name, template)| (name, &template.text)).eq(&known);
        let ask = Ask { texts: (!is_known).then(|| library.texts()), request: request.clone() };
        let made = process.ask(&ask, LONGEST)?;
        *self = Self { process: Some(process), texts: ask.texts.unwrap_or(known) };
        Ok(made)
    }
}

/// Completes "making a file …", and says what to do.
fn said(error: &WorkerError) -> (String, String) {
    if let WorkerError::TimedOut { .. } | WorkerError::OutOfMemory { .. } | WorkerError::Crashed { .. } = error {
        let remedy = "Build smaller lists, and do not put a list into itself";
        return ("takes too much time or memory".to_owned(), remedy.to_owned());
    }
    let remedy = error.remedy().unwrap_or_else(|| "Start Assay anew, and try again".to_owned());
    (format!("needs a process of its own, which gave no answer: {error}"), remedy)
}
