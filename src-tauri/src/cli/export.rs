//! `assay export`: a store's results as the neutral measurement table.

use super::{
    output::{Output, Stop},
    reach::{Access, Reach, absolute, reach},
};
use clap::Args;
use contract::{ExportTable, Filter};
use std::path::PathBuf;

/// Write the results of a store as a measurement table.
#[derive(Args)]
pub struct Export {
    #[arg(long, value_name = "FILE")]
    store: PathBuf,
    /// Ends in .csv or .parquet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Include machine names and paths, which are otherwise left out.
    #[arg(long)]
    with_names: bool,
    /// Print the report as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Export {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let (filter, with_names) = (Filter::default(), self.with_names);
        let report = match reach(&self.store, Access::Read)? {
            Reach::Here(store, _claim) => store.export(&self.out, &filter, with_names)?,
            Reach::Running(running) => {
                let path = absolute(&self.out)?.display().to_string();
                running
                    .ask(ExportTable { path: Some(path), filter, with_names })?
                    .expect("a path was given, so no dialog was closed")
            }
        };
        if self.json {
            return output.json(&report);
        }
        let notes = report.notes.iter().map(|(note, rows)| format!("  {rows} of them {note}"));
        let left_out = report.left_out.iter().map(|(cause, rows)| format!("  {rows} left out: {cause}"));
        output.lines([format!("{}: {} rows", report.path, report.rows)].into_iter().chain(notes).chain(left_out))
    }
}
