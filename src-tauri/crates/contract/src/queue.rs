//! The queue of measurements, as the window shows it.

use crate::{DeviceId, JobId, NoiseGrade, PhaseName, RunId, Setting, SizeUnit};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Waiting,
    Running,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub setting: Setting,
    pub model_name: String,
    /// What the setting's size counts.
    #[serde(default)]
    pub size_unit: Option<SizeUnit>,
    pub device_name: String,
    pub state: JobState,
    pub estimate_secs: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The running one first, then in the order they will run.
    pub jobs: Vec<Job>,
    pub paused: bool,
    pub remaining_secs: f64,
    /// Finished since the queue was last empty.
    pub done: u32,
    pub failed: u32,
}

/// What the running job is doing right now; sent a few times a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    pub job: JobId,
    pub run: RunId,
    pub phase: PhaseName,
    pub elapsed_secs: f64,
    /// Finished phases with their milliseconds.
    pub phases: Vec<(PhaseName, f64)>,
    /// The last samples, at most 400, in milliseconds.
    pub recent_ms: Vec<f64>,
    pub samples: u32,
    pub median_ms: Option<f64>,
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
    /// Only while text is generated.
    pub generating: Option<Generating>,
    pub noise: Option<NoiseGrade>,
    /// Of the worker: 1.0 is one core.
    pub cpu_cores: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub log: Vec<String>,
}

/// How text is being generated; the figures are those of the texts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generating {
    /// Tokens of the text that is being written; 0 while its prompt is read.
    pub token: u32,
    pub output_tokens: u32,
    pub first_token_ms: Option<f64>,
    pub token_ms: Option<f64>,
    pub tokens_per_s: Option<f64>,
}

/// Progress of "Measure this machine".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeakProgress {
    /// What is being measured: "f32 matrix rate, all threads".
    pub doing: String,
    pub device: Option<DeviceId>,
    /// 0 to 1.
    pub done: f64,
    pub remaining_secs: f64,
}
