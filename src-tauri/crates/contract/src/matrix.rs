//! Models × devices: the best figure of each pair, with its evidence.

use crate::{Availability, DeviceId, EngineId, Evidence, Metric, Mode, NoiseGrade, Platform, Precision, RunId};
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
    /// In the unit of the matrix's metric.
    Figure {
        value: f64,
        low: Option<f64>,
        high: Option<f64>,
        precision: Precision,
        engine: EngineId,
        evidence: Evidence,
        mode: Mode,
        run: RunId,
        /// Results behind this cell, failed ones included.
        runs: u32,
        batch: u32,
        size: Option<u32>,
        noise: Option<NoiseGrade>,
    },
    /// Not measured: what results of others let one expect, with its 90 % interval. Only where it was asked for.
    Predicted {
        value: f64,
        low: f64,
        high: f64,
        /// In the word of results, such as `f32` and `w8a16`.
        precision: String,
        engine: EngineId,
        batch: Option<u32>,
        size: Option<u32>,
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
