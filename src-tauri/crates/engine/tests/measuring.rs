//! What a measurement gives, seen through its only door.

mod bench;

use bench::{Bench, installed, load_request, program};
use contract::{FailureKind, Flag, Outcome, OutputCheck, PhaseName, Precision, StopReason};
use engine::{
    Control, Job, measure,
    worker::{self, Order},
};
use models::{Attribute, Dimension, Graph, Model, Node, UNKNOWN_FAMILY};
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
    let device = (run.effective.device_name.as_str(), run.effective.driver.as_deref());
    assert_eq!(device, ("the processor", Some("0.1")), "as the inventory has it, where the engine knows a number");
    assert!(run.withheld().is_none(), "{:?}", run.withheld());
    assert_eq!(run.flags, [], "nothing stands beside its result");
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

/// Where f32 does not fit, or no engine gets through it, another engine runs the file itself.
#[test]
fn half_precision_without_f32_is_checked_by_another_engine_in_the_same_precision() {
    if !installed("onnxruntime") {
        return;
    }
    let config = r#"{"model_type": "bert", "vocab_size": 96, "hidden_size": 64, "num_attention_heads": 4,
        "num_hidden_layers": 2, "intermediate_size": 128, "max_position_embeddings": 40}"#;
    let model = Model::from_config_text("tiny bert", config).unwrap();
    let bench = Bench::new();
    let mut job = bench.model_job(&model, Precision::F16, "candle", &["onnxruntime"]);
    job.setting.budget_secs = 0.2;
    let left_out = "f32 was left out: it needs more memory than there is";
    for (reference, why) in [(None, Some(left_out)), (Some(bench.path().join("gone.onnx")), None)] {
        (job.reference_onnx, job.f32_left_out) = (reference, why.map(str::to_owned));
        let run = run(&job);
        assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
        let OutputCheck::Agrees { against, tolerance, .. } = &run.check else { panic!("{:?}", run.check) };
        assert_eq!((against.0.as_str(), *tolerance), ("onnxruntime", Precision::F16.tolerance()));
        assert!(run.withheld().is_none() && run.error.is_none(), "{:?} {:?}", run.withheld(), run.error);
        let told = why.unwrap_or("held against onnxruntime's in f16");
        assert!(run.log.iter().any(|line| line.contains(told)), "{:#?}", run.log);
    }
}

/// The file stays in f32; OpenVINO is told the precision and says what it took.
#[test]
fn openvino_lowers_a_file_in_f32_and_is_held_against_f32_of_the_same_file() {
    if !installed("openvino") {
        return;
    }
    let bench = Bench::new();
    let mut job = bench.job("openvino", 32, &["candle"]);
    job.setting.precision = Precision::F16;
    job.target.precisions.push(Precision::F16);
    job.setting.budget_secs = 0.2;
    let run = run(&job);
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    let OutputCheck::Agrees { tolerance, .. } = &run.check else { panic!("{:?}", run.check) };
    assert_eq!(*tolerance, Precision::F16.tolerance());
    assert!(run.error.as_ref().is_some_and(|error| error.against.0 == "candle"), "{:?}", run.error);
    let took = run.effective.precision.unwrap();
    assert!(run.effective.precision_source.contains(took.key()), "{:?}", run.effective);
    let told = run.flags.iter().any(|flag| matches!(flag, Flag::OtherPrecision { .. }));
    assert_eq!(told, took != Precision::F16, "{:?}", run.flags);
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

/// Before opset 10 and 11, bounds and counts were attributes.
#[test]
fn a_file_of_opset_9_is_measured_and_checked_by_another_engine() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    let mut job = bench.job("onnxruntime", 16, &["candle"]);
    job.setting.budget_secs = 0.2;
    let mut graph = Graph::read(&job.onnx).unwrap();
    graph.opset = 9;
    let node = |op: &str, input: &str, outputs: &[&str], attributes: &[(&str, Attribute)]| Node {
        name: op.to_owned(),
        op: op.to_owned(),
        inputs: vec![input.to_owned()],
        outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        ..Node::default()
    };
    let bounds = [("starts", 2), ("ends", 10), ("axes", 0)].map(|(name, at)| (name, Attribute::Ints(vec![at])));
    let range = [("min", -0.5), ("max", 0.5)].map(|(name, bound)| (name, Attribute::Float(bound)));
    graph.nodes[0].outputs = vec!["product".to_owned()];
    graph.nodes.push(node("Slice", "product", &["rows"], &bounds));
    graph.nodes.push(node("Clip", "rows", &["clipped"], &range));
    graph.nodes.push(node("Softmax", "clipped", &["shares"], &[]));
    graph.nodes.push(node("TopK", "shares", &["y", "places"], &[("k", Attribute::Int(4))]));
    graph.outputs[0].shape = vec![Dimension::Fixed(8), Dimension::Fixed(4)];
    graph.write(&job.onnx).unwrap();
    let run = run(&job);
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    assert!(matches!(&run.check, OutputCheck::Agrees { against, .. } if against.0 == "candle"), "{:?}", run.check);
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

#[cfg(unix)]
#[test]
fn times_of_a_file_that_is_rewritten_meanwhile_are_no_result() {
    let bench = Bench::new();
    let mut job = bench.job("candle", 64, &[]);
    job.files = vec![models::Stamped::now(&job.onnx)];
    let control = Control::default();
    let run = measure(&program(), &job, &control, &mut |live| {
        if live.samples > 0 && control.goes_on() {
            bench::rewrite(&job.onnx);
            control.stop();
        }
    });
    let Outcome::Failed { phase, kind, message, remedy } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!((*phase, *kind), (PhaseName::Warm, FailureKind::ModelChanged));
    assert!(message.contains("product.onnx"), "{message}");
    assert!(remedy.as_ref().is_some_and(|remedy| remedy.starts_with("Measure again")), "{remedy:?}");
    assert!(run.timing.is_none() && run.samples_ms.is_empty(), "{:?}", run.timing);
    assert!(!job.scratch.exists(), "outputs that others are checked by may be of either file");

    let again = measure(&program(), &job, &Control::default(), &mut |_| panic!("nothing starts"));
    assert!(matches!(&again.outcome, Outcome::Failed { kind: FailureKind::ModelChanged, .. }), "{:?}", again.outcome);
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
