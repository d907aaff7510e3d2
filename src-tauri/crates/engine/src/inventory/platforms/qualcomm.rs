//! Qualcomm: the Hexagon processor through ONNX Runtime's QNN provider.

use super::{Found, engines_verdict};
use contract::{Availability, Platform, PlatformStatus};

pub fn status(found: &Found) -> PlatformStatus {
    let availability = engines_verdict(&found.engines, Platform::Qualcomm).unwrap_or_else(|| {
        let snapdragon = found.cpu.name.contains("Qualcomm") || found.cpu.name.contains("Snapdragon");
        let reason = if snapdragon {
            "this Qualcomm processor is here, and no ONNX Runtime with QNN is installed"
        } else {
            "there is no Qualcomm processor in this computer, and no ONNX Runtime with QNN for its emulator"
        };
        Availability::missing(
            reason,
            "Put the package onnxruntime-qnn (version 2.7 or later, with its QNN libraries) into the libraries folder as \
             onnxruntime-qnn, then press Rescan",
        )
    });
    PlatformStatus { platform: Platform::Qualcomm, availability, devices: Vec::new(), facts: Vec::new() }
}
