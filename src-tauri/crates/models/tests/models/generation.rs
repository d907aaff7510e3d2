//! Models that generate text: their two graphs and what the cache takes.

use models::{Graph, Model, Stage, Texts};
use serde_json::json;
use std::{collections::BTreeMap, ops::ControlFlow};

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
    let generation = small("llama").generation().unwrap().unwrap();
    // 3 layers, keys and values, 2 heads of 8 numbers.
    assert_eq!(generation.cache_bytes(1, 1, 4), 3 * 2 * 2 * 8 * 4);
    assert_eq!(generation.cache_bytes(5, 100, 2), 5 * 100 * 3 * 2 * 2 * 8 * 2);
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
    let costs = generation.costs_in(contract::Precision::F32, texts).unwrap();
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

/// Both graphs are over one file of weights, in every precision and for every type that generates.
#[test]
fn the_stages_share_their_weights_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    for model_type in ["llama", "qwen3", "gemma2"] {
        let generation = small(model_type).generation().unwrap().unwrap();
        for precision in [contract::Precision::F32, contract::Precision::F16, contract::Precision::Int8] {
            let mut go_on = |_, _| ControlFlow::Continue(());
            let files = generation.materialize(folder.path(), precision, 1, &mut go_on).unwrap();
            assert_eq!(files.decode.parent(), files.prefill.onnx.parent());
            let [prefill, decode] = [&files.prefill.onnx, &files.decode].map(|path| Graph::read(path).unwrap());
            for weight in decode.initializers.iter().filter(|weight| weight.byte_len() > 4096) {
                let same = prefill.initializer(&weight.name).unwrap_or_else(|| panic!("{model_type} {}", weight.name));
                assert!(weight.bytes() == same.bytes(), "{model_type} {precision} {}", weight.name);
            }
        }
    }
}
