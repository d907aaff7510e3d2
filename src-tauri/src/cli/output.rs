//! What a command prints: text for people or JSON for programs on stdout, everything else on stderr.

use contract::{Failure, PhaseName};
use serde::Serialize;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};

/// Why a command ends early.
pub enum Stop {
    Failed(Failure),
    /// What was printed already says that it failed.
    Told,
    /// The work was done, and what was printed says that something got worse.
    Regressed,
    /// The reading end of stdout is closed.
    NobodyReads,
}

impl<F: Into<Failure>> From<F> for Stop {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

pub struct Output {
    stdout: BufWriter<Stdout>,
}

impl Output {
    pub fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout()) }
    }

    pub fn line(&mut self, text: impl AsRef<str>) -> Result<(), Stop> {
        written(writeln!(self.stdout, "{}", text.as_ref()))?;
        self.flush()
    }

    pub fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> Result<(), Stop> {
        for line in lines {
            written(writeln!(self.stdout, "{line}"))?;
        }
        self.flush()
    }

    /// One JSON document.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        match serde_json::to_writer_pretty(&mut self.stdout, value) {
            Ok(()) => written(writeln!(self.stdout))?,
            Err(e) if e.io_error_kind() == Some(ErrorKind::BrokenPipe) => return Err(Stop::NobodyReads),
            Err(e) => return Err(Failure::broken("printing", e).into()),
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Stop> {
        written(self.stdout.flush())
    }
}

fn written(result: io::Result<()>) -> Result<(), Stop> {
    match result {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Stop::NobodyReads),
        Err(e) => Err(Failure::broken("printing", e).into()),
    }
}

/// A line on stderr that the next one replaces; nothing where stderr is a file or a pipe.
pub fn progress(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// Says why a measurement ended early, and on a line of its own what helps.
pub fn tell_failure(measured: &str, phase: PhaseName, message: &str, remedy: Option<&str>) {
    eprintln!("assay: {measured} failed at {}: {}", phase.label().to_lowercase(), message.trim_end());
    if let Some(remedy) = remedy {
        eprintln!("{}.", remedy.trim_end_matches('.'));
    }
}
