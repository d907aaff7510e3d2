//! Running one generated file: in a process of its own without network and with a clean environment, under limits of
//! time and memory, in a folder that is gone afterwards.

use super::benchmark::measured;
use contract::{Failure, FileCheck, GeneratedFile, Machine, Run, Trial, TrialOutcome, TrialStep};
use engine::{Control, Errand, ErrandEnd, Limits, Program, WorkerError, run_errand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};
use uuid::Uuid;
use workbench::{HARNESS, Kind, Made, Rendered, Request};

/// Of the person's environment, what hardware and the system itself ask for; secrets are in none of these.
const PASSED_ON: [&str; 7] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "SYSTEMROOT",
    "WINDIR",
];

/// Where and with what generated files are run.
#[derive(Clone, Debug)]
pub struct Trials {
    /// How a worker is started.
    pub program: Program,
    pub python: PathBuf,
    pub limits: Limits,
    /// Each run has a folder below, which is removed at its end.
    pub scratch: PathBuf,
    /// This machine, where it was looked at before.
    pub machine: Option<Machine>,
}

/// A file that was run.
pub struct Ran {
    pub trial: Trial,
    /// What a benchmark measured, of the same id.
    pub result: Option<Run>,
}

/// A line of the harness.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Environment { environment: BTreeMap<String, String> },
    Step { step: String, outcome: String, reason: String, place: String, secs: f64 },
    Result { result: Value },
}

impl Trials {
    /// Runs a file; `on` hears each step as it ends. A crash, too much memory or too much time are outcomes.
    ///
    /// # Errors
    /// Where it was cancelled, or the folder or the process could not be made.
    pub fn run(
        &self,
        request: &Request,
        rendered: &Rendered,
        control: &Control,
        on: &mut dyn FnMut(&TrialStep),
    ) -> Result<Ran, Failure> {
        let around = engine::environment();
        let id = Uuid::now_v7().to_string();
        let folder = self.scratch.join(&id);
        let errand = self
            .prepare(&folder, request, rendered)
            .map_err(|e| Failure::broken(format!("writing the file to run into {}", folder.display()), e));
        let (started_at, began) = (Timestamp::now(), Instant::now());
        let mut heard = Heard::default();
        let ended = errand
            .map(|errand| run_errand(&self.program, &errand, &self.limits, control, &mut |line| heard.line(line, on)));
        // What cannot be removed now lies in the cache, which may be emptied at any time.
        let _ = fs::remove_dir_all(&folder);
        let (outcome, log) = outcome(ended?, &heard.steps)?;
        heard.environment.insert("assay".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        heard.environment.insert("system".to_owned(), format!("{} {}", env::consts::OS, env::consts::ARCH));
        let mut trial = Trial {
            id,
            file: file_of(request),
            template: rendered.template.clone(),
            text_hash: text_hash(&rendered.text),
            started_at,
            secs: began.elapsed().as_secs_f64(),
            outcome,
            steps: heard.steps,
            environment: heard.environment,
            result: heard.result,
            log,
        };
        let printed = trial.result.as_ref().filter(|_| request.kind == Kind::Benchmark);
        let result = match printed.map(|printed| measured(printed, &trial, self.machine.as_ref(), around)) {
            Some(Ok(run)) => Some(run),
            Some(Err(reason)) => {
                trial.log.push(format!("What it printed is not kept as a result: {reason}"));
                None
            }
            None if request.kind == Kind::Benchmark => {
                trial.log.push("It printed no result.".to_owned());
                None
            }
            None => None,
        };
        Ok(Ran { trial, result })
    }

    fn prepare(&self, folder: &Path, request: &Request, rendered: &Rendered) -> std::io::Result<Errand> {
        let file = folder.join(rendered.path.rsplit('/').next().unwrap_or(&rendered.path));
        let harness = folder.join("harness.py");
        fs::create_dir_all(folder)?;
        fs::write(&file, &rendered.text)?;
        fs::write(&harness, HARNESS)?;
        let shown = |path: &Path| path.display().to_string();
        let mut environment: BTreeMap<String, String> =
            PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect();
        for home in ["HOME", "USERPROFILE", "HF_HOME", "TMPDIR", "TEMP", "TMP"] {
            environment.insert(home.to_owned(), shown(folder));
        }
        environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        Ok(Errand {
            program: self.python.clone(),
            // Isolated: neither the person's packages nor their PYTHON variables have a part in it.
            args: ["-I", "-X", "utf8", &shown(&harness), request.kind.key(), &shown(&file)].map(str::to_owned).to_vec(),
            folder: folder.to_owned(),
            environment,
        })
    }
}

#[derive(Default)]
struct Heard {
    environment: BTreeMap<String, String>,
    steps: Vec<TrialStep>,
    result: Option<Value>,
}

impl Heard {
    fn line(&mut self, line: Value, on: &mut dyn FnMut(&TrialStep)) {
        match serde_json::from_value(line) {
            Ok(Told::Environment { environment }) => self.environment = environment,
            Ok(Told::Step { step, outcome, reason, place, secs }) => {
                let first = reason.lines().next().unwrap_or_default().to_owned();
                let outcome = TrialOutcome::of(&outcome, Some(first.clone()));
                let outcome = outcome.unwrap_or(TrialOutcome::Failed { reason: first });
                let place = (!place.is_empty()).then_some(place);
                let step = TrialStep { name: step, outcome, place, secs };
                on(&step);
                self.steps.push(step);
            }
            Ok(Told::Result { result }) => self.result = Some(result),
            // A line of JSON that some library printed.
            Err(_) => {}
        }
    }
}

/// How a file's run ended, and its last lines on standard error.
fn outcome(ended: Result<ErrandEnd, WorkerError>, steps: &[TrialStep]) -> Result<(TrialOutcome, Vec<String>), Failure> {
    match ended {
        Ok(ErrandEnd { fault: None, log }) => Ok((TrialOutcome::of_steps(steps), log)),
        Ok(ErrandEnd { fault: Some(how), log }) => {
            let last = log.last().map(|line| format!("; its last line: {line}")).unwrap_or_default();
            Ok((TrialOutcome::Failed { reason: format!("Python {how}{last}") }, log))
        }
        Err(WorkerError::Cancelled) => Err(Failure::Cancelled),
        Err(error @ WorkerError::NotStarted { .. }) => {
            let remedy = error.remedy().map(|remedy| format!(". {remedy}")).unwrap_or_default();
            Err(Failure::broken("running a file", format!("{error}{remedy}")))
        }
        Err(error @ WorkerError::Failed { .. }) => Err(Failure::broken("starting Python", error)),
        Err(error) => Ok((TrialOutcome::Failed { reason: error.to_string() }, Vec::new())),
    }
}

pub fn file_of(request: &Request) -> GeneratedFile {
    GeneratedFile {
        model_type: request.model_type.clone(),
        platform: request.platform,
        kind: request.kind.key().to_owned(),
    }
}

/// What checking a generated file has shown.
pub fn check_of(made: &Made) -> FileCheck {
    let problem = match (&made.outcome, made.problems.first()) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(_), problem) => problem.map(ToString::to_string),
    };
    FileCheck {
        file: file_of(&made.request),
        text_hash: made.outcome.as_ref().map(|rendered| text_hash(&rendered.text)).unwrap_or_default(),
        checked_at: Timestamp::now(),
        problem,
    }
}

/// SHA-256 in hexadecimal.
fn text_hash(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
