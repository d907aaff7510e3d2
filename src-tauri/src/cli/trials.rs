//! Running what `assay generate` wrote, and keeping in a store what that proved.

use super::{
    output::{Output, Stop, progress},
    reach::{Access, Reach, reach},
};
use crate::{
    bench::own_program,
    place::Place,
    python::{Trials, check_of, interpreter},
};
use clap::Args;
use contract::{Failure, FileCheck, KeepTrials, Trial, TrialOutcome, TrialStep};
use engine::{Control, Limits};
use std::{path::PathBuf, time::Duration};
use workbench::Made;

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
    pub fn follow(
        &self,
        made: &[Made],
        control: &Control,
        mut output: Option<&mut Output>,
    ) -> Result<Vec<Trial>, Stop> {
        let store = self.store.as_deref().map(|path| reach(path, Access::Write)).transpose()?;
        keep(store.as_ref(), made.iter().map(check_of).collect(), Vec::new())?;
        let mut run = Vec::new();
        if !self.run {
            return Ok(run);
        }
        let trials = self.trials()?;
        for Made { request, outcome, .. } in made.iter().filter(|one| one.is_sound() && one.request.kind.is_python()) {
            let rendered = outcome.as_ref().expect("only what is sound is run");
            let name = format!("{} {} for {}", request.model_type, request.kind.label(), request.platform);
            progress(&name);
            let mut show = |step: &TrialStep| progress(&format!("{name}: {}", step.name.replace('_', " ")));
            let trial = trials.run(request, rendered, control, &mut show)?;
            progress("");
            if let Some(output) = &mut output {
                output.lines(told(&name, &trial))?;
            }
            keep(store.as_ref(), Vec::new(), vec![trial.clone()])?;
            run.push(trial);
        }
        let ended = |key: &str| run.iter().filter(|trial| trial.outcome.key() == key).count();
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

    fn trials(&self) -> Result<Trials, Failure> {
        let place = Place::find()?;
        Ok(Trials {
            program: own_program()?,
            python: interpreter(place.python(), self.python.as_deref())?,
            limits: Limits {
                memory_bytes: self.memory_mb * 1_000_000,
                timeout: Duration::from_secs(self.timeout_secs),
            },
            scratch: place.trials(),
        })
    }
}

fn keep(store: Option<&Reach>, checks: Vec<FileCheck>, trials: Vec<Trial>) -> Result<(), Failure> {
    match store {
        Some(Reach::Here(store, _claim)) => Ok(store.keep_trials(&checks, &trials)?),
        Some(Reach::Running(running)) => running.ask(KeepTrials { checks, trials }),
        None => Ok(()),
    }
}

fn told(name: &str, trial: &Trial) -> Vec<String> {
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
    std::iter::once(head).chain(unwell).chain(whole).collect()
}
