//! How often a model repeats its layers, and the same model with fewer of them.

use contract::{ConfigSize, json_text};
use models::{Model, Reading};
use std::collections::BTreeMap;

/// What the word for the number of a decoder's layers has in it.
const DECODER: &str = "decoder";

/// The keys of a configuration that say how often most of its weights are repeated: the language model's where an image
/// encoder stands before it, and both of an encoder and the decoder that reads from it.
#[derive(Clone)]
pub struct Depth<'a> {
    text: &'a str,
    /// The one with more layers first.
    sides: Vec<Side>,
}

#[derive(Clone)]
struct Side {
    key: String,
    layers: u64,
    /// What kind of layers these are, where there are several: `encoder`, `text`.
    kind: &'static str,
    /// It stays as deep as it is.
    fixed: bool,
}

impl<'a> Depth<'a> {
    /// `sizes` are those that were read of the configuration's text. None where no key says how often a layer is
    /// repeated, or none can be less and the model still be built.
    pub fn of(text: &'a str, sizes: &[ConfigSize]) -> Option<Self> {
        let layers: Vec<&ConfigSize> = sizes.iter().filter(|size| size.layers).collect();
        let parts = parts(&layers).into_iter().map(|sides| Self { text, sides });
        // Where one layer is left of what holds most weights, the fewest are left.
        let left = parts.filter(|depth| depth.layers() > 1).filter_map(|depth| Some((depth.parameters(1)?, depth)));
        left.min_by_key(|(parameters, _)| *parameters).map(|(_, depth)| depth)
    }

    /// Layers of the whole, on the side that has more of them.
    pub fn layers(&self) -> u64 {
        self.sides.first().map_or(0, |side| side.layers)
    }

    /// The value of each key at so many layers on the side that has more: the other side has its share of them, and at
    /// least one.
    pub fn keys(&self, layers: u64) -> BTreeMap<String, u64> {
        self.sides.iter().map(|side| (side.key.clone(), self.of_side(side, layers))).collect()
    }

    fn of_side(&self, side: &Side, layers: u64) -> u64 {
        let whole = self.layers().max(1);
        if side.fixed { side.layers } else { ((side.layers * layers + whole / 2) / whole).max(1) }
    }

    /// The configuration at so many layers.
    pub fn text(&self, layers: u64) -> Option<String> {
        let keys = self.keys(layers);
        keys.iter()
            .try_fold(self.text.to_owned(), |text, (key, value)| json_text::with_value(&text, key, &value.to_string()))
    }

    /// The model at so many layers, with random weights; none where that makes no model.
    pub fn model(&self, layers: u64) -> Option<Model> {
        Reading::of("config.json", &self.text(layers)?).model.ok()
    }

    fn parameters(&self, layers: u64) -> Option<u64> {
        self.model(layers)?.info().parameters
    }

    /// So many layers in words: `6 layers`, `6 encoder and 3 decoder layers`.
    pub fn named(&self, layers: u64) -> String {
        let counted = |side: &Side| match side.kind {
            "" => self.of_side(side, layers).to_string(),
            kind => format!("{} {kind}", self.of_side(side, layers)),
        };
        let counts: Vec<String> = self.sides.iter().map(counted).collect();
        let last = self.sides.last().map_or(0, |side| self.of_side(side, layers));
        format!("{} {}", counts.join(" and "), if last == 1 { "layer" } else { "layers" })
    }

    /// The smallest numbers of layers, at most so many and each below the whole, between which all sides grow as they do
    /// up to the whole. Where both sides cannot in `enough` steps, the one with fewer layers stays as deep as it is.
    pub fn steps(self, most: usize, enough: usize) -> (Self, Vec<u64>) {
        let steps = self.even_steps(most);
        let mut alone = self.clone();
        alone.sides.iter_mut().skip(1).for_each(|side| side.fixed = true);
        let steps_alone = alone.even_steps(most);
        if steps.len() < enough && steps_alone.len() > steps.len() { (alone, steps_alone) } else { (self, steps) }
    }

    fn even_steps(&self, most: usize) -> Vec<u64> {
        let grow = self.sides.iter().filter(|side| !side.fixed).map(|side| side.layers);
        let step = self.layers() / grow.fold(0, common_divisor).max(1);
        (1..=most as u64).map(|count| count * step).filter(|layers| *layers < self.layers()).collect()
    }
}

/// Each part of the model by the keys that make it deeper: an encoder and its decoder are one, all else is by itself.
fn parts(layers: &[&ConfigSize]) -> Vec<Vec<Side>> {
    let is_decoder = |size: &ConfigSize| name(size).contains(DECODER);
    let decoder_of = |size: &ConfigSize| {
        layers.iter().find(|other| !is_decoder(size) && is_decoder(other) && parent(size) == parent(other))
    };
    let side = |size: &ConfigSize, paired: bool| Side {
        key: size.key.clone(),
        layers: size.value,
        kind: kind(size, paired),
        fixed: false,
    };
    let mut parts = Vec::new();
    let mut paired: Vec<&str> = Vec::new();
    for size in layers {
        if let Some(decoder) = decoder_of(size).filter(|decoder| !paired.contains(&decoder.key.as_str())) {
            let mut sides = vec![side(size, true), side(decoder, true)];
            sides.sort_by_key(|side| std::cmp::Reverse(side.layers));
            paired.extend([size.key.as_str(), decoder.key.as_str()]);
            parts.push(sides);
        }
    }
    let alone = layers.iter().filter(|size| !paired.contains(&size.key.as_str()));
    parts.extend(alone.map(|size| vec![side(size, false)]));
    parts
}

/// The key without those that lead to it.
fn name(size: &ConfigSize) -> &str {
    size.key.rsplit('.').next().unwrap_or(&size.key)
}

fn parent(size: &ConfigSize) -> Option<&str> {
    size.key.rsplit_once('.').map(|(parent, _)| parent)
}

fn kind(size: &ConfigSize, paired: bool) -> &'static str {
    match (name(size), parent(size)) {
        (name, _) if name.contains(DECODER) => DECODER,
        (name, _) if paired || name.contains("encoder") => "encoder",
        (_, Some("text_config")) => "text",
        (_, Some("vision_config")) => "image",
        (_, Some("audio_config")) => "audio",
        _ => "",
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::transformers;

    /// What a type's default configuration varies at so many layers.
    fn varied(model_type: &str, layers: u64) -> BTreeMap<String, u64> {
        let (_, classes) = models::built().find(|(name, _)| *name == model_type).unwrap();
        let text = transformers::find(model_type).unwrap().config_text(classes[0].name);
        depth(&text).keys(layers)
    }

    fn depth(text: &str) -> Depth<'_> {
        let reading = Reading::of("config.json", text);
        Depth::of(text, &reading.sizes).unwrap()
    }

    fn keys<const N: usize>(keys: [(&str, u64); N]) -> BTreeMap<String, u64> {
        keys.map(|(key, layers)| (key.to_owned(), layers)).into()
    }

    #[test]
    fn the_part_with_most_weights_has_fewer_layers_not_the_one_that_is_read_first() {
        for model_type in ["llava", "vipllava", "qwen2_vl", "qwen3_vl"] {
            assert_eq!(varied(model_type, 3), keys([("text_config.num_hidden_layers", 3)]), "{model_type}");
        }
        assert_eq!(varied("bert", 5), keys([("num_hidden_layers", 5)]));
    }

    #[test]
    fn an_encoder_and_its_decoder_have_fewer_layers_together() {
        for model_type in ["bart", "whisper", "detr"] {
            let both = keys([("encoder_layers", 2), ("decoder_layers", 2)]);
            assert_eq!(varied(model_type, 2), both, "{model_type}");
        }
        assert_eq!(varied("t5", 4), keys([("num_layers", 4), ("num_decoder_layers", 4)]));
        // A decoder that is not written is as deep as the encoder.
        let text = r#"{"model_type": "t5", "num_layers": 12, "d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 48}"#;
        assert_eq!(depth(text).keys(1), keys([("num_layers", 1), ("num_decoder_layers", 1)]));
    }

    /// A text model of some layers on each side.
    fn sided(encoder: u64, decoder: u64) -> String {
        format!(
            r#"{{"model_type": "bart", "vocab_size": 96, "d_model": 32, "max_position_embeddings": 40,
            "encoder_layers": {encoder}, "encoder_attention_heads": 4, "encoder_ffn_dim": 48,
            "decoder_layers": {decoder}, "decoder_attention_heads": 4, "decoder_ffn_dim": 48}}"#
        )
    }

    #[test]
    fn both_sides_keep_their_share_and_at_least_one_layer() {
        let text = sided(12, 4);
        let depth = depth(&text);
        let of = |layers| depth.keys(layers).into_values().collect::<Vec<_>>();
        // By name: the decoder's first.
        assert_eq!([of(1), of(5), of(9), of(12)], [[1, 1], [2, 5], [3, 9], [4, 12]]);
        let model = depth.model(5).unwrap();
        assert!(model.info().parameters < depth.model(12).unwrap().info().parameters);
        assert_eq!(depth.named(5), "5 encoder and 2 decoder layers");
        assert_eq!(depth.named(1), "1 encoder and 1 decoder layer");
    }

    /// What is extrapolated along must grow the same way up to the whole.
    #[test]
    fn the_steps_up_to_the_whole_are_even() {
        let steps = |encoder, decoder| {
            let text = sided(encoder, decoder);
            let (depth, steps) = depth(&text).steps(4, 3);
            steps.into_iter().map(|layers| depth.keys(layers).into_values().collect()).collect::<Vec<Vec<u64>>>()
        };
        assert_eq!(steps(6, 6), [[1, 1], [2, 2], [3, 3], [4, 4]]);
        assert_eq!(steps(12, 6), [[1, 2], [2, 4], [3, 6], [4, 8]]);
        assert_eq!(steps(4, 16), [[4, 1], [8, 2], [12, 3]]);
        // One side would make no more than one step.
        assert_eq!(steps(32, 2), [[2, 1], [2, 2], [2, 3], [2, 4]]);
        assert_eq!(steps(3, 3), [[1, 1], [2, 2]]);
    }

    /// Tokens are taken after some layers of this image encoder, which must be there.
    #[test]
    fn a_part_that_cannot_have_fewer_layers_is_passed_over() {
        let golden = include_str!("../../tests/golden/qwen3_vl/config.json");
        let heavy = json_text::with_value(golden, "vision_config.intermediate_size", "4800").unwrap();
        assert_eq!(depth(&heavy).keys(1), keys([("text_config.num_hidden_layers", 1)]));
        let listed = r#"{"model_type": "gpt_neo", "num_layers": 4, "attention_types": [[["global", "local"], 2]]}"#;
        let one = r#"{"model_type": "bert", "num_hidden_layers": 1}"#;
        for text in [listed, one] {
            let reading = Reading::of("config.json", text);
            assert!(reading.model.is_ok() && Depth::of(text, &reading.sizes).is_none(), "{text}");
        }
    }
}
