//! What a generated benchmark prints, as a result: measured where Assay ran it, imported where it came as a file.

use chart::format::count;
use contract::*;
use engine::{MIN_SAMPLES, noise, statistics};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const KIND: &str = "assay-benchmark";

/// The JSON of `templates/benchmark.py`, as far as it is part of a result. The figures that follow from the samples are
/// not read but made from them, as for every other result.
#[derive(Deserialize)]
struct Printed {
    model_type: String,
    checkpoint: Option<String>,
    parameters: u64,
    platform: Platform,
    engine: PrintedEngine,
    /// What holds the weights, or runs the graph, in the engine's words.
    places: Vec<String>,
    precision: PrintedPrecision,
    batch: u32,
    /// Shapes by name.
    inputs: BTreeMap<String, Vec<u32>>,
    seed: u64,
    check: PrintedCheck,
    environment: PrintedEnvironment,
    #[serde(default)]
    phases_ms: BTreeMap<String, f64>,
    warm_up: Option<PrintedWarmUp>,
    #[serde(default)]
    samples_ms: Vec<f64>,
    stopped: Option<StopReason>,
    noise: Option<PrintedNoise>,
    harness_ms: Option<f64>,
    /// The largest memory of the whole process, Python and its libraries with it.
    peak_bytes: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PrintedEngine {
    Torch,
    OpenVino,
    OnnxRuntime,
}

#[derive(Deserialize)]
struct PrintedPrecision {
    asked: Precision,
    /// In the engine's words; none where it does not say.
    effective: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct PrintedCheck {
    against: String,
    /// Of the largest value; none where an output is not finite or has another shape.
    largest_difference: Option<f64>,
    tolerance: f64,
    agrees: bool,
}

#[derive(Deserialize)]
struct PrintedWarmUp {
    secs: f64,
}

#[derive(Deserialize)]
struct PrintedNoise {
    sentinel_ms: Vec<f64>,
}

#[derive(Deserialize)]
struct PrintedEnvironment {
    system: String,
    machine: String,
    processor: String,
    cores: Option<u32>,
    load: Option<f64>,
    threads: Option<u32>,
    device: Option<String>,
    driver: Option<String>,
    python: String,
    torch: String,
    transformers: String,
    openvino: Option<String>,
    onnxruntime: Option<String>,
}

/// What a result needs beside what was printed.
struct Around {
    id: RunId,
    evidence: Evidence,
    source: String,
    device: DeviceId,
    device_name: String,
    environment: Environment,
    started_at: Timestamp,
    finished_at: Timestamp,
}

/// The result of a benchmark that Assay ran just now.
///
/// # Errors
/// With what is wrong, where it is not one that can be kept.
pub fn measured(
    printed: &Value,
    trial: &Trial,
    machine: Option<&Machine>,
    environment: Environment,
) -> Result<Run, String> {
    let printed = Printed::read(printed)?;
    if printed.model_type != trial.file.model_type || printed.platform != trial.file.platform {
        return Err(format!("it speaks of {} on {}", printed.model_type, printed.platform));
    }
    let (device, device_name) = printed.device(machine, &environment);
    let around = Around {
        id: RunId(trial.id.clone()),
        evidence: Evidence::Measured,
        source: format!("generated benchmark, template {}", trial.template),
        device,
        device_name,
        environment,
        started_at: trial.started_at,
        finished_at: trial.started_at + SignedDuration::from_secs_f64(trial.secs),
    };
    let mut run = printed.run(around)?;
    run.log.extend(trial.log.iter().cloned());
    Ok(run)
}

/// The result of a benchmark that ran elsewhere, at about this time.
///
/// # Errors
/// With what is wrong, where it is none, or has no time.
pub fn imported(printed: &Value, source: &str, at: Timestamp) -> Result<Run, String> {
    let printed = Printed::read(printed)?;
    let PrintedEnvironment { system, machine, processor, cores, load, device, .. } = &printed.environment;
    let names = [device.as_ref(), Some(processor), Some(machine)];
    let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
    let device_name = name.map_or_else(|| printed.platform.label().to_owned(), String::clone);
    let environment = Environment {
        os: system.clone(),
        cpu: processor.clone(),
        logical_cores: cores.unwrap_or_default(),
        load: *load,
        ..Environment::default()
    };
    let run = printed.run(Around {
        id: RunId(uuid::Uuid::now_v7().to_string()),
        evidence: Evidence::Imported,
        source: source.to_owned(),
        // Another machine's `cpu` is none of this machine.
        device: DeviceId(format!("imported:{device_name}")),
        device_name,
        environment,
        started_at: at,
        finished_at: at,
    })?;
    match run.outcome {
        Outcome::Done => Ok(run),
        Outcome::Failed { message, .. } => Err(format!("it has no time: {message}")),
    }
}

impl Printed {
    fn read(printed: &Value) -> Result<Self, String> {
        if printed["kind"] != KIND {
            return Err("it is not what a generated benchmark prints".to_owned());
        }
        let read = Self::deserialize(printed).map_err(|e| format!("this version of Assay cannot read it: {e}"))?;
        if read.batch == 0 {
            return Err("its batch is 0".to_owned());
        }
        if let Some(place) = read.elsewhere() {
            return Err(format!("it ran on {place}, not on {}", read.platform));
        }
        Ok(read)
    }

    /// Where PyTorch holds all weights, if that is not the platform that was asked for.
    fn elsewhere(&self) -> Option<String> {
        let asked = self.torch_device()?;
        (!self.places.iter().any(|place| place == asked)).then(|| self.places.join(" and "))
    }

    fn torch_device(&self) -> Option<&'static str> {
        match (self.engine, self.platform) {
            (PrintedEngine::Torch, Platform::Cpu) => Some("cpu"),
            (PrintedEngine::Torch, Platform::Cuda | Platform::Rocm) => Some("cuda"),
            (PrintedEngine::Torch, Platform::Mps) => Some("mps"),
            _ => None,
        }
    }

    /// As engines of this machine address it, so that it is told in the same column.
    fn device(&self, machine: Option<&Machine>, environment: &Environment) -> (DeviceId, String) {
        let id = match (self.platform, self.places.first().map(String::as_str)) {
            (Platform::Cpu, _) | (Platform::OpenVino, Some("CPU")) => "cpu".to_owned(),
            (Platform::OpenVino, Some(place)) => format!("openvino:{place}"),
            (Platform::Cuda, _) => "cuda:0".to_owned(),
            (Platform::Rocm, _) => "rocm:0".to_owned(),
            (Platform::Mps, _) => "metal:0".to_owned(),
            (platform, _) => platform.key().to_owned(),
        };
        // OpenVINO says `GPU` for its `GPU.0`.
        let same = |target: &&Target| {
            let rest = target.device.0.strip_prefix(&id);
            target.platform == self.platform && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(target) = machine.and_then(|machine| machine.targets().find(same)) {
            return (target.device.clone(), target.device_name.clone());
        }
        let name = match (&self.environment.device, id.as_str()) {
            (Some(name), _) => name.clone(),
            (None, "cpu") => environment.cpu.clone(),
            (None, _) => self.platform.label().to_owned(),
        };
        (DeviceId(id), name)
    }

    fn run(self, around: Around) -> Result<Run, String> {
        let (check, outcome) = self.checked()?;
        let (size, size_unit) = self.size();
        let setting = Setting {
            model: self.model_id(),
            engine: self.engine.id(),
            device: around.device,
            precision: self.precision.asked,
            mode: Mode::Inference,
            batch: self.batch,
            size,
            dims: BTreeMap::new(),
            threads: None,
            seed: self.seed,
            budget_secs: 0.0,
        };
        let timing = if outcome == Outcome::Done { Some(self.timing(&setting)?) } else { None };
        let effective = self.effective(around.device_name);
        Ok(Run {
            id: around.id,
            evidence: around.evidence,
            source: Some(around.source),
            platform: self.platform,
            model: RunModel {
                id: setting.model.clone(),
                name: self.model_name(),
                family: self.model_type.clone(),
                parameters: Some(self.parameters),
                per_sample: models::per_sample_of(&self.model_type, &self.inputs),
                size_unit,
                ..RunModel::default()
            },
            setting,
            started_at: around.started_at,
            finished_at: around.finished_at,
            outcome,
            phases: self.phases(),
            timing,
            noise: self.noise(),
            flags: self.flags(effective.precision),
            log: self.log(),
            samples_ms: self.samples_ms,
            generated: None,
            check,
            error: None,
            placement: None,
            effective,
            memory: Memory::default(),
            environment: around.environment,
        })
    }

    /// What the check said, and how the run ended by that.
    fn checked(&self) -> Result<(OutputCheck, Outcome), String> {
        let PrintedCheck { against, largest_difference, tolerance, agrees } = &self.check;
        let wide = self.precision.asked.tolerance();
        if *tolerance > wide {
            return Err(format!("its tolerance, {tolerance}, is wider than that of {}, {wide}", self.precision.asked));
        }
        let against = EngineId(against.clone());
        let failed = |message: String| Outcome::Failed {
            phase: PhaseName::Check,
            kind: FailureKind::WrongOutput,
            message,
            remedy: None,
        };
        let (largest_difference, tolerance) = match largest_difference {
            Some(difference) if difference.is_finite() => (*difference, *tolerance),
            _ => {
                let reason = "an output is not finite, or has another shape".to_owned();
                return Ok((OutputCheck::Unchecked { reason: reason.clone() }, failed(reason)));
            }
        };
        if *agrees && largest_difference <= tolerance {
            return Ok((OutputCheck::Agrees { against, largest_difference, tolerance }, Outcome::Done));
        }
        let message =
            format!("its output differs from {against}'s by {largest_difference:.1e}, more than {tolerance:.0e}");
        let output = "an output".to_owned();
        Ok((OutputCheck::Disagrees { against, largest_difference, tolerance, output }, failed(message)))
    }

    fn timing(&self, setting: &Setting) -> Result<Timing, String> {
        if let Some(wrong) = self.samples_ms.iter().find(|ms| !(**ms > 0.0 && ms.is_finite())) {
            return Err(format!("one of its samples is {wrong} ms"));
        }
        if self.samples_ms.len() < MIN_SAMPLES {
            return Err(format!("it has {} samples, and {MIN_SAMPLES} are the fewest", self.samples_ms.len()));
        }
        let stop = self.stopped.ok_or("it does not say why sampling ended")?;
        Ok(statistics::timing(&self.samples_ms, setting, stop, self.harness_ms).expect("there are samples"))
    }

    fn model_id(&self) -> ModelId {
        let own = || format!("{}:{}", self.model_type, self.parameters);
        ModelId(format!("{}{}", ModelId::GENERATED, self.checkpoint.clone().unwrap_or_else(own)))
    }

    /// Tells it apart from the model that Assay builds, which is another graph.
    fn model_name(&self) -> String {
        match &self.checkpoint {
            Some(checkpoint) => format!("{checkpoint} (generated)"),
            None => format!("{} with {} parameters (generated)", self.model_type, count(self.parameters)),
        }
    }

    /// Tokens of text, pixels of an image's edge, or samples of sound.
    fn size(&self) -> (Option<u32>, Option<SizeUnit>) {
        // What the feature extractors of transformers give to models that hear samples (`sampling_rate`).
        const HEARD: SizeUnit = SizeUnit::Sound { per_second: 16_000 };
        let shape = |name: &str| self.inputs.get(name).map(Vec::as_slice);
        match (shape("input_ids"), shape("pixel_values"), shape("input_values")) {
            (Some([_, tokens]), _, _) => (Some(*tokens), Some(SizeUnit::Tokens)),
            (_, Some([_, _, height, width]), _) if height == width => (Some(*width), None),
            (None, None, Some([_, samples])) => (Some(*samples), Some(HEARD)),
            _ => (None, None),
        }
    }

    fn effective(&self, device_name: String) -> Effective {
        let PrintedEnvironment { torch, openvino, onnxruntime, driver, threads, .. } = &self.environment;
        let version = match self.engine {
            PrintedEngine::Torch => Some(torch),
            PrintedEngine::OpenVino => openvino.as_ref(),
            PrintedEngine::OnnxRuntime => onnxruntime.as_ref(),
        };
        let words = self.precision.effective.as_deref().unwrap_or_default();
        let (precision, precision_source) = match (words, self.engine) {
            ([], _) => (None, "the benchmark does not say".to_owned()),
            (words, PrintedEngine::Torch) => {
                (precision_of(words), format!("its weights are stored in {}", words.join(" and ")))
            }
            (words, _) => (precision_of(words), format!("the engine says {}", words.join(" and "))),
        };
        Effective {
            engine_version: version.cloned().unwrap_or_default(),
            library: None,
            device_name,
            driver: driver.clone(),
            precision,
            precision_source,
            threads: *threads,
        }
    }

    fn phases(&self) -> Vec<Phase> {
        let printed = |name: &str| self.phases_ms.get(name).copied();
        let sampled: f64 = self.samples_ms.iter().sum();
        let phases = [
            (PhaseName::Load, printed("load")),
            (PhaseName::Compile, printed("compile")),
            (PhaseName::First, printed("first")),
            (PhaseName::WarmUp, self.warm_up.as_ref().map(|warm_up| warm_up.secs * 1e3)),
            (PhaseName::Warm, (!self.samples_ms.is_empty()).then_some(sampled)),
        ];
        phases.into_iter().filter_map(|(name, ms)| Some(Phase { name, ms: ms?, peak_bytes: None })).collect()
    }

    fn noise(&self) -> Option<Noise> {
        noise::grade(&self.noise.as_ref()?.sentinel_ms)
    }

    fn flags(&self, effective: Option<Precision>) -> Vec<Flag> {
        let asked = self.precision.asked;
        let other = effective
            .filter(|effective| *effective != asked)
            .map(|effective| Flag::OtherPrecision { reason: format!("{asked} was asked for; it ran in {effective}") });
        let partly = (self.torch_device().is_some() && self.places.len() > 1)
            .then(|| Flag::PartlyElsewhere { reason: format!("its weights lie on {}", self.places.join(" and ")) });
        other.into_iter().chain(partly).collect()
    }

    fn log(&self) -> Vec<String> {
        let PrintedEnvironment { python, torch, transformers, .. } = &self.environment;
        let shape = |shape: &[u32]| shape.iter().map(u32::to_string).collect::<Vec<_>>().join(" × ");
        let inputs = self.inputs.iter().map(|(name, sizes)| format!("{name} {}", shape(sizes)));
        let memory = self.peak_bytes.map(|bytes| {
            format!("The whole process took {} MB at most, Python and its libraries with it", bytes / 1_000_000)
        });
        let lines = [
            format!("Python {python} with torch {torch} and transformers {transformers}"),
            format!("Inputs: {}", inputs.collect::<Vec<_>>().join(", ")),
        ];
        lines.into_iter().chain(memory).collect()
    }
}

impl PrintedEngine {
    fn id(self) -> EngineId {
        match self {
            Self::Torch => "pytorch",
            Self::OpenVino => "openvino",
            Self::OnnxRuntime => "onnxruntime",
        }
        .into()
    }
}

/// As PyTorch and OpenVINO write them; a longer name stands before one that is part of it.
const PRECISION_WORDS: [(&str, Precision); 6] = [
    ("bfloat16", Precision::Bf16),
    ("bf16", Precision::Bf16),
    ("float16", Precision::F16),
    ("f16", Precision::F16),
    ("float32", Precision::F32),
    ("f32", Precision::F32),
];

/// What all of these words name; none where they differ or name nothing that is known.
fn precision_of(words: &[String]) -> Option<Precision> {
    let named = |word: &String| PRECISION_WORDS.iter().find(|(name, _)| word.contains(*name)).map(|(_, named)| *named);
    let first = named(words.first()?)?;
    words.iter().all(|word| named(word) == Some(first)).then_some(first)
}
