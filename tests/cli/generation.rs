//! Texts that a model writes, timed.

use crate::shell::Shell;
use serde_json::{Value, json};
use std::fs;

const WRITES: &str = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96,
    "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3,
    "intermediate_size": 48, "max_position_embeddings": 64}"#;

#[test]
fn generation_is_measured_with_its_first_token_and_every_further_one() {
    let shell = Shell::new();
    fs::write(shell.path("writes.json"), WRITES).unwrap();
    let measure = ["measure", "--model", "writes.json", "--mode", "generation", "--prompt", "12", "--output", "5"];
    let kept = ["--budget-secs", "0.2", "--store", "mine.duckdb", "--json"];
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
fn generation_in_int8_tells_how_far_the_next_token_lies_from_f32() {
    let shell = Shell::new();
    fs::write(shell.path("writes.json"), WRITES).unwrap();
    let measure = ["measure", "--model", "writes.json", "--mode", "generation", "--prompt", "12", "--output", "5"];
    for precision in ["int8", "int8-static"] {
        let run = shell.json(&[&measure[..], &["--budget-secs", "0.2", "--precision", precision, "--json"]].concat());
        assert_eq!(run["check"]["verdict"], "agrees", "{}", run["check"]);
        let nats = run["error"]["divergence_nats"].as_f64().unwrap();
        assert!(nats > 0.0 && nats < 0.01, "{precision}: {nats}");
    }
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
        let measure = ["measure", "--model", model, "--mode", "generation", "--output", "5", "--budget-secs", "0.2"];
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
    let cached: Vec<&Value> = phases[1..3].iter().map(|phase| &phase["cache_bytes"]).collect();
    assert_eq!(cached, [&json!(2 * 32 * (12 + 1) * 4), &json!(2 * 32 * (12 + 16) * 4)]);
}

#[test]
fn a_text_is_written_to_an_image_of_the_size_that_was_asked_for() {
    let shell = Shell::new();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/qwen2_vl/config.json");
    fs::copy(golden, shell.path("sees.json")).unwrap();
    let image = ["--dim", "image_rows=2", "--dim", "image_columns=3", "--dim", "image_frames=2"];
    let measure = ["measure", "--model", "sees.json", "--mode", "generation", "--prompt", "12", "--output", "4"];
    let run = shell.json(&[&measure[..], &image, &["--budget-secs", "0.2", "--json"]].concat());
    assert_eq!(run["outcome"]["outcome"], "done", "{}", run["outcome"]);
    assert_eq!(run["setting"]["dims"], json!({ "output": 4, "image_rows": 2, "image_columns": 3, "image_frames": 2 }));
    assert_eq!(run["check"]["verdict"], "agrees", "{}", run["check"]);
    let described = shell.json(&[&["describe", "sees.json", "--length", "12"][..], &image, &["--json"]].concat());
    let work = &described["generation"];
    assert_eq!(work["tokens"], 12);
    assert!(work["prefill_macs"].as_u64() > work["decode_macs"].as_u64());
    // Without its size an image is 5 tokens high and wide here.
    let (_, said) = shell.fails(&measure);
    assert!(said.contains("the image alone is 25 tokens"), "{said}");
    let base = fs::read_to_string(golden).unwrap().replace("Qwen2VLForConditionalGeneration", "Qwen2VLModel");
    fs::write(shell.path("base.json"), base).unwrap();
    let (_, said) = shell.fails(&["measure", "--model", "base.json", "--mode", "generation"]);
    assert!(said.contains("gives a vector for each token"), "{said}");
    assert!(said.contains("Name Qwen2VLForConditionalGeneration"), "{said}");
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
    let said = refused("writes.json", &["--dim", "padding=25"]);
    assert!(said.contains("padding = 25") && said.contains("measure one pass"), "{said}");
    let (_, said) = shell.fails(&["measure", "--model", "writes.json", "--output", "5"]);
    assert!(said.contains("--mode generation"), "{said}");
    let (_, said) = shell.fails(&["measure", "--model", "writes.json", "--mode", "training"]);
    assert!(said.contains("inference or generation"), "{said}");
}
