//! All tests: their programs are built by one cargo call and run some at a time, and their sums are added up.

use std::{
    fs::{self, File},
    num::NonZero,
    ops::AddAssign,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard},
    thread,
};

use serde::Deserialize;

use super::lint;
use crate::{
    cargo::{cargo, set_environment},
    error::StepError,
    places::Places,
    process,
};

/// What takes longest starts first, from the end: last is the one that drives the real window.
const LONGEST: [&str; 5] = ["cli", "crashes", "requests", "generation", "journeys"];

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// A test program that crashed has no line to count.
    pub crashed: u64,
}

/// One line of what cargo tells of a build, as far as it is read here.
#[derive(Deserialize)]
struct Told {
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
    profile: Option<Profile>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

struct TestProgram {
    name: String,
    file: PathBuf,
    /// The folder of its package.
    package: PathBuf,
}

/// `cargo test` for every native crate.
pub fn command(places: &Places) -> Command {
    let mut command = cargo(places);
    command.args(["test", "--workspace", "--exclude", "assay-ui", "--lib", "--bins", "--tests", "--locked"]);
    command
}

/// Runs what was linted before; where that failed, everything is compiled anew without it.
pub fn run(places: &Places, linted: bool) -> Result<Tally, StepError> {
    let mut programs = build(places, linted)?;
    programs.sort_by_key(|program| LONGEST.iter().position(|name| *name == program.name));
    let logs = places.target.join("tests");
    fs::create_dir_all(&logs).map_err(StepError::file("create the folder", &logs))?;
    // Each is taken from the end.
    let (left, printing) = (Mutex::new(programs), Mutex::new(()));
    let next = || lock(&left).pop();
    let lane = || {
        let mut tally = Tally::default();
        while let Some(program) = next() {
            tally += program.run(places, &logs, &printing)?;
        }
        Ok::<_, StepError>(tally)
    };
    // More would wait for each other, and what is measured in them would take as much longer.
    let lanes = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        let mut sum = Tally::default();
        for lane in lanes {
            sum += lane.join().expect("a lane does not panic")?;
        }
        Ok(sum)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn build(places: &Places, linted: bool) -> Result<Vec<TestProgram>, StepError> {
    let mut command = command(places);
    if linted {
        lint::while_compiling(&mut command)?;
    }
    let told = process::output(command.args(["--no-run", "--message-format=json-render-diagnostics"]))?;
    let mut programs = Vec::new();
    for line in told.lines() {
        let told: Told = serde_json::from_str(line)
            .map_err(|source| StepError::Output { command: process::display(&command), source })?;
        let is_test = told.profile.is_some_and(|profile| profile.test);
        let (Some(file), Some(manifest), Some(target), true) =
            (told.executable, told.manifest_path, told.target, is_test)
        else {
            continue;
        };
        let package = manifest.parent().unwrap_or(&places.root).to_owned();
        programs.push(TestProgram { name: target.name, file, package });
    }
    Ok(programs)
}

impl TestProgram {
    /// What it prints is shown when it ends, so that it stays together.
    fn run(&self, places: &Places, logs: &Path, printing: &Mutex<()>) -> Result<Tally, StepError> {
        let log = logs.join(self.file.file_name().unwrap_or_default()).with_extension("log");
        // Not a pipe: what a test may have left running would hold it open.
        let into = File::create(&log).map_err(StepError::file("create", &log))?;
        let errors = into.try_clone().map_err(StepError::file("create", &log))?;
        let mut command = Command::new(&self.file);
        command.current_dir(&self.package).stdin(Stdio::null()).stdout(into).stderr(errors);
        set_environment(&mut command, places);
        let status = command.status().map_err(StepError::file("start", &self.file))?;
        let told = fs::read(&log).map_err(StepError::file("read", &log))?;
        let told = String::from_utf8_lossy(&told);
        let mut tally = Tally::default();
        told.lines().for_each(|line| tally.add(line));
        tally.crashed = u64::from(!status.success() && tally.failed == 0);
        let _whole = lock(printing);
        println!("\n{} ({})\n{}", self.name, self.file.display(), told.trim());
        if tally.crashed > 0 {
            println!("{} ended with {status}", self.name);
        }
        Ok(tally)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.crashed += other.crashed;
    }
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
        assert_eq!(tally, Tally { passed: 5, failed: 1, skipped: 1, crashed: 0 });
    }

    #[test]
    fn a_test_that_talks_about_results_is_not_counted() {
        let mut tally = Tally::default();
        tally.add("test result_lines::are_read ... ok");
        tally.add("the test result: 5 passed");
        assert_eq!(tally, Tally::default());
    }
}
