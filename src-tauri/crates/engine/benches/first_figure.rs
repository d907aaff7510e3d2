//! How long a person waits for the first figure of a real model: from the press of the button for one that ships, from
//! the drop of a file for one that nobody has seen before.

#[path = "../tests/bench/mod.rs"]
mod bench;

use bench::{Bench, installed, library, program};
use contract::{Outcome, OutputCheck, Precision};
use engine::{Control, measure};
use models::Model;
use std::{collections::BTreeMap, fs, ops::ControlFlow, time::Instant};

/// As large as BERT base; no preset has this vocabulary, so that nothing of it can be there already.
const DROPPED: &str = r#"{
    "model_type": "bert", "architectures": ["BertModel"], "vocab_size": 31090, "hidden_size": 768,
    "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512
}"#;

fn main() {
    if !installed("onnxruntime") {
        return;
    }
    wait("BERT base", 15.0, || Model::preset(&"preset:bert-base-uncased".into()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    fs::write(&config, DROPPED).unwrap();
    wait("a config.json as large as BERT base", 10.0, || Model::open(&config).unwrap());
}

/// Opened, weights written, output checked against another engine, first median told: 128 tokens, on ONNX Runtime.
fn wait(what: &str, longest_secs: f64, open: impl FnOnce() -> Model) {
    let reference = if installed("openvino") { "openvino" } else { "candle" };
    let bench = Bench::new();
    let started = Instant::now();
    let model = open();
    let opened = started.elapsed();
    let mut go_on = |_, _| ControlFlow::Continue(());
    let files = model.materialize(&bench.path().join("weights"), Precision::F32, 0, &mut go_on).unwrap();
    let acquired = started.elapsed();
    let mut job = bench.job("onnxruntime", 1, &[reference]);
    job.library = library("onnxruntime");
    job.onnx = files.onnx.clone();
    job.reference_onnx = Some(files.onnx);
    job.dims = model.dims_for(1, Some(128), &BTreeMap::new()).unwrap();
    job.setting.threads = None;
    job.acquire_ms = Some(acquired.as_secs_f64() * 1e3);
    let mut first = None;
    let run = measure(&program(), &job, &Control::default(), &mut |live| {
        if live.median_ms.is_some() {
            first.get_or_insert(started.elapsed());
        }
    });
    let phases: Vec<_> = run.phases.iter().map(|phase| format!("{} {:.0} ms", phase.name.label(), phase.ms)).collect();
    let phases = phases.join(", ");
    println!(
        "{what}: opened after {opened:?}, first median after {first:?}: {phases}; {:?}; {:?}",
        run.timing, run.memory
    );
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    assert!(matches!(run.check, OutputCheck::Agrees { .. }), "{:?}", run.check);
    assert!(first.unwrap().as_secs_f64() <= longest_secs, "{what}: {first:?}, {longest_secs} s at most");
}
