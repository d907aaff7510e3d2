//! Another program, run by a worker under the worker's own limits: Python with a file that Assay generated.

use super::{
    converse::{Heard, converse},
    ending,
    error::WorkerError,
    log::read_lines_of,
    order::{Event, Order},
    serve::Fault,
};
use crate::{Control, Limits, Program, without_console};
use contract::FailureKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What is told in one line may be that long, in bytes: a benchmark's result with some hundred thousand samples.
const LONGEST_TOLD: usize = 8 << 20;

/// What is run. It has no environment but the one given here, and its standard input ends when Assay does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Errand {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// Where it starts.
    pub folder: PathBuf,
    pub environment: BTreeMap<String, String>,
}

/// How a program ended that ran until its own end.
#[derive(Clone, Debug)]
pub struct ErrandEnd {
    /// Completes "the program …" where it did not end as it should: a crash, an exit code.
    pub fault: Option<String>,
    /// What it wrote to standard error.
    pub log: Vec<String>,
}

/// Runs a program whose standard output is a line of JSON for each thing it tells, and hears it out. Other lines go to
/// its log.
///
/// # Errors
/// Where it could not be started, or was ended: by `control`, by its limits, or by the system.
pub fn run_errand(
    program: &Program,
    errand: &Errand,
    limits: &Limits,
    control: &Control,
    on: &mut dyn FnMut(Value),
) -> Result<ErrandEnd, WorkerError> {
    let order = Order::Errand(errand.clone());
    let report = converse(program, &order, limits, control, &mut |heard| {
        if let Heard::Event(Event::Progress(told)) = heard {
            on(told);
        }
    });
    let fault = serde_json::from_value(report.answer?).map_err(WorkerError::Garbled)?;
    Ok(ErrandEnd { fault, log: report.log.lines() })
}

/// The worker's side. Answers how the program ended, in words, where it did not end well.
pub(super) fn carry_out(errand: &Errand, told: &mut dyn FnMut(Value)) -> Result<Option<String>, Fault> {
    let broken = |error: std::io::Error| Fault {
        kind: FailureKind::EngineError,
        message: format!("{} could not be started: {error}", errand.program.display()),
        remedy: Some("Choose another Python, or make the environment anew".to_owned()),
    };
    let mut command = Command::new(&errand.program);
    command.args(&errand.args).current_dir(&errand.folder).env_clear().envs(&errand.environment);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    without_console(&mut command);
    let mut child = command.spawn().map_err(broken)?;
    // Held open to its end: the program's own sign that this worker is still there.
    let _alive = child.stdin.take();
    let stdout = child.stdout.take().expect("the pipe was asked for");
    read_lines_of(LONGEST_TOLD, stdout, |line| match serde_json::from_str(line) {
        Ok(value) => told(value),
        Err(_) => eprintln!("{line}"),
    });
    let status = child.wait().map_err(broken)?;
    Ok((!status.success()).then(|| ending::in_words(status)))
}
