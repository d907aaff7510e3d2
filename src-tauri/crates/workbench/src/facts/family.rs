//! Families of model types: those that one template serves.

use contract::{Family, Medium};
use models::transformers::ModelType;

/// By the auto classes that list the type, then by what its base model takes in; with the reason, in a sentence.
pub fn family_of(known: &ModelType) -> (Family, String) {
    let main: Vec<&str> = known.main_input.iter().flat_map(|input| input.names()).map(String::as_str).collect();
    let listed = |heads: &[&'static str]| heads.iter().copied().find(|head| known.heads.contains_key(*head));
    let reads = |inputs: &[&'static str]| inputs.iter().copied().find(|input| main.contains(input));
    let by_head = |family, head: &str| (family, format!("transformers lists it under {head}"));
    let by_input = |family, input: &str| (family, format!("its base model reads {input} first"));

    if let Some(head) = listed(&["FOR_MULTIMODAL_LM", "FOR_IMAGE_TEXT_TO_TEXT", "FOR_ZERO_SHOT_IMAGE_CLASSIFICATION"]) {
        by_head(Family::Multimodal, head)
    } else if let Some(input) = reads(&["pixel_values", "pixel_values_videos"]) {
        by_input(Family::Vision, input)
    } else if let Some(head) = listed(&["FOR_IMAGE", "FOR_IMAGE_CLASSIFICATION", "FOR_BACKBONE"]) {
        by_head(Family::Vision, head)
    } else if let Some(input) = reads(&["input_values", "input_features"]) {
        by_input(Family::Audio, input)
    } else if let Some(head) =
        listed(&["FOR_CTC", "FOR_AUDIO_CLASSIFICATION", "FOR_SPEECH_SEQ_2_SEQ", "FOR_TEXT_TO_WAVEFORM"])
    {
        by_head(Family::Audio, head)
    } else if known.is_encoder_decoder {
        (Family::EncoderDecoder, "its configuration says that it has an encoder and a decoder".to_owned())
    } else if let Some(head) = listed(&["FOR_SEQ_TO_SEQ_CAUSAL_LM"]) {
        by_head(Family::EncoderDecoder, head)
    } else if let Some(head) = listed(&["FOR_MASKED_LM"]) {
        by_head(Family::Encoder, head)
    } else if let Some(head) = listed(&["FOR_CAUSAL_LM"]) {
        by_head(Family::Decoder, head)
    } else if let Some(input) = reads(&["input_ids"]) {
        by_input(Family::Encoder, input)
    } else {
        (
            Family::Other,
            "no auto class lists it for a task, and it reads neither text, pictures nor sound first".to_owned(),
        )
    }
}

/// What a model type takes in, by the names of what its base model reads.
pub fn media_of(known: &ModelType) -> Vec<Medium> {
    let main = known.main_input.iter().flat_map(|input| input.names());
    let names: Vec<&str> = main.chain(&known.forward_args).map(String::as_str).collect();
    let reads = |inputs: &[&str]| inputs.iter().any(|input| names.contains(input));
    Medium::ALL
        .iter()
        .copied()
        .filter(|medium| match medium {
            Medium::Text => reads(&["input_ids", "text"]),
            Medium::Images => reads(&["pixel_values", "images"]),
            Medium::Sound => reads(&["input_values", "input_features", "audio_values"]),
            Medium::Video => {
                reads(&["pixel_values_videos", "videos"]) || known.heads.contains_key("FOR_VIDEO_CLASSIFICATION")
            }
        })
        .collect()
}
