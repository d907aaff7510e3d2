//! The model types that are text decoders. One line each, in which `sequence` and `token` stand for the classes that sort
//! texts and tokens into classes.

use super::{Decoder, experts, gpt, llama, opt};
use crate::{ModelError, architectures::Class, config::Config};

/// A model type and how its configuration is read.
pub struct Variant {
    pub model_type: &'static str,
    /// The base model first, then the one that scores words, then those that sort texts and tokens.
    pub classes: &'static [Class],
    /// Module of the base model in the other classes.
    pub base: &'static str,
    /// Module of the decoder in the base model; empty where that is the decoder itself.
    pub inner: &'static str,
    /// Keys whose defaults follow from other keys.
    pub derived: &'static [&'static str],
    pub read: fn(&Config) -> Result<Decoder, ModelError>,
}

/// The class that sorts texts, of the type whose names begin so; `$more` ends the sentence about it.
macro_rules! sequence {
    ($name:literal, $more:literal) => {
        Class {
            name: concat!($name, "ForSequenceClassification"),
            about: concat!("Reads text and sorts it into classes", $more),
        }
    };
}

/// The same that sorts tokens.
macro_rules! token {
    ($name:literal, $more:literal) => {
        Class {
            name: concat!($name, "ForTokenClassification"),
            about: concat!("Reads text and sorts each token into classes", $more),
        }
    };
}

/// What the names begin with, how that of the class that scores words ends, and the base; these are mostly `ForCausalLM`
/// and `model`.
macro_rules! variant {
    ($model_type:literal, $name:literal, $read:path, [$($derived:literal),*] $(, $sorter:ident)*) => {
        variant!($model_type, $name, "ForCausalLM", "model", $read, [$($derived),*] $(, $sorter)*)
    };
    (
        $model_type:literal, $name:literal, $scorer:literal, $base:literal, $read:path, [$($derived:literal),*]
        $(, $sorter:ident)*
    ) => {
        Variant {
            model_type: $model_type,
            classes: &[
                Class { name: concat!($name, "Model"), about: "Reads text and gives a vector for each token" },
                Class { name: concat!($name, $scorer), about: "Reads text and scores every word as the next one" },
                $($sorter!($name, "")),*
            ],
            base: $base,
            inner: "",
            derived: &["layer_types", $($derived),*],
            read: $read,
        }
    };
}

/// The same with experts.
macro_rules! mixture {
    ($model_type:literal, $name:literal, $read:path, [$($derived:literal),*] $(, $sorter:ident)*) => {
        Variant {
            classes: &[
                Class {
                    name: concat!($name, "Model"),
                    about: "Reads text and gives a vector for each token; a token goes through a few of many experts",
                },
                Class {
                    name: concat!($name, "ForCausalLM"),
                    about: "Reads text and scores every word as the next one; a token goes through a few of many \
                        experts",
                },
                $($sorter!($name, "; a token goes through a few of many experts")),*
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
            ..variant!($model_type, "", "", "language_model", $read, [$($derived),*])
        }
    };
}

pub static VARIANTS: [Variant; 70] = [
    variant!("arcee", "Arcee", llama::arcee, ["num_key_value_heads", "head_dim"], sequence, token),
    variant!("biogpt", "BioGpt", "ForCausalLM", "biogpt", gpt::biogpt, [], sequence, token),
    variant!("bloom", "Bloom", "ForCausalLM", "transformer", gpt::bloom, [], sequence, token),
    variant!("codegen", "CodeGen", "ForCausalLM", "transformer", gpt::codegen, []),
    variant!("cohere", "Cohere", llama::cohere, ["num_key_value_heads", "head_dim"]),
    variant!("cohere2", "Cohere2", llama::cohere2, ["num_key_value_heads", "head_dim"]),
    variant!("ctrl", "CTRL", "LMHeadModel", "transformer", gpt::ctrl, []),
    variant!("cwm", "Cwm", llama::cwm, []),
    mixture!("deepseek_v3", "DeepseekV3", experts::deepseek_v3, [], sequence, token),
    variant!("ernie4_5", "Ernie4_5", llama::ernie4_5, []),
    mixture!("ernie4_5_moe", "Ernie4_5_Moe", experts::ernie4_5_moe, []),
    variant!("exaone4", "Exaone4", llama::exaone4, ["head_dim"], sequence, token),
    mixture!("exaone_moe", "ExaoneMoe", experts::exaone_moe, ["head_dim", "mlp_layer_types"]),
    variant!(
        "falcon",
        "Falcon",
        "ForCausalLM",
        "transformer",
        gpt::falcon,
        ["num_kv_heads", "ffn_hidden_size"],
        sequence,
        token
    ),
    mixture!("flex_olmo", "FlexOlmo", experts::flex_olmo, ["num_key_value_heads", "head_dim"]),
    variant!("gemma", "Gemma", llama::gemma, [], sequence, token),
    variant!("gemma2", "Gemma2", llama::gemma2, [], sequence, token),
    Variant {
        classes: &[
            Class { name: "Gemma3TextModel", about: "Reads text and gives a vector for each token" },
            Class { name: "Gemma3ForCausalLM", about: "Reads text and scores every word as the next one" },
            sequence!("Gemma3Text", ""),
        ],
        ..variant!("gemma3_text", "Gemma3Text", llama::gemma3_text, [])
    },
    variant!("glm", "Glm", llama::glm, [], sequence, token),
    variant!("glm4", "Glm4", llama::glm4, [], sequence, token),
    mixture!("glm4_moe", "Glm4Moe", experts::glm4_moe, []),
    mixture!("glm4_moe_lite", "Glm4MoeLite", experts::glm4_moe_lite, ["mlp_layer_types"]),
    variant!("gpt-sw3", "GPT2", "LMHeadModel", "transformer", gpt::gpt2, [], sequence, token),
    variant!("gpt2", "GPT2", "LMHeadModel", "transformer", gpt::gpt2, [], sequence, token),
    variant!("gpt_bigcode", "GPTBigCode", "ForCausalLM", "transformer", gpt::gpt_bigcode, [], sequence, token),
    variant!("gpt_neo", "GPTNeo", "ForCausalLM", "transformer", gpt::gpt_neo, ["attention_layers"], sequence, token),
    variant!("gpt_neox", "GPTNeoX", "ForCausalLM", "gpt_neox", gpt::gpt_neox, [], sequence, token),
    mixture!("gpt_oss", "GptOss", experts::gpt_oss, [], sequence, token),
    variant!("gptj", "GPTJ", "ForCausalLM", "transformer", gpt::gptj, [], sequence),
    variant!("granite", "Granite", llama::granite, ["num_key_value_heads", "head_dim"]),
    mixture!("granitemoe", "GraniteMoe", experts::granitemoe, ["num_key_value_heads", "head_dim"]),
    mixture!("granitemoeshared", "GraniteMoeShared", experts::granitemoe, ["num_key_value_heads", "head_dim"]),
    variant!("helium", "Helium", llama::helium, [], sequence, token),
    variant!(
        "hyperclovax",
        "HyperCLOVAX",
        llama::hyperclovax,
        ["num_key_value_heads", "head_dim", "attention_multiplier"]
    ),
    variant!("internlm3", "Llama", llama::llama, []),
    variant!("iquestcoder", "Llama", llama::llama, []),
    variant!("jais2", "Jais2", llama::jais2, ["num_key_value_heads", "head_dim"]),
    variant!("llama", "Llama", llama::llama, ["num_key_value_heads", "head_dim"], sequence, token),
    mixture!("minimax_m2", "MiniMaxM2", experts::minimax_m2, []),
    variant!("ministral", "Ministral", llama::mistral, ["head_dim"], sequence, token),
    variant!("mistral", "Mistral", llama::mistral, ["head_dim"], sequence, token),
    mixture!("mixtral", "Mixtral", experts::mixtral, ["head_dim"], sequence, token),
    variant!("modernbert-decoder", "ModernBertDecoder", llama::modernbert_decoder, []),
    variant!("mpt", "Mpt", "ForCausalLM", "transformer", gpt::mpt, [], sequence, token),
    variant!("nemotron", "Nemotron", llama::nemotron, ["num_key_value_heads", "head_dim"], sequence, token),
    variant!("olmo", "Olmo", llama::olmo, ["num_key_value_heads", "head_dim"], sequence),
    variant!("olmo2", "Olmo2", llama::olmo2, ["num_key_value_heads", "head_dim"], sequence),
    variant!("olmo3", "Olmo3", llama::olmo3, ["num_key_value_heads", "head_dim"], sequence),
    mixture!("olmoe", "Olmoe", experts::olmoe, ["num_key_value_heads", "head_dim"]),
    variant!("openai-gpt", "OpenAIGPT", "LMHeadModel", "transformer", gpt::openai_gpt, [], sequence),
    Variant {
        inner: "decoder",
        ..variant!("opt", "OPT", "ForCausalLM", "model", opt::opt, ["word_embed_proj_dim"], sequence)
    },
    variant!("persimmon", "Persimmon", llama::persimmon, ["num_key_value_heads", "head_dim"], sequence, token),
    variant!("phi", "Phi", llama::phi, ["num_key_value_heads", "head_dim"], sequence, token),
    variant!(
        "phi3",
        "Phi3",
        llama::phi3,
        ["num_key_value_heads", "head_dim", "original_max_position_embeddings"],
        sequence,
        token
    ),
    mixture!("phimoe", "Phimoe", experts::phimoe, ["head_dim"], sequence),
    variant!("qwen2", "Qwen2", llama::qwen2, ["num_key_value_heads", "head_dim"], sequence, token),
    mixture!("qwen2_moe", "Qwen2Moe", experts::qwen2_moe, ["head_dim"], sequence, token),
    part!("qwen2_vl_text", "Qwen2VLTextModel", llama::qwen2, []),
    variant!("qwen3", "Qwen3", llama::qwen3, [], sequence, token),
    mixture!("qwen3_moe", "Qwen3Moe", experts::qwen3_moe, [], sequence, token),
    part!("qwen3_vl_text", "Qwen3VLTextModel", llama::qwen3, []),
    part!("qwen3_vl_moe_text", "Qwen3VLMoeTextModel", experts::qwen3_vl_moe_text, []),
    variant!("seed_oss", "SeedOss", llama::seed_oss, [], sequence, token),
    variant!("smollm3", "SmolLM3", llama::smollm3, ["no_rope_layers", "head_dim"], sequence, token),
    mixture!("solar_open", "SolarOpen", experts::solar_open, []),
    variant!("stablelm", "StableLm", llama::stablelm, ["head_dim"], sequence, token),
    variant!("starcoder2", "Starcoder2", llama::starcoder2, ["head_dim"], sequence, token),
    variant!("vaultgemma", "VaultGemma", llama::vaultgemma, []),
    variant!("xglm", "XGLM", gpt::xglm, []),
    variant!("youtu", "Youtu", experts::latent, []),
];
