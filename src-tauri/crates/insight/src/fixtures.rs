//! Results to test with.

use contract::*;

/// A checked result of 120 samples within a percent of this median.
pub fn run(median_ms: f64) -> Run {
    let samples_ms: Vec<f64> =
        (0..120).map(|i| median_ms * (1.0 + 0.01 * (f64::from(i * 37 % 21) / 10.0 - 1.0))).collect();
    Run {
        id: "r".into(),
        evidence: Evidence::Measured,
        source: None,
        setting: Setting {
            model: "m".into(),
            engine: "onnxruntime".into(),
            device: "cpu".into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: Some(128),
            dims: Default::default(),
            threads: None,
            seed: 0,
            budget_secs: 1.0,
        },
        platform: Platform::Cpu,
        model: RunModel { name: "m".into(), graph_hash: "g".into(), ..RunModel::default() },
        started_at: jiff::Timestamp::UNIX_EPOCH,
        finished_at: jiff::Timestamp::UNIX_EPOCH,
        outcome: Outcome::Done,
        phases: Vec::new(),
        timing: Some(Timing {
            median_ms,
            low_ms: median_ms * 0.999,
            high_ms: median_ms * 1.001,
            min_ms: median_ms * 0.99,
            samples: 120,
            percentiles: Vec::new(),
            mild_outliers: 0,
            severe_outliers: 0,
            stop: StopReason::Stable,
            throughput_per_s: 1000.0 / median_ms,
            harness_ms: None,
        }),
        samples_ms,
        generated: None,
        check: OutputCheck::Agrees { against: "candle".into(), largest_difference: 1e-6, tolerance: 1e-3 },
        error: None,
        placement: None,
        effective: Effective { precision: Some(Precision::F32), threads: Some(2), ..Effective::default() },
        memory: Memory::default(),
        noise: Some(Noise { grade: NoiseGrade::A, sentinel_ms: vec![5.0, 5.05], spread: 0.01 }),
        flags: Vec::new(),
        environment: Environment { machine: "here".into(), assay_version: "1".into(), ..Environment::default() },
        log: Vec::new(),
    }
}
