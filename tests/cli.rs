//! The commands of the real program, as a script calls them.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

struct Shell {
    folder: TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).current_dir(self.folder.path()).env("ASSAY_DATA", self.path("data"));
        // No display is needed.
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Exit code and what was said on stderr.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} should fail");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }
}

const TABLE: &str = "model,family,hardware,runtime,precision,mode,batch,size,devices,threads,software,measured_at,parameters,macs,activations,latency_ms,peak_memory_mb
resnet50,resnet,Xeon Gold 6248,tflite,f32,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,12.5,180
resnet50,resnet,Xeon Gold 6248,tflite,f32,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,12.5,180
resnet50,resnet,Xeon Gold 6248,tflite,int8,inference,1,224,1,4,2.15,2024-05-01,25557032,4111514624,11113984,-3,180
";

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
    let arguments = [
        "measure",
        "--model",
        "bert-tiny",
        "--engine",
        "candle",
        "--budget-secs",
        "1",
        "--store",
        "mine.duckdb",
        "--json",
    ];
    let run = shell.json(&arguments);
    assert_eq!(run["outcome"]["outcome"], "done");
    assert!(run["timing"]["median_ms"].as_f64().unwrap() > 0.0);
    let rows = shell.json(&["query", "--store", "mine.duckdb", "SELECT count(*) AS n FROM runs", "--json"]);
    assert_eq!(rows[0]["n"], 1);
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
    let (code, said) =
        shell.fails(&["measure", "--model", "bert-tiny", "--engine", "candle", "--length", "100000", "--json"]);
    assert!(code == 1 && said.contains("100000"), "{code} {said}");
    fs::write(shell.path("torn.onnx"), [8, 7, 18, 255, 255, 255]).unwrap();
    let (code, said) = shell.fails(&["measure", "--model", "torn.onnx"]);
    assert!(code == 1 && said.contains("torn.onnx"), "{code} {said}");
}

const TINY: &str = r#"{"model_type": "roberta", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
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
        assert_eq!(named, ["run", "prefill", "decode"]);
        // Keys and values of 3 layers, 2 heads of 8 numbers, for 10 tokens in 2 texts.
        assert!(phases[1..].iter().all(|phase| phase["cache_bytes"] == 2 * 3 * 2 * 8 * 10 * 2 * bytes));
    }
    let told = shell.run(&["describe", "writes.json"]);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("next token") && told.contains("Cache, MB"), "{told}");
}

const WRITES: &str = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96,
    "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3,
    "intermediate_size": 48, "max_position_embeddings": 64}"#;

#[test]
fn generation_is_measured_with_its_first_token_and_every_further_one() {
    let shell = Shell::new();
    fs::write(shell.path("writes.json"), WRITES).unwrap();
    let measure = ["measure", "--model", "writes.json", "--mode", "generation", "--prompt", "12", "--output", "5"];
    let kept = ["--budget-secs", "1", "--store", "mine.duckdb", "--json"];
    let run = shell.json(&[&measure[..], &kept].concat());
    assert_eq!(run["outcome"]["outcome"], "done");
    assert_eq!((&run["setting"]["mode"], &run["setting"]["size"]), (&json!("generation"), &json!(12)));
    assert_eq!(run["check"]["verdict"], "agrees", "{}", run["check"]);
    let generated = &run["generated"];
    assert_eq!(generated["output_tokens"], 5);
    let figure = |value: &Value| value.as_f64().unwrap();
    let token_ms = figure(&generated["token"]["ms"]);
    assert!((figure(&generated["tokens_per_s"]) - 1000.0 / token_ms).abs() < 1e-6);
    let texts = generated["texts_ms"].as_array().unwrap();
    assert!(texts.len() >= 10 && texts.iter().all(|times| times.as_array().unwrap().len() == 5));
    let rows = shell.json(&["query", "--store", "mine.duckdb", "FROM generations", "--json"]);
    assert_eq!(rows[0]["tokens_ms"].as_array().unwrap().len(), texts.len() * 5);
    shell.json(&["export", "--store", "mine.duckdb", "--out", "mine.csv", "--json"]);
    let table = fs::read_to_string(shell.path("mine.csv")).unwrap();
    assert!(table.lines().nth(1).unwrap().contains(",generation,1,12,"), "{table}");
    let imported = shell.json(&["import", "--store", "other.duckdb", "mine.csv", "--json"]);
    assert_eq!(imported["taken"], 1, "{imported}");
}

#[test]
fn answers_are_written_to_a_text_and_to_sound() {
    let shell = Shell::new();
    let text = json!({
        "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 96, "d_model": 32,
        "d_kv": 8, "num_heads": 4, "num_layers": 2, "d_ff": 48
    });
    let sound = json!({
        "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"], "vocab_size": 96,
        "d_model": 32, "num_mel_bins": 8, "max_source_positions": 12, "max_target_positions": 20,
        "encoder_layers": 1, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
        "decoder_layers": 1, "decoder_attention_heads": 4, "decoder_ffn_dim": 48
    });
    fs::write(shell.path("text.json"), text.to_string()).unwrap();
    fs::write(shell.path("sound.json"), sound.to_string()).unwrap();
    // Without a length of its own a prompt is as long as usual; sound has one length.
    for (model, prompt, length) in [("text.json", Some("12"), 12), ("text.json", None, 128), ("sound.json", None, 24)] {
        let measure = ["measure", "--model", model, "--mode", "generation", "--output", "5", "--budget-secs", "1"];
        let prompt: Vec<&str> = prompt.into_iter().flat_map(|length| ["--prompt", length]).collect();
        let run = shell.json(&[&measure[..], &prompt[..], &["--json"]].concat());
        assert_eq!(run["outcome"]["outcome"], "done", "{}", run["outcome"]);
        assert_eq!((&run["setting"]["size"], &run["setting"]["dims"]), (&json!(length), &json!({ "output": 5 })));
        assert_eq!(run["check"]["verdict"], "agrees", "{}", run["check"]);
        assert_eq!(run["generated"]["output_tokens"], 5);
    }
    let described = shell.json(&["describe", "sound.json", "--json"]);
    let work = &described["generation"];
    assert_eq!(work["tokens"], 24);
    assert!(work["prefill_macs"].as_u64() > work["decode_macs"].as_u64());
    let phases = described["memory"][0]["phases"].as_array().unwrap();
    // Keys and values of one layer, 4 heads of 8 numbers: of 12 vectors of sound, and of 1 or 16 tokens.
    let cached: Vec<&Value> = phases[1..].iter().map(|phase| &phase["cache_bytes"]).collect();
    assert_eq!(cached, [&json!(2 * 32 * (12 + 1) * 4), &json!(2 * 32 * (12 + 16) * 4)]);
}

#[test]
fn what_does_not_generate_is_refused_with_what_to_choose_instead() {
    let shell = Shell::new();
    let refused = |model: &str, more: &[&str]| {
        let base = ["measure", "--model", model, "--mode", "generation", "--engine", "candle"];
        let (code, said) = shell.fails(&[&base[..], more].concat());
        assert_eq!(code, 1, "{said}");
        said
    };
    let said = refused("bert-tiny", &[]);
    assert!(said.contains("BertModel") && said.contains("gpt2"), "{said}");
    fs::write(shell.path("reads.json"), r#"{"model_type": "t5", "architectures": ["T5Model"], "num_layers": 1}"#)
        .unwrap();
    let said = refused("reads.json", &[]);
    assert!(said.contains("T5Model") && said.contains("T5ForConditionalGeneration"), "{said}");
    let said = refused("whisper-tiny", &["--prompt", "100"]);
    assert!(said.contains("3000 frames"), "{said}");
    fs::write(shell.path("base.json"), WRITES.replace("LlamaForCausalLM", "LlamaModel")).unwrap();
    let said = refused("base.json", &[]);
    assert!(said.contains("LlamaModel") && said.contains("ForCausalLM"), "{said}");
    fs::write(shell.path("writes.json"), WRITES).unwrap();
    let said = refused("writes.json", &["--prompt", "60", "--output", "20"]);
    assert!(said.contains("at most 64 tokens"), "{said}");
    let (_, said) = shell.fails(&["measure", "--model", "writes.json", "--output", "5"]);
    assert!(said.contains("--mode generation"), "{said}");
    let (_, said) = shell.fails(&["measure", "--model", "writes.json", "--mode", "training"]);
    assert!(said.contains("inference or generation"), "{said}");
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
fn taken_duplicates_and_refused_add_up_to_the_rows_and_come_back_out() {
    let shell = Shell::new();
    fs::write(shell.path("table.csv"), TABLE).unwrap();
    let report = shell.json(&["import", "table.csv", "--store", "s.duckdb", "--json"]);
    assert_eq!(
        (&report["rows"], &report["taken"], &report["duplicates"], &report["refused"]),
        (&3.into(), &1.into(), &1.into(), &1.into())
    );
    assert_eq!(report["refusals"][0]["line"], 4);
    let again = shell.json(&["import", "table.csv", "--store", "s.duckdb", "--json"]);
    assert_eq!((&again["taken"], &again["duplicates"]), (&0.into(), &2.into()));
    for out in ["out.csv", "out.parquet"] {
        assert_eq!(shell.json(&["export", "--store", "s.duckdb", "--out", out, "--json"])["rows"], 1);
        let back = shell.json(&["import", out, "--store", "t.duckdb", "--json"]);
        assert_eq!(back["refused"], 0, "{back}");
    }
    assert_eq!(shell.json(&["query", "--store", "t.duckdb", "SELECT count(*) AS n FROM runs", "--json"])[0]["n"], 1);
}

#[test]
fn a_hostile_query_reads_no_file_and_changes_nothing() {
    let shell = Shell::new();
    fs::write(shell.path("table.csv"), TABLE).unwrap();
    fs::write(shell.path("secret.txt"), "secret").unwrap();
    shell.json(&["import", "table.csv", "--store", "s.duckdb", "--json"]);
    let before = fs::read(shell.path("s.duckdb")).unwrap();
    for sql in [
        "SELECT * FROM read_text('secret.txt')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 'table.csv'",
        "COPY (SELECT 1) TO 'leak.csv'",
        "ATTACH 'other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list; DROP TABLE runs",
        "DELETE FROM runs",
        "UPDATE runs SET note = 'x'",
        "CREATE TABLE t (x INTEGER)",
        "SELECT 1; DELETE FROM runs",
        "EXPORT DATABASE 'leak'",
        "not sql",
        "",
    ] {
        let (code, said) = shell.fails(&["query", "--store", "s.duckdb", sql, "--json"]);
        assert!(code == 1 && said.starts_with("assay: "), "{sql}: {code} {said}");
        assert!(!said.contains("root:"), "{sql}: {said}");
    }
    assert_eq!(fs::read(shell.path("s.duckdb")).unwrap(), before);
    for leak in ["leak.csv", "other.duckdb", "leak"] {
        assert!(!shell.path(leak).exists(), "{leak}");
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_reading() {
    let shell = Shell::new();
    let (code, said) = shell.fails(&["query", "--store", "none.duckdb", "SELECT 1"]);
    assert!(code == 1 && said.contains("none.duckdb"), "{said}");
    assert_eq!(shell.fails(&["export", "--store", "none.duckdb", "--out", "x.csv"]).0, 1);
    assert!(!shell.path("none.duckdb").exists());
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
    let child = shell
        .command(&[
            "measure",
            "--model",
            "bert-tiny",
            "--engine",
            "candle",
            "--budget-secs",
            "60",
            "--batch",
            "64",
            "--length",
            "512",
        ])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = child;
    let worker = wait_for_worker(child.id());
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!Path::new(&format!("/proc/{worker}")).exists() || cfg!(not(target_os = "linux")));
}

/// The measuring worker, once it has been at work for a moment; probes of the inventory come and go before it.
#[cfg(unix)]
fn wait_for_worker(parent: u32) -> u32 {
    use std::{
        thread::sleep,
        time::{Duration, Instant},
    };
    let began = Instant::now();
    let mut seen: Option<(u32, Instant)> = None;
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "no worker appeared");
        let listed = Command::new("ps").args(["-o", "pid=,ppid=,args=", "-A"]).output().unwrap();
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let worker = text.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            let (pid, ppid) = (words.next()?.parse::<u32>().ok()?, words.next()?.parse::<u32>().ok()?);
            (ppid == parent && words.last() == Some("worker")).then_some(pid)
        });
        seen = match (worker, seen) {
            (Some(pid), Some((before, since))) if pid == before => Some((before, since)),
            (Some(pid), _) => Some((pid, Instant::now())),
            (None, _) => None,
        };
        if let Some((pid, since)) = seen
            && since.elapsed() > Duration::from_secs(4)
        {
            return pid;
        }
        sleep(Duration::from_millis(50));
    }
}

const TEMPLATE: &str = "---
kind = \"test\"
about = \"A template of this test.\"
model_type = \"bert\"

[variables.batch]
type = \"integer\"
default = 2
help = \"Samples run at once\"
---
model_type = {{ model.model_type | py }}
batch = {{ batch }}
";

#[test]
fn templates_of_a_folder_are_checked_rendered_and_generated() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("mine/test")).unwrap();
    fs::write(shell.path("mine/test/bert.py"), TEMPLATE).unwrap();
    let mine = ["--templates", "mine"];
    let listed = shell.json(&[&["template", "list", "--json"], &mine[..]].concat());
    assert!(listed.as_array().unwrap().iter().any(|row| row["name"] == "test/bert.py"), "{listed}");
    let sound = shell.run(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert!(sound.status.success(), "{}", String::from_utf8_lossy(&sound.stdout));
    let render = [&["template", "render", "--model", "bert", "--set", "batch=4", "--json"], &mine[..]].concat();
    let rendered = shell.json(&render);
    assert_eq!(rendered["text"], "model_type = \"bert\"\nbatch = 4\n");
    assert_eq!(rendered["origin"][1], serde_json::json!(["test/bert.py", 12]));
    let wrong = [&["template", "render", "--model", "bert", "--set", "batch=many"], &mine[..]].concat();
    assert!(shell.fails(&wrong).1.contains("many is not a whole number"));

    let generate = ["generate", "--models", "bert", "--platforms", "cpu", "--kinds", "test", "--out", "out", "--json"];
    let written = shell.json(&[&generate, &mine[..]].concat());
    assert_eq!(written["files"], serde_json::json!(["tests/test_bert_cpu.py"]));
    assert!(shell.path("out/conftest.py").exists() && shell.path("out/README.md").exists());
    let again = shell.fails(&[&generate, &mine[..]].concat());
    assert!(again.1.contains("the folder is not empty"), "{}", again.1);

    fs::write(shell.path("mine/test/bert.py"), TEMPLATE.replace("{{ batch }}", "{{ bath }}")).unwrap();
    let (code, _) = shell.fails(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert_eq!(code, 1);
    let told = shell.run(&[&["template", "check", "test/bert.py"], &mine[..]].concat());
    assert!(String::from_utf8_lossy(&told.stdout).contains("test/bert.py, line 12, column 12: bath is not a variable"));
}

#[test]
fn a_store_keeps_each_version_of_a_template() {
    let shell = Shell::new();
    fs::write(shell.path("one.py"), TEMPLATE).unwrap();
    fs::write(shell.path("two.py"), TEMPLATE.replace("default = 2", "default = 3")).unwrap();
    let store = ["--store", "a.duckdb"];
    let act = |act: &[&str]| {
        let output = shell.run(&[&["template"], act, &store[..]].concat());
        assert!(output.status.success(), "{act:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(act(&["save", "mine/bert.py", "one.py", "--note", "first"]), "mine/bert.py: version 1\n");
    assert_eq!(act(&["save", "mine/bert.py", "two.py"]), "mine/bert.py: version 2\n");
    assert_eq!(act(&["diff", "mine/bert.py", "1", "2"]), "- default = 2\n+ default = 3\n");
    act(&["tag", "mine/bert.py", "2"]);
    assert_eq!(act(&["restore", "mine/bert.py", "1"]), "mine/bert.py: version 3\n");
    let history = act(&["history", "mine/bert.py"]);
    let lines: Vec<&str> = history.lines().collect();
    assert!(lines[0].contains("Restored by You: Version 1 again"), "{history}");
    assert!(lines[1].contains("released") && lines[2].contains("Saved by You: first"), "{history}");
    assert!(act(&["render", "--model", "bert"]).contains("batch = 2"));
    assert_eq!(act(&["merge", "mine/bert.py"]), "mine/bert.py: no update is offered\n");
    let refused = shell.fails(&["template", "save", "../out.py", "one.py", "--store", "a.duckdb"]);
    assert!(refused.1.contains("it is not a name for a template"), "{}", refused.1);
}

/// Times of thirty models on four chips, as a cost each over a speed each; every seventh pair is left out.
fn chips() -> (String, String) {
    let header = "model,hardware,precision,batch,macs,latency_ms\n";
    let (mut known, mut ask) = (header.to_owned(), header.to_owned());
    for model in 0..30 {
        for chip in 0..4 {
            let time = (1.0 + f64::from(model)) / (1.0 + f64::from(chip))
                * (1.0 + 0.01 * f64::from((model * 7 + chip * 3) % 5));
            if (model * 4 + chip) % 7 == 3 {
                ask += &format!("net{model},chip {chip},fp32,1,,\n");
            } else {
                known += &format!("net{model},chip {chip},fp32,1,,{time}\n");
            }
        }
    }
    (known, ask)
}

#[test]
fn questions_are_answered_in_order_and_what_cannot_be_used_is_counted() {
    let shell = Shell::new();
    let (known, ask) = chips();
    fs::write(shell.path("known.csv"), known + "net1,chip 0,fp32,1,,0\nnet1,chip 0,fp32,1,,NaN\n").unwrap();
    fs::write(shell.path("ask.csv"), ask.clone() + "net1,chip 0,fp32,many,,\nelse,nowhere,fp32,1,,\n").unwrap();
    let output = shell.run(&["forecast", "--known", "known.csv", "--ask", "ask.csv", "--out", "out.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("known.csv: 2 of 105 rows refused") && said.contains("line 105, column latency_ms: zero"),
        "{said}"
    );
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("the hardware changes the time per sample 1."), "{told}");
    let out = fs::read_to_string(shell.path("out.csv")).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "latency_ms,low_ms,high_ms,peak_memory_mb,support,note");
    assert_eq!(lines.len(), ask.lines().count() + 2);
    let first: Vec<&str> = lines[1].split(',').collect();
    let time: f64 = first[0].parse().unwrap();
    // net0 on chip 3 takes a quarter of 1.04 ms.
    assert!((time / 0.26 - 1.0).abs() < 0.25 && first[4] == "combination", "{}", lines[1]);
    assert!(lines[lines.len() - 2].starts_with(",,,,unreadable,"), "{}", lines[lines.len() - 2]);
    assert!(lines[lines.len() - 1].starts_with(",,,,nothing,"), "{}", lines[lines.len() - 1]);
    let (code, told) = shell.fails(&["forecast", "--known", "ask.csv", "--ask", "torn.csv", "--out", "out.csv"]);
    assert!(code == 1 && told.contains("torn.csv"), "{code} {told}");
}

#[test]
fn predictions_are_held_against_what_is_measured_later() {
    let shell = Shell::new();
    let (known, ask) = chips();
    // A result needs an engine and a mode, and a time to come after the prediction.
    let whole = |table: &str, measured_at: &str| {
        let mut lines = table.lines().map(|line| format!("{line},onnxruntime,inference,{measured_at}\n"));
        let header =
            lines.next().unwrap().replace(&format!("onnxruntime,inference,{measured_at}"), "runtime,mode,measured_at");
        header + &lines.collect::<String>()
    };
    let measured = ask.replace(",1,,\n", ",1,,1000\n").replacen("chip 3,fp32,1,,1000", "chip 3,fp32,1,,0.26", 1);
    fs::write(shell.path("known.csv"), whole(&known, "")).unwrap();
    fs::write(shell.path("ask.csv"), whole(&ask, "")).unwrap();
    fs::write(shell.path("measured.csv"), whole(&measured, "2100-01-01T00:00:00Z")).unwrap();
    let forecast = || {
        let files = ["--known", "known.csv", "--ask", "ask.csv", "--out", "out.csv", "--store", "s.duckdb"];
        String::from_utf8(shell.run(&[&["forecast"], &files[..]].concat()).stdout).unwrap()
    };
    let asked = ask.lines().count() - 1;
    let told = forecast();
    assert!(told.contains(&format!("None of {asked} predictions was measured yet")), "{told}");
    shell.json(&["import", "measured.csv", "--store", "s.duckdb", "--json"]);
    let told = forecast();
    // One result is as predicted, the others take a second.
    let share = (100.0 / asked as f64).round();
    assert!(told.contains(&format!("Of {asked} predictions since 20")), "{told}");
    assert!(told.contains(&format!(", {share} % fell inside their 90 % interval")), "{told}");
}

#[test]
fn a_recommendation_says_what_is_measured_and_what_is_predicted() {
    let shell = Shell::new();
    fs::write(shell.path("known.csv"), chips().0).unwrap();
    let found = shell.json(&["recommend", "--known", "known.csv", "--model", "net7", "--json"]);
    assert_eq!(found["choice"]["setting"]["hardware"], "chip 3");
    let others = found["alternatives"].as_array().unwrap();
    let evidence: Vec<&str> = others.iter().chain([&found["choice"]]).filter_map(|c| c["evidence"].as_str()).collect();
    assert_eq!(evidence.len(), 4);
    assert!(evidence.contains(&"measured") && evidence.contains(&"predicted"), "{evidence:?}");
    let limited =
        shell.json(&["recommend", "--known", "known.csv", "--model", "net7", "--max-latency-ms", "0.1", "--json"]);
    assert!(limited["choice"].is_null() && limited["rejected"].as_array().unwrap().len() == 4);
    let (code, said) = shell.fails(&["recommend", "--known", "known.csv", "--model", "net"]);
    assert!(code == 1 && said.contains("did you mean"), "{code} {said}");
}

/// Two series that get 10 % slower with a new driver, and one that does not.
fn series() -> String {
    let mut text = String::from("series,at,value,driver\n");
    for i in 0..24 {
        let wobble = 1.0 + f64::from(i * i % 6) / 1000.0;
        let (driver, slower) = if i < 12 { ("535", 1.0) } else { ("550", 1.1) };
        text += &format!("a,{i},{},{driver}\nb,{i},{},{driver}\n", 10.0 * wobble * slower, 20.0 * wobble * slower);
        text += &format!("c,{i},{},\n", 30.0 * wobble);
    }
    text
}

#[test]
fn watch_exits_with_3_on_a_regression_and_names_its_cause() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), series()).unwrap();
    let output = shell.run(&["watch", "--series", "series.csv", "--summary", "summary.md", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["regressions"].as_array().unwrap().len(), 2);
    assert_eq!(report["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(report["alerts"][0]["causes"][0]["after"], "550");
    assert_eq!(report["series"][0]["changes"][0]["index"], 12);
    let summary = fs::read_to_string(shell.path("summary.md")).unwrap();
    assert!(summary.contains("since driver went from 535 to 550"), "{summary}");
}

#[test]
fn watch_is_content_where_the_change_is_small_old_or_good() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), series()).unwrap();
    for more in [["--threshold", "20"], ["--since", "13"], ["--better", "higher"]] {
        let report = shell.json(&[&["watch", "--series", "series.csv", "--json"][..], &more[..]].concat());
        assert_eq!(report["regressions"].as_array().unwrap().len(), 0, "{more:?}");
        assert_eq!(report["alerts"].as_array().unwrap().len(), 1, "{more:?}");
    }
}

#[test]
fn watch_names_the_row_and_column_of_a_malformed_table() {
    let shell = Shell::new();
    fs::write(shell.path("series.csv"), "series,at,value\na,1,2\na,2,3 ms\n").unwrap();
    let (code, said) = shell.fails(&["watch", "--series", "series.csv", "--json"]);
    assert_eq!(code, 1);
    assert!(said.contains("series.csv: line 3, column value: `3 ms` is not a number"), "{said}");
}

#[test]
fn two_settings_are_measured_in_turn_and_kept_with_their_rounds() {
    let shell = Shell::new();
    let told = shell.json(&[
        "compare",
        "--a",
        "model=bert-tiny engine=candle length=16 threads=1",
        "--b",
        "engine=candle",
        "length=64",
        "threads=1",
        "--budget-secs",
        "20",
        "--store",
        "c.duckdb",
        "--json",
    ]);
    // Four times the text.
    assert_eq!(told["result"]["verdict"], "slower", "{}", told["sentence"]);
    assert!(told["result"]["interval"]["low"].as_f64().unwrap() > 1.01, "{}", told["result"]);
    assert!(told["sentence"].as_str().unwrap().starts_with("B is slower: it takes "), "{}", told["sentence"]);
    for side in ["a", "b"] {
        assert_eq!(told[side]["timing"]["stop"], "compared");
        assert!(told[side]["check"]["verdict"].is_string() && told[side]["effective"]["threads"] == 1);
        assert!(told[side]["samples_ms"].as_array().unwrap().len() > 30);
    }
    let rounds = told["rounds"].as_array().unwrap();
    assert!(rounds.len() >= 15 && rounds.iter().any(|round| round["first"] == "A"));
    assert!(rounds.iter().any(|round| round["first"] == "B"), "the coin has two sides");
    let sql = "SELECT verdict, (SELECT count(*) FROM runs) AS runs FROM comparisons";
    let kept = shell.json(&["query", "--store", "c.duckdb", sql, "--json"]);
    assert_eq!((&kept[0]["verdict"], &kept[0]["runs"]), (&"slower".into(), &2.into()));
}

#[test]
fn a_setting_that_cannot_be_understood_or_used_is_refused_by_its_key() {
    let shell = Shell::new();
    let compare = |b: &str| shell.fails(&["compare", "--a", "model=bert-tiny engine=candle", "--b", b]);
    let (code, said) = compare("engine=candle,colour=red");
    assert!(code == 1 && said.contains("colour") && said.contains("precision"), "{said}");
    let (_, said) = compare("precision=f33");
    assert!(said.contains("f33") && said.contains("bf16"), "{said}");
    let (_, said) = compare("engine=candle batch=2 batch=4");
    assert!(said.contains("--b") && said.contains("batch"), "{said}");
    let (_, said) = compare("candle");
    assert!(said.contains("candle is not KEY=VALUE"), "{said}");
    let (_, said) = compare("engine=abacus");
    assert!(said.contains("abacus"), "{said}");
    let (_, said) = compare("engine=candle libraries=no-such-folder");
    assert!(said.contains("no-such-folder"), "{said}");
    fs::create_dir(shell.path("empty libraries")).unwrap();
    let (_, said) = compare("libraries=empty libraries");
    assert!(said.contains("empty libraries") && said.contains("no library"), "{said}");
    let (_, said) = compare("engine=candle length=100000");
    assert!(said.contains("100000"), "{said}");
    let limit = |limit: &[&str]| {
        let sides = ["compare", "--a", "model=bert-tiny engine=candle", "--b", "engine=candle"];
        shell.fails(&[&sides[..], limit].concat()).1
    };
    assert!(limit(&["--percentile", "p95"]).contains("--limit-ms"));
    assert!(limit(&["--limit-ms", "3"]).contains("--percentile"));
    assert!(limit(&["--percentile", "95", "--limit-ms", "3"]).contains("such as p95"));
    assert!(limit(&["--percentile", "p100", "--limit-ms", "3"]).contains("p99.9"));
}

#[test]
fn a_comparison_says_whether_each_side_keeps_its_p95_within_a_limit() {
    let shell = Shell::new();
    let sides = ["compare", "--a", "model=bert-tiny engine=candle length=16 threads=1", "--b", "length=32"];
    let limit = ["--percentile", "p95", "--limit-ms", "60000", "--budget-secs", "60"];
    let output = shell.run(&[&sides[..], &limit[..]].concat());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("A meets the limit: its p95 is at most ") && told.contains("B meets the limit"), "{told}");
    let short = ["--percentile", "p99", "--limit-ms", "60000", "--budget-secs", "0.1", "--json"];
    let told = shell.json(&[&sides[..], &short[..]].concat());
    assert_eq!(told["tails"]["a"]["verdict"], "unknown");
    assert!(told["tails"]["a"]["needed_samples"].as_u64().unwrap() >= 1236, "{}", told["tails"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_leaves_no_worker_and_no_result() {
    let shell = Shell::new();
    let arguments =
        ["compare", "--a", "model=bert-tiny engine=candle", "--b", "engine=candle batch=64", "--store", "c.duckdb"];
    let mut child = shell.command(&arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let worker = wait_for_worker(child.id());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!Path::new(&format!("/proc/{worker}")).exists() || cfg!(not(target_os = "linux")));
    let kept = shell.json(&["query", "--store", "c.duckdb", "SELECT count(*) AS n FROM runs", "--json"]);
    assert_eq!(kept[0]["n"], 0);
}

/// A folder of templates with one benchmark, and what running it told.
fn ran(shell: &Shell, body: &str, more: &[&str]) -> Output {
    fs::create_dir_all(shell.path("own")).unwrap();
    let text = format!("---\nkind = \"benchmark\"\nmodel_type = \"bert\"\n---\n{body}");
    fs::write(shell.path("own/bert.py"), text).unwrap();
    // A new folder for each, as files are never written over.
    let out = format!("files-{}", fs::read_dir(shell.folder.path()).unwrap().count());
    let what = ["--models", "bert", "--platforms", "cpu", "--kinds", "benchmark", "--out", &out];
    let how = ["--templates", "own", "--run", "--python", "python3", "--store", "s.duckdb", "--json"];
    shell.command(&[&["generate"], &what[..], &how[..], more].concat()).env("A_SECRET", "word").output().unwrap()
}

fn trial(output: &Output) -> Value {
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    told["trials"][0].clone()
}

#[test]
fn a_generated_file_runs_in_a_clean_place_and_what_it_told_is_kept() {
    let shell = Shell::new();
    let body = "
import json, os, socket
from pathlib import Path

try:
    socket.create_connection((\"127.0.0.1\", 9), 1)
    network = \"there\"
except PermissionError:
    network = \"refused\"
except OSError:
    network = \"there, with nobody at the other end\"
told = {\"network\": network, \"secret\": os.environ.get(\"A_SECRET\"), \"home\": str(Path.home())}
print(json.dumps(told))
";
    let output = ran(&shell, body, &[]);
    let trial = trial(&output);
    assert!(output.status.success(), "{trial:#}");
    assert_eq!((&trial["outcome"]["outcome"], &trial["result"]["secret"]), (&json!("passed"), &Value::Null));
    if cfg!(target_os = "linux") {
        assert_eq!(trial["result"]["network"], "refused");
    }
    let home = trial["result"]["home"].as_str().unwrap();
    assert!(home.contains("trials") && !Path::new(home).exists(), "{home} should be a folder that is gone");
    let rows = shell.json(&[
        "query",
        "SELECT t.outcome, t.text_hash = c.text_hash AS current, c.problem, t.environment->>'python' AS python
         FROM trials t JOIN file_checks c USING (model_type, platform, kind)",
        "--store",
        "s.duckdb",
        "--json",
    ]);
    assert_eq!(
        (&rows[0]["outcome"], &rows[0]["current"], &rows[0]["problem"]),
        (&json!("passed"), &json!(true), &Value::Null)
    );
    assert!(rows[0]["python"].as_str().unwrap().starts_with("3."), "{rows}");
}

#[test]
fn a_generated_file_that_fails_crashes_or_never_ends_is_a_failure_in_its_own_words() {
    let shell = Shell::new();
    let reason = |body: &str, more: &[&str]| {
        let output = ran(&shell, body, more);
        assert!(!output.status.success());
        let trial = trial(&output);
        assert_eq!(trial["outcome"]["outcome"], "failed", "{trial:#}");
        trial["outcome"]["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("raise ValueError('as it is')\n", &[]), "ValueError: as it is");
    assert!(reason("import os\nos.abort()\n", &[]).contains("SIGABRT"));
    let endless = reason("import time\ntime.sleep(600)\n", &["--timeout-secs", "3"]);
    assert!(endless.contains("ended after 3 s"), "{endless}");
    if cfg!(target_os = "linux") {
        let greedy = reason("x = bytearray(8_000_000_000)\n", &["--memory-mb", "500"]);
        assert!(greedy.contains("MemoryError"), "{greedy}");
    }
}

/// Prints what a benchmark prints, with real times.
const BENCHMARK: &str = include_str!("common/benchmark.py");

#[test]
fn what_a_benchmark_prints_is_a_measured_result_here_and_an_imported_one_elsewhere() {
    let shell = Shell::new();
    let told: Value = serde_json::from_slice(&ran(&shell, BENCHMARK, &[]).stdout).unwrap();
    let (trial, run) = (&told["trials"][0], &told["results"][0]);
    assert_eq!((&run["evidence"], &run["setting"]["engine"]), (&json!("measured"), &json!("pytorch")), "{trial:#}");
    assert_eq!((&run["timing"]["samples"], &run["check"]["verdict"]), (&json!(40), &json!("agrees")));
    assert_eq!(run["samples_ms"], trial["result"]["samples_ms"]);
    let sql = "SELECT m.name, e.id AS engine, d.id AS device, s.name AS source, r.evidence, r.batch, r.size,
                   r.effective_precision AS precision, r.engine_version AS version, r.withheld, r.first_result_ms,
                   x.effective_threads AS threads
               FROM runs r JOIN trials t ON t.id = r.id::VARCHAR JOIN subjects j ON j.key = r.subject
               JOIN models m ON m.key = j.model JOIN engines e ON e.key = j.engine JOIN devices d ON d.key = j.device
               JOIN sources s ON s.key = r.source JOIN details x ON x.run = r.key";
    let kept = json!([{
        "name": "bert with 106\u{202f}498 parameters (generated)", "engine": "pytorch", "device": "cpu",
        "source": "generated benchmark, template bert.py", "evidence": "measured", "batch": 2, "size": 16,
        "precision": "f32", "version": "2.15.0", "withheld": null, "first_result_ms": null, "threads": 2,
    }]);
    assert_eq!(shell.json(&["query", "--store", "s.duckdb", sql, "--json"]), kept);

    let other = trial["result"].to_string().replace("\"agrees\":true", "\"agrees\":false");
    fs::write(shell.path("printed.json"), format!("{}\n{other}\n7\n", trial["result"])).unwrap();
    let import = |store: &str| shell.json(&["import", "printed.json", "--store", store, "--json"]);
    let report = import("elsewhere.duckdb");
    let counts =
        |report: &Value| ["rows", "taken", "duplicates", "refused"].map(|count| report[count].as_u64().unwrap());
    assert_eq!(counts(&report), [3, 1, 0, 2], "{report:#}");
    let refused =
        |nth: usize| (report["refusals"][nth]["line"].as_u64().unwrap(), report["refusals"][nth]["cause"].to_string());
    assert!(refused(0).0 == 2 && refused(0).1.contains("has no time"), "{report:#}");
    assert!(refused(1).0 == 3 && refused(1).1.contains("not what a generated benchmark prints"), "{report:#}");
    let sql = "SELECT r.evidence, s.name AS source, d.id AS device FROM runs r JOIN sources s ON s.key = r.source
               JOIN subjects j ON j.key = r.subject JOIN devices d ON d.key = j.device";
    let rows = shell.json(&["query", "--store", "elsewhere.duckdb", sql, "--json"]);
    assert_eq!(rows, json!([{"evidence": "imported", "source": "printed.json", "device": "imported:A processor"}]));
    assert_eq!(counts(&import("elsewhere.duckdb")), [3, 0, 1, 2]);
    assert_eq!(counts(&import("s.duckdb")), [3, 0, 1, 2], "it was measured here");
    fs::write(shell.path("torn.json"), "{\"kind\": \"assay-benchmark\",").unwrap();
    assert_eq!(counts(&shell.json(&["import", "torn.json", "--store", "t.duckdb", "--json"])), [1, 0, 0, 1]);
    assert!(shell.fails(&["import", "no.json", "--store", "t.duckdb"]).1.contains("no.json"));
}

#[test]
fn what_a_benchmark_must_not_claim_is_no_result() {
    let shell = Shell::new();
    let refused = |from: &str, to: &str| {
        assert!(BENCHMARK.contains(from), "{from}");
        let told: Value = serde_json::from_slice(&ran(&shell, &BENCHMARK.replace(from, to), &[]).stdout).unwrap();
        assert_eq!(told["results"], json!([]), "{to}");
        told["trials"][0]["log"].to_string()
    };
    assert!(refused("\"model_type\": \"bert\"", "\"model_type\": \"llama\"").contains("it speaks of llama"));
    assert!(refused("\"places\": [\"cpu\"]", "\"places\": [\"meta\"]").contains("it ran on meta, not on CPU"));
    assert!(refused("\"tolerance\": 1e-3", "\"tolerance\": 10").contains("is wider than"));
    assert!(refused("range(40)", "range(3)").contains("it has 3 samples"));
    assert!(refused("[timed() for _ in range(40)]", "[0.0] * 40").contains("one of its samples is 0 ms"));
    assert!(refused("\"batch\": 2", "\"batch\": \"many\"").contains("cannot read it"));
    let rows = shell.json(&["query", "--store", "s.duckdb", "SELECT count(*) AS n FROM runs", "--json"]);
    assert_eq!(rows[0]["n"], 0);

    // A wrong output is a result, and has no time.
    let wrong = BENCHMARK.replace("\"largest_difference\": 1e-7", "\"largest_difference\": 0.5");
    let told: Value = serde_json::from_slice(&ran(&shell, &wrong, &[]).stdout).unwrap();
    let run = &told["results"][0];
    assert_eq!((&run["outcome"]["kind"], &run["timing"]), (&json!("wrong_output"), &Value::Null), "{run:#}");
}

#[test]
fn python_that_is_not_there_is_named_with_what_to_do() {
    let shell = Shell::new();
    let said = String::from_utf8(shell.run(&["python", "show"]).stdout).unwrap();
    assert!(said.contains("There is none in") && said.contains("assay python make"), "{said}");
    let generate = ["generate", "--models", "bert", "--platforms", "cpu", "--kinds", "test", "--run"];
    let (code, said) = shell.fails(&[&generate[..], &["--out", "a"]].concat());
    assert!(code == 1 && said.contains("The Python environment is not available: it was not made yet"), "{said}");
    let (_, said) = shell.fails(&[&generate[..], &["--out", "b", "--python", "/no/such/python"]].concat());
    assert!(said.contains("there is no such program"), "{said}");
}
