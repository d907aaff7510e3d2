//! The one filter that matrix, charts and results share.

use crate::{EngineId, Evidence, Mode, Platform, Precision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Empty lists mean "any".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Words that must all occur in model, family, engine, device or note.
    pub search: String,
    pub families: Vec<String>,
    pub models: Vec<String>,
    pub engines: Vec<EngineId>,
    pub platforms: Vec<Platform>,
    pub precisions: Vec<Precision>,
    pub modes: Vec<Mode>,
    pub batches: Vec<u32>,
    pub sizes: Vec<u32>,
    pub evidence: Vec<Evidence>,
}

/// What there is to choose from, for the filter bar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilterChoices {
    pub families: Vec<String>,
    pub models: Vec<String>,
    pub engines: Vec<EngineId>,
    pub precisions: Vec<Precision>,
    pub modes: Vec<Mode>,
    pub batches: Vec<u32>,
    pub sizes: Vec<u32>,
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOrder {
    #[default]
    Newest,
    Oldest,
    Fastest,
    Slowest,
    Model,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunPage {
    pub rows: Vec<crate::RunRow>,
    pub total: u64,
}

/// A result that can be brought back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeletedRow {
    pub run: crate::RunRow,
    pub deleted_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeletedPage {
    pub rows: Vec<DeletedRow>,
    pub total: u64,
}
