//! candle: Assay's own executor of ONNX graphs on candle's kernels.

mod branches;
mod fuse;
mod operators;
mod plan;
mod value;

use self::plan::{Formats, Plan, PlanError, Work};
use super::{
    Prepare, no_variant,
    pair::{Passing, ReadPair},
};
use crate::{
    backend::{Backend, BackendError, LoadRequest, Loaded, LoadedWriter, Session, SessionFacts, WriterRequest},
    product::multiplies_f16,
};
use candle_core::{DType, Device};
use contract::{Availability, DeviceId, EngineId, EngineStatus, Placement, PlacementPart, Platform, Precision, Target};
use models::{Graph, Tensor};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

const NAME: &str = "candle";

pub struct Candle;

impl Backend for Candle {
    fn key(&self) -> &'static str {
        NAME
    }

    /// candle is part of the program.
    fn prepare(&self, _: Option<&Path>) -> Result<(), BackendError> {
        Ok(())
    }

    fn status(&self, engine: &EngineId, _: Option<&Path>) -> EngineStatus {
        let targets = ["cpu", "cuda:0", "metal:0"].map(|device| target(engine, &device.into())).to_vec();
        EngineStatus {
            id: engine.clone(),
            name: NAME.to_owned(),
            version: version(),
            availability: Availability::Ready,
            library: None,
            offers: targets
                .iter()
                .filter(|target| target.availability.is_ready())
                .map(|target| target.device.to_string())
                .collect(),
            targets,
        }
    }

    fn load(&self, request: &LoadRequest) -> Result<Box<dyn Loaded>, BackendError> {
        Ok(Box::new(Read::open(request)?))
    }

    fn load_writer(&self, request: &WriterRequest) -> Result<Box<dyn LoadedWriter>, BackendError> {
        Ok(Box::new(ReadPair::open(NAME, request, Read::open)?))
    }
}

impl Read {
    fn open(request: &LoadRequest) -> Result<Self, BackendError> {
        let device = open(&request.device)?;
        let threads = use_threads(request.threads)?;
        let graph = Graph::read(&request.model).map_err(|error| unsupported(error.to_string()))?;
        Plan::check(&graph).map_err(|error| unsupported(error.to_string()))?;
        Ok(Self { graph, device, id: request.device.clone(), threads })
    }
}

/// The version this program was built with, from the lockfile: candle does not tell it.
fn version() -> Option<String> {
    const LOCKED: &str = include_str!("../../../../../Cargo.lock");
    let after = LOCKED.split("name = \"candle-core\"\nversion = \"").nth(1)?;
    after.split('"').next().map(str::to_owned)
}

fn target(engine: &EngineId, device: &DeviceId) -> Target {
    let (platform, device_name) = match device.0.as_str() {
        "cpu" => (Platform::Cpu, crate::environment().cpu),
        "metal:0" => (Platform::Mps, "Metal 0".to_owned()),
        _ => (Platform::Cuda, "CUDA 0".to_owned()),
    };
    let opened = open(device);
    Target {
        engine: engine.clone(),
        device: device.clone(),
        platform,
        device_name,
        precisions: match &opened {
            Ok(_) => Precision::ALL.to_vec(),
            Err(_) => Vec::new(),
        },
        availability: opened.map_or_else(|error| error.availability(), |_| Availability::Ready),
        not_ranked: None,
    }
}

/// The device, opened; candle's drivers may panic where theirs are missing, which must stay an answer.
fn open(device: &DeviceId) -> Result<Device, BackendError> {
    let missing = |reason: String, remedy: &str| BackendError::Missing {
        engine: NAME.to_owned(),
        reason,
        remedy: remedy.to_owned(),
    };
    let attempt = |open: fn(usize) -> candle_core::Result<Device>, remedy: &str| {
        let opened =
            catch_unwind(|| open(0)).unwrap_or_else(|_| Err(candle_core::Error::Msg("its driver is not there".into())));
        opened.map_err(|error| missing(error.to_string(), remedy))
    };
    match device.0.as_str() {
        "cpu" => Ok(Device::Cpu),
        "cuda:0" if cfg!(feature = "cuda") => {
            attempt(Device::new_cuda, "It needs an NVIDIA GPU with its driver and CUDA.")
        }
        "cuda:0" => Err(missing(
            "this build of Assay has candle without CUDA".to_owned(),
            "Build Assay with the feature engine/cuda where CUDA is installed, or use ONNX Runtime's CUDA.",
        )),
        "metal:0" if cfg!(feature = "metal") => attempt(Device::new_metal, "It needs a Mac with Metal."),
        "metal:0" => Err(missing(
            "this build of Assay has candle without Metal".to_owned(),
            "Metal is part of macOS; Assay's build for the Mac has it.",
        )),
        other => {
            Err(missing(format!("it has no device called {other}"), "Choose one of the devices listed for candle."))
        }
    }
}

/// Sets how many threads candle's products and rayon's pool take in this process, and says how many that are.
///
/// candle reads the number from the environment for every product, and the pool is made once; a process that already
/// has a pool of another size cannot honour the wish.
fn use_threads(asked: Option<u32>) -> Result<u32, BackendError> {
    if let Some(threads) = asked {
        // SAFETY: a worker sets this before it measures; its other threads read no environment from C at this time.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
    let threads = candle_core::utils::get_num_threads();
    // Fails where the pool exists; its size is compared below.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    let pool = rayon::current_num_threads();
    if asked.is_some() && pool != threads {
        return Err(BackendError::Failed {
            engine: NAME.to_owned(),
            doing: "setting its threads",
            reason: format!("this process already has a pool of {pool} threads, and {threads} were asked for"),
        });
    }
    Ok(threads as u32)
}

struct Read {
    graph: Graph,
    device: Device,
    id: DeviceId,
    threads: u32,
}

impl Prepare for Read {
    type Session = Ready;

    fn prepare(self) -> Result<Ready, BackendError> {
        let planned = guarded("laying out the graph", || Plan::new(&self.graph, &self.device).map_err(Refusal::Plan))?;
        Ok(Ready {
            plan: planned,
            nodes: self.graph.nodes.len() as u32,
            id: self.id,
            threads: self.threads,
            feeds: Vec::new(),
            results: Vec::new(),
            work: None,
        })
    }
}

struct Ready {
    plan: Plan,
    nodes: u32,
    id: DeviceId,
    threads: u32,
    feeds: Vec<Vec<candle_core::Tensor>>,
    results: Vec<candle_core::Tensor>,
    /// Most of the matrix work, once a call was watched.
    work: Option<Work>,
}

impl Ready {
    /// One call, the device waited for.
    fn run(&self, feed: &[candle_core::Tensor]) -> Result<Vec<candle_core::Tensor>, BackendError> {
        guarded("running the model", || {
            let results = self.plan.run(feed, |_| {}).map_err(Refusal::Run)?;
            self.plan.device().synchronize().map_err(Refusal::Candle)?;
            Ok(results)
        })
    }
}

impl Passing for Ready {
    type Value = candle_core::Tensor;

    fn input_names(&self) -> Vec<String> {
        self.plan.input_names()
    }

    fn output_names(&self) -> Vec<String> {
        self.plan.output_names()
    }

    fn give(&self, tensor: &Tensor) -> Result<Self::Value, BackendError> {
        guarded("taking the inputs", || self.plan.give(tensor).map_err(Refusal::Candle))
    }

    /// candle counts who holds a tensor: passing one on copies nothing.
    fn pass(&mut self, inputs: &[&Self::Value]) -> Result<Vec<Self::Value>, BackendError> {
        let feed: Vec<candle_core::Tensor> = inputs.iter().map(|tensor| (*tensor).clone()).collect();
        self.run(&feed)
    }

    fn take(&self, name: &str, value: &Self::Value) -> Result<Tensor, BackendError> {
        guarded("reading the outputs", || self.plan.take(name, value).map_err(Refusal::Candle))
    }
}

impl Session for Ready {
    fn set_inputs(&mut self, variants: Vec<Vec<Tensor>>) -> Result<(), BackendError> {
        self.feeds = guarded("taking the inputs", || {
            variants
                .iter()
                .map(|variant| self.plan.feed(variant))
                .collect::<candle_core::Result<_>>()
                .map_err(Refusal::Candle)
        })?;
        Ok(())
    }

    fn call(&mut self, variant: usize) -> Result<(), BackendError> {
        let feed = self.feeds.get(variant).ok_or_else(|| no_variant(NAME, variant))?;
        self.results = self.run(feed)?;
        Ok(())
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>, BackendError> {
        guarded("reading the outputs", || self.plan.read(&self.results).map_err(Refusal::Candle))
    }

    fn facts(&self) -> SessionFacts {
        let (precision, precision_source) = match self.work {
            Some(work) => effective(work, self.plan.device().is_cpu()),
            None => (None, "no call was watched yet".to_owned()),
        };
        SessionFacts {
            engine_version: version().unwrap_or_default(),
            device_name: None,
            driver: None,
            precision,
            precision_source,
            threads: Some(self.threads),
            device_memory_bytes: None,
        }
    }

    /// Every kernel runs on the one device the tensors are on.
    fn placement(&mut self) -> Result<Option<Placement>, BackendError> {
        if let Some(feed) = self.feeds.first() {
            let mut formats = Formats::default();
            guarded("watching one call", || self.plan.run(feed, |seen| formats.see(seen)).map_err(Refusal::Run))?;
            self.work = formats.most();
        }
        Ok(Some(Placement {
            node_share: 1.0,
            mac_share: Some(1.0),
            parts: vec![PlacementPart { on: self.id.to_string(), nodes: self.nodes, macs: None }],
            source: "candle runs a graph on one device only".to_owned(),
        }))
    }
}

/// What tensors of a format are multiplied in, and how that is known.
fn effective(work: Work, on_cpu: bool) -> (Option<Precision>, String) {
    let seen = format!("number format of the tensors in one watched call: {}", work.format.as_str());
    let widens = on_cpu && (work.convolves || work.format == DType::BF16 || !multiplies_f16());
    match work.format {
        DType::BF16 | DType::F16 if widens => {
            (Some(Precision::F32), format!("{seen}, which the CPU kernel widens to f32 for each product"))
        }
        DType::BF16 => (Some(Precision::Bf16), seen),
        DType::F16 => (Some(Precision::F16), seen),
        DType::F32 => (Some(Precision::F32), seen),
        _ => (None, seen),
    }
}

enum Refusal {
    Plan(PlanError),
    Run(plan::RunError),
    Candle(candle_core::Error),
}

/// Runs a part of the executor. candle panics in a few kernels where a number format is not written yet; that is a
/// refusal and not a crash.
fn guarded<T>(doing: &'static str, run: impl FnOnce() -> Result<T, Refusal>) -> Result<T, BackendError> {
    let failed = |reason: String| BackendError::Failed { engine: NAME.to_owned(), doing, reason };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Refusal::Plan(error @ PlanError::Operators(_)))) => Err(unsupported(error.to_string())),
        Ok(Err(Refusal::Plan(error))) => Err(failed(error.to_string())),
        Ok(Err(Refusal::Run(error))) => Err(failed(error.to_string())),
        Ok(Err(Refusal::Candle(error))) => Err(failed(error.to_string())),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(failed(format!("candle broke off: {}", said.unwrap_or("it did not say why"))))
        }
    }
}

fn unsupported(reason: String) -> BackendError {
    BackendError::Unsupported { engine: NAME.to_owned(), reason }
}

#[cfg(test)]
mod tests;
