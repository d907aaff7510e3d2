//! Rotary embeddings: their lists have an entry for every pair of a head's numbers.

use super::keys;
use serde_json::{Map, Value};

pub(super) const KEYS: [&str; 3] = ["rope_parameters", "rope_scaling", "rope_config"];

/// Types whose code splits the pairs between time, height and width, and takes the split of full-sized heads where the
/// configuration names none.
const SPLIT: [&str; 12] = [
    "cohere_compass",
    "cosmos3_edge",
    "ernie4_5_vl_moe",
    "glm4v",
    "glm_image",
    "glm_ocr",
    "paddleocr_vl",
    "qwen2_5_vl",
    "qwen2_vl",
    "qwen3_5",
    "qwen3_vl",
    "qwen4_exp",
];

pub(super) fn smaller(rotary: &Map<String, Value>, config: &Map<String, Value>) -> Map<String, Value> {
    let pairs = pairs(rotary, config);
    let mut small: Map<String, Value> = rotary
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Object(nested) => Value::Object(smaller(nested, config)),
                Value::Array(factors) if key.ends_with("_factor") => {
                    factors.iter().take(pairs as usize).cloned().collect()
                }
                Value::Array(sections) if key == "mrope_section" => shares(sections.len() as u64, pairs),
                Value::Number(number) => match number.as_u64() {
                    Some(number) => keys::number(key, number, config).into(),
                    None => value.clone(),
                },
                other => other.clone(),
            };
            (key.clone(), value)
        })
        .collect();
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let splits = SPLIT.iter().any(|split| model_type.starts_with(split)) && !model_type.ends_with("vision");
    if splits && rotary.contains_key("rope_theta") {
        small.entry("mrope_section").or_insert_with(|| shares(3, pairs));
    }
    small
}

/// Pairs of a small head that turn with the position.
fn pairs(rotary: &Map<String, Value>, config: &Map<String, Value>) -> u64 {
    let head = config.get("head_dim").and_then(Value::as_u64).filter(|width| *width > 0).unwrap_or(u64::MAX);
    let share = [rotary, config].iter().find_map(|settings| settings.get("partial_rotary_factor"));
    let share = share.and_then(Value::as_f64).unwrap_or(1.0);
    (keys::number("head_dim", head, config) as f64 * share / 2.0) as u64
}

/// Sections for time, height and width that together are all pairs; height and width are alike.
fn shares(sections: u64, pairs: u64) -> Value {
    let others = sections.max(2) - 1;
    let other = pairs * 3 / (4 * others);
    (0..sections).map(|at| Value::from(if at == 0 { pairs - other * others } else { other })).collect()
}
