//! Assay itself, asked by its command line.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    cargo::set_environment,
    error::StepError,
    places::Places,
    process::{display, output},
};

/// What Assay measured once.
pub struct Measured {
    pub median_ms: f64,
    pub harness_ms: f64,
    pub engine_version: String,
}

/// How Assay is started: its own data folder, and libraries other than the usual ones where they are named.
pub struct Assay<'a> {
    pub places: &'a Places,
    pub program: &'a Path,
    pub data: PathBuf,
    pub libraries: Option<PathBuf>,
}

impl Assay<'_> {
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        set_environment(&mut command, self.places);
        command.env("ASSAY_DATA", &self.data);
        if let Some(libraries) = &self.libraries {
            command.env("ASSAY_LIBRARIES", libraries);
        }
        command
    }

    /// One thread, f32, batch 1.
    pub fn measure<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Measured, StepError> {
        let mut command = self.command();
        command.arg("measure").args(arguments).args(["--threads", "1", "--json"]);
        let run = json(&mut command)?;
        let figure = |path: &str| {
            run.pointer(path).and_then(Value::as_f64).ok_or_else(|| {
                StepError::missing(format!("the result holds no {path}"), format!("Its outcome: {}", run["outcome"]))
            })
        };
        Ok(Measured {
            median_ms: figure("/timing/median_ms")?,
            harness_ms: figure("/timing/harness_ms")?,
            engine_version: run["effective"]["engine_version"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// Runs a command that prints one JSON document.
pub fn json(command: &mut Command) -> Result<Value, StepError> {
    let text = output(command)?;
    serde_json::from_str(&text).map_err(|source| StepError::Output { command: display(command), source })
}
