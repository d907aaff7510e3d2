//! What the configurations of decoders have in common.

use super::body::Layer;
use crate::{ModelError, blocks::Heads, config::Config};

/// Heads by the usual keys: `num_key_value_heads` and `head_dim` may be missing.
pub fn heads(config: &Config) -> Result<Heads, ModelError> {
    if !config.has("head_dim") {
        let (width, count) = (config.needed("hidden_size")?, config.needed("num_attention_heads")?);
        config.divides("hidden_size", width, "num_attention_heads", count)?;
    }
    rounded_heads(config)
}

/// The same where heads without a `head_dim` may be a little narrower than their share.
pub fn rounded_heads(config: &Config) -> Result<Heads, ModelError> {
    let width = config.needed("hidden_size")?;
    let count = config.needed("num_attention_heads")?;
    let key_value_count = config.size("num_key_value_heads", count)?;
    config.divides("num_attention_heads", count, "num_key_value_heads", key_value_count)?;
    let head_width = if config.has("head_dim") { config.needed("head_dim")? } else { (width / count).max(1) };
    Ok(Heads { width, count, key_value_count, head_width, value_width: head_width })
}

/// Which layers see only a window: as `layer_types` says, else as `otherwise` does by the layer's number.
pub fn sliding(config: &Config, layers: usize, otherwise: impl Fn(usize) -> bool) -> Result<Vec<bool>, ModelError> {
    let Some(kinds) = config.each_layer("layer_types", layers)? else {
        return Ok((0..layers).map(otherwise).collect());
    };
    let kind = |kind: &String| match kind.as_str() {
        "sliding_attention" => Ok(true),
        "full_attention" => Ok(false),
        _ => Err(config.refuse(
            "layer_types",
            format!("the kind {kind:?} is not built"),
            "Known are full_attention and sliding_attention",
        )),
    };
    kinds.iter().map(kind).collect()
}

/// Gives the sliding ones among the layers their window.
pub fn set_windows(layers: &mut [Layer], sliding: &[bool], window: Option<usize>) {
    for (layer, sliding) in layers.iter_mut().zip(sliding) {
        layer.window = window.filter(|_| *sliding);
    }
}

/// A number of layers that the default configuration has.
pub fn needed_layers(config: &Config, key: &str) -> Result<usize, ModelError> {
    config.needed(key)?;
    config.layers(key, 1)
}
