use models::{Model, transformers};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The default configuration of a type as transformers writes it, for one of its classes.
pub fn default_of(model_type: &str, class: &str) -> Value {
    let known = transformers::find(model_type).unwrap_or_else(|| panic!("transformers knows no {model_type}"));
    let mut config = Value::Object(known.config.clone());
    config["architectures"] = json!([class]);
    config
}

fn opened(config: &Value) -> Model {
    match Model::from_config_text("config.json", &config.to_string()) {
        Ok(model) => model,
        Err(error) => panic!("{}: {error}", config["architectures"]),
    }
}

fn refusal(config: &Value) -> String {
    match Model::from_config_text("config.json", &config.to_string()) {
        Ok(_) => panic!("{config} was taken"),
        Err(error) => error.to_string(),
    }
}

/// Each type that transformers can count, with its base class and the count.
fn counted() -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    models::built().filter_map(|(model_type, _)| {
        let known = transformers::find(model_type)?;
        Some((model_type, known.base_class.as_deref()?, known.parameters?))
    })
}

#[test]
fn parameters_at_default_configuration_equal_those_of_transformers() {
    let wrong: Vec<String> = counted()
        .filter_map(|(model_type, base, parameters)| {
            let ours = opened(&default_of(model_type, base)).info().parameters;
            (ours != Some(parameters)).then(|| format!("{model_type}: {ours:?}, in transformers {parameters}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_missing_key_takes_the_default_of_transformers() {
    let wrong: Vec<String> = counted()
        .filter_map(|(model_type, _, parameters)| {
            let ours = opened(&json!({ "model_type": model_type })).info().parameters;
            (ours != Some(parameters)).then(|| format!("{model_type}: {ours:?}, in transformers {parameters}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_class_is_one_that_transformers_has() {
    for (model_type, classes) in models::built() {
        let Some(known) = transformers::find(model_type) else { continue };
        let named: Vec<&str> = known.heads.values().flat_map(|head| head.names()).map(String::as_str).collect();
        assert!(!classes.is_empty(), "{model_type}");
        let base = known.base_class.as_deref().unwrap_or(classes[0].name);
        assert_eq!(classes[0].name, base, "the base class of {model_type} comes first");
        let strange = classes.iter().filter(|class| class.name != base && !named.contains(&class.name));
        assert_eq!(strange.map(|class| class.name).collect::<Vec<_>>(), [""; 0], "{model_type}: {named:?}");
    }
}

#[test]
fn every_class_is_drawn_with_outputs_of_the_shapes_it_declares_and_known_costs() {
    let mut wrong = Vec::new();
    for (model_type, class) in
        models::built().flat_map(|(name, classes)| classes.iter().map(move |class| (name, class)))
    {
        let model = opened(&shallow(default_of(model_type, class.name)));
        let dims = model.dims_for(3, None, &BTreeMap::new()).unwrap();
        let shapes = model.graph().shapes(&dims).unwrap();
        for output in &model.graph().outputs {
            let (declared, found) = (output.shape_for(&dims).unwrap(), shapes.get(&output.name));
            if found != Some(&declared) {
                wrong.push(format!("{} {}: {declared:?}, found {found:?}", class.name, output.name));
            }
        }
        let costs = model.costs(&dims).unwrap();
        if costs.macs.is_none() || costs.activations.is_none() {
            wrong.push(format!("{}: what an operator costs is not known", class.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same with two layers where the depth is one number, and sixteen experts, which is enough for every shape.
pub fn shallow(mut config: Value) -> Value {
    for key in ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"] {
        if config.get(key).is_some_and(|experts| experts.as_u64() > Some(16)) {
            config[key] = json!(16);
        }
    }
    for key in ["num_hidden_layers", "num_layers", "encoder_layers", "decoder_layers", "n_layer", "n_layers"] {
        if config.get(key).is_some_and(|layers| layers.as_u64() > Some(2)) && config.get("layer_types").is_none() {
            config[key] = json!(2);
        }
    }
    config
}

#[test]
fn fewer_keys_than_queries_are_drawn() {
    for class in ["LlamaModel", "LlamaForCausalLM"] {
        let mut config = shallow(default_of("llama", class));
        config["num_key_value_heads"] = json!(8);
        let model = opened(&config);
        let dims = model.dims_for(3, None, &BTreeMap::new()).unwrap();
        assert!(model.costs(&dims).unwrap().macs.is_some());
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
        (json!({"model_type": "llama", "rope_scaling": {"type": "spiral", "factor": 2.0}}), "rope_scaling.type"),
        (json!({"model_type": "llama", "num_key_value_heads": 5}), "num_attention_heads"),
        (json!({"model_type": "llama", "head_dim": 7}), "head_dim"),
        (json!({"model_type": "deberta-v2", "conv_kernel_size": 4}), "conv_kernel_size"),
        (json!({"model_type": "deberta-v2", "pos_att_type": ["c2p", "c2c"]}), "pos_att_type"),
        (json!({"model_type": "deberta-v2", "relative_attention": true, "position_buckets": 2}), "position_buckets"),
        (json!({"model_type": "deberta", "talking_head": true}), "talking_head"),
        (json!({"model_type": "mixtral", "num_experts_per_tok": 9}), "num_experts_per_tok"),
        (json!({"model_type": "mixtral", "num_local_experts": 1 << 20}), "num_local_experts"),
        (json!({"model_type": "phimoe", "num_experts_per_tok": 3}), "num_experts_per_tok"),
        (json!({"model_type": "glm4_moe", "n_group": 3}), "n_group"),
        (json!({"model_type": "exaone_moe", "mlp_layer_types": vec!["wide"; 32]}), "mlp_layer_types"),
    ];
    for (config, key) in cases {
        let error = refusal(&config);
        assert!(error.contains(key), "{config}: {error}");
    }
    assert!(refusal(&json!({"model_type": "lama"})).contains("Did you mean llama?"));
    assert!(refusal(&json!({"model_type": "xlstm"})).contains("not built yet"));
    assert!(refusal(&json!({"model_type": "no model"})).contains("transformers knows no model type"));
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
        ("preset:bert-large-uncased", 335_141_888),
        ("preset:distilbert-base-uncased", 66_362_880),
        ("preset:roberta-base", 124_645_632),
        ("preset:gpt2", 124_439_808),
        ("preset:qwen2.5-0.5b", 494_032_768),
        ("preset:qwen3-0.6b", 596_049_920),
        ("preset:llama-2-7b", 6_738_415_616),
        ("preset:llama-3-8b", 8_030_261_248),
        ("preset:mistral-7b", 7_241_732_096),
        ("preset:t5-small", 60_506_624),
        ("preset:vit-large-patch16-224", 304_326_632),
        ("preset:resnet-50", 25_557_032),
        ("preset:clip-vit-base-patch32", 151_277_313),
        ("preset:whisper-tiny", 37_760_640),
        ("preset:whisper-large-v3", 1_543_490_560),
        ("preset:wav2vec2-base", 94_371_712),
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

#[test]
fn a_size_that_convolutions_leave_nothing_of_is_refused() {
    let model = opened(&json!({"model_type": "wav2vec2"}));
    let short = BTreeMap::from([("samples".to_owned(), 300)]);
    let error = model.dims_for(1, None, &short).unwrap_err().to_string();
    assert!(error.contains("samples"), "{error}");
    assert!(model.dims_for(1, None, &BTreeMap::from([("samples".to_owned(), 400)])).is_ok());
}

#[test]
fn images_and_sounds_that_cannot_be_cut_are_refused_with_the_key() {
    let cases = [
        (json!({"model_type": "clip", "vision_config": {"patch_size": 500}}), "vision_config.patch_size"),
        (json!({"model_type": "clip", "text_config": {"num_attention_heads": 7}}), "text_config.hidden_size"),
        (json!({"model_type": "swin", "window_size": 12}), "window_size"),
        (json!({"model_type": "swin", "image_size": 1 << 20}), "window_size"),
        (json!({"model_type": "swin", "num_heads": [3, 6]}), "num_heads"),
        (json!({"model_type": "resnet", "layer_type": "wide"}), "layer_type"),
        (json!({"model_type": "detr", "backbone_config": {"backbone": "resnet7"}}), "backbone_config.backbone"),
        (json!({"model_type": "wav2vec2", "conv_dim": []}), "conv_dim"),
        (json!({"model_type": "wav2vec2", "add_adapter": true}), "add_adapter"),
        (json!({"model_type": "clap", "audio_config": {"enable_fusion": true}}), "audio_config.enable_fusion"),
        (json!({"model_type": "xclip", "vision_config": {"mit_hidden_size": 256}}), "vision_config.mit_hidden_size"),
        (json!({"model_type": "beit", "use_relative_position_bias": true}), "use_relative_position_bias"),
        (json!({"model_type": "videomae", "use_mean_pooling": false}), "use_mean_pooling"),
        (json!({"model_type": "vivit", "tubelet_size": [2, 16]}), "tubelet_size"),
    ];
    for (config, key) in cases {
        let error = refusal(&config);
        assert!(error.contains(key), "{config}: {error}");
    }
}
