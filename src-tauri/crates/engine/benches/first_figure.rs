//! How long a person waits for the first figure of a real model, from the press of the button: 15 s at most.

#[path = "../tests/bench/mod.rs"]
mod bench;

use bench::{Bench, installed, library, program};
use contract::{Outcome, OutputCheck, Precision};
use engine::{Control, measure};
use models::Model;
use std::{collections::BTreeMap, ops::ControlFlow, time::Instant};

/// Weights written, output checked against another engine, first median told: BERT base, 128 tokens, on ONNX Runtime.
fn main() {
    if !installed("onnxruntime") {
        return;
    }
    let reference = if installed("openvino") { "openvino" } else { "candle" };
    let bench = Bench::new();
    let started = Instant::now();
    let model = Model::preset(&"preset:bert-base-uncased".into()).unwrap();
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
    println!("first median after {first:?}: {}; {:?}; {:?}", phases.join(", "), run.timing, run.memory);
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    assert!(matches!(run.check, OutputCheck::Agrees { .. }), "{:?}", run.check);
    assert!(first.unwrap().as_secs_f64() <= 15.0, "{first:?}");
}
