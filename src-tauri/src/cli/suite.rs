//! `assay suite`: a generated plan, measured without Python on every ready engine of its platform.

use super::{
    inventory,
    measure::Measure,
    output::{Output, Stop},
};
use crate::place::Place;
use clap::Args;
use contract::{Availability, Failure, Machine, Mode, Suite, Target};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Measure what a suite file asks for, as `assay generate` writes it.
#[derive(Args)]
pub struct RunSuite {
    /// A file of suites/.
    file: PathBuf,
    /// Keep the results in this store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print each whole result as a JSON document.
    #[arg(long)]
    json: bool,
}

impl RunSuite {
    /// Measures everything; fails at the end where one measurement failed.
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let suite = read(&self.file)?;
        let place = Place::find()?;
        let model = keep_config(&place, &suite)?;
        let mut failed = None;
        let machine = inventory::scan(&place)?;
        for target in targets(&machine, &suite)? {
            for precision in &suite.precisions {
                for batch in &suite.batches {
                    let mut measure = Measure::of_suite(&suite, &model, &target, (*precision, *batch));
                    measure.store = self.store.clone();
                    measure.json = self.json;
                    match measure.run_on(Some(&machine), output) {
                        Ok(()) => {}
                        Err(Stop::Told) => failed = Some(Stop::Told),
                        Err(Stop::Failed(failure)) if failure != Failure::Cancelled => {
                            eprintln!("assay: {failure}");
                            failed = Some(Stop::Told);
                        }
                        Err(stop) => return Err(stop),
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn read(file: &Path) -> Result<Suite, Failure> {
    let shown = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|e| Failure::bad_input(shown.clone(), format!("it cannot be read: {e}")))?;
    let suite: Suite = serde_json::from_str(&text).map_err(|e| {
        Failure::bad_input(shown.clone(), format!("it is not a suite: {e}"))
            .at(format!("line {}, column {}", e.line(), e.column()))
            .remedy("Make one with `assay generate --kinds suite`")
    })?;
    match suite.mode {
        Mode::Inference | Mode::Generation => Ok(suite),
        mode => Err(Failure::bad_input(shown, format!("{} cannot be measured by this version of Assay", mode.label()))
            .at("mode")
            .remedy("Choose inference or generation")),
    }
}

/// A file that stays, so that a result can be measured again from its model.
fn keep_config(place: &Place, suite: &Suite) -> Result<PathBuf, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if suite.model_type.is_empty() || !suite.model_type.chars().all(plain) {
        return Err(Failure::bad_input(&suite.model_type, "it is not a model type of transformers"));
    }
    let folder = place.models().join("suites").join(&suite.model_type);
    let mut config = suite.config.clone();
    config.insert("model_type".to_owned(), suite.model_type.clone().into());
    let text = serde_json::to_string_pretty(&config).map_err(|e| Failure::broken("writing the configuration", e))?;
    let path = folder.join("config.json");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|e| Failure::broken("keeping the configuration", e))?;
    Ok(path)
}

fn targets(machine: &Machine, suite: &Suite) -> Result<Vec<Target>, Failure> {
    let ready: Vec<Target> = machine
        .targets()
        .filter(|target| target.platform == suite.platform && target.availability.is_ready())
        .cloned()
        .collect();
    if !ready.is_empty() {
        return Ok(ready);
    }
    let status = machine.platforms.iter().find(|status| status.platform == suite.platform);
    let (reason, remedy) = match status.map(|status| &status.availability) {
        Some(Availability::Missing { reason, remedy }) => (reason.clone(), remedy.clone()),
        _ => ("no engine here can use it".to_owned(), "See `assay inventory`".to_owned()),
    };
    Err(Failure::Missing { what: suite.platform.label().to_owned(), reason, remedy })
}
