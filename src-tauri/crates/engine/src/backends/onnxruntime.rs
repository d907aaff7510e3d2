//! ONNX Runtime: one build of its library per worker, with whatever execution providers the build offers.

mod htp;
mod native;
mod probe;
mod profile;
mod provider;
mod runtime;

use self::{
    native::{Feed, Model, Prepared, Value},
    provider::{Place, Provider},
    runtime::Runtime,
};
use super::{
    Prepare, no_variant,
    pair::{Passing, ReadPair, on_cpu_only},
};
use crate::{
    backend::{Backend, BackendError, LoadRequest, Loaded, LoadedWriter, Session, SessionFacts, WriterRequest},
    libraries::plugin,
};
use contract::{Availability, DeviceId, EngineId, EngineStatus, Placement, Precision, Target};
use models::{DynamicForm, Element, Graph, Tensor};
use ort::{
    ErrorCode,
    session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder},
};
use std::path::Path;

const NAME: &str = "ONNX Runtime";

pub struct OnnxRuntime;

impl Backend for OnnxRuntime {
    fn key(&self) -> &'static str {
        "onnxruntime"
    }

    fn prepare(&self, library: Option<&Path>) -> Result<(), BackendError> {
        Runtime::open(library).map(drop)
    }

    /// It fuses each product with the operators around it, and leaves activations alone where the graph says nothing.
    fn dynamic_form(&self) -> DynamicForm {
        DynamicForm::Operators
    }

    fn status(&self, engine: &EngineId, library: Option<&Path>) -> EngineStatus {
        let build = engine.0.strip_prefix("onnxruntime-");
        let mut status = EngineStatus {
            id: engine.clone(),
            name: build.map_or(NAME.to_owned(), |build| format!("{NAME} ({build})")),
            version: None,
            availability: Availability::Ready,
            library: library.map(|library| library.display().to_string()),
            offers: Vec::new(),
            targets: Vec::new(),
        };
        let opened = Runtime::open(library);
        let offers = opened.and_then(|runtime| match runtime.providers() {
            Ok(offers) => Ok((runtime, offers)),
            Err(error) => Err(failed("listing its providers", error)),
        });
        match offers {
            Ok((runtime, offers)) => {
                status.version = Some(runtime.version.clone());
                status.targets = targets(engine, runtime, &offers, build.is_some());
                status.offers = offers;
            }
            Err(error) => {
                status.availability = error.availability();
                let plugged_in = library.is_some_and(plugin::is_plugin);
                let meant = |provider: &Provider| build.is_none() || (plugged_in && *provider == Provider::Qnn);
                let none = |provider| target(engine, provider, provider.devices().remove(0), error.availability());
                status.targets = Provider::ALL.into_iter().filter(meant).map(none).collect();
            }
        }
        status
    }

    fn load(&self, request: &LoadRequest) -> Result<Box<dyn Loaded>, BackendError> {
        Ok(Box::new(Read::open(request)?))
    }

    fn generates_on(&self, device: &DeviceId) -> Result<(), BackendError> {
        on_cpu_only(NAME, device)
    }

    fn load_writer(&self, request: &WriterRequest) -> Result<Box<dyn LoadedWriter>, BackendError> {
        self.generates_on(&request.prefill.device)?;
        Ok(Box::new(ReadPair::open(NAME, request, Read::open)?))
    }
}

impl Read {
    fn open(request: &LoadRequest) -> Result<Self, BackendError> {
        let runtime = Runtime::open(request.library.as_deref())?;
        // A plug-in's worker is there for its provider alone; the plain build runs the others.
        let has = |place: &Place| runtime.plugin.is_none() || place.provider == Provider::Qnn;
        let place = Place::of(&request.device).filter(has).ok_or_else(|| BackendError::Missing {
            engine: NAME.to_owned(),
            reason: format!("it has no device called {}", request.device),
            remedy: "Choose one of the devices listed for this engine.".to_owned(),
        })?;
        let plan = Plan { runtime, place, request: request.clone() };
        let builder = plan.builder().map_err(|error| failed("registering its provider", error))?;
        let model = Model::read(&runtime.environment, builder, &request.model)
            .map_err(|error| failed("reading the model", error))?;
        Ok(Self { plan, model })
    }
}

/// Every device the build can really use. Where it is the plain build, providers it lacks are listed with the remedy;
/// builds beside it were put there for one provider and list that alone.
fn targets(engine: &EngineId, runtime: &Runtime, offers: &[String], special_build: bool) -> Vec<Target> {
    let mut targets = Vec::new();
    for provider in Provider::ALL {
        if offers.iter().any(|offer| offer == provider.name()) {
            targets.extend(ready_devices(engine, runtime, provider));
        } else if !special_build {
            let reason = format!("this build of {NAME} does not offer {}", provider.label());
            let absent = Availability::missing(reason, provider.remedy());
            targets.push(target(engine, provider, provider.devices().remove(0), absent));
        }
    }
    targets
}

/// The devices of a provider on which a small model really ran; the first one with its reason where none did.
fn ready_devices(engine: &EngineId, runtime: &Runtime, provider: Provider) -> Vec<Target> {
    let mut ready = Vec::new();
    let mut refusal = None;
    for device in provider.devices() {
        let place = Place::new(provider, device.clone());
        let mut target = target(engine, provider, device, Availability::Ready);
        match probe::precisions(runtime, &place) {
            Ok(precisions) => {
                target.precisions = precisions;
                target.not_ranked = place.not_ranked().map(str::to_owned);
                ready.push(target);
            }
            Err(reason) => {
                target.availability = Availability::missing(reason, provider.remedy_where_offered());
                refusal.get_or_insert(target);
                if provider.is_numbered() {
                    break;
                }
            }
        }
    }
    if ready.is_empty() { refusal.into_iter().collect() } else { ready }
}

fn target(engine: &EngineId, provider: Provider, device: contract::DeviceId, availability: Availability) -> Target {
    Target {
        engine: engine.clone(),
        platform: provider.platform(),
        device_name: match (provider, device.0.split_once(':')) {
            (Provider::Cpu, _) => crate::environment().cpu,
            (Provider::Qnn, _) | (_, None) => provider.label().to_owned(),
            (_, Some((_, inside))) => format!("{} {inside}", provider.label()),
        },
        device,
        availability,
        precisions: Vec::new(),
        not_ranked: None,
    }
}

/// What a session is made from, kept so that placement can make a second one.
struct Plan {
    runtime: &'static Runtime,
    place: Place,
    request: LoadRequest,
}

impl Plan {
    fn builder(&self) -> Result<SessionBuilder, ort::Error> {
        let mut builder = options(self.runtime, &self.place, self.request.threads)?;
        if self.place.provider.needs_fixed_sizes() {
            for (dimension, size) in &self.request.dims {
                builder = builder.with_dimension_override(dimension, *size as i64)?;
            }
        }
        Ok(builder)
    }
}

/// Session options as the users of the Python package have them, with the provider and threads asked for.
///
/// Nothing else is set: arena, spinning, affinity and denormals stay at the library's defaults.
fn options(runtime: &Runtime, place: &Place, threads: Option<u32>) -> Result<SessionBuilder, ort::Error> {
    let mut builder = ort::session::Session::builder(&runtime.environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        // The bindings would otherwise let the library choose an accelerator by itself.
        .with_auto_device(AutoDevicePolicy::PreferCPU)?;
    if let Some(threads) = threads {
        builder = builder.with_intra_threads(threads as usize)?;
    }
    if let (Some(plugin), Provider::Qnn) = (&runtime.plugin, place.provider) {
        return htp::plugged_in(builder, &runtime.environment, plugin);
    }
    match place.dispatch(&runtime.library) {
        Some(provider) => Ok(builder.with_execution_providers([provider])?),
        None => Ok(builder),
    }
}

struct Read {
    plan: Plan,
    model: Model,
}

impl Prepare for Read {
    type Session = Ready;

    fn prepare(self) -> Result<Ready, BackendError> {
        let prepared = self.model.prepare().map_err(|error| failed("preparing the graph", error))?;
        Ok(Ready {
            plan: self.plan,
            prepared: Some(prepared),
            feeds: Vec::new(),
            precision: (None, "no call was profiled yet".to_owned()),
        })
    }
}

struct Ready {
    plan: Plan,
    /// None only where preparing the graph anew for the profile failed.
    prepared: Option<Prepared>,
    feeds: Vec<Feed>,
    precision: (Option<Precision>, String),
}

impl Ready {
    fn prepared(&mut self) -> Result<&mut Prepared, BackendError> {
        self.prepared.as_mut().ok_or_else(|| BackendError::Failed {
            engine: NAME.to_owned(),
            doing: "preparing the graph anew",
            reason: "the session was given up for the profile and could not be made again".to_owned(),
        })
    }

    /// Makes the session anew with profiling on, makes one call and reads what the library wrote.
    fn profile(&mut self) -> Result<(Vec<native::Assignment>, Vec<profile::Kernel>), ort::Error> {
        let folder = tempfile::tempdir().map_err(ort::Error::wrap)?;
        // Two sessions at once would need the memory of the model twice.
        self.prepared = None;
        let builder = self
            .plan
            .builder()?
            .with_profiling(folder.path().join("call"))?
            .with_config_entry("session.record_ep_graph_assignment_info", "1")?;
        let model = Model::read(&self.plan.runtime.environment, builder, &self.plan.request.model)?;
        let prepared = self.prepared.insert(model.prepare()?);
        if let Some(feed) = self.feeds.first() {
            prepared.run(feed)?;
        }
        let written = prepared.end_profile()?;
        let text = std::fs::read_to_string(written).map_err(ort::Error::wrap)?;
        Ok((prepared.assignments()?, profile::kernels(&text).map_err(ort::Error::wrap)?))
    }
}

impl Session for Ready {
    fn set_inputs(&mut self, variants: Vec<Vec<Tensor>>) -> Result<(), BackendError> {
        let prepared = self.prepared()?;
        let feeds = variants.iter().map(|variant| prepared.feed(variant)).collect::<Result<_, _>>();
        self.feeds = feeds.map_err(|error| failed("taking the inputs", error))?;
        Ok(())
    }

    fn call(&mut self, variant: usize) -> Result<(), BackendError> {
        match (&mut self.prepared, self.feeds.get(variant)) {
            (Some(prepared), Some(feed)) => prepared.run(feed).map_err(|error| failed("running the model", error)),
            (Some(_), None) => Err(no_variant(NAME, variant)),
            (None, _) => self.prepared().map(drop),
        }
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>, BackendError> {
        self.prepared()?.results().map_err(|error| failed("reading the outputs", error))
    }

    fn facts(&self) -> SessionFacts {
        let cores = sysinfo::System::physical_core_count().map(|cores| cores as u32);
        SessionFacts {
            engine_version: self.plan.runtime.version.clone(),
            device_name: None,
            driver: None,
            precision: self.precision.0,
            precision_source: self.precision.1.clone(),
            // Left to itself the library takes one thread for each physical core.
            threads: self.plan.request.threads.or(cores),
            device_memory_bytes: None,
        }
    }

    fn placement(&mut self) -> Result<Option<Placement>, BackendError> {
        let (assignments, kernels) = self.profile().map_err(|error| failed("profiling one call", error))?;
        let asked = self.plan.place.provider.name();
        let graph = Graph::read(&self.plan.request.model).ok();
        let node_macs = graph.as_ref().and_then(|graph| profile::node_macs(graph, &self.plan.request.dims));
        self.precision = profile::precision(asked, &kernels, graph.as_ref().map_or(4, block_bits));
        Ok(Some(profile::placement(asked, &assignments, &kernels, &node_macs.unwrap_or_default())))
    }
}

impl Passing for Ready {
    type Value = Value;

    fn input_names(&self) -> Vec<String> {
        self.prepared.as_ref().map(Prepared::input_names).unwrap_or_default()
    }

    fn output_names(&self) -> Vec<String> {
        self.prepared.as_ref().map(Prepared::output_names).unwrap_or_default()
    }

    fn give(&self, tensor: &Tensor) -> Result<Value, BackendError> {
        Value::of(tensor).map_err(|error| failed("taking the inputs", error))
    }

    fn pass(&mut self, inputs: &[&Value]) -> Result<Vec<Value>, BackendError> {
        self.prepared()?.pass(inputs).map_err(|error| failed("running the model", error))
    }

    fn take(&self, name: &str, value: &Value) -> Result<Tensor, BackendError> {
        value.tensor(name).map_err(|error| failed("reading the outputs", error))
    }
}

/// Bits of weights in blocks: as the graph says, else those of the weights that the library puts into blocks by itself.
fn block_bits(graph: &Graph) -> i64 {
    let told = graph.nodes.iter().find(|node| node.op == "MatMulNBits").map(|node| node.int("bits").unwrap_or(4));
    let in_4 = graph.initializers.iter().any(|one| one.element == Element::I4);
    told.unwrap_or(if in_4 { 4 } else { 8 })
}

fn failed(doing: &'static str, error: ort::Error) -> BackendError {
    let reason = reason(&error);
    let engine = NAME.to_owned();
    let out_of_memory = ["bad_alloc", "bad allocation", "out of memory", "Failed to allocate memory"];
    if out_of_memory.iter().any(|sign| reason.contains(sign)) {
        return BackendError::OutOfMemory { device: engine, reason };
    }
    match error.code() {
        ErrorCode::NotImplemented | ErrorCode::InvalidGraph => BackendError::Unsupported { engine, reason },
        _ => BackendError::Failed { engine, doing, reason },
    }
}

/// What the library says, without the places in its source that it puts before.
fn reason(error: &ort::Error) -> String {
    let message = error.message().trim();
    let after_code = |text: &str| {
        let (_, after) = text.rsplit_once("[ONNXRuntimeError] : ")?;
        after.splitn(3, " : ").nth(2).map(str::to_owned)
    };
    let after_check = |text: &str| text.split_once(" was false. ").map(|(_, after)| after.to_owned());
    after_code(message).or_else(|| after_check(message)).unwrap_or_else(|| message.to_owned())
}

#[cfg(test)]
mod tests;
