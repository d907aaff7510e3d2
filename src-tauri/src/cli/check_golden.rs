//! `assay check-golden`: known outputs against every engine.

use super::output::{Output, Stop};
use crate::{bench::worker_program, place::Place};
use clap::Args;
use contract::Failure;
use engine::{GoldenResult, Libraries};
use std::path::PathBuf;

/// The largest absolute difference that still counts as the same output in f32.
const TOLERANCE: f64 = 1e-4;

/// Compare the outputs of every ready engine with known ones.
///
/// Each case is a folder with config.json, model.safetensors and io.safetensors. Fails where a case differs by more
/// than 1e-4 or cannot be run.
#[derive(Args)]
pub struct CheckGolden {
    dir: PathBuf,
    /// Print the largest difference of each case and engine as one JSON document.
    #[arg(long)]
    json: bool,
}

impl CheckGolden {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let libraries = Libraries::find(&[Place::find()?.libraries()]);
        let results = engine::check_golden(&worker_program()?, &libraries, &self.dir);
        if results.is_empty() {
            return Err(Failure::bad_input(self.dir.display().to_string(), "it holds no golden cases")
                .remedy("Each is a folder with config.json, model.safetensors and io.safetensors")
                .into());
        }
        if self.json {
            output.json(&results)?;
        } else {
            output.lines(results.iter().map(line))?;
        }
        if results.iter().all(equal) { Ok(()) } else { Err(Stop::Told) }
    }
}

fn equal(result: &GoldenResult) -> bool {
    result.error.is_none() && result.largest_difference.is_some_and(|difference| difference <= TOLERANCE)
}

fn line(result: &GoldenResult) -> String {
    let said = match (&result.error, result.largest_difference) {
        (Some(error), _) => error.clone(),
        (None, Some(difference)) => format!("largest difference {difference:.1e}"),
        (None, None) => "no output".into(),
    };
    let verdict = if equal(result) { "equal" } else { "FAILED" };
    format!("{:<14} {:<22} {verdict:<7} {said}", result.case, result.engine.to_string())
}
