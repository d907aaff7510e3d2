//! `assay generate`: a folder or a zip file of tests, skills, benchmarks and suites.

use super::{
    interrupt::interruption,
    output::{Output, Stop, progress},
    template::{What, library, ships},
};
use clap::Args;
use contract::Failure;
use serde_json::json;
use std::path::PathBuf;
use workbench::export;

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
    /// Print what was written as one JSON document.
    #[arg(long)]
    json: bool,
}

impl Generate {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let library = library(ships(), self.templates.as_deref())?;
        let selection = self.what.selection()?;
        let cancelled = interruption()?;
        let total = selection.requests().len();
        let made = export(&library, &selection, &self.out, &cancelled, |done| {
            progress(&format!("{done} of {total} files"));
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
        if self.json {
            output.json(&json!({ "folder": self.out, "files": made.files, "refused": refused }))?;
        } else {
            output.line(format!("{} files in {}", made.files.len(), self.out.display()))?;
        }
        for line in &refused {
            eprintln!("assay: not made: {line}");
        }
        if refused.is_empty() { Ok(()) } else { Err(Stop::Told) }
    }
}
