//! What is measured on a machine, in which order, and how long each step may take.

use super::{
    adapter::AdapterOrder,
    cuda::CudaOrder,
    inside::PeakOrder,
    processor::ProcessorOrder,
    subject::Subject,
    through_engine::{Case, EngineOrder},
};
use crate::inventory::is_adapter;
use contract::{Device, DeviceId, DeviceKind, EngineStatus, Machine, Platform, Precision, Target};
use std::path::{Path, PathBuf};

/// One worker's work.
pub struct Task {
    pub order: PeakOrder,
    pub device: DeviceId,
    pub device_name: String,
    pub steps: u32,
}

/// Sampling takes at most this long in all; the rest of the minute is for starting workers, drivers and engines.
const SAMPLING_SECS: f64 = 36.0;

pub fn step_secs(steps: u32) -> f64 {
    (SAMPLING_SECS / f64::from(steps.max(1))).clamp(0.2, 1.0)
}

/// The processor first, then what engines make of it, then each GPU.
pub fn tasks(machine: &Machine, folder: &Path) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    tasks.extend(processor(machine));
    for engine in &machine.engines {
        let targets = engine.targets.iter().filter(|target| worth_measuring(target));
        tasks.extend(targets.map(|target| through_engine(machine, engine, target, folder)));
    }
    for device in machine.platforms.iter().flat_map(|status| &status.devices) {
        tasks.extend(gpu(machine, device));
    }
    let secs = step_secs(tasks.iter().map(|task| task.steps).sum());
    for task in &mut tasks {
        task.order.give_secs(secs);
    }
    tasks
}

impl PeakOrder {
    fn give_secs(&mut self, secs: f64) {
        match self {
            Self::Processor(order) => order.step_secs = secs,
            Self::ThroughEngine(order) => order.step_secs = secs,
            Self::Adapter(order) => order.step_secs = secs,
            Self::Cuda(order) => order.step_secs = secs,
        }
    }
}

/// Emulators and software adapters have no speed; candle's product on the processor is the gemm that is measured there.
fn worth_measuring(target: &Target) -> bool {
    let own_gemm = target.engine.0 == "candle" && target.platform == Platform::Cpu;
    target.availability.is_ready() && target.not_ranked.is_none() && !own_gemm
}

fn threads(machine: &Machine) -> u32 {
    let usable = std::thread::available_parallelism().map_or(u32::MAX, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
    machine.physical_cores.min(usable).max(1)
}

fn processor(machine: &Machine) -> Option<Task> {
    let status = machine.platforms.iter().find(|status| status.platform == Platform::Cpu)?;
    let device = status.devices.iter().find(|device| device.kind == DeviceKind::Cpu)?;
    let order = ProcessorOrder {
        subject: Subject::of(device),
        threads: threads(machine),
        memory_bytes: machine.memory_bytes,
        step_secs: 0.0,
    };
    Some(Task {
        device: device.id.clone(),
        device_name: device.name.clone(),
        steps: order.steps(),
        order: PeakOrder::Processor(order),
    })
}

fn through_engine(machine: &Machine, engine: &EngineStatus, target: &Target, folder: &Path) -> Task {
    let on_cpu = target.device.0 == "cpu" || target.device.0.ends_with(":CPU");
    let cases = cases(target, on_cpu.then(|| threads(machine)));
    let subject =
        Subject { device: target.device.clone(), name: target.device_name.clone(), platform: target.platform };
    Task {
        device: target.device.clone(),
        device_name: format!("{} on {}", engine.name, target.device_name),
        steps: u32::try_from(cases.len()).unwrap_or(u32::MAX),
        order: PeakOrder::ThroughEngine(EngineOrder {
            subject,
            engine: engine.id.clone(),
            engine_name: engine.name.clone(),
            library: engine.library.as_ref().map(PathBuf::from),
            folder: folder.to_path_buf(),
            on_cpu,
            cases,
            step_secs: 0.0,
        }),
    }
}

/// Every precision with all threads, then with one: a run of one thread has a ceiling of its own.
fn cases(target: &Target, all: Option<u32>) -> Vec<Case> {
    let floats = [Precision::F32, Precision::F16, Precision::Bf16];
    let offered = floats.into_iter().filter(|precision| target.precisions.contains(precision));
    // Quantised products are ordinary operators; whether the engine has them on this device shows when it is asked.
    let precisions: Vec<Precision> = offered.chain([Precision::Int8]).collect();
    let one = all.filter(|threads| *threads > 1).map(|_| Some(1));
    let with = |threads| precisions.iter().map(move |precision| Case { precision: *precision, threads });
    [all].into_iter().chain(one).flat_map(with).collect()
}

fn gpu(machine: &Machine, device: &Device) -> Option<Task> {
    let (order, steps) = match device.platform {
        Platform::WebGpu if is_adapter(device) => {
            let software = device.kind == DeviceKind::Software;
            let order = AdapterOrder { subject: Subject::of(device), software, step_secs: 0.0 };
            (PeakOrder::Adapter(order), AdapterOrder::STEPS)
        }
        Platform::Cuda if device.id.0.starts_with("cuda:") => {
            let beside = machine
                .engines
                .iter()
                .filter_map(|engine| Some(Path::new(engine.library.as_ref()?).parent()?.to_path_buf()));
            let order = CudaOrder { subject: Subject::of(device), folders: beside.collect(), step_secs: 0.0 };
            (PeakOrder::Cuda(order), CudaOrder::STEPS)
        }
        _ => return None,
    };
    Some(Task { order, device: device.id.clone(), device_name: device.name.clone(), steps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Availability, PlatformStatus};
    use jiff::Timestamp;

    fn machine() -> Machine {
        let device = |platform, id: &str, kind| Device {
            id: id.into(),
            aliases: Vec::new(),
            platform,
            name: id.to_owned(),
            kind,
            memory_bytes: None,
            driver: None,
            facts: Vec::new(),
            features: Vec::new(),
        };
        let status = |platform, devices| PlatformStatus {
            platform,
            availability: Availability::Ready,
            devices,
            facts: Vec::new(),
        };
        let target = |engine: &str, device: &str, not_ranked: Option<&str>| Target {
            engine: engine.into(),
            device: device.into(),
            platform: Platform::Cpu,
            device_name: device.to_owned(),
            availability: Availability::Ready,
            precisions: vec![Precision::F32],
            not_ranked: not_ranked.map(str::to_owned),
        };
        let engine = |id: &str, targets| EngineStatus {
            id: id.into(),
            name: id.to_owned(),
            version: None,
            availability: Availability::Ready,
            library: None,
            offers: Vec::new(),
            targets,
        };
        Machine {
            id: "a".into(),
            name: String::new(),
            os: String::new(),
            cpu: String::new(),
            physical_cores: 2,
            logical_cores: 4,
            memory_bytes: 1 << 34,
            platforms: vec![
                status(Platform::Cpu, vec![device(Platform::Cpu, "cpu", DeviceKind::Cpu)]),
                status(Platform::Cuda, vec![device(Platform::Cuda, "cuda:0", DeviceKind::DiscreteGpu)]),
                status(
                    Platform::WebGpu,
                    vec![
                        device(Platform::WebGpu, "vulkan:0", DeviceKind::Software),
                        device(Platform::WebGpu, "webview:webgpu", DeviceKind::IntegratedGpu),
                    ],
                ),
            ],
            engines: vec![
                engine("candle", vec![target("candle", "cpu", None)]),
                engine(
                    "onnxruntime",
                    vec![target("onnxruntime", "cpu", None), target("onnxruntime", "qnn:htp", Some("an emulator"))],
                ),
            ],
            browsers: Vec::new(),
            webview: None,
            peaks: Vec::new(),
            peaks_left_out: Vec::new(),
            scanned_at: Timestamp::UNIX_EPOCH,
            changes: Vec::new(),
        }
    }

    #[test]
    fn every_device_with_a_speed_is_measured() {
        let tasks = tasks(&machine(), Path::new("matrices"));
        let names: Vec<&str> = tasks.iter().map(|task| task.device_name.as_str()).collect();
        assert_eq!(names, ["cpu", "onnxruntime on cpu", "cuda:0", "vulkan:0"]);
    }

    #[test]
    fn each_precision_is_measured_with_all_threads_and_with_one() {
        let machine = machine();
        let target =
            Target { precisions: vec![Precision::F32, Precision::Bf16], ..machine.engines[1].targets[0].clone() };
        let told = |all| cases(&target, all).iter().map(|case| (case.precision, case.threads)).collect::<Vec<_>>();
        let with = |threads| [Precision::F32, Precision::Bf16, Precision::Int8].map(|precision| (precision, threads));
        assert_eq!(told(Some(4)), [with(Some(4)), with(Some(1))].concat());
        assert_eq!(told(Some(1)), with(Some(1)), "one core is one thread");
        assert_eq!(told(None), with(None), "a GPU has no threads to choose");
    }

    #[test]
    fn sampling_fits_into_the_minute_however_many_devices() {
        for steps in [1, 10, 30, 100, 180] {
            assert!(step_secs(steps) * f64::from(steps) <= SAMPLING_SECS + 1e-9, "{steps} steps");
        }
    }
}
