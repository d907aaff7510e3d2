//! The eight platforms, one file each: ready with its devices, or missing with reason and remedy.

mod cpu;
mod cuda;
mod mps;
mod openvino;
mod qualcomm;
mod rocm;
mod webgpu;
mod webnn;

pub use webgpu::{add_webview as add_webview_to_webgpu, is_adapter, rank_no_software};
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

/// A device that only an engine knows is listed too, so that every usable target has its device; one that a driver lists
/// under another name is that one. What an engine was built for and does not find here is no device of this machine.
fn add_engine_devices(status: &mut PlatformStatus, engines: &[EngineStatus]) {
    for engine in engines {
        let usable = engine.targets.iter().filter(|target| target.availability.is_ready());
        for target in usable.filter(|target| target.platform == status.platform) {
            if status.devices.iter().any(|device| device.is_called(&target.device)) {
                continue;
            }
            if let Some(device) = listed(&mut status.devices, target) {
                device.aliases.push(target.device.clone());
                continue;
            }
            let mut facts = vec![Fact::new("Known to", &engine.name)];
            facts.extend(target.not_ranked.as_ref().map(|why| Fact::new("Not a speed", why)));
            status.devices.push(Device {
                id: target.device.clone(),
                aliases: Vec::new(),
                platform: target.platform,
                name: target.device_name.clone(),
                kind: kind_of(target, &status.devices),
                memory_bytes: None,
                driver: None,
                facts,
                features: Vec::new(),
            });
        }
    }
}

/// The driver's entry for what an engine knows under a name of its own, where that is certain: TensorRT counts GPUs as
/// CUDA does, and where there is one adapter, every graphics interface leads to it.
fn listed<'a>(devices: &'a mut [Device], target: &Target) -> Option<&'a mut Device> {
    let (kind, number) = target.device.0.split_once(':')?;
    match kind {
        "tensorrt" => devices.iter_mut().find(|device| device.id.0 == format!("cuda:{number}")),
        "webgpu" | "directml" if number == "0" => webgpu::only_adapter(devices),
        _ => None,
    }
}

/// An engine may know a device by its number only (`CUDA 0`); the driver knows its name. Two ways of one engine to a device
/// stay apart.
pub fn name_targets(platforms: &[PlatformStatus], engines: &mut [EngineStatus]) {
    for target in engines.iter_mut().flat_map(|engine| &mut engine.targets) {
        let mut devices =
            platforms.iter().filter(|status| status.platform == target.platform).flat_map(|status| &status.devices);
        let Some(device) = devices.find(|device| device.is_called(&target.device)) else { continue };
        target.device_name = if device.id == target.device {
            device.name.clone()
        } else {
            let way = target.device_name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end();
            format!("{} through {way}", device.name)
        };
    }
}

/// What the graphics processors are that drivers list, where they are all of one kind.
fn common_kind(devices: &[Device]) -> Option<DeviceKind> {
    let hardware = |device: &&Device| webgpu::is_adapter(device) && device.kind != DeviceKind::Software;
    let mut kinds = devices.iter().filter(hardware).map(|device| device.kind);
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

/// From the engine's name of the device and the `devices` that drivers list; `openvino:GPU.0` may be integrated or not,
/// which only its driver could tell.
fn kind_of(target: &Target, devices: &[Device]) -> DeviceKind {
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
            common_kind(devices).unwrap_or(DeviceKind::DiscreteGpu)
        }
    } else {
        DeviceKind::Cpu
    }
}

#[cfg(test)]
pub mod tests;
