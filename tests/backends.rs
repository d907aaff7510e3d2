//! Golden cases × engines: every ready engine gives the outputs that transformers computed, to 1e-4.

use engine::{GoldenResult, Libraries, Program};
use libtest_mimic::{Arguments, Failed, Trial};
use std::{path::Path, process::ExitCode};

const TOLERANCE: f64 = 1e-4;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = Program { path: env!("CARGO_BIN_EXE_assay-worker").into(), args: Vec::new() };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let results = engine::check_golden(&program, &Libraries::find(&[]), &cases);
    let trials = results.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An engine that is not on this machine is counted as ignored, and says why.
fn trial(result: GoldenResult) -> Trial {
    let name = format!("{}_gives_the_golden_outputs_of_{}", result.engine, result.case);
    match &result.error {
        Some(error) if error.contains("is not ready:") => {
            eprintln!("{name}: skipped, {error}");
            Trial::test(name, || Ok(())).with_ignored_flag(true)
        }
        _ => Trial::test(name, move || compare(&result)),
    }
}

fn compare(result: &GoldenResult) -> Result<(), Failed> {
    match (&result.error, result.largest_difference) {
        (None, Some(difference)) if difference <= TOLERANCE => Ok(()),
        (None, Some(difference)) => Err(format!("the largest difference is {difference:e}").into()),
        (Some(error), _) => Err(error.as_str().into()),
        (None, None) => Err("nothing was compared".into()),
    }
}
