//! What templates know of a platform.

use contract::Platform;
use serde::Serialize;

/// A platform as templates see it. Python expressions may use `torch`, `onnxruntime` and `openvino`, which the template
/// imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlatformFacts {
    /// `cuda`.
    pub key: &'static str,
    /// `CUDA`.
    pub label: &'static str,
    /// Which library runs the model there: `torch`, `openvino`, `onnxruntime`; `assay` where Python does not reach it.
    pub engine: &'static str,
    /// The device string of PyTorch; none where PyTorch does not run there.
    pub torch_device: Option<&'static str>,
    /// Python expression that is true where the hardware and its driver are there.
    pub present: &'static str,
    /// Python statement that waits for all work on the device; none where calls return only when they are done.
    pub synchronize: Option<&'static str>,
    /// What to say where it is not there.
    pub missing: &'static str,
    /// ONNX Runtime's execution provider.
    pub onnx_provider: Option<&'static str>,
    /// The packages of PyPI that run it.
    pub packages: &'static [&'static str],
}

impl PlatformFacts {
    pub fn of(platform: Platform) -> Self {
        let (key, label) = (platform.key(), platform.label());
        let of = |engine, torch_device, present, synchronize, missing, onnx_provider, packages| Self {
            key,
            label,
            engine,
            torch_device,
            present,
            synchronize,
            missing,
            onnx_provider,
            packages,
        };
        match platform {
            Platform::Cpu => {
                of("torch", Some("cpu"), "True", None, "", Some("CPUExecutionProvider"), &["torch", "transformers"])
            }
            Platform::Cuda => of(
                "torch",
                Some("cuda"),
                "torch.cuda.is_available() and torch.version.cuda is not None",
                Some("torch.cuda.synchronize()"),
                "PyTorch finds no NVIDIA GPU",
                Some("CUDAExecutionProvider"),
                &["torch", "transformers"],
            ),
            // PyTorch's build for ROCm answers under the name cuda.
            Platform::Rocm => of(
                "torch",
                Some("cuda"),
                "torch.cuda.is_available() and torch.version.hip is not None",
                Some("torch.cuda.synchronize()"),
                "PyTorch finds no AMD GPU",
                Some("MIGraphXExecutionProvider"),
                &["torch", "transformers"],
            ),
            Platform::Mps => of(
                "torch",
                Some("mps"),
                "torch.backends.mps.is_available()",
                Some("torch.mps.synchronize()"),
                "PyTorch finds no Apple GPU",
                Some("CoreMLExecutionProvider"),
                &["torch", "transformers"],
            ),
            Platform::OpenVino => of(
                "openvino",
                None,
                "bool(openvino.Core().available_devices)",
                None,
                "OpenVINO finds no device",
                Some("OpenVINOExecutionProvider"),
                &["openvino", "torch", "transformers"],
            ),
            Platform::Qualcomm => of(
                "onnxruntime",
                None,
                "\"QNNExecutionProvider\" in onnxruntime.get_available_providers()",
                None,
                "ONNX Runtime has no QNN provider here",
                Some("QNNExecutionProvider"),
                &["onnxruntime-qnn", "onnx", "torch", "transformers"],
            ),
            Platform::WebNn => of("assay", None, "False", None, "WebNN is reached from a browser", Some("WebNN"), &[]),
            Platform::WebGpu => {
                of("assay", None, "False", None, "WebGPU is reached from a browser", Some("WebGPU"), &[])
            }
            Platform::Other => of("assay", None, "False", None, "It is known from an imported table only", None, &[]),
        }
    }
}
