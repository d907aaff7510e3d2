//! CPU: the processor is always there; an engine must be too.

use super::{Found, engine_absence, engines_verdict};
use crate::{inventory::sizes::binary_size, limits::NETWORK};
use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus};

pub fn status(found: &Found) -> PlatformStatus {
    let (cpu, host) = (&found.cpu, &found.host);
    let mut facts = cpu.facts();
    facts.push(Fact::new("Memory", binary_size(host.memory_bytes)));
    if let Some(limit) = host.memory_limit_bytes {
        facts.push(Fact::new("Memory this program may use", binary_size(limit)));
    }
    if let Some(cores) = host.usable_cores.filter(|usable| cpu.logical_cores.is_some_and(|all| *usable < all)) {
        facts.push(Fact::new("Cores this program may use", cores));
    }
    let device = Device {
        id: "cpu".into(),
        aliases: Vec::new(),
        platform: Platform::Cpu,
        name: cpu.name.clone(),
        kind: DeviceKind::Cpu,
        memory_bytes: Some(host.memory_bytes),
        driver: None,
        facts,
        features: cpu.features.clone(),
    };
    let availability = engines_verdict(&found.engines, Platform::Cpu)
        .or_else(|| engine_absence(&found.engines, "onnxruntime"))
        .unwrap_or_else(|| {
            Availability::missing(
                "no engine that computes on the processor answered",
                "Install Assay again; its engines come with it",
            )
        });
    let facts = vec![Fact::new("Network", NETWORK)];
    PlatformStatus { platform: Platform::Cpu, availability, devices: vec![device], facts }
}
