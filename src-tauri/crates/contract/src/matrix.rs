//! Models × devices: the best figure of each pair, with its evidence.

use crate::{
    Availability, DeviceId, EngineId, Evidence, Fed, Metric, Mode, NoiseGrade, PerSample, Platform, Precision, RunId,
    SizeUnit, TaskUnit, ran_text,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    pub metric: Metric,
    pub columns: Vec<MatrixColumn>,
    pub rows: Vec<MatrixRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixColumn {
    /// None for a platform without a device on this machine and without results.
    pub device: Option<DeviceId>,
    pub platform: Platform,
    pub label: String,
    pub availability: Availability,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatrixRow {
    pub model: String,
    pub family: String,
    /// One for each column.
    pub cells: Vec<MatrixCell>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "snake_case")]
pub enum MatrixCell {
    /// In the unit of the matrix's metric; a throughput in that of its task, where it has one.
    Figure {
        value: f64,
        low: Option<f64>,
        high: Option<f64>,
        /// What one sample is, where a throughput is told in that: all figures of one pass in a row or none.
        per_sample: Option<PerSample>,
        precision: Precision,
        /// The one that ran, where that is known.
        effective_precision: Option<Precision>,
        /// Share of the work on the device, above 0 and at most 1; none where it is not known.
        device_share: Option<f64>,
        /// Whether every expert of a mixture was computed for every token.
        all_experts: bool,
        engine: EngineId,
        evidence: Evidence,
        mode: Mode,
        run: RunId,
        /// Results behind this cell, failed ones included.
        runs: u32,
        batch: u32,
        size: Option<u32>,
        size_unit: Option<SizeUnit>,
        /// Dimensions beyond batch and size, as [`crate::dims_key`] writes them.
        dims: Option<String>,
        noise: Option<NoiseGrade>,
    },
    /// Not measured: what results of others let one expect, with its 90 % interval. Only where it was asked for.
    Predicted {
        value: f64,
        low: f64,
        high: f64,
        /// As of a figure, from which it is known; none where no figure of the row has the same sizes.
        per_sample: Option<PerSample>,
        /// In the word of results, such as `f32` and `w8a16`, with what ran otherwise in those of its setting.
        precision: String,
        engine: EngineId,
        mode: Mode,
        batch: Option<u32>,
        size: Option<u32>,
        size_unit: Option<SizeUnit>,
        dims: Option<String>,
        /// What it rests on.
        told: String,
    },
    /// Tried, and there is no figure to rank.
    Failed { reason: String, runs: u32, run: RunId },
    /// Not usable here.
    Impossible { reason: String, remedy: String },
    /// Could be measured, and was not yet.
    Open,
}

impl MatrixCell {
    /// What one sample is, where the cell has a throughput that is told in that.
    pub fn per_sample(&self) -> Option<PerSample> {
        match self {
            Self::Figure { per_sample, .. } | Self::Predicted { per_sample, .. } => *per_sample,
            Self::Failed { .. } | Self::Impossible { .. } | Self::Open => None,
        }
    }

    /// The unit that its throughput is told in, where it is not samples.
    pub fn task(&self) -> Option<TaskUnit> {
        self.per_sample().map(|sample| sample.unit)
    }

    /// The precision of its figure, and what ran otherwise than was asked for; empty without a figure.
    pub fn ran(&self) -> String {
        match self {
            Self::Figure { precision, effective_precision, device_share, all_experts, .. } => {
                ran_text(precision.key(), *effective_precision, *device_share, *all_experts)
            }
            Self::Predicted { precision, .. } => precision.clone(),
            Self::Failed { .. } | Self::Impossible { .. } | Self::Open => String::new(),
        }
    }

    /// The work that its figure is of; none without a figure.
    pub fn fed(&self) -> Option<Fed> {
        let (mode, batch, size, unit, dims) = match self {
            Self::Figure { mode, batch, size, size_unit, dims, .. } => (mode, *batch, size, size_unit, dims),
            Self::Predicted { mode, batch, size, size_unit, dims, .. } => {
                (mode, batch.unwrap_or(1), size, size_unit, dims)
            }
            Self::Failed { .. } | Self::Impossible { .. } | Self::Open => return None,
        };
        Some(Fed { mode: *mode, batch, size: *size, unit: *unit, dims: dims.clone() })
    }
}
