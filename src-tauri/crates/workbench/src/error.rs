//! What can be wrong with a template, said with its line and what to do.

use crate::Kind;
use contract::{Failure, Platform};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something wrong at a place in a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub template: String,
    /// Of the template's file, the first being 1; none where the whole template is meant.
    pub line: Option<u32>,
    /// In characters, the first being 1; none where the text was computed rather than written there.
    pub column: Option<u32>,
    pub reason: String,
    pub remedy: String,
}

impl Problem {
    pub fn new(template: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { template: template.to_owned(), line: None, column: None, reason: reason.into(), remedy: remedy.into() }
    }

    #[must_use]
    pub fn at(mut self, line: u32, column: Option<u32>) -> Self {
        (self.line, self.column) = (Some(line), column);
        self
    }

    /// `line 3, column 9`.
    pub fn place(&self) -> Option<String> {
        let line = self.line?;
        Some(self.column.map_or_else(|| format!("line {line}"), |column| format!("line {line}, column {column}")))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        if let Some(place) = self.place() {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}. {}", self.reason, self.remedy)
    }
}

/// Why nothing was rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum TemplateError {
    #[error("there is no model type {0} in this version's list of transformers")]
    UnknownModel(String),
    #[error("no template makes a {} for {model_type}", kind.label())]
    NoTemplate { kind: Kind, model_type: String },
    #[error("a {} is not made for {platform}: {reason}", kind.label())]
    NotForPlatform { kind: Kind, platform: Platform, reason: String },
    #[error("{variable}: {reason}")]
    BadVariable { variable: String, reason: String },
    #[error("{0}")]
    Template(Problem),
    /// Rendering it took more than it may, and the process that did it was ended.
    #[error("{0}")]
    GivenUp(Problem),
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::UnknownModel(model_type) => Self::not_found("model type", model_type),
            TemplateError::BadVariable { variable, reason } => Self::bad_input(variable, reason),
            TemplateError::Template(problem) | TemplateError::GivenUp(problem) => {
                let failure = Self::bad_input(&problem.template, &problem.reason).remedy(&problem.remedy);
                match problem.place() {
                    Some(place) => failure.at(place),
                    None => failure,
                }
            }
            TemplateError::NoTemplate { kind, .. } => Self::bad_input(kind.label(), error.to_string()),
            TemplateError::NotForPlatform { platform, .. } => Self::bad_input(platform.label(), error.to_string()),
        }
    }
}
