//! Whether a percentile of a side's times keeps a limit, from order statistics that hold at every moment at once.
//!
//! Calls that follow each other meet the same machine and say the same of it, so one call of each round counts.
//! How many of n such samples lie at or below a limit is binomial, however the times are spread, as far as rounds do
//! not depend on each other. With θ the share of all calls at or below it, (n + 1) · P(j; n, θ) is the inverse of a
//! likelihood ratio that averages over all shares, so the chance that it ever falls to α is at most α (Robbins 1970,
//! "Statistical methods related to the law of the iterated logarithm"). The shares for which it has not are an interval
//! at confidence 1 − α, however often one looks and whenever one stops. The limit is kept where all of them are above
//! the percentile's own, and broken where all are below.

use crate::student::ln_gamma;
use contract::{CompareRules, Percentile, Round, Tail, TailVerdict, Tails};

/// A question that takes longer is not worth waiting for.
const LONGEST_SECS: f64 = 86_400.0;
const MOST_SAMPLES: usize = 100_000_000;

/// What the calls of the rounds so far say of the limit of the rules; none where there is no limit.
pub fn tails(rules: &CompareRules, rounds: &[Round]) -> Option<Tails> {
    let limit = rules.tail?;
    let question = Question { p: limit.p, log_odds: (1.0 - rules.confidence).ln() };
    let round_secs = rounds.last().map_or(0.0, |last| last.ended_secs / rounds.len() as f64);
    let tail = |side: usize| {
        let samples = rounds.iter().filter_map(|round| Some(round.calls_ms?[side]));
        tail(&question, limit, samples.collect(), round_secs)
    };
    Some(Tails { a: tail(0), b: tail(1) })
}

fn tail(question: &Question, limit: Percentile, mut sorted: Vec<f64>, round_secs: f64) -> Tail {
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let within = sorted.partition_point(|ms| *ms <= limit.ms);
    let verdict = match question.share_is(within as f64, n as f64) {
        Beside::Above => TailVerdict::Meets,
        Beside::Below => TailVerdict::Misses,
        Beside::Unknown => TailVerdict::Unknown,
    };
    let needed = || {
        // Nothing is beyond the limit yet where nothing was sampled.
        let share = if n == 0 { 1.0 } else { within as f64 / n as f64 };
        let samples = question.samples_until(share, n)?;
        let secs = round_secs * samples as f64;
        (secs <= LONGEST_SECS).then_some((samples as u32, secs))
    };
    let needed = (verdict == TailVerdict::Unknown).then(needed).flatten();
    let (low, high) = question.ranks(n);
    Tail {
        verdict,
        samples: n as u32,
        needed_samples: needed.map(|(samples, _)| samples),
        needed_secs: needed.map(|(_, secs)| secs),
        low_ms: low.map(|at| sorted[at]),
        high_ms: high.map(|at| sorted[at]),
    }
}

/// A percentile and how sure one must be.
struct Question {
    p: f64,
    /// ln α.
    log_odds: f64,
}

/// Where the share of all calls lies, as the samples tell.
#[derive(PartialEq, Eq)]
enum Beside {
    Above,
    Below,
    Unknown,
}

impl Question {
    /// Whether the share of all calls is above or below p, where `within` of n samples are.
    fn share_is(&self, within: f64, n: f64) -> Beside {
        let ways = ln_gamma(n + 1.0) - ln_gamma(within + 1.0) - ln_gamma(n - within + 1.0);
        let chance = ways + within * self.p.ln() + (n - within) * (1.0 - self.p).ln();
        match (n + 1.0).ln() + chance {
            evidence if evidence > self.log_odds => Beside::Unknown,
            _ if within > n * self.p => Beside::Above,
            _ => Beside::Below,
        }
    }

    /// The places among n sorted samples of the ends of the percentile's interval.
    fn ranks(&self, n: usize) -> (Option<usize>, Option<usize>) {
        let is = |within: usize, beside: Beside| self.share_is(within as f64, n as f64) == beside;
        let middle = ((n as f64 * self.p) as usize).min(n);
        let too_few = first(0, middle, |within| !is(within, Beside::Below));
        let enough = first(middle, n + 1, |within| is(within, Beside::Above));
        (too_few.checked_sub(1), (enough <= n).then(|| enough.saturating_sub(1)))
    }

    /// How many samples, all told, would likely tell, if the share within the limit stays what it is.
    fn samples_until(&self, share: f64, now: usize) -> Option<usize> {
        let tells = |n: usize| self.share_is(share * n as f64, n as f64) != Beside::Unknown;
        let mut enough = now + 1;
        while !tells(enough) {
            enough = enough.checked_mul(2).filter(|enough| *enough < MOST_SAMPLES)?;
        }
        Some(first(now + 1, enough, tells))
    }
}

/// The first place from which on the condition holds; the end where it never does.
fn first(from: usize, end: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (from, end);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Side;

    /// Reproducible draws, evenly between 0 and 1 (splitmix64).
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    fn rules(p: f64, ms: f64, confidence: f64) -> CompareRules {
        CompareRules { tail: Some(Percentile { p, ms }), confidence, ..CompareRules::default() }
    }

    /// Rounds of 80 ms, one call each.
    fn told(rules: &CompareRules, samples: &[f64]) -> Tail {
        let round = |(at, ms): (usize, &f64)| Round {
            first: Side::A,
            a_ms: [1.0; 2],
            b_ms: [1.0; 2],
            calls_ms: Some([*ms, 1.0]),
            ended_secs: 0.08 * (at + 1) as f64,
        };
        tails(rules, &samples.iter().enumerate().map(round).collect::<Vec<_>>()).unwrap().a
    }

    /// Times whose percentile p is -ln(1 - p): exponential ones. Looked at 150 times at most, until it is told.
    fn until_told(rules: &CompareRules, seed: u64, most: usize) -> Tail {
        let mut random = Random(seed << 32);
        let mut samples = Vec::new();
        loop {
            samples.extend((0..most / 150).map(|_| -random.next().max(1e-300).ln()));
            let tail = told(rules, &samples);
            if tail.verdict != TailVerdict::Unknown || samples.len() >= most {
                return tail;
            }
        }
    }

    fn percentile(p: f64) -> f64 {
        -(1.0 - p).ln()
    }

    #[test]
    fn no_limit_asks_nothing() {
        assert_eq!(tails(&CompareRules::default(), &[]), None);
    }

    #[test]
    fn too_few_samples_leave_it_unknown_and_say_how_many_would_do() {
        for (p, least) in [(0.95, 208), (0.99, 1240)] {
            let rules = rules(p, 2.0, 0.995);
            let short = told(&rules, &[1.0; 100]);
            assert_eq!((short.verdict, short.high_ms), (TailVerdict::Unknown, None));
            let needed = short.needed_samples.unwrap() as usize;
            assert!(needed.abs_diff(least) < least / 20, "p {p}: {needed}");
            assert!((short.needed_secs.unwrap() - needed as f64 * 0.08).abs() < 1e-9);
            assert_eq!(told(&rules, &vec![1.0; needed - 1]).verdict, TailVerdict::Unknown);
            let enough = told(&rules, &vec![1.0; needed]);
            assert_eq!((enough.verdict, enough.high_ms, enough.needed_samples), (TailVerdict::Meets, Some(1.0), None));
        }
        let none = told(&rules(0.95, 2.0, 0.995), &[]);
        assert_eq!((none.verdict, none.samples, none.low_ms), (TailVerdict::Unknown, 0, None));
        assert!(none.needed_samples.is_some());
    }

    #[test]
    fn a_limit_that_is_kept_or_broken_by_far_is_told_soon() {
        for (factor, wanted) in [(1.6, TailVerdict::Meets), (0.6, TailVerdict::Misses)] {
            for p in [0.95, 0.99] {
                let rules = rules(p, factor * percentile(p), 0.995);
                let most = if p == 0.95 { 1500 } else { 6000 };
                let right = (0..40).filter(|seed| until_told(&rules, *seed, most).verdict == wanted).count();
                assert!(right >= 38, "{wanted:?} at p {p}: {right} of 40");
            }
        }
    }

    /// Of 1 ms calls a tenth lies in busy spells and breaks the limit, so that a p95 is broken. Spells are some rounds
    /// long, and each machine is met at another moment.
    #[test]
    fn calls_in_one_busy_spell_do_not_count_for_many() {
        let rules = rules(0.95, 2.0, 0.995);
        let meets = |spell: usize, seed: u64| {
            let mut random = Random(seed << 32);
            let start = (random.next() * 10.0 * spell as f64) as usize;
            let mut calls = Vec::new();
            for round in start..start + 750 {
                let busy = round % (10 * spell) < spell;
                calls.push(if busy { 3.0 } else { 1.0 });
                if calls.len().is_multiple_of(10) {
                    match told(&rules, &calls).verdict {
                        TailVerdict::Unknown => {}
                        verdict => return verdict == TailVerdict::Meets,
                    }
                }
            }
            false
        };
        let wrong = |spell: usize| (0..100).filter(|seed| meets(spell, *seed)).count();
        assert_eq!([wrong(1), wrong(3), wrong(12)], [0, 0, 0]);
        // A machine that is quiet for longer than it takes to tell has not been seen busy.
        assert!(wrong(25) <= 15, "{} of 100", wrong(25));
    }

    /// With the limit exactly at the percentile whatever is told is told by chance.
    #[test]
    fn the_confidence_asked_for_is_kept_however_often_one_looks() {
        let limit = percentile(0.95);
        let wrong = |confidence: f64| {
            let rules = rules(0.95, limit, confidence);
            (0..200).filter(|seed| until_told(&rules, 500 + seed, 2100).verdict != TailVerdict::Unknown).count()
        };
        let (loose, strict) = (wrong(0.8), wrong(0.995));
        assert!((1..=40).contains(&loose), "{loose} of 200 at 80 %");
        assert!(strict <= 3, "{strict} of 200 at 99.5 %");
    }

    #[test]
    fn the_interval_holds_the_percentile_and_narrows() {
        let truth = percentile(0.95);
        let (mut held, mut widths) = (0, Vec::new());
        for seed in 0..100 {
            let mut random = Random(seed << 40);
            let samples: Vec<f64> = (0..4000).map(|_| -random.next().max(1e-300).ln()).collect();
            let width = |n: usize| {
                let tail = told(&rules(0.95, 1.0, 0.995), &samples[..n]);
                let (low, high) = (tail.low_ms.unwrap(), tail.high_ms.unwrap());
                ((low..=high).contains(&truth), high - low)
            };
            held += usize::from(width(4000).0);
            widths.push(width(4000).1 / width(500).1);
        }
        assert!(held >= 98, "{held} of 100");
        assert!(widths.iter().sum::<f64>() / 100.0 < 0.5, "{widths:?}");
    }
}
