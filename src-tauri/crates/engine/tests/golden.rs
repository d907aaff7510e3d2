//! The golden outputs through worker processes, as `assay check-golden` compares them.

use engine::{Libraries, Program, check_golden};
use std::path::Path;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
}

fn folders_of(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_engine-worker").into(), args: Vec::new() }
}

#[test]
fn every_ready_engine_reproduces_every_case_in_a_worker() {
    let results = check_golden(&program(), &Libraries::find(&[]), &golden());
    for result in &results {
        println!("{} {} {:?} {:?}", result.case, result.engine, result.largest_difference, result.error);
    }
    let candle: Vec<_> = results.iter().filter(|result| result.engine.0 == "candle").collect();
    let mut cases = folders_of(&golden());
    cases.sort();
    assert!(cases.len() >= 18, "{cases:?}");
    assert_eq!(candle.iter().map(|result| result.case.as_str()).collect::<Vec<_>>(), cases);
    for result in &results {
        let absent = result.error.as_deref().is_some_and(|error| error.contains("is not ready"));
        assert!(absent || result.largest_difference.is_some_and(|difference| difference <= 1e-4), "{result:?}");
    }
    assert!(candle.iter().all(|result| result.error.is_none()), "candle needs no library");
}

#[test]
fn a_case_that_cannot_be_built_is_an_error_for_every_engine() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("unknown");
    std::fs::create_dir(&case).unwrap();
    std::fs::write(case.join("config.json"), r#"{"model_type": "perceptron"}"#).unwrap();
    std::fs::copy(golden().join("bert/io.safetensors"), case.join("io.safetensors")).unwrap();
    let results = check_golden(&program(), &Libraries::default(), folder.path());
    assert!(results.len() >= 3, "one line for each engine: {results:?}");
    assert!(results.iter().all(|result| result.case == "unknown" && result.error.is_some()), "{results:?}");
}
