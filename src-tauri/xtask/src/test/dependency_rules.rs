//! Who may know whom: the crates depend on each other one way only, and each big library stays in one place.

use crate::{
    error::{Step, StepError},
    metadata::Metadata,
    places::Places,
};

/// The crates of this workspace that each may use, directly, in what ships.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("assay-contract", &[]),
    ("assay-models", &["assay-contract"]),
    ("assay-engine", &["assay-contract", "assay-models"]),
    ("assay-store", &["assay-contract"]),
    ("assay-insight", &["assay-contract"]),
    ("assay-chart", &["assay-contract"]),
    ("assay-workbench", &["assay-contract", "assay-models"]),
    ("assay-report", &["assay-contract", "assay-chart", "assay-workbench"]),
    ("assay-ui", &["assay-contract", "assay-chart"]),
    (
        "assay",
        &[
            "assay-contract",
            "assay-models",
            "assay-engine",
            "assay-store",
            "assay-insight",
            "assay-chart",
            "assay-workbench",
            "assay-report",
        ],
    ),
    ("xtask", &[]),
];

/// Libraries (by the start of their name) that only these crates may use directly.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("tauri", &["assay"]),
    ("duckdb", &["assay-store"]),
    ("libduckdb-sys", &["assay-store"]),
    ("ort", &["assay-engine"]),
    ("openvino", &["assay-engine"]),
    ("candle-", &["assay-engine"]),
    ("cudarc", &["assay-engine"]),
    ("wgpu", &["assay-engine"]),
    ("leptos", &["assay-ui"]),
    ("web-sys", &["assay-ui"]),
    // xtask has the half of it that prepares the window's wasm.
    ("wasm-bindgen", &["assay-ui", "xtask"]),
];

/// One workspace crate and what it directly uses.
struct Crate {
    name: String,
    uses: Vec<String>,
}

pub fn check(places: &Places) -> Step {
    let metadata = Metadata::read(places)?;
    let names = metadata.by_id();
    let crates: Vec<Crate> = metadata
        .workspace_members
        .iter()
        .map(|id| Crate {
            name: names[id.as_str()].name.clone(),
            uses: metadata
                .dependencies(id, |kind| kind != Some("dev"))
                .into_iter()
                .map(|used| names[used].name.clone())
                .collect(),
        })
        .collect();
    let mut findings = violations(&crates);
    findings.extend(wasm_bindgen_versions(&metadata));
    if findings.is_empty() {
        Ok(())
    } else {
        Err(StepError::Findings { check: "the dependency rules are broken", findings })
    }
}

fn violations(crates: &[Crate]) -> Vec<String> {
    let mut findings = Vec::new();
    for Crate { name, uses } in crates {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(member, _)| member == name) else {
            findings.push(format!("{name} has no rule yet: say in dependency_rules.rs whom it may know"));
            continue;
        };
        for used in uses {
            let is_ours = MAY_KNOW.iter().any(|(member, _)| member == used);
            if is_ours && !allowed.contains(&used.as_str()) {
                findings.push(format!("{name} may not know {used}"));
            }
            for (library, homes) in ONLY_IN {
                if is_of(used, library) && !homes.contains(&name.as_str()) {
                    findings.push(format!("{used} belongs into {} only, and {name} uses it", homes.join(" and ")));
                }
            }
        }
    }
    findings
}

/// `tauri` covers `tauri-plugin-dialog` and `ort` not `ortho`.
fn is_of(used: &str, library: &str) -> bool {
    used.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || library.ends_with('-'))
}

/// The window's wasm can only be prepared by the very version of wasm-bindgen that it links.
fn wasm_bindgen_versions(metadata: &Metadata) -> Option<String> {
    let version =
        |name: &str| metadata.packages.iter().find(|package| package.name == name).map(|p| p.version.as_str());
    let (linked, tool) = (version("wasm-bindgen")?, version("wasm-bindgen-cli-support")?);
    (linked != tool).then(|| {
        format!(
            "Cargo.lock has wasm-bindgen {linked} and wasm-bindgen-cli-support {tool}: \
             run `cargo update -p wasm-bindgen-cli-support --precise {linked}`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn using(name: &str, uses: &[&str]) -> Crate {
        Crate { name: name.to_owned(), uses: uses.iter().map(|used| (*used).to_owned()).collect() }
    }

    #[test]
    fn the_layout_of_the_design_is_allowed() {
        let crates = [
            using("assay", &["assay-store", "assay-engine", "tauri", "tauri-build"]),
            using("assay-engine", &["assay-models", "candle-core", "ort"]),
            using("assay-chart", &["assay-contract", "serde"]),
        ];
        assert_eq!(violations(&crates), Vec::<String>::new());
    }

    #[test]
    fn the_store_may_not_know_the_engine() {
        assert_eq!(violations(&[using("assay-store", &["assay-engine"])]), ["assay-store may not know assay-engine"]);
    }

    #[test]
    fn tauri_and_its_plug_ins_stay_in_the_shell() {
        let found = violations(&[using("assay-store", &["tauri-plugin-dialog"])]);
        assert_eq!(found, ["tauri-plugin-dialog belongs into assay only, and assay-store uses it"]);
        assert!(is_of("candle-nn", "candle-") && is_of("ort", "ort") && !is_of("ortho", "ort"));
    }

    #[test]
    fn a_new_crate_needs_a_rule() {
        assert_eq!(violations(&[using("assay-new", &[])]).len(), 1);
    }
}
