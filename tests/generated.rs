//! A dozen model types × what is generated for them: tests, skills and benchmarks, written and run by the real program
//! with the real libraries. Where no Python with torch and transformers is found, each is counted as ignored.
//!
//! `ASSAY_TEST_PYTHON` names the Python; else it is `python3`.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::{
    env,
    process::{Command, ExitCode},
};

/// Text, pictures, sound, film, and two of them together.
const MODEL_TYPES: [&str; 12] =
    ["bert", "llama", "gpt2", "t5", "vit", "convnext", "whisper", "wav2vec2", "videomae", "vivit", "clip", "llava"];
const KINDS: [&str; 3] = ["test", "skill", "benchmark"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let python = env::var("ASSAY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let lacks = lacks(&python);
    if let Some(reason) = &lacks {
        eprintln!(
            "generated files are not run: {reason}; set ASSAY_TEST_PYTHON to a Python with torch, transformers and pytest"
        );
    }
    let pairs = MODEL_TYPES.iter().flat_map(|model_type| KINDS.iter().map(move |kind| (*model_type, *kind)));
    let trials = pairs.map(|(model_type, kind)| {
        let python = python.clone();
        let name = format!("the_{kind}_of_{model_type}_passes");
        Trial::test(name, move || passes(&python, model_type, kind)).with_ignored_flag(lacks.is_some())
    });
    // One file at a time: a benchmark beside others would take long to be sure of its median.
    let arguments = Arguments { test_threads: Some(1), ..arguments };
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Why generated files cannot be run with this Python; none where they can.
fn lacks(python: &str) -> Option<String> {
    let told = Command::new(python).args(["-c", "import torch, transformers, pytest"]).output();
    match told {
        Err(error) => Some(format!("{python} cannot be started: {error}")),
        Ok(told) if told.status.success() => None,
        Ok(told) => {
            let said = String::from_utf8_lossy(&told.stderr).trim().to_owned();
            Some(format!("{python}: {}", said.lines().last().unwrap_or("it failed")))
        }
    }
}

/// Generates one file and runs it, keeps both in a store, and finds them there again.
fn passes(python: &str, model_type: &str, kind: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let assay = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).current_dir(folder.path()).env("ASSAY_DATA", folder.path().join("data"));
        command.env("OMP_NUM_THREADS", "1").output()
    };
    let generate = ["generate", "--models", model_type, "--platforms", "cpu", "--kinds", kind, "--out", "files"];
    let run = ["--run", "--python", python, "--store", "s.duckdb"];
    let told = assay(&[&generate[..], &run[..]].concat())?;
    if !told.status.success() {
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        return Err(format!("{}{}", said(&told.stdout), said(&told.stderr)).into());
    }
    let sql = "SELECT t.outcome, count(*) AS steps, any_value(t.text_hash) = any_value(c.text_hash) AS current
               FROM trials t JOIN trial_steps s ON s.trial = t.id JOIN file_checks c USING (model_type, platform, kind)
               WHERE s.outcome = 'passed' GROUP BY ALL";
    let rows: Value = serde_json::from_slice(&assay(&["query", "--store", "s.duckdb", "--json", sql])?.stdout)?;
    let kept = &rows[0];
    if kept["outcome"] != "passed" || kept["current"] != true || kept["steps"].as_u64() < Some(1) {
        return Err(format!("the store holds {rows}").into());
    }
    // What a benchmark measured is a result that may be ranked.
    let sql = "SELECT count(*) AS results FROM runs r JOIN subjects j ON j.key = r.subject
               JOIN engines e ON e.key = j.engine JOIN trials t ON t.id = r.id::VARCHAR
               WHERE e.id = 'pytorch' AND r.evidence = 'measured' AND r.withheld IS NULL AND r.samples >= 10";
    let rows: Value = serde_json::from_slice(&assay(&["query", "--store", "s.duckdb", "--json", sql])?.stdout)?;
    match rows[0]["results"].as_u64() == Some(u64::from(kind == "benchmark")) {
        true => Ok(()),
        false => Err(format!("the store holds {rows} of the benchmark").into()),
    }
}
