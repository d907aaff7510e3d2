//! OPT: learned places that count only real tokens.

use super::{
    attention::Projection,
    body::{Decoder, Head, Layer, Modules, Steps},
    feed_forward::FeedForward,
    words::{Places, Words},
};
use crate::{
    ModelError,
    blocks::{Activation, Heads, Norm, Scale, Stored},
    config::Config,
};

/// Rows of the table of places before the first one.
const PLACES_BEFORE: usize = 2;
/// The epsilon of torch's LayerNorm, which OPT leaves as it is.
const EPSILON: f64 = 1e-5;

pub fn opt(config: &Config) -> Result<Decoder, ModelError> {
    let width = config.needed("hidden_size")?;
    let count = config.needed("num_attention_heads")?;
    config.divides("hidden_size", width, "num_attention_heads", count)?;
    let positions = config.needed("max_position_embeddings")?;
    let bias = config.flag("enable_bias", true)?;
    let norm_before = config.flag("do_layer_norm_before", true)?;
    let final_norm = norm_before && !config.flag("_remove_final_layer_norm", false)?;
    let norms = ["self_attn_layer_norm", "final_layer_norm"];
    let word_width = config.size("word_embed_proj_dim", width)?;
    let feed_forward = FeedForward::Plain {
        modules: ["fc1", "fc2"],
        inner: config.needed("ffn_dim")?,
        activation: Activation::read(config, "activation_function", "relu")?,
        bias,
        stored: Stored::OutputsFirst,
    };
    let layer = Layer { window: None, rotation: None, feed_forward };
    Ok(Decoder {
        width,
        vocabulary: config.needed("vocab_size")?,
        positions,
        words: Words {
            narrow: (word_width != width).then_some((word_width, ["project_in", "project_out"])),
            places: Places::Learned {
                module: "embed_positions",
                rows: positions,
                before: PLACES_BEFORE,
                counted: true,
            },
            ..Words::plain("embed_tokens")
        },
        modules: Modules {
            layers: "layers",
            attention: "self_attn",
            feed_forward: "",
            final_norm: final_norm.then_some("final_layer_norm"),
        },
        heads: Heads::even(width, count),
        projection: Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "out_proj"], bias: [bias; 4] },
        scale: Scale::Root,
        cap: None,
        head_norm: None,
        sinks: None,
        rotations: Vec::new(),
        slopes: None,
        norm: if config.flag("layer_norm_elementwise_affine", true)? {
            Norm::Layer(EPSILON)
        } else {
            Norm::LayerPlain(EPSILON)
        },
        steps: if norm_before { Steps::NormBefore(norms) } else { Steps::NormAfter(norms) },
        step_factor: 1.0,
        layers: vec![layer; config.layers("num_hidden_layers", 12)?],
        head: Head {
            module: "lm_head",
            before: None,
            bias: false,
            tied: config.flag("tie_word_embeddings", true)?,
            factor: 1.0,
            cap: None,
        },
        deviation: config.positive("init_std", 0.02)?,
    })
}
