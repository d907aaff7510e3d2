//! Plain words for the keys of configurations.

use crate::parts::capital;

/// What a number means, for a person who has never seen a config.json; the key itself where there is no better word.
pub fn label(key: &str) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    known(name).map_or_else(|| capital(&name.replace('_', " ")), str::to_owned)
}

/// The part of the model that a key belongs to: `Vision` for `vision_config.hidden_size`.
pub fn part(key: &str) -> String {
    let Some((parent, _)) = key.rsplit_once('.') else { return String::new() };
    capital(&parent.replace("_config", "").replace(['_', '.'], " "))
}

fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "num_hidden_layers" | "n_layer" | "n_layers" | "num_layers" | "depth" => "Layers",
        "encoder_layers" | "num_encoder_layers" => "Layers of the encoder",
        "decoder_layers" | "num_decoder_layers" => "Layers of the decoder",
        "hidden_size" | "d_model" | "n_embd" | "dim" | "embed_dim" => "Width",
        "num_attention_heads" | "n_head" | "n_heads" | "num_heads" => "Attention heads",
        "encoder_attention_heads" => "Heads of the encoder",
        "decoder_attention_heads" => "Heads of the decoder",
        "num_key_value_heads" => "Key and value heads",
        "head_dim" | "d_kv" => "Width of a head",
        "intermediate_size" | "d_ff" | "n_inner" | "ffn_dim" | "hidden_dim" => "Feed-forward width",
        "encoder_ffn_dim" => "Feed-forward, encoder",
        "decoder_ffn_dim" => "Feed-forward, decoder",
        "vocab_size" => "Vocabulary",
        "max_position_embeddings" | "n_positions" | "max_target_positions" => "Longest text, tokens",
        "max_source_positions" => "Longest sound, frames",
        "type_vocab_size" => "Kinds of segments",
        "image_size" => "Image edge, pixels",
        "patch_size" => "Patch edge, pixels",
        "num_channels" => "Colour channels",
        "num_frames" => "Frames of video",
        "num_mel_bins" => "Bands of the spectrogram",
        "embedding_size" => "Width of embeddings",
        "word_embed_proj_dim" => "Width of embeddings",
        "projection_dim" => "Width that is compared",
        "num_labels" => "Classes told apart",
        "num_local_experts" | "num_experts" | "n_routed_experts" => "Experts",
        "num_experts_per_tok" => "Experts for each token",
        "sliding_window" => "Attention window, tokens",
        _ => return None,
    })
}
