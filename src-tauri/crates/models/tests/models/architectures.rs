use crate::each::none_is_wrong;
use models::{Model, transformers};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The default configuration of a type as transformers writes it, for one of its classes, or that of a class of diffusers.
pub fn default_of(model_type: &str, class: &str) -> Value {
    let Some(known) = transformers::find(model_type) else { return of_diffusers(model_type) };
    let mut config = Value::Object(known.config.clone());
    config["architectures"] = json!([class]);
    config
}

const UNET: &str = r#"{
    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "addition_embed_type": null,
    "addition_time_embed_dim": null, "attention_head_dim": 8, "attention_type": "default",
    "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false, "class_embed_type": null,
    "conv_in_kernel": 3, "conv_out_kernel": 3, "cross_attention_dim": 1280, "cross_attention_norm": null,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 1, "dropout": 0.0, "dual_cross_attention": false, "encoder_hid_dim": null,
    "encoder_hid_dim_type": null, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4,
    "layers_per_block": 2, "mid_block_only_cross_attention": null, "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2DCrossAttn", "norm_eps": 1e-5, "norm_num_groups": 32,
    "num_attention_heads": null, "num_class_embeds": null, "only_cross_attention": false, "out_channels": 4,
    "projection_class_embeddings_input_dim": null, "resnet_out_scale_factor": 1.0,
    "resnet_skip_time_act": false, "resnet_time_scale_shift": "default",
    "reverse_transformer_layers_per_block": null, "sample_size": null, "time_cond_proj_dim": null,
    "time_embedding_act_fn": null, "time_embedding_dim": null, "time_embedding_type": "positional",
    "timestep_post_act": null, "transformer_layers_per_block": 1,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "upcast_attention": false, "use_linear_projection": false
}"#;

/// As diffusers 0.42 writes it.
fn of_diffusers(class: &str) -> Value {
    match class {
        "UNet2DConditionModel" => serde_json::from_str(UNET).unwrap(),
        "AutoencoderKL" => json!({
            "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [64],
            "down_block_types": ["DownEncoderBlock2D"], "force_upcast": true, "in_channels": 3, "latent_channels": 4,
            "layers_per_block": 1, "mid_block_add_attention": true, "norm_num_groups": 32, "out_channels": 3,
            "sample_size": 32, "scaling_factor": 0.18215, "up_block_types": ["UpDecoderBlock2D"],
            "use_post_quant_conv": true, "use_quant_conv": true
        }),
        _ => panic!("neither transformers nor diffusers knows {class}"),
    }
}

/// Counted by diffusers 0.42 itself.
#[test]
fn parts_of_diffusion_models_have_the_parameters_of_diffusers() {
    let with = |class: &str, changes: Value| {
        let mut config = of_diffusers(class);
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        opened(&config).info().parameters
    };
    let unet = |changes: Value| with("UNet2DConditionModel", changes);
    assert_eq!(unet(json!({})), Some(872_300_484));
    // Stable Diffusion 1.5, 2.1 and XL.
    assert_eq!(unet(json!({"cross_attention_dim": 768})), Some(859_520_964));
    let second = json!({
        "cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": true
    });
    assert_eq!(unet(second), Some(865_910_724));
    let large = json!({
        "block_out_channels": [320, 640, 1280], "attention_head_dim": [5, 10, 20],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "transformer_layers_per_block": [1, 2, 10], "cross_attention_dim": 2048, "use_linear_projection": true,
        "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816
    });
    assert_eq!(unet(large), Some(2_567_463_684));
    assert_eq!(opened(&json!({"_class_name": "UNet2DConditionModel"})).info().parameters, Some(872_300_484));
    let vae = |changes: Value| with("AutoencoderKL", changes);
    assert_eq!(vae(json!({})), Some(563_175));
    let usual = json!({
        "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
        "down_block_types": vec!["DownEncoderBlock2D"; 4], "up_block_types": vec!["UpDecoderBlock2D"; 4]
    });
    assert_eq!(vae(usual), Some(83_653_863));
}

pub fn opened(config: &Value) -> Model {
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
    none_is_wrong(counted(), |(model_type, base, parameters)| {
        otherwise_counted(model_type, &default_of(model_type, base), *parameters)
    });
}

#[test]
fn a_missing_key_takes_the_default_of_transformers() {
    none_is_wrong(counted(), |(model_type, _, parameters)| {
        otherwise_counted(model_type, &json!({ "model_type": model_type }), *parameters)
    });
}

fn otherwise_counted(model_type: &str, config: &Value, parameters: u64) -> Vec<String> {
    let ours = opened(config).info().parameters;
    let wrong = (ours != Some(parameters)).then(|| format!("{model_type}: {ours:?}, in transformers {parameters}"));
    wrong.into_iter().collect()
}

/// Classes that transformers has and none of its auto-classes gives.
const UNLISTED: [&str; 2] = ["CLIPTextModelWithProjection", "CLIPVisionModelWithProjection"];

#[test]
fn every_class_is_one_that_transformers_has() {
    for (model_type, classes) in models::built() {
        let Some(known) = transformers::find(model_type) else { continue };
        let named: Vec<&str> = known.heads.values().flat_map(|head| head.names()).map(String::as_str).collect();
        assert!(!classes.is_empty(), "{model_type}");
        let base = known.base_class.as_deref().unwrap_or(classes[0].name);
        assert_eq!(classes[0].name, base, "the base class of {model_type} comes first");
        let known = |name: &str| name == base || named.contains(&name) || UNLISTED.contains(&name);
        let strange = classes.iter().filter(|class| !known(class.name));
        assert_eq!(strange.map(|class| class.name).collect::<Vec<_>>(), [""; 0], "{model_type}: {named:?}");
    }
}

#[test]
fn every_class_is_drawn_with_outputs_of_the_shapes_it_declares_and_known_costs() {
    let all = models::built().flat_map(|(name, classes)| classes.iter().map(move |class| (name, class)));
    none_is_wrong(all, |(model_type, class)| {
        let mut wrong = Vec::new();
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
        wrong
    });
}

/// The same with two layers, of two kinds where there are such, and sixteen experts, which is enough for every shape. A
/// model that looks into layers further down stays as deep as it is.
pub fn shallow(config: Value) -> Value {
    let mut small = config.clone();
    shrink(&mut small);
    if Model::from_config_text("config.json", &small.to_string()).is_ok() { small } else { config }
}

fn shrink(config: &mut Value) {
    const MOST: [(u64, &[&str]); 3] = [
        (1, &["first_k_dense_replace"]),
        (2, &["num_hidden_layers", "num_layers", "encoder_layers", "decoder_layers", "n_layer", "n_layers"]),
        (16, &["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"]),
    ];
    let Some(options) = config.as_object_mut() else { return };
    for (key, value) in options {
        let most = MOST.iter().find(|(_, keys)| keys.contains(&key.as_str())).map(|(most, _)| *most);
        match value {
            Value::Object(_) => shrink(value),
            Value::Number(number) if most.is_some_and(|most| number.as_u64() > Some(most)) => *value = json!(most),
            Value::Array(kinds) if ["layer_types", "mlp_layer_types"].contains(&key.as_str()) => {
                if let Some(other) = kinds.iter().position(|kind| *kind != kinds[0]) {
                    kinds.swap(1, other);
                }
            }
            _ => {}
        }
    }
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
        (json!({"_class_name": "UNet2DConditionModel", "norm_num_groups": 7}), "norm_num_groups"),
        (json!({"_class_name": "UNet2DConditionModel", "attention_head_dim": [1, 2]}), "attention_head_dim"),
        (json!({"_class_name": "UNet2DConditionModel", "mid_block_type": "UNetMidBlock2D"}), "mid_block_type"),
        (json!({"_class_name": "AutoencoderKL", "up_block_types": ["UpBlock2D"]}), "up_block_types"),
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
    assert!(refusal(&json!({"_class_name": "FluxTransformer2DModel"})).contains("_class_name"));
    assert!(refusal(&json!({"model_type": "lama"})).contains("Did you mean llama?"));
    assert!(refusal(&json!({"model_type": "xlstm"})).contains("not built yet"));
    assert!(refusal(&json!({"model_type": "no model"})).contains("transformers knows no model type"));
}

#[test]
fn a_key_by_another_name_counts_before_the_key_itself() {
    none_is_wrong(models::built(), |(model_type, classes)| {
        let aliases = transformers::aliases(model_type);
        if aliases.is_empty() {
            return Vec::new();
        }
        let sound = shallow(default_of(model_type, classes[0].name));
        let hash = opened(&sound).info().graph_hash.clone();
        let judge = |(other, key): &(&str, &str)| {
            let mut config = sound.clone();
            let value = config[*key].take();
            config[*other] = value;
            config[*key] = json!("gibberish");
            match Model::from_config_text("config.json", &config.to_string()) {
                Ok(model) if model.info().graph_hash == hash => None,
                Ok(_) => Some(format!("{model_type} is another model with {other}")),
                Err(error) => Some(format!("{model_type} with {other}: {error}")),
            }
        };
        aliases.iter().filter_map(judge).collect()
    });
    let error = refusal(&json!({"model_type": "bloom", "n_embed": 1024, "num_attention_heads": 5}));
    assert!(error.contains("n_embed") && error.contains("num_attention_heads"), "{error}");
}

/// As bigscience/bloom-560m has them, whose weights are so many.
#[test]
fn the_older_keys_of_bloom_make_its_model() {
    let config = json!({
        "model_type": "bloom", "architectures": ["BloomForCausalLM"], "vocab_size": 250_880, "n_embed": 1024,
        "n_layer": 24, "num_attention_heads": 16, "n_inner": null, "layer_norm_epsilon": 1e-5,
        "apply_residual_connection_post_layernorm": false
    });
    assert_eq!(opened(&config).info().parameters, Some(559_214_592));
}

/// T5 1.1 as transformers 5 saves it: tied, whatever its checkpoint holds, and not scaled.
#[test]
fn what_a_t5_writes_is_scaled_where_its_configuration_says_so() {
    let scales = |changes: Value| {
        let mut config = json!({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "num_layers": 1});
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        opened(&config).graph().nodes.iter().filter(|node| node.op == "Mul").count()
    };
    let plain = scales(json!({"tie_word_embeddings": false}));
    assert_eq!(scales(json!({})), plain + 1);
    assert_eq!(scales(json!({"tie_word_embeddings": true, "scale_decoder_outputs": false})), plain);
    assert_eq!(scales(json!({"tie_word_embeddings": false, "scale_decoder_outputs": true})), plain + 1);
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
        ("preset:clap-htsat-unfused", 153_492_890),
        ("preset:deberta-v3-base", 183_831_552),
        ("preset:detr-resnet-50", 41_524_768),
        ("preset:llava-1.5-7b", 7_063_427_072),
        ("preset:llava-onevision-qwen2-0.5b", 893_675_552),
        ("preset:qwen2-vl-2b", 2_208_985_600),
        ("preset:qwen3-vl-2b", 2_127_532_032),
        ("preset:stable-diffusion-1.5-unet", 859_520_964),
        ("preset:stable-diffusion-1.5-vae", 83_653_863),
        ("preset:xclip-base-patch32", 196_585_729),
    ];
    assert_eq!(Model::presets().len(), expected.len());
    for (id, parameters) in expected {
        let model = Model::preset(&id.into()).unwrap();
        assert_eq!(model.info().parameters, Some(parameters), "{id}");
        assert!(model.info().macs.is_some(), "{id}");
    }
    // A first start offers the first three, which any machine measures within its patience.
    for preset in &Model::presets()[..3] {
        let parameters = Model::preset(&preset.id()).unwrap().info().parameters;
        assert!(parameters < Some(150_000_000), "{}", preset.name);
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
fn what_a_class_cannot_make_of_an_image_is_refused_with_the_key() {
    // Each image doubles those before it.
    let endless = json!({
        "num_hidden_layers": 70, "backbone_out_indices": (0..70).collect::<Vec<_>>(),
        "neck_hidden_sizes": vec![8; 70], "reassemble_factors": vec![1; 70]
    });
    let cases = [
        ("vit", "ViTForMaskedImageModeling", json!({"image_size": [32, 64]}), "image_size"),
        ("vit", "ViTForMaskedImageModeling", json!({"encoder_stride": 4096}), "encoder_stride"),
        ("glpn", "GLPNForDepthEstimation", json!({"strides": [4, 2, 2, 3]}), "strides"),
        ("glpn", "GLPNForDepthEstimation", json!({"patch_sizes": [7, 3, 3, 4]}), "patch_sizes"),
        ("glpn", "GLPNForDepthEstimation", json!({"head_in_index": 0}), "head_in_index"),
        ("dpt", "DPTForDepthEstimation", json!({"backbone_config": {"model_type": "beit"}}), "backbone_config"),
        ("dpt", "DPTForDepthEstimation", json!({"backbone_out_indices": [3, 2, 5, 8]}), "backbone_out_indices"),
        ("dpt", "DPTForDepthEstimation", json!({"backbone_out_indices": [2, 5, 8, 12]}), "backbone_out_indices"),
        ("dpt", "DPTForDepthEstimation", json!({"reassemble_factors": [4, 2, 1.5, 0.5]}), "reassemble_factors"),
        ("dpt", "DPTForSemanticSegmentation", json!({"readout_type": "mean"}), "readout_type"),
        ("dpt", "DPTForDepthEstimation", endless, "neck_hidden_sizes"),
    ];
    for (model_type, class, changes, key) in cases {
        let mut config = json!({"model_type": model_type, "architectures": [class]});
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let error = refusal(&config);
        assert!(error.contains(key), "{config}: {error}");
    }
}

#[test]
fn a_size_is_the_length_of_the_sound_where_there_is_one() {
    let sizes = |model_type: &str, size: u32| {
        let model = opened(&json!({"model_type": model_type}));
        model.dims_for(1, Some(size), &BTreeMap::new()).unwrap()
    };
    assert_eq!(sizes("wav2vec2", 16_000)["samples"], 16_000);
    let both = sizes("clap", 1000);
    assert_eq!((both["frames"], both["sequence"]), (1000, 64), "the text keeps its own length");
    let clap = opened(&json!({"model_type": "clap"}));
    let lone = clap.dims_for(1, Some(1), &BTreeMap::new()).unwrap_err().to_string();
    assert!(lone.contains("no length of sound"), "{lone}");
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
        (json!({"model_type": "timesformer", "attention_type": "time_only"}), "attention_type"),
        (json!({"model_type": "timesformer", "patch_size": 300}), "patch_size"),
        (json!({"model_type": "sew", "squeeze_factor": 65}), "squeeze_factor"),
        (json!({"model_type": "sew-d", "conv_kernel_size": 3}), "conv_kernel_size"),
    ];
    for (config, key) in cases {
        let error = refusal(&config);
        assert!(error.contains(key), "{config}: {error}");
    }
}
