//! The gallery: every model type there is, and what a model costs before anything is run.

use crate::{DeviceId, Dim, EngineId, Experts, Family, MedianTime, Medium, ModelId, PerSample, Precision, ValueSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One model type in the words of transformers, at its default configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeRow {
    pub model_type: String,
    pub family: Family,
    /// Why it is of that family, in a sentence.
    pub family_reason: String,
    /// In the words of transformers: `fill-mask`.
    pub tasks: Vec<String>,
    pub reads: Vec<Medium>,
    /// Of the base model; none where transformers itself cannot count them.
    pub parameters: Option<u64>,
    pub support: Support,
    /// Engines that measured a model of this type, as the open store has it.
    pub evidence: Vec<EngineRecord>,
}

impl TypeRow {
    /// What the weights alone take in a precision: the parameters times the bits of one. Scales of quantised weights
    /// come on top, as do the results between the layers. None where the parameters are not counted.
    pub fn weight_bytes(&self, precision: Precision) -> Option<u64> {
        Some(self.parameters?.saturating_mul(u64::from(precision.bits())).div_ceil(8))
    }
}

/// What Assay can do with a model type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "can", rename_all = "snake_case")]
pub enum Support {
    /// It is built from its config.json and measured here.
    Measured,
    /// Only files that run transformers are generated for it.
    Templates {
        reason: String,
    },
    NotYet {
        reason: String,
    },
}

/// How one engine fared with the models of one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineRecord {
    pub engine: EngineId,
    pub measured: u64,
    pub failed: u64,
}

/// Where a configuration to look at comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ConfigSource {
    /// The defaults of a model type.
    Type { model_type: String },
    /// A preset or a model that was added.
    Listed { id: ModelId },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigText {
    pub name: String,
    /// None for an ONNX file, which has no configuration.
    pub text: Option<String>,
}

/// What is to be described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Described {
    Listed {
        id: ModelId,
    },
    /// A configuration that is being written.
    Text {
        text: String,
    },
}

/// A configuration as far as it makes sense, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigReading {
    /// Whole numbers that the model is made from, in the order it reads them, as far as it came.
    pub sizes: Vec<ConfigSize>,
    /// Classes of transformers that its type can be built as.
    pub classes: Vec<ModelClass>,
    pub description: Option<ModelDescription>,
    pub problem: Option<ConfigProblem>,
    /// What a worker may use on this machine now.
    pub available_memory_bytes: u64,
    /// The most layers that fit in the first precision, where the model does not.
    pub fitting_layers: Option<FittingLayers>,
}

/// A whole number of a configuration: a width, a number of layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigSize {
    /// With the keys that lead to it: `text_config.hidden_size`.
    pub key: String,
    pub value: u64,
    /// Written in the configuration; else it is the default.
    pub own: bool,
    /// It says how often a layer is repeated.
    pub layers: bool,
    /// It may be absent; its value is 0 then.
    pub optional: bool,
    pub least: u64,
    pub most: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelClass {
    pub name: String,
    /// What it does, in a sentence.
    pub about: String,
}

/// Why a configuration gives no model, at the place to mend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// The key of the configuration, where one is to blame.
    pub key: Option<String>,
    /// The free size of the inputs, where one is to blame.
    pub dim: Option<String>,
    /// Of the configuration's text, counted from 1.
    pub line: Option<u32>,
    pub reason: String,
    pub remedy: String,
}

/// The model with fewer layers: of what holds most of its weights, and of an encoder and its decoder together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittingLayers {
    /// Keys of the configuration that say how many layers there are, with what to set them to.
    pub keys: BTreeMap<String, u64>,
    /// The same in words: `6 layers`, `6 encoder and 3 decoder layers`.
    pub named: String,
}

/// What a model would take whole, from runs of it with a few layers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerForecasts {
    /// Layers of the whole model, on the side that has more where there is an encoder and a decoder; 0 where nothing
    /// repeats.
    pub layers: u64,
    /// The same in words: `12 layers`, `12 encoder and 6 decoder layers`.
    pub named: String,
    /// The model with each small number of layers, to be measured.
    pub few: Vec<ConfigText>,
    /// For each place that has measured enough of them.
    pub forecasts: Vec<LayerForecast>,
}

/// A prediction for one place and precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerForecast {
    pub engine: EngineId,
    pub device: DeviceId,
    pub device_name: String,
    /// With what ran otherwise, as [`crate::ran_text`] tells it: `f16, ran in f32`.
    pub precision: String,
    pub times: LayerTimes,
    /// Batch divided by the time of a further token; only where text is generated.
    pub tokens_per_s: Option<f64>,
    /// The measured runs it rests on.
    pub from: Vec<LayerRun>,
}

/// The newest run of a model with so many layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerRun {
    /// Counted as [`LayerForecasts::layers`].
    pub layers: u32,
    pub times: LayerTimes,
}

/// What a model takes with some number of layers, measured or predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerTimes {
    /// Of one call, which is a whole text where text is generated.
    pub call: MedianTime,
    /// Only where text is generated.
    pub tokens: Option<TokenTimes>,
}

/// The two times that a text is made of, those of the whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenTimes {
    /// From the prompt to the choice of the first token.
    pub first: MedianTime,
    /// From the choice of one token to that of the next.
    pub further: MedianTime,
}

/// What a model is and what it costs; every number follows from its graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
    pub name: String,
    /// In the words of transformers; `onnx` for an ONNX file.
    #[serde(rename = "type")]
    pub model_type: String,
    /// Class of transformers that it is built as; none for an ONNX file.
    pub class: Option<String>,
    /// None where transformers does not know the type.
    pub family: Option<Family>,
    pub family_reason: Option<String>,
    pub about: String,
    pub parameters: Option<u64>,
    pub random_weights: bool,
    pub graph_hash: String,
    pub inputs: Vec<ValueSpec>,
    pub outputs: Vec<ValueSpec>,
    pub dims: Vec<Dim>,
    /// What the numbers below are for.
    pub sizes: BTreeMap<String, u64>,
    /// Multiply-accumulates of one call; none where an operator's are not known.
    pub macs: Option<u64>,
    /// Only where each token goes through a few of many networks.
    pub experts: Option<Experts>,
    /// Numbers in all intermediate results.
    pub activations: Option<u64>,
    /// What one sample is, as throughput counts it; none where nothing tells.
    pub per_sample: Option<PerSample>,
    /// Generating text: none for a model that writes none.
    pub generation: Option<GenerationWork>,
    pub memory: Vec<PrecisionMemory>,
    pub operators: BTreeMap<String, u32>,
    /// Multiply-accumulates by operator, where it has any.
    pub operator_macs: BTreeMap<String, u64>,
}

/// Multiply-accumulates of the two stages of generating text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationWork {
    /// Length of the prompt: tokens of text, or frames of sound.
    pub tokens: u64,
    /// Of reading the whole prompt.
    pub prefill_macs: Option<u64>,
    /// Of the next token: the one after the prompt, or after an answer as long as the sizes say.
    pub decode_macs: Option<u64>,
}

/// The least that a model needs in one precision; engines add buffers of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionMemory {
    pub precision: Precision,
    /// Of all weights as stored; loading needs at least these.
    pub weight_bytes: u64,
    /// What building it writes; 0 where a person's file is used as it is.
    pub disk_bytes: u64,
    /// One call first; where text is written, then its two stages and both together.
    pub phases: Vec<PhaseMemory>,
}

impl PrecisionMemory {
    /// The most that any phase needs.
    pub fn most_bytes(&self) -> u64 {
        self.phases.iter().map(|phase| phase.total_bytes).max().unwrap_or(self.weight_bytes)
    }

    /// What a phase needs; none where the model has no such phase.
    pub fn phase_bytes(&self, phase: CostPhase) -> Option<u64> {
        self.phases.iter().find(|known| known.phase == phase).map(|known| known.total_bytes)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseMemory {
    pub phase: CostPhase,
    /// The largest sum of results that live at the same time.
    pub activation_bytes: u64,
    /// Keys and values kept for the next token; 0 outside of generating text.
    pub cache_bytes: u64,
    /// With the weights: those of the model once, and while text is written those of both stages.
    pub total_bytes: u64,
}

impl PhaseMemory {
    /// Of the weights that are loaded meanwhile.
    pub fn weight_bytes(&self) -> u64 {
        self.total_bytes.saturating_sub(self.activation_bytes).saturating_sub(self.cache_bytes)
    }
}

/// Why writing text needs more memory than one call.
pub const LOADED_TWICE: &str =
    "Assay loads the model twice to write text: once to read the prompt, once for each next token";

/// What a model is doing while it needs the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostPhase {
    /// One call of the whole model.
    Run,
    /// Reading the prompt and keeping its keys and values: the graph for that by itself.
    Prefill,
    /// Writing the next token: the graph for that by itself.
    Decode,
    /// Writing text as it is measured: both of these graphs are loaded at once, each with its own weights, so this is
    /// what both need together.
    Generation,
}
