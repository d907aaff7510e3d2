//! Predictions are held against what is measured after them.

use crate::making::{fresh, run};
use contract::*;
use jiff::Timestamp;

fn forecast(seconds: i64, low_ms: f64, high_ms: f64) -> MadeForecast {
    MadeForecast {
        made_at: Timestamp::from_second(1_763_700_000 + seconds).unwrap(),
        model: "bert".into(),
        hardware: "CPU device".into(),
        engine: "onnxruntime".into(),
        precision: "f32".into(),
        mode: "inference".into(),
        batch: Some(1),
        size: Some(128),
        value_ms: f64::midpoint(low_ms, high_ms),
        low_ms,
        high_ms,
        support: "combination".into(),
        learned_from: 40,
    }
}

#[test]
fn a_result_judges_the_last_prediction_before_it() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 9.0)).unwrap();
    store.add_forecasts(&[forecast(10, 1.0, 2.0), forecast(20, 3.0, 5.0), forecast(90, 1.0, 2.0)]).unwrap();
    assert_eq!(store.forecast_record().unwrap().told(), "None of 3 predictions was measured yet");
    for (at, median_ms) in [(30, 4.0), (40, 9.0)] {
        store.insert_run(&run(at, "bert", Platform::Cpu, median_ms)).unwrap();
    }
    store.insert_run(&run(50, "gpt2", Platform::Cpu, 4.0)).unwrap();
    let record = store.forecast_record().unwrap();
    let judged: Vec<(f64, f64, bool)> =
        record.judged.iter().map(|own| (own.forecast.low_ms, own.measured_ms, own.is_hit())).collect();
    assert_eq!(judged, [(3.0, 4.0, true)]);
    assert_eq!(record.waiting, 2);
    assert_eq!(record.judged[0].forecast, forecast(20, 3.0, 5.0));
}

#[test]
fn another_setting_and_a_deleted_result_judge_nothing() {
    let (_folder, store) = fresh();
    store.add_forecasts(&[forecast(10, 3.0, 5.0)]).unwrap();
    let mut other = run(30, "bert", Platform::Cpu, 4.0);
    other.setting.batch = 2;
    let deleted = run(31, "bert", Platform::Cpu, 4.0);
    for run in [&other, &deleted] {
        store.insert_run(run).unwrap();
    }
    assert_eq!(store.forecast_record().unwrap().judged.len(), 1);
    store.delete_runs(&[deleted.id]).unwrap();
    assert_eq!(store.forecast_record().unwrap().waiting, 1);
}
