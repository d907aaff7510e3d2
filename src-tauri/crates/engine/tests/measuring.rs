//! What a measurement gives, seen through its only door.

mod bench;

use bench::{Bench, installed, load_request, program};
use contract::{FailureKind, Outcome, OutputCheck, PhaseName, Precision, StopReason};
use engine::{
    Control, Job, measure,
    worker::{self, Order},
};
use models::{Dimension, Graph, UNKNOWN_FAMILY};
use std::{path::Path, time::Duration};

fn run(job: &Job) -> contract::Run {
    measure(&program(), job, &Control::default(), &mut |_| {})
}

#[test]
fn a_measurement_has_every_phase_and_a_checked_output() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    let mut job = bench.job("candle", 64, &["onnxruntime"]);
    job.acquire_ms = Some(12.5);
    let run = run(&job);
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    let phases: Vec<PhaseName> = run.phases.iter().map(|phase| phase.name).collect();
    use PhaseName::{Acquire, Check, Compile, First, Load, Reference, Start, Warm, WarmUp};
    assert_eq!(phases, [Acquire, Reference, Start, Load, Compile, First, Check, WarmUp, Warm]);
    assert!(matches!(&run.check, OutputCheck::Agrees { against, .. } if against.0 == "onnxruntime"), "{:?}", run.check);
    let timing = run.timing.as_ref().unwrap();
    assert!(timing.samples >= 10 && timing.samples as usize == run.samples_ms.len());
    assert!(timing.min_ms <= timing.low_ms && timing.low_ms <= timing.median_ms && timing.median_ms <= timing.high_ms);
    assert!(run.phase_ms(Warm).unwrap() >= 1000.0);
    assert!(run.noise.as_ref().unwrap().sentinel_ms.len() >= 3);
    assert!(run.memory.baseline_bytes.is_some() && run.memory.peak_bytes.is_some());
    assert_eq!(run.effective.threads, Some(1));
    assert!(run.withheld().is_none(), "{:?}", run.withheld());
}

#[test]
fn the_engines_agree_with_each_other() {
    let bench = Bench::new();
    for (engine, reference) in [("onnxruntime", "candle"), ("openvino", "onnxruntime"), ("candle", "openvino")] {
        if [engine, reference].into_iter().all(|name| name == "candle" || installed(name)) {
            let run = run(&bench.job(engine, 32, &[reference]));
            assert!(matches!(run.check, OutputCheck::Agrees { .. }), "{engine}: {:?} {:?}", run.check, run.log);
        }
    }
}

#[test]
fn without_another_engine_the_output_is_unchecked_and_not_ranked() {
    let bench = Bench::new();
    let run = run(&bench.job("candle", 16, &[]));
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    assert_eq!(run.check, OutputCheck::Unchecked { reason: "no other engine is ready here".to_owned() });
    assert!(run.withheld().is_some());
}

/// The outputs the engine is held against are exchanged for another seed's between two runs.
#[test]
fn an_output_that_differs_is_a_result_of_its_own() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    let job = bench.job("candle", 16, &["onnxruntime"]);
    assert_eq!(run(&job).outcome, Outcome::Done);
    for folder in std::fs::read_dir(&job.scratch).unwrap().flatten() {
        if folder.file_name().to_string_lossy().starts_with("outputs-") {
            std::fs::rename(folder.path().join("1.safetensors"), folder.path().join("0.safetensors")).unwrap();
            std::fs::copy(folder.path().join("0.safetensors"), folder.path().join("1.safetensors")).unwrap();
        }
    }
    let run = run(&job);
    let Outcome::Failed { phase, kind, message, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((*phase, *kind), (PhaseName::Check, FailureKind::WrongOutput));
    assert!(message.contains("y differs"), "{message}");
    assert!(matches!(run.check, OutputCheck::Disagrees { largest_difference, .. } if largest_difference > 0.01));
    assert!(run.timing.is_none() && run.samples_ms.is_empty(), "nothing is timed with a wrong output");
}

#[test]
fn a_file_that_is_no_model_is_told_and_nothing_is_timed() {
    let bench = Bench::new();
    let job = bench.job("candle", 16, &[]);
    std::fs::write(&job.onnx, b"not a model").unwrap();
    let run = run(&job);
    let Outcome::Failed { phase, kind, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((*phase, *kind), (PhaseName::Load, FailureKind::EngineError));
    assert!(run.timing.is_none());
}

#[test]
fn sizes_that_a_file_does_not_take_are_named_in_the_remedy() {
    let bench = Bench::new();
    let mut job = bench.job("candle", 16, &[]);
    job.model.family = UNKNOWN_FAMILY.to_owned();
    let mut graph = Graph::read(&job.onnx).unwrap();
    graph.inputs[1].shape = vec![Dimension::Fixed(48), Dimension::Fixed(48)];
    graph.write(&job.onnx).unwrap();
    let Outcome::Failed { kind, remedy, .. } = run(&job).outcome else { panic!("16 columns meet 48 rows") };
    assert_eq!(kind, FailureKind::EngineError);
    assert!(remedy.as_ref().is_some_and(|remedy| remedy.contains("edge 16")), "{remedy:?}");
}

#[test]
fn a_single_number_beside_free_sizes_is_given_to_every_engine() {
    for engine in ["candle", "onnxruntime", "openvino"] {
        if engine != "candle" && !installed(engine) {
            continue;
        }
        let bench = Bench::new();
        let job = bench.job(engine, 16, &[]);
        let mut graph = Graph::read(&job.onnx).unwrap();
        graph.inputs[1].shape.clear();
        graph.nodes[0].op = "Mul".to_owned();
        graph.write(&job.onnx).unwrap();
        assert_eq!(run(&job).outcome, Outcome::Done, "{engine}");
    }
}

/// Such as those of the scores after each token of long texts.
#[test]
fn an_order_that_names_very_many_files_reaches_the_worker() {
    let load = load_request(&Bench::new().job("nobody", 16, &[]));
    let folder = Path::new("references").join("of-a-long-name-".repeat(4));
    let inputs: Vec<_> = (0..20_000).map(|token| folder.join(format!("{token}.safetensors"))).collect();
    let order = Order::Reference { load, inputs, outputs: Vec::new() };
    let told = worker::ask::<()>(&program(), &order, Duration::from_secs(20)).unwrap_err().to_string();
    assert!(told.contains("no engine called nobody"), "{told}");
}

#[test]
fn what_the_target_does_not_offer_is_refused_before_anything_starts() {
    let bench = Bench::new();
    let mut job = bench.job("candle", 16, &[]);
    job.setting.precision = Precision::Int4;
    let run = run(&job);
    let Outcome::Failed { kind, message, remedy, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(*kind, FailureKind::Refused);
    assert!(message.contains("int4") && remedy.as_ref().unwrap().contains("f32"), "{message} {remedy:?}");
    assert!(run.phases.is_empty());
}

#[test]
fn stopping_keeps_what_was_sampled() {
    let bench = Bench::new();
    let control = Control::default();
    let run = measure(&program(), &bench.job("candle", 64, &[]), &control, &mut |live| {
        if live.samples > 0 {
            control.stop();
        }
    });
    assert_eq!(run.outcome, Outcome::Done);
    assert_eq!(run.timing.unwrap().stop, StopReason::Stopped);
}

#[test]
fn progress_tells_each_phase_once_and_the_median_before_the_end() {
    let bench = Bench::new();
    // The reference's worker has phases too, which are not told.
    let references: &[&str] = if installed("onnxruntime") { &["onnxruntime"] } else { &[] };
    let mut figures = Vec::new();
    let mut phases = Vec::new();
    let job = bench.job("candle", 64, references);
    let run = measure(&program(), &job, &Control::default(), &mut |live| {
        figures.push((live.phase, live.median_ms, live.samples));
        phases = live.phases;
    });
    let all: Vec<PhaseName> = run.phases.iter().map(|phase| phase.name).collect();
    let mut current: Vec<PhaseName> = figures.iter().map(|(phase, ..)| *phase).collect();
    current.dedup();
    assert_eq!(current, all);
    let ended: Vec<PhaseName> = phases.iter().map(|(name, _)| *name).collect();
    assert!(all.starts_with(&ended) && ended.len() >= all.len() - 1, "{ended:?} of {all:?}");
    let first = figures.iter().find_map(|(_, median, samples)| median.map(|_| *samples)).unwrap();
    let (phase, last, _) = figures.last().unwrap();
    assert!(first < 100 && last.is_some(), "{figures:?}");
    assert_eq!(*phase, PhaseName::Warm);
}
