//! `cargo xtask notices`: THIRD-PARTY-NOTICES.txt, the licences of all that ships inside Assay.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    error::{Step, StepError},
    metadata::Metadata,
    npm::Manifest,
    places::Places,
};

const FILE: &str = "THIRD-PARTY-NOTICES.txt";

/// The packages whose dependencies are shipped.
const SHIPPED: &[&str] = &["assay", "assay-ui"];

/// One thing that ships, with the texts found in its package.
struct Component {
    name: String,
    version: String,
    licence: String,
    texts: Vec<String>,
}

pub fn write(places: &Places) -> Step {
    let path = places.root.join(FILE);
    let text = compose(components(places)?);
    fs::write(&path, text).map_err(StepError::file("write", &path))?;
    println!("✓ {FILE} is written");
    Ok(())
}

/// Fails when the lockfiles moved on and the notices did not.
pub fn check(places: &Places) -> Step {
    let path = places.root.join(FILE);
    let there = fs::read_to_string(&path).map_err(StepError::file("read", &path))?;
    if there.replace("\r\n", "\n") == compose(components(places)?) {
        return Ok(());
    }
    Err(StepError::missing(
        format!("{FILE} is not what the lockfiles say"),
        "Run `cargo xtask notices` and commit what it writes.",
    ))
}

fn components(places: &Places) -> Result<Vec<Component>, StepError> {
    let mut components = crates(places)?;
    components.extend(npm_packages(&Manifest::window(places), places)?);
    components.extend(libraries(places)?);
    components.sort_by(|a, b| (a.name.to_lowercase(), &a.version).cmp(&(b.name.to_lowercase(), &b.version)));
    Ok(components)
}

/// Every crate that is linked into the program or the window, on any system.
fn crates(places: &Places) -> Result<Vec<Component>, StepError> {
    let metadata = Metadata::read(places)?;
    let packages = metadata.by_id();
    let ours: BTreeSet<&str> = metadata.workspace_members.iter().map(String::as_str).collect();
    let mut queue: Vec<&str> =
        ours.iter().copied().filter(|id| SHIPPED.contains(&packages[id].name.as_str())).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = queue.pop() {
        if seen.insert(id) {
            queue.extend(metadata.dependencies(id, |kind| kind.is_none()));
        }
    }
    seen.difference(&ours)
        .map(|id| {
            let package = packages[id];
            let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
            let licence = package.license.clone().unwrap_or_else(|| "see the text".to_owned());
            Ok(Component {
                name: package.name.clone(),
                version: package.version.clone(),
                texts: licence_texts(folder, &licence)?,
                licence,
            })
        })
        .collect()
}

#[derive(Deserialize)]
struct PackageLock {
    packages: BTreeMap<String, LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: String,
}

fn npm_packages(manifest: &Manifest, places: &Places) -> Result<Vec<Component>, StepError> {
    let lock: PackageLock = serde_json::from_slice(&manifest.read("package-lock.json")?)
        .map_err(|source| StepError::Json { path: manifest.folder.join("package-lock.json"), source })?;
    let folder = places.npm(manifest.name);
    lock.packages
        .into_iter()
        .filter_map(|(path, package)| Some((path.strip_prefix("node_modules/")?.to_owned(), package)))
        .map(|(name, package)| {
            let texts = licence_texts(&folder.join("node_modules").join(&name), &package.license)?;
            Ok(Component { name: format!("{name} (npm)"), version: package.version, licence: package.license, texts })
        })
        .collect()
}

/// The libraries beside the program. Their versions come from the locks, their texts from this repository:
/// the prebuilt packages are not the same on all systems.
fn libraries(places: &Places) -> Result<Vec<Component>, StepError> {
    #[derive(Deserialize)]
    struct OpenVino {
        version: String,
    }
    let lock = Manifest::libraries(places);
    let packages: PackageLock = serde_json::from_slice(&lock.read("package-lock.json")?)
        .map_err(|source| StepError::Json { path: lock.folder.join("package-lock.json"), source })?;
    let version = |package: &str| packages.packages.get(package).map(|p| p.version.clone()).unwrap_or_default();
    let file = places.xtask().join("openvino.lock.json");
    let openvino: OpenVino = serde_json::from_slice(&fs::read(&file).map_err(StepError::file("read", &file))?)
        .map_err(|source| StepError::Json { path: file, source })?;

    let texts = places.xtask().join("licences");
    [
        ("DuckDB (library)", version("node_modules/@duckdb/node-bindings-linux-x64"), "MIT", "duckdb"),
        ("ONNX Runtime (library)", version("node_modules/onnxruntime-node"), "MIT", "onnxruntime"),
        ("OpenVINO (library)", openvino.version, "Apache-2.0", "openvino"),
    ]
    .into_iter()
    .map(|(name, version, licence, folder)| {
        Ok(Component {
            name: name.to_owned(),
            version,
            licence: licence.to_owned(),
            texts: licence_texts(&texts.join(folder), licence)?,
        })
    })
    .collect()
}

/// The licence files of a package. Where one of several licences may be chosen, MIT is: it asks for the least.
fn licence_texts(folder: &Path, licence: &str) -> Result<Vec<String>, StepError> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(StepError::file("read the folder", folder))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && is_licence_file(&file_name(path)))
        .collect();
    files.sort();
    let may_choose = licence.contains(" OR ") || licence.contains('/');
    if may_choose && licence.contains("MIT") && files.iter().any(|file| file_name(file).contains("mit")) {
        files.retain(|file| file_name(file).contains("mit") || file_name(file).starts_with("notice"));
    }
    files
        .into_iter()
        .map(|file| {
            let bytes = fs::read(&file).map_err(StepError::file("read", &file))?;
            Ok(normal(&String::from_utf8_lossy(&bytes)))
        })
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn is_licence_file(name: &str) -> bool {
    let known = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
    // What a crate calls license.rs is its source.
    known.iter().any(|start| name.starts_with(start)) && !name.ends_with(".rs") && !name.ends_with(".toml")
}

/// One text that differs only in white space at line ends is the same text.
fn normal(text: &str) -> String {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// A list of everything with its licence, then each text once with those it covers.
fn compose(components: Vec<Component>) -> String {
    let mut list = String::new();
    let mut covered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for component in &components {
        let title = format!("{} {}", component.name, component.version);
        let _ = writeln!(list, "{title}  {}", component.licence);
        for text in &component.texts {
            covered.entry(text.clone()).or_default().push(title.clone());
        }
    }
    let mut texts: Vec<(String, String)> =
        covered.into_iter().map(|(text, titles)| (titles.join(", "), text)).collect();
    texts.sort();

    let mut notices = format!(
        "Assay contains the work of others. This file names it and gives the licences.\n\
         It is generated from the lockfiles by `cargo xtask notices`.\n\n\
         A package without a text below comes with none; its licence is the one named beside it,\n\
         and the standard texts of MIT and Apache-2.0 are in LICENSE-MIT and LICENSE-APACHE.\n\
         What the three libraries contain in turn is named in the files of the folder licences/.\n\n{list}"
    );
    let line = "-".repeat(100);
    for (titles, text) in texts {
        let _ = write!(notices, "\n{line}\n{titles}\n\n{text}\n");
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, text: &str) -> Component {
        Component {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: "MIT".to_owned(),
            texts: vec![normal(text)],
        }
    }

    #[test]
    fn a_text_that_two_packages_share_is_printed_once() {
        let notices =
            compose(vec![component("a", "same text \r\n"), component("b", "same text"), component("c", "own")]);
        assert_eq!(notices.matches("same text").count(), 1);
        assert!(notices.contains("a 1.0.0, b 1.0.0\n\nsame text"));
        assert!(notices.contains("c 1.0.0\n\nown"));
    }

    #[test]
    fn licence_files_are_told_from_sources() {
        assert!(is_licence_file("license-mit") && is_licence_file("copying") && is_licence_file("notice.txt"));
        assert!(!is_licence_file("license.rs") && !is_licence_file("readme.md"));
    }

    #[test]
    fn of_two_licences_the_shorter_one_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("LICENSE-MIT", "mit"), ("LICENSE-APACHE", "apache"), ("NOTICE", "notice")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert_eq!(licence_texts(folder.path(), "MIT OR Apache-2.0").unwrap(), ["mit", "notice"]);
        assert_eq!(licence_texts(folder.path(), "Apache-2.0").unwrap(), ["apache", "mit", "notice"]);
    }
}
