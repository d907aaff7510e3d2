//! How small a number may become, by the name of its key.

use serde_json::{Map, Value};

/// Width of the main vector; four heads of sixteen.
const WIDTH: u64 = 64;
const INNER: u64 = 128;
const HEADS: u64 = 4;
const HEAD_WIDTH: u64 = 16;
const POSITIONS: u64 = 128;

/// Keys with the largest number each may keep; `*` stands for any beginning. The first that fits counts.
const LIMITS: [(&[&str], u64); 18] = [
    // With two layers there is none whose keys and values another could take.
    (&["num_kv_shared_layers"], 0),
    (&["num_queries", "two_stage_num_proposals"], 16),
    (&["encoder_hash_byte_group_vocab"], 512),
    (&["original_max_position_embeddings"], POSITIONS / 2),
    // The inner width of a state space layer is twice the outer.
    (&["mamba_n_heads", "n_mamba_heads", "mamba_num_heads"], 2 * WIDTH / HEAD_WIDTH),
    (
        &[
            "*max_position_embeddings",
            "*n_positions",
            "*max_source_positions",
            "*max_target_positions",
            "*context_length",
            "*n_ctx",
            "*max_seq_len",
            "*max_sequence_length",
            "*max_seq_length",
            "*model_max_length",
        ],
        POSITIONS,
    ),
    (&["*num_experts", "*num_local_experts", "*n_routed_experts", "*moe_num_experts"], 4),
    (&["num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k", "moe_k", "n_group", "num_expert_group"], 2),
    (&["topk_group", "n_shared_experts", "moe_num_shared_experts"], 1),
    // Parts of a whole that other keys do not name, or sizes of data rather than of the model.
    (
        &[
            "pos_emb_width",
            "codebook_dim",
            "patch_dim",
            "query_dim",
            "max_action_dim",
            "max_state_dim",
            "state_dim",
            "act_dim",
            "input_feat_size",
            "visual_feat_dim",
            "keypoint_decoder_dim",
            "xpath_unit_hidden_size",
            "quantization_dim",
            "groups_width",
        ],
        u64::MAX,
    ),
    (&["rotary_dim"], HEAD_WIDTH / 2),
    // A query of latent attention has a part that turns with the position and one that does not.
    (&["qk_head_dim", "index_head_dim"], 2 * HEAD_WIDTH),
    (
        &[
            "*head_dim",
            "*head_size",
            "d_kv",
            "d_head",
            "key_dim",
            "dim_head",
            "kv_channels",
            "mamba_d_head",
            "mamba_headdim",
        ],
        HEAD_WIDTH,
    ),
    (&["*num_heads", "*n_heads", "*n_head", "heads", "*attention_heads", "*attn_heads"], HEADS),
    (
        &[
            "*intermediate_size",
            "*intermediate_dim",
            "*ffn_dim",
            "*ffn_hidden_size",
            "*mlp_dim",
            "*d_ff",
            "dff",
            "dim_ff",
            "*dim_feedforward",
            "*feedforward_dim",
            "*feed_forward_hidden_size",
            "feed_forward_size",
            "n_inner",
            "d_inner",
            "mamba_d_ssm",
            "*linear_units",
            "*mlp_hidden_size",
            "intermediate_size_mlp",
        ],
        INNER,
    ),
    (&["*_rank"], WIDTH / 4),
    (
        &[
            "*hidden_size",
            "hidden_size_global",
            "*_dim",
            "dim",
            "*d_model",
            "*n_embd",
            "*width",
            "*embedding_size",
            "*_units",
            "*embed_size",
            "d_embed",
            "*adapter_size",
            "*d_latents",
            "*projection_size",
            "*hidden_channels",
            "output_channels",
            "pooler_output_size",
            "intra_bottleneck_size",
            "prediction_head_size",
        ],
        WIDTH,
    ),
    (&["*_hidden"], WIDTH),
];

/// Lists with an entry a stage: the widths of such a network grow from stage to stage, and are left as they are.
const STAGED: [&str; 17] = [
    "depths",
    "hidden_sizes",
    "embed_dims",
    "embed_dim",
    "embed_dim_per_stage",
    "encoder_hidden_sizes",
    "encoder_in_channels",
    "block_out_channels",
    "block_configs",
    "stage_configs",
    "stage_out_channels",
    "stage_block_out_channels",
    "resnet_configs",
    "expand_ratios",
    "channel_multiplier",
    "upsampling_ratios",
    "downsampling_ratios",
];

pub(super) fn is_staged(config: &Map<String, Value>) -> bool {
    STAGED.iter().any(|key| config.get(*key).is_some_and(Value::is_array))
}

/// Whether a number may become smaller where widths are left as they are.
pub(super) fn is_free(key: &str) -> bool {
    matches!(key, "num_queries" | "two_stage_num_proposals")
}

/// A number that is neither a count of layers nor a vocabulary.
pub(super) fn number(key: &str, number: u64, config: &Map<String, Value>) -> u64 {
    if key == "num_heads" && config.contains_key("state_size") {
        return number.min(2 * WIDTH / HEAD_WIDTH);
    }
    if key.ends_with("num_key_value_heads") || key == "num_kv_heads" {
        return if number >= query_heads(config) { number.min(HEADS) } else { number.min(HEADS / 2) };
    }
    let fits = |name: &&str| name.strip_prefix('*').map_or(*name == key, |end| key.ends_with(end));
    let limit = LIMITS.iter().find(|(names, _)| names.iter().any(&fits));
    limit.map_or(number, |(_, limit)| number.min(*limit))
}

fn query_heads(config: &Map<String, Value>) -> u64 {
    ["num_attention_heads", "n_head", "num_heads", "n_heads"]
        .iter()
        .find_map(|key| config.get(*key).and_then(Value::as_u64))
        .unwrap_or(0)
}
