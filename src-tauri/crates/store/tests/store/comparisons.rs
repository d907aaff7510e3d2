//! A comparison comes back as it was inserted, with both results and every round.

use crate::making::{failed, fresh, id, run};
use contract::*;

fn comparison(result: Option<PairedRatio>) -> Comparison {
    let (a, b) = (run(1, "bert", Platform::Cpu, 1.0), run(2, "bert", Platform::Cpu, 1.03));
    Comparison {
        id: ComparisonId(id(9).0),
        rules: CompareRules {
            threshold: 0.02,
            confidence: 0.99,
            tail: result.is_some().then_some(Percentile { p: 0.99, ms: 12.5 }),
        },
        result,
        rounds: vec![
            Round {
                first: Side::A,
                a_ms: [1.0, 0.1 + 0.2],
                b_ms: [1.03, 1.04],
                calls_ms: Some([1.1, 1.03]),
                ended_secs: 0.08,
            },
            Round { first: Side::B, a_ms: [1.0, 1.01], b_ms: [1.02, 1.05], calls_ms: None, ended_secs: 0.16 },
        ],
        started_at: a.started_at,
        finished_at: b.finished_at,
        a,
        b,
    }
}

fn told(interval: Option<RatioInterval>) -> PairedRatio {
    PairedRatio { ratio: 1.03, interval, rounds: 2, verdict: Verdict::CannotTell, needed_secs: Some(40.0) }
}

#[test]
fn a_comparison_comes_back_with_both_results_and_every_round() {
    for result in [None, Some(told(None)), Some(told(Some(RatioInterval { low: 0.99, high: 1.07 })))] {
        let (_folder, store) = fresh();
        let whole = comparison(result);
        store.insert_comparison(&whole).unwrap();
        assert_eq!(store.comparison(&whole.id).unwrap(), Some(whole.clone()));
        assert_eq!(store.run(&whole.b.id).unwrap(), Some(whole.b));
        assert_eq!(store.count().unwrap(), 2);
    }
}

#[test]
fn a_side_that_failed_is_kept_with_its_reason() {
    let (_folder, store) = fresh();
    let whole = Comparison { b: failed(2, "bert", Platform::Cpu), rounds: Vec::new(), ..comparison(None) };
    store.insert_comparison(&whole).unwrap();
    assert_eq!(store.comparison(&whole.id).unwrap(), Some(whole));
}

#[test]
fn a_comparison_that_cannot_be_kept_whole_leaves_nothing() {
    let (_folder, store) = fresh();
    let mut whole = comparison(None);
    whole.rounds[1].b_ms[0] = f64::NAN;
    assert!(store.insert_comparison(&whole).is_err());
    let same = Comparison { b: whole.a.clone(), ..comparison(None) };
    assert!(store.insert_comparison(&same).is_err(), "one result cannot be both sides");
    assert_eq!(store.count().unwrap(), 0);
    assert_eq!(store.comparison(&whole.id).unwrap(), None);
}
