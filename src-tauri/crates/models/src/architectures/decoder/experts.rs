//! Decoders whose feed-forward is a mixture of experts.

use super::{
    attention::{Latent, Projection},
    body::{Decoder, Steps},
    feed_forward::FeedForward,
    llama,
    read::{set_windows, sliding},
};
use crate::{
    ModelError,
    blocks::{
        Activation, Correction, Experts, GATED, Gate, Groups, Heads, Matrices, Rotation, Router, Scale, Scores, Shared,
        Stored,
    },
    config::Config,
};

type Read = Result<Decoder, ModelError>;

/// Of Mixtral, whose modules these are: gate, up, down.
const NUMBERED: [&str; 3] = ["w1", "w3", "w2"];

/// Under which keys a configuration has the sizes.
struct Keys {
    /// Of which the one that the file has counts before the one that the default has.
    count: &'static [&'static str],
    chosen: &'static str,
    inner: &'static str,
}

impl Keys {
    fn count(&self, config: &Config) -> &'static str {
        let own = self.count.iter().find(|key| config.own(key));
        own.or_else(|| self.count.iter().find(|key| config.has(key))).unwrap_or(&self.count[0])
    }

    /// The experts of a layer as most types have them: the best by softmax, the matrices of each apart.
    fn read(&self, config: &Config) -> Result<Experts, ModelError> {
        let count = config.needed(self.count(config))?;
        let chosen = config.needed(self.chosen)?;
        if chosen > count {
            let reason = format!("there are only {count} experts");
            return Err(config.refuse(self.chosen, reason, "Choose fewer experts for each token"));
        }
        let router = Router {
            module: "gate",
            bias: false,
            scores: Scores::Softmax,
            correction: None,
            groups: None,
            normal: config.flag("norm_topk_prob", false)?.then_some(0.0),
            factor: 1.0,
        };
        Ok(Experts {
            count,
            chosen,
            inner: config.needed(self.inner)?,
            activation: Activation::read(config, "hidden_act", "silu")?,
            router,
            matrices: Matrices::Apart(GATED),
            shared: None,
        })
    }

    /// Puts the experts into the layers that have them, and leaves the others as they are.
    fn place(&self, config: &Config, mut decoder: Decoder, experts: Experts, sparse: impl Fn(usize) -> bool) -> Read {
        /// Each expert is a few nodes of the graph; the largest models that are known have fewer.
        const MOST_EXPERTS: usize = 1 << 15;
        let mut all = 0;
        for (_, layer) in decoder.layers.iter_mut().enumerate().filter(|(index, _)| sparse(*index)) {
            layer.feed_forward = FeedForward::Experts(Box::new(experts));
            all += experts.count;
        }
        if all > MOST_EXPERTS {
            let reason = format!("that makes {all} experts in all layers, more than {MOST_EXPERTS}");
            return Err(config.refuse(self.count(config), reason, "Choose fewer experts or layers"));
        }
        Ok(decoder)
    }
}

const MIXTRAL: Keys = Keys { count: &["num_local_experts"], chosen: "num_experts_per_tok", inner: "intermediate_size" };
const OLMOE: Keys = Keys { count: &["num_experts"], ..MIXTRAL };
const EXAONE: Keys = Keys { inner: "moe_intermediate_size", ..OLMOE };
const QWEN: Keys = Keys { count: &["num_experts", "num_local_experts"], inner: "moe_intermediate_size", ..MIXTRAL };
const DEEPSEEK: Keys = Keys { count: &["n_routed_experts", "num_local_experts"], ..QWEN };
const ERNIE: Keys =
    Keys { count: &["moe_num_experts", "num_experts"], chosen: "moe_k", inner: "moe_intermediate_size" };

pub fn mixtral(config: &Config) -> Read {
    let mut decoder = llama::mistral(config)?;
    decoder.modules.feed_forward = "block_sparse_moe";
    let mut experts = MIXTRAL.read(config)?;
    experts.router.normal = Some(0.0);
    experts.matrices = Matrices::Apart(NUMBERED);
    MIXTRAL.place(config, decoder, experts, |_| true)
}

pub fn phimoe(config: &Config) -> Read {
    let mut decoder = llama::phimoe(config)?;
    decoder.modules.feed_forward = "block_sparse_moe";
    let mut experts = MIXTRAL.read(config)?;
    if experts.chosen != 2 {
        return Err(config.refuse(MIXTRAL.chosen, "only two experts for each token are built", "Set it to 2"));
    }
    experts.router.scores = Scores::OneByOne { jitter: config.amount("router_jitter_noise", 0.01)? };
    experts.router.normal = None;
    experts.matrices = Matrices::Apart(NUMBERED);
    MIXTRAL.place(config, decoder, experts, |_| true)
}

pub fn qwen2_moe(config: &Config) -> Read {
    let bias = config.flag("qkv_bias", true)?;
    let mut decoder = llama::qwen2(config)?;
    llama::set_bias(&mut decoder, [bias, bias, bias, false]);
    let used = config.flag("use_sliding_window", false)?;
    let window = config.size_or_none("sliding_window")?.filter(|_| used);
    let last = config.size_or_zero("max_window_layers")?;
    let kinds = sliding(config, decoder.layers.len(), |index| used && index.is_multiple_of(2) && index < last)?;
    set_windows(&mut decoder.layers, &kinds, window);
    let mut experts = QWEN.read(config)?;
    experts.shared = Some(Shared {
        module: "shared_expert",
        inner: config.needed("shared_expert_intermediate_size")?,
        together: None,
        bias: false,
        gate: Some("shared_expert_gate"),
    });
    place_sparsely(config, decoder, experts)
}

pub fn qwen3_moe(config: &Config) -> Read {
    let mut decoder = llama::qwen3(config)?;
    let used = config.flag("use_sliding_window", false)?;
    let all = vec![true; decoder.layers.len()];
    set_windows(&mut decoder.layers, &all, config.size_or_none("sliding_window")?.filter(|_| used));
    place_sparsely(config, decoder, QWEN.read(config)?)
}

/// Qwen's layers have experts every so many layers, but for those that are listed.
fn place_sparsely(config: &Config, decoder: Decoder, experts: Experts) -> Read {
    let every = config.size("decoder_sparse_step", 1)?;
    let dense = config.places("mlp_only_layers")?;
    QWEN.place(config, decoder, experts, |index| (index + 1).is_multiple_of(every) && !dense.contains(&index))
}

pub fn olmoe(config: &Config) -> Read {
    config.must_be_absent("clip_qkv", "clipping of queries, keys and values")?;
    let mut decoder = llama::llama(config)?;
    let norm = decoder.norm;
    llama::norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, true);
    OLMOE.place(config, decoder, OLMOE.read(config)?, |_| true)
}

pub fn flex_olmo(config: &Config) -> Read {
    OLMOE.place(config, llama::olmo2(config)?, OLMOE.read(config)?, |_| true)
}

pub fn granitemoe(config: &Config) -> Read {
    let mut decoder = llama::granite(config)?;
    // The shared network lies beside the experts, not among them.
    decoder.modules.feed_forward = "";
    let mut experts = MIXTRAL.read(config)?;
    experts.router.module = "block_sparse_moe.router.layer";
    experts.router.normal = Some(0.0);
    experts.matrices = Matrices::Stacked {
        tensors: ["block_sparse_moe.input_linear.weight", "block_sparse_moe.output_linear.weight"],
        stored: Stored::OutputsFirst,
    };
    experts.shared = config.size_or_none("shared_intermediate_size")?.map(|inner| Shared {
        module: "shared_mlp",
        inner,
        together: Some(["input_linear", "output_linear"]),
        bias: false,
        gate: None,
    });
    MIXTRAL.place(config, decoder, experts, |_| true)
}

pub fn ernie4_5_moe(config: &Config) -> Read {
    let bias = config.flag("use_bias", false)?;
    let decoder = llama::ernie4_5(config)?;
    let layers = decoder.layers.len();
    let mut experts = ERNIE.read(config)?;
    experts.router.correction = Some(Correction::Parameter("moe_statics.e_score_correction_bias"));
    experts.router.normal = Some(config.positive("moe_norm_min", 1e-12)?);
    experts.shared = shared(config, "moe_num_shared_experts", &experts, bias)?;
    let (first, every) = (config.index("moe_layer_start_index", 1)?, config.size("moe_layer_interval", 1)?);
    // −1 stands for the last layer.
    let last = config.integers("moe_layer_end_index", &[-1])?[0];
    let last = usize::try_from(last).unwrap_or(layers);
    ERNIE.place(config, decoder, experts, |index| (index + 1).is_multiple_of(every) && (first..=last).contains(&index))
}

pub fn minimax_m2(config: &Config) -> Read {
    let mut decoder = llama::llama(config)?;
    let (norm, head_width) = (decoder.norm, decoder.heads.head_width);
    llama::norm_heads(&mut decoder, ["q_norm", "k_norm"], norm, true);
    // The files that were released say how many numbers of a head are turned.
    let turned = config.size("rotary_dim", head_width)?;
    decoder.rotations = vec![Rotation::read_turning(config, head_width, turned)?];
    decoder.modules.feed_forward = "block_sparse_moe";
    let mut experts = MIXTRAL.read(config)?;
    experts.router.scores = Scores::Sigmoid;
    experts.router.correction = Some(Correction::Buffer("e_score_correction_bias"));
    experts.router.normal = Some(0.0);
    experts.matrices = Matrices::Apart(NUMBERED);
    MIXTRAL.place(config, decoder, experts, |_| true)
}

/// Experts as DeepSeek V3 has them: the best by sigmoid out of the best groups, beside a network for all tokens.
fn of_groups(config: &Config, keys: &Keys, shared_key: &str) -> Result<Experts, ModelError> {
    let mut experts = keys.read(config)?;
    experts.router.scores = Scores::Sigmoid;
    experts.router.correction = Some(Correction::Buffer("gate.e_score_correction_bias"));
    experts.router.groups = groups(config, &experts, 2)?;
    experts.router.factor = config.positive("routed_scaling_factor", 1.0)?;
    experts.shared = shared(config, shared_key, &experts, false)?;
    Ok(experts)
}

/// One network for all tokens that is as wide as so many experts; none where the key says there is none.
fn shared(config: &Config, key: &str, experts: &Experts, bias: bool) -> Result<Option<Shared>, ModelError> {
    let of =
        |count| Shared { module: "shared_experts", inner: count * experts.inner, together: None, bias, gate: None };
    Ok(config.size_or_none(key)?.map(of))
}

fn groups(config: &Config, experts: &Experts, best: usize) -> Result<Option<Groups>, ModelError> {
    let (count, chosen) = (config.size("n_group", 1)?, config.size("topk_group", 1)?);
    if count == 1 {
        return Ok(None);
    }
    let each = config.divides("n_group", experts.count, "n_group", count)?;
    if each < best {
        return Err(config.refuse("n_group", format!("a group needs at least {best} experts"), "Choose fewer groups"));
    }
    if chosen > count || chosen * each < experts.chosen {
        let reason = format!("{} experts are chosen out of so many of {count} groups of {each}", experts.chosen);
        return Err(config.refuse("topk_group", reason, "Choose a number of groups that holds them"));
    }
    Ok(Some(Groups { count, chosen, best }))
}

pub fn solar_open(config: &Config) -> Read {
    let bias = config.flag("attention_bias", false)?;
    let mut decoder = llama::without_feed_forward(config)?;
    llama::set_bias(&mut decoder, [bias, bias, bias, false]);
    let experts = of_groups(config, &DEEPSEEK, "n_shared_experts")?;
    DEEPSEEK.place(config, decoder, experts, |_| true)
}

pub fn exaone_moe(config: &Config) -> Read {
    let mut decoder = llama::exaone4(config)?;
    decoder.steps = Steps::NormBefore(llama::BEFORE);
    let mut experts = of_groups(config, &EXAONE, "num_shared_experts")?;
    experts.router.correction = Some(Correction::Buffer("e_score_correction_bias"));
    let sparse = sparse(config, decoder.layers.len())?;
    EXAONE.place(config, decoder, experts, |index| sparse[index])
}

/// Which layers have experts: as `mlp_layer_types` says, else all behind the first `first_k_dense_replace`.
fn sparse(config: &Config, layers: usize) -> Result<Vec<bool>, ModelError> {
    const KEY: &str = "mlp_layer_types";
    let Some(kinds) = config.each_layer(KEY, layers)? else {
        let dense = config.index("first_k_dense_replace", 1)?;
        return Ok((0..layers).map(|index| index >= dense).collect());
    };
    let kind = |kind: &String| match kind.as_str() {
        "sparse" => Ok(true),
        "dense" => Ok(false),
        _ => Err(config.refuse(KEY, format!("the kind {kind:?} is not built"), "Known are dense and sparse")),
    };
    kinds.iter().map(kind).collect()
}

pub fn glm4_moe(config: &Config) -> Read {
    let decoder = llama::glm4_moe(config)?;
    let dense = config.index("first_k_dense_replace", 1)?;
    let experts = of_groups(config, &DEEPSEEK, "n_shared_experts")?;
    DEEPSEEK.place(config, decoder, experts, |index| index >= dense)
}

pub fn gpt_oss(config: &Config) -> Read {
    let mut decoder = llama::llama(config)?;
    decoder.sinks = Some("sinks");
    let kinds = sliding(config, decoder.layers.len(), |index| index.is_multiple_of(2))?;
    set_windows(&mut decoder.layers, &kinds, config.size_or_none("sliding_window")?);
    let mut experts = MIXTRAL.read(config)?;
    experts.router.module = "router";
    experts.router.bias = true;
    experts.router.normal = Some(0.0);
    experts.matrices = Matrices::Woven {
        tensors: ["experts.gate_up_proj", "experts.gate_up_proj_bias", "experts.down_proj", "experts.down_proj_bias"],
        gate: Gate { slope: config.positive("swiglu_alpha", 1.702)?, limit: config.positive("swiglu_limit", 7.0)? },
    };
    MIXTRAL.place(config, decoder, experts, |_| true)
}

/// The language model of Qwen3-VL as a mixture.
pub fn qwen3_vl_moe_text(config: &Config) -> Read {
    let decoder = llama::qwen3(config)?;
    let mut experts = QWEN.read(config)?;
    experts.router.normal = Some(0.0);
    experts.matrices =
        Matrices::Stacked { tensors: ["experts.gate_up_proj", "experts.down_proj"], stored: Stored::InputsFirst };
    place_sparsely(config, decoder, experts)
}

/// DeepSeek V3 without its experts.
pub fn latent(config: &Config) -> Read {
    let (width, count) = (config.needed("hidden_size")?, config.needed("num_attention_heads")?);
    let turned = config.needed("qk_rope_head_dim")?;
    let heads = Heads {
        width,
        count,
        key_value_count: count,
        head_width: config.needed("qk_nope_head_dim")? + turned,
        value_width: config.needed("v_head_dim")?,
    };
    let network = llama::gated(config, "hidden_act", false)?;
    let mut decoder = llama::assemble(config, heads, llama::rms(config)?, network)?;
    decoder.projection = Projection::Latent(Latent {
        query_rank: config.size_or_none("q_lora_rank")?,
        rank: config.needed("kv_lora_rank")?,
        turned,
        bias: config.flag("attention_bias", false)?,
    });
    let rotation = Rotation::read(config, turned)?;
    let interleaved = config.flag("rope_interleave", true)?;
    decoder.rotations = vec![if interleaved { rotation.interleaved() } else { rotation }];
    decoder.scale = Scale::By(latent_scale(config, heads.head_width)?);
    Ok(decoder)
}

/// 1 / √(head width), larger where rotary positions are stretched.
fn latent_scale(config: &Config, head_width: usize) -> Result<f64, ModelError> {
    let plain = (head_width as f64).powf(-0.5);
    let Some(scaling) = Rotation::written(config)? else { return Ok(plain) };
    let kind = scaling.text(Rotation::kind_key(&scaling), "default")?;
    let (factor, strength) = (scaling.positive("factor", 1.0)?, scaling.amount("mscale_all_dim", 0.0)?);
    if kind == "default" || strength == 0.0 || factor <= 1.0 {
        return Ok(plain);
    }
    let larger = 0.1 * strength * factor.ln() + 1.0;
    Ok(plain * larger * larger)
}

pub fn deepseek_v3(config: &Config) -> Read {
    let dense = config.index("first_k_dense_replace", 3)?;
    let experts = of_groups(config, &DEEPSEEK, "n_shared_experts")?;
    DEEPSEEK.place(config, latent(config)?, experts, |index| index >= dense)
}

pub fn glm4_moe_lite(config: &Config) -> Read {
    let decoder = latent(config)?;
    let sparse = sparse(config, decoder.layers.len())?;
    let experts = of_groups(config, &DEEPSEEK, "n_shared_experts")?;
    DEEPSEEK.place(config, decoder, experts, |index| sparse[index])
}
