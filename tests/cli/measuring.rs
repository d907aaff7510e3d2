//! Measurements, suites and golden outputs.

#[cfg(unix)]
use crate::shell::wait_for_worker;
use crate::{models::TINY, shell::Shell};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// On the engine that every machine has.
const MEASURE: [&str; 5] = ["measure", "--model", "bert-tiny", "--engine", "candle"];

#[test]
fn the_inventory_lists_all_eight_platforms_and_every_engine() {
    let machine = Shell::new().json(&["inventory", "--json"]);
    assert_eq!(machine["platforms"].as_array().unwrap().len(), 8);
    let engines: Vec<&str> = machine["engines"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
    for engine in ["candle", "onnxruntime", "openvino"] {
        assert!(engines.contains(&engine), "{engines:?}");
    }
}

#[test]
fn a_measurement_is_printed_and_kept_in_the_store_asked_for() {
    let shell = Shell::new();
    let run = shell.json(&[&MEASURE[..], &["--budget-secs", "0.2", "--store", "mine.duckdb", "--json"]].concat());
    assert_eq!(run["outcome"]["outcome"], "done");
    assert!(run["timing"]["median_ms"].as_f64().unwrap() > 0.0);
    let samples_per_s = run["timing"]["throughput_per_s"].as_f64().unwrap();
    let tokens_per_s = run["task_rate"]["value"].as_f64().unwrap();
    assert!((tokens_per_s / (samples_per_s * 128.0) - 1.0).abs() < 1e-9, "{tokens_per_s} of {samples_per_s} samples/s");
    assert_eq!(run["task_rate"]["unit"], "tokens/s");
    let sql = "SELECT count(*) AS n, min(task_unit) AS unit, min(per_sample) AS per_sample FROM runs";
    let rows = shell.json(&["query", "--store", "mine.duckdb", sql, "--json"]);
    assert_eq!(rows, json!([{ "n": 1, "unit": "tokens", "per_sample": 128.0 }]));
    let out = shell.json(&["export", "--store", "mine.duckdb", "--out", "mine.csv", "--json"]);
    assert_eq!(out["rows"], 1);
    let table = fs::read_to_string(shell.path("mine.csv")).unwrap();
    assert!(table.lines().nth(1).unwrap().starts_with("bert-tiny,bert,"), "{table}");
}

#[test]
fn a_measurement_that_cannot_be_done_fails_with_its_reason() {
    let shell = Shell::new();
    let (code, said) = shell.fails(&["measure", "--model", "no-such-model.onnx"]);
    assert!(code == 1 && said.contains("no-such-model.onnx"), "{code} {said}");
    let (code, said) = shell.fails(&["measure", "--model", "bert-tiny", "--engine", "abacus"]);
    assert!(code == 1 && said.contains("abacus"), "{code} {said}");
    let (code, said) = shell.fails(&[&MEASURE[..], &["--length", "100000", "--json"]].concat());
    assert!(code == 1 && said.contains("100000"), "{code} {said}");
    let (code, said) = shell.fails(&[&MEASURE[..], &["--batch", "100000000"]].concat());
    assert!(code == 1 && said.contains(" of memory") && said.contains("What would fit: "), "{code} {said}");
    let sees = ["measure", "--model", "vit-base-patch16-224", "--engine", "candle", "--dim", "padding=25"];
    let (code, said) = shell.fails(&sees);
    assert!(code == 1 && said.contains("this model takes no padding"), "{code} {said}");
    fs::write(shell.path("torn.onnx"), [8, 7, 18, 255, 255, 255]).unwrap();
    let (code, said) = shell.fails(&["measure", "--model", "torn.onnx"]);
    assert!(code == 1 && said.contains("torn.onnx"), "{code} {said}");
}

#[test]
fn a_quantised_model_is_smaller_and_its_error_stands_beside_its_speed() {
    let shell = Shell::new();
    fs::write(shell.path("tiny.json"), TINY).unwrap();
    let bytes = |precision: &str| {
        let out = format!("{precision}.onnx");
        let built = shell.json(&["build", "tiny.json", "--out", &out, "--precision", precision, "--json"]);
        assert_eq!(built["precision"], precision);
        built["bytes"].as_u64().unwrap()
    };
    let [f32, int8, fixed, int4] = ["f32", "int8", "int8-static", "int4"].map(bytes);
    assert!(f32 > int8 && f32 > fixed && int8 > int4, "{f32} {int8} {fixed} {int4}");

    let measure = ["measure", "--model", "tiny.json", "--budget-secs", "0.2", "--store", "s.duckdb", "--json"];
    for precision in ["int8", "int8-static", "int4"] {
        let run = shell.json(&[&measure[..], &["--precision", precision]].concat());
        assert_eq!(run["setting"]["precision"], precision);
        let cosine = run["error"]["cosine"].as_f64().unwrap();
        assert!(cosine > 0.9 && cosine < 1.0, "{precision}: {cosine}");
    }
    let sql = "SELECT r.precision, o.cosine FROM runs r JOIN output_errors o ON o.run = r.key WHERE o.cosine < 1";
    assert_eq!(shell.json(&["query", "--store", "s.duckdb", sql, "--json"]).as_array().unwrap().len(), 3);
}

#[test]
fn an_onnx_file_is_measured_in_its_own_precision_and_checked_by_another_engine() {
    let shell = Shell::new();
    fs::write(shell.path("tiny.json"), TINY).unwrap();
    for precision in ["f16", "int8", "int4"] {
        let file = format!("{precision}.onnx");
        let built = shell.run(&["build", "tiny.json", "--out", &file, "--precision", precision]);
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let measure = ["measure", "--model", &file, "--length", "16", "--engine", "onnxruntime"];
        let run = shell.json(&[&measure[..], &["--budget-secs", "0.2", "--json"]].concat());
        assert_eq!(run["setting"]["precision"], precision);
        assert_eq!(run["outcome"]["outcome"], "done", "{}", run["outcome"]);
        assert_eq!(run["check"]["verdict"], "agrees", "{precision}: {}", run["check"]);
        assert!(run["error"].is_null(), "there is no f32 to hold it against: {}", run["error"]);
    }
    let (_, said) = shell.fails(&["measure", "--model", "f16.onnx", "--precision", "f32"]);
    assert!(said.contains("Choose f16"), "{said}");
}

#[test]
fn a_suite_is_measured_on_every_ready_engine_and_keeps_its_results() {
    let shell = Shell::new();
    let config: serde_json::Value = serde_json::from_str(&TINY.replace("roberta", "bert")).unwrap();
    let suite = |mode: &str| {
        json!({
            "kind": "assay-suite", "model_type": "bert", "config": config, "platform": "cpu", "precisions": ["f32"],
            "mode": mode, "batches": [1], "seed": 7, "budget_secs": 0.2,
        })
    };
    fs::write(shell.path("suite.json"), suite("inference").to_string()).unwrap();
    let done = shell.run(&["suite", "suite.json", "--store", "s.duckdb"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(said.lines().any(|line| line.contains("throughput") && line.contains(" tokens/s, ")), "{said}");
    let sql = "SELECT count(*) AS n FROM runs WHERE failure IS NULL";
    let kept = shell.json(&["query", "--store", "s.duckdb", sql, "--json"]);
    assert!(kept[0]["n"].as_u64().is_some_and(|count| count > 0), "{kept}");

    fs::write(shell.path("suite.json"), suite("training").to_string()).unwrap();
    let (code, said) = shell.fails(&["suite", "suite.json"]);
    assert!(code == 1 && said.contains("suite.json") && said.contains("Training"), "{said}");
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    let shell = Shell::new();
    assert_eq!(shell.fails(&["measure"]).0, 2);
    assert_eq!(shell.fails(&["measure", "--model", "bert-tiny", "--precision", "f33"]).0, 2);
    assert_eq!(shell.fails(&["nonsense"]).0, 2);
    assert!(shell.run(&["--help"]).status.success());
    assert!(String::from_utf8(shell.run(&["--version"]).stdout).unwrap().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let shell = Shell::new();
    let mut child =
        shell.command(&["inventory", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn golden_outputs_are_checked_and_a_wrong_one_is_found() {
    let shell = Shell::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/bert");
    let case = shell.path("cases/bert");
    fs::create_dir_all(&case).unwrap();
    for file in ["config.json", "model.safetensors", "io.safetensors"] {
        fs::copy(golden.join(file), case.join(file)).unwrap();
    }
    let cases = shell.path("cases").display().to_string();
    let results: Value = serde_json::from_slice(&shell.run(&["check-golden", &cases, "--json"]).stdout).unwrap();
    let candle = |results: &Value| {
        results.as_array().unwrap().iter().find(|result| result["engine"] == "candle").unwrap().clone()
    };
    assert!(candle(&results)["largest_difference"].as_f64().unwrap() <= 1e-4);

    // The last bytes of the file belong to a tensor.
    let mut bytes = fs::read(case.join("model.safetensors")).unwrap();
    let end = bytes.len() - 4096;
    bytes[end..].fill(0x40);
    fs::write(case.join("model.safetensors"), bytes).unwrap();
    let output = shell.run(&["check-golden", &cases, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(candle(&results)["largest_difference"].as_f64().is_none_or(|difference| difference > 1e-4));
}

#[cfg(unix)]
#[test]
fn an_interrupted_measurement_leaves_no_worker_behind() {
    let shell = Shell::new();
    let mut child = shell
        .command(&[&MEASURE[..], &["--budget-secs", "60", "--batch", "64", "--length", "512"]].concat())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let worker = wait_for_worker(child.id());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!Path::new(&format!("/proc/{worker}")).exists() || cfg!(not(target_os = "linux")));
}
