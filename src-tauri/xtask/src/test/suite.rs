//! All tests in one cargo call, and their sum over every test program.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use super::lint;
use crate::{cargo::cargo, error::StepError, places::Places};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// Cargo's own word: a test program that crashed has no line to count.
    pub succeeded: bool,
}

/// `cargo test` for every native crate.
pub fn command(places: &Places) -> Command {
    let mut command = cargo(places);
    command.args(["test", "--workspace", "--exclude", "assay-ui", "--lib", "--bins", "--tests", "--locked"]);
    command
}

/// Runs what was linted before; where that failed, everything is compiled anew without it.
pub fn run(places: &Places, linted: bool) -> Result<Tally, StepError> {
    let mut command = command(places);
    if linted {
        lint::while_compiling(&mut command)?;
    }
    command.arg("--no-fail-fast").stdout(Stdio::piped());
    let not_started = |source| StepError::NotInstalled {
        program: "cargo".to_owned(),
        remedy: "Install Rust from rustup.rs.".to_owned(),
        source,
    };
    let mut child = command.spawn().map_err(not_started)?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(StepError::file("read what the tests print", "cargo test"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(&line);
    }
    tally.succeeded = child.wait().map_err(not_started)?.success();
    Ok(tally)
}

impl Tally {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.trim().strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in counts.split("; ") {
            let mut words = part.split(' ');
            let (Some(Ok(count)), Some(kind)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
            match kind {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("running 4 tests");
        tally.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s");
        assert_eq!(tally, Tally { passed: 5, failed: 1, skipped: 1, succeeded: false });
    }

    #[test]
    fn a_test_that_talks_about_results_is_not_counted() {
        let mut tally = Tally::default();
        tally.add("test result_lines::are_read ... ok");
        tally.add("the test result: 5 passed");
        assert_eq!(tally, Tally::default());
    }
}
