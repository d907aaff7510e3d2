//! The parent's side: gives an order to a worker, hears it out, keeps it within its limits, and tells how it ended.

use super::{
    ending,
    error::WorkerError,
    log,
    log::Log,
    order::{Event, Opening, Order, Wish},
    process::{LONGEST_END, PULSE, Process, read_messages, write_message},
};
use crate::{
    Control, Limits, Program, environment,
    limits::{self, Usage},
};
use serde::de::DeserializeOwned;
use std::{
    io::{self, Write},
    process::{ChildStdin, ChildStdout, ExitStatus},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// What the parent gets to hear while a worker is at work.
pub enum Heard {
    /// The worker was started; this is how to speak to it.
    Started(Voice),
    Event(Event),
    /// Every 50 ms.
    Pulse(Pulse),
}

/// Speaks to a worker while it is at work. Clones speak to the same one.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<ChildStdin>>);

impl Voice {
    /// A worker that is gone does not hear it; the end of its events tells of that.
    pub fn say(&self, wish: Wish) {
        let mut stdin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(stdin, "{wish}").and_then(|()| stdin.flush());
    }
}

/// The worker seen from outside.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// Busy cores since the last pulse; 1.0 is one core.
    pub cpu_cores: Option<f64>,
    pub resident_bytes: Option<u64>,
    /// The last lines on standard error.
    pub log: Vec<String>,
}

/// How a conversation ended, and what was written to standard error meanwhile.
pub struct Report {
    pub answer: Result<serde_json::Value, WorkerError>,
    pub log: Log,
}

/// Asks a worker one question. Its memory is bounded by what is installed.
pub fn ask<T: DeserializeOwned>(program: &Program, order: &Order, timeout: Duration) -> Result<T, WorkerError> {
    let limits = Limits { memory_bytes: environment::installed_memory_bytes(), timeout };
    let answer = converse(program, order, &limits, &Control::default(), &mut |_| {}).answer?;
    serde_json::from_value(answer).map_err(WorkerError::Garbled)
}

/// Gives an order whose answer comes in pieces, and hears them as they come. Memory is bounded as for [`ask`].
pub fn follow<T: DeserializeOwned>(
    program: &Program,
    order: &Order,
    timeout: Duration,
    control: &Control,
    on: &mut dyn FnMut(T),
) -> Result<(), WorkerError> {
    let limits = Limits { memory_bytes: environment::installed_memory_bytes(), timeout };
    let mut garbled = None;
    let report = converse(program, order, &limits, control, &mut |heard| {
        if let Heard::Event(Event::Progress(piece)) = heard {
            match serde_json::from_value(piece) {
                Ok(piece) => on(piece),
                Err(error) => garbled = Some(error),
            }
        }
    });
    report.answer?;
    garbled.map_or(Ok(()), |error| Err(WorkerError::Garbled(error)))
}

/// Gives the order to a new worker and hears it out. The worker and all it started are gone when this returns.
///
/// A cancelled worker is killed; one that is asked to stop is told so and may still answer.
pub fn converse(
    program: &Program,
    order: &Order,
    limits: &Limits,
    control: &Control,
    on: &mut dyn FnMut(Heard),
) -> Report {
    let log = Arc::new(Mutex::new(Log::default()));
    let answer = Conversation::open(program, order, limits, Arc::clone(&log))
        .map_err(|source| WorkerError::NotStarted { program: program.path.clone(), source })
        .and_then(|conversation| conversation.hear_out(limits, control, on));
    let log = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Report { answer, log }
}

struct Conversation {
    process: Process,
    usage: Usage,
    voice: Voice,
    events: Receiver<Event>,
    log: Arc<Mutex<Log>>,
    stderr_reader: thread::JoinHandle<()>,
    started: Instant,
    kernel_kills: Option<u64>,
}

impl Conversation {
    fn open(program: &Program, order: &Order, limits: &Limits, log: Arc<Mutex<Log>>) -> io::Result<Self> {
        let started = Instant::now();
        let kernel_kills = limits::kernel_kills();
        let mut process = Process::start(program, limits.memory_bytes)?;
        let (mut stdin, stdout, stderr) = process.pipes();
        let opening = Opening { memory_bytes: limits.memory_bytes, order: order.clone() };
        write_message(&mut stdin, &opening).map_err(io::Error::other)?;
        let (sender, events) = mpsc::channel();
        let log_of_stdout = Arc::clone(&log);
        thread::spawn(move || read_events(stdout, &sender, &log_of_stdout));
        let log_of_stderr = Arc::clone(&log);
        let stderr_reader = thread::spawn(move || log::read_lines(stderr, |line| push(&log_of_stderr, line)));
        let usage = Usage::of(process.id());
        let voice = Voice(Arc::new(Mutex::new(stdin)));
        Ok(Self { process, usage, voice, events, log, stderr_reader, started, kernel_kills })
    }

    fn hear_out(
        mut self,
        limits: &Limits,
        control: &Control,
        on: &mut dyn FnMut(Heard),
    ) -> Result<serde_json::Value, WorkerError> {
        let mut next_pulse = Instant::now() + PULSE;
        let mut told_to_stop = false;
        on(Heard::Started(self.voice.clone()));
        let answer = loop {
            match self.events.recv_timeout(next_pulse.saturating_duration_since(Instant::now())) {
                Ok(Event::Answer(answer)) => break Ok(answer),
                Ok(Event::Failed { kind, message, remedy }) => {
                    break Err(WorkerError::Failed { kind, message, remedy });
                }
                Ok(event) => on(Heard::Event(event)),
                Err(RecvTimeoutError::Disconnected) => break Err(self.crash()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if control.is_cancelled() {
                break Err(WorkerError::Cancelled);
            }
            if control.is_stopped() && !told_to_stop {
                told_to_stop = true;
                self.voice.say(Wish::Stop);
            }
            if Instant::now() < next_pulse {
                continue;
            }
            next_pulse = Instant::now() + PULSE;
            if self.started.elapsed() > limits.timeout {
                break Err(WorkerError::TimedOut { secs: limits.timeout.as_secs_f64() });
            }
            let (cpu_cores, resident_bytes) = self.usage.look();
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).tail(20);
            on(Heard::Pulse(Pulse { cpu_cores, resident_bytes, log }));
            if let Some(used) = resident_bytes.filter(|used| *used > limits.memory_bytes) {
                break Err(WorkerError::over(used, limits.memory_bytes));
            }
        };
        self.process.end();
        drain(self.stderr_reader);
        answer
    }

    /// The events ended without an answer: what became of the worker?
    fn crash(&mut self) -> WorkerError {
        let status = self.process.wait(LONGEST_END);
        // What it wrote last is still on its way through the pipe.
        let deadline = Instant::now() + Duration::from_millis(200);
        while !self.stderr_reader.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).lines();
        let last = log[log.len().saturating_sub(5)..].to_vec();
        match status.and_then(|status| self.lack_of_memory(status, &log)) {
            Some(how) => WorkerError::OutOfMemory { how },
            None => WorkerError::Crashed { how: ending::of_closed(status), log: last },
        }
    }

    /// Whether a death has to do with memory: the system says it killed for memory, or the last words say so.
    fn lack_of_memory(&self, status: ExitStatus, log: &[String]) -> Option<String> {
        if ending::was_killed(status) && limits::kernel_kills() > self.kernel_kills {
            return Some("the system killed it because memory ran out".to_owned());
        }
        let line = log.iter().rev().find(|line| ending::tells_of_memory(line))?;
        Some(format!("it {} after \"{line}\"", ending::in_words(status)))
    }
}

fn push(log: &Mutex<Log>, line: &str) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

/// The reader ends with the pipe; something that the worker left behind outside its group could hold it open.
fn drain(reader: thread::JoinHandle<()>) {
    let deadline = Instant::now() + Duration::from_millis(200);
    while !reader.is_finished() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends with the pipe, with a reader that is gone, or with a line that is too long.
fn read_events(stdout: ChildStdout, events: &mpsc::Sender<Event>, log: &Mutex<Log>) {
    read_messages(stdout, |line| match serde_json::from_slice(line) {
        Ok(event) => events.send(event).is_ok(),
        // What a program prints before it becomes a worker (a debugger's or a sanitiser's greeting).
        Err(_) => {
            push(log, &String::from_utf8_lossy(line));
            true
        }
    });
}
