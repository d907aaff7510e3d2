//! Special tokens: a small vocabulary has no room for id 151655, so special ids move together above the ordinary ones.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Ordinary tokens end here. Ids below 10 (padding, begin, end) stay where they are.
pub(super) const FIRST: u64 = 100;
const STAY_BELOW: u64 = 10;

pub(super) struct Tokens {
    moved: BTreeMap<u64, u64>,
}

impl Tokens {
    pub(super) fn of(config: &Map<String, Value>) -> Self {
        let mut found = BTreeSet::new();
        gather(config, &mut found);
        Self { moved: found.into_iter().zip(FIRST..).collect() }
    }

    /// Entries of the small vocabulary. Segments of a text have one of their own, which is small as it is.
    pub(super) fn vocabulary(&self, key: &str, entries: u64) -> u64 {
        let needed = if key == "type_vocab_size" { 16 } else { FIRST + self.moved.len() as u64 + 1 };
        entries.min(needed.next_multiple_of(64))
    }

    pub(super) fn smaller(&self, value: &Value) -> Value {
        match value {
            Value::Array(ids) => ids.iter().map(|id| self.smaller(id)).collect(),
            Value::Number(_) => match value.as_u64().and_then(|id| self.moved.get(&id)) {
                Some(moved) => Value::from(*moved),
                None => value.clone(),
            },
            other => other.clone(),
        }
    }
}

pub(super) fn is_vocabulary(key: &str) -> bool {
    key.ends_with("vocab_size") || key == "vocab_size_per_layer_input"
}

pub(super) fn is_special(key: &str) -> bool {
    const ENDS: [&str; 8] = [
        "_token_id",
        "_token_ids",
        "_token_index",
        "_token",
        "suppress_tokens",
        "_patch_id",
        "_stream_bos_id",
        "_stream_eos_id",
    ];
    const COUNTS: [&str; 3] = ["num_", "max_", "per_"];
    ENDS.iter().any(|end| key.ends_with(end)) && !COUNTS.iter().any(|start| key.contains(start))
}

fn gather(config: &Map<String, Value>, found: &mut BTreeSet<u64>) {
    for (key, value) in config {
        match value {
            Value::Object(nested) => gather(nested, found),
            value if is_special(key) => {
                let ids = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                found.extend(ids.iter().filter_map(Value::as_u64).filter(|id| *id >= STAY_BELOW));
            }
            _ => {}
        }
    }
}

/// Gives an encoder-decoder that names no first token of its decoder the padding's, as checkpoints of such types do:
/// labels are shifted behind it.
pub(super) fn add_start(config: &mut Map<String, Value>) {
    const KEY: &str = "decoder_start_token_id";
    if config.get(KEY).is_none_or(Value::is_null) && config.contains_key("vocab_size") {
        let padding = config.get("pad_token_id").filter(|id| id.is_u64()).cloned();
        config.insert(KEY.to_owned(), padding.unwrap_or_else(|| 0.into()));
    }
}
