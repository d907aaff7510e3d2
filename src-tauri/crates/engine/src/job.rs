//! What one measurement is given: the setting, the files, the bounds, and a way to end it.

use crate::backend::{LoadRequest, WriterRequest};
use contract::{Peak, RunId, RunModel, Setting, Target, TargetChoice};
use models::{CacheEntry, Manner, Stamped, Texts};
use std::{
    collections::BTreeMap,
    env::{consts::EXE_SUFFIX, current_exe},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

/// Everything `measure` needs; it looks nothing up by itself.
#[derive(Clone, Debug)]
pub struct Job {
    pub run: RunId,
    pub setting: Setting,
    pub target: Target,
    /// Of the target's device, as the inventory knows it.
    pub driver: Option<String>,
    /// The engine's library file, where it has one.
    pub library: Option<PathBuf>,
    pub model: RunModel,
    /// The graph at the precision asked for; external data lies in the same folder.
    pub onnx: PathBuf,
    /// The person's files that the engines read where they lie, as they were when the model was opened; none where Assay
    /// wrote what is read.
    pub files: Vec<Stamped>,
    /// Values of the free dimensions, by symbol, batch included.
    pub dims: BTreeMap<String, u64>,
    /// Engines to check the output against, best first, with their library files. None of them is the one measured.
    pub references: Vec<(TargetChoice, Option<PathBuf>)>,
    /// The same graph in f32: what the outputs of another precision are compared with. None where it cannot be had: a
    /// person's file in another precision is checked by another engine that runs the same file.
    pub reference_onnx: Option<PathBuf>,
    /// Why it is not run in f32 though it could be had so, in a sentence for the log: it would not fit. Another engine then
    /// runs the same file in the precision asked for.
    pub f32_left_out: Option<String>,
    /// The output that scores the next word, where the model has one.
    pub scores: Option<String>,
    /// For generating text: `onnx`, `reference_onnx` and `dims` are then those of the graph that reads the prompt.
    pub writing: Option<Writing>,
    /// Measured ceilings of the devices, for the plausibility gate.
    pub peaks: Vec<Peak>,
    pub limits: Limits,
    /// What writing or reading the weights took, where that belonged to this run.
    pub acquire_ms: Option<f64>,
    /// Folder for inputs and reference outputs; what is there is used again where it fits.
    pub scratch: PathBuf,
}

/// What generating text needs besides.
#[derive(Clone, Debug)]
pub struct Writing {
    pub texts: Texts,
    /// The graph that reads one token, beside the other one.
    pub decode: PathBuf,
    /// The same in f32; itself where the model is not run in f32.
    pub reference_decode: PathBuf,
    /// Its sizes after the last token but one.
    pub decode_dims: BTreeMap<String, u64>,
    /// Sizes of the graph that reads the prompt when it reads whole texts.
    pub whole: BTreeMap<String, u64>,
    pub manner: Manner,
    pub cache: Vec<CacheEntry>,
}

impl Writing {
    /// Both graphs for one engine; `prefill` is its request for the graph that reads the prompt.
    pub(crate) fn request(&self, prefill: LoadRequest, decode: &Path) -> WriterRequest {
        let decode = LoadRequest { model: decode.to_owned(), dims: self.decode_dims.clone(), ..prefill.clone() };
        WriterRequest { prefill, decode, manner: self.manner, cache: self.cache.clone() }
    }
}

/// What a worker may use before it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Resident memory of the worker.
    pub memory_bytes: u64,
    /// Wall time of the whole measurement.
    pub timeout: Duration,
}

/// How to start a worker: a program that calls [`crate::worker_main`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<String>,
}

impl Program {
    /// `assay-worker`, which is installed beside the running program.
    ///
    /// # Errors
    /// Where the system cannot tell which file this program was started from.
    pub fn worker() -> io::Result<Self> {
        let path = own_file()?.with_file_name(format!("assay-worker{EXE_SUFFIX}"));
        Ok(Self { path, args: Vec::new() })
    }
}

/// The running program's file, behind all links.
pub fn own_file() -> io::Result<PathBuf> {
    let file = current_exe()?;
    // Windows' canonical form is none that people read, and has no links to follow here.
    if cfg!(windows) { Ok(file) } else { file.canonicalize() }
}

const GO_ON: u8 = 0;
const STOP: u8 = 1;
const CANCEL: u8 = 2;

/// Ends a measurement from another thread. Clones act on the same measurement.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<AtomicU8>);

impl Control {
    /// Ends the worker within a second; what it had measured is given up.
    pub fn cancel(&self) {
        self.0.fetch_max(CANCEL, Ordering::Relaxed);
    }

    /// Ends the sampling; what was sampled is kept as the result.
    pub fn stop(&self) {
        self.0.fetch_max(STOP, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) == CANCEL
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= STOP
    }

    /// Whether nobody asked for an end.
    pub fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) == GO_ON
    }
}
