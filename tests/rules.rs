//! Who may know whom: the crates' dependencies follow the design.

use serde_json::Value;
use std::{collections::BTreeMap, process::Command};

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
