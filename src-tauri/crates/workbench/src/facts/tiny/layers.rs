//! Depth: two layers, or one of each kind where a type mixes more than two kinds; lists with an entry a layer follow.

use super::keys;
use serde_json::{Map, Value};

/// Keys that count layers of the same stack.
const COUNTS: [&str; 36] = [
    "num_hidden_layers",
    "num_layers",
    "n_layer",
    "n_layers",
    "layers",
    "depth",
    "encoder_layers",
    "decoder_layers",
    "encoder_depth",
    "decoder_depth",
    "num_encoder_layers",
    "num_decoder_layers",
    "speech_encoder_layers",
    "t2u_encoder_layers",
    "t2u_decoder_layers",
    "encoder_num_hidden_layers",
    "decoder_num_hidden_layers",
    "pred_num_hidden_layers",
    "mit_num_hidden_layers",
    "conf_num_hidden_layers",
    "prompt_encoder_layers",
    "text_encoder_num_layers",
    "task_encoder_num_layers",
    "memory_attention_num_layers",
    "num_spatial_layers",
    "num_temporal_layers",
    "num_self_attends_per_block",
    "num_layers_per_stack",
    "num_ctc_layers",
    "num_blocks",
    "l_layers",
    "x_layers",
    "r_layers",
    "vision_layers",
    "text_layers",
    "max_window_layers",
];

/// Numbers of leading layers of another kind: one of the two layers.
const LEADING: [&str; 4] = ["first_k_dense_replace", "num_dense_layers", "num_hash_layers", "moe_layer_start_index"];

pub(super) struct Layers {
    before: usize,
    /// Which of the layers before stand for the ones after: the first of each kind, and their number is the depth.
    kept: Vec<usize>,
    /// Backbones name each layer a stage, after the stem.
    stages: bool,
}

impl Layers {
    pub(super) fn of(config: &Map<String, Value>) -> Self {
        let counts = config.iter().filter(|(key, _)| COUNTS.contains(&key.as_str()) && *key != "max_window_layers");
        let before = counts.filter_map(|(_, value)| value.as_u64()).max().unwrap_or(0) as usize;
        let kinds: Vec<&Vec<Value>> = config
            .values()
            .filter_map(Value::as_array)
            .filter(|items| items.len() == before && items.iter().all(Value::is_string))
            .collect();
        let kind = |layer: usize| -> Vec<&Value> { kinds.iter().map(|items| &items[layer]).collect() };
        let mut kept: Vec<usize> = Vec::new();
        for layer in 0..before {
            if kept.iter().all(|other| kind(*other) != kind(layer)) {
                kept.push(layer);
            }
        }
        if let ([only], 2..) = (&kept[..], before) {
            kept.push(only + 1);
        }
        let stages = config.get("stage_names").and_then(Value::as_array);
        let stages = before > 2 && stages.is_some_and(|stages| stages.len() == before + 1);
        Self { before, kept, stages }
    }

    fn after(&self) -> u64 {
        self.kept.len().max(1) as u64
    }

    /// A number that counts layers; none where the key counts something else.
    pub(super) fn number(&self, key: &str, number: Option<u64>) -> Option<u64> {
        let number = number?;
        if COUNTS.contains(&key) {
            Some(number.min(self.after()))
        } else if LEADING.contains(&key) {
            Some(number.min(1))
        } else {
            None
        }
    }

    pub(super) fn list(&self, key: &str, items: &[Value], config: &Map<String, Value>) -> Vec<Value> {
        if self.before > 2 && items.len() == self.before {
            return self.those_kept(key, items, config);
        }
        match key {
            "stage_names" if self.stages => return items[..=self.kept.len()].to_vec(),
            "out_features" if self.stages => return vec![format!("stage{}", self.after()).into()],
            "out_indices" if self.stages => return vec![self.after().into()],
            _ => {}
        }
        if key == "depths" {
            return vec![1.into(); items.len()];
        }
        let indices = ["layers", "indexes", "indices", "idxs", "_ids", "feature_layer"];
        let names_layers = self.before > 0 && indices.iter().any(|end| key.ends_with(end));
        let numbers: Option<Vec<u64>> = items.iter().map(Value::as_u64).collect();
        match numbers {
            Some(numbers) if names_layers && !items.is_empty() => {
                let mut kept: Vec<u64> = numbers.into_iter().map(|layer| layer.min(self.after() - 1)).collect();
                kept.dedup();
                kept.into_iter().map(Value::from).collect()
            }
            _ => items.to_vec(),
        }
    }

    fn those_kept(&self, key: &str, items: &[Value], config: &Map<String, Value>) -> Vec<Value> {
        let smaller = |item: &Value| item.as_u64().map(|number| keys::number(key, number, config).into());
        self.kept.iter().map(|layer| smaller(&items[*layer]).unwrap_or_else(|| items[*layer].clone())).collect()
    }

    /// Settings of single layers, by the number of the layer; none where the keys are not numbers.
    pub(super) fn settings(&self, nested: &Map<String, Value>) -> Option<Map<String, Value>> {
        let numbers: Option<Vec<usize>> = nested.keys().map(|key| key.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty() && self.before > 2)?;
        let now = |number: usize| self.kept.iter().position(|layer| *layer == number);
        let kept = numbers.iter().zip(nested.values()).filter_map(|(number, value)| Some((now(*number)?, value)));
        Some(kept.map(|(layer, value)| (layer.to_string(), value.clone())).collect())
    }
}
