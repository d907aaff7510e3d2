//! `assay generate`: a folder or a zip file of tests, skills, benchmarks and suites.

use super::{
    interrupt::on_interrupt,
    output::{Output, Stop, progress},
    template::{What, library, ships},
    trials::RunFiles,
};
use crate::{python::file_of, rendering::Renderers};
use clap::Args;
use contract::{Failure, Run, Trial, TrialOutcome};
use engine::Control;
use serde_json::json;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use workbench::{Made, export};

/// Write tests, skills, benchmarks and suites for model types and platforms into a folder or a zip file.
#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    what: What,
    /// An empty or a new folder, or a new file whose name ends in .zip.
    #[arg(long, value_name = "FOLDER or FILE.zip")]
    out: PathBuf,
    /// A folder of templates that are added to those that ship, or stand in place of them where the names are the same.
    #[arg(long, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    #[command(flatten)]
    trials: RunFiles,
    /// Print what was written and run as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Generate {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let library = library(ships(), self.templates.as_deref())?;
        let selection = self.what.selection()?;
        let (cancelled, control) = (Arc::new(AtomicBool::new(false)), Control::default());
        let (raised, ended) = (cancelled.clone(), control.clone());
        on_interrupt(move || {
            raised.store(true, Ordering::Relaxed);
            ended.cancel();
        })?;
        let total = selection.requests().len();
        let (mut done, mut all) = (0, Vec::new());
        let renderers = Renderers::own()?;
        let renderer = || renderers.take_of_many();
        let made = export(renderer, &library, &selection, &self.out, &cancelled, |one| {
            done += 1;
            progress(&format!("{done} of {total} files"));
            if self.trials.asked() {
                all.push(one);
            }
        });
        progress("");
        let made = made.map_err(Failure::from)?;
        let refused: Vec<String> = made
            .refused
            .iter()
            .map(|(request, reason)| {
                format!("{} {} for {}: {reason}", request.model_type, request.kind.label(), request.platform)
            })
            .collect();
        if !self.json {
            output.line(format!("{} files in {}", made.files.len(), self.out.display()))?;
        }
        for line in &refused {
            eprintln!("assay: not made: {line}");
        }
        all.sort_by_key(|one: &Made| file_of(&one.request));
        let ran = self.trials.follow(&all, &control, (!self.json).then_some(&mut *output))?;
        let trials: Vec<&Trial> = ran.iter().map(|ran| &ran.trial).collect();
        if self.json {
            let results: Vec<&Run> = ran.iter().filter_map(|ran| ran.result.as_ref()).collect();
            let (folder, files) = (&self.out, &made.files);
            output.json(&json!({
                "folder": folder, "files": files, "refused": refused, "trials": trials, "results": results,
            }))?;
        }
        let failed = trials.iter().any(|trial| matches!(trial.outcome, TrialOutcome::Failed { .. }));
        if refused.is_empty() && !failed { Ok(()) } else { Err(Stop::Told) }
    }
}
