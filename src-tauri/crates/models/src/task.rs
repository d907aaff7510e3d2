//! What one sample of a model is: so many tokens of text, images, seconds of sound, or frames of video.
//!
//! A model is about what it sees or hears, else about the text that it reads. Where it does both, its outputs decide:
//! one that answers for every token (LLaVA, Qwen-VL) has what it sees among its tokens and is about text; one that
//! compares texts with something else (CLIP, CLAP, X-CLIP) is about that.
//!
//! Of an encoder and decoder, the text that is read counts, not what was written before. Padding is no part of a text. A
//! step of a diffusion model is a part of an image, and so nothing.

use crate::{UNKNOWN_FAMILY, padding};
use contract::{ModelInfo, PADDING, PerSample, TaskUnit};
use std::collections::BTreeMap;

/// Inputs by name with their sizes, the batch first.
type Shapes<'a> = BTreeMap<&'a str, Vec<u64>>;

/// What belongs to a text that is read.
const TEXT: [&str; 5] = ["input_ids", "attention_mask", "token_type_ids", "position_ids", "decoder_input_ids"];

/// Sound that comes as a spectrogram of a length that the configuration fixes.
struct Spectrogram {
    model_types: &'static [&'static str],
    input: &'static str,
    /// The dimension that counts its frames.
    frames: usize,
    per_second: u32,
}

/// As the feature extractors of transformers make them, a frame for each step of 160 of 16,000 samples a second, so that
/// n frames last n · hop / rate. `WhisperFeatureExtractor` (`hop_length`, `sampling_rate`) drops the frame at the end: 3000
/// are 30 s. `ASTFeatureExtractor` (a frame shift of 10 ms) fills up to a fixed number: 1024 are 10.24 s, as the model's
/// authors count them (Gong et al. 2021, arXiv 2104.01778).
const SPECTROGRAMS: [Spectrogram; 2] = [
    Spectrogram {
        model_types: &["whisper", "qwen2_audio_encoder", "voxtral_encoder"],
        input: "input_features",
        frames: 2,
        per_second: 100,
    },
    Spectrogram { model_types: &["audio-spectrogram-transformer"], input: "input_values", frames: 1, per_second: 100 },
];

/// What they look for is the same in two images, which are one sample.
const PAIRS: [&str; 3] = ["efficientloftr", "lightglue", "superglue"];

/// What one sample is at these sizes, which are those of [`crate::Model::dims_for`]; none where nothing tells.
///
/// Of an ONNX file only the names of its inputs tell, and only where they are those of a text or of an image alone.
pub fn per_sample(info: &ModelInfo, sizes: &BTreeMap<String, u64>) -> Option<PerSample> {
    let size = |name: &String| name.parse().ok().or_else(|| sizes.get(name).copied());
    let shape = |shape: &[String]| shape.iter().map(size).collect::<Option<Vec<u64>>>();
    let shapes: Shapes =
        info.inputs.iter().filter_map(|input| Some((input.name.as_str(), shape(&input.shape)?))).collect();
    let sample = if info.family == UNKNOWN_FAMILY {
        by_names(&shapes).filter(|_| shapes.len() == info.inputs.len())
    } else if answers_each_token(info) {
        tokens(&shapes)
    } else {
        sound(info, sizes).or_else(|| sensed(&info.family, &shapes)).or_else(|| tokens(&shapes))
    };
    match (sizes.get(PADDING), shapes.get("input_ids").map(Vec::as_slice)) {
        (Some(percent), Some(&[texts, length])) if info.takes_padding() => {
            Some(PerSample { count: padding::real_tokens(*percent, [texts, length]), ..sample? })
        }
        _ => sample,
    }
}

/// The same of a model of which only the shapes of its inputs are known, the batch first: none where it reads and also
/// sees or hears.
pub fn per_sample_of(model_type: &str, inputs: &BTreeMap<String, Vec<u32>>) -> Option<PerSample> {
    let sizes = |shape: &[u32]| shape.iter().map(|size| u64::from(*size)).collect();
    let shapes: Shapes = inputs.iter().map(|(name, shape)| (name.as_str(), sizes(shape))).collect();
    if shapes.contains_key("input_ids") { by_names(&shapes) } else { sensed(model_type, &shapes) }
}

/// Whether an output has a place for each token of the text.
fn answers_each_token(info: &ModelInfo) -> bool {
    let text = info.inputs.iter().find(|input| input.name == "input_ids");
    let Some(length) = text.and_then(|text| text.shape.get(1)) else { return false };
    info.outputs.iter().any(|output| output.shape.get(1) == Some(length))
}

/// Sound of a length that is free to choose, see [`contract::SizeUnit::secs`].
fn sound(info: &ModelInfo, sizes: &BTreeMap<String, u64>) -> Option<PerSample> {
    info.dims.iter().find_map(|dim| {
        let size = u32::try_from(*sizes.get(&dim.name)?).ok()?;
        Some(PerSample { unit: TaskUnit::SoundSeconds, count: dim.unit()?.secs(size)? })
    })
}

/// What is seen, or heard as a spectrogram.
fn sensed(model_type: &str, shapes: &Shapes) -> Option<PerSample> {
    if let Some(heard) = SPECTROGRAMS.iter().find(|heard| heard.model_types.contains(&model_type)) {
        let frames = *shapes.get(heard.input)?.get(heard.frames)?;
        return Some(PerSample { unit: TaskUnit::SoundSeconds, count: frames as f64 / f64::from(heard.per_second) });
    }
    // An autoencoder calls its image so, and a diffusion model, beside a time step, what becomes one.
    let alone = shapes.get("sample").filter(|_| shapes.len() == 1);
    let seen = ["pixel_values", "pixel_values_videos"].into_iter().find_map(|name| shapes.get(name)).or(alone)?;
    match seen[..] {
        [_, _, _, _] => Some(PerSample { unit: TaskUnit::Images, count: 1.0 }),
        [_, images, _, _, _] if PAIRS.contains(&model_type) => {
            Some(PerSample { unit: TaskUnit::Images, count: images as f64 })
        }
        [_, frames, _, _, _] => Some(PerSample { unit: TaskUnit::Frames, count: frames as f64 }),
        _ => None,
    }
}

/// The text that is read.
fn tokens(shapes: &Shapes) -> Option<PerSample> {
    match shapes.get("input_ids")?[..] {
        [_, ref sizes @ ..] if !sizes.is_empty() => {
            Some(PerSample { unit: TaskUnit::Tokens, count: sizes.iter().product::<u64>() as f64 })
        }
        _ => None,
    }
}

/// A text or an image alone, by the names that transformers gives them.
fn by_names(shapes: &Shapes) -> Option<PerSample> {
    if shapes.keys().all(|name| TEXT.contains(name)) {
        // More than one id at a place may be codes of sound.
        let is_text = shapes.get("input_ids").is_some_and(|ids| ids.len() == 2);
        return tokens(shapes).filter(|_| is_text);
    }
    let image = shapes.get("pixel_values").filter(|shape| shapes.len() == 1 && shape.len() == 4);
    image.map(|_| PerSample { unit: TaskUnit::Images, count: 1.0 })
}
