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
        // Without a layer of attention there is no mask to be heeded.
        "bamba" => json!({"attn_layer_indices": [1]}),
        "reformer" => {
            json!({"axial_pos_shape": [8, 16], "axial_pos_embds_dim": [16, 48], "is_decoder": true})
        }
        // The last width is 1280 times the coefficient.
        "efficientnet" => json!({"width_coefficient": 0.25, "depth_coefficient": 0.1, "hidden_dim": 320}),
        "align" => json!({
            "vision_config.width_coefficient": 0.25,
            "vision_config.depth_coefficient": 0.1,
            "vision_config.hidden_dim": 320,
            "projection_dim": 80,
        }),
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
        // A backbone of timm without labels has none of what every configuration asks it for.
        "edgetam_vision_model" => {
            json!({"backbone_config.num_classes": 3, "backbone_config.label_names": ["a", "b", "c"]})
        }
        "edgetam" => json!({
            "vision_config.backbone_config.num_classes": 3,
            "vision_config.backbone_config.label_names": ["a", "b", "c"],
        }),
        // By default no layer attends, and a cache of those that do is asked for.
        "granitemoehybrid" => json!({"layer_types": ["linear_attention", "full_attention"]}),
        // What a shorter text leaves free is minus infinity.
        "grounding-dino" | "mm-grounding-dino" => json!({"max_text_len": 12}),
        "recurrent_gemma" => json!({"block_types": ["recurrent", "attention"]}),
        "lilt" => json!({"hidden_size": 48}),
        "lw_detr" => json!({"projector_scale_factors": [1.0], "num_feature_levels": 1}),
        "kosmos-2" => json!({"latent_query_num": 4}),
        "instructblip" => json!({"num_query_tokens": 4, "image_token_index": 100}),
        "jamba" => json!({"attn_layer_period": 2}),
        "instructblipvideo" => json!({"num_query_tokens": 4, "video_token_index": 100}),
        "molmo2" => json!({"adapter_config.vision_feature_layer": [1, 0]}),
        "moonshine" => json!({"pad_token_id": 3}),
        "muse_spark" => json!({"audio_config.out_hidden_size": 64, "vision_config.out_hidden_size": 64}),
        "vipllava" => json!({"vision_feature_layer": [-2, -1]}),
        "fun_asr_nano" => json!({"adaptor_config.intermediate_size": 16}),
        _ => json!({}),
    }
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
