//! Qualcomm: the Hexagon processor through ONNX Runtime's QNN provider.

use super::{Found, engines_verdict, targets};
use crate::libraries::plugin;
use contract::{Availability, EngineStatus, Platform, PlatformStatus};

pub fn status(found: &Found) -> PlatformStatus {
    let availability = verdict(&found.engines).unwrap_or_else(|| {
        if found.cpu.name.contains("Qualcomm") || found.cpu.name.contains("Snapdragon") {
            let reason = "this Qualcomm processor is here, and no ONNX Runtime with QNN is installed";
            return Availability::missing(reason, plugin::remedy());
        }
        Availability::missing(
            "there is no Qualcomm processor in this computer",
            "Measure on a computer with a Snapdragon processor. How to get its emulator, which shows whether a model runs \
             and not how fast, stands at ONNX Runtime below",
        )
    });
    PlatformStatus { platform: Platform::Qualcomm, availability, devices: Vec::new(), facts: Vec::new() }
}

/// What a build that was put there for QNN says of itself; other builds only say that they have none.
fn verdict(engines: &[EngineStatus]) -> Option<Availability> {
    let mut special = targets(engines, Platform::Qualcomm).filter(|target| target.engine.0.contains("qnn"));
    let ready = engines_verdict(engines, Platform::Qualcomm).filter(Availability::is_ready);
    ready.or_else(|| Some(special.next()?.availability.clone()))
}
