//! One comparison from its two settings to its verdict: both prepared, measured in turn, judged after every round.

use crate::bench::{Bench, Order, Stopped, not_started};
use contract::*;
use engine::{Control, Job, Told, Turns, backend::SessionFacts, measure_in_turn};
use insight::compare::{judge, tails};
use jiff::Timestamp;
use std::time::Duration;

/// What a comparison is held to, besides its two settings.
#[derive(Clone, Debug)]
pub struct Terms {
    pub rules: CompareRules,
    /// Longest time for the rounds; they end as soon as everything asked is told.
    pub budget_secs: f64,
    /// A comparison of the same settings whose rounds count as well; the interval holds over all of them together.
    pub earlier: Option<Comparison>,
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
    /// The earlier rounds do not count, and why.
    NotCounted(&'a str),
    /// The rounds so far, what they say, and what their calls say of a limit on a percentile.
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
        let mut earlier = Earlier(terms.earlier.as_ref());
        let turns = match (ready_a, ready_b) {
            (Ok(a), Ok(b)) => self.in_turn([a, b], terms, &mut earlier, control, on),
            (ready_a, ready_b) => {
                let run = |order, ready: Result<Job, Stopped>| {
                    not_started(order, started_at, ready.err().unwrap_or_else(Stopped::cancelled))
                };
                Turns { a: run(a, ready_a), b: run(b, ready_b), rounds: Vec::new() }
            }
        };
        let late = [(Side::A, &turns.a), (Side::B, &turns.b)].into_iter().any(|(side, run)| {
            let Effective { engine_version, driver, precision, .. } = &run.effective;
            earlier.hold(side, engine_version, driver.as_deref(), *precision, on)
        });
        let rounds = earlier.followed_by(&turns.rounds);
        let result = judge(&rounds, &terms.rules);
        if let Some(ratio) = result.filter(|_| late) {
            on(Progress::Rounds(&rounds, ratio, tails(&terms.rules, &rounds)));
        }
        Comparison {
            id: ComparisonId(uuid::Uuid::now_v7().to_string()),
            rules: terms.rules,
            result,
            rounds,
            started_at,
            finished_at: Timestamp::now(),
            a: turns.a,
            b: turns.b,
        }
    }

    fn in_turn(
        &self,
        jobs: [Job; 2],
        terms: &Terms,
        earlier: &mut Earlier,
        control: &Control,
        on: &mut dyn FnMut(Progress),
    ) -> Turns {
        let budget = Duration::from_secs_f64(terms.budget_secs);
        let [a, b] = jobs.map(|mut job| {
            // Each side waits while the other is prepared and takes its turns.
            job.limits.timeout = job.limits.timeout * 2 + budget;
            job
        });
        measure_in_turn(&self.program, [&a, &b], budget, control, &mut |told| match told {
            Told::Live(side, live) => on(Progress::Live(side, live)),
            Told::Facts(side, SessionFacts { engine_version, driver, precision, .. }) => {
                let job = if side == Side::A { &a } else { &b };
                let driver = driver.as_deref().or(job.driver.as_deref());
                earlier.hold(side, engine_version, driver, *precision, on);
            }
            Told::Rounds(rounds) => {
                let rounds = earlier.followed_by(rounds);
                let Some(ratio) = judge(&rounds, &terms.rules) else { return };
                let tails = tails(&terms.rules, &rounds);
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

/// What the calls of both sides say of the limit on a percentile, where there is one. Rounds that an older Assay kept do
/// not say which calls count.
pub fn tails_of(comparison: &Comparison) -> Option<Tails> {
    let rounds = &comparison.rounds;
    let is_said = rounds.is_empty() || rounds.iter().any(|round| round.calls_ms.is_some());
    tails(&comparison.rules, rounds).filter(|_| is_said)
}

/// Why a limit on a percentile makes no sense; none where it does.
fn tail_fault(tail: Percentile) -> Option<&'static str> {
    match tail {
        Percentile { p, .. } if !(0.5..=0.999).contains(&p) => Some("the percentile must lie between p50 and p99.9"),
        Percentile { ms, .. } if !(ms > 0.0 && ms.is_finite()) => Some("the time must be more than 0 ms"),
        _ => None,
    }
}

/// An earlier comparison, for as long as the same runs as then.
struct Earlier<'a>(Option<&'a Comparison>);

impl Earlier<'_> {
    /// Lets go of it where a side turns out to run something else, says so, and answers whether it did.
    fn hold(
        &mut self,
        side: Side,
        version: &str,
        driver: Option<&str>,
        precision: Option<Precision>,
        on: &mut dyn FnMut(Progress),
    ) -> bool {
        let told = self.0.and_then(|before| changed(before.side(side), version, driver, precision));
        if let Some(told) = &told {
            self.0 = None;
            on(Progress::NotCounted(told));
        }
        told.is_some()
    }

    /// The time of new rounds goes on where that of the earlier ones ended.
    fn followed_by(&self, new: &[Round]) -> Vec<Round> {
        let earlier = self.0.map_or(&[][..], |before| &before.rounds[..]);
        let before = earlier.last().map_or(0.0, |round| round.ended_secs);
        let new = new.iter().map(|round| Round { ended_secs: before + round.ended_secs, ..*round });
        earlier.iter().map(|round| Round { calls_ms: None, ..*round }).chain(new).collect()
    }
}

/// Why the rounds of a side do not go together with what runs now; what is not known tells nothing.
fn changed(before: &Run, version: &str, driver: Option<&str>, precision: Option<Precision>) -> Option<String> {
    let then = &before.effective;
    let another = |then: &str, now: &str| !then.is_empty() && !now.is_empty() && then != now;
    let what = if another(&then.engine_version, version) {
        format!("were of {} {}", before.setting.engine.label(), then.engine_version)
    } else if let Some((then, _)) = then.driver.as_deref().zip(driver).filter(|(then, now)| another(then, now)) {
        format!("were with driver {then}")
    } else {
        let (then, _) = then.precision.zip(precision).filter(|(then, now)| then != now)?;
        format!("ran in {then}")
    };
    Some(format!("The earlier rounds {what} and are not counted"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::failed_run;

    /// One side of a comparison that went on until it had rounds.
    fn ran(version: &str, driver: Option<&str>, precision: Precision) -> Run {
        let setting = Setting {
            model: "preset:net".into(),
            engine: "onnxruntime".into(),
            device: "cpu".into(),
            precision: Precision::F32,
            mode: Mode::Inference,
            batch: 1,
            size: None,
            dims: Default::default(),
            threads: None,
            seed: 0,
            budget_secs: 1.0,
        };
        let (at, phase, kind) = (Timestamp::UNIX_EPOCH, PhaseName::Warm, FailureKind::Cancelled);
        let run = failed_run("r".into(), &setting, RunModel::default(), None, at, phase, kind, String::new());
        let effective = Effective {
            engine_version: version.into(),
            driver: driver.map(str::to_owned),
            precision: Some(precision),
            ..Effective::default()
        };
        Run { outcome: Outcome::Done, effective, ..run }
    }

    #[test]
    fn earlier_rounds_count_only_for_what_ran_in_them() {
        let round =
            Round { first: Side::A, a_ms: [1.0; 2], b_ms: [2.0; 2], calls_ms: Some([1.0, 2.0]), ended_secs: 0.5 };
        let comparison = Comparison {
            id: "c".into(),
            rules: CompareRules::default(),
            result: None,
            rounds: vec![round],
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            a: ran("1.29", Some("535"), Precision::F32),
            b: ran("1.29", None, Precision::Bf16),
        };
        let told = |side, version: &str, driver: Option<&str>, precision| {
            let (mut earlier, mut said) = (Earlier(Some(&comparison)), Vec::new());
            earlier.hold(side, version, driver, precision, &mut |progress| {
                if let Progress::NotCounted(told) = progress {
                    said.push(told.to_owned());
                }
            });
            (earlier.followed_by(&[round]), said)
        };
        let both = vec![Round { calls_ms: None, ..round }, Round { ended_secs: 1.0, ..round }];
        assert_eq!(told(Side::A, "1.29", Some("535"), Some(Precision::F32)), (both.clone(), vec![]));
        assert_eq!(told(Side::B, "1.29", Some("535"), None), (both, vec![]), "what is not known tells nothing");
        let alone = |told: &str| (vec![round], vec![told.to_owned()]);
        assert_eq!(
            told(Side::A, "1.30", Some("535"), None),
            alone("The earlier rounds were of ONNX Runtime 1.29 and are not counted")
        );
        assert_eq!(
            told(Side::A, "1.29", Some("550"), None),
            alone("The earlier rounds were with driver 535 and are not counted")
        );
        assert_eq!(
            told(Side::B, "1.29", None, Some(Precision::F32)),
            alone("The earlier rounds ran in bf16 and are not counted")
        );
    }
}
