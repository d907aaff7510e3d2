//! What templates know of a model type: `model` in every template.

mod exempt;
mod family;
mod heads;
mod inputs;
mod outputs;
mod tiny;

pub use exempt::Exempt;
pub use family::{family_of, media_of};
pub use heads::{Head, Labels, tasks_of};
pub use inputs::{Input, InputKind};

use crate::{TemplateError, language::module};
use contract::{Family, Precision};
use models::transformers;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// The word in a configuration's `model_type`.
    pub model_type: String,
    /// The same as a name that Python can import.
    pub module: String,
    pub config_class: String,
    /// Class of the base model, where transformers has one.
    pub base_class: Option<String>,
    /// The auto class that makes the base model, or the model with its head where there is none: `AutoModel`.
    pub auto_class: String,
    /// Task heads, the most telling first.
    pub heads: Vec<Head>,
    /// The head whose loss a step of training must lower.
    pub training: Option<Head>,
    /// The head that writes text, token by token.
    pub generating: Option<Head>,
    pub family: Family,
    /// Why it is of that family, in a sentence.
    pub family_reason: String,
    pub encoder_decoder: bool,
    /// What `forward` needs first: `input_ids`, `pixel_values`.
    pub main_inputs: Vec<String>,
    pub forward_args: Vec<String>,
    /// What the small model is run on.
    pub inputs: Vec<Input>,
    /// The same at the sizes of the default configuration, for a trained model.
    pub real_inputs: Vec<Input>,
    /// Names and shapes of what the small model gives for a batch of two; empty where nobody has seen it run.
    pub outputs: BTreeMap<String, Vec<u64>>,
    /// Whether a mask says which tokens are read.
    pub masks: bool,
    /// Checks that the type cannot pass by its nature.
    pub exempt: Exempt,
    /// Whether every input has the batch as its first dimension.
    pub batched: bool,
    /// The default configuration.
    pub config: Map<String, Value>,
    /// What makes the default configuration a small one: two layers, small widths.
    pub tiny: Map<String, Value>,
    /// Exact number of the base model's parameters at the default configuration.
    pub parameters: Option<u64>,
    /// Largest relative difference that still counts as the same output, by precision.
    pub tolerance: BTreeMap<&'static str, f64>,
}

/// Every model type of transformers with its family.
pub fn model_types() -> impl Iterator<Item = (&'static str, Family)> {
    transformers::all().iter().map(|known| (known.model_type.as_str(), family_of(known).0))
}

/// The facts of a model type of transformers.
pub fn facts(model_type: &str) -> Result<Facts, TemplateError> {
    let known = transformers::find(model_type).ok_or_else(|| TemplateError::UnknownModel(model_type.to_owned()))?;
    let tiny = tiny::tiny(known);
    let inputs = inputs::inputs(known, &tiny.whole, tiny.first_special);
    let heads = heads::heads(known, &inputs);
    let named = |name: &str| inputs.iter().any(|input| input.name == name);
    let (family, family_reason) = family_of(known);
    Ok(Facts {
        model_type: known.model_type.clone(),
        module: module(&known.model_type),
        config_class: known.config_class.clone(),
        base_class: known.base_class.clone(),
        auto_class: auto_class(known, &heads),
        training: heads::training(&heads),
        generating: heads::generating(&heads),
        heads,
        family,
        family_reason,
        encoder_decoder: known.is_encoder_decoder,
        main_inputs: known.main_input.as_ref().map(|names| names.names().to_vec()).unwrap_or_default(),
        forward_args: known.forward_args.clone(),
        real_inputs: inputs::inputs(known, &known.config, u64::MAX),
        outputs: outputs::outputs(model_type),
        masks: named("attention_mask") && named("input_ids"),
        exempt: exempt::exempt(known),
        batched: inputs.iter().all(|input| input.batched),
        inputs,
        config: known.config.clone(),
        tiny: tiny.options,
        parameters: known.parameters,
        tolerance: Precision::ALL.iter().map(|precision| (precision.key(), precision.tolerance())).collect(),
    })
}

/// A name below `transformers` that makes the model from a configuration and from a checkpoint.
fn auto_class(known: &transformers::ModelType, heads: &[Head]) -> String {
    match (known.heads.contains_key(""), heads.first()) {
        (false, Some(head)) => head.auto_class.to_owned(),
        _ => "AutoModel".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Facts> {
        transformers::all().iter().map(|known| facts(&known.model_type).unwrap())
    }

    #[test]
    fn every_type_has_facts_and_a_reason_for_its_family() {
        let all: Vec<Facts> = all().collect();
        assert_eq!(all.len(), 804);
        assert!(all.iter().all(|facts| !facts.family_reason.is_empty()));
        let family = |model_type: &str| facts(model_type).unwrap().family;
        assert_eq!(family("llama"), Family::Decoder);
        assert_eq!(family("bert"), Family::Encoder);
        assert_eq!(family("t5"), Family::EncoderDecoder);
        assert_eq!(family("vit"), Family::Vision);
        assert_eq!(family("whisper"), Family::Audio);
        assert_eq!(family("llava"), Family::Multimodal);
        assert_eq!(facts("llama").unwrap().family_reason, "transformers lists it under FOR_CAUSAL_LM");
    }

    #[test]
    fn a_small_configuration_says_only_what_differs() {
        let small = facts("llama").unwrap().tiny;
        let expected = serde_json::json!({
            "head_dim": 16, "hidden_size": 64, "intermediate_size": 128, "max_position_embeddings": 128,
            "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 4, "vocab_size": 128,
        });
        assert_eq!(Value::Object(small), expected);
    }

    #[test]
    fn nested_configurations_name_their_type_and_are_small_too() {
        let small = facts("llava").unwrap().tiny;
        assert_eq!(small["text_config"]["model_type"], "llama");
        assert_eq!(
            (&small["text_config"]["num_hidden_layers"], &small["vision_config"]["num_hidden_layers"]),
            (&2.into(), &2.into())
        );
    }

    #[test]
    fn an_encoder_decoder_learns_whole_and_knows_where_its_decoder_starts() {
        let t5 = facts("t5").unwrap();
        assert_eq!(t5.tiny["decoder_start_token_id"], t5.tiny.get("pad_token_id").cloned().unwrap_or(0.into()));
        assert_eq!(t5.training.unwrap().class, "T5ForConditionalGeneration");
        assert_eq!(facts("whisper").unwrap().training.unwrap().class, "WhisperForConditionalGeneration");
        assert_eq!(facts("bart").unwrap().training.unwrap().class, "BartForConditionalGeneration");
    }

    #[test]
    fn one_layer_of_each_kind_is_kept() {
        let small = facts("gemma3_text").unwrap().tiny;
        assert_eq!(small["layer_types"], serde_json::json!(["sliding_attention", "full_attention"]));
    }

    /// A vocabulary without a place for the padding would let the model read out of its table.
    #[test]
    fn special_tokens_are_within_the_small_vocabulary_and_never_drawn() {
        for facts in all() {
            let Some(vocabulary) = facts.tiny.get("vocab_size").and_then(Value::as_u64) else { continue };
            for (key, value) in facts.tiny.iter().filter(|(key, _)| key.ends_with("_token_id")) {
                let fits = value.as_u64().is_none_or(|id| id < vocabulary);
                assert!(fits, "{}: {key} {value} of {vocabulary}", facts.model_type);
            }
            assert!(facts.inputs.iter().all(|input| input.high <= 100), "{}", facts.model_type);
        }
    }

    #[test]
    fn what_a_type_is_run_on_is_made_of_what_it_takes() {
        for facts in all().filter(|facts| facts.base_class.is_some()) {
            for input in &facts.inputs {
                assert!(facts.forward_args.contains(&input.name), "{} takes no {}", facts.model_type, input.name);
                assert!(input.shape.iter().all(|size| *size > 0), "{}: {input:?}", facts.model_type);
            }
        }
    }

    #[test]
    fn a_mask_is_as_long_as_the_sound_that_it_is_for() {
        let shape = |facts: &Facts, name: &str| {
            facts.inputs.iter().find(|input| input.name == name).map(|input| input.shape.clone())
        };
        for facts in all().filter(|facts| facts.base_class.is_some()) {
            let Some(mask) = shape(&facts, "input_features_mask") else { continue };
            let sound = shape(&facts, "input_features").unwrap();
            assert!(mask.len() == 1 && sound.contains(&mask[0]), "{}: {mask:?} for {sound:?}", facts.model_type);
        }
        let audio = facts("nemotron3_5_transcribe_audio").unwrap();
        assert_eq!(shape(&audio, "input_features_mask"), Some(vec![64]));
        assert_eq!(shape(&audio, "input_features"), Some(vec![64, 128]));
    }

    #[test]
    fn a_head_that_names_pictures_takes_their_sizes_and_no_text() {
        let head = facts("siglip2").unwrap().training.unwrap();
        assert_eq!(head.inputs, ["pixel_values", "pixel_attention_mask", "spatial_shapes"]);
    }

    #[test]
    fn an_unknown_type_is_named() {
        assert!(facts("no_such_type").unwrap_err().to_string().contains("no_such_type"));
    }
}
