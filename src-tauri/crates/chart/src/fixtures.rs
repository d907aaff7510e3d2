//! Small results for the tests of this crate.

use contract::*;

pub fn measured(model: &str, engine: &str, batch: u32, median_ms: f64) -> RunRow {
    RunRow {
        id: format!("{model}-{engine}-{batch}-{median_ms}").into(),
        evidence: Evidence::Measured,
        source: None,
        started_at: None,
        model: model.into(),
        model_id: format!("preset:{model}").into(),
        family: model.into(),
        engine: engine.into(),
        engine_version: "1.0".into(),
        device: "cpu".into(),
        device_name: "Test CPU".into(),
        platform: Platform::Cpu,
        precision: Precision::F32,
        effective_precision: Some(Precision::F32),
        device_share: Some(1.0),
        all_experts: false,
        cosine: None,
        mode: Mode::Inference,
        batch,
        size: Some(128),
        size_unit: None,
        dims: None,
        threads: Some(2),
        median_ms: Some(median_ms),
        low_ms: Some(median_ms - 0.5),
        high_ms: Some(median_ms + 1.0),
        min_ms: Some(median_ms - 0.75),
        samples: Some(120),
        throughput_per_s: Some(f64::from(batch) * 1000.0 / median_ms),
        per_sample: None,
        output_tokens: None,
        first_token_ms: None,
        token_ms: None,
        tokens_per_s: None,
        peak_memory_bytes: Some(440_000_000),
        load_ms: Some(60.0),
        compile_ms: Some(150.0),
        first_ms: Some(12.0),
        first_result_ms: Some(262.0),
        macs: Some(11_000_000_000),
        weight_bytes: Some(440_000_000),
        activations: Some(60_000_000),
        noise: Some(NoiseGrade::B),
        failure: None,
        failed_phase: None,
        message: None,
        withheld: None,
        note: String::new(),
    }
}

pub fn imported(model: &str, engine: &str, batch: u32, median_ms: f64) -> RunRow {
    RunRow {
        evidence: Evidence::Imported,
        source: Some("table.csv".into()),
        low_ms: None,
        high_ms: None,
        samples: None,
        ..measured(model, engine, batch, median_ms)
    }
}

pub fn predicted(model: &str, engine: &str, batch: u32, median_ms: f64) -> RunRow {
    RunRow { evidence: Evidence::Predicted, samples: None, ..measured(model, engine, batch, median_ms) }
}

pub fn on(platform: Platform, row: RunRow) -> RunRow {
    let device_name = format!("Test {}", platform.label());
    RunRow {
        id: format!("{}-{}", row.id, platform.key()).into(),
        platform,
        device: platform.key().into(),
        device_name,
        ..row
    }
}

pub fn peak(kind: PeakKind, precision: Option<Precision>, best: f64) -> Peak {
    Peak {
        device: "cpu".into(),
        device_name: "Test CPU".into(),
        platform: Platform::Cpu,
        kind,
        precision,
        threads: Some(2),
        best,
        median: best * 0.98,
        low: best * 0.97,
        high: best * 0.99,
        samples: 20,
        method: "test".into(),
        measured_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

pub fn run(model: &str, samples_ms: &[f64]) -> Run {
    let phase = |name, ms| Phase { name, ms, peak_bytes: None };
    Run {
        id: format!("run-{model}").into(),
        evidence: Evidence::Measured,
        source: None,
        setting: Setting {
            model: format!("preset:{model}").into(),
            engine: "onnxruntime".into(),
            device: "cpu".into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: Some(128),
            dims: Default::default(),
            threads: None,
            seed: 1,
            budget_secs: 10.0,
        },
        platform: Platform::Cpu,
        model: RunModel { name: model.into(), ..RunModel::default() },
        started_at: jiff::Timestamp::UNIX_EPOCH,
        finished_at: jiff::Timestamp::UNIX_EPOCH,
        outcome: Outcome::Done,
        phases: vec![
            phase(PhaseName::Start, 40.0),
            phase(PhaseName::Load, 60.0),
            phase(PhaseName::Compile, 150.0),
            phase(PhaseName::First, 12.0),
            phase(PhaseName::Warm, 1000.0),
        ],
        timing: None,
        samples_ms: samples_ms.to_vec(),
        generated: None,
        check: OutputCheck::Unchecked { reason: "a test".into() },
        error: None,
        placement: None,
        effective: Effective::default(),
        memory: Memory::default(),
        noise: None,
        flags: Vec::new(),
        environment: Environment::default(),
        log: Vec::new(),
    }
}
