//! A process that stays: it answers line by line, within the limits of a worker, until it is needed no more.

use super::{
    ending,
    error::WorkerError,
    process::{LONGEST_END, PULSE, Process, read_messages, write_message},
    stdio::{end_at_once, take_stdin},
};
use crate::{
    Program,
    limits::{self, Usage},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{self, BufRead, BufReader, Write},
    process::ChildStdin,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Until it can be asked: a busy disk takes long to load a large program from.
const LONGEST_START: Duration = Duration::from_secs(30);

/// The side that asks. The process ends when this is dropped, and with the program that holds it.
pub struct Service {
    process: Process,
    usage: Usage,
    stdin: ChildStdin,
    answers: Receiver<Vec<u8>>,
    memory_bytes: u64,
}

impl Service {
    /// Starts a program that calls [`service_main`] with the same bound of memory.
    ///
    /// # Errors
    /// Where it could not be started, or ended before it could be asked.
    pub fn start(program: &Program, memory_bytes: u64) -> Result<Self, WorkerError> {
        let not_started = |source| WorkerError::NotStarted { program: program.path.clone(), source };
        let (start, started) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let own = program.clone();
        let work = move || match Process::start(&own, memory_bytes) {
            Ok(mut process) => {
                let (stdin, stdout, _) = process.pipes();
                drop(start.send(Ok((process, stdin))));
                read_messages(stdout, |line| answer.send(line.to_vec()).is_ok());
            }
            Err(error) => drop(start.send(Err(error))),
        };
        // Linux ends a worker together with the thread that started it: this one stays as long as the process.
        thread::Builder::new().name("service".to_owned()).spawn(work).map_err(not_started)?;
        let started = started.recv().unwrap_or_else(|gone| Err(io::Error::other(gone)));
        let (process, stdin) = started.map_err(not_started)?;
        let usage = Usage::of(process.id());
        let mut service = Self { process, usage, stdin, answers, memory_bytes };
        // The first line says no more than that it has entered its limits.
        service.hear(LONGEST_START).map_err(|error| not_started(io::Error::other(error)))?;
        Ok(service)
    }

    /// # Errors
    /// Where it took too long or too much memory, or ended; it is not to be asked again then.
    pub fn ask<T: DeserializeOwned>(&mut self, ask: &impl Serialize, longest: Duration) -> Result<T, WorkerError> {
        write_message(&mut self.stdin, ask).map_err(WorkerError::Garbled)?;
        serde_json::from_slice(&self.hear(longest)?).map_err(WorkerError::Garbled)
    }

    fn hear(&mut self, longest: Duration) -> Result<Vec<u8>, WorkerError> {
        let began = Instant::now();
        loop {
            match self.answers.recv_timeout(PULSE) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(self.crash()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if began.elapsed() > longest {
                return Err(WorkerError::TimedOut { secs: longest.as_secs_f64() });
            }
            if let (_, Some(used)) = self.usage.look()
                && used > self.memory_bytes
            {
                return Err(WorkerError::over(used, self.memory_bytes));
            }
        }
    }

    fn crash(&mut self) -> WorkerError {
        let how = ending::of_closed(self.process.wait(LONGEST_END));
        WorkerError::Crashed { how, log: Vec::new() }
    }
}

/// The side that answers: enters the limits of a worker, then answers one line of JSON with another until its standard
/// input ends. Returns the exit code.
pub fn service_main<A: DeserializeOwned, T: Serialize>(
    memory_bytes: u64,
    answer: impl FnMut(A) -> T + Send + 'static,
) -> i32 {
    let Ok(stdin) = take_stdin() else { return 2 };
    // What the system does not grant of them, the side that asks looks after.
    limits::enter(memory_bytes);
    let (heard, lines) = mpsc::channel();
    thread::spawn(move || {
        let _ = BufReader::new(stdin).split(b'\n').map_while(Result::ok).try_for_each(|line| heard.send(line));
        // Whoever asked is gone.
        end_at_once(0);
    });
    // The first thread's stack differs from system to system, and Windows gives it less than any other.
    thread::spawn(move || answer_all(&lines, answer)).join().unwrap_or(1)
}

/// Returns the exit code.
fn answer_all<A: DeserializeOwned, T: Serialize>(lines: &Receiver<Vec<u8>>, mut answer: impl FnMut(A) -> T) -> i32 {
    let (mut stdout, mut said) = (io::stdout().lock(), Vec::new());
    loop {
        said.push(b'\n');
        if stdout.write_all(&said).and_then(|()| stdout.flush()).is_err() {
            return 1;
        }
        let Ok(line) = lines.recv() else { return 0 };
        match serde_json::from_slice(&line) {
            Ok(ask) => said = serde_json::to_vec(&answer(ask)).expect("answers have string keys only"),
            Err(error) => {
                eprintln!("this is started by Assay itself, which asks it on standard input ({error})");
                return 2;
            }
        }
    }
}
