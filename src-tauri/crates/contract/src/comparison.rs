//! Two settings measured in turn, and what their paired times say.

use crate::{ComparisonId, Failure, PhaseName, Run, Setting};
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

    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

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
}

impl CompareRules {
    /// As a person writes it: 1, 0.5, 0.01.
    pub fn threshold_percent(&self) -> f64 {
        (self.threshold * 1e6).round() / 1e4
    }
}

impl Default for CompareRules {
    fn default() -> Self {
        Self { threshold: 0.01, confidence: 0.995 }
    }
}

/// Four blocks of calls in the order A B B A or B A A B; a coin decides which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    pub first: Side,
    /// The median time of a call in each block of A, in the order taken, in milliseconds.
    pub a_ms: [f64; 2],
    pub b_ms: [f64; 2],
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
                let rounds = if self.rounds == 1 { "round" } else { "rounds" };
                format!("It cannot be told which is faster: {} {rounds} are too few", self.rounds)
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
    /// An earlier comparison of the same settings, whose rounds count as well.
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
    fn only_an_open_question_asks_for_time() {
        assert_eq!(told(1.0, None, Verdict::CannotTell).advice().unwrap(), "About 41 s more would tell");
        assert_eq!(told(1.0, None, Verdict::Same).advice(), None);
    }
}
