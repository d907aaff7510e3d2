//! Where a setting can run: the engine asked for, those that check it, and the memory there is.

use contract::*;
use std::path::PathBuf;

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

/// Other engines that are ready on the CPU: they say what the output should be.
pub fn references(machine: &Machine, setting: &Setting) -> Vec<(TargetChoice, Option<PathBuf>)> {
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

pub fn library(machine: &Machine, engine: &EngineId) -> Option<PathBuf> {
    machine.engines.iter().find(|status| &status.id == engine)?.library.as_ref().map(PathBuf::from)
}
