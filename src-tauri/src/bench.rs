//! One measurement from its setting to its result: weights, references, limits, then the engine's worker.

use crate::{catalogue::Listed, place::Place, weights::Weights};
use contract::*;
use engine::{CalibrateError, Control, Job, Libraries, Limits, Program, Writing};
use jiff::Timestamp;
use models::{Calibration, Format, Generation, Model, ModelError, Ranges, Texts};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What measurements on this machine share.
#[derive(Clone)]
pub struct Bench {
    pub program: Program,
    pub libraries: Libraries,
    pub weights: Weights,
}

/// This program's own file: a worker is another start of it.
pub fn own_program() -> Result<Program, Failure> {
    Program::this().map_err(|e| Failure::broken("finding the program's own file", e))
}

/// One thing to measure, with what it is measured on.
pub struct Order<'a> {
    pub run: RunId,
    pub setting: &'a Setting,
    pub model: &'a Listed,
    pub machine: &'a Machine,
    pub settings: &'a Settings,
}

/// Why nothing was started, in the words of a failed result.
#[derive(Debug)]
pub struct Stopped {
    kind: FailureKind,
    failure: Failure,
}

/// Why a model cannot be had in int8 static.
pub fn calibration_failed(error: CalibrateError) -> Failure {
    Failure::bad_input("int8 static", error.to_string()).remedy("Choose int8, which needs no calibration")
}

impl Stopped {
    fn refused(failure: impl Into<Failure>) -> Self {
        Self { kind: FailureKind::Refused, failure: failure.into() }
    }

    pub fn cancelled() -> Self {
        Self { kind: FailureKind::Cancelled, failure: Failure::Cancelled }
    }

    fn of_calibration(error: CalibrateError) -> Self {
        match error {
            CalibrateError::Worker(error) if error.kind() == FailureKind::Cancelled => Self::cancelled(),
            error => Self::refused(calibration_failed(error)),
        }
    }
}

/// The ranges of an earlier calibration of the same weights, or new ones.
pub fn ranges(
    program: &Program,
    calibration: &Calibration,
    seed: u64,
    machine: &Machine,
    limits: &Limits,
    control: &Control,
) -> Result<Ranges, CalibrateError> {
    match calibration.known() {
        Some(ranges) => Ok(ranges),
        None => engine::calibrate(program, calibration, seed, &in_f32(machine), limits, control),
    }
}

impl Bench {
    /// With the libraries and the weights of a place.
    pub fn at(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            program: own_program()?,
            libraries: Libraries::find(&[place.libraries()]),
            weights: Weights::at(place.weights()),
        })
    }

    /// Never fails: what goes wrong is a result with its phase and reason.
    pub fn measure(&self, order: &Order, control: &Control, on: &mut dyn FnMut(Live)) -> Run {
        let started_at = Timestamp::now();
        let job = match self.prepare(order, control, on) {
            Ok(job) => job,
            Err(stopped) => return not_started(order, started_at, stopped),
        };
        let mut run = engine::measure(&self.program, &job, control, on);
        run.started_at = started_at;
        run
    }

    /// Weights, references and limits, so that a worker can begin.
    pub fn prepare(&self, order: &Order, control: &Control, on: &mut dyn FnMut(Live)) -> Result<Job, Stopped> {
        let Order { setting, model, machine, settings, .. } = order;
        let target = usable_target(machine, setting).map_err(Stopped::refused)?;
        let texts = written(&model.model, setting).map_err(Stopped::refused)?;
        let sizes = Sizes::with(&model.model, setting, texts.as_ref()).map_err(Stopped::refused)?;
        let stages = texts.as_ref().map(|(_, stages)| stages);
        let limit = memory_limit(settings, machine);
        fits_memory(&model.info.name, sizes.memory_bytes, limit).map_err(Stopped::refused)?;

        let mut acquire = Acquire { bench: self, order, control, on, began: Instant::now() };
        let format = acquire.format(limit)?;
        let own = acquire.weights(stages, format)?;
        let acquire_ms = acquire.began.elapsed().as_secs_f64() * 1e3;
        let references = references(machine, setting);
        let reference = match references.is_empty() || setting.precision == Precision::F32 {
            true => own.clone(),
            false => acquire.weights(stages, Precision::F32.into())?,
        };
        let writing = match (&texts, own.decode.clone().zip(reference.decode.clone())) {
            (Some((texts, stages)), Some((decode, reference_decode))) => {
                let sizes = stages.sizes(*texts).map_err(Stopped::refused)?;
                let [_, decode_dims] = sizes.steps;
                Some(Writing {
                    texts: *texts,
                    decode,
                    reference_decode,
                    decode_dims,
                    whole: sizes.whole,
                    cache: stages.cache.clone(),
                })
            }
            _ => None,
        };

        let info = &model.info;
        let outputs = self.weights.outputs_of(&info.id);
        [&own.folder, &reference.folder, &outputs].into_iter().for_each(|folder| self.weights.touch(folder));
        Ok(Job {
            run: order.run.clone(),
            setting: Setting { threads: setting.threads.or(settings.threads), ..(*setting).clone() },
            library: library(machine, &target.engine),
            target,
            model: RunModel {
                id: info.id.clone(),
                name: info.name.clone(),
                family: info.family.clone(),
                graph_hash: info.graph_hash.clone(),
                parameters: info.parameters,
                macs: sizes.macs,
                activations: sizes.activations,
                weight_bytes: Some(sizes.weight_bytes),
            },
            onnx: own.onnx,
            dims: sizes.dims,
            references,
            reference_onnx: reference.onnx,
            scores: model.model.scores().map(str::to_owned),
            writing,
            peaks: machine.peaks.clone(),
            limits: Limits { memory_bytes: limit, timeout: Duration::from_secs_f64(settings.timeout_secs) },
            acquire_ms: Some(acquire_ms),
            scratch: outputs,
        })
    }
}

/// The graphs that text is generated with.
///
/// # Errors
/// Where the model generates no text token by token; what to choose instead is said.
pub fn generation(model: &Model) -> Result<Generation, Failure> {
    if let Some(generation) = model.generation()? {
        return Ok(generation);
    }
    let info = model.info();
    let family = models::transformers::find(&info.family).map(|known| workbench::family_of(known).0);
    let decoder = "Choose a decoder, such as gpt2, opt-125m or llama-1.1b, or measure one pass";
    let (reason, remedy) = match (model.class(), family) {
        (None, _) => {
            ("where an ONNX file keeps what it has read is not known", "Give its config.json, or measure one pass")
        }
        (Some(_), Some(Family::EncoderDecoder)) => {
            ("it reads one text and writes another; this version of Assay generates with decoders only", decoder)
        }
        (Some(_), Some(Family::Decoder)) => (
            "it does not score the next word",
            "Name a class that does in `architectures`, such as …ForCausalLM, or measure one pass",
        ),
        (Some(_), _) => ("it does not write text token by token", decoder),
    };
    let subject = match model.class() {
        Some(class) => format!("generation with {} ({class})", info.family),
        None => format!("generation with {}", info.name),
    };
    Err(Failure::bad_input(subject, reason).remedy(remedy))
}

/// The texts that a setting asks for, with the graphs that write them; none where it is one pass.
fn written(model: &Model, setting: &Setting) -> Result<Option<(Texts, Generation)>, Failure> {
    if setting.mode != Mode::Generation {
        return Ok(None);
    }
    let prompt = setting.size.unwrap_or(DEFAULT_PROMPT);
    let output = setting.output_tokens().unwrap_or(DEFAULT_OUTPUT);
    Ok(Some((Texts { batch: setting.batch, prompt, output }, generation(model)?)))
}

/// What the sizes asked for mean for this model.
pub struct Sizes {
    /// Of the graph that runs; of the one that reads the prompt, where text is generated.
    pub dims: BTreeMap<String, u64>,
    /// Of one sample: of a whole text, where text is generated.
    pub macs: Option<u64>,
    /// Of one sample.
    pub activations: Option<u64>,
    /// At the precision asked for.
    pub weight_bytes: u64,
    /// Of the whole batch at the precision asked for, an estimate.
    pub memory_bytes: u64,
}

impl Sizes {
    pub fn of(model: &Model, setting: &Setting) -> Result<Self, Failure> {
        Self::with(model, setting, written(model, setting)?.as_ref())
    }

    fn with(model: &Model, setting: &Setting, texts: Option<&(Texts, Generation)>) -> Result<Self, Failure> {
        if let Some((texts, stages)) = texts {
            return Self::of_texts(setting, *texts, stages);
        }
        if setting.mode != Mode::Inference {
            let reason = "only one pass and generation can be measured by this version of Assay";
            return Err(Failure::bad_input(setting.mode.label(), reason));
        }
        let dims = model.dims_for(setting.batch, setting.size, &setting.dims)?;
        let asked = model.costs_in(setting.precision, &dims)?;
        let (macs, activations) = match model.dims_for(1, setting.size, &setting.dims) {
            Ok(single) => {
                let one = model.costs(&single)?;
                (one.macs, one.activations)
            }
            // The file fixes the batch at another number.
            Err(_) => {
                let all = model.costs(&dims)?;
                let share = |whole: Option<u64>| whole.map(|whole| whole / u64::from(setting.batch.max(1)));
                (share(all.macs), share(all.activations))
            }
        };
        let (weight_bytes, memory_bytes) = (asked.weight_bytes, asked.peak_memory_bytes);
        Ok(Self { dims, macs, activations, weight_bytes, memory_bytes })
    }

    fn of_texts(setting: &Setting, texts: Texts, stages: &Generation) -> Result<Self, Failure> {
        let unfit = match setting.precision {
            Precision::Int8 => Some(
                "the ranges of its activations differ from call to call, so that no whole pass tells whether the cache is right",
            ),
            Precision::Int8Static => Some("it is not calibrated for generating text"),
            _ => None,
        };
        if let Some(reason) = unfit {
            return Err(Failure::bad_input(setting.precision.label(), reason).remedy("Choose f32, f16 or int4"));
        }
        let dims = stages.sizes(texts)?.prompt;
        let costs = stages.costs_in(setting.precision, texts)?;
        Ok(Self {
            dims,
            macs: costs.macs,
            activations: costs.activations,
            weight_bytes: costs.weight_bytes,
            memory_bytes: costs.peak_memory_bytes,
        })
    }
}

/// The engine on the device, if it can be used at this precision.
pub fn usable_target(machine: &Machine, setting: &Setting) -> Result<Target, Failure> {
    let Setting { engine, device, precision, .. } = setting;
    let target = machine.target(engine, device).ok_or_else(|| {
        match machine.engines.iter().find(|status| &status.id == engine).map(|status| &status.availability) {
            Some(Availability::Missing { reason, remedy }) => {
                Failure::Missing { what: engine.0.clone(), reason: reason.clone(), remedy: remedy.clone() }
            }
            _ => Failure::not_found("engine on a device called", format!("{engine} on {device}")),
        }
    })?;
    if let Availability::Missing { reason, remedy } = &target.availability {
        let what = format!("{engine} on {}", target.device_name);
        return Err(Failure::Missing { what, reason: reason.clone(), remedy: remedy.clone() });
    }
    if !target.precisions.contains(precision) {
        let offered: Vec<&str> = target.precisions.iter().map(|p| p.label()).collect();
        return Err(Failure::bad_input(
            precision.label(),
            format!("{engine} does not offer it on {}", target.device_name),
        )
        .remedy(format!("It offers {}", offered.join(", "))));
    }
    Ok(target.clone())
}

/// What a worker may use: the share the settings grant of the installed memory.
pub fn memory_limit(settings: &Settings, machine: &Machine) -> u64 {
    (machine.memory_bytes as f64 * settings.memory_share) as u64
}

/// Refuses what would not fit into the worker's limit or into the memory that is free now.
pub fn fits_memory(name: &str, needed_bytes: u64, limit_bytes: u64) -> Result<(), Failure> {
    let available_bytes = engine::available_memory_bytes().min(limit_bytes);
    if needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(Failure::TooBig { subject: name.to_owned(), resource: "memory".into(), needed_bytes, available_bytes })
}

/// Free space of the disk that holds this path, in bytes.
pub fn available_disk(path: &Path) -> u64 {
    let path = path.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or_default();
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let holding = disks.iter().filter(|disk| path.starts_with(disk.mount_point()));
    holding.max_by_key(|disk| disk.mount_point().as_os_str().len()).map_or(0, sysinfo::Disk::available_space)
}

/// Other engines that are ready on the CPU: they say what the output should be.
fn references(machine: &Machine, setting: &Setting) -> Vec<(TargetChoice, Option<PathBuf>)> {
    let mut engines = in_f32(machine);
    engines.retain(|(choice, _)| family(&choice.engine) != family(&setting.engine));
    engines
}

/// Every engine that is ready for f32 on the CPU, the fastest first, so that a check takes little of the person's time.
pub fn in_f32(machine: &Machine) -> Vec<(TargetChoice, Option<PathBuf>)> {
    let mut targets: Vec<&Target> = machine
        .targets()
        .filter(|target| target.device.0 == "cpu")
        .filter(|target| target.availability.is_ready() && target.precisions.contains(&Precision::F32))
        .collect();
    targets.sort_by_key(|target| match family(&target.engine) {
        "onnxruntime" => 0,
        "openvino" => 1,
        _ => 2,
    });
    targets
        .into_iter()
        .map(|target| {
            let choice = TargetChoice { engine: target.engine.clone(), device: target.device.clone() };
            (choice, library(machine, &target.engine))
        })
        .collect()
}

/// The engine without its build: another build of one engine is no independent check.
fn family(engine: &EngineId) -> &str {
    engine.0.split('-').next().unwrap_or_default()
}

fn library(machine: &Machine, engine: &EngineId) -> Option<PathBuf> {
    machine.engines.iter().find(|status| &status.id == engine)?.library.as_ref().map(PathBuf::from)
}

/// Graphs with their weights.
#[derive(Clone)]
struct OnDisk {
    onnx: PathBuf,
    /// The graph that reads one token, where text is generated.
    decode: Option<PathBuf>,
    folder: PathBuf,
}

/// Writing or finding weights, shown as a phase of the run.
struct Acquire<'a> {
    bench: &'a Bench,
    order: &'a Order<'a>,
    control: &'a Control,
    on: &'a mut dyn FnMut(Live),
    began: Instant,
}

impl Acquire<'_> {
    /// What the engine is given for the precision asked for; calibrates where that is needed and was not done before.
    fn format(&mut self, memory_bytes: u64) -> Result<Format, Stopped> {
        let Order { model, setting, machine, settings, .. } = self.order;
        let format = Format::from(setting.precision).with_dynamic(engine::dynamic_form(&setting.engine));
        if setting.precision != Precision::Int8Static {
            return Ok(format);
        }
        let limits = Limits { memory_bytes, timeout: Duration::from_secs_f64(settings.timeout_secs) };
        let control = self.control.clone();
        let root = self.bench.weights.root().to_owned();
        let calibration =
            self.writing(Precision::F32, |progress| model.model.calibration(&root, setting.seed, progress))?;
        self.bench.weights.touch(calibration.folder());
        self.report("Calibrating the ranges of the activations".to_owned());
        let program = &self.bench.program;
        let ranges = ranges(program, &calibration, setting.seed, machine, &limits, &control);
        Ok(format.with_ranges(ranges.map_err(Stopped::of_calibration)?))
    }

    /// The model's graph, or the two that text is generated with.
    fn weights(&mut self, stages: Option<&Generation>, format: Format) -> Result<OnDisk, Stopped> {
        let Order { model, setting, .. } = self.order;
        let root = self.bench.weights.root().to_owned();
        self.writing(format.precision, |progress| match stages {
            Some(stages) => {
                let files = stages.materialize(&root, format.clone(), setting.seed, progress)?;
                Ok(OnDisk { onnx: files.prefill.onnx, decode: Some(files.decode), folder: files.prefill.folder })
            }
            None => {
                let files = model.model.materialize(&root, format.clone(), setting.seed, progress)?;
                Ok(OnDisk { onnx: files.onnx, decode: None, folder: files.folder })
            }
        })
    }

    /// Lets weights be written and shows how far that is.
    fn writing<T>(
        &mut self,
        precision: Precision,
        write: impl FnOnce(&mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Result<T, ModelError>,
    ) -> Result<T, Stopped> {
        let model = self.order.model;
        let (needed, free) = (model.model.disk_bytes(precision), available_disk(self.bench.weights.root()));
        self.report(format!("Preparing the weights in {precision}"));
        let mut shown = Instant::now();
        let mut progress = |done: u64, total: u64| {
            if self.control.is_cancelled() {
                return ControlFlow::Break(());
            }
            if shown.elapsed() > Duration::from_millis(150) {
                shown = Instant::now();
                self.report(format!("Weights in {precision}: {} of {} MB", done / 1_000_000, total / 1_000_000));
            }
            ControlFlow::Continue(())
        };
        match write(&mut progress) {
            Ok(written) => Ok(written),
            Err(ModelError::Cancelled) => Err(Stopped::cancelled()),
            Err(_) if needed > free => Err(Stopped::refused(Failure::TooBig {
                subject: format!("the weights of {}", model.info.name),
                resource: "disk space".into(),
                needed_bytes: needed,
                available_bytes: free,
            })),
            Err(e) => Err(Stopped::refused(e)),
        }
    }

    fn report(&mut self, line: String) {
        (self.on)(Live {
            job: JobId(self.order.run.0.clone()),
            run: self.order.run.clone(),
            phase: PhaseName::Acquire,
            elapsed_secs: self.began.elapsed().as_secs_f64(),
            phases: Vec::new(),
            recent_ms: Vec::new(),
            samples: 0,
            median_ms: None,
            low_ms: None,
            high_ms: None,
            generating: None,
            noise: None,
            cpu_cores: None,
            memory_bytes: None,
            log: vec![line],
        });
    }
}

pub fn not_started(order: &Order, started_at: Timestamp, stopped: Stopped) -> Run {
    let message = stopped.failure.to_string();
    let info = &order.model.info;
    let model = RunModel {
        id: info.id.clone(),
        name: info.name.clone(),
        family: info.family.clone(),
        graph_hash: info.graph_hash.clone(),
        parameters: info.parameters,
        ..RunModel::default()
    };
    failed_run(
        order.run.clone(),
        order.setting,
        model,
        Some(order.machine),
        started_at,
        PhaseName::Acquire,
        stopped.kind,
        message,
    )
}

/// A result that says why there is no figure.
#[expect(clippy::too_many_arguments, reason = "each is one field of the result")]
pub fn failed_run(
    id: RunId,
    setting: &Setting,
    model: RunModel,
    machine: Option<&Machine>,
    started_at: Timestamp,
    phase: PhaseName,
    kind: FailureKind,
    message: String,
) -> Run {
    let target = machine.and_then(|machine| machine.target(&setting.engine, &setting.device));
    let device_name = target.map_or_else(|| setting.device.0.clone(), |target| target.device_name.clone());
    Run {
        id,
        evidence: Evidence::Measured,
        source: None,
        setting: setting.clone(),
        platform: target.map_or_else(|| platform_named(&setting.device), |target| target.platform),
        model,
        started_at,
        finished_at: Timestamp::now(),
        outcome: Outcome::Failed { phase, kind, message, remedy: None },
        phases: Vec::new(),
        timing: None,
        samples_ms: Vec::new(),
        generated: None,
        check: OutputCheck::Unchecked { reason: "it did not run".into() },
        error: None,
        placement: None,
        effective: Effective { device_name, ..Effective::default() },
        memory: Memory::default(),
        noise: None,
        flags: Vec::new(),
        environment: engine::environment(),
        log: Vec::new(),
    }
}

/// The platform that a device's id speaks of, for a device that is no longer there.
fn platform_named(device: &DeviceId) -> Platform {
    match device.0.split(':').next().unwrap_or_default() {
        "cuda" => Platform::Cuda,
        "rocm" | "migraphx" => Platform::Rocm,
        "mps" | "metal" | "coreml" => Platform::Mps,
        "openvino" => Platform::OpenVino,
        "qnn" => Platform::Qualcomm,
        "webnn" => Platform::WebNn,
        "webgpu" | "vulkan" | "dx12" | "gl" => Platform::WebGpu,
        _ => Platform::Cpu,
    }
}
