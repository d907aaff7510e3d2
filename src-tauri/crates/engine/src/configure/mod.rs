//! A setting as a file that its engine, or the program around it, takes: one file here for each engine.

mod onnxruntime;
mod openvino;
mod other;

use contract::{AdvisedSetting, EngineFile, Work};
use serde_json::{Map, Value, json};

/// What Assay itself sets when it measures this setting, in the engine's own words.
pub fn engine_file(work: &Work, setting: &AdvisedSetting) -> EngineFile {
    let write = match setting.engine.without_build() {
        "onnxruntime" | "onnx" => onnxruntime::file,
        "openvino" => openvino::file,
        _ => other::file,
    };
    let (settings, usage) = write(work, setting);
    let text = serde_json::to_string_pretty(&settings).expect("a JSON value with string keys can be written");
    EngineFile { name: format!("{}.json", file_name(work, setting)), text: text + "\n", usage: usage.to_owned() }
}

/// What the program around the engine has to keep to.
fn input(work: &Work, setting: &AdvisedSetting) -> Value {
    let mut input = Map::new();
    input.insert("model".into(), json!(work.model));
    input.insert("precision".into(), json!(setting.precision));
    input.extend(work.batch.map(|batch| ("batch".to_owned(), json!(batch))));
    input.extend(work.size.map(|size| ("size".to_owned(), json!(size))));
    Value::Object(input)
}

/// Letters, digits and dashes only: the name goes to a file system.
fn file_name(work: &Work, setting: &AdvisedSetting) -> String {
    let words = format!("{}-{}-{}", work.model, setting.engine, setting.precision);
    words.chars().map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Platform;

    fn setting(engine: &str, platform: Platform) -> AdvisedSetting {
        AdvisedSetting {
            engine: engine.into(),
            hardware: "some hardware".into(),
            platform,
            precision: "f32".into(),
            ran: "f32".into(),
            devices: Some(1),
            threads: Some(4),
            software: "1.0".into(),
            here: None,
        }
    }

    fn written(engine: &str, platform: Platform) -> Value {
        let work = Work { model: "bert/base".into(), batch: Some(8), ..Work::default() };
        let file = engine_file(&work, &setting(engine, platform));
        assert!(!file.name.contains('/') && file.name.ends_with(".json"), "{}", file.name);
        serde_json::from_str(&file.text).unwrap()
    }

    #[test]
    fn onnxruntime_gets_session_options_and_the_provider_of_the_platform() {
        let file = written("onnxruntime", Platform::Cuda);
        assert_eq!(file["session_options"]["graph_optimization_level"], "ORT_ENABLE_ALL");
        assert_eq!(file["session_options"]["intra_op_num_threads"], 4);
        assert_eq!(file["providers"][0][0], "CUDAExecutionProvider");
        assert_eq!(file["input"]["batch"], 8);
        assert_eq!(written("onnxruntime", Platform::Cpu)["providers"][0][0], "CPUExecutionProvider");
    }

    #[test]
    fn openvino_gets_the_properties_of_its_device() {
        let file = written("openvino", Platform::OpenVino);
        let expected = json!({ "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": "4" });
        assert_eq!(file["CPU"], expected);
    }

    #[test]
    fn an_engine_of_an_imported_table_gets_what_the_table_says() {
        let file = written("pytorch-compile-nchw", Platform::Cuda);
        assert_eq!((&file["engine"], &file["threads"]), (&json!("pytorch-compile-nchw"), &json!(4)));
    }
}
