//! Insight through the requests of the window: recommending, predicting and watching what the store holds.

#[path = "common/desk.rs"]
mod desk;

use contract::*;
use desk::TestDesk;

/// A desk whose store holds one of the tables of `tests/data`.
fn filled(table: &str) -> TestDesk {
    let desk = TestDesk::open();
    let path = format!("{}/tests/data/{table}", env!("CARGO_MANIFEST_DIR"));
    let report = desk.ask(ImportTable { path: Some(path) }).unwrap().unwrap();
    assert!(report.taken > 1000 && report.refused == 0, "{report:?}");
    desk
}

fn work(model: &str) -> Work {
    Work { model: model.into(), ..Work::default() }
}

fn advise(desk: &TestDesk, model: &str, limits: Limits) -> GivenAdvice {
    match desk.ask(Advise { work: work(model), limits }).unwrap() {
        Advice::Given(given) => *given,
        Advice::TooLittle { reason, .. } => panic!("{reason}"),
    }
}

#[test]
fn an_empty_store_says_that_it_knows_nothing_and_what_to_do() {
    let desk = TestDesk::open();
    let advice = desk.ask(Advise { work: work("bert-tiny"), limits: Limits::default() }).unwrap();
    let Advice::TooLittle { reason, remedy, model } = advice else { panic!("{advice:?}") };
    assert!(reason.contains("Nothing is measured") && remedy.contains("Measure"), "{reason} {remedy}");
    assert_eq!(model, Some("preset:bert-tiny".into()), "the preset can be measured here");
    assert_eq!(desk.ask(AdviseMachine { limits: Limits::default() }).unwrap().places, 0);
    assert_eq!(desk.ask(GetWatch { smallest_change: 0.02 }).unwrap(), WatchBoard::default());
    assert_eq!(desk.ask(GetCompatibility {}).unwrap().families, []);
}

#[test]
fn advice_tells_what_is_imported_and_what_predicted_and_why_the_rest_is_not() {
    let desk = filled("edge_devices.csv.gz");
    let given = advise(&desk, "mobilenet_v2", Limits::default());
    let all: Vec<&Candidate> = given.choice.iter().chain(&given.alternatives).collect();
    let (predicted, known): (Vec<&Candidate>, Vec<&Candidate>) =
        all.iter().copied().partition(|c| c.evidence == Evidence::Predicted);
    assert!(known.iter().all(|c| c.evidence == Evidence::Imported && c.runs.len() == 1), "nothing was measured here");
    assert!(predicted.len() > 5 && known.len() > 20, "{} predicted, {} known", predicted.len(), known.len());
    assert!(predicted.iter().all(|c| c.latency_ms.low < c.latency_ms.high && !c.support.is_empty()));
    let chances: f64 = all.iter().map(|c| c.probability_best).sum();
    assert!((chances - 1.0).abs() < 1e-6, "{chances}");
    assert!(given.alternatives.iter().all(|c| c.why.contains("times the choice's time")));
    let next = given.next_run.unwrap();
    assert!(next.plan.is_none() && next.why_not.contains("This machine has no"), "{next:?}");

    let tight = Limits { latency_ms: Some(1.0), precisions: vec!["float".into()], ..Limits::default() };
    let limited = advise(&desk, "mobilenet_v2", tight);
    let chosen = limited.choice.unwrap();
    assert!(chosen.latency_ms.value <= 1.0 && chosen.setting.precision == "float", "{chosen:?}");
    let reasons: Vec<&str> = limited.rejected.iter().map(|no| no.why.as_str()).collect();
    assert!(reasons.iter().any(|why| why.contains("more than the 1.00 ms allowed")), "{reasons:?}");
    assert!(reasons.iter().any(|why| why.contains("its precision, w8a8, is not among those allowed")), "{reasons:?}");
    assert_eq!(limited.alternatives.len() + 1 + limited.rejected.len(), all.len() + given.rejected.len());

    let elsewhere = Limits { platforms: vec![Platform::Mps], ..Limits::default() };
    let none = advise(&desk, "mobilenet_v2", elsewhere);
    assert!(none.choice.is_none() && none.rejected.iter().any(|no| no.why.contains("its platform")));
    let p95 = Limits { latency_ms: Some(50.0), latency_at: LatencyAt::P95, ..Limits::default() };
    let untold = advise(&desk, "mobilenet_v2", p95);
    assert!(untold.choice.is_none() && untold.rejected.iter().any(|no| no.why.starts_with("its p95 is unknown")));
}

#[test]
fn a_price_list_limits_and_prices_every_candidate() {
    let desk = filled("edge_devices.csv.gz");
    let (cheap, dear) = ("Samsung Galaxy S23", "Samsung Galaxy S24");
    let prices = [(cheap.to_owned(), 0.5), (dear.to_owned(), 4.0)].into();
    desk.ask(SaveSettings { settings: Settings { prices, ..Settings::default() } }).unwrap();
    let given = advise(&desk, "resnet50", Limits { cost_per_hour: Some(1.0), ..Limits::default() });
    let choice = given.choice.unwrap();
    assert_eq!((choice.setting.hardware.as_str(), choice.cost_per_hour), (cheap, Some(0.5)));
    let million = choice.cost_per_million().unwrap();
    assert!((million - 0.5 / 3600.0 / choice.samples_per_s * 1e6).abs() < 1e-9);
    let why = |hardware: &str| &given.rejected.iter().find(|no| no.setting.hardware == hardware).unwrap().why;
    assert!(why(dear).contains("it costs 4 an hour"), "{}", why(dear));
    assert!(why("SA8650 (Proxy)").contains("its cost is unknown"));
    let negative = Settings { prices: [("x".to_owned(), -1.0)].into(), ..Settings::default() };
    assert!(desk.ask(SaveSettings { settings: negative }).is_err());
}

#[test]
fn a_recommended_setting_is_written_for_its_engine() {
    let desk = filled("edge_devices.csv.gz");
    let given = advise(&desk, "resnet50", Limits::default());
    let setting = given.alternatives.iter().find(|c| c.setting.engine.0 == "onnx").unwrap().setting.clone();
    let file = desk.ask(WriteEngineFile { work: given.work, setting }).unwrap();
    let settings: serde_json::Value = serde_json::from_str(&file.text).unwrap();
    assert_eq!(settings["providers"][0][0], "QNNExecutionProvider");
    assert_eq!(settings["input"]["model"], "resnet50");
    assert!(file.name.ends_with(".json") && !file.usage.is_empty());
}

#[test]
fn what_is_measured_here_is_recommended_for_this_machine() {
    let desk = TestDesk::open();
    let plan = Plan { batches: vec![1, 2], ..desk.plan("preset:bert-tiny") };
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    let runs: Vec<Run> = jobs.iter().map(|job| desk.result_of(job)).collect();
    let one = runs.iter().find(|run| run.setting.batch == 1).unwrap();
    let given = match desk
        .ask(Advise { work: Work { batch: Some(1), ..work("bert-tiny") }, limits: Limits::default() })
        .unwrap()
    {
        Advice::Given(given) => given,
        other => panic!("{other:?}"),
    };
    let choice = given.choice.unwrap();
    assert_eq!((choice.evidence, &choice.runs), (Evidence::Measured, &vec![one.id.clone()]));
    assert_eq!(choice.setting.here, Some(TargetChoice { engine: "candle".into(), device: "cpu".into() }));
    let here = desk.ask(AdviseMachine { limits: Limits::default() }).unwrap();
    assert_eq!((here.models.len(), here.models[0].work.model.as_str()), (1, "bert-tiny"));
    assert_eq!(here.models[0].elsewhere, None);

    let job = desk.ask(MeasureAgain { run: one.id.clone() }).unwrap();
    let again = desk.result_of(&job);
    assert_eq!(again.setting, one.setting);
    let board = desk.ask(GetWatch { smallest_change: 0.02 }).unwrap();
    assert_eq!((board.series.len(), board.series[0].points), (1, 2), "the same setting twice is a series");
    let history = desk.ask(GetSeries { series: board.series[0].series.clone(), smallest_change: 0.02 }).unwrap();
    assert_eq!(history.again, Some(again.id));
    assert!(history.points[0].environment.iter().any(|value| !value.is_empty()));
}

/// Where there is no arithmetic in f16, as on most processors, what was asked for in it runs in f32.
#[test]
fn advice_says_what_ran_where_another_precision_was_asked_for() {
    let desk = TestDesk::open();
    let plan = Plan { precisions: vec![Precision::F32, Precision::F16], ..desk.plan("preset:bert-tiny") };
    let jobs = desk.ask(StartPlan { plan }).unwrap();
    let runs: Vec<Run> = jobs.iter().map(|job| desk.result_of(job)).collect();
    let given = advise(&desk, "bert-tiny", Limits::default());
    assert_eq!(given.learned_from, LearnedFrom { results: 2, ..LearnedFrom::default() });
    let all: Vec<&Candidate> = given.choice.iter().chain(&given.alternatives).collect();
    assert_eq!(all.len(), 2, "{all:?}");
    for run in &runs {
        let setting = &all.iter().find(|candidate| candidate.runs == [run.id.clone()]).unwrap().setting;
        assert_eq!((&setting.ran, setting.precision.as_str()), (&run.ran(), run.setting.precision.key()));
        // Each is allowed by what ran, and is alone then.
        let limits = Limits { precisions: vec![run.ran()], ..Limits::default() };
        let limited = advise(&desk, "bert-tiny", limits);
        assert_eq!((limited.choice.unwrap().runs, limited.alternatives.len()), (vec![run.id.clone()], 0));
    }
    let half = runs.iter().find(|run| run.setting.precision == Precision::F16).unwrap();
    let other = half.flags.iter().any(|flag| matches!(flag, Flag::OtherPrecision { .. }));
    assert_eq!(half.ran() != "f16", other, "{:?}", half.flags);
}

#[test]
fn families_and_platforms_are_told_from_results_alone() {
    let desk = filled("edge_devices.csv.gz");
    let compatibility = desk.ask(GetCompatibility {}).unwrap();
    let at = |platform| compatibility.platforms.iter().position(|known| *known == platform).unwrap();
    let row = compatibility.families.iter().find(|row| row.family == "resnet50").unwrap();
    let cell = row.cells[at(Platform::Qualcomm)].as_ref().unwrap();
    assert_eq!((cell.models_run, cell.measured, cell.failed), (1, 0, 0));
    assert!(cell.imported > 40, "{cell:?}");
    assert_eq!(row.cells[at(Platform::Cuda)], None, "nothing was tried there");
}

#[test]
fn the_matrix_is_predicted_on_demand_and_figures_stay() {
    let desk = filled("edge_devices.csv.gz");
    let filter = Filter { models: vec!["mobilenet_v2".into(), "deeplabv3_resnet50".into()], ..Filter::default() };
    let plain = desk.ask(GetMatrix { metric: Metric::Latency, filter: filter.clone() }).unwrap();
    let predicted = desk.ask(PredictMatrix { metric: Metric::Latency, filter: filter.clone() }).unwrap();
    let cells = |matrix: &Matrix| matrix.rows.iter().flat_map(|row| row.cells.clone()).collect::<Vec<_>>();
    let mut filled = 0;
    for (before, after) in cells(&plain).into_iter().zip(cells(&predicted)) {
        match after {
            MatrixCell::Predicted { value, low, high, told, .. } => {
                assert!(
                    !matches!(before, MatrixCell::Figure { .. }) && low < value && value < high && !told.is_empty()
                );
                filled += 1;
            }
            after => assert_eq!(before, after),
        }
    }
    assert!(filled > 0, "{:?}", cells(&plain));
    let speedup = PredictMatrix { metric: Metric::Speedup, filter };
    assert!(cells(&desk.ask(speedup).unwrap()).iter().all(|cell| !matches!(cell, MatrixCell::Predicted { .. })));
}

#[test]
fn what_a_page_predicts_is_kept_once_and_judged_by_the_result_that_follows() {
    let desk = TestDesk::open();
    let plan = Plan { batches: vec![1, 2, 4], ..desk.plan("preset:bert-tiny") };
    for job in desk.ask(StartPlan { plan: plan.clone() }).unwrap() {
        desk.result_of(&job);
    }
    assert_eq!(desk.ask(GetForecastRecord {}).unwrap(), ForecastRecord::default());
    let larger = || Advise { work: Work { batch: Some(8), ..work("bert-tiny") }, limits: Limits::default() };
    let predicted = match desk.ask(larger()).unwrap() {
        Advice::Given(given) => given.choice.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(predicted.evidence, Evidence::Predicted);
    for _ in 0..3 {
        desk.ask(larger()).unwrap();
        assert_eq!(desk.ask(GetForecastRecord {}).unwrap().waiting, 1);
    }
    let jobs = desk.ask(StartPlan { plan: Plan { batches: vec![8], ..plan } }).unwrap();
    let run = desk.result_of(&jobs[0]);
    let record = desk.ask(GetForecastRecord {}).unwrap();
    let [judged] = &record.judged[..] else { panic!("{record:?}") };
    assert_eq!((record.waiting, &judged.run, judged.evidence), (0, &run.id, Evidence::Measured));
    assert_eq!(judged.measured_ms, run.timing.unwrap().median_ms);
    let Interval { value, low, high } = predicted.latency_ms;
    assert_eq!((judged.forecast.value_ms, judged.forecast.low_ms, judged.forecast.high_ms), (value, low, high));
    assert_eq!(judged.forecast.learned_from, 3);
    // Now that it is measured, nothing is predicted of it any more.
    desk.ask(larger()).unwrap();
    assert_eq!(desk.ask(GetForecastRecord {}).unwrap(), record);
}

#[test]
fn the_predicted_cells_of_a_matrix_are_kept_and_what_times_depend_on_is_told() {
    let desk = filled("edge_devices.csv.gz");
    let filter = Filter { models: vec!["mobilenet_v2".into(), "deeplabv3_resnet50".into()], ..Filter::default() };
    let matrix = desk.ask(PredictMatrix { metric: Metric::Latency, filter: filter.clone() }).unwrap();
    let cells = matrix.rows.iter().flat_map(|row| &row.cells);
    let shown = cells.filter(|cell| matches!(cell, MatrixCell::Predicted { .. })).count() as u64;
    let kept = || desk.ask(GetForecastRecord {}).unwrap().waiting;
    let waiting = kept();
    assert!(shown > 0 && waiting >= shown, "{waiting} kept of {shown}");
    desk.ask(PredictMatrix { metric: Metric::Throughput, filter: filter.clone() }).unwrap();
    assert_eq!(kept(), waiting, "the same predictions in another unit");
    // Results that come or go are learned from anew; what is predicted then takes the place of what was.
    let newest = ListRuns { filter: filter.clone(), order: RunOrder::Newest, offset: 0, limit: 1 };
    let id = desk.ask(newest).unwrap().rows[0].id.clone();
    desk.ask(DeleteRuns { ids: vec![id.clone()] }).unwrap();
    desk.ask(PredictMatrix { metric: Metric::Latency, filter: filter.clone() }).unwrap();
    desk.ask(RestoreRuns { ids: vec![id] }).unwrap();
    desk.ask(PredictMatrix { metric: Metric::Latency, filter }).unwrap();
    let after = kept();
    assert!((waiting..=waiting + 10).contains(&after), "the deleted one was predicted too: {after} after {waiting}");
    let influences = desk.ask(GetInfluences {}).unwrap();
    assert!(
        influences.len() > 2 && influences.windows(2).all(|pair| pair[0].factor >= pair[1].factor),
        "{influences:?}"
    );
}

#[test]
fn a_change_is_an_alert_until_it_is_acknowledged_or_muted() {
    let desk = filled("edge_history.csv.gz");
    let board = || desk.ask(GetWatch { smallest_change: 0.05 }).unwrap();
    let first = board();
    let slower =
        |alert: &&BoardAlert| alert.changes.iter().any(|c| c.series.starts_with("ffnet_78s") && c.change > 0.5);
    let alert = first.alerts.iter().find(slower).cloned().unwrap();
    let same =
        |board: &WatchBoard| board.alerts.iter().find(|other| other.alert.title == alert.alert.title).cloned().unwrap();
    assert_eq!((alert.mark, alert.alert.direction), (None, Direction::Worse));
    assert!(alert.changes.len() > 1, "the same day made other models slower too: {:?}", alert.changes);
    let concerns = desk.ask(GetConcerns {}).unwrap();
    let series = &alert.changes[0].series;
    let history = desk.ask(GetSeries { series: series.clone(), smallest_change: 0.05 }).unwrap();
    let change = history.watched.changes.last().unwrap();
    let told: Vec<&RunId> = concerns.iter().filter(|c| c.series == *series).map(|c| &c.run).collect();
    assert_eq!(told.len(), history.points.len() - change.index, "every result since then is concerned");
    assert_eq!(told[0], &history.points[change.index].run);
    let concern = concerns.iter().find(|c| c.series == *series).unwrap();
    assert!(concern.at == change.at && concern.change > 0.0, "{concern:?}");

    let marked: Vec<Marked> =
        alert.changes.iter().map(|c| Marked { series: c.series.clone(), at: Some(c.at.clone()) }).collect();
    desk.ask(SetMarks { marked: marked.clone(), mark: Some(Mark::Acknowledged) }).unwrap();
    assert_eq!(same(&board()).mark, Some(Mark::Acknowledged));
    assert!(desk.ask(GetConcerns {}).unwrap().iter().all(|c| c.series != *series));
    desk.ask(SetMarks { marked, mark: None }).unwrap();
    let whole = Marked { series: series.clone(), at: None };
    desk.ask(SetMarks { marked: vec![whole], mark: Some(Mark::Muted) }).unwrap();
    let muted = board();
    assert!(muted.series.iter().find(|row| row.series == *series).unwrap().muted);
    assert_eq!(same(&muted).mark, None, "others of the alert are still open");
    assert!(desk.ask(GetWatch { smallest_change: 0.0 }).is_err());
    assert!(matches!(desk.ask(GetSeries { series: "x".into(), smallest_change: 0.02 }), Err(Failure::NotFound { .. })));
}
