//! `assay import`: a measurement table, or what generated benchmarks printed, into a store.

use super::{
    interrupt::{interruption, on_interrupt},
    output::{Output, Stop, progress},
    reach::{Access, Reach, absolute, reach},
};
use crate::import::import;
use clap::Args;
use contract::{CancelImport, ImportReport, ImportTable};
use std::{ops::ControlFlow, path::PathBuf, sync::atomic::Ordering};

/// Bring a measurement table (CSV, gzipped CSV or Parquet), or what generated benchmarks printed (.json), into a store.
#[derive(Args)]
pub struct Import {
    file: PathBuf,
    /// The store; it is made where there is none.
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Print the report as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let report = match reach(&self.store, Access::Write)? {
            Reach::Here(store, _claim) => {
                let stop = interruption()?;
                let imported = import(&store, &self.file, &mut |rows, _| {
                    progress(&format!("{rows} rows"));
                    if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                progress("");
                imported?
            }
            Reach::Running(running) => {
                let path = absolute(&self.file)?.display().to_string();
                let bell = running.clone();
                // The answer to the import says how it ended.
                on_interrupt(move || drop(bell.ask(CancelImport {})))?;
                running.ask(ImportTable { path: Some(path) })?.expect("a path was given, so no dialog was closed")
            }
        };
        if self.json { output.json(&report) } else { output.lines(lines(&report)) }
    }
}

fn lines(report: &ImportReport) -> Vec<String> {
    let ImportReport { file, rows, taken, duplicates, refused, .. } = report;
    let mut lines = vec![format!("{file}: {rows} rows: {taken} taken, {duplicates} duplicates, {refused} refused")];
    lines.extend(report.causes.iter().map(|(cause, count)| format!("  {count:>8} × {cause}")));
    lines.extend(report.refusals.iter().take(20).map(|refusal| {
        let column = refusal.column.as_ref().map_or(String::new(), |column| format!(", {column}"));
        format!("  line {}{column}: {}", refusal.line, refusal.cause)
    }));
    if report.refused > 20 {
        lines.push(format!("  … and {} more; --json lists them", report.refused - 20));
    }
    lines
}
