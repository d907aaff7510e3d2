//! Stored results beside each other. They were measured at different times, so whatever changed in between counts.

use crate::{compare::verdict, scaling, student};
use contract::{Beside, CompareRules, Evidence, RatioInterval, ResultsBeside, Run, StoredRatio, short_text};

/// Blocks of samples, in the order taken, whose medians stand for a session: neighbours are alike, blocks hardly.
const BLOCKS: usize = 12;
/// A fixed piece of work that took so much longer in one session is said, as a share.
const DRIFT: f64 = 0.03;

/// Each result beside the first; and how time grows, where they are one sweep.
pub fn beside(runs: &[Run], rules: &CompareRules) -> ResultsBeside {
    let Some(baseline) = runs.first() else { return ResultsBeside { beside: Vec::new(), scaling: None } };
    let others = runs[1..].iter().map(|run| match unlike(baseline, run) {
        Some(reason) => Beside::Unlike { reason },
        None => ratio(baseline, run, rules),
    });
    ResultsBeside { beside: [Beside::Baseline].into_iter().chain(others).collect(), scaling: scaling::of_runs(runs) }
}

/// Why no ratio of the two means anything.
fn unlike(baseline: &Run, run: &Run) -> Option<String> {
    let (a, b) = (&baseline.setting, &run.setting);
    if baseline.model.name != run.model.name || differ(&baseline.model.graph_hash, &run.model.graph_hash) {
        return Some("another model".to_owned());
    }
    if (a.mode, a.batch, a.size, &a.dims) != (b.mode, b.batch, b.size, &b.dims) {
        return Some("other work: another batch, size or mode".to_owned());
    }
    if baseline.evidence != run.evidence {
        let (one, other) = (baseline.evidence.label().to_lowercase(), run.evidence.label().to_lowercase());
        return Some(format!("one is {one}, the other {other}: they were not measured the same way"));
    }
    if baseline.source != run.source {
        return Some("from another source, which may measure another way".to_owned());
    }
    if differ(&baseline.environment.assay_version, &run.environment.assay_version) {
        let versions = (&baseline.environment.assay_version, &run.environment.assay_version);
        return Some(format!("measured by another version of Assay ({} and {})", versions.0, versions.1));
    }
    [baseline, run].into_iter().find_map(Run::withheld).map(|reason| format!("one of them is not ranked: {reason}"))
}

/// Both are known, and not the same.
fn differ(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && one != other
}

fn ratio(baseline: &Run, run: &Run, rules: &CompareRules) -> Beside {
    let (Some(base), Some(this)) = (&baseline.timing, &run.timing) else {
        return Beside::Unlike { reason: "it has no interval to compare".to_owned() };
    };
    let centre = (this.median_ms / base.median_ms).ln();
    let interval = half_width(baseline, run, rules.confidence).map(|half| (centre - half, centre + half));
    Beside::Alike(StoredRatio {
        ratio: centre.exp(),
        interval: interval.map(|(low, high)| RatioInterval { low: low.exp(), high: high.exp() }),
        verdict: verdict(interval, rules.threshold.ln_1p()),
        cautions: cautions(baseline, run),
    })
}

/// Half the interval of the logarithm: what the samples leave open, by how much each session's own speed wandered, and
/// how far it had wandered from one session to the other, as a fixed piece of work tells.
fn half_width(baseline: &Run, run: &Run, confidence: f64) -> Option<f64> {
    let [(error_a, blocks_a), (error_b, blocks_b)] = [error_of(&baseline.samples_ms)?, error_of(&run.samples_ms)?];
    let freedom = (blocks_a.min(blocks_b) - 1) as f64;
    let sampling = student::quantile(1.0 - confidence, freedom) * error_a.hypot(error_b);
    let wander = |run: &Run| run.noise.as_ref().map(|noise| noise.spread / 2.0);
    Some(sampling + wander(baseline)? + wander(run)? + drift(baseline, run).unwrap_or(0.0))
}

/// How many times as long a fixed piece of work took in one of the two sessions, as a logarithm; none on different
/// machines, where it says nothing of a session.
fn drift(baseline: &Run, run: &Run) -> Option<f64> {
    if differ(&baseline.environment.machine.0, &run.environment.machine.0) {
        return None;
    }
    let usual = |run: &Run| {
        let timed = run.noise.as_ref().filter(|noise| !noise.sentinel_ms.is_empty());
        timed.map(|noise| median_log(&noise.sentinel_ms))
    };
    Some((usual(run)? - usual(baseline)?).abs())
}

/// Standard error of a session's log median, from the medians of blocks, and how many blocks there were.
fn error_of(samples_ms: &[f64]) -> Option<(f64, usize)> {
    let size = samples_ms.len() / BLOCKS;
    let blocks: Vec<f64> = samples_ms.chunks(size.max(3)).filter(|block| block.len() >= 3).map(median_log).collect();
    let n = blocks.len();
    if n < 3 {
        return None;
    }
    let mean = blocks.iter().sum::<f64>() / n as f64;
    let variance = blocks.iter().map(|block| (block - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
    Some(((variance / n as f64).sqrt(), n))
}

fn median_log(samples_ms: &[f64]) -> f64 {
    crate::watch::noise::median(samples_ms).ln()
}

/// What else differs between two results of the same work.
fn cautions(baseline: &Run, run: &Run) -> Vec<String> {
    let mut cautions = Vec::new();
    let (a, b) = (&baseline.effective, &run.effective);
    if let (Some(one), Some(other)) = (a.precision, b.precision)
        && one != other
    {
        cautions.push(format!("they ran in different precisions: {one} and {other}"));
    }
    if differ(&baseline.environment.machine.0, &run.environment.machine.0) {
        cautions.push("they ran on different machines".to_owned());
    }
    if baseline.evidence == Evidence::Measured && baseline.environment.power != run.environment.power {
        cautions.push("one ran on mains and the other on battery".to_owned());
    }
    if let Some(times) = drift(baseline, run).map(f64::exp).filter(|times| *times > 1.0 + DRIFT) {
        let times = short_text(times);
        cautions.push(format!("a fixed piece of work took {times} times as long in one of the two sessions"));
    }
    cautions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::run;
    use contract::Verdict;

    fn told(baseline: &Run, other: &Run) -> StoredRatio {
        let both = beside(&[baseline.clone(), other.clone()], &CompareRules::default());
        match &both.beside[..] {
            [Beside::Baseline, Beside::Alike(ratio)] => ratio.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_clear_difference_is_told_and_exchanged_sides_mirror_it() {
        let (a, b) = (run(10.0), run(13.0));
        let (slower, faster) = (told(&a, &b), told(&b, &a));
        assert_eq!((slower.verdict, faster.verdict), (Verdict::Slower, Verdict::Faster));
        let (one, two) = (slower.interval.unwrap(), faster.interval.unwrap());
        assert!((one.low * two.high - 1.0).abs() < 1e-9 && one.low > 1.2 && one.high < 1.4, "{one:?}");
    }

    #[test]
    fn a_difference_within_the_wander_of_the_sessions_is_not() {
        let (a, mut b) = (run(10.0), run(10.6));
        assert_eq!(told(&a, &b).verdict, Verdict::Slower);
        b.noise.as_mut().unwrap().spread = 0.2;
        assert_eq!(told(&a, &b).verdict, Verdict::CannotTell);
    }

    #[test]
    fn a_machine_that_was_slower_in_one_session_makes_nothing_slower() {
        let (a, mut b) = (run(10.0), run(18.0));
        assert_eq!((told(&a, &b).verdict, told(&a, &b).cautions.len()), (Verdict::Slower, 0));
        b.noise.as_mut().unwrap().sentinel_ms = vec![9.5, 9.55];
        for (one, other) in [(&a, &b), (&b, &a)] {
            let told = told(one, other);
            assert_eq!(told.verdict, Verdict::CannotTell, "{told:?}");
            assert_eq!(told.cautions, ["a fixed piece of work took 1.90 times as long in one of the two sessions"]);
        }
        // On another machine it takes another time at all times.
        b.environment.machine = "there".into();
        assert_eq!(told(&a, &b).cautions, ["they ran on different machines"]);
        assert_eq!(told(&a, &b).verdict, Verdict::Slower);
    }

    #[test]
    fn unlike_things_get_a_reason_and_no_ratio() {
        let a = run(10.0);
        let change = |change: &dyn Fn(&mut Run)| {
            let mut other = run(10.0);
            change(&mut other);
            match beside(&[a.clone(), other], &CompareRules::default()).beside.pop() {
                Some(Beside::Unlike { reason }) => reason,
                other => panic!("{other:?}"),
            }
        };
        assert!(change(&|run| run.setting.batch = 2).contains("batch"));
        assert!(change(&|run| run.model.graph_hash = "other".into()).contains("model"));
        assert!(change(&|run| run.environment.assay_version = "9".into()).contains("version of Assay"));
        assert!(change(&|run| run.evidence = Evidence::Imported).contains("not measured the same way"));
    }

    #[test]
    fn another_precision_is_said_beside_the_ratio() {
        let (a, mut b) = (run(10.0), run(5.0));
        b.effective.precision = Some(contract::Precision::Bf16);
        assert_eq!(told(&a, &b).cautions, ["they ran in different precisions: f32 and bf16"]);
    }
}
