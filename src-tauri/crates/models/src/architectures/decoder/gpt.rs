//! The GPT family and its neighbours: fused products, parallel steps, learned, rotary or ALiBi places.

use super::{
    attention::{Fused, Layout, Projection},
    body::{Decoder, Head, Layer, Modules, Steps},
    feed_forward::FeedForward,
    read::{needed_layers, set_windows},
    words::{Places, Words},
};
use crate::{
    ModelError,
    blocks::{Activation, Heads, Norm, Rotation, Scale, Stored},
    config::Config,
};

type Read = Result<Decoder, ModelError>;

/// Names of the keys that these types call differently.
struct Keys {
    width: &'static str,
    layers: &'static str,
    heads: &'static str,
    /// None where the length is not limited by the model.
    positions: Option<&'static str>,
    epsilon: &'static str,
}

const OLDER: Keys = Keys {
    width: "n_embd",
    layers: "n_layer",
    heads: "n_head",
    positions: Some("n_positions"),
    epsilon: "layer_norm_epsilon",
};

const LN: [&str; 2] = ["ln_1", "ln_2"];
/// Longest text where the places do not limit it.
const UNLIMITED: usize = 1 << 20;

/// A GPT with word table, attention and feed-forward in these modules; pre-norm, no places, its own matrix for scores.
fn plain(
    config: &Config,
    keys: &Keys,
    modules: Modules,
    words: &'static str,
    parts: (Projection, FeedForward),
) -> Read {
    let width = config.needed(keys.width)?;
    let count = config.needed(keys.heads)?;
    config.divides(keys.width, width, keys.heads, count)?;
    let positions = keys.positions.map_or(Ok(UNLIMITED), |key| config.needed(key))?;
    let (projection, feed_forward) = parts;
    let layer = Layer { window: None, rotation: None, feed_forward };
    Ok(Decoder {
        width,
        vocabulary: config.needed("vocab_size")?,
        positions,
        words: Words::plain(words),
        modules,
        heads: Heads::even(width, count),
        projection,
        scale: Scale::Root,
        cap: None,
        head_norm: None,
        sinks: None,
        rotations: Vec::new(),
        slopes: None,
        norm: Norm::Layer(config.positive(keys.epsilon, 1e-5)?),
        steps: Steps::NormBefore(LN),
        step_factor: 1.0,
        layers: vec![layer; needed_layers(config, keys.layers)?],
        head: Head {
            module: "lm_head",
            before: None,
            bias: false,
            tied: config.flag("tie_word_embeddings", true)?,
            factor: 1.0,
            cap: None,
        },
        deviation: config.positive("initializer_range", 0.02)?,
    })
}

const H: Modules = Modules { layers: "h", attention: "attn", feed_forward: "mlp", final_norm: Some("ln_f") };

fn learned(decoder: &mut Decoder, module: &'static str, before: usize) {
    decoder.words.places = Places::Learned { module, rows: decoder.positions, before, counted: false };
}

fn fused(modules: [&'static str; 2], bias: [bool; 2], layout: Layout) -> Projection {
    Projection::Fused(Fused { modules, bias, layout, stored: Stored::OutputsFirst })
}

/// Width inside the feed-forward: `n_inner`, else four times the model's.
fn inner(config: &Config, width_key: &str) -> Result<usize, ModelError> {
    Ok(config.size_or_none("n_inner")?.unwrap_or(4 * config.needed(width_key)?))
}

fn narrow_wide(
    config: &Config,
    modules: [&'static str; 2],
    inner: usize,
    activation: (&str, &str),
    bias: bool,
) -> Result<FeedForward, ModelError> {
    let activation = Activation::read(config, activation.0, activation.1)?;
    Ok(FeedForward::Plain { modules, inner, activation, bias, stored: Stored::OutputsFirst })
}

/// Refuses what changes the attention of GPT-2 and its heirs.
fn usual_attention(config: &Config) -> Result<Scale, ModelError> {
    config.must_be_off("add_cross_attention", "cross-attention")?;
    config.must_be_off("scale_attn_by_inverse_layer_idx", "a scale by layer")?;
    Ok(if config.flag("scale_attn_weights", true)? { Scale::Root } else { Scale::None })
}

pub fn gpt2(config: &Config) -> Read {
    let scale = usual_attention(config)?;
    let stored = Stored::InputsFirst;
    let projection =
        Projection::Fused(Fused { modules: ["c_attn", "c_proj"], bias: [true; 2], layout: Layout::Blocks, stored });
    let feed_forward = FeedForward::Plain {
        modules: ["c_fc", "c_proj"],
        inner: inner(config, OLDER.width)?,
        activation: Activation::read(config, "activation_function", "gelu_new")?,
        bias: true,
        stored,
    };
    let mut decoder = plain(config, &OLDER, H, "wte", (projection, feed_forward))?;
    decoder.scale = scale;
    learned(&mut decoder, "wpe", 0);
    Ok(decoder)
}

pub fn openai_gpt(config: &Config) -> Read {
    let stored = Stored::InputsFirst;
    let projection =
        Projection::Fused(Fused { modules: ["c_attn", "c_proj"], bias: [true; 2], layout: Layout::Blocks, stored });
    // Its "gelu" is the one by the hyperbolic tangent.
    let activation = match config.text("afn", "gelu")? {
        "gelu" => Activation::GeluTanh,
        _ => Activation::read(config, "afn", "gelu")?,
    };
    let feed_forward = FeedForward::Plain {
        modules: ["c_fc", "c_proj"],
        inner: 4 * config.needed(OLDER.width)?,
        activation,
        bias: true,
        stored,
    };
    let modules = Modules { final_norm: None, ..H };
    let mut decoder = plain(config, &OLDER, modules, "tokens_embed", (projection, feed_forward))?;
    decoder.steps = Steps::NormAfter(LN);
    learned(&mut decoder, "positions_embed", 0);
    Ok(decoder)
}

pub fn gpt_bigcode(config: &Config) -> Read {
    let scale = usual_attention(config)?;
    let shared = config.flag("multi_query", true)?;
    let layout = if shared { Layout::Blocks } else { Layout::Groups };
    let activation = ("activation_function", "gelu_pytorch_tanh");
    let feed_forward = narrow_wide(config, ["c_fc", "c_proj"], inner(config, OLDER.width)?, activation, true)?;
    let parts = (fused(["c_attn", "c_proj"], [true; 2], layout), feed_forward);
    let mut decoder = plain(config, &OLDER, H, "wte", parts)?;
    decoder.scale = scale;
    if shared {
        decoder.heads.key_value_count = 1;
    }
    learned(&mut decoder, "wpe", 0);
    Ok(decoder)
}

pub fn gpt_neo(config: &Config) -> Read {
    let keys = Keys {
        width: "hidden_size",
        layers: "num_layers",
        heads: "num_heads",
        positions: Some("max_position_embeddings"),
        ..OLDER
    };
    let inner = config.size_or_none("intermediate_size")?.unwrap_or(4 * config.needed(keys.width)?);
    let feed_forward = narrow_wide(config, ["c_fc", "c_proj"], inner, ("activation_function", "gelu_new"), true)?;
    let projection =
        Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "out_proj"], bias: [false, false, false, true] };
    let modules = Modules { attention: "attn.attention", ..H };
    let mut decoder = plain(config, &keys, modules, "wte", (projection, feed_forward))?;
    decoder.scale = Scale::None;
    learned(&mut decoder, "wpe", 0);
    let kinds = kinds_of_neo(config, decoder.layers.len())?;
    set_windows(&mut decoder.layers, &kinds, Some(config.needed("window_size")?));
    Ok(decoder)
}

/// Which layers are local: `attention_layers`, or `attention_types` as pairs of kinds and how often they repeat.
fn kinds_of_neo(config: &Config, layers: usize) -> Result<Vec<bool>, ModelError> {
    let kinds = match config.each_layer("attention_layers", layers)? {
        Some(kinds) => kinds,
        None => config.repeated("attention_types", layers)?,
    };
    let local = |kind: &String| match kind.as_str() {
        "local" => Ok(true),
        "global" => Ok(false),
        _ => Err(config.refuse("attention_types", format!("the kind {kind:?} is not known"), "Use global and local")),
    };
    kinds.iter().map(local).collect()
}

pub fn gptj(config: &Config) -> Read {
    let feed_forward = narrow_wide(
        config,
        ["fc_in", "fc_out"],
        inner(config, OLDER.width)?,
        ("activation_function", "gelu_new"),
        true,
    )?;
    let projection = Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "out_proj"], bias: [false; 4] };
    parallel_gpt(config, projection, feed_forward)
}

pub fn codegen(config: &Config) -> Read {
    /// The checkpoints come from as many devices.
    const SHARDS: usize = 4;
    config.divides("n_head", config.needed("n_head")?, "the number of shards", SHARDS)?;
    let feed_forward = narrow_wide(
        config,
        ["fc_in", "fc_out"],
        inner(config, OLDER.width)?,
        ("activation_function", "gelu_new"),
        true,
    )?;
    parallel_gpt(config, fused(["qkv_proj", "out_proj"], [false; 2], Layout::Shards(SHARDS)), feed_forward)
}

/// What GPT-J and CodeGen share.
fn parallel_gpt(config: &Config, projection: Projection, feed_forward: FeedForward) -> Read {
    let mut decoder = plain(config, &OLDER, H, "wte", (projection, feed_forward))?;
    let width = config.size("rotary_dim", 64)?;
    if width > decoder.heads.head_width || !width.is_multiple_of(2) {
        let reason = format!("it should be an even number of each head's {}", decoder.heads.head_width);
        return Err(config.refuse("rotary_dim", reason, "Choose a smaller even number"));
    }
    decoder.rotations = vec![Rotation::plain(width, 10_000.0).interleaved()];
    decoder.layers.iter_mut().for_each(|layer| layer.rotation = Some(0));
    decoder.steps = Steps::Parallel(["ln_1", "ln_1"]);
    decoder.head.tied = config.flag("tie_word_embeddings", false)?;
    decoder.head.bias = true;
    Ok(decoder)
}

const HIDDEN: Keys = Keys {
    width: "hidden_size",
    layers: "num_hidden_layers",
    heads: "num_attention_heads",
    positions: Some("max_position_embeddings"),
    epsilon: "layer_norm_eps",
};
const MEGATRON: [&str; 2] = ["dense_h_to_4h", "dense_4h_to_h"];
const AROUND_ATTENTION: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];

pub fn gpt_neox(config: &Config) -> Read {
    let bias = config.flag("attention_bias", true)?;
    let inner = config.needed("intermediate_size")?;
    let feed_forward = narrow_wide(config, MEGATRON, inner, ("hidden_act", "gelu"), true)?;
    let modules =
        Modules { layers: "layers", attention: "attention", feed_forward: "mlp", final_norm: Some("final_layer_norm") };
    let projection = fused(["query_key_value", "dense"], [bias; 2], Layout::Groups);
    let mut decoder = plain(config, &HIDDEN, modules, "embed_in", (projection, feed_forward))?;
    decoder.rotations = vec![Rotation::read(config, decoder.heads.head_width)?];
    decoder.layers.iter_mut().for_each(|layer| layer.rotation = Some(0));
    decoder.steps = if config.flag("use_parallel_residual", true)? {
        Steps::Parallel(AROUND_ATTENTION)
    } else {
        Steps::NormBefore(AROUND_ATTENTION)
    };
    decoder.head.module = "embed_out";
    decoder.head.tied = config.flag("tie_word_embeddings", false)?;
    Ok(decoder)
}

pub fn falcon(config: &Config) -> Read {
    config.must_be_off("alibi", "ALiBi rounded to bfloat16, as Falcon has it,")?;
    let keys = Keys { epsilon: "layer_norm_epsilon", ..HIDDEN };
    let bias = config.flag("bias", false)?;
    let grouped = config.flag("new_decoder_architecture", false)?;
    let shared = config.flag("multi_query", true)?;
    let parallel = config.flag("parallel_attn", true)?;
    let inner = config.size("ffn_hidden_size", 4 * config.needed("hidden_size")?)?;
    let feed_forward = narrow_wide(config, MEGATRON, inner, ("activation", "gelu"), bias)?;
    let modules = Modules { attention: "self_attention", ..H };
    let projection = fused(["query_key_value", "dense"], [bias; 2], Layout::Groups);
    let mut decoder = plain(config, &keys, modules, "word_embeddings", (projection, feed_forward))?;
    let count = decoder.heads.count;
    decoder.heads.key_value_count = match (grouped, shared) {
        (true, _) => config.size("num_kv_heads", count)?,
        (false, true) => 1,
        (false, false) => count,
    };
    config.divides("num_attention_heads", count, "num_kv_heads", decoder.heads.key_value_count)?;
    decoder.rotations = vec![Rotation::read(config, decoder.heads.head_width)?];
    decoder.layers.iter_mut().for_each(|layer| layer.rotation = Some(0));
    let norms = config.size_or_none("num_ln_in_parallel_attn")?.unwrap_or(if grouped { 2 } else { 1 });
    decoder.steps = match (parallel, grouped && norms == 2) {
        (true, true) => Steps::Parallel(["ln_attn", "ln_mlp"]),
        (true, false) => Steps::Parallel(["input_layernorm", "input_layernorm"]),
        (false, false) => Steps::NormBefore(AROUND_ATTENTION),
        (false, true) => {
            let reason = "the newer Falcon has its two steps in parallel";
            return Err(config.refuse("parallel_attn", reason, "Set parallel_attn to true"));
        }
    };
    Ok(decoder)
}

pub fn bloom(config: &Config) -> Read {
    const WAY: &str = "apply_residual_connection_post_layernorm";
    config.must_be_off(WAY, "a residual taken after the norm")?;
    let keys = Keys { width: "hidden_size", positions: None, ..OLDER };
    let width = config.needed(keys.width)?;
    let feed_forward = FeedForward::Plain {
        modules: MEGATRON,
        inner: 4 * width,
        activation: Activation::GeluTanh,
        bias: true,
        stored: Stored::OutputsFirst,
    };
    let modules = Modules { attention: "self_attention", ..H };
    let projection = fused(["query_key_value", "dense"], [true; 2], Layout::Groups);
    let mut decoder = plain(config, &keys, modules, "word_embeddings", (projection, feed_forward))?;
    decoder.words.norm = Some(("word_embeddings_layernorm", decoder.norm));
    decoder.steps = Steps::NormBefore(AROUND_ATTENTION);
    decoder.slopes = Some(slopes(decoder.heads.count));
    Ok(decoder)
}

/// ALiBi's slopes: powers of 2^(−8/n) for a power of two n, filled up with every other one of 2n.
fn slopes(heads: usize) -> Vec<f64> {
    let power = 1usize << heads.ilog2();
    let of = |heads: usize| (1..=heads).map(move |head| 2f64.powf(-8.0 * head as f64 / heads as f64));
    of(power).chain(of(2 * power).step_by(2)).take(heads).collect()
}

pub fn mpt(config: &Config) -> Read {
    if let Some(attention) = config.object("attn_config")? {
        attention.must_be_absent("clip_qkv", "clipping of queries, keys and values")?;
        attention.must_be_absent("softmax_scale", "a scale of its own")?;
        attention.must_be_off("qk_ln", "a norm of queries and keys")?;
        attention.must_be_off("prefix_lm", "a prefix read in both directions")?;
        if !attention.flag("alibi", true)? {
            return Err(attention.refuse("alibi", "MPT without ALiBi is not built", "Set alibi to true"));
        }
    }
    if !config.flag("no_bias", true)? {
        return Err(config.refuse("no_bias", "MPT with biases is not built", "Set no_bias to true"));
    }
    let keys = Keys {
        width: "d_model",
        layers: "n_layers",
        heads: "n_heads",
        positions: Some("max_seq_len"),
        epsilon: "layer_norm_epsilon",
    };
    let feed_forward = FeedForward::Plain {
        modules: ["up_proj", "down_proj"],
        inner: 4 * config.needed(keys.width)?,
        activation: Activation::Gelu,
        bias: false,
        stored: Stored::OutputsFirst,
    };
    let modules = Modules { layers: "blocks", attention: "attn", feed_forward: "ffn", final_norm: Some("norm_f") };
    let projection = fused(["Wqkv", "out_proj"], [false; 2], Layout::Blocks);
    let mut decoder = plain(config, &keys, modules, "wte", (projection, feed_forward))?;
    decoder.norm = Norm::LayerUnbiased(config.positive(keys.epsilon, 1e-5)?);
    decoder.steps = Steps::NormBefore(["norm_1", "norm_2"]);
    let longest =
        config.object("attn_config")?.map_or(Ok(8.0), |attention| attention.positive("alibi_bias_max", 8.0))?;
    decoder.slopes = Some(mpt_slopes(decoder.heads.count, longest));
    Ok(decoder)
}

/// MPT's slopes: for a number of heads that is no power of two, every other one of the next power, the second ones first.
fn mpt_slopes(heads: usize, longest: f64) -> Vec<f64> {
    let power = heads.next_power_of_two();
    let all: Vec<f64> = (1..=power).map(|head| 2f64.powf(-longest * head as f64 / power as f64)).collect();
    if power == heads {
        return all;
    }
    all.iter().skip(1).step_by(2).chain(all.iter().step_by(2)).copied().take(heads).collect()
}

const BART: Modules =
    Modules { layers: "layers", attention: "self_attn", feed_forward: "", final_norm: Some("layer_norm") };
const BART_NORMS: [&str; 2] = ["self_attn_layer_norm", "final_layer_norm"];
const BART_PRODUCTS: Projection =
    Projection::Apart { modules: ["q_proj", "k_proj", "v_proj", "out_proj"], bias: [true; 4] };
/// Rows before the first place, left over from fairseq.
const FAIRSEQ: usize = 2;

pub fn xglm(config: &Config) -> Read {
    config.must_be_off("add_cross_attention", "cross-attention")?;
    let keys = Keys {
        width: "d_model",
        layers: "num_layers",
        heads: "attention_heads",
        positions: Some("max_position_embeddings"),
        epsilon: "layer_norm_eps",
    };
    let inner = config.needed("ffn_dim")?;
    let feed_forward = narrow_wide(config, ["fc1", "fc2"], inner, ("activation_function", "gelu"), true)?;
    let mut decoder = plain(config, &keys, BART, "embed_tokens", (BART_PRODUCTS, feed_forward))?;
    decoder.norm = Norm::Layer(1e-5);
    decoder.steps = Steps::NormBefore(BART_NORMS);
    decoder.deviation = config.positive("init_std", 0.02)?;
    scale_words(config, &mut decoder)?;
    let (rows, width) = (decoder.positions, decoder.width);
    config.check_table("max_position_embeddings", rows, width)?;
    decoder.words.places = Places::Fixed {
        rows,
        values: waves(FAIRSEQ, rows, width, |pair, half| (-(10_000f64.ln()) * pair as f64 / (half as f64 - 1.0)).exp()),
    };
    Ok(decoder)
}

pub fn biogpt(config: &Config) -> Read {
    let inner = config.needed("intermediate_size")?;
    let feed_forward = narrow_wide(config, ["fc1", "fc2"], inner, ("hidden_act", "gelu"), true)?;
    let mut decoder = plain(config, &HIDDEN, BART, "embed_tokens", (BART_PRODUCTS, feed_forward))?;
    // The key layer_norm_eps is read by nothing: torch's own epsilon holds.
    decoder.norm = Norm::Layer(1e-5);
    decoder.steps = Steps::NormBefore(BART_NORMS);
    decoder.head.module = "output_projection";
    scale_words(config, &mut decoder)?;
    learned(&mut decoder, "embed_positions", FAIRSEQ);
    Ok(decoder)
}

fn scale_words(config: &Config, decoder: &mut Decoder) -> Result<(), ModelError> {
    if config.flag("scale_embedding", true)? {
        decoder.words.factor = (decoder.width as f64).sqrt();
    }
    Ok(())
}

pub fn ctrl(config: &Config) -> Read {
    let inner = config.needed("dff")?;
    let feed_forward = FeedForward::Plain {
        modules: ["0", "2"],
        inner,
        activation: Activation::Relu,
        bias: true,
        stored: Stored::OutputsFirst,
    };
    let modules =
        Modules { layers: "h", attention: "multi_head_attention", feed_forward: "ffn", final_norm: Some("layernorm") };
    let projection = Projection::Apart { modules: ["Wq", "Wk", "Wv", "dense"], bias: [true; 4] };
    let mut decoder = plain(config, &OLDER, modules, "w", (projection, feed_forward))?;
    decoder.steps = Steps::NormBefore(["layernorm1", "layernorm2"]);
    decoder.words.factor = (decoder.width as f64).sqrt();
    decoder.head.bias = true;
    let (rows, width) = (decoder.positions, decoder.width);
    config.check_table("n_positions", rows, width)?;
    decoder.words.places = Places::Fixed {
        rows,
        values: waves(0, rows, width, |pair, half| 10_000f64.powf(-(pair as f64) / half as f64)),
    };
    Ok(decoder)
}

/// Sines, then cosines, of place · frequency: a row for each place from `first` on.
fn waves(first: usize, rows: usize, width: usize, frequency: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let half = width / 2;
    let frequencies: Vec<f64> = (0..half).map(|pair| frequency(pair, half)).collect();
    let mut values = Vec::with_capacity(rows * width);
    for place in first..first + rows {
        values.extend(frequencies.iter().map(|frequency| (place as f64 * frequency).sin()));
        values.extend(frequencies.iter().map(|frequency| (place as f64 * frequency).cos()));
        values.resize((place - first + 1) * width, 0.0);
    }
    values
}
