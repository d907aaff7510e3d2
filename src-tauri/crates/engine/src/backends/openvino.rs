//! OpenVINO, through its C interface: the devices its plug-ins find, one graph compiled whole for one of them.

use super::{
    Prepare, no_variant,
    pair::{Passing, ReadPair, on_cpu_only},
};
use crate::backend::{Backend, BackendError, LoadRequest, Loaded, LoadedWriter, Session, SessionFacts, WriterRequest};
use contract::{Availability, DeviceId, EngineId, EngineStatus, Placement, PlacementPart, Platform, Precision, Target};
use models::{Dimension, Element, Graph, Tensor};
use openvino::{
    CompiledModel, Core, DeviceType, Dimension as Extent, ElementType, InferRequest, InferenceError,
    InferenceErrorKind, Model, PartialShape, PropertyKey, RwPropertyKey, Shape,
};
use std::{
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const NAME: &str = "OpenVINO";

pub struct OpenVino;

impl Backend for OpenVino {
    fn key(&self) -> &'static str {
        "openvino"
    }

    fn prepare(&self, library: Option<&Path>) -> Result<(), BackendError> {
        core(library).map(drop)
    }

    fn status(&self, engine: &EngineId, library: Option<&Path>) -> EngineStatus {
        let mut status = EngineStatus {
            id: engine.clone(),
            name: NAME.to_owned(),
            version: None,
            availability: Availability::Ready,
            library: library.map(|library| library.display().to_string()),
            offers: Vec::new(),
            targets: Vec::new(),
        };
        let listed = core(library).and_then(|core| {
            let devices = core.available_devices().map_err(|error| failed("listing its devices", error))?;
            let names: Vec<String> = devices.iter().map(|device| device.as_ref().to_owned()).collect();
            Ok((core, names))
        });
        match listed {
            Ok((core, names)) => {
                status.version = Some(version());
                status.targets = targets(engine, &core, &names);
                status.offers = names;
            }
            Err(error) => {
                status.availability = error.availability();
                status.targets = KINDS.iter().map(|kind| absent(engine, kind, error.availability())).collect();
            }
        }
        status
    }

    fn load(&self, request: &LoadRequest) -> Result<Box<dyn Loaded>, BackendError> {
        Ok(Box::new(Read::open(request, |_| true)?))
    }

    fn generates_on(&self, device: &DeviceId) -> Result<(), BackendError> {
        on_cpu_only(NAME, device)
    }

    fn load_writer(&self, request: &WriterRequest) -> Result<Box<dyn LoadedWriter>, BackendError> {
        self.generates_on(&request.prefill.device)?;
        // A text grows with each token, so that its length stays free, as OpenVINO's own generation has it. How many texts
        // there are and how large their images does not change.
        Ok(Box::new(ReadPair::open(NAME, request, |request| Read::open(request, |size| !grows(size)))?))
    }
}

/// Whether a size of the graphs that write text counts tokens.
fn grows(size: &str) -> bool {
    size.split(" + ").any(|part| ["sequence", "decoder_sequence", "past"].contains(&part))
}

impl Read {
    /// `fixed` tells which free sizes stay the same in all calls.
    fn open(request: &LoadRequest, fixed: impl Fn(&str) -> bool) -> Result<Self, BackendError> {
        let mut core = core(request.library.as_deref())?;
        let device = plugin_name(&request.device);
        let graph = Graph::read(&request.model).map_err(|error| unsupported(error.to_string()))?;
        let path = request.model.to_str().ok_or_else(|| unsupported("its path is not valid Unicode".to_owned()))?;
        // An empty second path lets the library find the weights as the format says.
        let mut model = core.read_model_from_file(path, "").map_err(|error| failed("reading the model", error))?;
        fix_shapes(&mut model, &graph, request, fixed)?;
        Ok(Self { core, model, graph, device, request: request.clone() })
    }
}

/// The plug-ins OpenVINO may bring, with what each needs where it does not report a device.
const KINDS: [(&str, &str); 3] = [
    ("CPU", "Put OpenVINO's CPU plug-in (libopenvino_intel_cpu_plugin) beside its library."),
    ("GPU", "It needs an Intel GPU and its OpenCL driver (intel-opencl-icd)."),
    ("NPU", "It needs an Intel Core Ultra processor and the driver of its NPU (intel-driver-compiler-npu)."),
];

/// A core of the library of this process, which is loaded on the first call and never changed for another.
fn core(library: Option<&Path>) -> Result<Core, BackendError> {
    static LOADED: Mutex<Option<PathBuf>> = Mutex::new(None);
    let library = library.ok_or_else(|| {
        missing(
            "its library was not found".to_owned(),
            "Put the libraries from the PyPI package openvino into the libraries folder as openvino, or install OpenVINO, \
             then press Rescan",
        )
    })?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(other) = loaded.as_deref().filter(|loaded| *loaded != library) {
        let reason = format!("this process already uses {}", other.display());
        return Err(missing(reason, "Each build is loaded by a worker of its own."));
    }
    // The bindings panic where a function is missing; a library of another version must stay an answer.
    let made = catch_unwind(|| {
        #[cfg(windows)]
        with_its_company(library)?;
        openvino_sys::library::load_from(library)?;
        Core::new().map_err(|error| error.to_string())
    })
    .unwrap_or_else(|_| Err("it lacks functions that Assay calls".to_owned()));
    let made = made.map_err(|reason| missing(reason, "Put OpenVINO 2024.0 or newer for this system in its place."))?;
    *loaded = Some(library.to_owned());
    Ok(made)
}

/// Windows looks for what a library needs beside the program, unless it is told to look beside the library.
#[cfg(windows)]
fn with_its_company(library: &Path) -> Result<(), String> {
    use libloading::os::windows::{LOAD_WITH_ALTERED_SEARCH_PATH, Library};
    // SAFETY: as for the bindings' own loading, which finds it loaded; it is never unloaded.
    let loaded = unsafe { Library::load_with_flags(library, LOAD_WITH_ALTERED_SEARCH_PATH) };
    loaded.map(std::mem::forget).map_err(|error| error.to_string())
}

/// `2026.4.1-…` without the build's hash.
fn version() -> String {
    let full = openvino::version().build_number;
    full.split('-').next().map_or(full.clone(), str::to_owned)
}

fn targets(engine: &EngineId, core: &Core, names: &[String]) -> Vec<Target> {
    let mut targets: Vec<Target> = names.iter().map(|name| present(engine, core, name)).collect();
    for kind in &KINDS {
        if !names.iter().any(|name| name.split('.').next() == Some(kind.0)) {
            let reason = format!("OpenVINO finds no {} here", kind.0);
            targets.push(absent(engine, kind, Availability::missing(reason, kind.1)));
        }
    }
    targets
}

fn present(engine: &EngineId, core: &Core, name: &str) -> Target {
    let device = DeviceType::from(name);
    let property = |key| core.get_property(&device, &key).unwrap_or_default();
    let capabilities = property(PropertyKey::DeviceCapabilities);
    let has_bf16 = capabilities.split([' ', ',']).any(|capability| capability == "BF16");
    // Every plug-in takes f16 models; one without f16 arithmetic runs them in f32 and says so afterwards.
    let mut precisions = vec![Precision::F32, Precision::F16];
    precisions.extend(has_bf16.then_some(Precision::Bf16));
    // Quantised graphs run everywhere; where the arithmetic lacks, in f32, which is said afterwards.
    precisions.extend(Precision::ALL.iter().filter(|precision| precision.is_quantised()));
    let full_name = property(PropertyKey::DeviceFullName).trim().to_owned();
    Target {
        engine: engine.clone(),
        device: device_id(name),
        platform: Platform::OpenVino,
        device_name: if full_name.is_empty() { name.to_owned() } else { full_name },
        availability: Availability::Ready,
        precisions,
        not_ranked: None,
    }
}

fn absent(engine: &EngineId, kind: &(&str, &str), availability: Availability) -> Target {
    Target {
        engine: engine.clone(),
        device: device_id(kind.0),
        platform: Platform::OpenVino,
        device_name: kind.0.to_owned(),
        availability,
        precisions: Vec::new(),
        not_ranked: None,
    }
}

/// The CPU is the same device as for the other engines; what only OpenVINO addresses this way carries its name.
fn device_id(plugin: &str) -> DeviceId {
    if plugin == "CPU" { "cpu".into() } else { format!("openvino:{plugin}").into() }
}

fn plugin_name(device: &DeviceId) -> String {
    if device.0 == "cpu" { "CPU".to_owned() } else { device.0.trim_start_matches("openvino:").to_owned() }
}

/// Fixes the free dimensions before compiling, as benchmark_app does for `-shape`: the plug-ins then choose kernels and
/// plan memory for these sizes, which is how OpenVINO is fastest and how its users are told to deploy.
fn fix_shapes(
    model: &mut Model,
    graph: &Graph,
    request: &LoadRequest,
    fixed: impl Fn(&str) -> bool,
) -> Result<(), BackendError> {
    if graph.free_dimensions().is_empty() {
        return Ok(());
    }
    let is_free = |dimension: &Dimension| matches!(dimension, Dimension::Free(_));
    let mut shapes = Vec::new();
    // An input without dimensions has no shape to OpenVINO, so that only those that need it are named.
    for input in graph.inputs.iter().filter(|input| input.shape.iter().any(is_free)) {
        let sizes = input.shape_for(&request.dims).map_err(|error| unsupported(error.to_string()))?;
        let extents = input.shape.iter().zip(sizes).map(|(dimension, size)| match dimension {
            Dimension::Free(name) if !fixed(name) => Extent::new(-1, -1),
            _ => Extent::new(size as i64, size as i64),
        });
        let extents: Vec<Extent> = extents.collect();
        let shape = PartialShape::new(extents.len() as i64, &extents);
        shapes.push((input.name.as_str(), shape.map_err(|error| failed("fixing the shapes", error))?));
    }
    let named: Vec<(&str, &PartialShape)> = shapes.iter().map(|(name, shape)| (*name, shape)).collect();
    model.reshape(&named).map_err(|error| failed("fixing the shapes", error))
}

struct Read {
    core: Core,
    model: Model,
    graph: Graph,
    device: String,
    request: LoadRequest,
}

impl Prepare for Read {
    type Session = Ready;

    fn prepare(mut self) -> Result<Ready, BackendError> {
        for (key, value) in properties(&self.device, &self.request) {
            let device = DeviceType::from(self.device.as_str());
            self.core.set_property(&device, &key, &value).map_err(|error| failed("setting its properties", error))?;
        }
        let device = DeviceType::from(self.device.as_str());
        let compiled = self.core.compile_model(&self.model, device);
        let compiled = compiled.map_err(|error| failed("compiling the model", error))?;
        Ok(Ready {
            core: self.core,
            compiled,
            graph: self.graph,
            device: self.device,
            asked: self.request.precision,
            requests: Vec::new(),
            last: None,
            turns: Vec::new(),
        })
    }
}

/// What `benchmark_app -hint none -api sync -nireq 1 -nstreams 1 -nthreads N -infer_precision P` sets.
///
/// Without the precision hint the CPU plug-in runs f32 models in bf16 where the processor has it.
fn properties(device: &str, request: &LoadRequest) -> Vec<(RwPropertyKey, String)> {
    let precision = match request.precision {
        Precision::F16 => "f16",
        Precision::Bf16 => "bf16",
        // Quantised operators carry their format in the graph; the rest of it runs in f32.
        Precision::F32 | Precision::Int8 | Precision::Int8Static | Precision::Int4 => "f32",
    };
    let mut properties = vec![(RwPropertyKey::HintInferencePrecision, precision.to_owned())];
    if device == "CPU" {
        properties.push((RwPropertyKey::NumStreams, "1".to_owned()));
        properties.extend(request.threads.map(|threads| (RwPropertyKey::InferenceNumThreads, threads.to_string())));
    }
    properties
}

struct Ready {
    core: Core,
    compiled: CompiledModel,
    graph: Graph,
    device: String,
    asked: Precision,
    /// One for each variant, its inputs already set, so that a call is nothing but the inference.
    requests: Vec<InferRequest>,
    last: Option<usize>,
    /// For calls whose outputs are the next one's inputs: two, for a request writes over its own outputs.
    turns: Vec<InferRequest>,
}

impl Ready {
    fn property(&self, key: PropertyKey) -> Option<String> {
        self.compiled.get_property(&key).ok().map(|value| value.trim().to_owned())
    }

    /// What a quantised graph ran in, as far as the library tells: it names no format for single operators.
    fn quantised(&self, capabilities: Option<&str>) -> (Option<Precision>, String) {
        if self.asked == Precision::Int8Static {
            let able = capabilities.is_some_and(|known| known.split([' ', ',']).any(|known| known == "INT8"));
            let source = format!("the device's OPTIMIZATION_CAPABILITIES: {}", capabilities.unwrap_or("not told"));
            return (able.then_some(self.asked), source);
        }
        let group = self.property(PropertyKey::Other("DYNAMIC_QUANTIZATION_GROUP_SIZE".into()));
        let source = match &group {
            Some(group) => format!("the compiled model's DYNAMIC_QUANTIZATION_GROUP_SIZE: {group}"),
            None => "the compiled model does not tell its DYNAMIC_QUANTIZATION_GROUP_SIZE".to_owned(),
        };
        match group.as_deref() {
            Some("0") => (Some(Precision::F32), format!("{source}, so weights are widened to f32 for each product")),
            Some(_) => (Some(self.asked), source),
            None => (None, source),
        }
    }
}

/// Bytes that the GPU plug-in holds on the device. It tells them by kind, `{cl_mem:0,usm_device:4096,usm_host:64}`, of which
/// `usm_host` is the computer's own memory; it keeps what it once took for as long as the compiled model lives.
fn device_bytes(statistics: &str) -> Option<u64> {
    let kinds = statistics.strip_prefix('{')?.strip_suffix('}')?.split(',');
    let bytes = kinds.map(|kind| {
        let (name, bytes) = kind.split_once(':')?;
        let bytes = bytes.trim().parse::<u64>().ok()?;
        Some(if name.trim() == "usm_host" { 0 } else { bytes })
    });
    bytes.sum()
}

/// The format of the arithmetic that the compiled model names.
fn by_hint(hint: Option<&str>) -> (Option<Precision>, String) {
    let precision = match hint {
        Some("f32") => Some(Precision::F32),
        Some("f16") => Some(Precision::F16),
        Some("bf16") => Some(Precision::Bf16),
        _ => None,
    };
    let source = match hint {
        Some(hint) => format!("the compiled model's INFERENCE_PRECISION_HINT: {hint}"),
        None => "the compiled model does not tell its INFERENCE_PRECISION_HINT".to_owned(),
    };
    (precision, source)
}

impl Passing for Ready {
    type Value = openvino::Tensor;

    fn input_names(&self) -> Vec<String> {
        self.graph.inputs.iter().map(|input| input.name.clone()).collect()
    }

    fn output_names(&self) -> Vec<String> {
        self.graph.outputs.iter().map(|output| output.name.clone()).collect()
    }

    fn give(&self, tensor: &Tensor) -> Result<Self::Value, BackendError> {
        value_of(tensor).map_err(|error| failed("taking the inputs", error))
    }

    fn pass(&mut self, inputs: &[&Self::Value]) -> Result<Vec<Self::Value>, BackendError> {
        while self.turns.len() < 2 {
            let request = self.compiled.create_infer_request().map_err(|error| failed("making a request", error))?;
            self.turns.push(request);
        }
        self.turns.reverse();
        let request = &mut self.turns[0];
        for (input, value) in self.graph.inputs.iter().zip(inputs) {
            request.set_tensor(&input.name, value).map_err(|error| failed("taking the inputs", error))?;
        }
        request.infer().map_err(|error| failed("running the model", error))?;
        let outputs = (0..self.graph.outputs.len()).map(|index| request.get_output_tensor_by_index(index));
        outputs.map(|output| output.map_err(|error| failed("reading the outputs", error))).collect()
    }

    fn take(&self, name: &str, value: &Self::Value) -> Result<Tensor, BackendError> {
        tensor_of(name, value).map_err(|error| failed("reading the outputs", error))
    }
}

impl Session for Ready {
    fn set_inputs(&mut self, variants: Vec<Vec<Tensor>>) -> Result<(), BackendError> {
        self.requests.clear();
        self.last = None;
        for variant in variants {
            let mut request =
                self.compiled.create_infer_request().map_err(|error| failed("making a request", error))?;
            for tensor in &variant {
                give(&mut request, tensor).map_err(|error| failed("taking the inputs", error))?;
            }
            self.requests.push(request);
        }
        Ok(())
    }

    fn call(&mut self, variant: usize) -> Result<(), BackendError> {
        let request = self.requests.get_mut(variant).ok_or_else(|| no_variant(NAME, variant))?;
        self.last = Some(variant);
        request.infer().map_err(|error| failed("running the model", error))
    }

    fn outputs(&mut self) -> Result<Vec<Tensor>, BackendError> {
        let request = self.last.and_then(|variant| self.requests.get(variant)).ok_or_else(|| BackendError::Failed {
            engine: NAME.to_owned(),
            doing: "reading the outputs",
            reason: "nothing was run yet".to_owned(),
        })?;
        // The library keeps the order of the file's outputs but may know one under another name.
        self.graph
            .outputs
            .iter()
            .enumerate()
            .map(|(index, output)| {
                let tensor = request.get_output_tensor_by_index(index);
                tensor
                    .and_then(|tensor| tensor_of(&output.name, &tensor))
                    .map_err(|error| failed("reading the outputs", error))
            })
            .collect()
    }

    fn facts(&self) -> SessionFacts {
        let hint = self.property(RwPropertyKey::HintInferencePrecision.into());
        let device = DeviceType::from(self.device.as_str());
        let core_property = |key| self.core.get_property(&device, &key).ok().map(|value| value.trim().to_owned());
        let (precision, precision_source) = match self.asked.is_quantised() {
            true => self.quantised(core_property(PropertyKey::DeviceCapabilities).as_deref()),
            false => by_hint(hint.as_deref()),
        };
        SessionFacts {
            engine_version: version(),
            device_name: core_property(PropertyKey::DeviceFullName).filter(|name| !name.is_empty()),
            driver: core_property(PropertyKey::Other("GPU_DRIVER_VERSION".into()))
                .or_else(|| core_property(PropertyKey::Other("NPU_DRIVER_VERSION".into()))),
            precision,
            precision_source,
            threads: self.property(RwPropertyKey::InferenceNumThreads.into()).and_then(|threads| threads.parse().ok()),
            device_memory_bytes: core_property(PropertyKey::Other("GPU_MEMORY_STATISTICS".into()))
                .and_then(|statistics| device_bytes(&statistics)),
        }
    }

    fn placement(&mut self) -> Result<Option<Placement>, BackendError> {
        let Some(devices) = self.property(PropertyKey::Other("EXECUTION_DEVICES".into())) else { return Ok(None) };
        // A plug-in compiles the whole graph or refuses it; only the virtual devices, which Assay never asks for, split it.
        let all = devices.split([' ', ',']).all(|device| is_asked(device, &self.device));
        let nodes = self.graph.nodes.len() as u32;
        Ok(Some(Placement {
            node_share: if all { 1.0 } else { 0.0 },
            mac_share: Some(if all { 1.0 } else { 0.0 }),
            parts: vec![PlacementPart { on: devices.clone(), nodes, macs: None }],
            source: format!("OpenVINO compiles the whole graph for one device; its EXECUTION_DEVICES: {devices}"),
        }))
    }
}

/// Whether the device that a compiled model names is the one asked for. Of a kind of device the library names the one it
/// took, such as `GPU.0` for `GPU`.
fn is_asked(named: &str, asked: &str) -> bool {
    named.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn give(request: &mut InferRequest, tensor: &Tensor) -> Result<(), InferenceError> {
    // Its C interface makes no shape without dimensions: a single number is put where the request keeps its own.
    if tensor.shape.is_empty() {
        request.get_tensor(&tensor.name)?.get_raw_data_mut()?.copy_from_slice(&tensor.bytes);
        return Ok(());
    }
    request.set_tensor(&tensor.name, &value_of(tensor)?)
}

fn value_of(tensor: &Tensor) -> Result<openvino::Tensor, InferenceError> {
    let sizes: Vec<i64> = tensor.shape.iter().map(|size| *size as i64).collect();
    let mut value = openvino::Tensor::new(element_type(tensor.element), &Shape::new(&sizes)?)?;
    value.get_raw_data_mut()?.copy_from_slice(&tensor.bytes);
    Ok(value)
}

fn tensor_of(name: &str, value: &openvino::Tensor) -> Result<Tensor, InferenceError> {
    let kind = value.get_element_type()?;
    let element = ELEMENTS.iter().find(|(_, known)| *known == kind).map(|(element, _)| *element);
    let element = element.ok_or_else(|| InferenceError {
        kind: InferenceErrorKind::NotImplemented,
        message: Some(format!("the output {name} has the number format {kind:?}, which Assay cannot read")),
    })?;
    let shape = value.get_shape()?.get_dimensions().iter().map(|size| *size as usize).collect();
    Ok(Tensor { name: name.to_owned(), element, shape, bytes: value.get_raw_data()?.to_vec() })
}

const ELEMENTS: [(Element, ElementType); 14] = [
    (Element::F32, ElementType::F32),
    (Element::F16, ElementType::F16),
    (Element::Bf16, ElementType::Bf16),
    (Element::F64, ElementType::F64),
    (Element::I8, ElementType::I8),
    (Element::U8, ElementType::U8),
    (Element::I16, ElementType::I16),
    (Element::U16, ElementType::U16),
    (Element::I32, ElementType::I32),
    (Element::U32, ElementType::U32),
    (Element::I64, ElementType::I64),
    (Element::U64, ElementType::U64),
    (Element::Bool, ElementType::Boolean),
    (Element::I4, ElementType::I4),
];

fn element_type(element: Element) -> ElementType {
    ELEMENTS.iter().find(|(known, _)| *known == element).expect("every element has its line in ELEMENTS").1
}

fn missing(reason: String, remedy: &str) -> BackendError {
    BackendError::Missing { engine: NAME.to_owned(), reason, remedy: remedy.to_owned() }
}

fn unsupported(reason: String) -> BackendError {
    BackendError::Unsupported { engine: NAME.to_owned(), reason }
}

fn failed(doing: &'static str, error: InferenceError) -> BackendError {
    let reason = error.message.clone().unwrap_or_else(|| error.kind.to_string());
    let out_of_memory =
        ["bad_alloc", "bad allocation", "out of memory", "OUT_OF_RESOURCES", "CL_MEM_OBJECT_ALLOCATION"];
    if out_of_memory.iter().any(|sign| reason.contains(sign)) {
        return BackendError::OutOfMemory { device: NAME.to_owned(), reason };
    }
    let unable = ["not supported", "unsupported", "NotImplemented", "is not implemented"];
    if error.kind == InferenceErrorKind::NotImplemented || unable.iter().any(|sign| reason.contains(sign)) {
        return unsupported(reason);
    }
    BackendError::Failed { engine: NAME.to_owned(), doing, reason }
}

#[cfg(test)]
mod tests;
