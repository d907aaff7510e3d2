//! Generated files as they were checked and run: proof, for a model type on a platform, that Assay's templates work.

use crate::Platform;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which generated file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GeneratedFile {
    /// In transformers' words: `llama`.
    pub model_type: String,
    pub platform: Platform,
    /// `test`, `skill`, `benchmark` or `suite`.
    pub kind: String,
}

/// Whether files of this kind are made for a platform. Python reaches neither a browser nor what is known from a table
/// only, so that these platforms have suites alone.
pub fn is_made(kind: &str, platform: Platform) -> bool {
    kind == "suite" || !matches!(platform, Platform::WebNn | Platform::WebGpu | Platform::Other)
}

/// A generated file that was rendered and read, without running it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCheck {
    pub file: GeneratedFile,
    /// Of its text; empty where none was made.
    pub text_hash: String,
    pub checked_at: Timestamp,
    /// What is wrong with it, with the line of the template; none where it is sound.
    pub problem: Option<String>,
}

/// A generated file that was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// A UUID of version 7, so ids sort by time.
    pub id: String,
    pub file: GeneratedFile,
    pub template: String,
    pub text_hash: String,
    pub started_at: Timestamp,
    pub secs: f64,
    pub outcome: TrialOutcome,
    /// In the order they ended.
    pub steps: Vec<TrialStep>,
    /// Versions by name: `python`, `torch`, `transformers`, `assay`, and the `system`.
    pub environment: BTreeMap<String, String>,
    /// What a benchmark printed.
    pub result: Option<serde_json::Value>,
    /// The last lines on standard error.
    pub log: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TrialOutcome {
    Passed,
    /// In the words of whoever failed.
    Failed {
        reason: String,
    },
    /// The hardware or a library is missing.
    Skipped {
        reason: String,
    },
}

impl TrialOutcome {
    pub fn key(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed { reason } | Self::Skipped { reason } => Some(reason),
        }
    }

    /// From its word and reason; none for a word that is not known.
    pub fn of(key: &str, reason: Option<String>) -> Option<Self> {
        let reason = reason.unwrap_or_default();
        match key {
            "passed" => Some(Self::Passed),
            "failed" => Some(Self::Failed { reason }),
            "skipped" => Some(Self::Skipped { reason }),
            _ => None,
        }
    }

    /// Of a whole file, from how its steps ended: one that failed fails it, and one that passed nothing proves nothing.
    pub fn of_steps(steps: &[TrialStep]) -> Self {
        let first = |key| steps.iter().map(|step| &step.outcome).find(|outcome| outcome.key() == key).cloned();
        first("failed")
            .or_else(|| first("skipped"))
            .or_else(|| first("passed"))
            .unwrap_or_else(|| Self::Failed { reason: "nothing in it ran".to_owned() })
    }
}

/// One test of a file, or one thing that was done with a skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialStep {
    /// `the_same_seed_gives_the_same_result`.
    pub name: String,
    #[serde(flatten)]
    pub outcome: TrialOutcome,
    /// File and line that raised.
    pub place: Option<String>,
    pub secs: f64,
}

/// What is known of one generated file. There is no tick without a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    pub file: GeneratedFile,
    /// None where the file was never rendered.
    pub check: Option<FileCheck>,
    /// The newest run; none where there was none.
    pub trial: Option<TrialRow>,
}

impl Coverage {
    /// Whether the newest run was of the text that was checked last.
    pub fn is_current(&self) -> bool {
        let (Some(check), Some(trial)) = (&self.check, &self.trial) else { return false };
        check.text_hash == trial.text_hash
    }
}

/// A trial in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRow {
    pub id: String,
    pub started_at: Timestamp,
    pub secs: f64,
    pub outcome: TrialOutcome,
    pub text_hash: String,
    pub environment: BTreeMap<String, String>,
}

/// Where generated files are run, and what of it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PythonEnvironment {
    pub folder: String,
    pub state: PythonState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PythonState {
    /// Nothing is there yet.
    Absent,
    /// It is being made.
    Making,
    Ready {
        /// `3.11.7`.
        python: String,
        /// Versions by name.
        packages: BTreeMap<String, String>,
        bytes: u64,
    },
    /// Something is there that does not work.
    Broken { reason: String },
}

/// What making an environment would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PythonPlan {
    pub folder: String,
    /// The Python it would be made with.
    pub python: String,
    /// Where packages come from; the usual index where empty.
    pub index: String,
    pub packages: Vec<PythonPackage>,
    /// Of all packages whose size the index tells.
    pub download_bytes: u64,
    /// Free space of the disk that the folder lies on.
    pub free_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonPackage {
    pub name: String,
    pub version: String,
    /// None where the index does not tell.
    pub bytes: Option<u64>,
}

/// What the run of a generated file is kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialLimits {
    pub longest_secs: u64,
    pub memory_bytes: u64,
    /// The system refuses it the internet; false where the system offers no such limit.
    pub no_network: bool,
}

/// What is to be rendered, read and, where asked, run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialPlan {
    pub model_types: Vec<String>,
    pub platforms: Vec<Platform>,
    /// `test`, `skill`, `benchmark`, `suite`.
    pub kinds: Vec<String>,
    /// Runs what is sound Python; a suite is run by `assay suite`.
    pub run: bool,
    /// An interpreter of the person's own; the environment that Assay made where there is none.
    pub python: Option<String>,
}

/// How far a plan is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialsProgress {
    /// Whether one is at work.
    pub active: bool,
    /// Files to render and read, and how many were.
    pub files: u32,
    pub checked: u32,
    /// Of those, not sound.
    pub unsound: u32,
    /// Files to run, and how those that were run ended.
    pub runs: u32,
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
    /// What runs now, with the steps that have ended.
    pub current: Option<GeneratedFile>,
    pub steps: Vec<TrialStep>,
    /// Why it ended before its end.
    pub error: Option<String>,
}
