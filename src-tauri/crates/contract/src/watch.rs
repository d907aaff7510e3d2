//! What watching found: where a series of measurements changed, by how much, how surely, and what changed with it.

use serde::{Deserialize, Serialize};

/// Which way a value is good: times are better when lower, throughput when higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    #[default]
    Lower,
    Higher,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchRules {
    pub better: Better,
    /// The smallest change that matters, as a share: 0.02 for 2 %.
    pub smallest_change: f64,
    /// The largest chance of a change point where nothing changed.
    pub p: f64,
}

impl Default for WatchRules {
    fn default() -> Self {
        Self { better: Better::Lower, smallest_change: 0.02, p: 1e-4 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchReport {
    pub series: Vec<WatchedSeries>,
    /// Changes that share what changed in the environment, or a device and a time; each change is in one alert.
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatchedSeries {
    pub series: String,
    pub points: usize,
    /// The typical value since the last change.
    pub level: f64,
    /// How far repeats spread, as a share of the level: a robust standard deviation.
    pub noise: f64,
    pub changes: Vec<Change>,
    pub anomalies: Vec<Anomaly>,
    pub newest: Newest,
}

/// A lasting step from one level to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The first point of the new level, counted from 0.
    pub index: usize,
    pub at: String,
    /// When the last point of the old level was taken.
    pub last_before: String,
    pub before: f64,
    pub after: f64,
    /// After against before, as a share: 0.05 for 5 % more.
    pub change: f64,
    /// 95 % interval of the change.
    pub change_low: f64,
    pub change_high: f64,
    pub direction: Direction,
    /// The chance of so large a difference where nothing changed.
    pub p: f64,
    /// 1 − p.
    pub confidence: f64,
    /// What changed in the environment at this point, the most telling first.
    pub causes: Vec<Cause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Worse,
    Better,
}

/// Something of the environment that changed where the series did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    pub column: String,
    pub before: String,
    pub after: String,
    /// Points between this and the change of the series; 0 is at the same point.
    pub points_away: usize,
    /// Series that changed where this did.
    pub changed: usize,
    /// Series that went on unchanged over the same.
    pub unchanged: usize,
}

/// A single point away from the level before and after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    pub index: usize,
    pub at: String,
    pub value: f64,
    /// Against the level around it, as a share.
    pub change: f64,
}

/// What the newest point says before there are enough points for a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Newest {
    /// Within what the level and its noise let one expect.
    Usual,
    /// Outside: measure again before it is believed.
    Suspect { change: f64, direction: Direction, p: f64 },
    /// Too few points to tell.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// What happened, in a sentence, with times as the series have them.
    pub title: String,
    pub direction: Direction,
    /// What changed in the environment for all of them; empty where nothing recorded did.
    pub causes: Vec<Cause>,
    /// Environment columns with one value in all of them, such as the device.
    pub shared: Vec<(String, String)>,
    pub changes: Vec<AlertChange>,
    /// The median of its changes, as a share.
    pub typical_change: f64,
    /// The one furthest from none.
    pub largest_change: f64,
}

impl Alert {
    /// `12 series worse (typically +8.1 %) since driver went from 535 to 550`. Without a cause, `since` says when its
    /// first change was.
    pub fn told(&self, since: &str) -> String {
        let verdict = match self.direction {
            Direction::Worse => "worse",
            Direction::Better => "better",
        };
        let typically = if self.changes.len() == 1 { "" } else { "typically " };
        let why = match self.causes.first() {
            Some(Cause { column, before, after, .. }) => format!("since {column} went from {before} to {after}"),
            None => format!("since {since}; nothing recorded of the environment changed there"),
        };
        format!("{} series {verdict} ({typically}{:+.1} %) {why}", self.changes.len(), self.typical_change * 100.0)
    }
}

/// A change by its series and index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AlertChange {
    pub series: String,
    pub index: usize,
}
