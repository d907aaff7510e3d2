//! Why a step stopped, and what the person can do about it.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("there is no command `{command}`\n{help}")]
    UnknownCommand { command: String, help: &'static str },
    #[error("`{program}` could not be started\n{remedy}")]
    NotInstalled { program: String, remedy: String, source: io::Error },
    #[error("`{command}` ended with {status}")]
    CommandFailed { command: String, status: String },
    /// The program that was asked for ran and answered with its own exit code; it has said why itself.
    #[error("the program ended with {code}")]
    ChildExit { code: u8 },
    /// Each check has printed its own error, and the sum is to stay the last line.
    #[error("not all checks passed")]
    ChecksFailed,
    #[error("could not {act}\n{}", path.display())]
    File { act: &'static str, path: PathBuf, source: io::Error },
    #[error("{} does not hold what is expected", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{command} printed something else than expected")]
    Output { command: String, source: serde_json::Error },
    #[error("{what}\n{remedy}")]
    Missing { what: String, remedy: String },
    #[error("the window's wasm could not be prepared for the WebView: {reason}")]
    Bindgen { reason: String },
    #[error("{check}:\n{}", findings.join("\n"))]
    Findings { check: &'static str, findings: Vec<String> },
}

impl StepError {
    /// Adds the file to an I/O error: `fs::read(p).map_err(StepError::file("read", p))`.
    pub fn file(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { act, path, source }
    }

    pub fn missing(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Missing { what: what.into(), remedy: remedy.into() }
    }

    /// Prints the error with its causes to stderr.
    pub fn print(&self) {
        eprintln!("\nerror: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            eprintln!("  because: {error}");
            cause = error.source();
        }
    }
}

pub type Step = Result<(), StepError>;
