//! ONNX Runtime: session options and provider by the names that its Python, C and C++ interfaces share.

use super::input;
use contract::{AdvisedSetting, Platform, Work};
use serde_json::{Map, Value, json};

pub fn file(work: &Work, setting: &AdvisedSetting) -> (Value, &'static str) {
    let mut options = Map::new();
    options.insert("graph_optimization_level".into(), json!("ORT_ENABLE_ALL"));
    options.extend(setting.threads.map(|threads| ("intra_op_num_threads".to_owned(), json!(threads))));
    let settings = json!({
        "engine": "onnxruntime",
        "version": setting.software,
        "session_options": options,
        "providers": providers(setting.platform),
        "input": input(work, setting),
    });
    (settings, "Set each of session_options on a SessionOptions, and pass providers when the session is made.")
}

/// In order of preference, as `InferenceSession(providers=…)` takes them. What the first cannot run falls to the CPU.
fn providers(platform: Platform) -> Value {
    let cpu = json!(["CPUExecutionProvider", {}]);
    let first = match platform {
        Platform::Cpu | Platform::Other => return json!([cpu]),
        // Without this, products in f32 lose bits on newer cards.
        Platform::Cuda => json!(["CUDAExecutionProvider", { "use_tf32": "0" }]),
        Platform::Rocm => json!(["MIGraphXExecutionProvider", {}]),
        Platform::Mps => json!(["CoreMLExecutionProvider", {}]),
        Platform::OpenVino => json!(["OpenVINOExecutionProvider", {}]),
        Platform::Qualcomm => json!(["QNNExecutionProvider", { "backend_type": "htp" }]),
        Platform::WebNn => json!(["webnn", {}]),
        Platform::WebGpu => json!(["WebGpuExecutionProvider", {}]),
    };
    json!([first, cpu])
}
