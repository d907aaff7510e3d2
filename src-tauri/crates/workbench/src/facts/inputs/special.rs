//! Inputs of types that take something of their own, where neither the names nor the configuration tell what.

use super::{FIRST_TOKEN, FRAMES, GRID, Input, InputKind, SAMPLES, TOKENS, WRITTEN, find, number, picture};
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
    let film = || noise("pixel_values_videos", &[4, 3, size("img_size", 336), size("img_size", 336)]);
    let width = size("hidden_size", 64);
    Some(match model_type {
        "blip-2" => {
            let queries = size("num_query_tokens", 4);
            let last = vec![size("image_token_id", 100); queries as usize];
            let length = TOKENS + queries;
            let text = Input { last, ..tokens("input_ids", length, FIRST_TOKEN, 100) };
            vec![text, noise("pixel_values", &picture(config)), ones("attention_mask", &[length])]
        }
        "blip_2_qformer" => {
            vec![
                noise("query_embeds", &[8, width]),
                noise("encoder_hidden_states", &[6, size("encoder_hidden_size", 64)]),
            ]
        }
        "bros" => vec![text(), noise("bbox", &[TOKENS, 8]), ones("attention_mask", &[TOKENS])],
        "clap" => vec![text(), noise("input_features", &[1, 1001, 64]), ones("attention_mask", &[TOKENS])],
        "clvp" => vec![text(), noise("input_features", &[80, FRAMES]), ones("attention_mask", &[TOKENS])],
        "dac" | "xcodec" => vec![noise("input_values", &[1, SAMPLES])],
        "depth_pro" => vec![noise("pixel_values", &[3, 384, 384])],
        "dia" => vec![
            text(),
            Input { low: FIRST_TOKEN, high: 100, kind: InputKind::Tokens, ..noise("decoder_input_ids", &[8, 9]) },
            ones("attention_mask", &[TOKENS]),
        ],
        "fun_asr_nano_encoder" => {
            let stacked = size("num_mel_bins", 80) * size("num_stacked_frames", 7);
            vec![noise("input_features", &[FRAMES, stacked]), ones("input_features_mask", &[FRAMES])]
        }
        "gemma3n_audio" => {
            let heard = json!(vec![false; FRAMES as usize]);
            vec![noise("audio_mel", &[FRAMES, 128]), exact("audio_mel_mask", heard, &[FRAMES])]
        }
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
        "glmasr_encoder" => vec![noise("input_features", &[size("num_mel_bins", 128), FRAMES])],
        // Four frames are stacked to one.
        "granite_speech5_encoder" => vec![noise("input_features", &[FRAMES, 4 * size("num_mel_bins", 80)])],
        "granite_speech5_ctc" => {
            vec![noise("input_features", &[FRAMES, 4 * size("num_mel_bins", 80)]), ones("attention_mask", &[FRAMES])]
        }
        "idefics" => vec![
            text(),
            noise("pixel_values", &[&[1], &picture(config)[..]].concat()),
            ones("image_attention_mask", &[TOKENS, 1]),
            ones("attention_mask", &[TOKENS]),
        ],
        // A patch stands for four smaller ones, with the channels last.
        "inkling2_vision" => {
            let edge = size("spatial_merge_size", 2) * size("patch_size", 20);
            let patches = noise("pixel_values", &[GRID * GRID, edge, edge, size("num_channels", 3)]);
            let grid = exact("image_grid_thw", json!([1, GRID, GRID]), &[1, 3]);
            [patches, grid].map(|input| Input { batched: false, ..input }).into()
        }
        "instructblip" | "instructblipvideo" => {
            let frames: &[u64] = if model_type == "instructblip" { &[] } else { &[4] };
            let queries = size("num_query_tokens", 4) * frames.first().unwrap_or(&1);
            let length = TOKENS + queries;
            vec![
                Input { last: vec![100; queries as usize], ..tokens("input_ids", length, FIRST_TOKEN, 100) },
                tokens("qformer_input_ids", TOKENS, FIRST_TOKEN, 100),
                noise("pixel_values", &[frames, &picture(config)[..]].concat()),
                ones("attention_mask", &[length]),
            ]
        }
        "kimi_k25_vision" => {
            let sizes = json!([[1, GRID, GRID]]);
            let patches = noise("pixel_values", &[GRID * GRID, 3, size("patch_size", 14), size("patch_size", 14)]);
            let grid = Input { kind: InputKind::Exact, sample: sizes, ..noise("grid_thw", &[1, 3]) };
            [patches, grid].map(|input| Input { batched: false, ..input }).into()
        }
        "kosmos-2" => {
            let places: Vec<bool> = (0..TOKENS).map(|token| (1..5).contains(&token)).collect();
            vec![
                text(),
                noise("pixel_values", &picture(config)),
                exact("image_embeds_position_mask", json!(places), &[TOKENS]),
                ones("attention_mask", &[TOKENS]),
            ]
        }
        "kyutai_speech_to_text" => {
            let codes = noise("input_ids", &[TOKENS, size("num_codebooks", 32) + 1]);
            let codes = Input { kind: InputKind::Tokens, low: FIRST_TOKEN, high: 100, ..codes };
            vec![codes, ones("attention_mask", &[TOKENS])]
        }
        "lasr_ctc" | "parakeet_ctc" => {
            vec![noise("input_features", &[FRAMES, size("num_mel_bins", 128)]), ones("attention_mask", &[FRAMES])]
        }
        "lxmert" => vec![
            text(),
            noise("visual_feats", &[8, size("visual_feat_dim", 2048)]),
            noise("visual_pos", &[8, 4]),
            ones("attention_mask", &[TOKENS]),
        ],
        // The patches of all pictures side by side, as one picture that is a patch high.
        "minicpm_ocr_vision" | "minicpmv4_7_vision" => {
            let edge = size("patch_size", 14);
            let patches = noise("pixel_values", &[1, 3, edge, GRID * GRID * edge]);
            vec![Input { batched: false, along: 3, ..patches }, exact("target_sizes", json!([GRID, GRID]), &[2])]
        }
        "muse_glimmer_assistant" => {
            let layers = find(config, &["target_layer_ids"]).and_then(Value::as_array).map_or(1, Vec::len) as u64;
            vec![
                noise("noise_embeds", &[size("block_size", 16), width]),
                noise("context_hidden_states", &[TOKENS, layers * width]),
            ]
        }
        "muse_spark_audio" => vec![noise("input_values", &[42 * 96])],
        "lightglue" | "efficientloftr" | "superglue" => vec![noise("pixel_values", &[2, 3, 64, 64])],
        "mimi_decoder" | "pocket_tts_audio_tokenizer_decoder" => vec![noise("latents", &[width, 8])],
        // A frame of features for as many samples as the codec makes one code of.
        "neucodec" | "xcodec2" => vec![
            noise("input_values", &[1, 16 * 320]),
            noise("input_features", &[16, size("feature_projection_input_dim", 160)]),
        ],
        // One class is looked for in each picture.
        "omdet-turbo" => vec![
            noise("pixel_values", &picture(config)),
            tokens("classes_input_ids", TOKENS, FIRST_TOKEN, 100),
            ones("classes_attention_mask", &[TOKENS]),
            tokens("tasks_input_ids", TOKENS, FIRST_TOKEN, 100),
            ones("tasks_attention_mask", &[TOKENS]),
            exact("classes_structure", json!(1), &[]),
        ],
        "oneformer" => vec![noise("pixel_values", &picture(config)), tokens("task_inputs", 77, 10, 100)],
        "patchtst" | "patchtsmixer" => {
            vec![noise("past_values", &[size("context_length", 32), size("num_input_channels", 1)])]
        }
        "perceiver" => vec![noise("inputs", &[TOKENS, size("d_model", 64)])],
        "pe_audio" => vec![text(), noise("input_values", &[1, SAMPLES])],
        "pe_audio_encoder" => vec![noise("input_values", &[1, SAMPLES])],
        "pe_audio_video" => {
            vec![text(), noise("input_values", &[1, SAMPLES]), film(), ones("attention_mask", &[TOKENS])]
        }
        "pe_audio_video_encoder" => vec![noise("input_values", &[1, SAMPLES]), film()],
        "pe_video" => vec![text(), film(), ones("attention_mask", &[TOKENS])],
        "pe_video_encoder" => vec![film()],
        "pi0" => {
            let edge = size("image_size", 224) / size("patch_size", 14);
            let patches = edge * edge;
            let last = vec![size("image_token_index", 100); patches as usize];
            vec![
                noise("action_embeds", &[8, width]),
                Input { last, ..tokens("input_ids", TOKENS + patches, FIRST_TOKEN, 100) },
                noise("pixel_values", &[&[1], &picture(config)[..]].concat()),
                ones("pixel_attention_mask", &[1]),
                ones("attention_mask", &[TOKENS + patches]),
            ]
        }
        // What is left of the height is read by three.
        "pp_ocrv5_mobile_rec" => vec![noise("pixel_values", &[3, 96, 320])],
        "qwen3_asr_encoder" => {
            vec![noise("input_features", &[size("num_mel_bins", 128), 200]), ones("input_features_mask", &[200])]
        }
        "seggpt" => {
            ["pixel_values", "prompt_pixel_values", "prompt_masks"].map(|name| noise(name, &[3, 448, 448])).into()
        }
        "siglip2" => vec![
            text(),
            noise("pixel_values", &[GRID * GRID, 3 * 16 * 16]),
            ones("pixel_attention_mask", &[GRID * GRID]),
            exact("spatial_shapes", json!([GRID, GRID]), &[2]),
            ones("attention_mask", &[TOKENS]),
        ],
        "siglip2_vision_model" => vec![
            noise("pixel_values", &[GRID * GRID, 3 * 16 * 16]),
            ones("pixel_attention_mask", &[GRID * GRID]),
            exact("spatial_shapes", json!([GRID, GRID]), &[2]),
        ],
        "speecht5" => vec![noise("input_values", &[TOKENS, width]), noise("decoder_input_values", &[8, width])],
        "timesformer" | "videomae" | "vivit" => {
            vec![noise("pixel_values", &[&[size("num_frames", 8)], &picture(config)[..]].concat())]
        }
        "timesfm" => vec![
            noise("past_values", &[64]),
            exact("past_values_padding", json!(vec![0; 64]), &[64]),
            exact("freq", json!([0]), &[1]),
        ],
        "timesfm2_5" => vec![noise("past_values", &[64])],
        "tvp" => vec![
            text(),
            noise("pixel_values", &[size("num_frames", 48), 3, size("max_img_size", 448), size("max_img_size", 448)]),
            ones("attention_mask", &[TOKENS]),
        ],
        "udop" => {
            let boxes: Vec<[f64; 4]> =
                (0..TOKENS).map(|token| token as f64 / 16.0).map(|left| [left, 0.25, left + 0.125, 0.5]).collect();
            vec![
                text(),
                exact("bbox", json!(boxes), &[TOKENS, 4]),
                noise("pixel_values", &picture(config)),
                tokens("decoder_input_ids", WRITTEN, FIRST_TOKEN, 100),
                ones("attention_mask", &[TOKENS]),
            ]
        }
        "univnet" => vec![
            noise("input_features", &[FRAMES, size("num_mel_bins", 100)]),
            noise("noise_sequence", &[FRAMES, size("model_in_channels", 64)]),
        ],
        "vibevoice_acoustic_tokenizer" => vec![noise("input_values", &[1, 6400])],
        "vibevoice_acoustic_tokenizer_encoder" => vec![noise("hidden_states", &[1, 6400])],
        "vibevoice_acoustic_tokenizer_decoder" => vec![noise("hidden_states", &[width, 4])],
        // Drawn within the model, what is hidden of a picture would be another for each place in a batch.
        "vit_mae" => {
            let edge = size("image_size", 224) / size("patch_size", 16);
            vec![noise("pixel_values", &picture(config)), noise("noise", &[edge * edge])]
        }
        "voxtral_realtime" => vec![
            text(),
            noise("input_features", &[size("num_mel_bins", 128), TOKENS * size("audio_length_per_tok", 8)]),
            ones("attention_mask", &[TOKENS]),
        ],
        "voxtral_realtime_encoder" => vec![noise("input_features", &[size("num_mel_bins", 128), FRAMES])],
        "xclip" => vec![
            text(),
            noise("pixel_values", &[&[8], &picture(config)[..]].concat()),
            ones("attention_mask", &[TOKENS]),
        ],
        _ => return None,
    })
}

/// Types that compare a text with a picture, or join them, where neither a loss nor a task says so.
pub(super) const WITH_PICTURES: [&str; 3] = ["aimv2", "bridgetower", "vilt"];

/// Types that read the whole text at its last token: the end of a text, or the highest id where the end has none of
/// its own.
const READ_AT_THE_END: [&str; 9] =
    ["aimv2", "aimv2_text_model", "clip", "clip_text_model", "clipseg", "groupvit", "metaclip_2", "owlvit", "x_clip"];

/// The id that a text must end with.
pub(super) fn ends(model_type: &str, input: &str, config: &Map<String, Value>) -> Option<u64> {
    let ends = input == "input_ids" && READ_AT_THE_END.contains(&model_type);
    let end = number(config, &["eos_token_id"]).filter(|end| *end >= 100);
    end.or_else(|| Some(number(config, &["vocab_size"])? - 1)).filter(|_| ends)
}

/// Types whose pictures come with a text that must be there.
pub(super) const WITH_TEXT: [&str; 9] = [
    "blip-2",
    "grounding-dino",
    "instructblip",
    "instructblipvideo",
    "kosmos-2",
    "mm-grounding-dino",
    "sam3",
    "sam3_lite_text",
    "videoprism",
];
