use models::Model;
use serde_json::{Value, json};

const DEFAULTS: &str = include_str!("../data/defaults.jsonl");

fn default_of(model_type: &str) -> Value {
    let lines = DEFAULTS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.into_iter().find(|entry| entry["model_type"] == model_type).unwrap()
}

fn refusal(config: &Value) -> String {
    match Model::from_config_text("config.json", &config.to_string()) {
        Ok(_) => panic!("{config} was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn parameters_at_default_configuration_equal_those_of_transformers() {
    for line in DEFAULTS.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let model = Model::from_config_text("default", &entry["config"].to_string()).unwrap();
        assert_eq!(model.info().parameters, entry["parameters"].as_u64(), "{}", entry["model_type"]);
    }
}

#[test]
fn a_missing_key_takes_the_default_of_transformers() {
    for line in DEFAULTS.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let bare = json!({ "model_type": entry["model_type"] });
        let model = Model::from_config_text("bare", &bare.to_string()).unwrap();
        assert_eq!(model.info().parameters, entry["parameters"].as_u64(), "{}", entry["model_type"]);
    }
}

#[test]
fn every_class_is_drawn_with_outputs_of_the_shapes_it_declares() {
    let classes = [
        ("bert", "BertForMaskedLM"),
        ("bert", "BertForPreTraining"),
        ("bert", "BertForNextSentencePrediction"),
        ("bert", "BertForSequenceClassification"),
        ("bert", "BertForTokenClassification"),
        ("bert", "BertForQuestionAnswering"),
        ("llama", "LlamaModel"),
        ("llama", "LlamaForCausalLM"),
        ("opt", "OPTModel"),
        ("opt", "OPTForCausalLM"),
        ("vit", "ViTModel"),
        ("vit", "ViTForImageClassification"),
    ];
    for (model_type, class) in classes {
        let mut config = default_of(model_type)["config"].clone();
        config["architectures"] = json!([class]);
        config["num_hidden_layers"] = json!(2);
        // Fewer keys than queries, where the type knows that.
        config["num_key_value_heads"] = json!(8);
        let model = Model::from_config_text(class, &config.to_string()).unwrap();
        let dims = model.dims_for(3, None, &Default::default()).unwrap();
        let shapes = model.graph().shapes(&dims).unwrap();
        for output in &model.graph().outputs {
            assert_eq!(shapes.get(&output.name), Some(&output.shape_for(&dims).unwrap()), "{class} {}", output.name);
        }
    }
}

#[test]
fn what_cannot_be_built_is_named_with_its_key() {
    let cases = [
        (json!({"model_type": "t6"}), "model_type"),
        (json!({"hidden_size": 768}), "model_type"),
        (json!({"model_type": "bert", "architectures": ["BertForMagic"]}), "architectures"),
        (json!({"model_type": "bert", "hidden_act": "gleu"}), "hidden_act"),
        (json!({"model_type": "bert", "hidden_size": 770}), "hidden_size"),
        (json!({"model_type": "bert", "num_attention_heads": 0}), "num_attention_heads"),
        (json!({"model_type": "bert", "num_hidden_layers": 1e12}), "num_hidden_layers"),
        (json!({"model_type": "bert", "vocab_size": -1}), "vocab_size"),
        (json!({"model_type": "bert", "layer_norm_eps": "small"}), "layer_norm_eps"),
        (json!({"model_type": "bert", "is_decoder": true}), "is_decoder"),
        (json!({"model_type": "bert", "position_embedding_type": "relative_key"}), "position_embedding_type"),
        (json!({"model_type": "vit", "image_size": 225}), "image_size"),
        (json!({"model_type": "llama", "rope_scaling": {"type": "yarn", "factor": 2.0}}), "rope_scaling.type"),
        (json!({"model_type": "llama", "num_key_value_heads": 5}), "num_attention_heads"),
        (json!({"model_type": "llama", "head_dim": 7}), "head_dim"),
    ];
    for (config, key) in cases {
        let error = refusal(&config);
        assert!(error.contains(key), "{config}: {error}");
    }
    assert!(refusal(&json!({"model_type": "t6"})).contains("bert, llama, opt, vit"));
}

#[test]
fn a_model_larger_than_any_machine_is_refused_at_once() {
    let config = json!({
        "model_type": "llama", "hidden_size": 1 << 21, "intermediate_size": 1 << 22, "num_hidden_layers": 2048,
        "num_attention_heads": 1 << 14
    });
    assert!(refusal(&config).contains("parameters"));
}

#[test]
fn the_presets_have_the_sizes_their_names_promise() {
    let expected = [
        ("preset:bert-base-uncased", 109_482_240),
        ("preset:bert-tiny", 4_385_920),
        ("preset:vit-base-patch16-224", 86_567_656),
        ("preset:opt-125m", 125_239_296),
        ("preset:llama-1.1b", 1_100_048_384),
    ];
    assert_eq!(Model::presets().len(), expected.len());
    for (id, parameters) in expected {
        let model = Model::preset(&id.into()).unwrap();
        assert_eq!(model.info().parameters, Some(parameters), "{id}");
        assert!(model.info().macs.is_some(), "{id}");
    }
}

#[test]
fn sizes_beyond_the_model_are_refused_with_the_limit() {
    let model = Model::preset(&"preset:bert-tiny".into()).unwrap();
    let error = model.dims_for(1, Some(513), &Default::default()).unwrap_err().to_string();
    assert!(error.contains("at most 512"), "{error}");
    assert!(model.dims_for(0, None, &Default::default()).is_err());
    let vit = Model::preset(&"preset:vit-base-patch16-224".into()).unwrap();
    assert!(vit.dims_for(1, Some(224), &Default::default()).is_ok());
    assert!(vit.dims_for(1, Some(256), &Default::default()).unwrap_err().to_string().contains("224"));
}
