//! Who may know whom: the crates' dependencies follow the design. And what no page may do beside a measurement.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Each crate of ours with the crates of ours it may know.
const MAY_KNOW: [(&str, &[&str]); 10] = [
    ("assay-contract", &[]),
    ("assay-models", &["assay-contract"]),
    ("assay-engine", &["assay-contract", "assay-models"]),
    ("assay-store", &["assay-contract"]),
    ("assay-chart", &["assay-contract"]),
    ("assay-workbench", &["assay-contract", "assay-models"]),
    ("assay-insight", &["assay-contract"]),
    ("assay-ui", &["assay-contract", "assay-chart"]),
    (
        "assay",
        &[
            "assay-contract",
            "assay-models",
            "assay-engine",
            "assay-store",
            "assay-chart",
            "assay-workbench",
            "assay-insight",
        ],
    ),
    (
        "xtask",
        &[
            "assay-contract",
            "assay-models",
            "assay-engine",
            "assay-store",
            "assay-chart",
            "assay-workbench",
            "assay-insight",
        ],
    ),
];

/// Foreign crates, by the start of their name, that belong to one crate of ours.
const KEPT_IN: [(&str, &str); 13] = [
    ("tauri", "assay"),
    ("duckdb", "assay-store"),
    ("candle", "assay-engine"),
    ("ort", "assay-engine"),
    ("openvino", "assay-engine"),
    ("wgpu", "assay-engine"),
    ("cudarc", "assay-engine"),
    ("nvml-wrapper", "assay-engine"),
    ("leptos", "assay-ui"),
    ("wasm-bindgen", "assay-ui"),
    ("web-sys", "assay-ui"),
    ("hf-hub", "assay"),
    ("ureq", "assay"),
];

/// Direct dependencies of each package of the workspace, those for tests and build steps apart.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = env!("CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let known = package["dependencies"].as_array().unwrap().iter().filter(|known| known["kind"].is_null());
            let names = known.map(|known| known["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn each_crate_knows_only_the_crates_it_may() {
    for (package, known) in dependencies() {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == package) else {
            panic!("{package} is not in the list of who may know whom");
        };
        let ours = known.iter().filter(|name| MAY_KNOW.iter().any(|(crate_, _)| crate_ == name));
        for name in ours {
            assert!(allowed.contains(&name.as_str()), "{package} may not know {name}");
        }
    }
}

#[test]
fn each_foreign_crate_stays_where_it_belongs() {
    for (package, known) in dependencies() {
        for name in &known {
            let belongs = KEPT_IN.iter().find(|(start, _)| {
                name == start || name.strip_prefix(start).is_some_and(|rest| rest.starts_with(['-', '_']))
            });
            if let Some((start, home)) = belongs {
                // xtask turns the window's code into what a WebView loads.
                let tool = package == "xtask" && name == "wasm-bindgen-cli-support";
                assert!(package == *home || tool, "{name} belongs to {home} (rule {start}), but {package} knows it");
            }
        }
    }
}

/// What moves until something short is there: it is never shown while a measurement runs.
const MAY_MOVE: [&str; 2] = [".button-busy::before", ".loading i"];

#[test]
fn nothing_on_a_page_moves_without_end() {
    let sheets = style_sheets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/styles"));
    let mut seen = Vec::new();
    for sheet in sheets {
        let text = fs::read_to_string(&sheet).unwrap();
        for line in text.lines().filter(|line| line.contains("infinite")) {
            let selector = line.split('{').next().unwrap_or_default().trim().to_owned();
            assert!(MAY_MOVE.contains(&selector.as_str()), "{selector} in {} moves without end", sheet.display());
            seen.push(selector);
        }
    }
    seen.sort();
    assert_eq!(seen, MAY_MOVE, "each of the rules that may move is still there");
}

fn style_sheets(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let sheets = files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "css"));
    sheets.chain(folders.iter().flat_map(|folder| style_sheets(folder))).collect()
}
