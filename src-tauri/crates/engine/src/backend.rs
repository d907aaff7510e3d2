//! What an engine must be able to do to be measured. Everything here runs inside a worker process.

use contract::{Availability, DeviceId, EngineId, EngineStatus, Placement, Precision};
use models::{CacheEntry, DynamicForm, Manner, Tensor};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One engine: candle, ONNX Runtime, OpenVINO. One file each under `backends/`, one line in `backends::ALL`.
pub trait Backend: Sync {
    /// The engine's key without a build: `onnxruntime`.
    fn key(&self) -> &'static str;

    /// Loads the engine's library, so that its size is part of the worker's baseline and not of the model's memory.
    fn prepare(&self, library: Option<&Path>) -> Result<(), BackendError>;

    /// What the build offers on this machine, or what is missing and how to get it. Never panics.
    ///
    /// A build is loaded by its own worker; `library` is the one this worker was started for.
    fn status(&self, engine: &EngineId, library: Option<&Path>) -> EngineStatus;

    /// The form of a graph in dynamic int8 that its products run in integers from.
    fn dynamic_form(&self) -> DynamicForm {
        DynamicForm::Weights
    }

    /// Reads the model; nothing is prepared for the device yet.
    fn load(&self, request: &LoadRequest) -> Result<Box<dyn Loaded>, BackendError>;

    /// Whether it generates text on a device.
    ///
    /// # Errors
    /// Where it does not, with the reason.
    fn generates_on(&self, _: &DeviceId) -> Result<(), BackendError> {
        Ok(())
    }

    /// Reads the two graphs that text is generated with; nothing is prepared for the device yet.
    fn load_writer(&self, request: &WriterRequest) -> Result<Box<dyn LoadedWriter>, BackendError>;
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct LoadRequest {
    pub engine: EngineId,
    pub device: DeviceId,
    /// The engine's library file, where it has one.
    pub library: Option<PathBuf>,
    /// The ONNX file; its external data lies in the same folder.
    pub model: PathBuf,
    /// What the person asked for. The file already holds weights of this precision where the model was generated.
    pub precision: Precision,
    pub threads: Option<u32>,
    /// Values of the free dimensions, by symbol.
    pub dims: BTreeMap<String, u64>,
}

/// Two graphs to generate text with.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct WriterRequest {
    /// Reads a prompt.
    pub prefill: LoadRequest,
    /// Reads one token after another.
    pub decode: LoadRequest,
    pub manner: Manner,
    /// What comes out of a call and goes into the next.
    pub cache: Vec<CacheEntry>,
}

/// A model that was read.
pub trait Loaded {
    /// Prepares the graph for the device.
    fn compile(self: Box<Self>) -> Result<Box<dyn Session>, BackendError>;
}

/// A graph ready to be called on one device.
pub trait Session {
    /// Hands over the inputs of the calls to come, so that a call copies nothing that the engine's own users would not.
    fn set_inputs(&mut self, variants: Vec<Vec<Tensor>>) -> Result<(), BackendError>;

    /// One call on a variant, complete when it returns (the device is waited for). This alone is timed.
    fn call(&mut self, variant: usize) -> Result<(), BackendError>;

    /// The outputs of the last call, copied to the host.
    fn outputs(&mut self) -> Result<Vec<Tensor>, BackendError>;

    /// What the engine says it chose.
    fn facts(&self) -> SessionFacts;

    /// Where the nodes ran. May make a call of its own, and prepare the graph anew for it, outside any timing.
    ///
    /// Some engines learn the effective precision here too, so `facts` is asked afterwards.
    fn placement(&mut self) -> Result<Option<Placement>, BackendError>;
}

/// Two graphs that were read.
pub trait LoadedWriter {
    /// Prepares both for the device.
    fn compile(self: Box<Self>) -> Result<Box<dyn Writer>, BackendError>;
}

/// Graphs ready to write texts on one device, a whole batch at once. Keys and values of what was read stay where the
/// engine has them.
pub trait Writer {
    /// Reads prompts of equal length, which are the inputs of the prefill graph, and forgets all that was read before.
    fn prefill(&mut self, prompts: &[Tensor]) -> Result<(), BackendError>;

    /// Reads one more token of each text.
    fn decode(&mut self, tokens: &[i64]) -> Result<(), BackendError>;

    /// Scores of the next token after what was read, `[batch, 1, vocabulary]`, copied to the host.
    fn scores(&mut self) -> Result<Tensor, BackendError>;

    /// What the engine says it chose.
    fn facts(&self) -> SessionFacts;

    /// Where the nodes ran: of the graph with the smaller share on the device asked for. Reads these prompts and a token
    /// after them, and may prepare both graphs anew, outside any timing; what was read is forgotten.
    fn placement(&mut self, prompts: &[Tensor]) -> Result<Option<Placement>, BackendError>;
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct SessionFacts {
    pub engine_version: String,
    /// None where the engine knows no more of it than a number.
    pub device_name: Option<String>,
    /// None where the engine does not tell it.
    pub driver: Option<String>,
    pub precision: Option<Precision>,
    pub precision_source: String,
    pub threads: Option<u32>,
    /// What the engine has taken of the device's memory so far, where it tells; not for the processor.
    pub device_memory_bytes: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("{engine} is not usable: {reason}. {remedy}")]
    Missing { engine: String, reason: String, remedy: String },
    #[error("{engine} cannot run this model: {reason}")]
    Unsupported { engine: String, reason: String },
    #[error("{engine} failed while it was {doing}: {reason}")]
    Failed { engine: String, doing: &'static str, reason: String },
    #[error("{device} has not enough memory: {reason}")]
    OutOfMemory { device: String, reason: String },
}

impl BackendError {
    /// The same as a state of the engine, for lists of what is there.
    pub fn availability(&self) -> Availability {
        match self {
            Self::Missing { reason, remedy, .. } => Availability::missing(reason.clone(), remedy.clone()),
            other => Availability::missing(other.to_string(), "Put another build of it in its place."),
        }
    }
}
