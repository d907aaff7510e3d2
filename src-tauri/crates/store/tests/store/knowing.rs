//! What is learned from and watched, and what ran where.

use crate::making::{data, failed, fresh, run, timing};
use contract::*;
use std::ops::ControlFlow;

#[test]
fn what_is_known_is_ranked_dated_and_has_its_surroundings() {
    let (_folder, store) = fresh();
    let percentiles = vec![Percentile { p: 0.95, ms: 9.5 }];
    let told = Run { timing: Some(Timing { percentiles, ..timing(9.0) }), ..run(2, "bert", Platform::Cpu, 9.0) };
    store.insert_run(&told).unwrap();
    store.insert_run(&run(1, "bert", Platform::Cpu, 8.0)).unwrap();
    store.insert_run(&failed(3, "bert", Platform::Cpu)).unwrap();
    let predicted = Run { evidence: Evidence::Predicted, ..run(4, "bert", Platform::Cpu, 1.0) };
    store.insert_run(&predicted).unwrap();
    let known = store.known_runs().unwrap();
    let times: Vec<(f64, Option<f64>)> = known.iter().map(|run| (run.median_ms, run.p95_ms)).collect();
    assert_eq!(times, [(8.0, None), (9.0, Some(9.5))], "neither the failed nor the predicted one, oldest first");
    let Timing { low_ms, high_ms, .. } = timing(9.0);
    assert_eq!((known[1].low_ms, known[1].high_ms), (Some(low_ms), Some(high_ms)));
    assert_eq!(known[0].surroundings.os.as_deref(), Some("Linux"));
    assert_eq!((known[0].hardware.as_str(), known[0].threads), ("CPU device", Some(2)));
    store.delete_runs(&[known[0].id.clone()]).unwrap();
    assert_eq!(store.known_runs().unwrap().len(), 1);
}

#[test]
fn what_ran_otherwise_is_known_of_results_and_of_their_export() {
    let (folder, store) = fresh();
    let mut half = run(1, "mixtral", Platform::Cuda, 8.0);
    half.setting.precision = Precision::F16;
    half.flags.push(Flag::AllExperts { reason: "All 8 experts are computed for each token".into() });
    half.placement = Some(Placement { node_share: 0.9, mac_share: Some(0.12), parts: vec![], source: "".into() });
    store.insert_run(&half).unwrap();
    let table = folder.path().join("t.csv");
    store.export(&table, &Filter::default(), false).unwrap();
    // A table may have its own word for what ran.
    let told = std::fs::read_to_string(&table).unwrap().replacen(",f32,inference,", ",fp32,inference,", 1);
    std::fs::write(&table, told).unwrap();
    let (_folder, other) = fresh();
    other.import(&table, &mut |_, _| ControlFlow::Continue(())).unwrap();
    for store in [store, other] {
        let known = store.known_runs().unwrap().remove(0);
        assert_eq!(known.ran(), half.ran());
        assert_eq!((known.precision.as_str(), known.ran_precision().as_str()), ("f16", "f16, ran in f32"));
    }
    assert_eq!(half.ran(), "f16, ran in f32, 12 % on this device, all experts computed");
}

#[test]
fn an_imported_precision_keeps_its_own_word() {
    let (_folder, store) = fresh();
    store.import(&data("edge_devices.csv.gz"), &mut |_, _| ControlFlow::Continue(())).unwrap();
    let known = store.known_runs().unwrap();
    assert!(known.iter().any(|run| run.precision == "w8a8"), "{:?}", known[0]);
    assert!(known.iter().all(|run| run.machine.is_none() && run.started_at.is_some()));
}

#[test]
fn a_family_that_only_failed_says_why_and_one_never_tried_is_blank() {
    let (_folder, store) = fresh();
    store.insert_run(&run(1, "bert", Platform::Cpu, 8.0)).unwrap();
    store.insert_run(&failed(2, "bert", Platform::Cpu)).unwrap();
    store.insert_run(&failed(3, "bert", Platform::Cuda)).unwrap();
    let compatibility = store.compatibility().unwrap();
    assert_eq!(compatibility.families.len(), 1);
    let at = |platform| compatibility.platforms.iter().position(|known| *known == platform).unwrap();
    let cells = &compatibility.families[0].cells;
    let cpu = cells[at(Platform::Cpu)].as_ref().unwrap();
    assert_eq!((cpu.models_run, cpu.models_failed, cpu.measured, cpu.failed), (1, 0, 1, 1));
    let cuda = cells[at(Platform::Cuda)].as_ref().unwrap();
    assert_eq!((cuda.models_run, cuda.models_failed, cuda.failed), (0, 1, 1));
    assert_eq!(cuda.reason.as_deref(), Some("the worker ended with signal 11"));
    assert_eq!(cells[at(Platform::Mps)], None);
}
