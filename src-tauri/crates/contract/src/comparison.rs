//! Two settings measured in turn, and what their paired times say.

use crate::{ComparisonId, Failure, Percentile, PhaseName, Run, Setting, short_text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Of two settings, the one named first or the one named second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    pub fn label(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

/// When a difference counts, and how sure one must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareRules {
    /// Differences up to this do not matter, as a share: 0.01 for 1 %.
    pub threshold: f64,
    /// Of the interval, however often it is looked at: 0.995.
    pub confidence: f64,
    /// What this percentile of each side's times may be at most, where that is asked for.
    pub tail: Option<Percentile>,
}

impl CompareRules {
    /// As a person writes it: 1, 0.5, 0.01.
    pub fn threshold_percent(&self) -> f64 {
        (self.threshold * 1e6).round() / 1e4
    }
}

impl Default for CompareRules {
    fn default() -> Self {
        Self { threshold: 0.01, confidence: 0.995, tail: None }
    }
}

/// Four blocks of calls in the order A B B A or B A A B; a coin decides which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    pub first: Side,
    /// The median time of a call in each block of A, in the order taken, in milliseconds.
    pub a_ms: [f64; 2],
    pub b_ms: [f64; 2],
    /// One call of A and one of B, the third of its first block: what a limit on a percentile is judged by. None where
    /// it does not count, as in rounds of an earlier comparison: percentiles drift with the machine, ratios do not.
    #[serde(default)]
    pub calls_ms: Option<[f64; 2]>,
    /// When its last block ended, in seconds since the first round began.
    pub ended_secs: f64,
}

/// B against A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// By more than the threshold.
    Faster,
    Slower,
    /// Whatever difference there is stays within the threshold.
    Same,
    CannotTell,
}

/// What the rounds so far say of B's time against A's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedRatio {
    /// B's time divided by A's: 0.97 where B takes 3 % less.
    pub ratio: f64,
    /// Its interval at the confidence asked for; none while the rounds are too few to bound it.
    pub interval: Option<RatioInterval>,
    pub rounds: u32,
    pub verdict: Verdict,
    /// Seconds of further rounds that would likely tell; none where it is told, or where a day would not be enough.
    pub needed_secs: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    pub low: f64,
    pub high: f64,
}

impl PairedRatio {
    /// In plain words: "B is faster: it takes 3.2 % less time than A, between 2.1 and 4.4 %".
    pub fn sentence(&self, rules: &CompareRules) -> String {
        let threshold = rules.threshold_percent();
        match (self.verdict, self.interval) {
            (Verdict::Faster, Some(RatioInterval { low, high })) => format!(
                "B is faster: it takes {} % less time than A, between {} and {} %",
                percent(1.0 - self.ratio),
                percent(1.0 - high),
                percent(1.0 - low)
            ),
            (Verdict::Slower, Some(RatioInterval { low, high })) => format!(
                "B is slower: it takes {} % more time than A, between {} and {} %",
                percent(self.ratio - 1.0),
                percent(low - 1.0),
                percent(high - 1.0)
            ),
            (Verdict::Same, Some(interval)) => format!(
                "A and B take the same time: they differ by less than {threshold} % (B takes {})",
                interval.more_or_less()
            ),
            (_, Some(interval)) => {
                format!(
                    "It cannot be told whether A and B differ by more than {threshold} %: B takes {}",
                    interval.more_or_less()
                )
            }
            (_, None) => {
                let rounds = match self.rounds {
                    0 => "not one round is finished".to_owned(),
                    1 => "1 round is too little".to_owned(),
                    more => format!("{more} rounds are too few"),
                };
                format!("It cannot be told which is faster: {rounds}")
            }
        }
    }

    /// What would tell, where it cannot be told yet.
    pub fn advice(&self) -> Option<String> {
        match (self.verdict, self.needed_secs) {
            (Verdict::CannotTell, Some(secs)) => Some(format!("About {} more would tell", duration(secs))),
            (Verdict::CannotTell, None) => Some(
                "Their difference is so close to the threshold, or the machine so busy, that a day would not tell: \
                 choose another threshold, or compare when the machine is idle"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl RatioInterval {
    /// "between 0.4 % less and 1.3 % more time".
    fn more_or_less(self) -> String {
        let end = |ratio: f64| match ratio - 1.0 {
            more if more >= 0.0 => format!("{} % more", percent(more)),
            less => format!("{} % less", percent(-less)),
        };
        format!("between {} and {} time", end(self.low), end(self.high))
    }
}

/// Whether a side's times keep the limit on their percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailVerdict {
    Meets,
    Misses,
    /// Too few samples, or too close to the limit.
    Unknown,
}

/// What a side's calls say of the limit on a percentile. One of each round counts: those within a round meet the same
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    pub verdict: TailVerdict,
    pub samples: u32,
    /// Samples, all told, that would likely tell; none where it is told, or where a day would not be enough.
    pub needed_samples: Option<u32>,
    /// What a comparison that takes so many lasts.
    pub needed_secs: Option<f64>,
    /// The percentile's interval at the confidence asked for; an end that so few samples do not bound is none.
    pub low_ms: Option<f64>,
    pub high_ms: Option<f64>,
}

/// The same of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    pub a: Tail,
    pub b: Tail,
}

impl Tails {
    pub fn side(&self, side: Side) -> &Tail {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    pub fn are_told(&self) -> bool {
        Side::BOTH.iter().all(|side| self.side(*side).verdict != TailVerdict::Unknown)
    }

    /// How long a comparison that likely tells of both lasts; none where it is told, or nobody could wait for it.
    pub fn needed_secs(&self) -> Option<f64> {
        Side::BOTH.iter().filter_map(|side| self.side(*side).needed_secs).reduce(f64::max)
    }
}

impl Tail {
    /// In plain words: "A meets the limit: its p95 is at most 12.3 ms".
    pub fn sentence(&self, side: Side, limit: Percentile) -> String {
        let (side, p, samples) = (side.label(), limit.label(), self.samples);
        match (self.verdict, self.low_ms, self.high_ms) {
            (TailVerdict::Meets, _, Some(high)) => {
                format!(
                    "{side} meets the limit: its {p} is at most {} ms, from a call in each of {samples} rounds",
                    short_text(high)
                )
            }
            (TailVerdict::Misses, Some(low), _) => {
                format!(
                    "{side} does not meet the limit: its {p} is at least {} ms, from a call in each of {samples} rounds",
                    short_text(low)
                )
            }
            _ => format!(
                "It is unknown whether {side} keeps its {p} within {} ms: {}",
                short_text(limit.ms),
                match self.needed_samples {
                    Some(needed) => format!("about {needed} rounds would tell; counted so far: {samples}"),
                    None => format!("after {samples} rounds it is too close to the limit to be told within a day"),
                }
            ),
        }
    }
}

impl Percentile {
    /// `p95`, `p99.9`.
    pub fn label(&self) -> String {
        format!("p{}", (self.p * 1e5).round() / 1e3)
    }
}

/// With one digit behind the point below ten, and two far below one.
fn percent(share: f64) -> String {
    match (share * 100.0, (share * 100.0).abs()) {
        (percent, ..0.095) => format!("{percent:.2}"),
        (percent, ..9.95) => format!("{percent:.1}"),
        (percent, _) => format!("{percent:.0}"),
    }
}

fn duration(secs: f64) -> String {
    match secs {
        s if s < 90.0 => format!("{} s", s.ceil().max(1.0)),
        s if s < 5400.0 => format!("{} minutes", (s / 60.0).round()),
        s => format!("{} hours", (s / 3600.0).round()),
    }
}

/// Two settings measured in turn, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub id: ComparisonId,
    pub rules: CompareRules,
    /// None where a side failed before there was a round; its outcome says why.
    pub result: Option<PairedRatio>,
    pub rounds: Vec<Round>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub a: Run,
    pub b: Run,
}

impl Comparison {
    pub fn side(&self, side: Side) -> &Run {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }
}

/// A comparison as the window asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonOrder {
    pub a: Setting,
    pub b: Setting,
    pub rules: CompareRules,
    /// Longest time for the rounds; they end as soon as the verdict is told.
    pub budget_secs: f64,
    /// An earlier comparison of the same settings on this machine, whose rounds count as well if the same runs as then.
    pub after: Option<ComparisonId>,
}

/// A comparison while it goes on, and as it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveComparison {
    pub order: ComparisonOrder,
    pub stage: ComparisonStage,
    /// What the rounds said after each of them, thinned out where they are many.
    pub points: Vec<ComparisonPoint>,
    pub ratio: Option<PairedRatio>,
    /// Where the rules limit a percentile.
    pub tails: Option<Tails>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", content = "with", rename_all = "snake_case")]
pub enum ComparisonStage {
    Preparing {
        side: Side,
        phase: PhaseName,
    },
    Measuring,
    /// Kept in the store.
    Done(ComparisonId),
    Cancelled,
    /// A side could not go on, or the comparison could not be kept.
    Failed {
        side: Option<Side>,
        failure: Failure,
    },
}

impl ComparisonStage {
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::Preparing { .. } | Self::Measuring)
    }
}

/// What the rounds until then said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonPoint {
    /// Since the first round began.
    pub secs: f64,
    pub ratio: f64,
    pub interval: Option<RatioInterval>,
}

/// A stored comparison with what its picture shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonView {
    pub comparison: Comparison,
    pub points: Vec<ComparisonPoint>,
    /// Where the rules limit a percentile.
    pub tails: Option<Tails>,
}

/// A stored comparison in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    pub id: ComparisonId,
    pub started_at: Timestamp,
    pub rules: CompareRules,
    pub result: Option<PairedRatio>,
    /// What each side was, in words.
    pub a: String,
    pub b: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ratio: f64, interval: Option<(f64, f64)>, verdict: Verdict) -> PairedRatio {
        let interval = interval.map(|(low, high)| RatioInterval { low, high });
        PairedRatio { ratio, interval, rounds: 12, verdict, needed_secs: Some(40.2) }
    }

    #[test]
    fn each_verdict_is_a_sentence_with_its_interval() {
        let rules = CompareRules::default();
        let sentence = |ratio, interval, verdict| told(ratio, interval, verdict).sentence(&rules);
        assert_eq!(
            sentence(0.968, Some((0.956, 0.979)), Verdict::Faster),
            "B is faster: it takes 3.2 % less time than A, between 2.1 and 4.4 %"
        );
        assert_eq!(
            sentence(1.5, Some((1.3, 1.7)), Verdict::Slower),
            "B is slower: it takes 50 % more time than A, between 30 and 70 %"
        );
        assert_eq!(
            sentence(1.001, Some((0.996, 1.005)), Verdict::Same),
            "A and B take the same time: they differ by less than 1 % (B takes between 0.4 % less and 0.5 % more time)"
        );
        assert_eq!(
            sentence(1.02, Some((0.996, 1.04)), Verdict::CannotTell),
            "It cannot be told whether A and B differ by more than 1 %: B takes between 0.4 % less and 4.0 % more time"
        );
        assert_eq!(
            sentence(1.0, None, Verdict::CannotTell),
            "It cannot be told which is faster: 12 rounds are too few"
        );
    }

    #[test]
    fn a_limit_is_met_missed_or_unknown_in_a_sentence() {
        let limit = Percentile { p: 0.95, ms: 20.0 };
        let tail = |verdict, needed_samples| Tail {
            verdict,
            samples: 240,
            needed_samples,
            needed_secs: needed_samples.map(f64::from),
            low_ms: Some(21.04),
            high_ms: Some(12.345),
        };
        let told = |verdict, needed| tail(verdict, needed).sentence(Side::A, limit);
        assert_eq!(
            told(TailVerdict::Meets, None),
            "A meets the limit: its p95 is at most 12.3 ms, from a call in each of 240 rounds"
        );
        assert_eq!(
            told(TailVerdict::Misses, None),
            "A does not meet the limit: its p95 is at least 21.0 ms, from a call in each of 240 rounds"
        );
        assert_eq!(
            told(TailVerdict::Unknown, Some(900)),
            "It is unknown whether A keeps its p95 within 20.0 ms: about 900 rounds would tell; counted so far: 240"
        );
        assert_eq!(Percentile { p: 0.999, ms: 1.0 }.label(), "p99.9");
        let open = Tails { a: tail(TailVerdict::Meets, None), b: tail(TailVerdict::Unknown, Some(900)) };
        assert_eq!((open.are_told(), open.needed_secs()), (false, Some(900.0)));
    }

    #[test]
    fn a_round_that_was_kept_before_its_calls_were_is_still_read() {
        let round: Round =
            serde_json::from_str(r#"{"first":"A","a_ms":[1.0,1.1],"b_ms":[2.0,2.1],"ended_secs":0.1}"#).unwrap();
        assert_eq!((round.b_ms, round.calls_ms), ([2.0, 2.1], None));
    }

    #[test]
    fn only_an_open_question_asks_for_time() {
        assert_eq!(told(1.0, None, Verdict::CannotTell).advice().unwrap(), "About 41 s more would tell");
        assert_eq!(told(1.0, None, Verdict::Same).advice(), None);
    }
}
