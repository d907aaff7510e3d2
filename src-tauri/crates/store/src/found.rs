//! What the store answers that is not a contract type by itself.

use contract::{
    DeviceId, EngineId, Evidence, JobId, MachineId, Metric, NoiseGrade, Platform, Precision, RunId, Setting,
};

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

/// In the unit of the metric.
#[derive(Clone, Debug, PartialEq)]
pub struct BestFigure {
    pub run: RunId,
    pub value: f64,
    /// 95 % interval, where the metric is a time or follows from one.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub precision: Precision,
    pub engine: EngineId,
    pub evidence: Evidence,
    pub batch: u32,
    pub size: Option<u32>,
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
    pub precision: Precision,
    pub median_ms: f64,
    /// 95 % interval.
    pub low_ms: f64,
    pub high_ms: f64,
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
