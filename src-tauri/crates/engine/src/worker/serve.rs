//! The worker's side: reads one order, carries it out, tells what happens.

use super::{
    ending, errand, log,
    order::{Event, LONGEST_MESSAGE, Opening, Order, Wish},
    run,
    stdio::{Out, end_at_once, take_stdin},
    write,
};
use crate::{
    backend::{Backend, BackendError, LoadRequest},
    backends, inventory, limits, peaks,
};
use contract::{EngineId, FailureKind};
use models::Tensor;
use serde::Serialize;
use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// Why an order could not be carried out, as the parent is told.
#[derive(Debug)]
pub(super) struct Fault {
    pub kind: FailureKind,
    pub message: String,
    pub remedy: Option<String>,
}

/// What `assay-worker` does. Returns the exit code.
pub fn worker_main() -> i32 {
    let (Ok(mut out), Ok(stdin)) = (Out::take(), take_stdin()) else { return 2 };
    let mut stdin = BufReader::new(stdin);
    let Opening { memory_bytes, order } = match opening(&mut stdin) {
        Ok(opening) => opening,
        Err(error) => {
            eprintln!("a worker is started by Assay itself, which gives it an order on standard input ({error})");
            return 2;
        }
    };
    for note in limits::enter(memory_bytes) {
        out.send(&Event::Note(note));
    }
    let end = match carry_out(&order, &mut out, &Wishes::listen(stdin)) {
        Ok(answer) => Event::Answer(answer),
        Err(Fault { kind, message, remedy }) => Event::Failed { kind, message, remedy },
    };
    out.send(&end);
    end_at_once(0)
}

/// Reads the first line and nothing of what follows it.
fn opening(said: &mut impl BufRead) -> io::Result<Opening> {
    let mut line = String::new();
    said.take(LONGEST_MESSAGE).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// What the parent asks for while an order is carried out.
pub(super) struct Wishes {
    stop: Arc<AtomicBool>,
    blocks: Receiver<Duration>,
}

impl Wishes {
    /// Hears the parent from now on, and ends the worker when the parent is gone.
    fn listen(said: impl Read + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let (sender, blocks) = mpsc::channel();
        thread::spawn(move || {
            let mut sender = Some(sender);
            log::read_lines(said, |line| match Wish::of(line) {
                Some(Wish::Stop) => {
                    stopping.store(true, Ordering::Relaxed);
                    // Whoever waits for the next block hears that there is none.
                    sender = None;
                }
                // Nobody waits for a block once the order is carried out.
                Some(Wish::Block(length)) => drop(sender.as_ref().map(|asked| asked.send(length))),
                None => {}
            });
            end_at_once(1);
        });
        Self { stop, blocks }
    }

    pub fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits for the parent to ask for a block; none once it asks for the end.
    pub fn next_block(&self) -> Option<Duration> {
        self.blocks.recv().ok().filter(|_| !self.stop())
    }
}

fn carry_out(order: &Order, out: &mut Out, wishes: &Wishes) -> Result<serde_json::Value, Fault> {
    match order {
        Order::Probe { engine, library } => answer(find(engine)?.status(engine, library.as_deref())),
        Order::Inputs { onnx, dims, seed, files } => {
            let graph = models::Graph::read(onnx)?;
            for (variant, file) in (0..).zip(files) {
                save(file, &models::make_inputs(&graph, dims, *seed, variant)?)?;
            }
            answer(())
        }
        Order::Reference { load, inputs, outputs } => reference(load, inputs, outputs),
        Order::Scores { writer, texts, inputs, outputs } => {
            let mut files = outputs.iter();
            answer(write::scores(writer, *texts, inputs, &mut |scores| match files.next() {
                Some(file) => save(file, &[scores]),
                None => Err("it wrote more tokens than were asked for".to_owned().into()),
            })?)
        }
        Order::Run(order) => {
            run::run(order, out, wishes)?;
            answer(())
        }
        Order::Write(order) => {
            write::run(order, out, wishes)?;
            answer(())
        }
        Order::Inventory(probe) => answer(inventory::answer(probe)),
        Order::Peaks(order) => answer(peaks::answer(order, &mut |told| out.send(&Event::Progress(told)))?),
        Order::Errand(errand) => answer(errand::carry_out(errand, &mut |told| out.send(&Event::Progress(told)))?),
    }
}

fn reference(load: &LoadRequest, inputs: &[PathBuf], outputs: &[PathBuf]) -> Result<serde_json::Value, Fault> {
    let backend = find(&load.engine)?;
    backend.prepare(load.library.as_deref())?;
    let mut session = backend.load(load)?.compile()?;
    session.set_inputs(inputs.iter().map(|file| read(file)).collect::<Result<_, _>>()?)?;
    for (variant, file) in outputs.iter().enumerate() {
        session.call(variant)?;
        save(file, &session.outputs()?)?;
    }
    answer(session.facts())
}

pub(super) fn find(engine: &EngineId) -> Result<&'static dyn Backend, Fault> {
    backends::find(engine).ok_or_else(|| Fault {
        kind: FailureKind::EngineError,
        message: format!("this version of Assay has no engine called {engine}"),
        remedy: None,
    })
}

pub(super) fn read(file: &Path) -> Result<Vec<Tensor>, Fault> {
    Ok(models::safetensors::read(file)?)
}

/// Whole or not at all: a killed worker leaves no half file under the final name.
fn save(file: &Path, tensors: &[Tensor]) -> Result<(), Fault> {
    let half = file.with_extension(format!("{}.half", std::process::id()));
    models::safetensors::write(&half, tensors)?;
    std::fs::rename(&half, file).map_err(|error| Fault {
        kind: FailureKind::EngineError,
        message: format!("could not write {}: {error}", file.display()),
        remedy: Some("Free some disk space, or choose another folder for weights".to_owned()),
    })
}

fn answer(answer: impl Serialize) -> Result<serde_json::Value, Fault> {
    Ok(serde_json::to_value(answer).expect("answers have string keys only"))
}

impl From<BackendError> for Fault {
    fn from(error: BackendError) -> Self {
        let kind = match &error {
            BackendError::OutOfMemory { .. } => FailureKind::OutOfMemory,
            BackendError::Failed { reason, .. } if ending::tells_of_memory(reason) => FailureKind::OutOfMemory,
            BackendError::Unsupported { .. } | BackendError::Missing { .. } => FailureKind::Refused,
            BackendError::Failed { .. } => FailureKind::EngineError,
        };
        let remedy = match &error {
            BackendError::Missing { remedy, .. } => Some(remedy.clone()),
            BackendError::OutOfMemory { .. } => Some("Choose a smaller batch, length or precision".to_owned()),
            BackendError::Unsupported { .. } | BackendError::Failed { .. } => None,
        };
        Self { kind, message: error.to_string(), remedy }
    }
}

impl From<models::ModelError> for Fault {
    fn from(error: models::ModelError) -> Self {
        let failure = contract::Failure::from(error);
        let remedy = match &failure {
            contract::Failure::BadInput { remedy, .. } => remedy.clone(),
            contract::Failure::Missing { remedy, .. } => Some(remedy.clone()),
            _ => None,
        };
        Self { kind: FailureKind::EngineError, message: failure.to_string(), remedy }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Self {
        Self { kind: FailureKind::EngineError, message, remedy: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_that_came_with_the_order_is_read_after_it() {
        let order = Order::Probe { engine: "candle".into(), library: None };
        let line = serde_json::to_string(&Opening { memory_bytes: 7, order }).unwrap();
        let said = format!("{line}\nstop\n");
        let mut said = BufReader::new(said.as_bytes());
        assert_eq!(opening(&mut said).unwrap().memory_bytes, 7);
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "stop\n");
    }
}
