//! Starting other programs, with errors that name the command.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use crate::error::StepError;

/// Runs a command with its output on the terminal; anything but success is an error.
pub fn run(command: &mut Command) -> Result<(), StepError> {
    let status = command.status().map_err(not_installed(command))?;
    if status.success() {
        Ok(())
    } else {
        Err(StepError::CommandFailed { command: display(command), status: status.to_string() })
    }
}

/// Runs a command and returns what it printed; its stderr stays on the terminal.
pub fn output(command: &mut Command) -> Result<String, StepError> {
    let output = command.stderr(Stdio::inherit()).output().map_err(not_installed(command))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(StepError::CommandFailed { command: display(command), status: output.status.to_string() })
    }
}

/// Whether a command can be started and succeeds; says nothing on the terminal.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// npm is a script on Windows, which only its full name starts.
pub fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// The command line as a person would type it.
pub fn display(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn not_installed(command: &Command) -> impl FnOnce(std::io::Error) -> StepError {
    let program = command.get_program().to_string_lossy().into_owned();
    move |source| StepError::NotInstalled {
        remedy: format!("Install {program}, or put it on the PATH, and run this again."),
        program,
        source,
    }
}
