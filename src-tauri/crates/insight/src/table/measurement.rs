//! One row of the table.

/// What was run, where and how, and what was measured. A blank name is an empty string, a blank number `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    pub model: String,
    pub family: String,
    pub hardware: String,
    pub runtime: String,
    /// The one that ran; where another one was asked for, both: `f16, ran in f32`.
    pub precision: String,
    pub mode: String,
    pub software: String,
    pub measured_at: String,
    /// Samples at once, over all devices.
    pub batch: Option<f64>,
    /// Edge in pixels, or length in tokens or pieces of sound.
    pub size: Option<f64>,
    pub devices: Option<f64>,
    pub threads: Option<f64>,
    pub parameters: Option<f64>,
    /// Multiply-accumulates of one sample.
    pub macs: Option<f64>,
    /// Elements.
    pub activations: Option<f64>,
    /// The time of one batch.
    pub latency_ms: Option<f64>,
    pub peak_memory_mb: Option<f64>,
    /// The 95th percentile of one batch's time. Neutral tables do not have it; results measured here do.
    pub p95_ms: Option<f64>,
    /// The 95 % interval of the time, where the median of samples is the time.
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
}
