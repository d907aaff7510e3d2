//! Models that generate text: their two graphs and what the cache takes.

use crate::{
    architectures::{default_of, opened, shallow},
    each::none_is_wrong,
};
use contract::Precision;
use models::{CacheEntry, Format, Generation, Graph, Manner, Model, Ranges, Stage, Tensor, Texts, make_inputs};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::Path,
};

fn small(model_type: &str) -> Model {
    let config = json!({
        "model_type": model_type, "vocab_size": 96, "hidden_size": 32, "num_attention_heads": 4,
        "num_key_value_heads": 2, "num_hidden_layers": 3, "intermediate_size": 48, "max_position_embeddings": 40,
        "head_dim": 8
    });
    let mut config = config;
    config["architectures"] = json!([match model_type {
        "llama" => "LlamaForCausalLM",
        "qwen3" => "Qwen3ForCausalLM",
        _ => "Gemma2ForCausalLM",
    }]);
    Model::from_config_text(model_type, &config.to_string()).unwrap()
}

/// Models of an encoder and a decoder, each of three layers of four heads of 8 numbers on its decoder's side.
fn answering(model_type: &str) -> Model {
    let config = match model_type {
        "t5" => json!({
            "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "vocab_size": 96, "d_model": 32,
            "d_kv": 8, "num_heads": 4, "num_layers": 2, "num_decoder_layers": 3, "d_ff": 48
        }),
        "whisper" => json!({
            "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"], "vocab_size": 96,
            "d_model": 32, "num_mel_bins": 8, "max_source_positions": 10, "max_target_positions": 40,
            "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
            "decoder_layers": 3, "decoder_attention_heads": 4, "decoder_ffn_dim": 48, "decoder_start_token_id": 5
        }),
        _ => json!({
            "model_type": model_type, "vocab_size": 96, "d_model": 32, "max_position_embeddings": 40,
            "encoder_layers": 2, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
            "decoder_layers": 3, "decoder_attention_heads": 4, "decoder_ffn_dim": 48, "decoder_start_token_id": 5,
            "architectures": [match model_type {
                "bart" => "BartForConditionalGeneration",
                "pegasus" => "PegasusForConditionalGeneration",
                _ => "M2M100ForConditionalGeneration",
            }]
        }),
    };
    Model::from_config_text(model_type, &config.to_string()).unwrap()
}

const ANSWERING: [&str; 5] = ["t5", "bart", "pegasus", "m2m_100", "whisper"];

/// Whisper hears 20 frames, of which its encoder makes 10 vectors; the others read a text of 9 tokens.
fn prompt_of(model_type: &str) -> (u32, u64) {
    if model_type == "whisper" { (20, 10) } else { (9, 9) }
}

/// Models that see an image, as in the golden cases, each with how many tokens their image is.
const SEEING: [(&str, u32); 5] =
    [("llava", 16), ("llava_next", 52), ("llava_onevision", 52), ("qwen2_vl", 25), ("qwen3_vl", 25)];

/// The token that stands for an image in the golden cases.
const IMAGE: i64 = 97;

fn seeing(case: &str) -> Model {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
    let config = fs::read_to_string(golden.join(case).join("config.json")).unwrap();
    Model::from_config_text(case, &config).unwrap()
}

fn stages(model: &Model) -> Generation {
    model.generation().unwrap().unwrap()
}

fn shapes_hold(graph: &Graph, dims: &BTreeMap<String, u64>) {
    let shapes = graph.shapes(dims).unwrap();
    for output in &graph.outputs {
        assert_eq!(shapes.get(&output.name), Some(&output.shape_for(dims).unwrap()), "{} {}", graph.name, output.name);
    }
}

#[test]
fn both_graphs_have_the_cache_of_every_layer() {
    for model_type in ["llama", "qwen3", "gemma2"] {
        let generation = small(model_type).generation().unwrap().unwrap();
        assert_eq!(generation.cache.len(), 6);
        let names = |graph: &Graph| graph.outputs.iter().map(|output| output.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(generation.prefill.graph()), names(generation.decode.graph()));
        assert!(generation.cache.iter().all(|entry| names(generation.decode.graph()).contains(&entry.output)));
        let prompt = generation.prefill.dims_for(2, Some(9), &BTreeMap::new()).unwrap();
        shapes_hold(generation.prefill.graph(), &prompt);
        let after = generation.decode.dims_for(2, Some(9), &BTreeMap::new()).unwrap();
        assert_eq!(after["past + 1"], 10);
        shapes_hold(generation.decode.graph(), &after);
    }
}

#[test]
fn the_stages_have_the_weights_of_the_whole() {
    let whole = small("llama");
    let generation = whole.generation().unwrap().unwrap();
    for stage in [&generation.prefill, &generation.decode] {
        assert_eq!(stage.info().parameters, whole.info().parameters);
        assert!(stage.info().name.contains("llama"));
    }
    assert_ne!(generation.prefill.info().id, generation.decode.info().id);
    assert!(generation.prefill.info().name.ends_with(Stage::Prefill.label()));
}

#[test]
fn the_cache_takes_two_vectors_of_every_layer_for_each_token() {
    let generation = stages(&small("llama"));
    let bytes = |stage, sizes: [u32; 3], element_bytes| {
        let sizes = generation.sizes_of(stage, sizes).unwrap();
        generation.cache_bytes(stage, &sizes, element_bytes).unwrap()
    };
    // 3 layers, keys and values, 2 heads of 8 numbers.
    assert_eq!(bytes(Stage::Decode, [1, 1, 1], 4), 3 * 2 * 2 * 8 * 4);
    assert_eq!(bytes(Stage::Decode, [5, 9, 30], 2), 5 * 30 * 3 * 2 * 2 * 8 * 2);
    assert_eq!(bytes(Stage::Prefill, [5, 30, 30], 2), 5 * 30 * 3 * 2 * 2 * 8 * 2);
}

/// Of what was written and of what was read, which stays as it is.
#[test]
fn an_answer_keeps_two_vectors_of_every_layer_for_each_token_on_both_sides() {
    for model_type in ANSWERING {
        let generation = stages(&answering(model_type));
        let (prompt, read) = prompt_of(model_type);
        for (stage, written) in [(Stage::Prefill, 1), (Stage::Decode, 7)] {
            let sizes = generation.sizes_of(stage, [2, prompt, written as u32]).unwrap();
            // 3 layers, keys and values, 4 heads of 8 numbers.
            let bytes = 2 * (read + written) * 3 * 2 * 4 * 8 * 4;
            assert_eq!(generation.cache_bytes(stage, &sizes, 4).unwrap(), bytes, "{model_type} {stage:?}");
        }
    }
}

#[test]
fn what_an_encoder_read_goes_into_every_step_and_comes_out_of_none() {
    for model_type in ANSWERING {
        let generation = stages(&answering(model_type));
        assert_eq!(generation.manner, Manner::Answers);
        assert_eq!(generation.cache.len(), 3 * 4);
        let (prompt, _) = prompt_of(model_type);
        let has = |graph: &Graph, name: &str| graph.outputs.iter().any(|output| output.name == name);
        for CacheEntry { input, output } in &generation.cache {
            assert!(has(generation.prefill.graph(), output), "{model_type} {output}");
            assert_eq!(has(generation.decode.graph(), output), input.contains(".decoder."), "{model_type} {output}");
        }
        shapes_hold(generation.prefill.graph(), &generation.sizes_of(Stage::Prefill, [2, prompt, 4]).unwrap());
        let after = generation.sizes_of(Stage::Decode, [2, prompt, 6]).unwrap();
        assert_eq!(after["past + 1"], 7);
        shapes_hold(generation.decode.graph(), &after);
        // Encoder weights have no part in a step.
        let weights = |model: &Model| model.info().parameters.unwrap();
        assert!(weights(&generation.decode) < weights(&generation.prefill));
        assert_eq!(weights(&generation.prefill), weights(&answering(model_type)));
    }
}

#[test]
fn an_image_is_seen_with_the_prompt_and_a_step_reads_a_token_alone() {
    for (case, tokens) in SEEING {
        let model = seeing(case);
        let generation = stages(&model);
        assert_eq!((generation.manner, generation.cache.len()), (Manner::Continues, 2 * 2), "{case}");
        let inputs = |model: &Model| -> BTreeSet<String> {
            model.graph().inputs.iter().map(|input| input.name.clone()).collect()
        };
        let (prompt, step) = (inputs(&generation.prefill), inputs(&generation.decode));
        assert!(prompt.contains("pixel_values") && !step.contains("pixel_values"), "{case}");
        let cached = |name: &String| generation.cache.iter().any(|entry| entry.input == *name);
        assert!(step.iter().all(|name| cached(name) || prompt.contains(name)), "{case}: {step:?}");
        shapes_hold(generation.prefill.graph(), &generation.sizes_of(Stage::Prefill, [2, 60, 60]).unwrap());
        let after = generation.sizes_of(Stage::Decode, [2, 60, 60]).unwrap();
        assert_eq!(after["past + 1"], 61);
        shapes_hold(generation.decode.graph(), &after);
        // The image encoder has no part in a step.
        let weights = |model: &Model| model.info().parameters.unwrap();
        assert!(weights(&generation.decode) < weights(&generation.prefill), "{case}");
        assert_eq!(weights(&generation.prefill), weights(&model), "{case}");
        // 2 layers, keys and values, 2 heads of 8 numbers, for the tokens of the image as for words.
        let bytes = generation.cache_bytes(Stage::Decode, &after, 4).unwrap();
        assert_eq!(bytes, 2 * 60 * 2 * 2 * 2 * 8 * 4, "{case}");
        let refused = generation.sizes(Texts { batch: 1, prompt: tokens - 1, output: 4 }).err().unwrap().to_string();
        assert!(refused.contains(&format!("the image alone is {tokens} tokens")), "{case}: {refused}");
        assert!(generation.sizes(Texts { batch: 1, prompt: tokens, output: 4 }).is_ok(), "{case}");
    }
}

/// So a prompt that is cut from a text has its whole image, however short it is.
#[test]
fn a_text_that_is_written_begins_with_its_image() {
    for (case, tokens) in SEEING {
        let generation = stages(&seeing(case));
        let sizes = generation.sizes(Texts { batch: 3, prompt: tokens, output: 8 }).unwrap();
        let inputs = make_inputs(generation.prefill.graph(), &sizes.whole, 1, 0).unwrap();
        let ids = inputs.iter().find(|input| input.name == Manner::Continues.tokens()).unwrap().i64s();
        for row in ids.chunks_exact(tokens as usize + 7) {
            let (image, words) = row.split_at(tokens as usize);
            assert!(image.iter().all(|id| *id == IMAGE), "{case}: {row:?}");
            assert!(words.iter().all(|id| *id != IMAGE && (0..99).contains(id)), "{case}: {row:?}");
        }
    }
}

#[test]
fn an_image_of_another_size_makes_another_prompt() {
    let sizes = |name: &str| match name {
        "image_rows" | "tile_rows" => Some(2),
        "image_columns" | "image_frames" => Some(3),
        "tile_columns" => Some(1),
        // What follows from the texts does not follow from these.
        "batch" | "sequence" | "past" => Some(1),
        _ => None,
    };
    // Between the frames of a video Qwen3-VL reads eight words.
    for (case, tokens) in [("qwen2_vl", 3 * 6), ("qwen3_vl", 3 * 6 + 2 * 8), ("llava_next", 16 + 8 * 5)] {
        let generation = stages(&seeing(case)).with_image(sizes);
        let refused = generation.sizes(Texts { batch: 1, prompt: tokens - 1, output: 4 }).err().unwrap().to_string();
        assert!(refused.contains(&format!("the image alone is {tokens} tokens")), "{case}: {refused}");
        let sizes = generation.sizes(Texts { batch: 3, prompt: tokens, output: 4 }).unwrap();
        assert_eq!((sizes.prompt["batch"], sizes.prompt["sequence"]), (3, u64::from(tokens)), "{case}");
        assert_eq!(sizes.steps[1]["past"], u64::from(tokens) + 2, "{case}");
        shapes_hold(generation.prefill.graph(), &sizes.prompt);
        shapes_hold(generation.decode.graph(), &sizes.steps[1]);
    }
    let names = |case: &str| -> Vec<String> { seeing(case).image_dims().map(|dim| dim.name.clone()).collect() };
    assert_eq!(names("qwen2_vl"), ["image_rows", "image_columns", "image_frames"]);
    assert_eq!(names("llava"), [""; 0]);
    assert_eq!(answering("t5").image_dims().count(), 0, "the length of an answer is no image's");
}

#[test]
fn an_answer_begins_with_its_start_token_and_holds_no_padding() {
    for model_type in ANSWERING {
        let generation = stages(&answering(model_type));
        let (prompt, _) = prompt_of(model_type);
        let sizes = generation.sizes_of(Stage::Prefill, [3, prompt, 30]).unwrap();
        let inputs = make_inputs(generation.prefill.graph(), &sizes, 1, 0).unwrap();
        let ids = inputs.iter().find(|input| input.name == Manner::Answers.tokens()).unwrap().i64s();
        let (start, padding) = match model_type {
            "t5" => (0, 0),
            "bart" | "m2m_100" => (5, 1),
            "pegasus" => (5, 0),
            // The usual padding lies behind this vocabulary, whose last word stands for it.
            _ => (5, 95),
        };
        for row in ids.chunks_exact(30) {
            assert_eq!(row[0], start, "{model_type}");
            assert!(row[1..].iter().all(|id| *id != padding && (0..96).contains(id)), "{model_type} {row:?}");
        }
    }
}

#[test]
fn one_token_of_an_answer_costs_what_its_decoder_does() {
    let generation = stages(&answering("t5"));
    let macs = |model: &Model, sizes: &BTreeMap<String, u64>| model.costs(sizes).unwrap().macs.unwrap();
    let (width, inner, vocabulary, layers) = (32, 48, 96, 3);
    // Queries, keys, values and output of what was written; queries and output of what was read; two of the network.
    let products = 6 * width * width + 2 * width * inner;
    // It sees 7 tokens of the answer and 9 of the text; products of scores and of values.
    let seen = 2 * (7 + 9) * width;
    let step = generation.sizes_of(Stage::Decode, [1, 9, 6]).unwrap();
    assert_eq!(macs(&generation.decode, &step), layers * (products + seen) + width * vocabulary);
    // The first token costs the encoder and the keys and values of the text as well.
    let first = generation.sizes_of(Stage::Prefill, [1, 9, 1]).unwrap();
    let encoder = 2 * 9 * (4 * width * width + 2 * 9 * width + 2 * width * inner);
    let decoder = layers * (products + 2 * (1 + 9) * width + 2 * 9 * width * width) + width * vocabulary;
    assert_eq!(macs(&generation.prefill, &first), encoder + decoder);
}

#[test]
fn one_token_costs_what_the_last_of_a_prompt_does() {
    let generation = small("llama").generation().unwrap().unwrap();
    let macs = |model: &Model, length: u32| {
        let dims = model.dims_for(1, Some(length), &BTreeMap::new()).unwrap();
        model.costs(&dims).unwrap().macs.unwrap()
    };
    let (width, inner, vocabulary, layers) = (32, 48, 96, 3);
    // Products of one layer for a token: queries and output, keys and values of half as many heads, three of the gate.
    let products = 2 * width * width + 2 * width * (width / 2) + 3 * width * inner;
    // One token sees 10 tokens; products of scores and of values.
    assert_eq!(macs(&generation.decode, 9), layers * (products + 2 * 10 * width) + width * vocabulary);
    assert_eq!(macs(&generation.prefill, 10), layers * 10 * (products + 2 * 10 * width) + width * vocabulary);
}

#[test]
fn only_what_scores_the_next_word_generates() {
    assert!(Model::preset(&"preset:bert-tiny".into()).unwrap().generation().unwrap().is_none());
    let base = Model::from_config_text("base", r#"{"model_type": "llama", "num_hidden_layers": 1}"#).unwrap();
    assert!(base.generation().unwrap().is_none());
}

#[test]
fn a_text_costs_its_prompt_and_each_token_after_it() {
    let generation = small("llama").generation().unwrap().unwrap();
    let macs = |model: &Model, length: u32| {
        let dims = model.dims_for(1, Some(length), &BTreeMap::new()).unwrap();
        model.costs(&dims).unwrap().macs.unwrap()
    };
    let texts = Texts { batch: 3, prompt: 9, output: 5 };
    let steps: u64 = (9..13).map(|past| macs(&generation.decode, past)).sum();
    let costs = generation.costs_in(Precision::F32, texts).unwrap();
    assert_eq!(costs.macs, Some(macs(&generation.prefill, 9) + steps));
    // Both graphs hold the weights.
    assert!(costs.peak_memory_bytes > 2 * costs.weight_bytes);
}

#[test]
fn texts_that_the_model_cannot_read_are_refused() {
    let generation = small("llama").generation().unwrap().unwrap();
    let refusal = |prompt, output| generation.sizes(Texts { batch: 1, prompt, output }).err().unwrap().to_string();
    assert!(generation.sizes(Texts { batch: 1, prompt: 31, output: 10 }).is_ok(), "the last token is not read");
    assert!(refusal(31, 11).contains("at most 40 tokens"), "{}", refusal(31, 11));
    assert!(refusal(8, 1).contains("at least two"), "{}", refusal(8, 1));
    assert!(refusal(0, 4).contains("at least one"), "{}", refusal(0, 4));
}

#[test]
fn answers_and_sound_that_the_model_cannot_take_are_refused() {
    let generation = stages(&answering("whisper"));
    let refusal = |prompt, output| generation.sizes(Texts { batch: 1, prompt, output }).err().unwrap().to_string();
    assert!(generation.sizes(Texts { batch: 1, prompt: 20, output: 40 }).is_ok(), "the last token is not read");
    assert!(refusal(20, 41).contains("at most 40 tokens"), "{}", refusal(20, 41));
    assert!(refusal(12, 8).contains("20 frames"), "{}", refusal(12, 8));
    let generation = stages(&answering("bart"));
    assert!(generation.sizes(Texts { batch: 1, prompt: 41, output: 8 }).is_err());
    assert!(
        generation.sizes(Texts { batch: 1, prompt: 40, output: 40 }).is_ok(),
        "both sides have places of their own"
    );
    assert_eq!([answering("whisper"), answering("t5")].map(|model| model.usual_prompt()), [Some(20), Some(128)]);
}

#[test]
fn a_class_that_only_reads_names_the_one_that_writes() {
    let reads = Model::from_config_text("t5", r#"{"model_type": "t5", "num_layers": 1}"#).unwrap();
    assert!(reads.generation().unwrap().is_none());
    assert_eq!(reads.generating_class(), Some("T5ForConditionalGeneration"));
    assert_eq!(Model::preset(&"preset:bert-tiny".into()).unwrap().generating_class(), None);
    for (model_type, class) in [
        ("llava", "LlavaForConditionalGeneration"),
        ("vipllava", "VipLlavaForConditionalGeneration"),
        ("qwen2_vl", "Qwen2VLForConditionalGeneration"),
        ("qwen3_vl", "Qwen3VLForConditionalGeneration"),
    ] {
        let reads = opened(&json!({ "model_type": model_type }));
        assert!(reads.generation().unwrap().is_none());
        assert_eq!(reads.generating_class(), Some(class));
    }
}

/// Both graphs are over one file of weights, in every precision and for every type that generates.
#[test]
fn the_stages_share_their_weights_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let models = ["llama", "qwen3", "gemma2"].map(small).into_iter().chain(ANSWERING.map(answering));
    let models = models.chain(["llava", "qwen2_vl", "qwen3_vl"].map(seeing));
    for model in models {
        let (model_type, generation) = (&model.info().name, stages(&model));
        let formats = [Precision::F32, Precision::F16, Precision::Int8].map(Format::from);
        let ranges = ranges(&generation.prefill, folder.path());
        for format in formats.into_iter().chain([Format::from(Precision::Int8Static).with_ranges(ranges)]) {
            let (precision, mut go_on) = (format.precision, |_, _| ControlFlow::Continue(()));
            let files = generation.materialize(folder.path(), format, 1, &mut go_on).unwrap();
            assert_eq!(files.decode.parent(), files.prefill.onnx.parent());
            let [prefill, decode] = [&files.prefill.onnx, &files.decode].map(|path| Graph::read(path).unwrap());
            for weight in decode.initializers.iter().filter(|weight| weight.byte_len() > 512) {
                let same = prefill.initializer(&weight.name).unwrap_or_else(|| panic!("{model_type} {}", weight.name));
                assert!(weight.bytes() == same.bytes(), "{model_type} {precision} {}", weight.name);
            }
        }
    }
}

/// From −1 to 1 for every activation that a calibration would see.
fn ranges(model: &Model, folder: &Path) -> Ranges {
    let calibration = model.calibration(folder, 1, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let end = |name: &str| {
        let number = if name.starts_with("smallest:") { -1.0 } else { 1.0 };
        Tensor::from_f32s(name, &[], &[number])
    };
    let outputs = Graph::read(&calibration.onnx).unwrap().outputs;
    calibration.learn(&[outputs.iter().map(|output| end(&output.name)).collect()]).unwrap()
}

/// So the ranges of a prompt's activations are those of a further token's.
#[test]
fn a_weight_meets_the_same_value_in_both_stages() {
    let all = models::built().flat_map(|(name, classes)| classes.iter().map(move |class| (name, class.name)));
    none_is_wrong(all, |(model_type, class)| {
        let generation = opened(&shallow(default_of(model_type, class))).generation().unwrap();
        generation.map_or_else(Vec::new, |generation| of_a_token_alone(class, &generation))
    });
    // By default Qwen-VL reads no images.
    none_is_wrong(SEEING, |(case, _)| of_a_token_alone(case, &stages(&seeing(case))));
}

/// Products of the graph that reads one token which the graph of the prompt has not.
fn of_a_token_alone(model: &str, generation: &Generation) -> Vec<String> {
    let [prompt, token] = [&generation.prefill, &generation.decode].map(|stage| products(stage.graph()));
    assert!(!token.is_empty(), "{model}");
    token.difference(&prompt).map(|product| format!("{model}: {product:?}")).collect()
}

/// The weight of each product with what it is multiplied with.
fn products(graph: &Graph) -> BTreeSet<[&str; 2]> {
    let products =
        graph.nodes.iter().filter(|node| node.op == "MatMul").map(|node| [&*node.inputs[1], &*node.inputs[0]]);
    products.filter(|[weight, _]| graph.initializer(weight).is_some()).collect()
}
