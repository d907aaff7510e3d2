//! What no general rule can know about a type: sizes that its code ties together without a key that says so.

use serde_json::{Map, Value, json};

/// Paths into the configuration, with the value each must have, and the types they are for.
fn changes(model_type: &str) -> Value {
    match model_type {
        // The turning part of a head: its width times the share that turns.
        "dots3_note" => json!({
            "text_config.head_dim": 64,
            "text_config.per_layer_config.2.qk_nope_head_dim": 48,
            "audio_config.adapter_input_size": 64,
            "audio_config.adapter_out_dim": 64,
        }),
        "dots3_note_text" => json!({"head_dim": 64, "per_layer_config.2.qk_nope_head_dim": 48}),
        "mistral4" => json!({"head_dim": 32}),
        "glm5_next" => json!({"text_config.qk_head_dim": 16}),
        "glm5_next_text" => json!({"qk_head_dim": 16}),
        "mimo_v2_flash" => json!({"head_dim": 24, "swa_head_dim": 24}),
        // Four coordinates and two sizes of a box make up the width.
        "layoutlmv3" => json!({"coordinate_size": 12, "shape_size": 8}),
        // A cache is in the way of training: the one's asks for a number of layers that the configuration lacks, the
        // other's is written over while slopes are taken.
        "blt" | "rwkv" => json!({"use_cache": false}),
        // Without a layer of attention there is no mask to be heeded.
        "bamba" => json!({"attn_layer_indices": [1]}),
        "reformer" => {
            json!({"axial_pos_shape": [8, 16], "axial_pos_embds_dim": [16, 48], "is_decoder": true})
        }
        // Scales of norms are drawn around zero: with the default range next to nothing of a picture would pass. So it
        // is with the next ones.
        "efficientnet" => with(small_efficientnet(), json!({"initializer_range": 1.0})),
        "mobilevit" | "mobilevitv2" => json!({"initializer_range": 0.4}),
        "levit" => json!({"initializer_range": 0.05}),
        "mobilenet_v1" => json!({"initializer_range": 0.1}),
        "align" => with(within("vision_config", small_efficientnet()), json!({"projection_dim": 80})),
        // Each of four steps doubles the width.
        "dac" => json!({"encoder_hidden_size": 8, "hidden_size": 128, "decoder_hidden_size": 96}),
        // Default configurations that name no number of experts a token goes to.
        "deepseek_v2" => json!({"num_experts_per_tok": 2}),
        // Height and width have as many pairs each, and stand before time.
        "ernie4_5_vl_moe" => json!({"text_config.rope_parameters.mrope_section": [3, 3, 2]}),
        "ernie4_5_vl_moe_text" => json!({"rope_parameters.mrope_section": [3, 3, 2]}),
        "blip-2" => json!({"num_query_tokens": 4, "image_token_id": 100}),
        "depth_pro" => json!({"patch_size": 96, "intermediate_hook_ids": [1, 0]}),
        // A head turns at least 32 of its numbers.
        "clvp" => json!({"text_config.num_attention_heads": 2, "speech_config.num_attention_heads": 2}),
        "clap" => json!({"audio_config.hidden_size": 192}),
        // A backbone of timm without labels has none of what every configuration asks it for. Its default name is
        // misspelt, and another backbone comes in its place.
        "edgetam_vision_model" => json!({
            "backbone_config.architecture": "repvit_m1",
            "backbone_config.num_classes": 3,
            "backbone_config.label_names": ["a", "b", "c"],
        }),
        "edgetam" => within("vision_config", changes("edgetam_vision_model")),
        // By default no layer attends, and a cache of those that do is asked for.
        "granitemoehybrid" => json!({"layer_types": ["linear_attention", "full_attention"]}),
        // What a shorter text leaves free is minus infinity.
        "grounding-dino" | "mm-grounding-dino" => json!({"max_text_len": 12}),
        "recurrent_gemma" => json!({"block_types": ["recurrent", "attention"]}),
        "lilt" => json!({"hidden_size": 48}),
        "lw_detr" => json!({"projector_scale_factors": [1.0], "num_feature_levels": 1}),
        "kosmos-2" => json!({"latent_query_num": 4}),
        "instructblip" => json!({"num_query_tokens": 4, "image_token_index": 100}),
        "jamba" => json!({"attn_layer_period": 2, "attn_layer_offset": 1}),
        "instructblipvideo" => json!({"num_query_tokens": 4, "video_token_index": 100}),
        "molmo2" => json!({"adapter_config.vision_feature_layer": [1, 0]}),
        "moonshine" => json!({"pad_token_id": 3}),
        "muse_spark" => json!({"audio_config.out_hidden_size": 64, "vision_config.out_hidden_size": 64}),
        "vipllava" => json!({"vision_feature_layer": [-2, -1]}),
        // By default there are no registers, and their weight is empty.
        "dinov3_vit" => json!({"num_register_tokens": 4}),
        "fastspeech2_conformer_with_hifigan" => json!({"vocoder_config.model_in_dim": 80}),
        // Each round through the layers counts as layers of its own.
        "hrm_text" => json!({"num_hidden_layers": 16}),
        "pi0" => json!({"vlm_config.vision_config.image_size": 56}),
        // Default backbones that give one stage, where all are read; each halves what the one before gave.
        "pp_ocrv6_small_det" => json!({
            "backbone_config.block_configs": [
                [[3, 96, 96, 1, true]],
                [[3, 96, 96, 2, false]],
                [[3, 96, 192, 2, true]],
                [[3, 192, 384, 2, true]],
            ],
            "backbone_config.out_features": ["stage1", "stage2", "stage3", "stage4"],
            "backbone_config.out_indices": [1, 2, 3, 4],
            "layer_list_out_channels": [96, 96, 192, 384],
        }),
        "uvdoc" => json!({
            "backbone_config.out_features": ["stage1", "stage2", "stage3", "stage4", "stage5", "stage6"],
            "backbone_config.out_indices": [1, 2, 3, 4, 5, 6],
        }),
        // Default configurations without what the code asks for.
        "qwen2_5_omni_thinker" => json!({
            "vision_start_token_id": 106,
            "text_config.rope_parameters.mrope_section": [2, 3, 3],
        }),
        "qwen3_omni_moe_thinker" => json!({"vision_start_token_id": 106}),
        "step3p7" => json!({"text_config.sliding_window": 512}),
        "wav2vec2-bert" | "wav2vec2-conformer" => json!({"vocab_size": 32}),
        "xmod" => json!({"default_language": "en_XX"}),
        // Windows side by side, four by four.
        "rf_detr" => json!({"backbone_config.image_size": 112}),
        "sam" | "sam_hq" => json!({"vision_config.num_pos_feats": 32}),
        "sapiens2" => json!({"num_key_value_heads_per_layer": [4, 2]}),
        "seggpt" => json!({"merge_index": 0}),
        // At the default depth sums grow from layer to layer, and a step of training overshoots.
        "textnet" => json!({
            "conv_layer_kernel_sizes": [[[3, 3]], [[1, 3]], [[3, 1]], [[3, 3]]],
            "conv_layer_strides": [[2], [2], [2], [2]],
        }),
        "tvp" => json!({"num_frames": 2, "max_img_size": 128, "visual_prompt_size": 32}),
        // What is asked for is read as wide as the text is. Places at the edge of a large picture count as infinite.
        "omdet-turbo" => json!({
            "image_size": 64,
            "backbone_config.img_size": 64,
            "text_projection_in_dim": 64,
            "text_projection_out_dim": 64,
            "class_embed_dim": 64,
        }),
        // A small network of timm in place of one of three hundred million parameters.
        "pe_video_encoder" => json!({"vision_config.model_args": small_eye()}),
        "pe_video" => within("video_config", changes("pe_video_encoder")),
        "pe_audio_video_encoder" => json!({
            "video_config.vision_config.model_args": small_eye(),
            "audio_config.dac_config.encoder_hidden_size": 8,
            "audio_config.dac_config.hidden_size": 128,
            "audio_config.dac_config.decoder_hidden_size": 96,
        }),
        "pe_audio_video" => within("audio_video_config", changes("pe_audio_video_encoder")),
        // Nothing is drawn at random.
        "vibevoice_acoustic_tokenizer" => json!({"vae_std": 0.0}),
        "vits" => json!({"noise_scale": 0.0, "noise_scale_duration": 0.0}),
        // Acoustic and semantic features, side by side.
        "xcodec" => json!({"codebook_dim": 320}),
        // What is quantised are acoustic and semantic features, side by side; five steps down would drown the latter.
        "neucodec" | "xcodec2" => json!({
            "hidden_size": 64,
            "head_dim": 16,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "intermediate_size": 128,
            "encoder_hidden_size": 8,
            "downsampling_ratios": [16, 20],
            "quantization_dim": 128,
        }),
        // Keys are half as wide as the rest, and a multiple of 64 at least.
        "xlstm" => json!({"hidden_size": 128, "embedding_dim": 128}),
        // Attention is twice as wide as the rest, and one block of it is shared by several layers.
        "zamba" => json!({
            "num_hidden_layers": 3,
            "layers_block_type": ["linear_attention", "hybrid", "hybrid"],
            "attention_hidden_size": 128,
            "attention_head_dim": 32,
        }),
        "zamba2" => json!({"attention_hidden_size": 128, "attention_head_dim": 32}),
        "fun_asr_nano" => json!({"adaptor_config.intermediate_size": 16}),
        _ => json!({}),
    }
}

/// Changes of a part of a configuration, by the part's name.
fn within(part: &str, changes: Value) -> Value {
    let Value::Object(changes) = changes else { return changes };
    changes.into_iter().map(|(path, value)| (format!("{part}.{path}"), value)).collect()
}

fn with(mut changes: Value, more: Value) -> Value {
    if let (Value::Object(changes), Value::Object(more)) = (&mut changes, more) {
        changes.extend(more);
    }
    changes
}

/// The last width is 1280 times the coefficient.
fn small_efficientnet() -> Value {
    json!({
        "width_coefficient": 0.25,
        "depth_coefficient": 0.1,
        "hidden_dim": 320,
        "kernel_sizes": [3, 3, 5],
        "in_channels": [32, 16, 24],
        "out_channels": [16, 24, 320],
        "strides": [1, 2, 2],
        "num_block_repeats": [1, 1, 1],
        "expand_ratios": [1, 6, 6],
    })
}

fn small_eye() -> Value {
    json!({"depth": 2, "embed_dim": 64, "num_heads": 4, "img_size": 56, "class_token": true})
}

pub(super) fn apply(model_type: &str, config: &mut Map<String, Value>) {
    let Value::Object(changes) = changes(model_type) else { return };
    for (path, value) in changes {
        let mut at = &mut *config;
        let (folders, key) = path.rsplit_once('.').map_or(("", path.as_str()), |(folders, key)| (folders, key));
        for folder in folders.split('.').filter(|folder| !folder.is_empty()) {
            at = match at.get_mut(folder) {
                Some(Value::Object(nested)) => nested,
                _ => return,
            };
        }
        at.insert(key.to_owned(), value);
    }
}
