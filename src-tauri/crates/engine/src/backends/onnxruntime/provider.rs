//! The execution providers of ONNX Runtime that Assay can ask for, and the devices each may have.

use super::htp;
use crate::libraries::plugin;
use contract::{DeviceId, Platform};
use ort::ep::{self, ExecutionProviderDispatch};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Cpu,
    Cuda,
    TensorRt,
    MiGraphX,
    CoreMl,
    DirectMl,
    OpenVino,
    Qnn,
    WebGpu,
}

/// A provider on one of its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub provider: Provider,
    pub device: DeviceId,
}

/// Adapters that are tried one after another; no machine Assay runs on has more.
const MOST_ADAPTERS: usize = 16;

impl Provider {
    /// Of two on one platform, first the one that every system can have.
    pub const ALL: [Self; 9] = [
        Self::Cpu,
        Self::Cuda,
        Self::TensorRt,
        Self::MiGraphX,
        Self::CoreMl,
        Self::OpenVino,
        Self::Qnn,
        Self::WebGpu,
        Self::DirectMl,
    ];

    /// The name the library knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPUExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
            Self::TensorRt => "TensorrtExecutionProvider",
            Self::MiGraphX => "MIGraphXExecutionProvider",
            Self::CoreMl => "CoreMLExecutionProvider",
            Self::DirectMl => "DmlExecutionProvider",
            Self::OpenVino => "OpenVINOExecutionProvider",
            Self::Qnn => "QNNExecutionProvider",
            Self::WebGpu => "WebGpuExecutionProvider",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Cuda => "CUDA",
            Self::TensorRt => "TensorRT",
            Self::MiGraphX => "MIGraphX",
            Self::CoreMl => "Core ML",
            Self::DirectMl => "DirectML",
            Self::OpenVino => "OpenVINO",
            Self::Qnn => "QNN",
            Self::WebGpu => "WebGPU",
        }
    }

    /// DirectML drives any maker's adapter through the same Windows interface that WebGPU uses, so it stands there.
    pub fn platform(self) -> Platform {
        match self {
            Self::Cpu => Platform::Cpu,
            Self::Cuda | Self::TensorRt => Platform::Cuda,
            Self::MiGraphX => Platform::Rocm,
            Self::CoreMl => Platform::Mps,
            Self::DirectMl | Self::WebGpu => Platform::WebGpu,
            Self::OpenVino => Platform::OpenVino,
            Self::Qnn => Platform::Qualcomm,
        }
    }

    /// The devices to try, in order. Numbered ones end at the first that is not there.
    pub fn devices(self) -> Vec<DeviceId> {
        let numbered = |kind: &str| (0..MOST_ADAPTERS).map(|index| format!("{kind}:{index}").into()).collect();
        match self {
            Self::Cuda | Self::TensorRt | Self::MiGraphX | Self::DirectMl => numbered(self.prefix()),
            Self::OpenVino => ["CPU", "GPU", "NPU"].map(|name| format!("openvino:{name}").into()).to_vec(),
            Self::Cpu | Self::CoreMl | Self::Qnn | Self::WebGpu => vec![self.prefix().into()],
        }
    }

    /// Whether it compiles a graph only where every size is known before, and leaves the rest to the processor.
    pub fn needs_fixed_sizes(self) -> bool {
        self == Self::Qnn
    }

    pub fn is_numbered(self) -> bool {
        matches!(self, Self::Cuda | Self::TensorRt | Self::MiGraphX | Self::DirectMl)
    }

    /// The first part of its devices' ids, or the whole where it has only one.
    fn prefix(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::MiGraphX => "rocm",
            Self::CoreMl => "coreml",
            Self::DirectMl => "directml",
            Self::OpenVino => "openvino",
            Self::Qnn => "qnn:htp",
            Self::WebGpu => "webgpu:0",
        }
    }

    /// What a person can do where a build does not offer it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Cpu => "Put a complete build of ONNX Runtime in its place.",
            Self::Cuda | Self::TensorRt => {
                "Put the libraries of the PyPI package onnxruntime-gpu, with its CUDA libraries, into the libraries \
                 folder as onnxruntime-gpu, then press Rescan"
            }
            Self::MiGraphX => {
                "Put the library of AMD's package onnxruntime-migraphx into the libraries folder as \
                 onnxruntime-migraphx, then press Rescan"
            }
            Self::CoreMl => "Core ML is part of macOS; run Assay on a Mac.",
            Self::DirectMl => "DirectML is part of Windows; run Assay there.",
            Self::OpenVino => {
                "Use the engine OpenVINO itself, or put the library of the PyPI package onnxruntime-openvino into the \
                 libraries folder as onnxruntime-openvino, then press Rescan"
            }
            Self::Qnn => plugin::remedy(),
            Self::WebGpu => {
                "Put the library of the PyPI package onnxruntime-webgpu into the libraries folder as \
                 onnxruntime-webgpu, then press Rescan"
            }
        }
    }

    /// What a person can do where the build offers it and this machine refuses.
    pub fn remedy_where_offered(self) -> &'static str {
        match self {
            Self::Cpu => "Put another build of ONNX Runtime in its place.",
            Self::Cuda => {
                "It needs an NVIDIA GPU with its driver, CUDA and cuDNN, and ONNX Runtime's own provider library beside it; \
                 the PyPI package onnxruntime-gpu has it. Put it into the libraries folder as onnxruntime-gpu, then \
                 press Rescan"
            }
            Self::TensorRt => {
                "It needs an NVIDIA GPU with its driver, CUDA and TensorRT, and ONNX Runtime's own provider library beside \
                 it; the PyPI package onnxruntime-gpu has it. Put it into the libraries folder as onnxruntime-gpu, \
                 then press Rescan"
            }
            Self::MiGraphX => "It needs an AMD GPU with ROCm and MIGraphX installed.",
            Self::CoreMl => "It needs macOS 10.15 or newer.",
            Self::DirectMl => "It needs Windows with a DirectX 12 adapter and its driver.",
            Self::OpenVino => "It needs OpenVINO's libraries beside it, and the driver of the device.",
            Self::Qnn => htp::REMEDY,
            Self::WebGpu => "It needs an adapter with a Vulkan, Metal or DirectX 12 driver.",
        }
    }
}

impl Place {
    pub fn new(provider: Provider, device: DeviceId) -> Self {
        Self { provider, device }
    }

    /// The place that a device id names, if it is one of ONNX Runtime's.
    pub fn of(device: &DeviceId) -> Option<Self> {
        let provider = Provider::ALL.into_iter().find(|provider| provider.devices().contains(device))?;
        Some(Self::new(provider, device.clone()))
    }

    /// What to hand to a session. None for the CPU, which is always there and needs no registering.
    pub fn dispatch(&self, library: &Path) -> Option<ExecutionProviderDispatch> {
        let inside = self.device.0.split_once(':').map_or("", |(_, inside)| inside);
        let index = inside.parse::<i32>().unwrap_or_default();
        let dispatch = match self.provider {
            Provider::Cpu => return None,
            // Without this a product of f32 matrices would silently run with 10-bit mantissas (TF32).
            Provider::Cuda => ep::CUDA::default().with_device_id(index).with_tf32(false).build(),
            Provider::TensorRt => ep::TensorRT::default().with_device_id(index).build(),
            Provider::MiGraphX => ep::MIGraphX::default().with_device_id(index).build(),
            Provider::CoreMl => ep::CoreML::default().build(),
            Provider::DirectMl => ep::DirectML::default().with_device_id(index).build(),
            Provider::OpenVino => ep::OpenVINO::default().with_device_type(inside).build(),
            Provider::Qnn => htp::built_in(library),
            Provider::WebGpu => ep::WebGPU::default().build(),
        };
        Some(dispatch.error_on_failure())
    }

    /// Why times from here must never be shown as speed.
    pub fn not_ranked(&self) -> Option<&'static str> {
        (self.provider == Provider::Qnn && htp::EMULATED.is_some())
            .then_some("this is Qualcomm's emulator of the HTP: right outputs, meaningless times")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_leads_back_to_its_provider() {
        for provider in Provider::ALL {
            for device in provider.devices() {
                assert_eq!(Place::of(&device).map(|place| place.provider), Some(provider), "{device}");
            }
        }
        assert_eq!(Place::of(&"vulkan:0".into()), None);
    }
}
