//! What came of predictions: each against the first result that was measured after it; and what times depend on.

use crate::{Evidence, ForecastSupport, RunId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// A prediction as it is kept: the question, the answer with its 90 % interval, and what it rested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeForecast {
    pub made_at: Timestamp,
    pub model: String,
    /// As the neutral table names it.
    pub hardware: String,
    pub engine: String,
    pub precision: String,
    pub mode: String,
    pub batch: Option<u32>,
    pub size: Option<u32>,
    /// Used together; where none is said, any number will do.
    pub devices: Option<u32>,
    /// The same.
    pub threads: Option<u32>,
    pub value_ms: f64,
    pub low_ms: f64,
    pub high_ms: f64,
    pub support: ForecastSupport,
    /// Known rows it was learned from.
    pub learned_from: u64,
}

/// A prediction whose setting was measured later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedForecast {
    #[serde(flatten)]
    pub forecast: MadeForecast,
    /// The result that judges it.
    pub run: RunId,
    /// Measured here or imported.
    pub evidence: Evidence,
    pub measured_ms: f64,
    pub measured_at: Timestamp,
}

impl JudgedForecast {
    /// Whether the interval held.
    pub fn is_hit(&self) -> bool {
        (self.forecast.low_ms..=self.forecast.high_ms).contains(&self.measured_ms)
    }

    /// How far the result is from the prediction, as a share of the prediction.
    pub fn error(&self) -> f64 {
        (self.measured_ms / self.forecast.value_ms - 1.0).abs()
    }
}

/// How many intervals held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    pub judged: usize,
    pub hits: usize,
}

/// What each interval promises.
pub const PROMISED: f64 = 0.9;

impl Fared {
    fn of<'a>(judged: impl Iterator<Item = &'a JudgedForecast>) -> Self {
        judged.fold(Self::default(), |fared, own| fared.and(own))
    }

    fn and(self, own: &JudgedForecast) -> Self {
        Self { judged: self.judged + 1, hits: self.hits + usize::from(own.is_hit()) }
    }

    /// None where nothing was judged.
    pub fn share(self) -> Option<f64> {
        (self.judged > 0).then(|| self.hits as f64 / self.judged as f64)
    }

    /// The 95 % interval of the share (Wilson 1927, "Probable inference, the law of succession, and statistical
    /// inference").
    pub fn interval(self) -> Option<(f64, f64)> {
        const Z: f64 = 1.96;
        let (share, n) = (self.share()?, self.judged as f64);
        let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let reach = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(((centre - reach).max(0.0), (centre + reach).min(1.0)))
    }
}

/// How predictions fared, oldest result first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastRecord {
    pub judged: Vec<JudgedForecast>,
    /// Predictions whose setting was not measured since.
    pub waiting: u64,
    /// Results of predicted settings that judge nothing: they were fed with sizes beyond batch and size, which a prediction
    /// does not tell.
    pub other_sizes: u64,
}

impl ForecastRecord {
    pub fn whole(&self) -> Fared {
        Fared::of(self.judged.iter())
    }

    /// By the month of the result, such as `2026-05`, in order.
    pub fn by_month(&self) -> Vec<(String, Fared)> {
        self.by(|own| own.measured_at.strftime("%Y-%m").to_string())
    }

    pub fn by_support(&self) -> Vec<(ForecastSupport, Fared)> {
        self.by(|own| own.forecast.support)
    }

    fn by<K: Ord>(&self, key: impl Fn(&JudgedForecast) -> K) -> Vec<(K, Fared)> {
        let mut kinds: BTreeMap<K, Fared> = BTreeMap::new();
        for own in &self.judged {
            let fared = kinds.entry(key(own)).or_default();
            *fared = fared.and(own);
        }
        kinds.into_iter().collect()
    }

    /// How far half of the predictions were off at most, as a share of the prediction.
    pub fn middle_error(&self) -> Option<f64> {
        let mut errors: Vec<f64> = self.judged.iter().map(JudgedForecast::error).collect();
        errors.sort_unstable_by(f64::total_cmp);
        errors.get(errors.len() / 2).copied()
    }

    /// "Of 212 predictions since 2026-05-02, 91 % fell inside their 90 % interval"
    pub fn told(&self) -> String {
        let first = self.judged.iter().map(|judged| judged.forecast.made_at).min();
        let (Some(first), Some(share)) = (first, self.whole().share()) else {
            return match self.waiting {
                0 => "No prediction was made yet".into(),
                1 => "The one prediction was not measured yet".into(),
                waiting => format!("None of {waiting} predictions was measured yet"),
            };
        };
        let (count, since) = (self.judged.len(), first.strftime("%Y-%m-%d"));
        format!("Of {count} predictions since {since}, {:.0} % fell inside their 90 % interval", 100.0 * share)
    }

    /// What the share says of the promise; none where nothing was judged.
    pub fn verdict(&self) -> Option<&'static str> {
        const FEW: usize = 30;
        Some(match self.whole().interval()? {
            (low, _) if low > PROMISED => "More than was promised: the intervals are wider than they need to be",
            (_, high) if high < PROMISED => "Fewer than was promised: the intervals are narrower than they should be",
            _ if self.judged.len() < FEW => "So few do not tell yet whether the promise of 90 % is kept",
            _ => "That agrees with the 90 % that are promised",
        })
    }
}

/// How much one thing matters among the known results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Influence {
    /// In plain words: "the hardware".
    pub what: String,
    /// The middle factor, at least 1, between the times per sample of two results that differ in this alone.
    pub factor: f64,
    pub pairs: u64,
}

impl fmt::Display for Influence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, factor, pairs } = self;
        write!(
            f,
            "{what} changes the time per sample {factor:.2} times (the middle of {pairs} pairs that differ in nothing else)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(day: &str, low_ms: f64, high_ms: f64, measured_ms: f64) -> JudgedForecast {
        let made_at: Timestamp = format!("{day}T08:00:00Z").parse().unwrap();
        let forecast = MadeForecast {
            made_at,
            model: "m".into(),
            hardware: "h".into(),
            engine: "e".into(),
            precision: "f32".into(),
            mode: "inference".into(),
            batch: Some(1),
            size: None,
            devices: None,
            threads: None,
            value_ms: f64::midpoint(low_ms, high_ms),
            low_ms,
            high_ms,
            support: if measured_ms > 1.8 { ForecastSupport::NewModel } else { ForecastSupport::Combination },
            learned_from: 100,
        };
        let measured_at = made_at + jiff::SignedDuration::from_hours(24);
        JudgedForecast { forecast, run: "r".into(), evidence: Evidence::Measured, measured_ms, measured_at }
    }

    #[test]
    fn a_record_tells_how_many_intervals_held() {
        let judged = vec![
            judged("2026-05-30", 1.0, 2.0, 1.5),
            judged("2026-05-31", 1.0, 2.0, 2.0),
            judged("2026-06-02", 1.0, 2.0, 3.0),
        ];
        let record = ForecastRecord { judged, waiting: 4, other_sizes: 0 };
        assert_eq!(record.told(), "Of 3 predictions since 2026-05-30, 67 % fell inside their 90 % interval");
        let fared = |judged, hits| Fared { judged, hits };
        assert_eq!(record.by_month(), [("2026-05".into(), fared(1, 1)), ("2026-06".into(), fared(2, 1))]);
        let kinds = [(ForecastSupport::Combination, fared(1, 1)), (ForecastSupport::NewModel, fared(2, 1))];
        assert_eq!(record.by_support(), kinds);
        assert!((record.middle_error().unwrap() - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(record.verdict(), Some("So few do not tell yet whether the promise of 90 % is kept"));
    }

    #[test]
    fn the_promise_is_judged_once_there_are_enough() {
        let told = |hits: usize, misses: usize| {
            let mut all = vec![judged("2026-05-30", 1.0, 2.0, 1.5); hits];
            all.extend(vec![judged("2026-05-30", 1.0, 2.0, 3.0); misses]);
            ForecastRecord { judged: all, ..ForecastRecord::default() }.verdict().unwrap()
        };
        assert!(told(180, 20).starts_with("That agrees"));
        assert!(told(200, 0).starts_with("More than"));
        assert!(told(150, 50).starts_with("Fewer than"));
        // Wilson's interval of 8 of 10 is 49 to 94 %.
        let (low, high) = Fared { judged: 10, hits: 8 }.interval().unwrap();
        assert!((low - 0.4902).abs() < 1e-3 && (high - 0.9433).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn without_results_it_says_so() {
        assert_eq!(ForecastRecord::default().told(), "No prediction was made yet");
        let waiting = ForecastRecord { waiting: 2, ..ForecastRecord::default() };
        assert_eq!(waiting.told(), "None of 2 predictions was measured yet");
        assert_eq!((waiting.verdict(), waiting.middle_error()), (None, None));
    }
}
