//! CUDA: NVIDIA's driver and its GPUs, and an engine built for them.

use super::{Found, engines_verdict};
use crate::inventory::{
    cuda::{CudaAbsence, CudaFacts, CudaGpu},
    pci::{Card, Maker},
    sizes::binary_size,
};
use contract::{Availability, Device, DeviceKind, Fact, Platform, PlatformStatus};

const DRIVER: &str = "Install NVIDIA's driver from nvidia.com/drivers, restart the computer, then press Rescan";
const BUILD: &str = "Put a GPU build of ONNX Runtime (the package onnxruntime-gpu, with CUDA 12 and cuDNN 9) into the \
                     libraries folder as onnxruntime-gpu, or use a build of Assay with the cuda feature, then press Rescan";

pub fn status(found: &Found) -> PlatformStatus {
    let (devices, facts, driver) = match &found.cuda {
        Ok(Ok(cuda)) => (devices(cuda), facts(cuda), Ok(())),
        Ok(Err(absence)) => (Vec::new(), Vec::new(), Err(no_driver(absence, found.cards.as_deref()))),
        Err(reason) => (Vec::new(), Vec::new(), Err(Availability::missing(crashed(reason), DRIVER))),
    };
    let availability = match driver {
        Err(missing) => missing,
        Ok(()) if devices.is_empty() => Availability::missing(
            "the NVIDIA driver is installed, and no GPU answers it",
            "Check that the card is seated and powered",
        ),
        Ok(()) => engines_verdict(&found.engines, Platform::Cuda).unwrap_or_else(|| {
            let reason = format!("{} is ready, and no engine here is built for CUDA", devices[0].name);
            Availability::missing(reason, BUILD)
        }),
    };
    PlatformStatus { platform: Platform::Cuda, availability, devices, facts }
}

fn no_driver(absence: &CudaAbsence, cards: Option<&[Card]>) -> Availability {
    let nvidia = cards.map(|cards| cards.iter().filter(|card| card.maker == Maker::Nvidia).count());
    match (absence, nvidia) {
        (CudaAbsence::Broken { .. }, _) => Availability::missing(absence.to_string(), DRIVER),
        _ if cfg!(target_os = "macos") => Availability::missing(
            "CUDA has no driver for macOS",
            "Use MPS here, or measure on a computer with an NVIDIA card",
        ),
        (CudaAbsence::NoDriver, Some(0)) => Availability::missing(
            "there is no NVIDIA card in this computer",
            "CUDA needs an NVIDIA graphics card; measure on a computer that has one",
        ),
        (CudaAbsence::NoDriver, Some(_)) => {
            Availability::missing("an NVIDIA card is here, and its driver is not installed", DRIVER)
        }
        (CudaAbsence::NoDriver, None) => {
            Availability::missing(absence.to_string(), format!("If this computer has an NVIDIA card: {DRIVER}"))
        }
    }
}

fn crashed(reason: &str) -> String {
    format!("the NVIDIA driver could not be asked: {reason}")
}

fn facts(cuda: &CudaFacts) -> Vec<Fact> {
    let driver = cuda.driver.as_ref().map(|version| Fact::new("Driver", version));
    let newest = cuda.cuda.as_ref().map(|version| Fact::new("Newest CUDA it runs", version));
    driver.into_iter().chain(newest).collect()
}

fn devices(cuda: &CudaFacts) -> Vec<Device> {
    cuda.gpus.iter().map(|gpu| device(gpu, cuda.driver.clone())).collect()
}

fn device(gpu: &CudaGpu, driver: Option<String>) -> Device {
    let (major, minor) = gpu.compute_capability;
    let mut facts = vec![
        Fact::new("Compute capability", format!("{major}.{minor}")),
        Fact::new("Multiprocessors", gpu.multiprocessors),
    ];
    facts.extend(gpu.l2_bytes.map(|bytes| Fact::new("L2 cache", binary_size(bytes))));
    facts.extend(gpu.bus_bits.map(|bits| Fact::new("Memory bus", format!("{bits} bits"))));
    facts.extend(gpu.max_mhz.map(|mhz| Fact::new("Highest frequency", format!("{:.2} GHz", f64::from(mhz) / 1000.0))));
    facts.extend(gpu.power_limit_watts.map(|watts| Fact::new("Power limit", format!("{watts} W"))));
    facts.push(Fact::new("Bus address", &gpu.pci_address));
    Device {
        id: format!("cuda:{}", gpu.ordinal).into(),
        aliases: Vec::new(),
        platform: Platform::Cuda,
        name: gpu.name.clone(),
        kind: if gpu.shares_host_memory { DeviceKind::IntegratedGpu } else { DeviceKind::DiscreteGpu },
        memory_bytes: Some(gpu.memory_bytes),
        driver,
        facts,
        features: features(gpu.compute_capability),
    }
}

/// Number formats of the tensor cores by compute capability (CUDA C++ programming guide, table "Technical specifications").
fn features(capability: (u32, u32)) -> Vec<String> {
    let since = [
        ("f16", (5, 3)),
        ("dp4a", (6, 1)),
        ("tensor-f16", (7, 0)),
        ("tensor-int8", (7, 2)),
        ("tensor-bf16", (8, 0)),
        ("tensor-tf32", (8, 0)),
        ("tensor-fp8", (8, 9)),
        ("tensor-fp4", (10, 0)),
    ];
    since.into_iter().filter(|(_, first)| capability >= *first).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_its_driver_differs_from_no_card() {
        let card = Card { maker: Maker::Nvidia, address: "0000:01:00.0".into() };
        let reason = |cards: &[Card]| match no_driver(&CudaAbsence::NoDriver, Some(cards)) {
            Availability::Missing { reason, .. } => reason,
            Availability::Ready => unreachable!(),
        };
        if !cfg!(target_os = "macos") {
            assert_eq!(reason(&[card]), "an NVIDIA card is here, and its driver is not installed");
            assert_eq!(reason(&[]), "there is no NVIDIA card in this computer");
        }
    }

    #[test]
    fn number_formats_follow_the_compute_capability() {
        assert_eq!(features((7, 5)), ["f16", "dp4a", "tensor-f16", "tensor-int8"]);
        assert!(features((9, 0)).contains(&"tensor-fp8".to_owned()));
        assert!(!features((9, 0)).contains(&"tensor-fp4".to_owned()));
    }
}
