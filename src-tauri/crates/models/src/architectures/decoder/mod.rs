//! Text decoders: one body, and for each model type the choices that make it.

mod attention;
mod body;
mod experts;
mod feed_forward;
mod gpt;
mod llama;
mod opt;
mod read;
mod stages;
mod variants;
mod words;

pub use body::{Cache, Decoder, Reading};
pub use read::sliding;
pub use stages::{Goal, ReadText};
pub use variants::{VARIANTS, Variant};

use super::{Architecture, Class, Text};
use crate::{
    ModelError,
    blocks::{linear, place_of_largest, vector_at_each},
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
};

impl Decoder {
    /// As a configuration of a model type describes it; none where the type is no text decoder.
    pub fn read_config(config: &Config, model_type: &str) -> Result<Option<Self>, ModelError> {
        let variant = VARIANTS.iter().find(|known| known.model_type == model_type);
        variant.map(|known| known.decoder(config)).transpose()
    }

    /// The language model inside a model of several parts, which puts vectors of its own among those of the words.
    pub fn inside(config: &Config, model_type: &str) -> Result<Self, ModelError> {
        let refuse =
            |reason: &str| Err(config.refuse("model_type", reason, "Known are llama, mistral, qwen2 and others"));
        let Some(decoder) = Self::read_config(config, model_type)? else {
            return refuse("this language model is not built");
        };
        // What is done to the words before the first layer would have to be done to the other vectors as well.
        if !decoder.words.is_plain() {
            return refuse("this language model is not built as a part of another");
        }
        Ok(decoder)
    }
}

impl Variant {
    fn decoder(&self, config: &Config) -> Result<Decoder, ModelError> {
        (self.read)(&config.over_defaults(self.model_type, self.derived))
    }

    /// Module of the decoder in the classes other than the base model.
    fn module(&self) -> String {
        if self.inner.is_empty() { self.base.to_owned() } else { format!("{}.{}", self.base, self.inner) }
    }

    /// Module of the scores of each token's classes, and whether they have a bias.
    fn token_head(&self, config: &Config) -> Result<(&'static str, bool), ModelError> {
        if self.base == "model" {
            return Ok(("score", config.flag("token_classification_bias", true)?));
        }
        Ok(("classifier", true))
    }
}

impl Architecture for Variant {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        self.base
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let decoder = self.decoder(config)?;
        b.deviation(decoder.deviation);
        let text = Text::declare(&mut b, Some(decoder.positions));
        if class == self.classes[0].name {
            let hidden = read(&mut b.at(self.inner), &decoder, &text).hidden;
            b.output("last_hidden_state", &hidden, &text.vectors(decoder.vector_width()));
            return Ok(());
        }
        let ReadText { table, hidden, .. } = read(&mut b.at(self.module()), &decoder, &text);
        let width = decoder.vector_width();
        if class.ends_with("ForSequenceClassification") {
            let labels = config.labels()?;
            let last = last_vector(&mut b, &text, &hidden, width);
            let scores = linear(&mut b.at("score"), &last, width, labels, false);
            b.output("logits", &scores, &text.vector(labels));
        } else if class.ends_with("ForTokenClassification") {
            let labels = config.labels()?;
            let (module, bias) = self.token_head(config)?;
            let scores = linear(&mut b.at(module), &hidden, width, labels, bias);
            b.output("logits", &scores, &text.vectors(labels));
        } else {
            let scores = decoder.score(&mut b, &hidden, &table);
            b.output("logits", &scores, &text.vectors(decoder.vocabulary));
        }
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        self.classes.get(1).is_some_and(|scorer| scorer.name == class)
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let decoder = self.decoder(config)?;
        b.deviation(decoder.deviation);
        decoder.draw_stage(&mut b, &self.module(), stage);
        Ok(())
    }
}

/// A whole text.
fn read(b: &mut GraphBuilder, decoder: &Decoder, text: &Text) -> ReadText {
    let reading = Reading::whole(b, &text.mask);
    decoder.read_words(b, &text.ids, &reading, text.numbers())
}

/// The vector of each text's last token that is no padding: `[batch, width]`.
///
/// transformers goes by the id of the padding token. The mask says the same of every text that a tokenizer filled up,
/// and is right where any ids stand at padding.
fn last_vector(b: &mut GraphBuilder, text: &Text, hidden: &Var, width: usize) -> Var {
    let length = b.size_of(&text.mask, 1);
    let places = b.count_up(&length);
    let real = b.mul(&places, &text.mask);
    let last = place_of_largest(b, &real);
    vector_at_each(b, hidden, &last, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, blocks::Rotation, padding};
    use std::collections::BTreeSet;

    fn read(text: &str) -> Result<Decoder, ModelError> {
        let config = Config::parse("config.json", text)?;
        Ok(Decoder::read_config(&config, config.model_type()?)?.expect("the type is a decoder"))
    }

    fn decoder(text: &str) -> Decoder {
        read(text).unwrap()
    }

    /// The inputs of the graph that the place of a text's vector follows from.
    fn place_follows_from(model: &Model) -> BTreeSet<&str> {
        let graph = model.graph();
        let mut followed: BTreeSet<&str> = BTreeSet::new();
        for node in graph.nodes.iter().rev() {
            if node.op == "ArgMax" || node.outputs.iter().any(|output| followed.contains(output.as_str())) {
                followed.extend(node.inputs.iter().map(String::as_str));
            }
        }
        graph.inputs.iter().map(|input| input.name.as_str()).filter(|name| followed.contains(name)).collect()
    }

    #[test]
    fn a_text_is_sorted_by_its_last_token_that_the_mask_shows() {
        for more in ["", r#", "pad_token_id": 0"#] {
            let config = format!(
                r#"{{"model_type": "llama", "architectures": ["LlamaForSequenceClassification"],
                    "num_hidden_layers": 1{more}}}"#
            );
            let model = Model::from_config_text("config.json", &config).unwrap();
            assert_eq!(place_follows_from(&model), BTreeSet::from([padding::MASK]), "{config}");
        }
    }

    const YARN: &str = r#"{"rope_type": "yarn", "rope_theta": 500000.0, "factor": 8.0, "beta_fast": 32.0,
        "beta_slow": 1.0, "attention_factor": 1.25, "original_max_position_embeddings": 8192}"#;

    #[test]
    fn olmo_3_stretches_the_places_of_layers_that_see_everything_alone() {
        let with = |key: &str, value: &str| {
            decoder(&format!(
                r#"{{"model_type": "olmo3", "max_position_embeddings": 65536, "rope_theta": 500000.0, "{key}": {value}}}"#
            ))
        };
        for key in ["rope_scaling", "rope_parameters"] {
            let rotations = with(key, YARN).rotations;
            assert_eq!(rotations[1], Rotation::plain(128, 500_000.0), "{key}");
            assert_eq!(rotations[0].factor, 1.25, "{key}");
            assert_ne!(rotations[0].frequencies, rotations[1].frequencies, "{key}");
        }
        let each = format!(r#"{{"full_attention": {{"rope_type": "default"}}, "sliding_attention": {YARN}}}"#);
        let rotations = with("rope_parameters", &each).rotations;
        assert_eq!(rotations[0], Rotation::plain(128, 500_000.0));
        assert_eq!(rotations[1].factor, 1.25);
    }

    #[test]
    fn minimax_turns_so_many_numbers_of_a_head_as_its_configuration_says() {
        let with = |keys: &str| {
            let text = format!(r#"{{"model_type": "minimax_m2", "num_hidden_layers": 2{keys}}}"#);
            decoder(&text).rotations
        };
        assert_eq!(with(""), [Rotation::plain(128, 5_000_000.0)]);
        assert_eq!(with(r#", "rotary_dim": 64"#), [Rotation::plain(64, 5_000_000.0)]);
        let both = with(r#", "rotary_dim": 64, "partial_rotary_factor": 0.25"#);
        assert_eq!(both, [Rotation::plain(32, 5_000_000.0)]);
    }

    #[test]
    fn exaone_reads_its_pattern_of_windows_as_a_number_or_a_word_where_no_list_says_it() {
        let with = |keys: &str| read(&format!(r#"{{"model_type": "exaone4", "num_hidden_layers": 6, {keys}}}"#));
        let local = |keys: &str| -> Vec<bool> {
            with(keys).unwrap().layers.iter().map(|layer| layer.window.is_some()).collect()
        };
        assert_eq!(local(r#""sliding_window_pattern": 3"#), [true, true, false, true, true, false]);
        assert_eq!(local(r#""sliding_window_pattern": "LLLG""#), [true, true, true, false, true, false]);
        let list = r#"["full_attention", "full_attention", "full_attention", "full_attention", "full_attention",
            "sliding_attention"]"#;
        let listed = local(&format!(r#""sliding_window_pattern": "LLLG", "layer_types": {list}"#));
        assert_eq!(listed, [false, false, false, false, false, true]);
        let error = with(r#""sliding_window_pattern": "LLXG""#).err().unwrap().to_string();
        assert!(error.contains("sliding_window_pattern"), "{error}");
    }
}
