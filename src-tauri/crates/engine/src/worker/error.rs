//! Why a worker gave no answer.

use contract::FailureKind;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
};

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("a worker process could not be started\n{}", program.display())]
    NotStarted { program: PathBuf, source: io::Error },
    #[error("the worker {how}{}", last_words(log))]
    Crashed {
        /// Completes "the worker …".
        how: String,
        /// The last lines on standard error.
        log: Vec<String>,
    },
    #[error("the worker ran out of memory: {how}")]
    OutOfMemory { how: String },
    #[error("the worker was ended after {} s, the longest time allowed", secs.round())]
    TimedOut { secs: f64 },
    #[error("cancelled")]
    Cancelled,
    /// The worker says itself what went wrong.
    #[error("{message}")]
    Failed { kind: FailureKind, message: String, remedy: Option<String> },
    #[error("the worker answered something this version of Assay does not understand")]
    Garbled(#[source] serde_json::Error),
}

impl WorkerError {
    pub(super) fn over(used_bytes: u64, allowed_bytes: u64) -> Self {
        let [used, allowed] = [used_bytes, allowed_bytes].map(|bytes| bytes / 1_000_000);
        Self::OutOfMemory { how: format!("it used {used} MB, it may use {allowed} MB") }
    }

    pub fn kind(&self) -> FailureKind {
        match self {
            Self::NotStarted { .. } | Self::Garbled(_) => FailureKind::EngineError,
            Self::Crashed { .. } => FailureKind::Crash,
            Self::OutOfMemory { .. } => FailureKind::OutOfMemory,
            Self::TimedOut { .. } => FailureKind::TimedOut,
            Self::Cancelled => FailureKind::Cancelled,
            Self::Failed { kind, .. } => *kind,
        }
    }

    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::OutOfMemory { .. } => {
                "Choose a smaller batch, length or precision, or raise the memory share in Settings"
            }
            Self::TimedOut { .. } => "Choose smaller sizes, or raise the time limit in Settings",
            Self::NotStarted { source, .. } if source.kind() == ErrorKind::NotFound => {
                "A part of Assay is missing: install it again"
            }
            Self::Failed { remedy, .. } => return remedy.clone(),
            Self::NotStarted { .. } | Self::Crashed { .. } | Self::Cancelled | Self::Garbled(_) => return None,
        };
        Some(remedy.to_owned())
    }
}

/// The reason is most often the last thing a library wrote.
fn last_words(log: &[String]) -> String {
    if log.is_empty() { String::new() } else { format!("; its last lines: {}", log.join(" | ")) }
}
