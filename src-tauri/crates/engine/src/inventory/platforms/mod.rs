//! The eight platforms, one file each: ready with its devices, or missing with reason and remedy.

mod cpu;
mod cuda;
mod mps;
mod openvino;
mod qualcomm;
mod rocm;
mod webgpu;
mod webnn;

pub use webgpu::add_webview as add_webview_to_webgpu;
pub use webnn::tell as tell_webnn;

use super::found::Found;
use contract::{Availability, Device, DeviceKind, EngineStatus, Fact, Platform, PlatformStatus, Target};

/// All eight, in the order of `Platform::LISTED`.
pub fn all(found: &Found) -> Vec<PlatformStatus> {
    let mut all = vec![
        cpu::status(found),
        cuda::status(found),
        rocm::status(found),
        mps::status(found),
        openvino::status(found),
        qualcomm::status(found),
        webnn::status(),
        webgpu::status(found),
    ];
    for status in &mut all {
        add_engine_devices(status, &found.engines);
    }
    all
}

fn targets(engines: &[EngineStatus], platform: Platform) -> impl Iterator<Item = &Target> {
    engines.iter().flat_map(|engine| &engine.targets).filter(move |target| target.platform == platform)
}

/// Ready where an engine can be started on a device of the platform; otherwise the first engine's reason, if one has any.
fn engines_verdict(engines: &[EngineStatus], platform: Platform) -> Option<Availability> {
    let ready = targets(engines, platform).any(|target| target.availability.is_ready());
    if ready {
        return Some(Availability::Ready);
    }
    targets(engines, platform).map(|target| target.availability.clone()).next()
}

/// What the engine with this key says of itself where none of its builds is usable.
fn engine_absence(engines: &[EngineStatus], key: &str) -> Option<Availability> {
    let mut builds = engines.iter().filter(|engine| engine.id.0 == key || engine.id.0.starts_with(&format!("{key}-")));
    let first = builds.next()?;
    let usable = first.availability.is_ready() || builds.any(|build| build.availability.is_ready());
    (!usable).then(|| first.availability.clone())
}

/// A device that only an engine knows is listed too, so that every usable target has its device. What an engine was built
/// for and does not find here is no device of this machine.
fn add_engine_devices(status: &mut PlatformStatus, engines: &[EngineStatus]) {
    for engine in engines {
        let usable = engine.targets.iter().filter(|target| target.availability.is_ready());
        for target in usable.filter(|target| target.platform == status.platform) {
            if status.devices.iter().any(|device| device.id == target.device) {
                continue;
            }
            let mut facts = vec![Fact::new("Known to", &engine.name)];
            facts.extend(target.not_ranked.as_ref().map(|why| Fact::new("Not a speed", why)));
            status.devices.push(Device {
                id: target.device.clone(),
                platform: target.platform,
                name: target.device_name.clone(),
                kind: kind_of(target),
                memory_bytes: None,
                driver: None,
                facts,
                features: Vec::new(),
            });
        }
    }
}

/// An engine may know a device by its number only (`CUDA 0`); the driver knows its name.
pub fn name_targets(platforms: &[PlatformStatus], engines: &mut [EngineStatus]) {
    for target in engines.iter_mut().flat_map(|engine| &mut engine.targets) {
        let devices =
            platforms.iter().filter(|status| status.platform == target.platform).flat_map(|status| &status.devices);
        if let Some(device) = devices.into_iter().find(|device| device.id == target.device) {
            target.device_name.clone_from(&device.name);
        }
    }
}

/// From the engine's name of the device; `openvino:GPU.0` may be integrated or not, which only its driver could tell.
fn kind_of(target: &Target) -> DeviceKind {
    let id = target.device.0.to_lowercase();
    let name = target.device_name.to_lowercase();
    if target.not_ranked.is_some() {
        let emulated = id.contains("htp")
            || id.contains("npu")
            || name.contains("emulat")
            || target.platform == Platform::Qualcomm;
        return if emulated { DeviceKind::Emulator } else { DeviceKind::Software };
    }
    if id.contains("npu") || target.platform == Platform::Qualcomm {
        DeviceKind::Npu
    } else if id.contains("gpu")
        || matches!(target.platform, Platform::Cuda | Platform::Rocm | Platform::Mps | Platform::WebGpu)
    {
        if name.contains("igpu") || name.contains("integrated") {
            DeviceKind::IntegratedGpu
        } else {
            DeviceKind::DiscreteGpu
        }
    } else {
        DeviceKind::Cpu
    }
}

#[cfg(test)]
pub mod tests;
