//! Families of model types: those that one template serves.

use models::transformers::ModelType;
use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Reads text and writes on.
    Decoder,
    /// Reads text and gives vectors or labels.
    Encoder,
    /// Reads one text and writes another.
    EncoderDecoder,
    Vision,
    Audio,
    /// Reads pictures, sound or video together with text.
    Multimodal,
    Other,
}

impl Family {
    pub const ALL: [Self; 7] =
        [Self::Decoder, Self::Encoder, Self::EncoderDecoder, Self::Vision, Self::Audio, Self::Multimodal, Self::Other];

    pub fn key(self) -> &'static str {
        match self {
            Self::Decoder => "decoder",
            Self::Encoder => "encoder",
            Self::EncoderDecoder => "encoder-decoder",
            Self::Vision => "vision",
            Self::Audio => "audio",
            Self::Multimodal => "multimodal",
            Self::Other => "other",
        }
    }

    /// By the auto classes that list the type, then by what its base model takes in; with the reason, in a sentence.
    pub(super) fn of(known: &ModelType) -> (Self, String) {
        let main: Vec<&str> = known.main_input.iter().flat_map(|input| input.names()).map(String::as_str).collect();
        let listed = |heads: &[&'static str]| heads.iter().copied().find(|head| known.heads.contains_key(*head));
        let reads = |inputs: &[&'static str]| inputs.iter().copied().find(|input| main.contains(input));
        let by_head = |family, head: &str| (family, format!("transformers lists it under {head}"));
        let by_input = |family, input: &str| (family, format!("its base model reads {input} first"));

        if let Some(head) =
            listed(&["FOR_MULTIMODAL_LM", "FOR_IMAGE_TEXT_TO_TEXT", "FOR_ZERO_SHOT_IMAGE_CLASSIFICATION"])
        {
            by_head(Self::Multimodal, head)
        } else if let Some(input) = reads(&["pixel_values", "pixel_values_videos"]) {
            by_input(Self::Vision, input)
        } else if let Some(head) = listed(&["FOR_IMAGE", "FOR_IMAGE_CLASSIFICATION", "FOR_BACKBONE"]) {
            by_head(Self::Vision, head)
        } else if let Some(input) = reads(&["input_values", "input_features"]) {
            by_input(Self::Audio, input)
        } else if let Some(head) =
            listed(&["FOR_CTC", "FOR_AUDIO_CLASSIFICATION", "FOR_SPEECH_SEQ_2_SEQ", "FOR_TEXT_TO_WAVEFORM"])
        {
            by_head(Self::Audio, head)
        } else if known.is_encoder_decoder {
            (Self::EncoderDecoder, "its configuration says that it has an encoder and a decoder".to_owned())
        } else if let Some(head) = listed(&["FOR_SEQ_TO_SEQ_CAUSAL_LM"]) {
            by_head(Self::EncoderDecoder, head)
        } else if let Some(head) = listed(&["FOR_MASKED_LM"]) {
            by_head(Self::Encoder, head)
        } else if let Some(head) = listed(&["FOR_CAUSAL_LM"]) {
            by_head(Self::Decoder, head)
        } else if let Some(input) = reads(&["input_ids"]) {
            by_input(Self::Encoder, input)
        } else {
            (
                Self::Other,
                "no auto class lists it for a task, and it reads neither text, pictures nor sound first".to_owned(),
            )
        }
    }
}
