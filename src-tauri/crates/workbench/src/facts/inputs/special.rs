//! Inputs of types that take something of their own, where neither the names nor the configuration tell what.

use super::{FIRST_TOKEN, FRAMES, GRID, Input, InputKind, SAMPLES, TOKENS, number, picture};
use serde_json::{Map, Value, json};

/// All inputs of such a type; none where the general rules serve.
pub(super) fn inputs(model_type: &str, config: &Map<String, Value>) -> Option<Vec<Input>> {
    let noise = |name: &str, shape: &[u64]| Input::of(name, shape.to_vec());
    let ones = |name: &str, shape: &[u64]| Input { kind: InputKind::Ones, ..Input::of(name, shape.to_vec()) };
    let tokens = |name: &str, length: u64, low: u64, high: u64| Input {
        kind: InputKind::Tokens,
        low,
        high,
        ..Input::of(name, vec![length])
    };
    let exact = |name: &str, sample: Value, shape: &[u64]| Input {
        kind: InputKind::Exact,
        sample: json!([sample]),
        ..Input::of(name, shape.to_vec())
    };
    let size = |name: &str, otherwise: u64| number(config, &[name]).unwrap_or(otherwise);
    let text = || tokens("input_ids", TOKENS, FIRST_TOKEN, 100);
    let width = size("hidden_size", 64);
    Some(match model_type {
        "blip_2_qformer" => vec![noise("query_embeds", &[8, width])],
        "bros" => vec![text(), noise("bbox", &[TOKENS, 8]), ones("attention_mask", &[TOKENS])],
        "clap" => vec![text(), noise("input_features", &[1, 1001, 64]), ones("attention_mask", &[TOKENS])],
        "clvp" => vec![text(), noise("input_features", &[80, FRAMES]), ones("attention_mask", &[TOKENS])],
        "decision_transformer" => vec![
            noise("states", &[TOKENS, size("state_dim", 17)]),
            noise("actions", &[TOKENS, size("act_dim", 4)]),
            noise("rewards", &[TOKENS, 1]),
            noise("returns_to_go", &[TOKENS, 1]),
            tokens("timesteps", TOKENS, 0, 100),
            ones("attention_mask", &[TOKENS]),
        ],
        "gemma4_audio" => vec![noise("input_features", &[FRAMES, 128])],
        "gemma4_vision" => {
            let places: Vec<[u64; 2]> = (0..36).map(|patch| [patch % 6, patch / 6]).collect();
            vec![noise("pixel_values", &[36, 768]), exact("pixel_position_ids", json!(places), &[36, 2])]
        }
        "lightglue" | "efficientloftr" | "superglue" => vec![noise("pixel_values", &[2, 3, 64, 64])],
        "mimi_decoder" => vec![noise("latents", &[width, 8])],
        "oneformer" => vec![noise("pixel_values", &picture(config)), tokens("task_inputs", 77, 10, 100)],
        "patchtst" | "patchtsmixer" => {
            vec![noise("past_values", &[size("context_length", 32), size("num_input_channels", 1)])]
        }
        "perceiver" => vec![noise("inputs", &[TOKENS, size("d_model", 64)])],
        "pe_audio" => vec![text(), noise("input_values", &[1, SAMPLES])],
        "pe_audio_encoder" => vec![noise("input_values", &[1, SAMPLES])],
        "pocket_tts_audio_tokenizer_decoder" => vec![noise("latents", &[size("latent_dim", 32), 8])],
        "seggpt" => {
            ["pixel_values", "prompt_pixel_values", "prompt_masks"].map(|name| noise(name, &[3, 448, 448])).into()
        }
        "siglip2_vision_model" => vec![
            noise("pixel_values", &[GRID * GRID, 3 * 16 * 16]),
            ones("pixel_attention_mask", &[GRID * GRID]),
            exact("spatial_shapes", json!([GRID, GRID]), &[2]),
        ],
        "speecht5" => vec![noise("input_values", &[TOKENS, width]), noise("decoder_input_values", &[8, width])],
        "timesfm" => vec![
            noise("past_values", &[64]),
            exact("past_values_padding", json!(vec![0; 64]), &[64]),
            exact("freq", json!([0]), &[1]),
        ],
        "timesfm2_5" => vec![noise("past_values", &[64])],
        "univnet" => vec![
            noise("input_features", &[FRAMES, size("num_mel_bins", 100)]),
            noise("noise_sequence", &[FRAMES, size("model_in_channels", 64)]),
        ],
        "vibevoice_acoustic_tokenizer_encoder" => vec![noise("hidden_states", &[1, 6400])],
        "vibevoice_acoustic_tokenizer_decoder" => vec![noise("hidden_states", &[width, 4])],
        _ => return None,
    })
}

/// Types whose pictures come with a text that must be there.
pub(super) const WITH_TEXT: [&str; 7] =
    ["blip-2", "grounding-dino", "instructblip", "instructblipvideo", "kosmos-2", "mm-grounding-dino", "videoprism"];
