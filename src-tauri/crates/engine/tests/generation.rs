//! Generating text on every engine of this machine, in real worker processes, seen through the one door.

mod bench;

use bench::{Bench, installed, program};
use contract::{FailureKind, Live, Outcome, OutputCheck, PhaseName, Precision, Run};
use engine::{Control, Job, measure};
use models::{Model, Texts};
use serde_json::json;

const TEXTS: Texts = Texts { batch: 2, prompt: 7, output: 6 };

/// Its weights are so large that attention looks at some tokens more than at others.
fn llama() -> Model {
    let config = json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96, "hidden_size": 32,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3, "intermediate_size": 48,
        "max_position_embeddings": 40, "initializer_range": 0.2
    });
    Model::from_config_text("tiny llama", &config.to_string()).unwrap()
}

/// Positions are learned and heads not shared, so its cache has another shape.
fn gpt2() -> Model {
    let config = json!({
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 80, "n_embd": 24, "n_head": 3,
        "n_layer": 2, "n_positions": 32
    });
    Model::from_config_text("tiny gpt2", &config.to_string()).unwrap()
}

fn run(job: &Job) -> Run {
    measure(&program(), job, &Control::default(), &mut |_| {})
}

/// Each engine with another one to check it.
fn engines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = [("onnxruntime", "candle"), ("openvino", "onnxruntime"), ("candle", "onnxruntime")];
    pairs.into_iter().filter(|pair| [pair.0, pair.1].into_iter().all(|engine| engine == "candle" || installed(engine)))
}

#[test]
fn every_engine_writes_with_its_cache_what_another_and_a_full_pass_do() {
    let bench = Bench::new();
    for model in [llama(), gpt2()] {
        for (engine, reference) in engines() {
            let run = run(&bench.writing_job(&model, Precision::F32, engine, &[reference], TEXTS));
            assert_eq!(run.outcome, Outcome::Done, "{engine}: {:#?}", run.log);
            let OutputCheck::Agrees { against, largest_difference, .. } = &run.check else { panic!("{:?}", run.check) };
            assert!(against.0 == reference && *largest_difference < 1e-4, "{engine}: {:?}", run.check);
            let generated = run.generated.as_ref().unwrap();
            assert!(generated.full_pass_difference.unwrap() < 1e-4, "{engine}: {generated:?}");
            assert!(run.withheld().is_none(), "{:?}", run.withheld());
        }
    }
}

#[test]
fn every_token_of_every_text_is_kept_and_the_figures_follow_from_them() {
    let bench = Bench::new();
    let run = run(&bench.writing_job(&llama(), Precision::F32, "candle", &[], TEXTS));
    assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
    use PhaseName::{Check, Compile, First, Load, Start, Warm, WarmUp};
    let phases: Vec<PhaseName> = run.phases.iter().map(|phase| phase.name).collect();
    assert_eq!(phases, [Start, Load, Compile, First, Check, WarmUp, Warm]);
    let (generated, timing) = (run.generated.as_ref().unwrap(), run.timing.as_ref().unwrap());
    assert_eq!(generated.output_tokens, TEXTS.output);
    assert!(generated.texts_ms.iter().all(|times| times.len() == TEXTS.output as usize));
    assert_eq!(generated.texts_ms.len(), run.samples_ms.len());
    assert!(timing.samples >= 10 && run.phase_ms(Warm).unwrap() >= 1000.0);
    for (times, total) in generated.texts_ms.iter().zip(&run.samples_ms) {
        assert!((times.iter().sum::<f64>() - total).abs() < 1e-9);
    }
    assert!(generated.token.low_ms <= generated.token.ms && generated.token.ms <= generated.token.high_ms);
    assert_eq!(generated.tokens_per_s, f64::from(TEXTS.batch) / (generated.token.ms / 1e3));
    assert!(run.memory.peak_bytes.is_some() && run.placement.is_some() && run.noise.is_some());
}

/// Keys of one layer under the name of another's: what a step reads is then not what was kept for it.
#[test]
fn a_cache_that_is_not_what_was_read_is_a_wrong_output() {
    let bench = Bench::new();
    for (engine, reference) in engines() {
        let mut job = bench.writing_job(&llama(), Precision::F32, engine, &[reference], TEXTS);
        let cache = &mut job.writing.as_mut().unwrap().cache;
        let output = cache[0].output.clone();
        cache[0].output = std::mem::replace(&mut cache[2].output, output);
        let run = run(&job);
        let Outcome::Failed { phase, kind, message, .. } = &run.outcome else { panic!("{engine}: {:?}", run.outcome) };
        assert_eq!((*phase, *kind), (PhaseName::Check, FailureKind::WrongOutput), "{message}");
        assert!(message.contains("one pass over the whole text"), "{message}");
        assert!(run.timing.is_none() && run.generated.is_none(), "nothing is timed with a broken cache");
    }
}

/// The scores that the engine is held against are those of another text.
#[test]
fn scores_that_differ_from_another_engines_are_a_wrong_output() {
    if !installed("onnxruntime") {
        return;
    }
    let bench = Bench::new();
    let job = bench.writing_job(&llama(), Precision::F32, "candle", &["onnxruntime"], TEXTS);
    assert_eq!(run(&job).outcome, Outcome::Done);
    for folder in std::fs::read_dir(&job.scratch).unwrap().flatten() {
        if folder.file_name().to_string_lossy().starts_with("outputs-") {
            let file = |index: u32| folder.path().join(format!("{index}.safetensors"));
            let tensors = models::safetensors::read(&file(2)).unwrap();
            let mut swapped = models::safetensors::read(&file(3)).unwrap();
            swapped[0].name.clone_from(&tensors[0].name);
            models::safetensors::write(&file(2), &swapped).unwrap();
        }
    }
    let run = run(&job);
    let Outcome::Failed { kind, message, .. } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert_eq!(*kind, FailureKind::WrongOutput);
    assert!(message.contains("scores of token 3"), "{message}");
}

#[test]
fn half_precision_generates_and_tells_what_it_costs() {
    let bench = Bench::new();
    let wide = json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96, "hidden_size": 64,
        "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 128,
        "max_position_embeddings": 40
    });
    let model = Model::from_config_text("llama", &wide.to_string()).unwrap();
    for (engine, reference) in engines() {
        let run = run(&bench.writing_job(&model, Precision::F16, engine, &[reference], TEXTS));
        assert_eq!(run.outcome, Outcome::Done, "{engine}: {:#?}", run.log);
        let error = run.error.as_ref().unwrap();
        assert!(error.cosine > 0.99 && error.divergence_nats.is_some(), "{engine}: {error:?}");
    }
}

#[test]
fn progress_tells_the_tokens_before_the_end() {
    let bench = Bench::new();
    let mut last: Option<Live> = None;
    let job = bench.writing_job(&llama(), Precision::F32, "candle", &[], TEXTS);
    measure(&program(), &job, &Control::default(), &mut |live| last = Some(live));
    let generating = last.unwrap().generating.unwrap();
    assert_eq!(generating.output_tokens, TEXTS.output);
    assert!(generating.first_token_ms.is_some() && generating.tokens_per_s.is_some(), "{generating:?}");
}
