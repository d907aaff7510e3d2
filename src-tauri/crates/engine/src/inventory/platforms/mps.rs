//! MPS: Apple's GPU through Metal, and the Neural Engine through Core ML.

use super::{Found, engines_verdict};
use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus};

pub fn status(found: &Found) -> PlatformStatus {
    let availability = if cfg!(target_os = "macos") {
        engines_verdict(&found.engines, Platform::Mps).unwrap_or_else(|| {
            Availability::missing(
                "no engine here is built for Metal or Core ML",
                "Put the macOS build of ONNX Runtime (the npm package onnxruntime-node has it) into the libraries folder \
                 as onnxruntime-coreml, then press Rescan",
            )
        })
    } else {
        Availability::missing(
            "Metal exists on Apple computers only",
            "Measure on a Mac to compare it with this computer",
        )
    };
    PlatformStatus { platform: Platform::Mps, availability, devices: devices(found), facts: Vec::new() }
}

fn devices(found: &Found) -> Vec<Device> {
    let apple = cfg!(target_arch = "aarch64");
    let gpus = found.apple_gpus.iter().enumerate();
    gpus.map(|(n, gpu)| {
        let mut facts = Vec::new();
        facts.extend(gpu.cores.map(|cores| Fact::new("GPU cores", cores)));
        facts.extend(gpu.metal.as_ref().map(|metal| Fact::new("Metal", metal)));
        if apple {
            facts.push(Fact::new("Memory", "shared with the processor"));
        }
        Device {
            id: format!("metal:{n}").into(),
            aliases: Vec::new(),
            platform: Platform::Mps,
            name: gpu.name.clone(),
            kind: if apple { DeviceKind::IntegratedGpu } else { DeviceKind::DiscreteGpu },
            memory_bytes: apple.then_some(found.host.memory_bytes),
            driver: None,
            facts,
            features: Vec::new(),
        }
    })
    .collect()
}
