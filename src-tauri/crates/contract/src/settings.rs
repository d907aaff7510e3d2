//! What a person can choose.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// CPU threads for new runs; none uses all physical cores.
    pub threads: Option<u32>,
    /// Longest time for the warm samples of a run.
    pub budget_secs: f64,
    /// A run that takes longer than this in all is stopped and stored as timed out.
    pub timeout_secs: f64,
    /// Generated weights beyond this are removed, oldest first, but for those that waiting measurements read.
    pub weights_budget_bytes: u64,
    /// A worker may use this share of the installed memory.
    pub memory_share: f64,
    /// The first-run page was finished or dismissed.
    pub welcomed: bool,
    /// What an hour of a hardware costs, by its name in results.
    pub prices: BTreeMap<String, f64>,
    /// A mirror that is asked in place of huggingface.co.
    pub hub_mirror: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            threads: None,
            budget_secs: 10.0,
            timeout_secs: 600.0,
            weights_budget_bytes: 20_000_000_000,
            memory_share: 0.8,
            welcomed: false,
            prices: BTreeMap::new(),
            hub_mirror: None,
        }
    }
}

/// Where things are kept, and how much they use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StorageInfo {
    pub store_path: String,
    /// The store of a first start, where another one is open.
    pub usual_store: Option<String>,
    pub store_bytes: u64,
    pub results: u64,
    pub weights_path: String,
    pub weights_bytes: u64,
    /// Where a person puts engine libraries of their own.
    pub libraries_path: String,
    pub available_disk_bytes: u64,
    /// Where models are fetched from, as settings and environment say now.
    pub hub_endpoint: String,
    /// The one place that the kept token is sent to; none where no token is kept.
    pub token_endpoint: Option<String>,
}

/// What the window needs to draw its first frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub version: String,
    pub settings: Settings,
    pub results: u64,
    /// What happened since the last start: a crash, a resumed queue, a migration.
    pub notices: Vec<crate::Notice>,
    /// The store could not be opened; the window explains and offers another.
    pub store_failure: Option<crate::Failure>,
    /// The store of a first start, where it is another one that could not be opened.
    pub usual_store: Option<String>,
}
