//! Stored results beside each other: what their figures, measured at different times, allow to say.

use crate::{RatioInterval, Verdict};
use serde::{Deserialize, Serialize};

/// Several results beside the first of them, and how time grows where they are one sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultsBeside {
    /// One for each result, the first among them.
    pub beside: Vec<Beside>,
    pub scaling: Option<Scaling>,
}

/// A result beside the one it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "beside", rename_all = "snake_case")]
pub enum Beside {
    /// It is the one the others stand beside.
    Baseline,
    Alike(StoredRatio),
    /// Not the same work, or not the same way of measuring: no ratio of the two means anything.
    Unlike {
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredRatio {
    /// Its time divided by the baseline's.
    pub ratio: f64,
    /// None where one of them came without samples.
    pub interval: Option<RatioInterval>,
    pub verdict: Verdict,
    /// What else differs, a sentence each.
    pub cautions: Vec<String>,
}

/// What a sweep varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleOver {
    Batch,
    Size,
    Threads,
}

/// How the time of a call grows over a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    pub over: ScaleOver,
    /// The parts the time is made of, in milliseconds.
    pub terms: Vec<ScalingTerm>,
    /// The largest distance of a point from the fit, as a share.
    pub worst_misfit: f64,
    pub knee: Option<Knee>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScalingTerm {
    /// "fixed", "for each sample", "for each token", "for each pair of tokens", of sound "for each second of sound";
    /// over threads "not shared" and "shared among threads".
    pub name: String,
    pub ms: f64,
    /// 95 % interval; none where there are no more points than terms.
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
}

/// Where it stops paying, or starts to cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    pub at: f64,
    /// 95 % interval; an end is none where it cannot be bounded.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// What happens there, in a sentence.
    pub meaning: String,
}
