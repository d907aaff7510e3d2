//! `assay import`: a measurement table, or what generated benchmarks printed, into a store.

use super::{
    interrupt::{interruption, on_interrupt},
    output::{Output, Stop, progress},
    reach::{Access, Reach, absolute, reach},
};
use crate::{import::import, place::is_one_file};
use clap::Args;
use contract::{CancelImport, Failure, ImportReport, ImportTable, SaveImportReport};
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

/// Refusals that are printed one by one.
const PRINTED_REFUSALS: usize = 20;

/// Bring a measurement table (CSV, gzipped CSV or Parquet), or what generated benchmarks printed (.json), into a store.
#[derive(Args)]
pub struct Import {
    file: PathBuf,
    /// The store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Write each row that was not taken, with its line, its outcome and its cause, as CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the counts and the first refusals as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        self.check_report()?;
        let (report, unsaved) = match reach(&self.store, Access::Write)? {
            Reach::Here(store, _claim) => {
                let stop = interruption()?;
                let imported = import(&store, &self.file, self.report.as_deref(), &mut |rows, _| {
                    progress(&format!("{rows} rows"));
                    if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                progress("");
                (imported?, None)
            }
            Reach::Running(running) => {
                let path = absolute(&self.file)?.display().to_string();
                let bell = running.clone();
                // The answer to the import says how it ended.
                on_interrupt(move || drop(bell.ask(CancelImport {})))?;
                let report =
                    running.ask(ImportTable { path: Some(path) })?.expect("a path was given, so no dialog was closed");
                let save = |(number, path): (u64, &Path)| {
                    let path = absolute(path)?.display().to_string();
                    running.ask(SaveImportReport { number, path: Some(path) })
                };
                let unsaved = report.number.zip(self.report.as_deref()).and_then(|listed| save(listed).err());
                (report, unsaved)
            }
        };
        // What was taken stays taken, and is told, where the list cannot be written.
        let written = self.report.as_deref().filter(|_| unsaved.is_none());
        if self.json {
            output.json(&report)?;
        } else {
            output.lines(lines(&report, written))?;
        }
        unsaved.map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// What is read and what is written to must not become the list.
    fn check_report(&self) -> Result<(), Failure> {
        let Some(report) = &self.report else { return Ok(()) };
        // Links are followed, where there is something to follow.
        let written = absolute(report)?;
        for (used, what) in [(&self.file, "the file that is imported"), (&self.store, "the store")] {
            if is_one_file(&written, &absolute(used)?) {
                return Err(Failure::bad_input("--report", format!("{} is {what}", report.display()))
                    .remedy("Name another file"));
            }
        }
        Ok(())
    }
}

fn lines(report: &ImportReport, written: Option<&Path>) -> Vec<String> {
    let ImportReport { file, rows, taken, duplicates, refused, .. } = report;
    let mut lines = vec![format!("{file}: {rows} rows: {taken} taken, {duplicates} duplicates, {refused} refused")];
    lines.extend(report.causes.iter().map(|(cause, count)| format!("  {count:>8} × {cause}")));
    lines.extend(report.refusals.iter().take(PRINTED_REFUSALS).map(|refusal| {
        let column = refusal.column.as_ref().map_or(String::new(), |column| format!(", {column}"));
        format!("  line {}{column}: {}", refusal.line, refusal.cause)
    }));
    if let Some(more) = refused.checked_sub(PRINTED_REFUSALS as u64).filter(|more| *more > 0) {
        lines.push(format!("  … and {more} more"));
    }
    match written {
        Some(path) => lines.push(format!("  each row that was not taken: {}", path.display())),
        None if taken < rows => lines.push("  --report FILE writes each row that was not taken".into()),
        None => {}
    }
    lines
}
