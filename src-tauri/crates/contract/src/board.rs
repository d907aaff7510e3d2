//! The watched series of the store: what was found in them, and what the person said of it.

use crate::{Alert, Newest, RunId, WatchedSeries};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the person said of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Seen and accepted: the new level is the one to keep.
    Acknowledged,
    /// Its series is not to be told of any more.
    Muted,
}

impl Mark {
    pub fn key(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Muted => "muted",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Acknowledged, Self::Muted].into_iter().find(|mark| mark.key() == key)
    }
}

/// A change by its series and time; a whole series where there is no time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Marked {
    pub series: String,
    pub at: Option<String>,
}

/// Everything that is watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchBoard {
    /// What got worse and is open comes first.
    pub alerts: Vec<BoardAlert>,
    /// Series that need looking at first, then by name.
    pub series: Vec<SeriesRow>,
    pub points: u64,
    /// Results without a date, which stand in no series.
    pub undated: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardAlert {
    pub alert: Alert,
    /// The same for all its changes; none where one of them is open.
    pub mark: Option<Mark>,
    pub changes: Vec<BoardChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardChange {
    pub series: String,
    pub at: String,
    pub before_ms: f64,
    pub after_ms: f64,
    /// As a share, with its 95 % interval.
    pub change: f64,
    pub change_low: f64,
    pub change_high: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRow {
    pub series: String,
    pub points: u32,
    /// The typical time of one batch since the last change.
    pub level_ms: f64,
    /// Robust standard deviation as a share of the level.
    pub noise: f64,
    /// The last change, as a share.
    pub last_change: Option<f64>,
    /// Changes for the worse that nobody has acknowledged.
    pub open: u32,
    pub anomalies: u32,
    pub newest: Newest,
    pub muted: bool,
}

/// One series with all its points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesHistory {
    pub watched: WatchedSeries,
    /// From old to new.
    pub points: Vec<HistoryPoint>,
    /// Names of what is recorded of the environment.
    pub columns: Vec<String>,
    pub marks: Vec<(Marked, Mark)>,
    /// The newest result, where this machine can measure it again.
    pub again: Option<RunId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryPoint {
    pub run: RunId,
    pub at: Timestamp,
    pub ms: f64,
    /// One for each column; blank where it is not known.
    pub environment: Vec<String>,
}

/// A result on a level that is worse and not acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concern {
    pub run: RunId,
    pub series: String,
    /// As a share.
    pub change: f64,
    /// Since when, as the change has it.
    pub at: String,
}
