//! What the store answers that is not a contract type by itself.

use contract::{
    DeviceId, EngineId, Evidence, JobId, LayerTimes, MachineId, Metric, Mode, ModelId, NoiseGrade, PerSample, Platform,
    Precision, RunId, Setting, SizeUnit, ran_text,
};
use jiff::Timestamp;

/// The best figure of every pair of model and device that has results; the shell adds the machine's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixBest {
    pub metric: Metric,
    /// Sorted by model, then platform, then device.
    pub cells: Vec<BestCell>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BestCell {
    pub model: String,
    pub family: String,
    pub platform: Platform,
    pub device: DeviceId,
    pub device_name: String,
    /// The machine it was measured on; none for imported results.
    pub machine: Option<MachineId>,
    /// Results behind this cell, failed ones included.
    pub runs: u32,
    /// The best figure that may be ranked.
    pub best: Option<BestFigure>,
    /// The newest result without a rankable figure: failed, withheld, or lacking this metric.
    pub failed: Option<FailedCell>,
}

/// In the unit of the metric; a throughput in that of its task, where all results of the model have it.
#[derive(Clone, Debug, PartialEq)]
pub struct BestFigure {
    pub run: RunId,
    pub value: f64,
    /// 95 % interval, where the metric is a time or follows from one.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// What one sample is, where a throughput is told in that.
    pub per_sample: Option<PerSample>,
    pub precision: Precision,
    /// The one that ran, where that is known.
    pub effective_precision: Option<Precision>,
    /// Share of the work on the device, above 0; none where it is not known.
    pub device_share: Option<f64>,
    /// Whether every expert of a mixture was computed for every token.
    pub all_experts: bool,
    pub engine: EngineId,
    pub evidence: Evidence,
    pub mode: Mode,
    pub batch: u32,
    pub size: Option<u32>,
    pub size_unit: Option<SizeUnit>,
    /// Dimensions beyond batch and size, as [`contract::dims_key`] writes them.
    pub dims: Option<String>,
    pub noise: Option<NoiseGrade>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FailedCell {
    pub run: RunId,
    pub reason: String,
}

/// A finished run of one graph, as far as a forecast needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphRun {
    pub graph_hash: String,
    pub engine: EngineId,
    pub device: DeviceId,
    pub device_name: String,
    /// The one asked for.
    pub precision: Precision,
    pub effective_precision: Option<Precision>,
    pub times: LayerTimes,
}

/// A ranked result with a time: what is learned from, and a point of a watched series.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownRun {
    pub id: RunId,
    pub model: String,
    pub model_id: ModelId,
    pub family: String,
    /// The word of the neutral table.
    pub hardware: String,
    pub platform: Platform,
    /// The machine it was measured on; none for imported results.
    pub machine: Option<MachineId>,
    pub device: DeviceId,
    /// Used together.
    pub devices: Option<u32>,
    pub engine: EngineId,
    pub engine_version: String,
    /// The one asked for, as its table says it: `amp`, `w8a16`.
    pub precision: String,
    /// The one that ran, where that is known.
    pub effective_precision: Option<Precision>,
    /// Share of the work on the device, above 0; none where it is not known.
    pub device_share: Option<f64>,
    /// Whether every expert of a mixture was computed for every token.
    pub all_experts: bool,
    pub mode: Mode,
    pub batch: Option<u32>,
    pub size: Option<u32>,
    pub size_unit: Option<SizeUnit>,
    /// Dimensions beyond batch and size, as [`contract::dims_key`] writes them.
    pub dims: Option<String>,
    /// Only where text was generated here.
    pub output_tokens: Option<u32>,
    pub threads: Option<u32>,
    pub started_at: Option<Timestamp>,
    pub parameters: Option<u64>,
    pub macs: Option<u64>,
    pub activations: Option<u64>,
    /// Of one batch.
    pub median_ms: f64,
    /// 95 % interval, where the table has one.
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub evidence: Evidence,
    pub surroundings: Surroundings,
}

impl KnownRun {
    /// The precision asked for, and what ran otherwise.
    pub fn ran(&self) -> String {
        ran_text(&self.precision, self.effective_precision, self.device_share, self.all_experts)
    }

    /// The same of the precision alone: `f16, ran in f32`.
    pub fn ran_precision(&self) -> String {
        ran_text(&self.precision, self.effective_precision, None, false)
    }
}

/// What may change between two measurements of the same setting; all blank for imported results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    pub os: Option<String>,
    pub driver: Option<String>,
    pub governor: Option<String>,
    pub power: Option<String>,
    pub assay_version: Option<String>,
}

/// A job that was running when the app ended without a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Interrupted {
    pub job: JobId,
    pub run: RunId,
    pub setting: Setting,
    /// How often this job was found so; 1 is the first time.
    pub times: u32,
}
