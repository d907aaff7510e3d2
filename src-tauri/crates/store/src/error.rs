//! What can go wrong with the store, each with what to do about it.

use contract::{Failure, RunId};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another Assay has it open")]
    Locked { path: PathBuf },
    #[error("{reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("it was written by a newer Assay (schema {found}; this one knows {known})")]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{reason}")]
    Unusable { path: PathBuf, reason: String, remedy: String },
    #[error("the disk is full")]
    DiskFull { path: PathBuf },
    #[error("no backup could be made before bringing it up to date: {reason}")]
    Backup { path: PathBuf, reason: String },
    /// A table that cannot be read or written as a whole.
    #[error("{reason}")]
    Table { path: PathBuf, place: Option<String>, reason: String, remedy: Option<String> },
    #[error("{reason}")]
    Query { reason: String },
    #[error("there is no result {0}")]
    NoRun(RunId),
    #[error("there is no template {0}")]
    NoTemplate(String),
    #[error("{subject}: {reason}")]
    Refused { subject: String, reason: String },
    #[error("cancelled")]
    Cancelled,
    #[error("{doing} failed")]
    Database { doing: &'static str, source: duckdb::Error },
}

impl StoreError {
    pub(crate) fn unusable(path: &Path, reason: impl Into<String>, remedy: &str) -> Self {
        Self::Unusable { path: path.to_owned(), reason: reason.into(), remedy: remedy.to_owned() }
    }

    pub(crate) fn stopped(path: &Path) -> Self {
        let reason = "an earlier error, such as a full disk, has stopped it; what was stored before is kept";
        Self::unusable(path, reason, "Free some space; it is opened again by itself")
    }

    /// Names the act in which the database failed.
    pub(crate) fn during(self, act: &'static str) -> Self {
        match self {
            Self::Database { source, .. } => Self::Database { doing: act, source },
            other => other,
        }
    }
}

impl From<duckdb::Error> for StoreError {
    fn from(source: duckdb::Error) -> Self {
        Self::Database { doing: "opening the store", source }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        let store = |path: PathBuf, remedy: &str| Self::Store {
            path: path.display().to_string(),
            reason: text.clone(),
            remedy: remedy.to_owned(),
        };
        match error {
            StoreError::Locked { path } => store(path, "Close the other one, or choose another file"),
            StoreError::Damaged { path, .. } => {
                store(path, "Nothing was changed. Choose another file, or one of the backups beside it")
            }
            StoreError::Newer { path, .. } => store(path, "Nothing was changed. Update Assay, or choose another file"),
            StoreError::Unusable { path, remedy, .. } => store(path, &remedy),
            StoreError::DiskFull { path } => store(path, "Free some space; what was stored before is kept"),
            StoreError::Backup { path, .. } => {
                store(path, "Nothing was changed. Free some space and check the folder's permissions")
            }
            StoreError::Table { path, place, reason, remedy } => {
                Self::BadInput { subject: path.display().to_string(), place, reason, remedy }
            }
            StoreError::Query { reason } => Self::bad_input("the query", reason),
            StoreError::NoTemplate(name) => Self::not_found("template", name),
            StoreError::NoRun(id) => Self::not_found("result", id),
            StoreError::Refused { subject, reason } => Self::bad_input(subject, reason),
            StoreError::Cancelled => Self::Cancelled,
            StoreError::Database { doing, source } => Self::broken(doing, source),
        }
    }
}
