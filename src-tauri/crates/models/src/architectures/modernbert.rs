//! ModernBERT: an encoder whose layers see near tokens, every few layers all, with turned places and gated networks
//! (Warner et al. 2024, arXiv 2412.13663).

use super::{Architecture, Class, Text};
use crate::{
    ModelError,
    blocks::{
        Activation, Attention, Heads, Norm, Places, Rotary, Rotation, embedding, gated_together, linear, near_mask,
        padding_mask, vector_at, word_scores,
    },
    builder::{GraphBuilder, Var},
    config::Config,
};

pub struct ModernBert;

static CLASSES: [Class; 5] = [
    Class { name: "ModernBertModel", about: "Reads text and gives a vector for each token" },
    Class { name: "ModernBertForMaskedLM", about: "Reads text and scores every word for each token" },
    Class { name: "ModernBertForSequenceClassification", about: "Reads text and sorts it into classes" },
    Class { name: "ModernBertForTokenClassification", about: "Reads text and sorts each token into classes" },
    Class { name: "ModernBertForQuestionAnswering", about: "Reads a question with a text and marks the answer in it" },
];

/// What a configuration says.
struct Options {
    heads: Heads,
    inner: usize,
    vocabulary: usize,
    positions: usize,
    activation: Activation,
    norm: Norm,
    /// Whether the products of attention and of the network have biases.
    bias: [bool; 2],
    /// Of each layer: whether it sees near tokens only.
    local: Vec<bool>,
    /// How far those see to either side.
    reach: usize,
    /// Of layers that see everything, and of the others.
    rotations: [Rotation; 2],
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.needed("hidden_size")?;
        let count = config.needed("num_attention_heads")?;
        config.divides("hidden_size", width, "num_attention_heads", count)?;
        let heads = Heads::even(width, count);
        let epsilon = config.positive("norm_eps", 1e-5)?;
        let layers = config.layers("num_hidden_layers", 22)?;
        let every = config.size("global_attn_every_n_layers", 3)?;
        Ok(Self {
            heads,
            inner: config.needed("intermediate_size")?,
            vocabulary: config.needed("vocab_size")?,
            positions: config.needed("max_position_embeddings")?,
            activation: Activation::read(config, "hidden_activation", "gelu")?,
            norm: if config.flag("norm_bias", false)? { Norm::Layer(epsilon) } else { Norm::LayerUnbiased(epsilon) },
            bias: [config.flag("attention_bias", false)?, config.flag("mlp_bias", false)?],
            local: super::decoder::sliding(config, layers, |index| !index.is_multiple_of(every))?,
            reach: config.size("local_attention", 128)? / 2,
            rotations: [
                Rotation::of_kind(config, "full_attention", "global_rope_theta", heads.head_width)?,
                Rotation::of_kind(config, "sliding_attention", "local_rope_theta", heads.head_width)?,
            ],
        })
    }
}

impl Architecture for ModernBert {
    fn model_type(&self) -> &'static str {
        "modernbert"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let config = &config.over_defaults(self.model_type(), &["layer_types"]);
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let text = Text::declare(&mut b, Some(options.positions));
        let is_base = class == CLASSES[0].name;
        let (table, hidden) = encode(&mut b.at(if is_base { "" } else { "model" }), &options, &text);
        let width = options.heads.width;
        match class {
            "ModernBertForMaskedLM" => {
                let normal = prepared(&mut b, config, &options, &hidden)?;
                let tied = config.flag("tie_word_embeddings", true)?.then_some(&table);
                let bias = config.flag("decoder_bias", true)?;
                let mut b = b.at("decoder");
                let scores = word_scores(&mut b, &normal, tied, [width, options.vocabulary], bias);
                b.output("logits", &scores, &text.vectors(options.vocabulary));
            }
            "ModernBertForSequenceClassification" => {
                let labels = config.labels()?;
                let whole = pooled(&mut b, config, &text, &hidden)?;
                let normal = prepared(&mut b, config, &options, &whole)?;
                let scores = linear(&mut b.at("classifier"), &normal, width, labels, true);
                b.output("logits", &scores, &text.vector(labels));
            }
            "ModernBertForTokenClassification" => {
                let labels = config.labels()?;
                let normal = prepared(&mut b, config, &options, &hidden)?;
                let scores = linear(&mut b.at("classifier"), &normal, width, labels, true);
                b.output("logits", &scores, &text.vectors(labels));
            }
            "ModernBertForQuestionAnswering" => {
                let normal = prepared(&mut b, config, &options, &hidden)?;
                text.mark_answer(&mut b, "classifier", &normal, width);
            }
            _ => b.output("last_hidden_state", &hidden, &text.vectors(width)),
        }
        Ok(())
    }
}

/// The word table and the vector of each token.
fn encode(b: &mut GraphBuilder, options: &Options, text: &Text) -> (Var, Var) {
    let width = options.heads.width;
    let (table, words) = embedding(&mut b.at("embeddings.tok_embeddings"), &text.ids, options.vocabulary, width);
    let mut hidden = options.norm.apply(&mut b.at("embeddings.norm"), &words, width);
    b.hint(&hidden, width);
    let length = b.size_of(&text.ids, 1);
    let places = Places::new(b, &length);
    let masks = [padding_mask(b, &text.mask), near_mask(b, &text.mask, &places, options.reach)];
    let [all, near] = &options.rotations;
    let rotaries = [("rotary_emb", all), ("rotary_emb_local", near)]
        .map(|(module, rotation)| Rotary::new(&mut b.at(module), rotation, &places.queries));
    for (index, local) in options.local.iter().enumerate() {
        let mut b = b.at(format_args!("layers.{index}"));
        let kind = usize::from(*local);
        hidden = layer(&mut b, options, index == 0, &hidden, &masks[kind], &rotaries[kind]);
    }
    (table, options.norm.apply(&mut b.at("final_norm"), &hidden, width))
}

/// The first layer's attention reads what was normalised already.
fn layer(b: &mut GraphBuilder, options: &Options, first: bool, x: &Var, mask: &Var, rotary: &Rotary) -> Var {
    let Options { heads, inner, activation, norm, bias, .. } = *options;
    let width = heads.width;
    let normal = if first { x.clone() } else { norm.apply(&mut b.at("attn_norm"), x, width) };
    let attended = {
        let mut b = b.at("attn");
        let attention = Attention { mask: Some(mask), rotary: Some(rotary), ..Attention::new(heads, [""; 4]) };
        let mixed = attention.attend_together(&mut b, &normal, "Wqkv", bias[0]);
        linear(&mut b.at("Wo"), &mixed, width, width, bias[0])
    };
    let x = b.add(&attended, x);
    let normal = norm.apply(&mut b.at("mlp_norm"), &x, width);
    let thought = gated_together(&mut b.at("mlp"), &normal, ["Wi", "Wo"], [width, inner], activation, bias[1]);
    b.add(&thought, &x)
}

/// The first token's vector, or the mean of all.
fn pooled(b: &mut GraphBuilder, config: &Config, text: &Text, hidden: &Var) -> Result<Var, ModelError> {
    const KEY: &str = "classifier_pooling";
    match config.text(KEY, "cls")? {
        "cls" => Ok(vector_at(b, hidden, 0)),
        "mean" => {
            let real = b.cast_float(&text.mask);
            let real = b.unsqueeze(&real, 2);
            let kept = b.mul(hidden, &real);
            let [sum, count] = [&kept, &real].map(|value| b.sum(value, 1));
            Ok(b.div(&sum, &count))
        }
        _ => Err(config.refuse(KEY, "this way to one vector is not built", "Known are cls and mean")),
    }
}

/// What all heads begin with.
fn prepared(b: &mut GraphBuilder, config: &Config, options: &Options, x: &Var) -> Result<Var, ModelError> {
    let width = options.heads.width;
    let mut b = b.at("head");
    let dense = linear(&mut b.at("dense"), x, width, width, config.flag("classifier_bias", false)?);
    let active = Activation::read(config, "classifier_activation", "gelu")?.apply(&mut b, &dense);
    Ok(options.norm.apply(&mut b.at("norm"), &active, width))
}
