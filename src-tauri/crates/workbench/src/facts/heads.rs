//! What a model type can be asked to do: its task heads, which of them can be trained, and whether it generates.

use super::Input;
use models::transformers::ModelType;
use serde::Serialize;

/// A class with a task's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// `FOR_CAUSAL_LM`.
    pub mapping: String,
    /// `AutoModelForCausalLM`.
    pub auto_class: &'static str,
    /// `LlamaForCausalLM`.
    pub class: String,
    /// The task in transformers' words: `text-generation`.
    pub task: &'static str,
    /// What its loss is computed from.
    pub labels: Labels,
    /// Those of the base model's inputs that it takes: a head that names pictures reads no text.
    pub inputs: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// The tokens that were read.
    Tokens,
    /// The tokens that a decoder should write; it makes its own input of them.
    Written,
    /// A class for each sample.
    Class,
    /// A class for each token.
    TokenClass,
    /// A short text for each sound.
    Transcript,
    /// There is no loss, or none that one rule serves.
    None,
}

/// Mappings in the order of preference: the first that a type has is its head.
const HEADS: [(&str, &str, &str, Labels); 18] = [
    ("FOR_CAUSAL_LM", "AutoModelForCausalLM", "text-generation", Labels::Tokens),
    ("FOR_MASKED_LM", "AutoModelForMaskedLM", "fill-mask", Labels::Tokens),
    ("FOR_SEQ_TO_SEQ_CAUSAL_LM", "AutoModelForSeq2SeqLM", "text2text-generation", Labels::Written),
    ("FOR_SPEECH_SEQ_2_SEQ", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition", Labels::Written),
    ("FOR_IMAGE_TEXT_TO_TEXT", "AutoModelForImageTextToText", "image-text-to-text", Labels::Tokens),
    ("FOR_MULTIMODAL_LM", "AutoModelForMultimodalLM", "any-to-any", Labels::Tokens),
    ("FOR_SEQUENCE_CLASSIFICATION", "AutoModelForSequenceClassification", "text-classification", Labels::Class),
    ("FOR_TOKEN_CLASSIFICATION", "AutoModelForTokenClassification", "token-classification", Labels::TokenClass),
    ("FOR_IMAGE_CLASSIFICATION", "AutoModelForImageClassification", "image-classification", Labels::Class),
    ("FOR_VIDEO_CLASSIFICATION", "AutoModelForVideoClassification", "video-classification", Labels::Class),
    ("FOR_CTC", "AutoModelForCTC", "automatic-speech-recognition", Labels::Transcript),
    ("FOR_AUDIO_CLASSIFICATION", "AutoModelForAudioClassification", "audio-classification", Labels::Class),
    (
        "FOR_ZERO_SHOT_IMAGE_CLASSIFICATION",
        "AutoModelForZeroShotImageClassification",
        "zero-shot-image-classification",
        Labels::None,
    ),
    ("FOR_OBJECT_DETECTION", "AutoModelForObjectDetection", "object-detection", Labels::None),
    ("FOR_SEMANTIC_SEGMENTATION", "AutoModelForSemanticSegmentation", "image-segmentation", Labels::None),
    ("FOR_DEPTH_ESTIMATION", "AutoModelForDepthEstimation", "depth-estimation", Labels::None),
    ("FOR_MASK_GENERATION", "AutoModelForMaskGeneration", "mask-generation", Labels::None),
    ("FOR_TEXT_TO_WAVEFORM", "AutoModelForTextToWaveform", "text-to-audio", Labels::None),
];

/// Mappings of a whole encoder-decoder.
const WHOLE: [&str; 2] = ["FOR_SEQ_TO_SEQ_CAUSAL_LM", "FOR_SPEECH_SEQ_2_SEQ"];

/// Its heads that templates know, the most telling first.
pub(super) fn heads(known: &ModelType, inputs: &[Input]) -> Vec<Head> {
    let sees = inputs.iter().any(|input| input.name.starts_with("pixel_"));
    let head = |&(mapping, auto_class, task, labels): &(&str, &'static str, &'static str, Labels)| {
        let class = known.heads.get(mapping)?.names().first()?.clone();
        // Half of such a type is another model, and where it is not, it learns to mend one text rather than to write another.
        let half = matches!(mapping, "FOR_CAUSAL_LM" | "FOR_MASKED_LM");
        if half && known.is_encoder_decoder && WHOLE.iter().any(|whole| known.heads.contains_key(*whole)) {
            return None;
        }
        let takes = |input: &&Input| match mapping {
            "FOR_IMAGE_CLASSIFICATION" | "FOR_VIDEO_CLASSIFICATION" => {
                input.name.starts_with("pixel_") || input.name == "spatial_shapes" || !sees
            }
            "FOR_CTC" | "FOR_AUDIO_CLASSIFICATION" => input.name != "input_ids",
            _ => true,
        };
        let writes = inputs.iter().any(|input| input.name == "decoder_input_ids");
        let labels = match labels {
            Labels::Written if !writes => Labels::Tokens,
            Labels::Tokens if writes && mapping.ends_with("_LM") && known.is_encoder_decoder => Labels::Written,
            Labels::Tokens if writes && mapping == "FOR_IMAGE_TEXT_TO_TEXT" => Labels::Written,
            labels => labels,
        };
        let inputs = inputs.iter().filter(takes).map(|input| input.name.clone()).collect();
        Some(Head { mapping: mapping.to_owned(), auto_class, class, task, labels, inputs })
    };
    HEADS.iter().filter_map(head).collect()
}

/// The tasks that transformers lists a model type for, in its words.
pub fn tasks_of(known: &ModelType) -> Vec<&'static str> {
    let mut tasks = Vec::new();
    for (mapping, _, task, _) in HEADS {
        if known.heads.contains_key(mapping) && !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

/// The head that writes text, token by token.
pub(super) fn generating(heads: &[Head]) -> Option<Head> {
    let writes =
        |head: &&Head| matches!(head.labels, Labels::Tokens | Labels::Written) && head.mapping != "FOR_MASKED_LM";
    heads.iter().find(writes).cloned()
}

/// The head whose loss a step of training must lower.
pub(super) fn training(heads: &[Head]) -> Option<Head> {
    let reads = |head: &Head, name: &str| head.inputs.iter().any(|input| input == name);
    let learns = |head: &&Head| match head.labels {
        Labels::None => false,
        Labels::Tokens | Labels::TokenClass => reads(head, "input_ids"),
        Labels::Written | Labels::Class | Labels::Transcript => true,
    };
    heads.iter().find(learns).cloned()
}
