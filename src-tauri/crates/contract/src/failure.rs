//! Why a request could not be answered, in words a person can act on.

use crate::bytes_text;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Each variant is one the window reacts to differently; everything else is `Broken`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// What was given cannot be used: shown beside the thing itself.
    #[error("{subject}: {reason}{}{}", place.as_ref().map(|p| format!(" ({p})")).unwrap_or_default(), remedy.as_ref().map(|r| format!(". {r}")).unwrap_or_default())]
    BadInput {
        /// The file, field or setting.
        subject: String,
        /// Where in it: a line, a byte, a key.
        place: Option<String>,
        reason: String,
        remedy: Option<String>,
    },
    /// Something the request needs is not on this machine.
    #[error("{what} is not available: {reason}. {remedy}")]
    Missing { what: String, reason: String, remedy: String },
    /// It would not fit; the figures let the window offer something smaller.
    #[error("{subject} needs {} of {resource}, {} are available", bytes_text(*needed_bytes), bytes_text(*available_bytes))]
    TooBig { subject: String, resource: String, needed_bytes: u64, available_bytes: u64 },
    /// The store cannot be opened; nothing was changed. The window offers another file.
    #[error("{path}: {reason}. {remedy}")]
    Store { path: String, reason: String, remedy: String },
    #[error("there is no {what} {id}")]
    NotFound { what: String, id: String },
    #[error("cancelled")]
    Cancelled,
    /// A fault of ours or of the system's.
    #[error("{doing} failed: {reason}")]
    Broken { doing: String, reason: String },
}

impl Failure {
    pub fn bad_input(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadInput { subject: subject.into(), place: None, reason: reason.into(), remedy: None }
    }

    pub fn broken(doing: impl Into<String>, reason: impl ToString) -> Self {
        Self::Broken { doing: doing.into(), reason: reason.to_string() }
    }

    pub fn not_found(what: impl Into<String>, id: impl ToString) -> Self {
        Self::NotFound { what: what.into(), id: id.to_string() }
    }

    #[must_use]
    pub fn at(mut self, where_: impl Into<String>) -> Self {
        if let Self::BadInput { place, .. } = &mut self {
            *place = Some(where_.into());
        }
        self
    }

    #[must_use]
    pub fn remedy(mut self, what_to_do: impl Into<String>) -> Self {
        if let Self::BadInput { remedy, .. } = &mut self {
            *remedy = Some(what_to_do.into());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_big_is_told_in_the_units_of_all_sizes() {
        let failure = Failure::TooBig {
            subject: "gpt2".into(),
            resource: "memory".into(),
            needed_bytes: 1_234_000_000_000,
            available_bytes: 900_000,
        };
        assert_eq!(failure.to_string(), "gpt2 needs 1.23\u{a0}TB of memory, 900\u{a0}kB are available");
    }
}
