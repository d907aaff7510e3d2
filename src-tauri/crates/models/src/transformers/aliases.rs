//! Other names that a type's keys go by.

/// The other names that transformers takes for keys of a type, each with its key: the `attribute_map` of the configuration's
/// class, and `n_embed` of BLOOM and Falcon, but for the names that are read as they are and those of keys that no graph
/// depends on.
pub fn aliases(model_type: &str) -> &'static [(&'static str, &'static str)] {
    match model_type {
        "codegen" | "ctrl" | "gpt-sw3" | "gpt2" | "gpt_bigcode" | "gptj" | "openai-gpt" => &[
            ("hidden_size", "n_embd"),
            ("num_hidden_layers", "n_layer"),
            ("num_attention_heads", "n_head"),
            ("max_position_embeddings", "n_positions"),
        ],
        "bloom" => &[("n_embed", "hidden_size"), ("num_hidden_layers", "n_layer"), ("num_attention_heads", "n_head")],
        "falcon" => &[("n_embed", "hidden_size")],
        "gpt_neo" => &[("num_hidden_layers", "num_layers"), ("num_attention_heads", "num_heads")],
        "mpt" => &[("hidden_size", "d_model"), ("num_hidden_layers", "n_layers"), ("num_attention_heads", "n_heads")],
        "xglm" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "num_layers"),
            ("num_attention_heads", "attention_heads"),
        ],
        "internlm3" => &[("qkv_bias", "attention_bias"), ("bias", "mlp_bias")],
        "gpt_oss" | "minimax_m2" | "mixtral" => &[("num_experts", "num_local_experts")],
        "flex_olmo" | "olmoe" => &[("num_local_experts", "num_experts")],
        "ernie4_5_moe" => &[("num_experts_per_tok", "moe_k")],
        "glm4_moe_lite" => &[("head_dim", "qk_rope_head_dim")],
        "distilbert" => {
            &[("hidden_size", "dim"), ("num_hidden_layers", "n_layers"), ("num_attention_heads", "n_heads")]
        }
        "mt5" | "t5" | "umt5" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "num_layers"),
            ("num_attention_heads", "num_heads"),
            ("head_dim", "d_kv"),
        ],
        "bart" | "blenderbot" | "blenderbot-small" | "detr" | "m2m_100" | "marian" | "mbart" | "mvp" | "pegasus"
        | "table-transformer" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "encoder_layers"),
            ("num_attention_heads", "encoder_attention_heads"),
        ],
        "plbart" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "encoder_layers"),
            ("num_attention_heads", "encoder_attention_heads"),
            ("initializer_range", "init_std"),
        ],
        "whisper" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "encoder_layers"),
            ("num_attention_heads", "encoder_attention_heads"),
            ("num_key_value_heads", "encoder_attention_heads"),
        ],
        "qwen2_audio_encoder" => &[
            ("hidden_size", "d_model"),
            ("num_hidden_layers", "encoder_layers"),
            ("num_attention_heads", "encoder_attention_heads"),
            ("intermediate_size", "encoder_ffn_dim"),
        ],
        "voxtral_encoder" => &[
            ("d_model", "hidden_size"),
            ("encoder_layers", "num_hidden_layers"),
            ("encoder_attention_heads", "num_attention_heads"),
            ("encoder_ffn_dim", "intermediate_size"),
        ],
        "donut-swin" | "maskformer-swin" | "swin" => &[("num_attention_heads", "num_heads")],
        "segformer" => &[("num_hidden_layers", "num_encoder_blocks")],
        _ => &[],
    }
}
