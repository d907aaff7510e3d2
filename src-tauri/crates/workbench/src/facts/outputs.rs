//! What the small models give: names and shapes of their outputs for a batch of two, as transformers 5.23 gave them on
//! the processor. `cargo xtask bench templates` writes the list anew.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// Shapes by the name of the output.
pub(super) type Outputs = BTreeMap<String, Vec<u64>>;

#[derive(Deserialize)]
struct Line {
    model_type: String,
    outputs: Outputs,
}

static SEEN: LazyLock<HashMap<String, Outputs>> = LazyLock::new(|| {
    include_str!("outputs.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line of the list that ships is a model type's outputs"))
        .map(|line: Line| (line.model_type, line.outputs))
        .collect()
});

/// None for a type that was not seen to run.
pub(super) fn outputs(model_type: &str) -> Outputs {
    SEEN.get(model_type).cloned().unwrap_or_default()
}
