//! The model types that are text decoders. One line each.

use super::{Decoder, experts, gpt, llama, opt};
use crate::{ModelError, architectures::Class, config::Config};

/// A model type and how its configuration is read.
pub struct Variant {
    pub model_type: &'static str,
    /// The base model first, then the one that scores words.
    pub classes: &'static [Class],
    /// Module of the base model in the class that scores words.
    pub base: &'static str,
    /// Module of the decoder in the base model; empty where that is the decoder itself.
    pub inner: &'static str,
    /// Keys whose defaults follow from other keys.
    pub derived: &'static [&'static str],
    pub read: fn(&Config) -> Result<Decoder, ModelError>,
}

/// The usual case: names that begin alike, `model` as the base.
macro_rules! variant {
    ($model_type:literal, $name:literal, $read:path, [$($derived:literal),*]) => {
        variant!($model_type, concat!($name, "Model"), concat!($name, "ForCausalLM"), "model", $read, [$($derived),*])
    };
    ($model_type:literal, $model:expr, $scorer:expr, $base:literal, $read:path, [$($derived:literal),*]) => {
        Variant {
            model_type: $model_type,
            classes: &[
                Class { name: $model, about: "Reads text and gives a vector for each token" },
                Class { name: $scorer, about: "Reads text and scores every word as the next one" },
            ],
            base: $base,
            inner: "",
            derived: &["layer_types", $($derived),*],
            read: $read,
        }
    };
}

/// The same with experts, of which the graph computes all.
macro_rules! mixture {
    ($model_type:literal, $name:literal, $read:path, [$($derived:literal),*]) => {
        Variant {
            classes: &[
                Class {
                    name: concat!($name, "Model"),
                    about: "Reads text and gives a vector for each token; every expert is computed for every token, not \
                        only the chosen ones",
                },
                Class {
                    name: concat!($name, "ForCausalLM"),
                    about: "Reads text and scores every word as the next one; every expert is computed for every token, \
                        not only the chosen ones",
                },
            ],
            ..variant!($model_type, $name, $read, [$($derived),*])
        }
    };
}

/// The language model of a model of several parts, which scores no words by itself.
macro_rules! part {
    ($model_type:literal, $model:literal, $read:path, [$($derived:literal),*]) => {
        Variant {
            classes: &[Class { name: $model, about: "Reads text and gives a vector for each token" }],
            ..variant!($model_type, $model, "", "language_model", $read, [$($derived),*])
        }
    };
}

pub static VARIANTS: [Variant; 70] = [
    variant!("arcee", "Arcee", llama::arcee, ["num_key_value_heads", "head_dim"]),
    variant!("biogpt", "BioGptModel", "BioGptForCausalLM", "biogpt", gpt::biogpt, []),
    variant!("bloom", "BloomModel", "BloomForCausalLM", "transformer", gpt::bloom, []),
    variant!("codegen", "CodeGenModel", "CodeGenForCausalLM", "transformer", gpt::codegen, []),
    variant!("cohere", "Cohere", llama::cohere, ["num_key_value_heads", "head_dim"]),
    variant!("cohere2", "Cohere2", llama::cohere2, ["num_key_value_heads", "head_dim"]),
    variant!("ctrl", "CTRLModel", "CTRLLMHeadModel", "transformer", gpt::ctrl, []),
    variant!("cwm", "Cwm", llama::cwm, []),
    mixture!("deepseek_v3", "DeepseekV3", experts::deepseek_v3, []),
    variant!("ernie4_5", "Ernie4_5", llama::ernie4_5, []),
    mixture!("ernie4_5_moe", "Ernie4_5_Moe", experts::ernie4_5_moe, []),
    variant!("exaone4", "Exaone4", llama::exaone4, ["head_dim"]),
    mixture!("exaone_moe", "ExaoneMoe", experts::exaone_moe, ["head_dim", "mlp_layer_types"]),
    variant!(
        "falcon",
        "FalconModel",
        "FalconForCausalLM",
        "transformer",
        gpt::falcon,
        ["num_kv_heads", "ffn_hidden_size"]
    ),
    mixture!("flex_olmo", "FlexOlmo", experts::flex_olmo, ["num_key_value_heads", "head_dim"]),
    variant!("gemma", "Gemma", llama::gemma, []),
    variant!("gemma2", "Gemma2", llama::gemma2, []),
    variant!("gemma3_text", "Gemma3TextModel", "Gemma3ForCausalLM", "model", llama::gemma3_text, []),
    variant!("glm", "Glm", llama::glm, []),
    variant!("glm4", "Glm4", llama::glm4, []),
    mixture!("glm4_moe", "Glm4Moe", experts::glm4_moe, []),
    mixture!("glm4_moe_lite", "Glm4MoeLite", experts::glm4_moe_lite, ["mlp_layer_types"]),
    variant!("gpt-sw3", "GPT2Model", "GPT2LMHeadModel", "transformer", gpt::gpt2, []),
    variant!("gpt2", "GPT2Model", "GPT2LMHeadModel", "transformer", gpt::gpt2, []),
    variant!("gpt_bigcode", "GPTBigCodeModel", "GPTBigCodeForCausalLM", "transformer", gpt::gpt_bigcode, []),
    variant!("gpt_neo", "GPTNeoModel", "GPTNeoForCausalLM", "transformer", gpt::gpt_neo, ["attention_layers"]),
    variant!("gpt_neox", "GPTNeoXModel", "GPTNeoXForCausalLM", "gpt_neox", gpt::gpt_neox, []),
    mixture!("gpt_oss", "GptOss", experts::gpt_oss, []),
    variant!("gptj", "GPTJModel", "GPTJForCausalLM", "transformer", gpt::gptj, []),
    variant!("granite", "Granite", llama::granite, ["num_key_value_heads", "head_dim"]),
    mixture!("granitemoe", "GraniteMoe", experts::granitemoe, ["num_key_value_heads", "head_dim"]),
    mixture!("granitemoeshared", "GraniteMoeShared", experts::granitemoe, ["num_key_value_heads", "head_dim"]),
    variant!("helium", "Helium", llama::helium, []),
    variant!(
        "hyperclovax",
        "HyperCLOVAX",
        llama::hyperclovax,
        ["num_key_value_heads", "head_dim", "attention_multiplier"]
    ),
    variant!("internlm3", "LlamaModel", "LlamaForCausalLM", "model", llama::llama, []),
    variant!("iquestcoder", "LlamaModel", "LlamaForCausalLM", "model", llama::llama, []),
    variant!("jais2", "Jais2", llama::jais2, ["num_key_value_heads", "head_dim"]),
    variant!("llama", "Llama", llama::llama, ["num_key_value_heads", "head_dim"]),
    mixture!("minimax_m2", "MiniMaxM2", experts::minimax_m2, []),
    variant!("ministral", "Ministral", llama::mistral, ["head_dim"]),
    variant!("mistral", "Mistral", llama::mistral, ["head_dim"]),
    mixture!("mixtral", "Mixtral", experts::mixtral, ["head_dim"]),
    variant!("modernbert-decoder", "ModernBertDecoder", llama::modernbert_decoder, []),
    variant!("mpt", "MptModel", "MptForCausalLM", "transformer", gpt::mpt, []),
    variant!("nemotron", "Nemotron", llama::nemotron, ["num_key_value_heads", "head_dim"]),
    variant!("olmo", "Olmo", llama::olmo, ["num_key_value_heads", "head_dim"]),
    variant!("olmo2", "Olmo2", llama::olmo2, ["num_key_value_heads", "head_dim"]),
    variant!("olmo3", "Olmo3", llama::olmo3, ["num_key_value_heads", "head_dim"]),
    mixture!("olmoe", "Olmoe", experts::olmoe, ["num_key_value_heads", "head_dim"]),
    variant!("openai-gpt", "OpenAIGPTModel", "OpenAIGPTLMHeadModel", "transformer", gpt::openai_gpt, []),
    Variant {
        inner: "decoder",
        ..variant!("opt", "OPTModel", "OPTForCausalLM", "model", opt::opt, ["word_embed_proj_dim"])
    },
    variant!("persimmon", "Persimmon", llama::persimmon, ["num_key_value_heads", "head_dim"]),
    variant!("phi", "Phi", llama::phi, ["num_key_value_heads", "head_dim"]),
    variant!("phi3", "Phi3", llama::phi3, ["num_key_value_heads", "head_dim", "original_max_position_embeddings"]),
    mixture!("phimoe", "Phimoe", experts::phimoe, ["head_dim"]),
    variant!("qwen2", "Qwen2", llama::qwen2, ["num_key_value_heads", "head_dim"]),
    mixture!("qwen2_moe", "Qwen2Moe", experts::qwen2_moe, ["head_dim"]),
    part!("qwen2_vl_text", "Qwen2VLTextModel", llama::qwen2, []),
    variant!("qwen3", "Qwen3", llama::qwen3, []),
    mixture!("qwen3_moe", "Qwen3Moe", experts::qwen3_moe, []),
    part!("qwen3_vl_text", "Qwen3VLTextModel", llama::qwen3, []),
    part!("qwen3_vl_moe_text", "Qwen3VLMoeTextModel", experts::qwen3_vl_moe_text, []),
    variant!("seed_oss", "SeedOss", llama::seed_oss, []),
    variant!("smollm3", "SmolLM3", llama::smollm3, ["no_rope_layers", "head_dim"]),
    mixture!("solar_open", "SolarOpen", experts::solar_open, []),
    variant!("stablelm", "StableLm", llama::stablelm, ["head_dim"]),
    variant!("starcoder2", "Starcoder2", llama::starcoder2, ["head_dim"]),
    variant!("vaultgemma", "VaultGemma", llama::vaultgemma, []),
    variant!("xglm", "XGLM", gpt::xglm, []),
    variant!("youtu", "Youtu", experts::latent, []),
];
