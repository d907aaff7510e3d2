//! What can be wrong with a model, said with the file, the place in it and what to do.

use contract::Failure;
use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("could not read the file\n{}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("could not write the file\n{}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    /// What was read may be partly of the one and partly of the other.
    #[error("{} was rewritten while it was in use. Try again once it is completely written", path.display())]
    Rewritten { path: PathBuf },
    /// The file contradicts its own format, or itself.
    #[error("{file} is damaged at {place}: {reason}. {remedy}")]
    Damaged { file: String, place: String, reason: String, remedy: String },
    /// A well-formed file that asks for something Assay does not do.
    #[error("{file}, {place}: {reason}. {remedy}")]
    Unsupported { file: String, place: String, reason: String, remedy: String },
    /// A configuration in which a value cannot be, or is one that Assay does not build.
    #[error("{file}, {}: {reason}. {remedy}", key_and_value(key, value.as_deref()))]
    BadKey { file: String, key: String, value: Option<String>, reason: String, remedy: String },
    #[error("{file}, line {line}, column {column}: it is not valid JSON: {reason}. Correct it there")]
    NotJson { file: String, line: usize, column: usize, reason: String },
    /// A file that could run code or reach outside its folder.
    #[error("{file} is refused for safety at {place}: {reason}. {remedy}")]
    Unsafe { file: String, place: String, reason: String, remedy: String },
    /// A size or option a person chose does not suit the model.
    #[error("{dimension} = {value}: {reason}")]
    BadSize { dimension: String, value: u64, reason: String },
    #[error("the weights of {model} need {needed_bytes} bytes, {available_bytes} are free on this disk")]
    NoSpace { model: String, needed_bytes: u64, available_bytes: u64 },
    #[error("cancelled")]
    Cancelled,
}

impl ModelError {
    pub(crate) fn damaged(file: &str, place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            place: place.into(),
            reason: reason.into(),
            remedy: "Fetch or export the file again".to_owned(),
        }
    }

    pub(crate) fn unsupported(
        file: &str,
        place: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Unsupported { file: file.to_owned(), place: place.into(), reason: reason.into(), remedy: remedy.into() }
    }

    pub(crate) fn unsafe_(
        file: &str,
        place: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Unsafe { file: file.to_owned(), place: place.into(), reason: reason.into(), remedy: remedy.into() }
    }

    pub(crate) fn bad_size(dimension: &str, value: u64, reason: impl Into<String>) -> Self {
        Self::BadSize { dimension: dimension.to_owned(), value, reason: reason.into() }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Unreadable { path, source } => {
                Failure::bad_input(path.display().to_string(), format!("the file cannot be read: {source}"))
                    .remedy("Check that it exists and that you may read it")
            }
            ModelError::Unwritable { path, source } => {
                Failure::bad_input(path.display().to_string(), format!("the file cannot be written: {source}"))
                    .remedy("Check the free space and the rights of the folder")
            }
            ModelError::Rewritten { path } => {
                Failure::bad_input(path.display().to_string(), "the file was rewritten while it was in use")
                    .remedy("Try again once it is completely written")
            }
            ModelError::Damaged { file, place, reason, remedy } => {
                Failure::bad_input(file, format!("the file is damaged: {reason}")).at(place).remedy(remedy)
            }
            ModelError::Unsupported { file, place, reason, remedy } => {
                Failure::bad_input(file, reason).at(place).remedy(remedy)
            }
            ModelError::BadKey { file, key, value, reason, remedy } => {
                Failure::bad_input(file, reason).at(key_and_value(&key, value.as_deref())).remedy(remedy)
            }
            ModelError::NotJson { file, line, column, reason } => {
                Failure::bad_input(file, format!("it is not valid JSON: {reason}"))
                    .at(format!("line {line}, column {column}"))
                    .remedy("Correct it there")
            }
            ModelError::Unsafe { file, place, reason, remedy } => {
                Failure::bad_input(file, format!("refused for safety: {reason}")).at(place).remedy(remedy)
            }
            ModelError::BadSize { dimension, value, reason } => {
                Failure::bad_input(format!("{dimension} = {value}"), reason)
            }
            ModelError::NoSpace { model, needed_bytes, available_bytes } => Failure::TooBig {
                subject: format!("the weights of {model}"),
                resource: "disk space".to_owned(),
                needed_bytes,
                available_bytes,
            },
            ModelError::Cancelled => Failure::Cancelled,
        }
    }
}

fn key_and_value(key: &str, value: Option<&str>) -> String {
    value.map_or_else(|| format!("key {key}"), |value| format!("key {key} = {value}"))
}

pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The first names, and how many more there are.
pub fn listed(names: &[impl AsRef<str>]) -> String {
    /// More would hide what is wrong.
    const SHOWN: usize = 5;
    let mut shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = format!("and {} more", names.len().saturating_sub(SHOWN));
    if names.len() > SHOWN {
        shown.push(&more);
    }
    shown.join(", ")
}
