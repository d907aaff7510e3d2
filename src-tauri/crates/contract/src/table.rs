//! The neutral measurement table: what Assay imports and exports.

use serde::{Deserialize, Serialize};

/// The columns every table has, in order. Further ones: [`OPTIONAL_COLUMNS`] and [`PLATFORM_COLUMN`].
pub const COLUMNS: [&str; 17] = [
    "model",
    "family",
    "hardware",
    "runtime",
    "precision",
    "mode",
    "batch",
    "size",
    "devices",
    "threads",
    "software",
    "measured_at",
    "parameters",
    "macs",
    "activations",
    "latency_ms",
    "peak_memory_mb",
];

/// What a table may tell beyond them, in the order that Assay writes; `docs/table.md` says what each means.
pub const OPTIONAL_COLUMNS: [&str; 12] = [
    "evidence",
    "source",
    "low_ms",
    "high_ms",
    "samples",
    "dims",
    "size_unit",
    "throughput_unit",
    "units_per_sample",
    "asked_precision",
    "device_share",
    "all_experts",
];

/// A platform's key; where it is missing, it is told from the runtime's and the hardware's names.
pub const PLATFORM_COLUMN: &str = "platform";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Line in the file, the header being line 1.
    pub line: u64,
    pub column: Option<String>,
    pub cause: String,
}

/// Refusals that are listed one by one.
const LISTED_REFUSALS: usize = 1000;

/// What became of each row. taken + duplicates + refused = rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    pub file: String,
    pub rows: u64,
    pub taken: u64,
    pub duplicates: u64,
    pub refused: u64,
    /// The first thousand refusals; `causes` counts them all, and the list of rows that were not taken has each of them.
    pub refusals: Vec<Refusal>,
    pub causes: Vec<(String, u64)>,
    /// What was understood in a way the person should know, with how many of the taken rows: "amp is listed under f16".
    #[serde(default)]
    pub notes: Vec<(String, u64)>,
    /// Names this import to [`crate::SaveImportReport`]; none where no such list was kept.
    #[serde(default)]
    pub number: Option<u64>,
}

impl ImportReport {
    /// Counts a refusal, and lists it if it is among the first thousand; its cause is the reader's to count.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        if self.refusals.len() < LISTED_REFUSALS {
            self.refusals.push(refusal);
        }
    }
}

/// How far what is being imported is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// Its name, without the folder.
    pub file: String,
    /// Rows read, or results.
    pub rows: u64,
    /// Of the file, from 0 to 1; none where that is not known.
    pub share: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportReport {
    pub path: String,
    pub rows: u64,
    /// Why results that pass the filter are not in the table, with how many.
    #[serde(default)]
    pub left_out: Vec<(String, u64)>,
    /// What in the table is not as it was asked for, with how many rows.
    #[serde(default)]
    pub notes: Vec<(String, u64)>,
}
