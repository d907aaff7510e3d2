//! What a small model is given to run on: each input with its kind and shape, from what `forward` takes and the small
//! configuration.

mod special;

use models::transformers::ModelType;
use serde::Serialize;
use serde_json::{Map, Value};

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    pub name: String,
    pub kind: InputKind,
    /// Without the batch.
    pub shape: Vec<u64>,
    /// Token ids are from `low` on and below `high`.
    pub low: u64,
    pub high: u64,
    /// Token ids that every text begins and ends with, within its shape.
    pub first: Vec<u64>,
    pub last: Vec<u64>,
    /// One sample of an exact input.
    pub sample: Value,
    /// Whether the batch is its first dimension; else samples follow each other in one of its own.
    pub batched: bool,
    /// The dimension in which they do.
    pub along: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// Random token ids.
    Tokens,
    /// A mask that keeps everything.
    Ones,
    /// Random numbers around zero: pictures, sound, features.
    Noise,
    /// Whole numbers that the other inputs ask for: the grid of an image's patches.
    Exact,
}

/// Tokens of a text, and of what a decoder has written so far; they differ so that one is not taken for the other.
const TOKENS: u64 = 12;
const WRITTEN: u64 = 8;
/// Ids below are padding, begin and end.
const FIRST_TOKEN: u64 = 10;
const FRAMES: u64 = 64;
const SAMPLES: u64 = 4000;
/// Patches of a picture given as a list of patches: height and width.
const GRID: u64 = 4;

/// Token ids stay below `first_special`.
pub(super) fn inputs(known: &ModelType, config: &Map<String, Value>, first_special: u64) -> Vec<Input> {
    let takes = |name: &str| known.forward_args.iter().any(|argument| argument == name);
    let main: Vec<&str> = known.main_input.iter().flat_map(|input| input.names()).map(String::as_str).collect();
    let needs = |name: &str| takes(name) && main.contains(&name);
    let mut inputs = Vec::new();
    let tokens = |name: &str, length| {
        let high = number(config, &["vocab_size", "text_vocab_size"]).unwrap_or(100).min(first_special);
        let low = FIRST_TOKEN.min(high / 2);
        let last = special::ends(&known.model_type, name, config).into_iter().collect();
        Input { kind: InputKind::Tokens, low, high, last, ..Input::of(name, vec![length]) }
    };

    if let Some(inputs) = special::inputs(&known.model_type, config) {
        return inputs;
    }
    let grids = ["grid_thw", "image_grid_thw"].into_iter().find(|name| takes(name));
    if let Some(sizes) = grids.filter(|_| !takes("input_ids")) {
        let patches = if takes("hidden_states") { "hidden_states" } else { "pixel_values" };
        inputs.extend(grid([patches, sizes], config));
        if takes("merge_sizes") {
            let sample = serde_json::json!([2]);
            let merged = Input { kind: InputKind::Exact, sample, batched: false, ..Input::of("merge_sizes", vec![1]) };
            inputs.push(merged);
        }
        return inputs;
    }
    if needs("input_ids") || special::WITH_TEXT.contains(&known.model_type.as_str()) {
        inputs.push(tokens("input_ids", TOKENS));
    }
    let compares = special::WITH_PICTURES.contains(&known.model_type.as_str())
        || takes("return_loss")
        || known.heads.contains_key("FOR_ZERO_SHOT_IMAGE_CLASSIFICATION");
    if needs("pixel_values") || takes("pixel_values") && (compares || !takes("input_ids")) {
        inputs.push(Input::of("pixel_values", picture(config)));
    }
    if needs("pixel_values_videos") {
        let mut shape = vec![number(config, &["num_frames", "frames_per_clip"]).unwrap_or(4)];
        shape.extend(picture(config));
        inputs.push(Input::of("pixel_values_videos", shape));
    }
    if needs("input_features") {
        let (shape, frames) = features(config);
        if takes("input_features_mask") {
            inputs.push(Input { kind: InputKind::Ones, ..Input::of("input_features_mask", vec![frames]) });
        }
        inputs.push(Input::of("input_features", shape));
    }
    if needs("input_values") {
        inputs.push(Input::of("input_values", sound(config)));
    }
    if takes("decoder_input_ids") && (known.is_encoder_decoder || needs("decoder_input_ids")) {
        inputs.push(tokens("decoder_input_ids", WRITTEN));
    }
    if needs("inputs_embeds") {
        inputs.push(Input::of("inputs_embeds", vec![TOKENS, number(config, &["hidden_size"]).unwrap_or(64)]));
    }
    if inputs.is_empty() && takes("input_ids") {
        inputs.push(tokens("input_ids", TOKENS));
    }
    if takes("attention_mask") && inputs.iter().any(|input| input.name == "input_ids") {
        inputs.push(Input { kind: InputKind::Ones, ..Input::of("attention_mask", vec![TOKENS]) });
    }
    inputs
}

impl Input {
    fn of(name: &str, shape: Vec<u64>) -> Self {
        Self {
            name: name.to_owned(),
            kind: InputKind::Noise,
            shape,
            low: 0,
            high: 0,
            first: Vec::new(),
            last: Vec::new(),
            sample: Value::Null,
            batched: true,
            along: 0,
        }
    }
}

fn picture(config: &Map<String, Value>) -> Vec<u64> {
    let channels = number(config, &["num_channels", "in_chans", "in_channels"]).unwrap_or(3);
    let edges = match find(config, &["image_size", "img_size"]) {
        Some(Value::Number(edge)) => [edge.as_u64(), edge.as_u64()],
        Some(Value::Array(edges)) if edges.len() >= 2 => [edges[0].as_u64(), edges[1].as_u64()],
        Some(Value::Object(edges)) => ["height", "width"].map(|edge| edges.get(edge).and_then(Value::as_u64)),
        _ => [None, None],
    };
    vec![channels, edges[0].unwrap_or(64), edges[1].unwrap_or(64)]
}

/// One picture as its patches, one after the other, with how many there are in time, height and width.
fn grid([name, sizes]: [&str; 2], config: &Map<String, Value>) -> [Input; 2] {
    let patch = number(config, &["patch_size"]).unwrap_or(14);
    let channels = number(config, &["num_channels", "in_channels", "in_chans"]).unwrap_or(3);
    let frames = number(config, &["temporal_patch_size", "patch_temporal"]).unwrap_or(1);
    let patches = Input { batched: false, ..Input::of(name, vec![GRID * GRID, channels * frames * patch * patch]) };
    let sample = serde_json::json!([[1, GRID, GRID]]);
    [patches, Input { kind: InputKind::Exact, sample, batched: false, ..Input::of(sizes, vec![1, 3]) }]
}

/// Keys of types that read frames by bands, though they count positions.
const FRAMES_FIRST: [&str; 2] = ["input_feat_per_channel", "feature_projection_input_dim"];

/// Whisper and its kin read bands by frames, as many frames as their positions cover; the others read frames by bands.
/// With the number of frames.
fn features(config: &Map<String, Value>) -> (Vec<u64>, u64) {
    let names = ["num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim", "n_mels", "input_dim"];
    let bands = number(config, &names).unwrap_or(80);
    match number(config, &["max_source_positions"]) {
        Some(positions) if FRAMES_FIRST.iter().all(|key| !config.contains_key(*key)) => {
            (vec![bands, 2 * positions], 2 * positions)
        }
        _ => (vec![FRAMES, bands], FRAMES),
    }
}

fn sound(config: &Map<String, Value>) -> Vec<u64> {
    match (find(config, &["frequency_stride"]), number(config, &["audio_channels"])) {
        (Some(_), _) => {
            vec![number(config, &["max_length"]).unwrap_or(1024), number(config, &["num_mel_bins"]).unwrap_or(128)]
        }
        (None, Some(channels)) => vec![channels, SAMPLES],
        (None, None) => vec![SAMPLES],
    }
}

fn number(config: &Map<String, Value>, names: &[&str]) -> Option<u64> {
    find(config, names).and_then(Value::as_u64)
}

/// The first of the names that has a value, in the configuration itself, else in those within it.
fn find<'a>(config: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let here = names.iter().find_map(|name| config.get(*name).filter(|value| !value.is_null()));
    here.or_else(|| config.values().filter_map(Value::as_object).find_map(|nested| find(nested, names)))
}
