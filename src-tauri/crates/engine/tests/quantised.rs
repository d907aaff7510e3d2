//! Quantised models on the engines of this machine: they run, their error is known, and a wrong scale is found.

mod bench;

use bench::{Bench, installed, program};
use contract::{Flag, Outcome, OutputCheck, Precision, Run};
use engine::{Control, Job, measure};
use models::{Graph, Model};
use serde_json::json;
use std::{fs, path::Path};

fn run(job: &Job) -> Run {
    measure(&program(), job, &Control::default(), &mut |_| {})
}

fn bert() -> Model {
    model(json!({
        "model_type": "bert", "vocab_size": 96, "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2,
        "intermediate_size": 128, "max_position_embeddings": 40
    }))
}

fn llama() -> Model {
    model(json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96, "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 128,
        "max_position_embeddings": 40
    }))
}

/// Each token goes through all of its experts: no rounding sends it to another one.
fn mixtral() -> Model {
    model(json!({
        "model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "vocab_size": 96, "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 64,
        "num_local_experts": 3, "num_experts_per_tok": 3, "max_position_embeddings": 40
    }))
}

fn model(config: serde_json::Value) -> Model {
    Model::from_config_text(config["model_type"].as_str().unwrap(), &config.to_string()).unwrap()
}

/// The engines that are here, each with another one to check it.
fn engines() -> Vec<(&'static str, &'static str)> {
    let pairs = [("onnxruntime", "openvino"), ("openvino", "onnxruntime"), ("candle", "onnxruntime")];
    pairs
        .into_iter()
        .filter(|(engine, other)| [engine, other].iter().all(|one| **one == "candle" || installed(one)))
        .collect()
}

/// Least cosine to f32, and the most that two quantised models of two layers may diverge in nats.
const BOUNDS: [(Precision, f64, f64); 3] =
    [(Precision::Int8, 0.999, 1e-3), (Precision::Int8Static, 0.99, 1e-2), (Precision::Int4, 0.95, 0.1)];

#[test]
fn every_engine_runs_every_quantised_precision_within_its_error() {
    let bench = Bench::new();
    for (model, scores) in [(bert(), false), (llama(), true), (mixtral(), true)] {
        for (precision, least_cosine, most_nats) in BOUNDS {
            for (engine, other) in engines() {
                let told = format!("{} in {precision} on {engine}", model.info().name);
                let run = run(&bench.model_job(&model, precision, engine, &[other]));
                assert_eq!(run.outcome, Outcome::Done, "{told}: {:#?}", run.log);
                assert!(matches!(run.check, OutputCheck::Agrees { .. }), "{told}: {:?}", run.check);
                let error = run.error.as_ref().unwrap();
                println!(
                    "{told}: {error:?}, effective {:?}: {}",
                    run.effective.precision, run.effective.precision_source
                );
                assert!(error.cosine >= least_cosine && error.cosine < 1.0 - 1e-9, "{told}: {error:?}");
                assert!(error.largest_difference > 0.0 && error.against.0 == other, "{told}: {error:?}");
                assert_eq!(error.divergence_nats.is_some(), scores, "{told}");
                if let Some(nats) = error.divergence_nats {
                    assert!(nats > 0.0 && nats < most_nats, "{told}: {nats}");
                }
            }
        }
    }
}

#[test]
fn the_integers_of_onnx_runtime_are_seen_in_its_profile() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    for (precision, ..) in BOUNDS {
        let run = run(&bench.model_job(&bert(), precision, "onnxruntime", &["candle"]));
        assert_eq!(run.effective.precision, Some(precision), "{}", run.effective.precision_source);
    }
}

#[test]
fn f32_has_no_error_against_itself() {
    if !installed("onnxruntime") {
        return;
    }
    let run = run(&Bench::new().model_job(&bert(), Precision::F32, "candle", &["onnxruntime"]));
    assert!(run.error.is_none() && matches!(run.check, OutputCheck::Agrees { .. }), "{:?} {:?}", run.error, run.check);
}

/// The file is what is wrong here, so engines agree on it; its distance from f32 tells.
#[test]
fn a_wrong_scale_is_found_and_the_result_is_not_ranked() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    let mut job = bench.model_job(&bert(), Precision::Int8, "candle", &["onnxruntime"]);
    let right = run(&job);
    assert!(right.withheld().is_none(), "{:?}", right.withheld());
    turn_scales(&job.onnx);
    // What the other engine gave for the right file is not used again.
    job.scratch = bench.path().join("anew");
    let wrong = run(&job);
    assert_eq!(wrong.outcome, Outcome::Done, "{:#?}", wrong.log);
    let (before, after) = (right.error.unwrap().cosine, wrong.error.as_ref().unwrap().cosine);
    assert!(before > 0.99 && after < 0.9, "{before} {after}");
    assert!(wrong.flags.iter().any(|flag| matches!(flag, Flag::FarFromF32 { .. })), "{:?}", wrong.flags);
    assert!(wrong.withheld().unwrap().contains("cosine"));
}

/// Every second column of each matrix gets the other sign.
fn turn_scales(onnx: &Path) {
    let graph = Graph::read(onnx).unwrap();
    let scales = graph.initializers.iter().filter(|one| one.name.ends_with(":scale"));
    let stretches: Vec<Vec<u8>> = scales.map(|one| one.bytes().unwrap().to_vec()).collect();
    drop(graph);
    let path = onnx.with_file_name("weights.bin");
    let mut weights = fs::read(&path).unwrap();
    for scales in &stretches {
        let at = weights.windows(scales.len()).position(|window| window == scales.as_slice()).unwrap();
        // The last byte of a little-endian number holds its sign.
        (at + 3..at + scales.len()).step_by(8).for_each(|byte| weights[byte] ^= 0x80);
    }
    fs::write(path, weights).unwrap();
}
