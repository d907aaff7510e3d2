//! Engines by the names their makers gave them.

use contract::EngineId;

/// `onnxruntime-webgpu` becomes `ONNX Runtime (webgpu)`; what is not known keeps its id.
pub fn engine(id: &EngineId) -> String {
    let known = [("candle", "candle"), ("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")];
    for (key, name) in known {
        match id.0.strip_prefix(key) {
            Some("") => return name.into(),
            Some(build) if build.starts_with('-') => return format!("{name} ({})", &build[1..]),
            _ => {}
        }
    }
    id.0.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_have_their_makers_names() {
        assert_eq!(engine(&"onnxruntime".into()), "ONNX Runtime");
        assert_eq!(engine(&"onnxruntime-webgpu".into()), "ONNX Runtime (webgpu)");
        assert_eq!(engine(&"pytorch 2.9".into()), "pytorch 2.9");
    }
}
