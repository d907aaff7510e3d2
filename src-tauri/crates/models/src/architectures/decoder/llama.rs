//! Llama and the decoders that differ from it in a few choices.

use super::{
    attention::{Fused, Layout, Projection},
    body::{BeforeHead, Decoder, Head, Layer, Modules, Steps},
    feed_forward::FeedForward,
    read::{heads, needed_layers, rounded_heads, set_windows, sliding},
    words::Words,
};
use crate::{
    ModelError,
    blocks::{Activation, HeadNorm, Heads, Norm, Rotation, Scale, Stored},
    config::Config,
};

type Read = Result<Decoder, ModelError>;

const PRODUCTS: [&str; 4] = ["q_proj", "k_proj", "v_proj", "o_proj"];
pub const BEFORE: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];

pub fn llama(config: &Config) -> Read {
    let attention_bias = config.flag("attention_bias", false)?;
    let mut decoder = plain(config, Norm::Rms(config.positive("rms_norm_eps", 1e-6)?))?;
    set_bias(&mut decoder, [attention_bias; 4]);
    set_feed_forward(&mut decoder, gated(config, "hidden_act", config.flag("mlp_bias", false)?)?);
    Ok(decoder)
}

/// Llama without any bias.
fn plain(config: &Config, norm: Norm) -> Read {
    assemble(config, heads(config)?, norm, gated(config, "hidden_act", false)?)
}

/// The same of a type that has experts in every layer, and therefore no width of another network; an empty one stands where
/// they come.
pub fn without_feed_forward(config: &Config) -> Read {
    let nothing = FeedForward::Gated { inner: 1, activation: Activation::Silu, bias: false };
    assemble(config, heads(config)?, rms(config)?, nothing)
}

/// The same of these heads and this network.
pub fn assemble(config: &Config, heads: Heads, norm: Norm, feed_forward: FeedForward) -> Read {
    let layer = Layer { window: None, rotation: Some(0), feed_forward };
    Ok(Decoder {
        width: heads.width,
        vocabulary: config.needed("vocab_size")?,
        positions: config.needed("max_position_embeddings")?,
        words: Words::plain("embed_tokens"),
        modules: Modules { layers: "layers", attention: "self_attn", feed_forward: "mlp", final_norm: Some("norm") },
        heads,
        projection: Projection::Apart { modules: PRODUCTS, bias: [false; 4] },
        scale: Scale::Root,
        cap: None,
        head_norm: None,
        sinks: None,
        rotations: vec![Rotation::read(config, heads.head_width)?],
        slopes: None,
        norm,
        steps: Steps::NormBefore(BEFORE),
        step_factor: 1.0,
        layers: vec![layer; needed_layers(config, "num_hidden_layers")?],
        head: Head {
            module: "lm_head",
            before: None,
            bias: false,
            tied: config.flag("tie_word_embeddings", false)?,
            factor: 1.0,
            cap: None,
        },
        deviation: config.positive("initializer_range", 0.02)?,
    })
}

pub fn rms(config: &Config) -> Result<Norm, ModelError> {
    Ok(Norm::Rms(config.positive("rms_norm_eps", 1e-6)?))
}

fn layer_norm(config: &Config, key: &str) -> Result<Norm, ModelError> {
    Ok(Norm::Layer(config.positive(key, 1e-5)?))
}

pub fn gated(config: &Config, activation: &str, bias: bool) -> Result<FeedForward, ModelError> {
    let inner = config.needed("intermediate_size")?;
    // A type that calls its activation otherwise reads it itself.
    let activation =
        if config.has(activation) { Activation::read(config, activation, "silu")? } else { Activation::Silu };
    Ok(FeedForward::Gated { inner, activation, bias })
}

fn up_and_down(config: &Config, modules: [&'static str; 2], bias: bool) -> Result<FeedForward, ModelError> {
    Ok(FeedForward::Plain {
        modules,
        inner: config.needed("intermediate_size")?,
        activation: Activation::read(config, "hidden_act", "gelu_pytorch_tanh")?,
        bias,
        stored: Stored::OutputsFirst,
    })
}

pub fn set_bias(decoder: &mut Decoder, bias: [bool; 4]) {
    decoder.projection = Projection::Apart { modules: PRODUCTS, bias };
}

fn set_feed_forward(decoder: &mut Decoder, feed_forward: FeedForward) {
    for layer in &mut decoder.layers {
        layer.feed_forward = feed_forward.clone();
    }
}

fn interleave(decoder: &mut Decoder) {
    decoder.rotations = std::mem::take(&mut decoder.rotations).into_iter().map(Rotation::interleaved).collect();
}

pub fn norm_heads(decoder: &mut Decoder, modules: [&'static str; 2], norm: Norm, whole: bool) {
    decoder.head_norm = Some(HeadNorm { modules, norm, whole });
}

pub fn mistral(config: &Config) -> Read {
    let mut decoder = plain(config, rms(config)?)?;
    let window = config.size_or_none("sliding_window")?;
    let all = sliding(config, decoder.layers.len(), |_| true)?;
    set_windows(&mut decoder.layers, &all, window);
    Ok(decoder)
}

pub fn qwen2(config: &Config) -> Read {
    let mut decoder = plain(config, rms(config)?)?;
    set_bias(&mut decoder, [true, true, true, false]);
    set_qwen_windows(config, &mut decoder)?;
    Ok(decoder)
}

pub fn qwen3(config: &Config) -> Read {
    let mut decoder = plain(config, rms(config)?)?;
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    set_qwen_windows(config, &mut decoder)?;
    let norm = decoder.norm;
    norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, false);
    Ok(decoder)
}

/// Qwen's later layers may slide.
fn set_qwen_windows(config: &Config, decoder: &mut Decoder) -> Result<(), ModelError> {
    let used = config.flag("use_sliding_window", false)?;
    let window = config.size_or_none("sliding_window")?.filter(|_| used);
    let first = config.size_or_zero("max_window_layers")?;
    let sliding = sliding(config, decoder.layers.len(), |index| window.is_some() && index >= first)?;
    set_windows(&mut decoder.layers, &sliding, window);
    Ok(())
}

/// Llama with windows by layer.
fn windowed(config: &Config, mut decoder: Decoder, otherwise: impl Fn(usize) -> bool) -> Read {
    let sliding = sliding(config, decoder.layers.len(), otherwise)?;
    set_windows(&mut decoder.layers, &sliding, config.size_or_none("sliding_window")?);
    Ok(decoder)
}

pub fn cwm(config: &Config) -> Read {
    let decoder = plain(config, rms(config)?)?;
    windowed(config, decoder, |index| index % 4 != 0)
}

pub fn gemma(config: &Config) -> Read {
    // Older files name the activation twice; `hidden_activation` counted where it was there.
    let key = if config.own("hidden_activation") { "hidden_activation" } else { "hidden_act" };
    gemma_like(config, key)
}

fn gemma_like(config: &Config, activation: &str) -> Read {
    let mut decoder = plain(config, Norm::RmsPlusOne(config.positive("rms_norm_eps", 1e-6)?))?;
    decoder.words.factor = (decoder.width as f64).sqrt();
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    set_feed_forward(&mut decoder, gated(config, activation, false)?);
    Ok(decoder)
}

const GEMMA_AROUND: [&str; 4] =
    ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"];

/// What Gemma 2 and later ones share: a scale of their own, bounds, windows every so many layers.
fn gemma_later(config: &Config, every: usize) -> Read {
    if config.has("use_bidirectional_attention") {
        config.must_be_off("use_bidirectional_attention", "attention in both directions")?;
    }
    let mut decoder = gemma_like(config, "hidden_activation")?;
    decoder.scale = Scale::By(config.positive("query_pre_attn_scalar", 256.0)?.powf(-0.5));
    decoder.cap = config.positive_or_none("attn_logit_softcapping")?;
    decoder.head.cap = config.positive_or_none("final_logit_softcapping")?;
    windowed(config, decoder, |index| !(index + 1).is_multiple_of(every))
}

pub fn gemma2(config: &Config) -> Read {
    let mut decoder = gemma_later(config, 2)?;
    decoder.steps = Steps::NormAround(GEMMA_AROUND);
    Ok(decoder)
}

pub fn vaultgemma(config: &Config) -> Read {
    let mut decoder = gemma_later(config, 2)?;
    decoder.steps = Steps::NormBefore(["input_layernorm", "pre_feedforward_layernorm"]);
    Ok(decoder)
}

pub fn gemma3_text(config: &Config) -> Read {
    let mut decoder = gemma_later(config, config.size("sliding_window_pattern", 6)?)?;
    decoder.steps = Steps::NormAround(GEMMA_AROUND);
    let norm = decoder.norm;
    norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, false);
    rotate_by_kind(config, &mut decoder, "rope_local_base_freq")?;
    Ok(decoder)
}

/// Layers that see everything turn by rotation 0, sliding ones by rotation 1, which is not stretched with the other;
/// `older` is the older key of the latter's base.
fn rotate_by_kind(config: &Config, decoder: &mut Decoder, older: &str) -> Result<(), ModelError> {
    let head_width = decoder.heads.head_width;
    decoder.rotations = vec![
        Rotation::of_kind(config, "full_attention", "rope_theta", head_width)?,
        Rotation::of_near_kind(config, "sliding_attention", older, head_width)?,
    ];
    for layer in &mut decoder.layers {
        layer.rotation = Some(usize::from(layer.window.is_some()));
    }
    Ok(())
}

pub fn phi(config: &Config) -> Read {
    let norm = layer_norm(config, "layer_norm_eps")?;
    let mut decoder = plain(config, norm)?;
    decoder.projection = Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "dense"], bias: [true; 4] };
    set_feed_forward(&mut decoder, up_and_down(config, ["fc1", "fc2"], true)?);
    decoder.steps = Steps::Parallel(["input_layernorm", "input_layernorm"]);
    decoder.modules.final_norm = Some("final_layernorm");
    decoder.head.bias = true;
    if config.flag("qk_layernorm", false)? {
        norm_heads(&mut decoder, ["q_layernorm", "k_layernorm"], norm, false);
    }
    Ok(decoder)
}

/// Phi 3.5 as a mixture of experts, but for these.
pub fn phimoe(config: &Config) -> Read {
    let bias = config.flag("attention_bias", false)?;
    let mut decoder = plain(config, Norm::Layer(config.positive("rms_norm_eps", 1e-5)?))?;
    set_bias(&mut decoder, [bias; 4]);
    decoder.head.bias = config.flag("lm_head_bias", false)?;
    if let Some(factor) = phimoe_factor(config)? {
        decoder.rotations[0].factor = factor;
    }
    let all = vec![true; decoder.layers.len()];
    set_windows(&mut decoder.layers, &all, config.size_or_none("sliding_window")?);
    Ok(decoder)
}

/// What cosines and sines are multiplied by where rotary positions are stretched.
fn phimoe_factor(config: &Config) -> Result<Option<f64>, ModelError> {
    let Some(scaling) = Rotation::written(config)?.filter(|scaling| scaling.has("long_mscale")) else {
        return Ok(None);
    };
    let [short, long] = ["short_mscale", "long_mscale"].map(|key| scaling.positive(key, 1.0));
    let (short, long) = (short?, long?);
    if short != long {
        let reason = format!("only one factor for all lengths is built, and short_mscale is {short}");
        return Err(scaling.refuse("long_mscale", reason, "Make both the same"));
    }
    Ok(Some(long))
}

pub fn phi3(config: &Config) -> Read {
    let mut decoder = plain(config, rms(config)?)?;
    decoder.projection = Projection::Fused(Fused {
        modules: ["qkv_proj", "o_proj"],
        bias: [false; 2],
        layout: Layout::Blocks,
        stored: Stored::OutputsFirst,
    });
    set_feed_forward(&mut decoder, gated_together(config)?);
    let window = config.size_or_none("sliding_window")?;
    let all = vec![true; decoder.layers.len()];
    set_windows(&mut decoder.layers, &all, window);
    Ok(decoder)
}

fn gated_together(config: &Config) -> Result<FeedForward, ModelError> {
    let activation = Activation::read(config, "hidden_act", "silu")?;
    let (modules, inner) = (["gate_up_proj", "down_proj"], config.needed("intermediate_size")?);
    Ok(FeedForward::GatedTogether { modules, inner, activation, bias: false })
}

pub fn stablelm(config: &Config) -> Read {
    config.must_be_off("qk_layernorm", "a norm of its own for each head")?;
    let mut decoder = plain(config, layer_norm(config, "layer_norm_eps")?)?;
    let bias = config.flag("use_qkv_bias", false)?;
    set_bias(&mut decoder, [bias, bias, bias, false]);
    if config.flag("use_parallel_residual", false)? {
        decoder.steps = Steps::Parallel(["input_layernorm", "input_layernorm"]);
    }
    Ok(decoder)
}

pub fn starcoder2(config: &Config) -> Read {
    let bias = config.flag("use_bias", true)?;
    let mut decoder = plain(config, layer_norm(config, "norm_epsilon")?)?;
    set_bias(&mut decoder, [bias; 4]);
    set_feed_forward(&mut decoder, up_and_down(config, ["c_fc", "c_proj"], bias)?);
    let all = vec![true; decoder.layers.len()];
    set_windows(&mut decoder.layers, &all, config.size_or_none("sliding_window")?);
    Ok(decoder)
}

pub fn olmo(config: &Config) -> Read {
    config.must_be_absent("clip_qkv", "clipping of queries, keys and values")?;
    let mut decoder = plain(config, Norm::LayerPlain(1e-5))?;
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    Ok(decoder)
}

pub fn olmo2(config: &Config) -> Read {
    let norm = rms(config)?;
    let mut decoder = plain(config, norm)?;
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    decoder.steps = Steps::NormBehind(["post_attention_layernorm", "post_feedforward_layernorm"]);
    norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, true);
    Ok(decoder)
}

pub fn olmo3(config: &Config) -> Read {
    let mut decoder = windowed(config, olmo2(config)?, |index| !(index + 1).is_multiple_of(4))?;
    rotate_by_kind(config, &mut decoder, "rope_theta")?;
    Ok(decoder)
}

pub fn exaone4(config: &Config) -> Read {
    let norm = rms(config)?;
    let mut decoder = plain(config, norm)?;
    decoder.steps = Steps::NormBehind(["post_attention_layernorm", "post_feedforward_layernorm"]);
    norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, false);
    let (layers, window) = (decoder.layers.len(), config.size_or_none("sliding_window")?);
    // The pattern counts only where no list says it.
    let local = match window {
        Some(_) if !config.has("layer_types") => local_layers(config, layers)?,
        _ => vec![false; layers],
    };
    let mut decoder = windowed(config, decoder, |index| local[index])?;
    if window.is_some() {
        // Layers that see everything do without places.
        for layer in &mut decoder.layers {
            layer.rotation = layer.window.map(|_| 0);
        }
    }
    Ok(decoder)
}

/// EXAONE's pattern: a number, every so many layers of which see everything, or a word of L (local) and G (global) that
/// repeats, whose last layer sees everything too.
fn local_layers(config: &Config, layers: usize) -> Result<Vec<bool>, ModelError> {
    const KEY: &str = "sliding_window_pattern";
    if !config.is_text(KEY) {
        let every = config.size(KEY, 4)?;
        return Ok((1..=layers).map(|place| !place.is_multiple_of(every)).collect());
    }
    let word = config.text(KEY, "")?;
    if word.is_empty() || !word.bytes().all(|letter| matches!(letter, b'L' | b'G')) {
        return Err(config.refuse(KEY, "a word of other letters than L and G is not known", "Use a word such as LLLG"));
    }
    let letters = word.bytes().cycle().take(layers).enumerate();
    Ok(letters.map(|(index, letter)| letter == b'L' && index + 1 < layers).collect())
}

pub fn cohere(config: &Config) -> Read {
    config.must_be_off("use_qk_norm", "a norm of its own for each head")?;
    cohere_like(config)
}

fn cohere_like(config: &Config) -> Read {
    let mut decoder = plain(config, Norm::LayerUnbiased(config.positive("layer_norm_eps", 1e-5)?))?;
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    decoder.steps = Steps::Parallel(["input_layernorm", "input_layernorm"]);
    decoder.head.factor = config.positive("logit_scale", 0.0625)?;
    interleave(&mut decoder);
    Ok(decoder)
}

pub fn cohere2(config: &Config) -> Read {
    let every = config.size("sliding_window_pattern", 4)?;
    let mut decoder = windowed(config, cohere_like(config)?, |index| !(index + 1).is_multiple_of(every))?;
    for layer in &mut decoder.layers {
        layer.rotation = layer.window.map(|_| 0);
    }
    Ok(decoder)
}

pub fn granite(config: &Config) -> Read {
    let mut decoder = llama(config)?;
    decoder.words.factor = config.positive("embedding_multiplier", 1.0)?;
    decoder.scale = Scale::By(config.positive("attention_multiplier", 1.0)?);
    decoder.step_factor = config.positive("residual_multiplier", 1.0)?;
    decoder.head.factor = 1.0 / config.positive("logits_scaling", 1.0)?;
    Ok(decoder)
}

pub fn hyperclovax(config: &Config) -> Read {
    let mut decoder = granite(config)?;
    if !config.has("attention_multiplier") {
        decoder.scale = Scale::Root;
    }
    decoder.head.factor = config.positive("logits_scaling", 1.0)?;
    if config.flag("use_post_norm", true)? {
        decoder.steps = Steps::NormAround(["input_layernorm", "post_norm1", "post_attention_layernorm", "post_norm2"]);
    }
    Ok(decoder)
}

pub fn smollm3(config: &Config) -> Read {
    let mut decoder = llama(config)?;
    let layers = decoder.layers.len();
    let every = config.size("no_rope_layer_interval", 4)?;
    let turned: Vec<bool> = match config.each_layer("no_rope_layers", layers)? {
        Some(flags) => flags.iter().map(|flag| flag != "0").collect(),
        None => (0..layers).map(|index| !(index + 1).is_multiple_of(every)).collect(),
    };
    for (layer, turned) in decoder.layers.iter_mut().zip(&turned) {
        layer.rotation = turned.then_some(0);
    }
    let used = config.flag("use_sliding_window", false)?;
    let window = config.size_or_none("sliding_window")?.filter(|_| used);
    let sliding = sliding(config, layers, |index| window.is_some() && !turned[index])?;
    set_windows(&mut decoder.layers, &sliding, window);
    Ok(decoder)
}

pub fn helium(config: &Config) -> Read {
    let bias = config.flag("attention_bias", false)?;
    let mut decoder = llama(config)?;
    set_bias(&mut decoder, [bias, bias, bias, false]);
    interleave(&mut decoder);
    Ok(decoder)
}

pub fn glm(config: &Config) -> Read {
    let mut decoder = plain(config, rms(config)?)?;
    let bias = config.flag("attention_bias", false)?;
    set_bias(&mut decoder, [bias, bias, bias, false]);
    set_feed_forward(&mut decoder, gated_together(config)?);
    interleave(&mut decoder);
    Ok(decoder)
}

pub fn glm4(config: &Config) -> Read {
    let mut decoder = glm(config)?;
    decoder.steps = Steps::NormAround([
        "input_layernorm",
        "post_self_attn_layernorm",
        "post_attention_layernorm",
        "post_mlp_layernorm",
    ]);
    Ok(decoder)
}

/// But for its experts.
pub fn glm4_moe(config: &Config) -> Read {
    let norm = rms(config)?;
    let mut decoder = assemble(config, rounded_heads(config)?, norm, gated(config, "hidden_act", false)?)?;
    let bias = config.flag("attention_bias", false)?;
    set_bias(&mut decoder, [bias, bias, bias, false]);
    if config.flag("use_qk_norm", false)? {
        norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, false);
    }
    Ok(decoder)
}

pub fn persimmon(config: &Config) -> Read {
    let norm = layer_norm(config, "layer_norm_eps")?;
    let mut decoder = plain(config, norm)?;
    decoder.projection = Projection::Fused(Fused {
        modules: ["query_key_value", "dense"],
        bias: [true; 2],
        layout: Layout::Groups,
        stored: Stored::OutputsFirst,
    });
    set_feed_forward(&mut decoder, up_and_down(config, ["dense_h_to_4h", "dense_4h_to_h"], true)?);
    decoder.modules.final_norm = Some("final_layernorm");
    if config.flag("qk_layernorm", true)? {
        norm_heads(&mut decoder, ["q_layernorm", "k_layernorm"], norm, false);
    }
    Ok(decoder)
}

pub fn nemotron(config: &Config) -> Read {
    let mut decoder = plain(config, Norm::LayerPlusOne(config.positive("norm_eps", 1e-5)?))?;
    set_bias(&mut decoder, [config.flag("attention_bias", false)?; 4]);
    set_feed_forward(&mut decoder, up_and_down(config, ["up_proj", "down_proj"], config.flag("mlp_bias", false)?)?);
    Ok(decoder)
}

pub fn arcee(config: &Config) -> Read {
    let mut decoder = llama(config)?;
    set_feed_forward(&mut decoder, up_and_down(config, ["up_proj", "down_proj"], config.flag("mlp_bias", false)?)?);
    Ok(decoder)
}

pub fn jais2(config: &Config) -> Read {
    let mut decoder = arcee(config)?;
    decoder.norm = layer_norm(config, "layer_norm_eps")?;
    Ok(decoder)
}

pub fn modernbert_decoder(config: &Config) -> Read {
    let epsilon = config.positive("norm_eps", 1e-5)?;
    let norm = if config.flag("norm_bias", false)? { Norm::Layer(epsilon) } else { Norm::LayerUnbiased(epsilon) };
    let network = FeedForward::GatedTogether {
        modules: ["Wi", "Wo"],
        inner: config.needed("intermediate_size")?,
        activation: Activation::read(config, "hidden_activation", "gelu")?,
        bias: config.flag("mlp_bias", false)?,
    };
    let mut decoder = assemble(config, heads(config)?, norm, network)?;
    let bias = config.flag("attention_bias", false)?;
    decoder.projection = Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "Wo"], bias: [bias; 4] };
    decoder.words = Words { norm: Some(("embeddings.norm", norm)), ..Words::plain("embeddings.tok_embeddings") };
    decoder.modules =
        Modules { layers: "layers", attention: "attn", feed_forward: "mlp", final_norm: Some("final_norm") };
    decoder.steps = Steps::NormBeforeButFirst(["attn_norm", "mlp_norm"]);
    let every = config.size("global_attn_every_n_layers", 3)?;
    let kinds = sliding(config, decoder.layers.len(), |index| !index.is_multiple_of(every))?;
    set_windows(&mut decoder.layers, &kinds, config.size_or_none("local_attention")?.map(|window| window / 2));
    let head_width = decoder.heads.head_width;
    decoder.rotations = vec![
        Rotation::of_kind(config, "full_attention", "global_rope_theta", head_width)?,
        Rotation::of_kind(config, "sliding_attention", "local_rope_theta", head_width)?,
    ];
    for (layer, local) in decoder.layers.iter_mut().zip(&kinds) {
        layer.rotation = Some(usize::from(*local));
    }
    decoder.head = Head {
        module: "decoder",
        before: Some(BeforeHead {
            modules: ["lm_head.dense", "lm_head.norm"],
            activation: Activation::read(config, "classifier_activation", "gelu")?,
            bias: config.flag("classifier_bias", false)?,
        }),
        bias: config.flag("decoder_bias", true)?,
        tied: config.flag("tie_word_embeddings", true)?,
        ..decoder.head
    };
    Ok(decoder)
}

pub fn seed_oss(config: &Config) -> Read {
    let bias = config.flag("attention_bias", true)?;
    let mut decoder = llama(config)?;
    set_bias(&mut decoder, [bias, bias, bias, config.flag("attention_out_bias", false)?]);
    Ok(decoder)
}

pub fn ernie4_5(config: &Config) -> Read {
    let bias = config.flag("use_bias", false)?;
    let mut decoder = plain(config, rms(config)?)?;
    set_bias(&mut decoder, [bias; 4]);
    set_feed_forward(&mut decoder, gated(config, "hidden_act", bias)?);
    decoder.head.bias = bias;
    interleave(&mut decoder);
    Ok(decoder)
}
