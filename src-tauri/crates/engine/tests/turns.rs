//! Two measurements in turn, seen through their only door.

mod bench;

use bench::{Bench, program};
use contract::{FailureKind, Outcome, OutputCheck, Round, Side, StopReason};
use engine::{Control, Job, Told, Turns, measure_in_turn};
use std::time::Duration;

fn turns(a: &Job, b: &Job, budget: Duration, control: &Control, on: &mut dyn FnMut(&[Round])) -> Turns {
    measure_in_turn(&program(), [a, b], budget, control, &mut |told| {
        if let Told::Rounds(rounds) = told {
            on(rounds);
        }
    })
}

#[test]
fn both_are_checked_and_sampled_in_the_rounds_that_are_told() {
    let bench = Bench::new();
    let (a, b) = (bench.job("candle", 64, &[]), bench.job("candle", 192, &[]));
    let (control, mut heard) = (Control::default(), 0);
    let Turns { a, b, rounds } = turns(&a, &b, Duration::from_secs(60), &control, &mut |rounds| {
        heard = rounds.len();
        if heard == 12 {
            control.stop();
        }
    });
    assert_eq!((heard, rounds.len()), (12, 12), "it ends as soon as it is told to");
    // A matrix of three times the edge takes 27 times the work.
    assert!(rounds.iter().all(|round| round.b_ms.iter().all(|b| *b > round.a_ms[0])), "{rounds:?}");
    assert!(rounds.windows(2).all(|pair| pair[0].ended_secs < pair[1].ended_secs));
    for run in [&a, &b] {
        assert_eq!(run.outcome, Outcome::Done, "{:#?}", run.log);
        assert!(matches!(run.check, OutputCheck::Unchecked { .. }), "no other engine was named");
        let timing = run.timing.as_ref().unwrap();
        assert_eq!(timing.stop, StopReason::Compared);
        // The round that is not told is sampled too: 26 blocks.
        assert!(run.samples_ms.len() >= 26 && run.noise.is_some());
        assert_eq!(run.effective.threads, Some(1));
    }
}

#[test]
fn the_coin_lets_either_begin() {
    let bench = Bench::new();
    let job = bench.job("candle", 64, &[]);
    let rounds = turns(&job, &job, Duration::from_secs(3), &Control::default(), &mut |_| {}).rounds;
    let first = |side| rounds.iter().filter(|round| round.first == side).count();
    assert!(first(Side::A) > 0 && first(Side::B) > 0, "{} and {}", first(Side::A), first(Side::B));
}

#[test]
fn a_side_that_cannot_run_ends_the_other() {
    let bench = Bench::new();
    let (a, mut b) = (bench.job("candle", 64, &[]), bench.job("candle", 64, &[]));
    b.onnx = bench.path().join("none.onnx");
    let Turns { a, b, rounds } = turns(&a, &b, Duration::from_secs(60), &Control::default(), &mut |_| {});
    assert!(rounds.is_empty());
    assert!(matches!(a.outcome, Outcome::Failed { kind: FailureKind::Cancelled, .. }), "{:?}", a.outcome);
    let Outcome::Failed { message, .. } = b.outcome else { panic!("{:?}", b.outcome) };
    assert!(message.contains("none.onnx"), "{message}");
}

#[cfg(unix)]
#[test]
fn rounds_with_a_model_that_is_rewritten_meanwhile_tell_nothing() {
    let bench = Bench::new();
    let (mut a, b) = (bench.job("candle", 64, &[]), bench.job("candle", 64, &[]));
    a.onnx = bench.path().join("mine.onnx");
    std::fs::copy(&b.onnx, &a.onnx).unwrap();
    a.files = vec![models::Stamped::now(&a.onnx)];
    let (control, mut heard) = (Control::default(), 0);
    let turns = turns(&a, &b, Duration::from_secs(60), &control, &mut |rounds| {
        heard = rounds.len();
        if heard == 3 {
            bench::rewrite(&a.onnx);
            control.stop();
        }
    });
    assert_eq!((heard, turns.rounds.len()), (3, 0));
    let a = turns.a.outcome;
    assert!(matches!(a, Outcome::Failed { kind: FailureKind::ModelChanged, .. }), "{a:?}");
    assert_eq!(turns.b.outcome, Outcome::Done, "{:#?}", turns.b.log);
}

#[test]
fn cancelling_ends_both_at_once() {
    let bench = Bench::new();
    let (a, b) = (bench.job("candle", 64, &[]), bench.job("candle", 64, &[]));
    let control = Control::default();
    let turns = turns(&a, &b, Duration::from_secs(60), &control, &mut |_| control.cancel());
    for run in [turns.a, turns.b] {
        assert!(matches!(run.outcome, Outcome::Failed { kind: FailureKind::Cancelled, .. }), "{:?}", run.outcome);
    }
}
