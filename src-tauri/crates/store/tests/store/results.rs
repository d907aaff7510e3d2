//! A result comes back as it was stored; deleting hides it and undo brings it back.

use crate::making::{failed, fresh, id, run};
use contract::*;
use jiff::Timestamp;
use proptest::prelude::*;
use std::ops::ControlFlow;
use store::StoreError;

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 =+'\"\\\\,;äß漢😀/\n\t-]{0,12}"
}

fn figure() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("figures are finite", |figure| figure.is_finite())
}

fn maybe<T: Clone + std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(some)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(|nanos| Timestamp::from_nanosecond(i128::from(nanos) / 2).unwrap())
}

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn setting() -> impl Strategy<Value = Setting> {
    let names = (text(), text(), text());
    let words = (pick(Precision::ALL), pick(Mode::ALL));
    let sizes = (any::<u32>(), maybe(any::<u32>()), proptest::collection::btree_map(text(), any::<u32>(), 0..3));
    (names, words, sizes, maybe(any::<u32>()), any::<u64>(), figure()).prop_map(
        |((model, engine, device), (precision, mode), (batch, size, dims), threads, seed, budget_secs)| Setting {
            model: model.into(),
            engine: engine.into(),
            device: device.into(),
            precision,
            mode,
            batch,
            size,
            dims,
            threads,
            seed,
            budget_secs,
        },
    )
}

fn phase() -> impl Strategy<Value = Phase> {
    (pick(PhaseName::ALL), figure(), maybe(any::<u64>())).prop_map(|(name, ms, peak_bytes)| Phase {
        name,
        ms,
        peak_bytes,
    })
}

fn timing() -> impl Strategy<Value = Timing> {
    let stop = pick(&[StopReason::Stable, StopReason::Budget, StopReason::Stopped, StopReason::Compared]);
    let percentiles = proptest::collection::vec((figure(), figure()).prop_map(|(p, ms)| Percentile { p, ms }), 0..4);
    ([figure(), figure(), figure(), figure(), figure()], any::<[u32; 3]>(), percentiles, stop, maybe(figure()))
        .prop_map(
            |(
                [median_ms, low_ms, high_ms, min_ms, throughput_per_s],
                [samples, mild, severe],
                percentiles,
                stop,
                harness_ms,
            )| {
                Timing {
                    median_ms,
                    low_ms,
                    high_ms,
                    min_ms,
                    samples,
                    percentiles,
                    mild_outliers: mild,
                    severe_outliers: severe,
                    stop,
                    throughput_per_s,
                    harness_ms,
                }
            },
        )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let failed = (pick(PhaseName::ALL), pick(FailureKind::ALL), text(), maybe(text()))
        .prop_map(|(phase, kind, message, remedy)| Outcome::Failed { phase, kind, message, remedy });
    prop_oneof![Just(Outcome::Done), failed]
}

fn check() -> impl Strategy<Value = OutputCheck> {
    prop_oneof![
        (text(), figure(), figure()).prop_map(|(against, largest_difference, tolerance)| OutputCheck::Agrees {
            against: against.into(),
            largest_difference,
            tolerance
        }),
        (text(), figure(), figure(), text()).prop_map(|(against, largest_difference, tolerance, output)| {
            OutputCheck::Disagrees { against: against.into(), largest_difference, tolerance, output }
        }),
        text().prop_map(|reason| OutputCheck::Unchecked { reason }),
    ]
}

fn placement() -> impl Strategy<Value = Placement> {
    let part =
        (text(), any::<u32>(), maybe(any::<u64>())).prop_map(|(on, nodes, macs)| PlacementPart { on, nodes, macs });
    (figure(), maybe(figure()), proptest::collection::vec(part, 0..3), text())
        .prop_map(|(node_share, mac_share, parts, source)| Placement { node_share, mac_share, parts, source })
}

fn effective() -> impl Strategy<Value = Effective> {
    (text(), maybe(text()), text(), maybe(text()), maybe(pick(Precision::ALL)), text(), maybe(any::<u32>())).prop_map(
        |(engine_version, library, device_name, driver, precision, precision_source, threads)| Effective {
            engine_version,
            library,
            device_name,
            driver,
            precision,
            precision_source,
            threads,
        },
    )
}

fn flag() -> impl Strategy<Value = Flag> {
    (0..6, text()).prop_map(|(kind, reason)| match kind {
        0 => Flag::Implausible { reason },
        1 => Flag::NotASpeed { reason },
        2 => Flag::PartlyElsewhere { reason },
        3 => Flag::FarFromF32 { reason },
        4 => Flag::AllExperts { reason },
        _ => Flag::OtherPrecision { reason },
    })
}

fn noise() -> impl Strategy<Value = Noise> {
    let grade = pick(&[NoiseGrade::A, NoiseGrade::B, NoiseGrade::C, NoiseGrade::D]);
    (grade, proptest::collection::vec(figure(), 0..5), figure()).prop_map(|(grade, sentinel_ms, spread)| Noise {
        grade,
        sentinel_ms,
        spread,
    })
}

fn environment() -> impl Strategy<Value = Environment> {
    let words = (text(), text(), text(), proptest::collection::vec(text(), 0..3), maybe(text()), maybe(text()), text());
    let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), maybe(figure()), maybe(figure()));
    (words, numbers).prop_map(
        |(
            (machine, os, cpu, cpu_features, governor, power, assay_version),
            (logical_cores, memory_bytes, available_memory_bytes, frequency_mhz, load),
        )| Environment {
            machine: machine.into(),
            os,
            cpu,
            cpu_features,
            logical_cores,
            memory_bytes,
            available_memory_bytes,
            governor,
            frequency_mhz,
            load,
            power,
            assay_version,
        },
    )
}

fn model() -> impl Strategy<Value = RunModel> {
    let amounts = any::<[Option<u64>; 4]>();
    let per_sample = maybe((pick(TaskUnit::ALL), figure()).prop_map(|(unit, count)| PerSample { unit, count }));
    let units = prop_oneof![
        Just(SizeUnit::Tokens),
        (1..=u32::MAX).prop_map(|per_second| SizeUnit::Sound { per_second }),
        (1..=u32::MAX).prop_map(|per_second| SizeUnit::Frames { per_second }),
    ];
    (text(), text(), text(), text(), amounts, (per_sample, maybe(units))).prop_map(
        |(id, name, family, graph_hash, [parameters, macs, activations, weight_bytes], (per_sample, unit))| RunModel {
            id: id.into(),
            name,
            family,
            graph_hash,
            parameters,
            macs,
            activations,
            weight_bytes,
            per_sample,
            size_unit: unit,
        },
    )
}

fn error() -> impl Strategy<Value = OutputError> {
    (text(), [figure(), figure(), figure()], maybe(figure())).prop_map(
        |(against, [cosine, largest_difference, relative_difference], divergence_nats)| OutputError {
            against: against.into(),
            cosine,
            largest_difference,
            relative_difference,
            divergence_nats,
        },
    )
}

fn any_run() -> impl Strategy<Value = Run> {
    let who = (any::<u128>(), pick(Evidence::ALL), maybe(text()), setting(), pick(Platform::ALL), model());
    let when = (moment(), moment(), outcome(), proptest::collection::vec(phase(), 0..6), maybe(timing()));
    let what = (proptest::collection::vec(figure(), 0..50), check(), maybe(error()), maybe(placement()), effective());
    let memory = any::<[Option<u64>; 3]>();
    let rest = (
        maybe(noise()),
        proptest::collection::vec(flag(), 0..3),
        environment(),
        proptest::collection::vec(text(), 0..3),
    );
    (who, when, what, memory, rest).prop_map(
        |(
            (number, evidence, source, setting, platform, model),
            (started_at, finished_at, outcome, phases, timing),
            (samples_ms, check, error, placement, effective),
            [baseline_bytes, peak_bytes, device_peak_bytes],
            (noise, flags, environment, log),
        )| Run {
            id: id(number),
            evidence,
            source,
            setting,
            platform,
            model,
            started_at,
            finished_at,
            outcome,
            phases,
            timing,
            samples_ms,
            generated: None,
            check,
            error,
            placement,
            effective,
            memory: Memory { baseline_bytes, peak_bytes, device_peak_bytes },
            noise,
            flags,
            environment,
            log,
        },
    )
}

fn bits(figures: &[f64]) -> Vec<u64> {
    figures.iter().map(|figure| figure.to_bits()).collect()
}

#[test]
fn any_result_comes_back_as_it_was_stored() {
    let (folder, store) = fresh();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 150, ..Default::default() });
    let kept = std::cell::RefCell::new(Vec::new());
    runner
        .run(&any_run(), |run| {
            store.insert_run(&run).unwrap();
            let back = store.run(&run.id).unwrap().unwrap();
            prop_assert_eq!(bits(&back.samples_ms), bits(&run.samples_ms));
            prop_assert_eq!(&back, &run);
            kept.borrow_mut().push(run);
            Ok(())
        })
        .unwrap();
    drop(store);
    let store = store::Store::open(&folder.path().join("assay.duckdb")).unwrap();
    for run in kept.into_inner() {
        assert_eq!(store.run(&run.id).unwrap().unwrap(), run, "after closing and opening");
    }
}

#[test]
fn a_row_shows_the_figures_of_its_result() {
    let (_folder, store) = fresh();
    let mut run = run(1, "bert", Platform::Cpu, 12.5);
    run.model.per_sample = Some(PerSample { unit: TaskUnit::Tokens, count: 128.0 });
    store.insert_run(&run).unwrap();
    let page = store.list_runs(&Filter::default(), RunOrder::Newest, 0, 10).unwrap();
    assert_eq!(page.total, 1);
    let row = &page.rows[0];
    assert_eq!((row.median_ms, row.low_ms, row.samples), (Some(12.5), Some(12.5 * 0.99), Some(10)));
    assert_eq!((row.first_result_ms, row.compile_ms), (run.first_result_ms(), Some(10.0)));
    assert_eq!((row.throughput_per_s, row.per_sample), (Some(80.0), run.model.per_sample));
    assert_eq!((row.threads, row.noise, row.withheld.clone()), (Some(2), Some(NoiseGrade::A), None));
    assert_eq!(row.device_name, "CPU device");
}

#[test]
fn a_result_is_stored_once() {
    let (_folder, store) = fresh();
    let run = run(1, "bert", Platform::Cpu, 12.5);
    store.insert_run(&run).unwrap();
    assert!(matches!(store.insert_run(&run), Err(StoreError::Refused { .. })));
    assert_eq!(store.count().unwrap(), 1);
}

#[test]
fn results_that_are_here_already_by_their_samples_are_not_imported_again() {
    let (_folder, store) = fresh();
    let settled = std::cell::RefCell::new(Vec::new());
    let import = |runs: &[Run]| {
        store.import_runs(runs, &mut || ControlFlow::Continue(()), |here| {
            *settled.borrow_mut() = here.to_vec();
            Ok(())
        })
    };
    let of = |number: u128, samples_ms: &[f64]| Run {
        evidence: Evidence::Imported,
        source: Some("bench.json".into()),
        samples_ms: samples_ms.to_vec(),
        environment: Environment::default(),
        ..run(number, "bert", Platform::Cpu, 12.5)
    };
    let (one, other) = (of(1, &[12.0, 12.5, 13.0]), of(2, &[12.0, 13.0, 12.5]));
    assert_eq!(import(&[one.clone(), other.clone()]).unwrap(), 2);
    assert_eq!(store.run(&one.id).unwrap(), Some(one));
    assert_eq!(import(&[of(3, &[12.0, 12.5, 13.0]), of(4, &[1.5])]).unwrap(), 1);
    assert_eq!(settled.take(), [0], "the first of them was here");
    store.delete_runs(&[other.id]).unwrap();
    assert_eq!(import(&[of(5, &[12.0, 13.0, 12.5])]).unwrap(), 1, "what was deleted may come again");
    let mut asked = 0;
    let mut end = || {
        asked += 1;
        if asked == 1 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let ended = store.import_runs(&[of(6, &[2.5]), of(7, &[3.5])], &mut end, |_| Ok(()));
    assert!(matches!(ended, Err(StoreError::Cancelled)), "{ended:?}");
    assert_eq!(store.count().unwrap(), 3, "the first of them is not kept either");
    let unsettled =
        store.import_runs(&[of(8, &[4.5])], &mut || ControlFlow::Continue(()), |_| Err(StoreError::Cancelled));
    assert!(unsettled.is_err() && store.count().unwrap() == 3, "nor is anything where it could not be settled");
}

#[test]
fn what_generated_files_showed_is_kept_whole_or_not_at_all() {
    let (_folder, store) = fresh();
    let file = GeneratedFile { model_type: "bert".into(), platform: Platform::Cpu, kind: "benchmark".into() };
    let at = run(1, "bert", Platform::Cpu, 1.0).started_at;
    let check = FileCheck { file: file.clone(), text_hash: "ab".into(), checked_at: at, problem: None };
    let trial = |id: &str| Trial {
        id: id.into(),
        file: file.clone(),
        template: "benchmark.py".into(),
        text_hash: "ab".into(),
        started_at: at,
        secs: 2.0,
        outcome: TrialOutcome::Passed,
        steps: Vec::new(),
        environment: Default::default(),
        result: None,
        log: Vec::new(),
    };
    let result = run(1, "bert", Platform::Cpu, 12.5);
    store.keep_trials(std::slice::from_ref(&check), &[trial("a")], std::slice::from_ref(&result)).unwrap();
    assert_eq!(store.run(&result.id).unwrap(), Some(result.clone()));
    // The result is here already, so that nothing of it is kept.
    store.keep_trials(&[check], &[trial("b")], &[result]).unwrap_err();
    assert_eq!((store.trial("a").unwrap().is_some(), store.trial("b").unwrap()), (true, None));
    assert!(store.coverage("benchmark").unwrap()[0].is_current());
}

#[test]
fn a_figure_that_is_not_a_number_is_refused_and_leaves_nothing_behind() {
    let (_folder, store) = fresh();
    let mut bad = run(1, "bert", Platform::Cpu, 12.5);
    bad.samples_ms.push(f64::NAN);
    let error = store.insert_run(&bad).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
    assert_eq!(store.query("SELECT count(*) AS n FROM subjects").unwrap()[0]["n"], 0);
}

#[test]
fn deleting_hides_and_undo_brings_back() {
    let (_folder, store) = fresh();
    for number in 1..=3 {
        store.insert_run(&run(number, "bert", Platform::Cpu, number as f64)).unwrap();
    }
    assert_eq!(store.delete_runs(&[id(1), id(3), id(99)]).unwrap(), 2);
    assert_eq!(store.delete_runs(&[id(1)]).unwrap(), 0, "it is deleted already");
    assert_eq!(store.count().unwrap(), 1);
    let rows = store.list_runs(&Filter::default(), RunOrder::Newest, 0, 10).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [id(2)]);
    let best = store.matrix(Metric::Latency, &Filter::default()).unwrap().cells;
    assert_eq!((best[0].runs, best[0].best.as_ref().unwrap().value), (1, 2.0));
    assert_eq!(store.restore_runs(&[id(1), id(3)]).unwrap(), 2);
    assert_eq!(store.count().unwrap(), 3);
    assert_eq!(store.run(&id(3)).unwrap().unwrap(), run(3, "bert", Platform::Cpu, 3.0));
}

#[test]
fn deleted_results_are_listed_by_their_deletion_and_leave_the_list_with_undo() {
    let (_folder, store) = fresh();
    for (number, model) in [(1, "bert"), (2, "vit"), (3, "bert")] {
        store.insert_run(&run(number, model, Platform::Cpu, 1.0)).unwrap();
    }
    let listed = |filter: &Filter, offset: u64, limit: u32| {
        let page = store.list_deleted_runs(filter, offset, limit).unwrap();
        (page.rows.into_iter().map(|row| row.run.id).collect::<Vec<_>>(), page.total)
    };
    let all = Filter::default();
    assert_eq!(listed(&all, 0, 10), (vec![], 0));
    let before = Timestamp::now();
    for number in [3, 1, 2] {
        store.delete_runs(&[id(number)]).unwrap();
    }
    assert_eq!(listed(&all, 0, 10), (vec![id(2), id(1), id(3)], 3), "not by when they were measured");
    assert_eq!(listed(&all, 1, 1), (vec![id(1)], 3));
    assert_eq!(listed(&Filter { search: "vit".into(), ..all.clone() }, 0, 10), (vec![id(2)], 1));
    let rows = store.list_deleted_runs(&all, 0, 10).unwrap().rows;
    assert!(rows.iter().all(|row| (before..=Timestamp::now()).contains(&row.deleted_at)), "{rows:?}");
    store.restore_runs(&[id(1)]).unwrap();
    assert_eq!(listed(&all, 0, 10), (vec![id(2), id(3)], 2));
}

#[test]
fn results_have_another_version_once_one_came_or_went() {
    let (_folder, store) = fresh();
    let mut seen = vec![store.results_version().unwrap()];
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    seen.push(store.results_version().unwrap());
    store.delete_runs(&[id(1)]).unwrap();
    seen.push(store.results_version().unwrap());
    store.restore_runs(&[id(1)]).unwrap();
    seen.push(store.results_version().unwrap());
    seen.push(fresh().1.results_version().unwrap());
    for (at, version) in seen.iter().enumerate() {
        assert!(!seen[at + 1..].contains(version), "{seen:?}");
    }
    store.set_note(&id(1), "a note").unwrap();
    store.keep_trials(&[], &[], &[]).unwrap();
    assert_eq!(
        store.results_version(),
        Some(seen[3]),
        "a note is no result, and a file that measured nothing has none"
    );
}

#[test]
fn a_note_is_kept_and_found() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    store.insert_run(&run(2, "vit", Platform::Cpu, 1.0)).unwrap();
    store.set_note(&id(2), "Before the driver's Update").unwrap();
    let found = |search: &str| {
        let filter = Filter { search: search.into(), ..Filter::default() };
        let page = store.list_runs(&filter, RunOrder::Oldest, 0, 10).unwrap();
        page.rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(found("driver update"), [id(2)]);
    assert_eq!(found("VIT update"), [id(2)]);
    assert_eq!(found("opt update"), []);
    assert_eq!(found("cpu"), [id(1), id(2)]);
    assert_eq!(found("100%_"), [], "wildcards are taken as they stand");
    assert!(matches!(store.set_note(&id(7), ""), Err(StoreError::NoRun(_))));
}

#[test]
fn pages_follow_each_other_in_every_order() {
    let (_folder, store) = fresh();
    for number in 1..=25_u128 {
        let model = ["bert", "vit", "opt"][number as usize % 3];
        store.insert_run(&run(number, model, Platform::Cpu, ((number * 7) % 11) as f64 + 1.0)).unwrap();
    }
    store.insert_run(&failed(26, "bert", Platform::Cpu)).unwrap();
    for order in [RunOrder::Newest, RunOrder::Oldest, RunOrder::Fastest, RunOrder::Slowest, RunOrder::Model] {
        let all = store.list_runs(&Filter::default(), order, 0, 100).unwrap();
        assert_eq!((all.total, all.rows.len()), (26, 26));
        let pages: Vec<RunRow> =
            (0..6).flat_map(|page| store.list_runs(&Filter::default(), order, page * 5, 5).unwrap().rows).collect();
        assert_eq!(pages, all.rows, "{order:?}");
    }
    let fastest = store.list_runs(&Filter::default(), RunOrder::Fastest, 0, 100).unwrap().rows;
    assert!(fastest.windows(2).take(24).all(|pair| pair[0].median_ms <= pair[1].median_ms));
    assert_eq!(fastest[25].failure, Some(FailureKind::Crash), "what has no time comes last");
}

#[test]
fn every_part_of_the_filter_counts() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 1.0)).unwrap();
    let mut other = run(2, "vit", Platform::Cuda, 1.0);
    other.model.family = "vit".into();
    other.setting.engine = "candle".into();
    other.setting.precision = Precision::F16;
    other.setting.mode = Mode::Training;
    (other.setting.batch, other.setting.size) = (8, Some(224));
    other.evidence = Evidence::Imported;
    store.insert_run(&other).unwrap();
    let filters = [
        Filter { families: vec!["vit".into()], ..Filter::default() },
        Filter { models: vec!["vit".into()], ..Filter::default() },
        Filter { engines: vec!["candle".into()], ..Filter::default() },
        Filter { platforms: vec![Platform::Cuda, Platform::Mps], ..Filter::default() },
        Filter { precisions: vec![Precision::F16], ..Filter::default() },
        Filter { modes: vec![Mode::Training], ..Filter::default() },
        Filter { batches: vec![8, 16], ..Filter::default() },
        Filter { sizes: vec![224], ..Filter::default() },
        Filter { evidence: vec![Evidence::Imported], ..Filter::default() },
    ];
    for filter in filters {
        let rows = store.list_runs(&filter, RunOrder::Newest, 0, 10).unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [id(2)], "{filter:?}");
    }
    let choices = store.filter_choices().unwrap();
    assert_eq!(choices.models, ["bert", "vit"]);
    assert_eq!(choices.engines, [EngineId::from("candle"), "onnxruntime".into()]);
    assert_eq!(choices.batches, [1, 8]);
    assert_eq!(choices.evidence, [Evidence::Measured, Evidence::Imported]);
}

#[test]
fn an_estimate_rests_on_the_longest_earlier_run_of_the_same_setting() {
    let (_folder, store) = fresh();
    let first = run(1, "bert", Platform::Cpu, 1.0);
    assert_eq!(store.longest_like(&first.setting).unwrap(), None);
    store.insert_run(&first).unwrap();
    let mut longer = run(2, "bert", Platform::Cpu, 1.0);
    longer.finished_at = longer.started_at + jiff::SignedDuration::from_millis(20_500);
    store.insert_run(&longer).unwrap();
    assert_eq!(store.longest_like(&first.setting).unwrap(), Some(20.5));
    let other = Setting { batch: 2, ..first.setting.clone() };
    assert_eq!(store.longest_like(&other).unwrap(), None);
    let further = Setting { dims: [("frames".to_owned(), 8)].into(), ..first.setting };
    assert_eq!(store.longest_like(&further).unwrap(), None);
}

#[test]
fn results_of_other_dimensions_are_told_apart_and_say_what_they_were_fed() {
    let (_folder, store) = fresh();
    let fed = |number: u128, median_ms: f64, dims: &[(&str, u32)]| {
        let mut run = run(number, "net", Platform::Cpu, median_ms);
        run.setting.dims = dims.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        run
    };
    let (plain, further) = (fed(1, 5.0, &[]), fed(2, 9.0, &[("text", 16), ("frames", 8)]));
    store.insert_run(&plain).unwrap();
    store.insert_run(&further).unwrap();
    store.insert_run(&fed(3, 8.0, &[("frames", 8), ("text", 16)])).unwrap();
    let rows = store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 9).unwrap().rows;
    let told: Vec<String> = rows.iter().map(|row| row.fed().words().join(", ")).collect();
    let other = "batch 1, 128 tokens, frames 8, text 16";
    assert_eq!(told, ["batch 1, 128 tokens", other, other]);
    assert_eq!(store.query("SELECT count(*) AS n FROM dims").unwrap()[0]["n"], 1);
    let times = |run: &Run| {
        let found = store.runs_of_graphs(&["ab"], &run.fed()).unwrap();
        found.iter().map(|run| run.times.call.ms).collect::<Vec<_>>()
    };
    assert_eq!((times(&plain), times(&further)), (vec![5.0], vec![8.0]), "the newest of each");
    let known: Vec<Option<String>> = store.known_runs().unwrap().into_iter().map(|run| run.dims).collect();
    assert_eq!(known, [None, Some("frames=8,text=16".into()), Some("frames=8,text=16".into())]);
}

#[test]
fn a_row_says_what_ran_otherwise_and_what_ran_elsewhere_is_not_ranked() {
    let (_folder, store) = fresh();
    let placed = |number: u128, node_share: f64, mac_share: Option<f64>| {
        let mut run = run(number, "net", Platform::Cuda, 5.0);
        run.setting.precision = Precision::F16;
        run.placement = Some(Placement { node_share, mac_share, parts: Vec::new(), source: String::new() });
        run
    };
    for run in [placed(1, 0.9, Some(0.12)), placed(2, 0.1, Some(0.0)), placed(3, 0.0, None), placed(4, 1.0, None)] {
        store.insert_run(&run).unwrap();
    }
    let rows = store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 9).unwrap().rows;
    let told: Vec<String> = rows.iter().map(RunRow::ran).collect();
    let nowhere = "f16, ran in f32, 0 % on this device";
    assert_eq!(told, ["f16, ran in f32, 12 % on this device", nowhere, nowhere, "f16, ran in f32"]);
    let elsewhere = Some("it ran elsewhere: nothing of its work was done on CUDA device".to_owned());
    let withheld: Vec<Option<String>> = rows.into_iter().map(|row| row.withheld).collect();
    assert_eq!(withheld, [None, elsewhere.clone(), elsewhere, None]);
}

#[test]
fn a_row_says_that_all_experts_ran_and_is_ranked() {
    let (folder, store) = fresh();
    let mut mixture = run(1, "mixtral", Platform::Cpu, 5.0);
    mixture.flags.push(Flag::AllExperts { reason: "All 8 experts are computed for each token".into() });
    // What a reason quotes is no flag.
    let mut quoting = run(2, "net", Platform::Cpu, 5.0);
    quoting.flags.push(Flag::OtherPrecision { reason: "\"all_experts\"".into() });
    for run in [&mixture, &quoting] {
        store.insert_run(run).unwrap();
    }
    let rows = store.list_runs(&Filter::default(), RunOrder::Oldest, 0, 9).unwrap().rows;
    let told: Vec<String> = rows.iter().map(RunRow::ran).collect();
    assert_eq!(told, [mixture.ran(), quoting.ran()]);
    assert_eq!(told, ["f32, all experts computed", "f32"]);
    let cells = store.matrix(Metric::Latency, &Filter::default()).unwrap().cells;
    let told: Vec<_> =
        cells.iter().map(|cell| (cell.model.as_str(), cell.best.as_ref().unwrap().all_experts)).collect();
    assert_eq!(told, [("mixtral", true), ("net", false)]);
    assert!(rows.iter().all(|row| row.withheld.is_none()));
    let notes = store.export(&folder.path().join("t.csv"), &Filter::default(), false).unwrap().notes;
    assert_eq!(notes, [("with every expert of a mixture computed for each token".to_owned(), 1)]);
}

#[test]
fn several_threads_write_and_read_at_once() {
    let (_folder, store) = fresh();
    std::thread::scope(|scope| {
        for thread in 0..4_u128 {
            let store = store.clone();
            scope.spawn(move || {
                for number in 0..10 {
                    store.insert_run(&run(thread * 100 + number + 1, "bert", Platform::Cpu, 1.0)).unwrap();
                    store.matrix(Metric::Latency, &Filter::default()).unwrap();
                }
            });
        }
    });
    assert_eq!(store.count().unwrap(), 40);
}

#[test]
fn generated_text_comes_back_with_every_token_and_in_every_list() {
    let (_folder, store) = fresh();
    let mut written = crate::making::generated(1, "gpt2", Platform::Cpu);
    written.setting.precision = Precision::F16;
    store.insert_run(&written).unwrap();
    assert_eq!(store.run(&written.id).unwrap(), Some(written.clone()));
    let row = store.list_runs(&Filter::default(), RunOrder::Newest, 0, 9).unwrap().rows.remove(0);
    assert_eq!((row.output_tokens, row.first_token_ms), (Some(2), Some(20.0)));
    assert_eq!((row.token_ms, row.tokens_per_s), (Some(4.0), Some(250.0)));
    let known = store.known_runs().unwrap().remove(0);
    assert_eq!((known.mode, known.output_tokens), (Mode::Generation, Some(2)));
    let found = store.runs_of_graphs(&["ab"], &written.fed()).unwrap().remove(0);
    assert_eq!((found.precision, found.effective_precision), (Precision::F16, Some(Precision::F32)));
    let tokens = found.times.tokens.unwrap();
    assert_eq!((found.times.call.ms, tokens.first.ms, tokens.further.high_ms), (24.0, 20.0, 4.1));
    let other = Fed { dims: dims_key(&[(OUTPUT.to_owned(), 3)].into()), ..written.fed() };
    let one_pass = run(2, "gpt2", Platform::Cpu, 24.0).fed();
    for nothing in [other, one_pass] {
        assert_eq!(store.runs_of_graphs(&["ab"], &nothing).unwrap(), [], "{nothing:?}");
    }
}
