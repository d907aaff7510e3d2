//! Configurations described and built.

use crate::shell::Shell;
use serde_json::{Value, json};
use std::{fs, path::Path};

pub const TINY: &str = r#"{"model_type": "roberta", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 48, "vocab_size": 99, "max_position_embeddings": 64}"#;

#[test]
fn a_configuration_never_seen_is_described_by_its_costs() {
    let shell = Shell::new();
    fs::write(shell.path("tiny.json"), TINY).unwrap();
    let described = shell.json(&["describe", "tiny.json", "--batch", "2", "--length", "16", "--json"]);
    assert_eq!(described["type"], "roberta");
    assert_eq!(described["class"], "RobertaModel");
    assert_eq!(described["family"], "encoder");
    let (width, inner, layers) = (32, 48, 2);
    let norm = 2 * width;
    let layer = 4 * (width * width + width) + 2 * norm + 2 * width * inner + inner + width;
    let parameters = (99 + 64 + 2) * width + norm + layers * layer + width * width + width;
    assert_eq!(described["parameters"], parameters);
    let (batch, length) = (2, 16);
    let layer = length * (4 * width * width + 2 * width * inner) + 2 * length * length * width;
    assert_eq!(described["macs"], batch * (layers * layer + width * width));
    assert_eq!(described["sizes"]["sequence"], 16);
    assert_eq!(described["per_sample"], json!({ "unit": "tokens", "count": 16.0 }));
    let memory = described["memory"].as_array().unwrap();
    let bytes: Vec<_> = memory.iter().map(|one| one["weight_bytes"].as_u64().unwrap()).collect();
    assert_eq!(memory[0]["precision"], "f32");
    assert!(bytes[0] > 4 * parameters as u64 && bytes[1] > 2 * parameters as u64 && bytes[1] < bytes[0]);
    let call = |one: &serde_json::Value| one["phases"][0].clone();
    assert!(memory.iter().all(|one| call(one)["total_bytes"].as_u64() > one["weight_bytes"].as_u64()));
    assert!(memory.iter().all(|one| call(one)["cache_bytes"] == 0 && one["phases"].as_array().unwrap().len() == 1));
    assert!(described["operators"]["MatMul"].as_u64().unwrap() > 10);
}

#[test]
fn a_model_that_writes_text_is_described_by_its_cache_and_its_stages() {
    let shell = Shell::new();
    let config = json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96, "hidden_size": 32,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3, "intermediate_size": 48,
    });
    fs::write(shell.path("writes.json"), config.to_string()).unwrap();
    let described = shell.json(&["describe", "writes.json", "--batch", "2", "--length", "10", "--json"]);
    assert_eq!(described["family"], "decoder");
    let work = &described["generation"];
    assert_eq!(work["tokens"], 10);
    assert!(work["prefill_macs"].as_u64() > work["decode_macs"].as_u64());
    for memory in described["memory"].as_array().unwrap() {
        // Only the weights are quantised, not what is kept between tokens.
        let bytes = if ["f16", "bf16"].iter().any(|half| memory["precision"] == *half) { 2 } else { 4 };
        let phases = memory["phases"].as_array().unwrap();
        let named: Vec<_> = phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect();
        assert_eq!(named, ["run", "prefill", "decode", "generation"]);
        // Keys and values of 3 layers, 2 heads of 8 numbers, for 10 tokens in 2 texts.
        assert!(phases[1..3].iter().all(|phase| phase["cache_bytes"] == 2 * 3 * 2 * 8 * 10 * 2 * bytes));
        // Both graphs are loaded at once, each with its own weights.
        let figure = |value: &serde_json::Value| value.as_u64().unwrap();
        let both = figure(&phases[3]["total_bytes"]);
        assert!(both > 2 * figure(&memory["weight_bytes"]), "{memory}");
        assert!(phases[..3].iter().all(|phase| figure(&phase["total_bytes"]) < both), "{memory}");
    }
    let told = shell.run(&["describe", "writes.json"]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("next token") && told.contains("Cache, MB"), "{told}");
    assert!(told.contains("both at once") && told.contains("loads the model twice to write text"), "{told}");
}

#[test]
fn a_mixture_of_experts_costs_what_the_chosen_ones_do_and_says_so() {
    let shell = Shell::new();
    let config = json!({
        "model_type": "mixtral", "architectures": ["MixtralModel"], "vocab_size": 40, "hidden_size": 16,
        "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "num_local_experts": 5, "num_experts_per_tok": 2, "max_position_embeddings": 32,
    });
    fs::write(shell.path("mixture.json"), config.to_string()).unwrap();
    let described = shell.json(&["describe", "mixture.json", "--length", "8", "--json"]);
    assert_eq!(described["experts"], json!({ "count": 5, "chosen": 2 }));
    // In each of two layers attention, the router, and two experts of three matrices.
    assert_eq!(described["macs"], json!(8 * 2 * (4 * 16 * 16 + 2 * 8 * 16 + 16 * 5 + 2 * 3 * 16 * 12)));
    let told = shell.run(&["describe", "mixture.json", "--length", "8"]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("Each token goes through 2 of 5 experts"), "{told}");
}

#[test]
fn what_is_built_is_an_onnx_file_that_describes_itself_the_same() {
    let shell = Shell::new();
    fs::write(shell.path("tiny.json"), TINY).unwrap();
    let built = shell.json(&["build", "tiny.json", "--out", "tiny.onnx", "--json"]);
    assert_eq!(built["random_weights"], true);
    assert!(shell.path("tiny.weights.bin").is_file());
    let describe = |model: &str| shell.json(&["describe", model, "--length", "16", "--json"]);
    let (config, file) = (describe("tiny.json"), describe("tiny.onnx"));
    assert_eq!(file["macs"], config["macs"]);
    assert_eq!(file["operators"], config["operators"]);

    let (code, said) = shell.fails(&["build", "tiny.json", "--out", "tiny.onnx"]);
    assert!(code == 1 && said.contains("already"), "{said}");
    let (_, said) = shell.fails(&["build", "tiny.onnx", "--out", "other.onnx"]);
    assert!(said.contains("ONNX file already"), "{said}");
}

#[test]
fn what_is_timed_on_shared_weights_is_kept_as_a_prediction() {
    let shell = Shell::new();
    fs::write(shell.path("tiny.json"), TINY).unwrap();
    let output = shell.run(&["build", "tiny.json", "--out", "tiny.onnx", "--shared-weights", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("what is timed on this file is a prediction"), "{said}");
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&built["random_weights"], &built["shared_weights"]), (&json!(true), &json!(true)));
    // The largest weight holds a vector of 32 numbers for each of 99 words.
    let bytes = fs::metadata(shell.path("tiny.weights.bin")).unwrap().len();
    assert!((99 * 32 * 4..99 * 32 * 4 + 1024).contains(&bytes), "{bytes}");

    let measure = ["measure", "--model", "tiny.onnx", "--length", "16", "--budget-secs", "0.2"];
    for engine in ["onnxruntime", "openvino", "candle"] {
        let run = shell.json(&[&measure[..], &["--engine", engine, "--store", "s.duckdb", "--json"]].concat());
        assert_eq!((&run["outcome"]["outcome"], &run["evidence"]), (&json!("done"), &json!("predicted")));
        assert_eq!(run["check"]["verdict"], "agrees", "{}", run["check"]);
        assert!(run["source"].as_str().unwrap().contains("share one pool"), "{}", run["source"]);
    }
    let sql = "SELECT evidence, count(*) AS runs FROM runs GROUP BY evidence";
    let kept = shell.json(&["query", "--store", "s.duckdb", sql, "--json"]);
    assert_eq!(kept, json!([{ "evidence": "predicted", "runs": 3 }]));
    let told = shell.run(&measure);
    assert!(String::from_utf8_lossy(&told.stdout).contains("  predicted   timed on weights that share one pool"));

    let (_, said) = shell.fails(&["compare", "--a", "model=tiny.onnx engine=candle", "--b", "batch=2"]);
    assert!(said.contains("predictions, which are not compared"), "{said}");
    let fixed = ["build", "tiny.json", "--out", "fixed.onnx", "--shared-weights", "--precision", "int8-static"];
    assert!(shell.fails(&fixed).1.contains("Choose int8"));
}

#[test]
fn a_checkpoint_beside_no_configuration_is_built_with_the_one_that_is_given() {
    let shell = Shell::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bert");
    fs::copy(golden.join("config.json"), shell.path("mine.json")).unwrap();
    fs::copy(golden.join("model.safetensors"), shell.path("mine.safetensors")).unwrap();
    let arguments = ["build", "mine.json", "--weights", "mine.safetensors", "--out", "mine.onnx", "--precision", "f16"];
    let built = shell.json(&[&arguments[..], &["--json"]].concat());
    assert_eq!(built["random_weights"], false);
    assert_eq!(built["parameters"], 19_210);
    let bytes = fs::metadata(shell.path("mine.weights.bin")).unwrap().len();
    assert!((2 * 19_210..3 * 19_210).contains(&bytes), "{bytes}");

    fs::write(shell.path("tiny.json"), TINY).unwrap();
    let (_, said) = shell.fails(&["build", "tiny.json", "--weights", "mine.safetensors", "--out", "wrong.onnx"]);
    assert!(said.contains("mine.safetensors") && said.contains("[64, 32]"), "{said}");
    assert!(!shell.path("wrong.onnx").exists() && !shell.path("wrong.weights.bin").exists());
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_key() {
    let shell = Shell::new();
    fs::write(shell.path("bad.json"), r#"{"model_type": "t5", "num_heads": 0}"#).unwrap();
    let (code, said) = shell.fails(&["describe", "bad.json"]);
    assert!(code == 1 && said.contains("num_heads") && said.contains("bad.json"), "{said}");
}
