//! OPT: a text decoder with learned positions that count only real tokens.

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{Activation, Attention, Heads, Norm, Places, causal_mask, embedding, feed_forward, linear, tied_head},
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};
use contract::DimRole;

pub struct Opt;

const CLASSES: [Class; 2] = [
    Class { name: "OPTModel", about: "Reads text and gives a vector for each token" },
    Class { name: "OPTForCausalLM", about: "Reads text and scores every word as the next one" },
];

/// Rows of the position table before the first position.
const POSITION_OFFSET: usize = 2;
/// The epsilon of torch's LayerNorm, which OPT leaves as it is.
const EPSILON: f64 = 1e-5;

struct Options {
    width: usize,
    /// Width of the word table, narrower than the model in opt-350m.
    word_width: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    vocabulary: usize,
    positions: usize,
    norm_before: bool,
    final_norm: bool,
    /// Whether norms have weights.
    affine: bool,
    bias: bool,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        let width = config.size("hidden_size", 768)?;
        let heads = config.size("num_attention_heads", 12)?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        let norm_before = config.flag("do_layer_norm_before", true)?;
        Ok(Self {
            width,
            word_width: config.size("word_embed_proj_dim", width)?,
            inner: config.size("ffn_dim", 3072)?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads: Heads::even(width, heads),
            activation: Activation::read(config, "activation_function", "relu")?,
            vocabulary: config.size("vocab_size", 50_272)?,
            positions: config.size("max_position_embeddings", 2048)?,
            norm_before,
            final_norm: norm_before && !config.flag("_remove_final_layer_norm", false)?,
            affine: config.flag("layer_norm_elementwise_affine", true)?,
            bias: config.flag("enable_bias", true)?,
        })
    }
}

impl Architecture for Opt {
    fn model_type(&self) -> &'static str {
        "opt"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("init_std", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many texts at once?", 1, None);
        let most = Some(options.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, "How many tokens of text?", 128, most);
        b.tokens(&batch, &sequence);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let vectors = |last: usize| [batch.clone(), sequence.clone(), Dimension::Fixed(last as u64)];

        if class == "OPTModel" {
            let (_, hidden) = decode(&mut b.at("decoder"), &options, &ids, &mask);
            b.output("last_hidden_state", &hidden, &vectors(options.word_width));
        } else {
            let (table, hidden) = decode(&mut b.at("model.decoder"), &options, &ids, &mask);
            let (width, vocabulary) = (options.word_width, options.vocabulary);
            let scores = if config.flag("tie_word_embeddings", true)? {
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
    let Options { width, word_width, .. } = *options;
    let (table, words) = embedding(&mut b.at("embed_tokens"), ids, options.vocabulary, word_width);
    let words =
        if word_width == width { words } else { linear(&mut b.at("project_in"), &words, word_width, width, false) };
    let learned = positions(&mut b.at("embed_positions"), options, attention_mask);
    let mut hidden = b.add(&words, &learned);

    let sequence = b.size_of(ids, 1);
    let places = Places::new(b, &sequence);
    let mask = causal_mask(b, attention_mask, &places, None);
    for index in 0..options.layers {
        let mut layer = b.at(format_args!("layers.{index}"));
        let attention = Attention {
            bias: [options.bias; 4],
            mask: Some(&mask),
            ..Attention::new(options.heads, ["q_proj", "k_proj", "v_proj", "out_proj"])
        };
        hidden = block(&mut layer, options, "self_attn_layer_norm", &hidden, |layer, x| {
            attention.apply(&mut layer.at("self_attn"), x)
        });
        hidden = block(&mut layer, options, "final_layer_norm", &hidden, |layer, x| {
            feed_forward(layer, x, ["fc1", "fc2"], [width, options.inner], options.activation, options.bias)
        });
    }
    if options.final_norm {
        hidden = norm(&mut b.at("final_layer_norm"), options, &hidden);
    }
    if word_width != width {
        hidden = linear(&mut b.at("project_out"), &hidden, width, word_width, false);
    }
    (table, hidden)
}

/// One step with its residual, normalised before or after.
fn block(
    layer: &mut GraphBuilder,
    options: &Options,
    norm_module: &str,
    x: &Var,
    step: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
) -> Var {
    if options.norm_before {
        let normal = norm(&mut layer.at(norm_module), options, x);
        let stepped = step(layer, &normal);
        layer.add(&stepped, x)
    } else {
        let stepped = step(layer, x);
        let sum = layer.add(&stepped, x);
        norm(&mut layer.at(norm_module), options, &sum)
    }
}

fn norm(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let norm = if options.affine { Norm::Layer(EPSILON) } else { Norm::LayerPlain(EPSILON) };
    norm.apply(b, x, options.width)
}

/// Position vectors; padding does not count, and the table begins with an offset.
fn positions(b: &mut GraphBuilder, options: &Options, attention_mask: &Var) -> Var {
    let rows = options.positions + POSITION_OFFSET;
    let table = b.weight("weight", &[rows, options.width], Fill::Matrix);
    let counted = b.cumulative_sum(attention_mask, 1);
    let counted = b.mul(&counted, attention_mask);
    let offset = b.int(POSITION_OFFSET as i64 - 1);
    let indices = b.add(&counted, &offset);
    b.gather(&table, &indices, 0)
}
