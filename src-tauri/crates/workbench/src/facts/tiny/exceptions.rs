//! What no general rule can know about a type: sizes that its code ties together without a key that says so.

use serde_json::{Map, Value, json};

/// Paths into the configuration, with the value each must have, and the types they are for.
fn changes(model_type: &str) -> Value {
    match model_type {
        // The turning part of a head: its width times the share that turns.
        "dots3_note" => json!({"text_config.head_dim": 64}),
        "dots3_note_text" => json!({"head_dim": 64}),
        "mistral4" => json!({"head_dim": 32}),
        "glm5_next" => json!({"text_config.qk_head_dim": 16}),
        "glm5_next_text" => json!({"qk_head_dim": 16}),
        "mimo_v2_flash" => json!({"head_dim": 24, "swa_head_dim": 24}),
        // Four coordinates and two sizes of a box make up the width.
        "layoutlmv3" => json!({"coordinate_size": 12, "shape_size": 8}),
        // Without a layer of attention there is no mask to be heeded.
        "bamba" => json!({"attn_layer_indices": [1]}),
        "reformer" => json!({"axial_pos_shape": [8, 16], "axial_pos_embds_dim": [16, 48]}),
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
