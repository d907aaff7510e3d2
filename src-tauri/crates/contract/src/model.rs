//! A model as the window knows it: where it comes from, what it takes in, what it costs.

use crate::{ModelId, Precision};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ModelOrigin {
    /// Ships with Assay; weights are seeded random numbers.
    Preset,
    /// A config.json alone; weights are seeded random numbers.
    Config {
        path: String,
    },
    /// A config.json beside its safetensors weights.
    Checkpoint {
        path: String,
    },
    Onnx {
        path: String,
    },
    /// Fetched from a repository of Hugging Face; with random weights where only its configuration was.
    Hub {
        path: String,
        repository: String,
        /// The commit.
        revision: String,
        /// None where the repository names none.
        licence: Option<String>,
    },
}

/// What a dimension means, so that it can be asked for in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DimRole {
    Batch,
    /// Tokens of text.
    Sequence,
    /// Pixels along an edge.
    ImageSize,
    Other,
}

/// A dimension of the inputs that is free to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dim {
    /// The symbol in the graph: `batch`, `sequence`, `past_length`.
    pub name: String,
    pub role: DimRole,
    /// The question for a person: "How many tokens of text?".
    pub question: String,
    pub default: u32,
    pub max: Option<u32>,
    /// How many make a second, where it counts pieces of sound.
    #[serde(default)]
    pub per_second: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueSpec {
    pub name: String,
    /// ONNX element type in lower case: `float`, `int64`.
    pub element: String,
    /// Fixed sizes as numbers, free ones as their symbol.
    pub shape: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    pub id: ModelId,
    pub name: String,
    /// Model type in the words of transformers (`bert`), or `onnx` where unknown.
    pub family: String,
    pub origin: ModelOrigin,
    /// What it does, in a sentence: "Reads text and gives a vector for each token".
    pub about: String,
    pub parameters: Option<u64>,
    /// Multiply-accumulates of one sample at the default sizes.
    pub macs: Option<u64>,
    /// Bytes of the weights in f32.
    pub weight_bytes: u64,
    pub inputs: Vec<ValueSpec>,
    pub outputs: Vec<ValueSpec>,
    pub dims: Vec<Dim>,
    pub precisions: Vec<Precision>,
    /// Hex SHA-256 of the graph's structure, without weights.
    pub graph_hash: String,
    /// Nodes by operator, most frequent first.
    pub operators: Vec<(String, u32)>,
    /// The weights are random: outputs mean nothing; times and memory are real, unless the weights share one pool.
    pub random_weights: bool,
}
