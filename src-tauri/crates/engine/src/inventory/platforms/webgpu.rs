//! WebGPU: native adapters through wgpu, and the adapter of the WebView, which only the window can ask.

use super::{Found, engines_verdict};
use crate::inventory::{adapters::AdapterFacts, sizes::binary_size};
use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus, WebGpuFacts, WebViewFacts};

const WEBVIEW: &str = "webview:webgpu";
/// Why times on a software adapter are none of a GPU.
const NOT_A_SPEED: &str = "a software adapter: the processor draws and computes, so its times say nothing about a GPU";
const DRIVER: &str =
    "Install the graphics driver of your card's maker (on Linux also its Vulkan package), then press Rescan";

pub fn status(found: &Found) -> PlatformStatus {
    let (devices, missing): (Vec<Device>, _) = match &found.adapters {
        Ok(adapters) => (
            adapters.iter().map(device).collect(),
            Availability::missing("no graphics driver offers an adapter that can compute", DRIVER),
        ),
        Err(reason) => (
            Vec::new(),
            Availability::missing(format!("a graphics driver failed while it was asked: {reason}"), DRIVER),
        ),
    };
    let availability = if devices.is_empty() {
        engines_verdict(&found.engines, Platform::WebGpu).filter(Availability::is_ready).unwrap_or(missing)
    } else {
        Availability::Ready
    };
    let facts = vec![Fact::new("WebView", "the window has not told yet")];
    PlatformStatus { platform: Platform::WebGpu, availability, devices, facts }
}

/// Where all adapters here are software, so is whatever an engine computes on through WebGPU or DirectML.
pub fn rank_no_software(found: &mut Found) {
    let Ok(adapters) = &found.adapters else { return };
    if adapters.is_empty() || adapters.iter().any(|adapter| adapter.kind != DeviceKind::Software) {
        return;
    }
    for target in found.engines.iter_mut().flat_map(|engine| &mut engine.targets) {
        if target.platform == Platform::WebGpu && target.availability.is_ready() {
            target.not_ranked.get_or_insert_with(|| NOT_A_SPEED.to_owned());
        }
    }
}

/// The one adapter there is: the first device of an engine is that one too.
pub fn only_adapter(devices: &mut [Device]) -> Option<&mut Device> {
    let mut native = devices.iter_mut().filter(|device| is_adapter(device));
    let first = native.next()?;
    native.next().is_none().then_some(first)
}

/// Whether it is one of those that [`status`] lists, and no engine's or the WebView's.
pub fn is_adapter(device: &Device) -> bool {
    let interface = device.id.0.split_once(':').map(|(interface, _)| interface);
    matches!(interface, Some("vulkan" | "metal" | "dx12" | "gl"))
}

fn device(adapter: &AdapterFacts) -> Device {
    let mut facts = vec![Fact::new("Through", &adapter.interface)];
    if !adapter.also_through.is_empty() {
        facts.push(Fact::new("Also through", adapter.also_through.join(", ")));
    }
    if adapter.kind == DeviceKind::Software {
        facts.push(Fact::new("Not a speed", NOT_A_SPEED));
    }
    facts.push(Fact::new("Largest buffer", binary_size(adapter.max_buffer_bytes)));
    facts.push(Fact::new("Largest workgroup", format!("{} invocations", adapter.max_workgroup_invocations)));
    facts.push(Fact::new("Workgroup memory", binary_size(u64::from(adapter.max_workgroup_storage_bytes))));
    let (smallest, largest) = adapter.subgroup_sizes;
    facts.push(Fact::new(
        "Subgroup size",
        if smallest == largest { smallest.to_string() } else { format!("{smallest} to {largest}") },
    ));
    Device {
        id: adapter.id.as_str().into(),
        aliases: Vec::new(),
        platform: Platform::WebGpu,
        name: adapter.name.clone(),
        kind: adapter.kind,
        memory_bytes: None,
        driver: Some(adapter.driver.clone()).filter(|driver| !driver.is_empty()),
        facts,
        features: adapter.features.clone(),
    }
}

/// Adds the WebView's adapter to the native ones, or says why it has none.
pub fn add_webview(status: &mut PlatformStatus, facts: &WebViewFacts) {
    status.devices.retain(|device| device.id.0 != WEBVIEW);
    let told = match &facts.webgpu {
        Some(adapter) => {
            status.availability = Availability::Ready;
            status.devices.push(webview_device(adapter));
            "has WebGPU".to_owned()
        }
        None => {
            let why = facts.webgpu_missing.as_deref().unwrap_or("navigator.gpu is undefined");
            format!("has no WebGPU: {why}")
        }
    };
    status.facts = vec![Fact::new("WebView", told)];
}

fn webview_device(adapter: &WebGpuFacts) -> Device {
    let words = [&adapter.description, &adapter.vendor, &adapter.architecture];
    let described: Vec<&str> = match adapter.description.as_str() {
        "" => words[1..].iter().map(|word| word.as_str()).filter(|word| !word.is_empty()).collect(),
        description => vec![description],
    };
    let name =
        if described.is_empty() { "an adapter that does not tell its name".to_owned() } else { described.join(" ") };
    Device {
        id: WEBVIEW.into(),
        aliases: Vec::new(),
        platform: Platform::WebGpu,
        name: format!("{name}, in this window's WebView"),
        kind: if adapter.is_fallback { DeviceKind::Software } else { DeviceKind::IntegratedGpu },
        memory_bytes: None,
        driver: None,
        facts: adapter.limits.clone(),
        features: adapter.features.clone(),
    }
}
