//! OpenVINO: properties by device, as `benchmark_app -load_config` reads them.

use contract::{AdvisedSetting, Work};
use serde_json::{Map, Value, json};

pub fn file(_: &Work, setting: &AdvisedSetting) -> (Value, &'static str) {
    let device = setting.here.as_ref().and_then(|here| here.device.0.strip_prefix("openvino:")).unwrap_or("CPU");
    let precision = match setting.precision.as_str() {
        "f16" | "fp16" => "f16",
        "bf16" => "bf16",
        // Quantised operators carry their format in the graph; the rest of it runs in f32.
        _ => "f32",
    };
    let mut properties = Map::new();
    properties.insert("INFERENCE_PRECISION_HINT".into(), json!(precision));
    if device == "CPU" {
        properties.insert("NUM_STREAMS".into(), json!("1"));
        properties
            .extend(setting.threads.map(|threads| ("INFERENCE_NUM_THREADS".to_owned(), json!(threads.to_string()))));
    }
    (json!({ device: properties }), "Pass it to benchmark_app with -load_config, or its properties to compile_model.")
}
