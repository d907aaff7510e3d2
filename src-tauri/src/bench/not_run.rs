//! Results of measurements that never began, or that took Assay down with them.

use super::{Order, Stopped};
use contract::*;
use jiff::Timestamp;

pub fn not_started(order: &Order, started_at: Timestamp, stopped: Stopped) -> Run {
    let info = &order.model.info;
    let model = RunModel {
        id: info.id.clone(),
        name: info.name.clone(),
        family: info.family.clone(),
        graph_hash: info.graph_hash.clone(),
        parameters: info.parameters,
        size_unit: order.model.size_unit(order.setting.mode),
        ..RunModel::default()
    };
    let mut run = failed_run(
        order.run.clone(),
        order.setting,
        model,
        Some(order.machine),
        started_at,
        PhaseName::Acquire,
        stopped.kind,
        stopped.failure.to_string(),
    );
    if let Outcome::Failed { remedy, .. } = &mut run.outcome {
        *remedy = stopped.remedy.map(String::from);
    }
    run
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
