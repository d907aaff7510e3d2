//! Results to test with.

use contract::*;
use jiff::Timestamp;
use std::path::PathBuf;
use store::Store;
use tempfile::TempDir;

pub fn fresh() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("assay.duckdb")).unwrap();
    (folder, store)
}

pub fn id(number: u128) -> RunId {
    let hex = format!("{number:032x}");
    RunId(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// A finished, checked result of `model` on `platform`'s first device.
pub fn run(number: u128, model: &str, platform: Platform, median_ms: f64) -> Run {
    let at = Timestamp::from_second(1_763_700_000 + number as i64).unwrap();
    Run {
        id: id(number),
        evidence: Evidence::Measured,
        source: None,
        setting: Setting {
            model: ModelId(format!("preset:{model}")),
            engine: "onnxruntime".into(),
            device: platform.key().into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: Some(128),
            dims: Default::default(),
            threads: None,
            seed: 1,
            budget_secs: 10.0,
        },
        platform,
        model: RunModel {
            id: ModelId(format!("preset:{model}")),
            name: model.into(),
            family: "bert".into(),
            graph_hash: "ab".into(),
            parameters: Some(110_000_000),
            macs: Some(11_000_000_000),
            activations: Some(5_000_000),
            weight_bytes: Some(440_000_000),
            per_sample: None,
            size_unit: Some(SizeUnit::Tokens),
        },
        started_at: at,
        finished_at: at + jiff::SignedDuration::from_secs(12),
        outcome: Outcome::Done,
        phases: [PhaseName::Start, PhaseName::Load, PhaseName::Compile, PhaseName::First]
            .map(|name| Phase { name, ms: 10.0, peak_bytes: Some(1000) })
            .into(),
        timing: Some(timing(median_ms)),
        samples_ms: vec![median_ms; 10],
        generated: None,
        error: Some(OutputError {
            against: "openvino".into(),
            cosine: 0.998,
            largest_difference: 0.25,
            relative_difference: 0.03,
            divergence_nats: None,
        }),
        check: OutputCheck::Agrees { against: "openvino".into(), largest_difference: 1e-6, tolerance: 1e-3 },
        placement: None,
        effective: Effective {
            engine_version: "1.30.0".into(),
            library: Some("/opt/lib/libonnxruntime.so".into()),
            device_name: format!("{} device", platform.label()),
            driver: None,
            precision: Some(Precision::F32),
            precision_source: "the engine says so".into(),
            threads: Some(2),
        },
        memory: Memory { baseline_bytes: Some(10_000_000), peak_bytes: Some(500_000_000), device_peak_bytes: None },
        noise: Some(Noise { grade: NoiseGrade::A, sentinel_ms: vec![1.0, 1.01, 0.99], spread: 0.02 }),
        flags: Vec::new(),
        environment: Environment {
            machine: "here".into(),
            os: "Linux".into(),
            cpu: "a CPU".into(),
            ..Default::default()
        },
        log: vec!["loaded".into()],
    }
}

/// Three texts of two tokens, the first after 20 ms and the second 4 ms later.
pub fn generated(number: u128, model: &str, platform: Platform) -> Run {
    let mut run = run(number, model, platform, 24.0);
    run.setting.mode = Mode::Generation;
    run.setting.dims = [(OUTPUT.to_owned(), 2)].into();
    run.samples_ms = vec![23.0, 24.0, 26.0];
    run.generated = Some(Generated {
        output_tokens: 2,
        first_token: MedianTime { ms: 20.0, low_ms: 19.0, high_ms: 22.0 },
        token: MedianTime { ms: 4.0, low_ms: 3.9, high_ms: 4.1 },
        tokens_per_s: 250.0,
        full_pass_difference: Some(1e-7),
        texts_ms: vec![vec![19.0, 4.0], vec![20.0, 4.0], vec![22.0, 4.0]],
    });
    run
}

pub fn timing(median_ms: f64) -> Timing {
    Timing {
        median_ms,
        low_ms: median_ms * 0.99,
        high_ms: median_ms * 1.01,
        min_ms: median_ms * 0.95,
        samples: 10,
        percentiles: vec![Percentile { p: 0.5, ms: median_ms }],
        mild_outliers: 1,
        severe_outliers: 0,
        stop: StopReason::Stable,
        throughput_per_s: 1000.0 / median_ms,
        harness_ms: Some(0.001),
    }
}

pub fn failed(number: u128, model: &str, platform: Platform) -> Run {
    Run {
        outcome: Outcome::Failed {
            phase: PhaseName::Compile,
            kind: FailureKind::Crash,
            message: "the worker ended with signal 11".into(),
            remedy: Some("update the driver".into()),
        },
        timing: None,
        samples_ms: Vec::new(),
        ..run(number, model, platform, 1.0)
    }
}

/// A table of the test data.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}
