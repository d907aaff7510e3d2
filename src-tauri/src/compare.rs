//! One comparison from its two settings to its verdict: both prepared, measured in turn, judged after every round.

use crate::bench::{Bench, Order, Stopped, not_started};
use contract::*;
use engine::{Control, Job, Told, Turns, measure_in_turn};
use insight::compare::{judge, tails};
use jiff::Timestamp;
use std::time::Duration;

/// What a comparison is held to, besides its two settings.
#[derive(Clone, Debug)]
pub struct Terms {
    pub rules: CompareRules,
    /// Longest time for the rounds; they end as soon as everything asked is told.
    pub budget_secs: f64,
    /// Rounds of the same settings that count as well; the interval holds over all of them together.
    pub earlier: Vec<Round>,
}

impl Terms {
    /// Refuses what cannot be meant; `names` are those of the threshold, the confidence, the percentile and the budget
    /// where they were given.
    pub fn check(&self, names: [&str; 4]) -> Result<(), Failure> {
        let CompareRules { threshold, confidence, tail } = self.rules;
        let [threshold_name, confidence_name, tail_name, budget_name] = names;
        if !(0.000_1..=0.5).contains(&threshold) {
            return Err(Failure::bad_input(threshold_name, "it must lie between 0.01 and 50 percent"));
        }
        if !(0.5..=0.999_999).contains(&confidence) {
            return Err(Failure::bad_input(confidence_name, "it must lie between 50 and 99.9999 percent"));
        }
        if !(0.1..=86_400.0).contains(&self.budget_secs) {
            return Err(Failure::bad_input(budget_name, "it must lie between 0.1 s and a day"));
        }
        if let Some(reason) = tail.and_then(tail_fault) {
            return Err(Failure::bad_input(tail_name, reason));
        }
        Ok(())
    }
}

/// What a comparison tells while it goes on.
pub enum Progress<'a> {
    /// One side is being prepared.
    Live(Side, &'a Live),
    /// The rounds so far, what they say, and what the samples say of a limit on a percentile.
    Rounds(&'a [Round], PairedRatio, Option<Tails>),
}

impl Bench {
    /// Never fails: what goes wrong is the result of the side it went wrong for.
    pub fn compare(
        &self,
        [a, b]: [&Order; 2],
        terms: &Terms,
        control: &Control,
        on: &mut dyn FnMut(Progress),
    ) -> Comparison {
        let started_at = Timestamp::now();
        let mut ready = |side: Side, order: &Order| {
            comparable(order).and_then(|()| self.prepare(order, control, &mut |live| on(Progress::Live(side, &live))))
        };
        let (ready_a, ready_b) = (ready(Side::A, a), ready(Side::B, b));
        let turns = match (ready_a, ready_b) {
            (Ok(a), Ok(b)) => self.in_turn([a, b], terms, control, on),
            (ready_a, ready_b) => {
                let run = |order, ready: Result<Job, Stopped>| {
                    not_started(order, started_at, ready.err().unwrap_or_else(Stopped::cancelled))
                };
                Turns { a: run(a, ready_a), b: run(b, ready_b), rounds: Vec::new() }
            }
        };
        let rounds = following(&terms.earlier, &turns.rounds);
        Comparison {
            id: ComparisonId(uuid::Uuid::now_v7().to_string()),
            rules: terms.rules,
            result: judge(&rounds, &terms.rules),
            rounds,
            started_at,
            finished_at: Timestamp::now(),
            a: turns.a,
            b: turns.b,
        }
    }

    fn in_turn(&self, jobs: [Job; 2], terms: &Terms, control: &Control, on: &mut dyn FnMut(Progress)) -> Turns {
        let budget = Duration::from_secs_f64(terms.budget_secs);
        let [a, b] = jobs.map(|mut job| {
            // Each side waits while the other is prepared and takes its turns.
            job.limits.timeout = job.limits.timeout * 2 + budget;
            job
        });
        measure_in_turn(&self.program, [&a, &b], budget, control, &mut |told| match told {
            Told::Live(side, live) => on(Progress::Live(side, live)),
            Told::Rounds(rounds, samples) => {
                let rounds = following(&terms.earlier, rounds);
                let Some(ratio) = judge(&rounds, &terms.rules) else { return };
                let tails = tails(&terms.rules, samples);
                if ratio.verdict != Verdict::CannotTell && tails.is_none_or(|tails| tails.are_told()) {
                    control.stop();
                }
                on(Progress::Rounds(&rounds, ratio, tails));
            }
        })
    }
}

/// Refuses a side whose times are predictions: a verdict over them would read like a measured one.
fn comparable(order: &Order) -> Result<(), Stopped> {
    if !order.model.model.graph().shared_weights {
        return Ok(());
    }
    let reason = "its weights share one pool, so that its times are predictions, which are not compared";
    let failure = Failure::bad_input(order.model.info.name.clone(), reason);
    Err(Stopped::refused(failure.remedy("Build it without --shared-weights")))
}

/// What the samples of both sides say of the limit on a percentile, where there is one.
pub fn tails_of(comparison: &Comparison) -> Option<Tails> {
    tails(&comparison.rules, [&comparison.a.samples_ms, &comparison.b.samples_ms])
}

/// Why a limit on a percentile makes no sense; none where it does.
fn tail_fault(tail: Percentile) -> Option<&'static str> {
    match tail {
        Percentile { p, .. } if !(0.5..=0.999).contains(&p) => Some("the percentile must lie between p50 and p99.9"),
        Percentile { ms, .. } if !(ms > 0.0 && ms.is_finite()) => Some("the time must be more than 0 ms"),
        _ => None,
    }
}

/// The time of new rounds goes on where that of the earlier ones ended.
fn following(earlier: &[Round], new: &[Round]) -> Vec<Round> {
    let before = earlier.last().map_or(0.0, |round| round.ended_secs);
    let new = new.iter().map(|round| Round { ended_secs: before + round.ended_secs, ..*round });
    earlier.iter().copied().chain(new).collect()
}
