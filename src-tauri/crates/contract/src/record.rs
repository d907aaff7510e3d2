//! What came of predictions: each against the first result that was measured after it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    pub value_ms: f64,
    pub low_ms: f64,
    pub high_ms: f64,
    /// The kind of question, such as `combination`.
    pub support: String,
    /// Known rows it was learned from.
    pub learned_from: u64,
}

/// A prediction whose setting was measured later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedForecast {
    #[serde(flatten)]
    pub forecast: MadeForecast,
    pub measured_ms: f64,
    pub measured_at: Timestamp,
}

impl JudgedForecast {
    /// Whether the interval held.
    pub fn is_hit(&self) -> bool {
        (self.forecast.low_ms..=self.forecast.high_ms).contains(&self.measured_ms)
    }
}

/// How predictions fared, oldest result first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastRecord {
    pub judged: Vec<JudgedForecast>,
    /// Predictions whose setting was not measured since.
    pub waiting: u64,
}

/// A month's share of hits.
#[derive(Clone, Debug, PartialEq)]
pub struct MonthOfRecord {
    /// `2026-05`
    pub month: String,
    pub judged: usize,
    pub hits: usize,
}

impl ForecastRecord {
    pub fn hits(&self) -> usize {
        self.judged.iter().filter(|judged| judged.is_hit()).count()
    }

    /// "Of 212 predictions since 2026-05-02, 91 % fell inside their 90 % interval."
    pub fn told(&self) -> String {
        let Some(first) = self.judged.iter().map(|judged| judged.forecast.made_at).min() else {
            return match self.waiting {
                0 => "No prediction was made yet".into(),
                waiting => format!("None of {waiting} predictions was measured yet"),
            };
        };
        let (count, hits) = (self.judged.len(), self.hits());
        let share = 100.0 * hits as f64 / count as f64;
        let since = first.strftime("%Y-%m-%d");
        format!("Of {count} predictions since {since}, {share:.0} % fell inside their 90 % interval")
    }

    /// By the month of the result, in order.
    pub fn by_month(&self) -> Vec<MonthOfRecord> {
        let mut months: Vec<MonthOfRecord> = Vec::new();
        for judged in &self.judged {
            let month = judged.measured_at.strftime("%Y-%m").to_string();
            let hit = usize::from(judged.is_hit());
            match months.last_mut().filter(|last| last.month == month) {
                Some(last) => (last.judged, last.hits) = (last.judged + 1, last.hits + hit),
                None => months.push(MonthOfRecord { month, judged: 1, hits: hit }),
            }
        }
        months
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
            value_ms: f64::midpoint(low_ms, high_ms),
            low_ms,
            high_ms,
            support: "combination".into(),
            learned_from: 100,
        };
        JudgedForecast { forecast, measured_ms, measured_at: made_at + jiff::SignedDuration::from_hours(24) }
    }

    #[test]
    fn a_record_tells_how_many_intervals_held() {
        let judged = vec![
            judged("2026-05-30", 1.0, 2.0, 1.5),
            judged("2026-05-31", 1.0, 2.0, 2.0),
            judged("2026-06-02", 1.0, 2.0, 3.0),
        ];
        let record = ForecastRecord { judged, waiting: 4 };
        assert_eq!(record.told(), "Of 3 predictions since 2026-05-30, 67 % fell inside their 90 % interval");
        let months: Vec<(String, usize, usize)> =
            record.by_month().into_iter().map(|own| (own.month, own.judged, own.hits)).collect();
        assert_eq!(months, [("2026-05".into(), 1, 1), ("2026-06".into(), 2, 1)]);
    }

    #[test]
    fn without_results_it_says_so() {
        assert_eq!(ForecastRecord::default().told(), "No prediction was made yet");
        let waiting = ForecastRecord { waiting: 2, ..ForecastRecord::default() };
        assert_eq!(waiting.told(), "None of 2 predictions was measured yet");
    }
}
