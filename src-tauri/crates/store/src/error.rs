//! What can go wrong with the store, each with what to do about it.

use contract::{Failure, RunId};
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("another Assay has this file open")]
    Locked { path: PathBuf },
    #[error("{reason}")]
    Damaged { path: PathBuf, reason: String },
    #[error("it was written by a newer Assay (schema {found}, this one knows {known})")]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("{reason}")]
    Unusable { path: PathBuf, reason: String, remedy: String },
    #[error("the disk is full")]
    DiskFull { path: PathBuf },
    #[error("the backup before the migration could not be made: {reason}")]
    Backup { path: PathBuf, reason: String },
    #[error("the table could not be read")]
    Table { path: PathBuf, place: Option<String>, reason: String, remedy: Option<String> },
    #[error("{reason}")]
    Query { reason: String },
    #[error("there is no result {0}")]
    NoRun(RunId),
    #[error("{subject}: {reason}")]
    Refused { subject: String, reason: String },
    #[error("{doing} failed")]
    Database { doing: &'static str, source: duckdb::Error },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let store = |path: &PathBuf, reason: String, remedy: &str| Self::Store { path: path.display().to_string(), reason, remedy: remedy.to_owned() };
        let text = error.to_string();
        match error {
            StoreError::Locked { path } => store(&path, text, "Close the other one, or choose another file"),
            StoreError::Damaged { path, .. } => store(&path, text, "Nothing was changed. Choose another file, or one of the backups beside it"),
            StoreError::Newer { path, .. } => store(&path, text, "Nothing was changed. Update Assay, or choose another file"),
            StoreError::Unusable { path, remedy, .. } => store(&path, text, &remedy),
            StoreError::DiskFull { path } => store(&path, text, "Free some space; everything stored so far is kept"),
            StoreError::Backup { path, .. } => store(&path, text, "Nothing was changed. Free some space or check the folder's permissions"),
            StoreError::Table { path, place, reason, remedy } => Self::BadInput { subject: path.display().to_string(), place, reason, remedy },
            StoreError::Query { reason } => Self::bad_input("query", reason),
            StoreError::NoRun(id) => Self::not_found("result", id),
            StoreError::Refused { subject, reason } => Self::bad_input(subject, reason),
            StoreError::Database { doing, source } => Self::broken(doing, source),
        }
    }
}
