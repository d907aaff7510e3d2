//! Llama: a text decoder with rotary positions, RMS norms, gated feed-forward and shared keys and values.

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{
        Activation, Attention, Heads, Places, Rotary, causal_mask, embedding, gated_feed_forward, linear, rms_norm,
        tied_head,
    },
    builder::{GraphBuilder, Var},
    config::Config,
};
use contract::DimRole;

pub struct Llama;

const CLASSES: [Class; 2] = [
    Class { name: "LlamaModel", about: "Reads text and gives a vector for each token" },
    Class { name: "LlamaForCausalLM", about: "Reads text and scores every word as the next one" },
];

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    vocabulary: usize,
    positions: usize,
    attention_bias: bool,
    feed_forward_bias: bool,
    frequencies: Vec<f64>,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 4096)?;
        let count = config.size("num_attention_heads", 32)?;
        let key_value_count = config.size("num_key_value_heads", count)?;
        config.divides("num_attention_heads", count, "num_key_value_heads", key_value_count)?;
        let head_width = if config.has("head_dim") {
            config.size("head_dim", 128)?
        } else {
            config.divides("hidden_size", width, "num_attention_heads", count)?
        };
        if !head_width.is_multiple_of(2) {
            let reason = format!("rotary positions need an even number per head, not {head_width}");
            return Err(config.refuse("head_dim", reason, "Choose an even head width"));
        }
        Ok(Self {
            width,
            inner: config.size("intermediate_size", 11_008)?,
            layers: config.layers("num_hidden_layers", 32)?,
            heads: Heads { width, count, key_value_count, head_width },
            activation: Activation::read(config, "hidden_act", "silu")?,
            epsilon: config.positive("rms_norm_eps", 1e-6)?,
            vocabulary: config.size("vocab_size", 32_000)?,
            positions: config.size("max_position_embeddings", 2048)?,
            attention_bias: config.flag("attention_bias", false)?,
            feed_forward_bias: config.flag("mlp_bias", false)?,
            frequencies: Rotary::frequencies(config, head_width, 10_000.0)?,
        })
    }
}

impl Architecture for Llama {
    fn model_type(&self) -> &'static str {
        "llama"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many texts at once?", 1, None);
        let most = Some(options.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, "How many tokens of text?", 128, most);
        b.tokens(&batch, &sequence);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let vectors = |last: usize| [batch.clone(), sequence.clone(), Dimension::Fixed(last as u64)];

        let (width, vocabulary) = (options.width, options.vocabulary);
        if class == "LlamaModel" {
            let (_, hidden) = decode(&mut b, &options, &ids, &mask);
            b.output("last_hidden_state", &hidden, &vectors(width));
        } else {
            let (table, hidden) = decode(&mut b.at("model"), &options, &ids, &mask);
            let scores = if config.flag("tie_word_embeddings", false)? {
                tied_head(&mut b.at("lm_head"), &hidden, &table, width, vocabulary)
            } else {
                linear(&mut b.at("lm_head"), &hidden, width, vocabulary, false)
            };
            b.output("logits", &scores, &vectors(vocabulary));
        }
        Ok(())
    }
}

/// The word table and the vector of each token.
fn decode(b: &mut GraphBuilder, options: &Options, ids: &Var, attention_mask: &Var) -> (Var, Var) {
    let Options { width, inner, epsilon, activation, .. } = *options;
    let (table, mut hidden) = embedding(&mut b.at("embed_tokens"), ids, options.vocabulary, width);
    let sequence = b.size_of(ids, 1);
    let places = Places::new(b, &sequence);
    let mask = causal_mask(b, attention_mask, &places, None);
    let rotary = Rotary::new(&mut b.at("rotary_emb"), &options.frequencies, &places.queries);
    for index in 0..options.layers {
        let mut layer = b.at(format_args!("layers.{index}"));
        let attention = Attention {
            bias: [options.attention_bias; 4],
            mask: Some(&mask),
            rotary: Some(&rotary),
            ..Attention::new(options.heads, ["q_proj", "k_proj", "v_proj", "o_proj"])
        };
        let normal = rms_norm(&mut layer.at("input_layernorm"), &hidden, width, epsilon);
        let attended = attention.apply(&mut layer.at("self_attn"), &normal);
        hidden = layer.add(&attended, &hidden);
        let normal = rms_norm(&mut layer.at("post_attention_layernorm"), &hidden, width, epsilon);
        let bias = options.feed_forward_bias;
        let thought = gated_feed_forward(&mut layer.at("mlp"), &normal, [width, inner], activation, bias);
        hidden = layer.add(&thought, &hidden);
    }
    (table, rms_norm(&mut b.at("norm"), &hidden, width, epsilon))
}
