//! The best figure of each cell is one that may be ranked.

use crate::making::{failed, fresh, id, run};
use contract::*;
use store::{BestCell, Store};

fn cells(store: &Store, metric: Metric) -> Vec<BestCell> {
    store.matrix(metric, &Filter::default()).unwrap().cells
}

#[test]
fn the_best_of_each_metric_is_chosen() {
    let (_folder, store) = fresh();
    let mut small = run(1, "bert", Platform::Cpu, 10.0);
    small.memory.peak_bytes = Some(100_000_000);
    let mut large = run(2, "bert", Platform::Cpu, 40.0);
    large.setting.batch = 8;
    large.timing.as_mut().unwrap().throughput_per_s = 200.0;
    large.phases.iter_mut().for_each(|phase| phase.ms = 5.0);
    store.insert_run(&small).unwrap();
    store.insert_run(&large).unwrap();
    let best = |metric| {
        let cells = cells(&store, metric);
        assert_eq!((cells.len(), cells[0].runs), (1, 2));
        let best = cells[0].best.clone().unwrap();
        (best.run, best.value, best.low, best.high)
    };
    assert_eq!(best(Metric::Latency), (id(1), 10.0, Some(10.0 * 0.99), Some(10.0 * 1.01)));
    let (run, value, low, high) = best(Metric::Throughput);
    assert_eq!((run, value), (id(2), 200.0));
    assert!(low.unwrap() < 200.0 && high.unwrap() > 200.0);
    assert_eq!(best(Metric::Memory), (id(1), 100.0, None, None));
    assert_eq!(best(Metric::FirstResult), (id(2), 20.0, None, None));
}

#[test]
fn throughput_is_ranked_in_the_unit_that_all_results_of_a_model_have() {
    let (_folder, store) = fresh();
    let of = |number, median_ms, count| {
        let mut run = run(number, "bert", Platform::Cpu, median_ms);
        run.model.per_sample = Some(PerSample { unit: TaskUnit::Tokens, count });
        run
    };
    let best = |filter: &Filter| {
        let best = store.matrix(Metric::Throughput, filter).unwrap().cells[0].best.clone().unwrap();
        (best.run, best.value, best.per_sample.map(|sample| sample.count))
    };
    let all = Filter::default();
    store.insert_run(&of(1, 5.0, 16.0)).unwrap();
    store.insert_run(&of(2, 20.0, 512.0)).unwrap();
    assert_eq!(best(&all), (id(2), 25_600.0, Some(512.0)), "fewer samples a second, and more tokens");
    let figure = cells(&store, Metric::Throughput)[0].best.clone().unwrap();
    assert!(figure.low.unwrap() < 25_600.0 && figure.high.unwrap() > 25_600.0);
    // Texts are told in texts, and what failed tells nothing.
    store.insert_run(&crate::making::generated(3, "bert", Platform::Cpu)).unwrap();
    store.insert_run(&failed(4, "bert", Platform::Cpu)).unwrap();
    assert_eq!(best(&all).0, id(2));
    store.insert_run(&run(5, "bert", Platform::Cuda, 10.0)).unwrap();
    assert_eq!(best(&all), (id(1), 200.0, None), "what a sample of the new one is, is not known");
    let here = Filter { platforms: vec![Platform::Cpu], ..Filter::default() };
    assert_eq!(best(&here), (id(2), 25_600.0, Some(512.0)));
    assert_eq!(cells(&store, Metric::Latency)[0].best.as_ref().unwrap().per_sample, None);
}

#[test]
fn what_is_withheld_is_never_best() {
    let (_folder, store) = fresh();
    let mut implausible = run(1, "bert", Platform::Cpu, 0.001);
    implausible.flags.push(Flag::Implausible { reason: "faster than the measured peak".into() });
    let mut unchecked = run(2, "bert", Platform::Cpu, 1.0);
    unchecked.check = OutputCheck::Unchecked { reason: "no other engine runs it".into() };
    let mut wrong = run(3, "bert", Platform::Cpu, 2.0);
    wrong.check = OutputCheck::Disagrees {
        against: "openvino".into(),
        largest_difference: 1.0,
        tolerance: 1e-3,
        output: "logits".into(),
    };
    for run in
        [&implausible, &unchecked, &wrong, &run(4, "bert", Platform::Cpu, 50.0), &failed(5, "bert", Platform::Cpu)]
    {
        store.insert_run(run).unwrap();
    }
    let cell = &cells(&store, Metric::Latency)[0];
    assert_eq!((cell.runs, cell.best.as_ref().unwrap().run.clone()), (5, id(4)));
    store.delete_runs(&[id(4), id(5)]).unwrap();
    let cell = &cells(&store, Metric::Latency)[0];
    assert_eq!(cell.best, None);
    assert_eq!(cell.failed.as_ref().unwrap().reason, "its output differs from openvino's");
}

#[test]
fn a_cell_with_failures_only_says_why() {
    let (_folder, store) = fresh();
    store.insert_run(&failed(1, "bert", Platform::Cuda)).unwrap();
    let cell = &cells(&store, Metric::Latency)[0];
    assert_eq!((cell.runs, &cell.best), (1, &None));
    assert_eq!(cell.failed.as_ref().unwrap().reason, "the worker ended with signal 11");
    assert_eq!(cell.failed.as_ref().unwrap().run, id(1));
}

#[test]
fn a_prediction_stands_only_where_there_is_no_real_figure() {
    let (_folder, store) = fresh();
    let predicted = Run { evidence: Evidence::Predicted, ..run(1, "bert", Platform::Cpu, 1.0) };
    store.insert_run(&predicted).unwrap();
    assert_eq!(cells(&store, Metric::Latency)[0].best.as_ref().unwrap().evidence, Evidence::Predicted);
    store.insert_run(&run(2, "bert", Platform::Cpu, 30.0)).unwrap();
    let best = cells(&store, Metric::Latency)[0].best.clone().unwrap();
    assert_eq!((best.evidence, best.value), (Evidence::Measured, 30.0));
}

#[test]
fn a_text_stands_before_a_prediction() {
    let (_folder, store) = fresh();
    let predicted = Run { evidence: Evidence::Predicted, ..run(1, "gpt2", Platform::Cpu, 1.0) };
    store.insert_run(&predicted).unwrap();
    store.insert_run(&crate::making::generated(2, "gpt2", Platform::Cpu)).unwrap();
    let best = cells(&store, Metric::Latency)[0].best.clone().unwrap();
    assert_eq!((best.run, best.mode, best.evidence), (id(2), Mode::Generation, Evidence::Measured));
}

#[test]
fn speed_up_compares_the_same_work_on_the_same_machine() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 20.0)).unwrap();
    let mut half = run(2, "bert", Platform::Cpu, 16.0);
    half.setting.precision = Precision::Bf16;
    store.insert_run(&half).unwrap();
    store.insert_run(&run(3, "bert", Platform::Cuda, 4.0)).unwrap();
    let mut other_size = run(4, "bert", Platform::Cuda, 0.1);
    other_size.setting.size = Some(512);
    store.insert_run(&other_size).unwrap();
    let mut elsewhere = run(5, "bert", Platform::Cuda, 0.1);
    elsewhere.environment.machine = "there".into();
    store.insert_run(&elsewhere).unwrap();
    let cells = cells(&store, Metric::Speedup);
    let of = |platform, machine: &str| {
        let found = cells.iter().find(|cell| cell.platform == platform && cell.machine == Some(machine.into()));
        found.unwrap().clone()
    };
    assert_eq!(of(Platform::Cuda, "here").best.unwrap().value, 4.0);
    assert_eq!(of(Platform::Cpu, "here").best.unwrap().value, 1.0);
    assert!(of(Platform::Cuda, "there").failed.unwrap().reason.starts_with("there is no CPU result"));
}

#[test]
fn speed_up_compares_the_same_dimensions_beyond_batch_and_size() {
    let (_folder, store) = fresh();
    let fed = |number: u128, platform: Platform, median_ms: f64, frames: Option<u32>| {
        let mut run = run(number, "net", platform, median_ms);
        run.setting.dims = frames.map(|frames| ("frames".to_owned(), frames)).into_iter().collect();
        store.insert_run(&run).unwrap();
    };
    fed(1, Platform::Cpu, 40.0, Some(8));
    fed(2, Platform::Cpu, 80.0, Some(16));
    fed(3, Platform::Cuda, 20.0, Some(16));
    fed(4, Platform::Cuda, 1.0, None);
    let found = cells(&store, Metric::Speedup);
    let best = found.iter().find(|cell| cell.platform == Platform::Cuda).unwrap().best.clone().unwrap();
    assert_eq!((best.run, best.value, best.dims.as_deref()), (id(3), 4.0, Some("frames=16")));
    let latency = cells(&store, Metric::Latency);
    let best = latency.iter().find(|cell| cell.platform == Platform::Cuda).unwrap().best.clone().unwrap();
    assert_eq!((best.run, best.dims, best.size_unit), (id(4), None, Some(SizeUnit::Tokens)));
}

#[test]
fn a_figure_says_what_ran_and_nothing_that_ran_elsewhere_is_best() {
    let (_folder, store) = fresh();
    let placed = |number: u128, median_ms: f64, mac_share: f64| {
        let mut run = run(number, "net", Platform::Cuda, median_ms);
        run.setting.precision = Precision::F16;
        run.placement =
            Some(Placement { node_share: 0.5, mac_share: Some(mac_share), parts: vec![], source: "".into() });
        store.insert_run(&run).unwrap();
    };
    placed(1, 1.0, 0.0);
    let failed = cells(&store, Metric::Latency)[0].failed.clone().unwrap();
    assert_eq!(failed.reason, "it ran elsewhere: nothing of its work was done on CUDA device");
    placed(2, 9.0, 0.12);
    let best = cells(&store, Metric::Latency)[0].best.clone().unwrap();
    assert_eq!((best.run, best.precision), (id(2), Precision::F16));
    assert_eq!((best.effective_precision, best.device_share), (Some(Precision::F32), Some(0.12)));
}

#[test]
fn the_base_of_a_speed_up_does_not_depend_on_the_filter() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 20.0)).unwrap();
    store.insert_run(&run(2, "bert", Platform::Cuda, 4.0)).unwrap();
    let filter = Filter { platforms: vec![Platform::Cuda], ..Filter::default() };
    let cells = store.matrix(Metric::Speedup, &filter).unwrap().cells;
    assert_eq!((cells.len(), cells[0].best.as_ref().unwrap().value), (1, 5.0));
}

#[test]
fn a_cell_lists_its_results_newest_first() {
    let (_folder, store) = fresh();
    for number in 1..=3 {
        store.insert_run(&run(number, "bert", Platform::Cpu, 5.0)).unwrap();
    }
    store.insert_run(&run(4, "vit", Platform::Cpu, 5.0)).unwrap();
    store.insert_run(&run(5, "bert", Platform::Cuda, 5.0)).unwrap();
    let ids = |device: Option<&str>| {
        let device = device.map(DeviceId::from);
        let rows = store.cell_runs("bert", device.as_ref(), Platform::Cpu, &Filter::default()).unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some("cpu")), [id(3), id(2), id(1)]);
    assert_eq!(ids(None), [id(3), id(2), id(1)]);
    assert_eq!(ids(Some("cuda")), []);
}

#[test]
fn generated_text_has_its_own_metrics_and_stands_in_the_others_only_where_nothing_else_does() {
    let (_folder, store) = fresh();
    let mut written = crate::making::generated(1, "gpt2", Platform::Cpu);
    store.insert_run(&written).unwrap();
    let best = |metric| cells(&store, metric).first().and_then(|cell| cell.best.clone());
    let rate = best(Metric::TokenRate).unwrap();
    assert_eq!((rate.value, rate.mode), (250.0, Mode::Generation));
    assert!(rate.low.unwrap() < 250.0 && rate.high.unwrap() > 250.0);
    let first = best(Metric::FirstToken).unwrap();
    assert_eq!((first.value, first.low, first.high), (20.0, Some(19.0), Some(22.0)));
    assert_eq!(best(Metric::TokenTime).unwrap().value, 4.0);
    let alone = best(Metric::Latency).unwrap();
    assert_eq!((alone.run, alone.mode), (id(1), Mode::Generation));

    // Slower than the texts, and yet the figure of one pass.
    store.insert_run(&run(2, "gpt2", Platform::Cpu, 500.0)).unwrap();
    let latency = best(Metric::Latency).unwrap();
    assert_eq!((latency.run, latency.mode), (id(2), Mode::Inference));
    assert_eq!(best(Metric::TokenRate).unwrap().run, id(1));
    assert_eq!(best(Metric::Speedup).unwrap().run, id(2));
    let filter = Filter { modes: vec![Mode::Generation], ..Filter::default() };
    let asked = store.matrix(Metric::Latency, &filter).unwrap().cells;
    assert_eq!(asked[0].best.as_ref().unwrap().run, id(1));

    written.id = id(3);
    written.outcome = Outcome::Failed {
        phase: PhaseName::Check,
        kind: FailureKind::WrongOutput,
        message: "its cache is stale".into(),
        remedy: None,
    };
    (written.timing, written.generated, written.model.name) = (None, None, "llama".into());
    store.insert_run(&written).unwrap();
    let failed = cells(&store, Metric::TokenRate).into_iter().find(|cell| cell.model == "llama").unwrap();
    assert_eq!(failed.failed.unwrap().reason, "its cache is stale");
}
