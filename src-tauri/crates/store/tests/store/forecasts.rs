//! Predictions are held against what is measured after them.

use crate::making::{fresh, run};
use contract::*;
use jiff::Timestamp;
use store::Store;

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
        devices: Some(1),
        threads: Some(2),
        value_ms: f64::midpoint(low_ms, high_ms),
        low_ms,
        high_ms,
        support: ForecastSupport::Combination,
        learned_from: 40,
    }
}

/// Keeps these and answers how all fared.
fn kept(store: &Store, forecasts: &[MadeForecast]) -> ForecastRecord {
    store.add_forecasts(forecasts).unwrap();
    store.forecast_record().unwrap()
}

/// Low end, time and whether it held of each judged one.
fn judged(record: &ForecastRecord) -> Vec<(f64, f64, bool)> {
    record.judged.iter().map(|own| (own.forecast.low_ms, own.measured_ms, own.is_hit())).collect()
}

#[test]
fn the_first_result_after_it_judges_the_last_prediction_of_a_setting() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 9.0)).unwrap();
    let waiting = kept(&store, &[forecast(30, 1.0, 2.0), forecast(40, 3.0, 5.0)]);
    assert_eq!(waiting.told(), "The one prediction was not measured yet", "the last one of the setting waits");
    // Began before the prediction was made, and ended after it.
    store.insert_run(&run(35, "bert", Platform::Cpu, 4.0)).unwrap();
    store.insert_run(&run(60, "bert", Platform::Cpu, 9.0)).unwrap();
    store.insert_run(&run(70, "gpt2", Platform::Cpu, 4.0)).unwrap();
    let record = kept(&store, &[forecast(90, 1.0, 2.0)]);
    assert_eq!(judged(&record), [(3.0, 4.0, true)]);
    assert_eq!((record.waiting, &record.judged[0].forecast), (1, &forecast(40, 3.0, 5.0)));
    assert_eq!((&record.judged[0].run, record.judged[0].evidence), (&crate::making::id(35), Evidence::Measured));
    store.insert_run(&run(100, "bert", Platform::Cpu, 9.0)).unwrap();
    assert_eq!(judged(&store.forecast_record().unwrap()), [(3.0, 4.0, true), (1.0, 9.0, false)]);
}

#[test]
fn a_prediction_that_says_the_same_is_kept_once_and_another_takes_its_place() {
    let (_folder, store) = fresh();
    for seconds in 10..40 {
        store.add_forecasts(&[forecast(seconds, 3.0, 5.0)]).unwrap();
    }
    let other = MadeForecast { threads: Some(4), ..forecast(40, 1.0, 2.0) };
    assert_eq!(kept(&store, &[other]).waiting, 2, "four threads are another setting");
    store.insert_run(&run(50, "bert", Platform::Cpu, 4.0)).unwrap();
    let record = store.forecast_record().unwrap();
    assert_eq!(record.judged[0].forecast.made_at, forecast(10, 3.0, 5.0).made_at, "since when it was said");
    for (seconds, low_ms) in [(70, 1.0), (80, 2.0), (90, 3.0)] {
        store.add_forecasts(&[forecast(seconds, low_ms, 5.0)]).unwrap();
    }
    let record = store.forecast_record().unwrap();
    assert_eq!((judged(&record), record.waiting), (vec![(3.0, 4.0, true)], 2), "judged ones stay");
}

#[test]
fn another_setting_and_a_deleted_result_judge_nothing() {
    let (_folder, store) = fresh();
    store.add_forecasts(&[forecast(10, 3.0, 5.0)]).unwrap();
    let mut other = run(30, "bert", Platform::Cpu, 4.0);
    other.setting.batch = 2;
    let mut threads = run(31, "bert", Platform::Cpu, 4.0);
    threads.effective.threads = Some(8);
    let deleted = run(32, "bert", Platform::Cpu, 4.0);
    for run in [&other, &threads, &deleted] {
        store.insert_run(run).unwrap();
    }
    assert_eq!(store.forecast_record().unwrap().judged.len(), 1);
    store.delete_runs(&[deleted.id]).unwrap();
    assert_eq!(store.forecast_record().unwrap().waiting, 1);
    let any = MadeForecast { threads: None, ..forecast(11, 3.0, 5.0) };
    assert_eq!(kept(&store, &[any]).judged[0].run, threads.id, "threads were not said");
}

#[test]
fn other_work_and_another_precision_that_ran_judge_nothing() {
    let (_folder, store) = fresh();
    let in_f16 = |ran: &str| MadeForecast { precision: precision_text("f16", ran), ..forecast(10, 3.0, 5.0) };
    let (asked, ran) = (in_f16("f16"), in_f16("f32"));
    let mut padded = run(30, "bert", Platform::Cpu, 4.0);
    padded.setting.dims = [(PADDING.to_owned(), 25)].into();
    let mut half = run(31, "bert", Platform::Cpu, 4.0);
    half.setting.precision = Precision::F16;
    for run in [&padded, &half] {
        store.insert_run(run).unwrap();
    }
    let record = kept(&store, &[forecast(10, 3.0, 5.0), asked, ran.clone()]);
    let [judged] = &record.judged[..] else { panic!("{record:?}") };
    assert_eq!((&judged.forecast, &judged.run), (&ran, &half.id));
    assert_eq!((record.waiting, record.other_sizes), (2, 1), "one fed with padding");
}

#[test]
fn ten_thousand_predictions_are_kept_and_replaced_in_seconds() {
    let (_folder, store) = fresh();
    let all = |high_ms: f64| -> Vec<MadeForecast> {
        (0..10_000).map(|nth| MadeForecast { model: format!("m{nth}"), ..forecast(10, 3.0, high_ms) }).collect()
    };
    let began = std::time::Instant::now();
    assert_eq!(kept(&store, &all(5.0)).waiting, 10_000);
    assert_eq!(kept(&store, &all(6.0)).waiting, 10_000);
    println!("20,000 predictions took {:.2} s", began.elapsed().as_secs_f64());
}
