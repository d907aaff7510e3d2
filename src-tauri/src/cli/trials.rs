//! Running what `assay generate` wrote, and keeping in a store what that proved.

use super::{
    output::{Output, Stop, progress},
    reach::{Access, Reach, reach},
};
use crate::{
    bench::worker_program,
    place::Place,
    python::{Ran, Trials, check_of, interpreter},
};
use clap::Args;
use contract::{Failure, FileCheck, GetMachine, KeepTrials, Machine, Run, Trial, TrialOutcome, TrialStep};
use engine::{Control, Limits};
use std::{path::PathBuf, time::Duration};
use workbench::{Kind, Made};

#[derive(Args)]
pub struct RunFiles {
    /// Run the tests, skills and benchmarks as well, each in a process of its own without network.
    #[arg(long)]
    run: bool,
    /// A Python with torch and transformers; the environment of `assay python make` where none is named.
    #[arg(long, value_name = "PYTHON", requires = "run")]
    python: Option<String>,
    /// Longest time for one file.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, requires = "run")]
    timeout_secs: u64,
    /// Memory that one file may use.
    #[arg(long, value_name = "MB", default_value_t = 8000, requires = "run")]
    memory_mb: u64,
    /// Keep in this store what was checked and run; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

impl RunFiles {
    pub fn asked(&self) -> bool {
        self.run || self.store.is_some()
    }

    /// Keeps what was checked, and runs what is sound where that is asked for, telling each where there is an output.
    pub fn follow(&self, made: &[Made], control: &Control, mut output: Option<&mut Output>) -> Result<Vec<Ran>, Stop> {
        let store = self.store.as_deref().map(|path| reach(path, Access::Write)).transpose()?;
        let is_timed = self.run && made.iter().any(|one| one.request.kind == Kind::Benchmark);
        if let (Some(Reach::Running(_)), Some(path)) = (&store, self.store.as_ref().filter(|_| is_timed)) {
            return Err(Failure::Store {
                path: path.display().to_string(),
                reason: "Assay has it open, and what it does would disturb the benchmarks".into(),
                remedy: "Close Assay, name another store, or run them in its window".into(),
            }
            .into());
        }
        keep(store.as_ref(), made.iter().map(check_of).collect(), None)?;
        let mut run = Vec::new();
        if !self.run {
            return Ok(run);
        }
        let trials = self.trials(known_machine(store.as_ref())?)?;
        for Made { request, outcome, .. } in made.iter().filter(|one| one.is_sound() && one.request.kind.is_python()) {
            let rendered = outcome.as_ref().expect("only what is sound is run");
            let name = format!("{} {} for {}", request.model_type, request.kind.label(), request.platform);
            progress(&name);
            let mut show = |step: &TrialStep| progress(&format!("{name}: {}", step.name.replace('_', " ")));
            let ran = trials.run(request, rendered, control, &mut show)?;
            progress("");
            if let Some(output) = &mut output {
                output.lines(told(&name, &ran))?;
            }
            keep(store.as_ref(), Vec::new(), Some(&ran))?;
            run.push(ran);
        }
        let ended = |key: &str| run.iter().filter(|ran| ran.trial.outcome.key() == key).count();
        if let Some(output) = output {
            output.line(format!(
                "{} passed, {} failed, {} skipped",
                ended("passed"),
                ended("failed"),
                ended("skipped")
            ))?;
        }
        Ok(run)
    }

    fn trials(&self, machine: Option<Machine>) -> Result<Trials, Failure> {
        let place = Place::find()?;
        Ok(Trials {
            program: worker_program()?,
            python: interpreter(place.python(), self.python.as_deref())?,
            limits: Limits {
                memory_bytes: self.memory_mb * 1_000_000,
                timeout: Duration::from_secs(self.timeout_secs),
            },
            scratch: place.trials(),
            machine,
        })
    }
}

/// This machine as the store knows it: its devices are told by the names that they have there.
fn known_machine(store: Option<&Reach>) -> Result<Option<Machine>, Failure> {
    let known = match store {
        Some(Reach::Here(store, _claim)) => store.last_machine()?,
        Some(Reach::Running(running)) => Some(running.ask(GetMachine {})?),
        None => None,
    };
    let this = engine::environment().machine;
    Ok(known.filter(|machine| machine.id == this))
}

fn keep(store: Option<&Reach>, checks: Vec<FileCheck>, ran: Option<&Ran>) -> Result<(), Failure> {
    let trials: Vec<Trial> = ran.iter().map(|ran| ran.trial.clone()).collect();
    let results: Vec<Run> = ran.iter().filter_map(|ran| ran.result.clone()).collect();
    match store {
        Some(Reach::Here(store, _claim)) => Ok(store.keep_trials(&checks, &trials, &results)?),
        Some(Reach::Running(running)) => running.ask(KeepTrials { checks, trials, results }),
        None => Ok(()),
    }
}

fn told(name: &str, Ran { trial, result }: &Ran) -> Vec<String> {
    let version = |package: &str| trial.environment.get(package).map(|version| format!("{package} {version}"));
    let with: Vec<String> = ["torch", "transformers"].iter().filter_map(|package| version(package)).collect();
    let head = format!(
        "{name}: {}, {} steps, {:.1} s with {}",
        trial.outcome.key(),
        trial.steps.len(),
        trial.secs,
        with.join(", ")
    );
    let unwell = trial.steps.iter().filter_map(|step| {
        let reason = step.outcome.reason()?;
        let place = step.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        Some(format!("  {} {}: {reason}{place}", step.name.replace('_', " "), step.outcome.key()))
    });
    // A process that ended early has a reason of its own.
    let whole = match &trial.outcome {
        TrialOutcome::Failed { reason } if !trial.steps.iter().any(|step| step.outcome == trial.outcome) => {
            Some(format!("  {reason}"))
        }
        _ => None,
    };
    let timing = result.as_ref().and_then(|run| run.timing.as_ref());
    let measured = timing.map(|timing| {
        let (low, high) = (timing.low_ms, timing.high_ms);
        format!(
            "  median {:.3} ms, 95 % interval {low:.3} to {high:.3} ms, {} samples",
            timing.median_ms, timing.samples
        )
    });
    std::iter::once(head).chain(unwell).chain(whole).chain(measured).collect()
}
