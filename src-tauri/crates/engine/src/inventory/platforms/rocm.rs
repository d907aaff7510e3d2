//! ROCm: AMD's compute driver, its library, and an engine built for them.

use super::{Found, engines_verdict};
use crate::inventory::{
    hip::{HipAbsence, HipFacts},
    kfd::KfdGpu,
    pci::{Card, Maker},
    sizes::binary_size,
};
use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus};

const DRIVER: &str =
    "Install AMD's ROCm driver (rocm.docs.amd.com, Installation), restart the computer, then press Rescan";
const LIBRARY: &str = "Install ROCm (rocm.docs.amd.com, Installation), then press Rescan";
const BUILD: &str = "Put a build of ONNX Runtime with MIGraphX (the package onnxruntime-migraphx) into the libraries folder as \
                     onnxruntime-migraphx, then press Rescan";

pub fn status(found: &Found) -> PlatformStatus {
    let gpus = found.kfd.as_deref().unwrap_or_default();
    let devices: Vec<Device> = gpus.iter().enumerate().map(|(n, gpu)| device(n, gpu)).collect();
    let facts = match &found.hip {
        Ok(Ok(hip)) => hip_facts(hip),
        _ => Vec::new(),
    };
    let availability = engines_verdict(&found.engines, Platform::Rocm)
        .filter(|verdict| verdict.is_ready())
        .unwrap_or_else(|| missing(found, gpus));
    PlatformStatus { platform: Platform::Rocm, availability, devices, facts }
}

/// The first thing that is not there, in the order in which it would be installed.
fn missing(found: &Found, gpus: &[KfdGpu]) -> Availability {
    if cfg!(target_os = "macos") {
        return Availability::missing(
            "ROCm does not exist for macOS",
            "Use MPS here, or measure on a computer with an AMD card",
        );
    }
    if cfg!(target_os = "linux") && gpus.is_empty() {
        return no_driver(found.kfd.is_some(), found.cards.as_deref());
    }
    match &found.hip {
        Err(reason) => Availability::missing(format!("the ROCm library could not be asked: {reason}"), LIBRARY),
        Ok(Err(absence @ HipAbsence::NotInstalled)) if cfg!(windows) => Availability::missing(
            absence.to_string(),
            "If this computer has an AMD card: install AMD's HIP SDK, then press Rescan",
        ),
        Ok(Err(absence)) => Availability::missing(absence.to_string(), LIBRARY),
        Ok(Ok(HipFacts { gpus: 0, .. })) => Availability::missing(
            "the ROCm library is installed and sees no GPU it supports",
            "See the list of supported GPUs at rocm.docs.amd.com",
        ),
        Ok(Ok(_)) => match engines_verdict(&found.engines, Platform::Rocm) {
            Some(verdict) => verdict,
            None => Availability::missing("ROCm is ready, and no engine here is built for it", BUILD),
        },
    }
}

fn no_driver(loaded: bool, cards: Option<&[Card]>) -> Availability {
    let amd = cards.unwrap_or_default().iter().any(|card| card.maker == Maker::Amd);
    match (loaded, amd) {
        (_, false) => Availability::missing(
            "there is no AMD graphics card in this computer",
            "ROCm needs an AMD Instinct, Radeon Pro or newer Radeon card; measure on a computer that has one",
        ),
        (false, true) => {
            Availability::missing("an AMD card is here, and its compute driver (amdkfd) is not loaded", DRIVER)
        }
        (true, true) => Availability::missing(
            "AMD's compute driver is loaded and drives no GPU: the card here is not supported by it",
            DRIVER,
        ),
    }
}

fn hip_facts(hip: &HipFacts) -> Vec<Fact> {
    let version = hip.version.as_ref().map(|version| Fact::new("HIP", version));
    version.into_iter().chain([Fact::new("Library", &hip.library), Fact::new("GPUs it drives", hip.gpus)]).collect()
}

fn device(n: usize, gpu: &KfdGpu) -> Device {
    let mut facts = vec![Fact::new("Target", &gpu.target)];
    facts.extend(gpu.compute_units.map(|units| Fact::new("Compute units", units)));
    facts.extend(gpu.max_mhz.map(|mhz| Fact::new("Highest frequency", format!("{:.2} GHz", f64::from(mhz) / 1000.0))));
    facts.extend(gpu.memory_bytes.map(|bytes| Fact::new("Memory", binary_size(bytes))));
    Device {
        id: format!("rocm:{n}").into(),
        aliases: Vec::new(),
        platform: Platform::Rocm,
        name: gpu.name.clone(),
        // Without memory of its own it shares the computer's.
        kind: if gpu.memory_bytes.is_some() { DeviceKind::DiscreteGpu } else { DeviceKind::IntegratedGpu },
        memory_bytes: gpu.memory_bytes,
        driver: None,
        facts,
        features: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(availability: Availability) -> String {
        match availability {
            Availability::Missing { reason, .. } => reason,
            Availability::Ready => unreachable!(),
        }
    }

    #[test]
    fn the_first_missing_thing_is_named() {
        let card = Card { maker: Maker::Amd, address: "0000:03:00.0".into() };
        assert!(reason(no_driver(false, Some(&[]))).contains("no AMD graphics card"));
        assert!(reason(no_driver(false, Some(std::slice::from_ref(&card)))).contains("driver (amdkfd) is not loaded"));
        assert!(reason(no_driver(true, Some(&[card]))).contains("not supported"));
    }
}
