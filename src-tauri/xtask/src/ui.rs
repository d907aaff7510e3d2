//! `cargo xtask ui`: the window as the WebView loads it, in ui/dist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    error::{Step, StepError},
    npm::Manifest,
    places::Places,
    process,
    setup::wasm_target::{built_folder, cargo_for_wasm},
    stamp::Stamp,
};

/// The profile of what is shipped.
pub const PROFILE: &str = "web";
const NAME: &str = "assay-ui";

/// The part of ui/package.json that says which files of which packages the window loads.
#[derive(Deserialize)]
struct PackageJson {
    assay: Bundled,
}

#[derive(Deserialize)]
struct Bundled {
    /// Path below node_modules → path below dist.
    copy: std::collections::BTreeMap<String, String>,
}

/// Builds the window; files that stay the same are left alone, so that the app is not built anew for nothing.
pub fn build(places: &Places) -> Step {
    println!("• build the window (Rust to wasm, into ui/dist)");
    process::run(cargo_for_wasm(places, "build")?.args(["--package", NAME, "--profile", PROFILE]))?;
    let mut kept = bind(places)?;
    kept.extend(copy_sources(places)?);
    kept.extend(copy_packages(places)?);
    remove_others(&places.dist(), &kept)
}

/// Writes assay-ui.js and assay-ui_bg.wasm, and returns them.
fn bind(places: &Places) -> Result<Vec<PathBuf>, StepError> {
    let dist = places.dist();
    let made = vec![dist.join(format!("{NAME}.js")), dist.join(format!("{NAME}_bg.wasm"))];
    let wasm = built_folder(places, PROFILE)?.join(format!("{NAME}.wasm"));
    let bytes = fs::read(&wasm).map_err(StepError::file("read", &wasm))?;
    let dist_name = dist.to_string_lossy().into_owned();
    let stamp = Stamp::new(places, "ui-wasm", &[&bytes, dist_name.as_bytes()]);
    if stamp.is_current() && made.iter().all(|file| file.exists()) {
        return Ok(made);
    }
    let bindgen_failed = |error| StepError::Bindgen { reason: format!("{error:#}") };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&wasm).out_name(NAME).typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.web(true).map_err(bindgen_failed)?;
    bindgen.generate(&dist).map_err(bindgen_failed)?;
    stamp.set()?;
    Ok(made)
}

/// index.html, styles/ as they are; public/ without its own name.
fn copy_sources(places: &Places) -> Result<Vec<PathBuf>, StepError> {
    let ui = places.root.join("ui");
    let dist = places.dist();
    let mut made = vec![dist.join("index.html")];
    copy_if_changed(&ui.join("index.html"), &made[0])?;
    for (from, to) in [("styles", dist.join("styles")), ("public", dist)] {
        let from = ui.join(from);
        for file in files_below(&from)? {
            let relative = file.strip_prefix(&from).expect("a file below a folder starts with the folder");
            let to = to.join(relative);
            copy_if_changed(&file, &to)?;
            made.push(to);
        }
    }
    Ok(made)
}

fn copy_packages(places: &Places) -> Result<Vec<PathBuf>, StepError> {
    let manifest = Manifest::window(places);
    let package: PackageJson = serde_json::from_slice(&manifest.read("package.json")?)
        .map_err(|source| StepError::Json { path: manifest.folder.join("package.json"), source })?;
    let modules = places.npm(manifest.name).join("node_modules");
    let mut made = Vec::new();
    for (from, to) in &package.assay.copy {
        let to = places.dist().join(to);
        copy_if_changed(&modules.join(from), &to)?;
        made.push(to);
    }
    Ok(made)
}

fn copy_if_changed(from: &Path, to: &Path) -> Step {
    let bytes = fs::read(from).map_err(StepError::file("read", from))?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = to.parent().expect("a file of the window lies in a folder");
    fs::create_dir_all(folder).map_err(StepError::file("create the folder", folder))?;
    fs::write(to, bytes).map_err(StepError::file("write", to))
}

/// What an earlier build left and this one does not have would be shipped.
fn remove_others(dist: &Path, kept: &[PathBuf]) -> Step {
    for file in files_below(dist)? {
        // wasm-bindgen puts the small scripts of crates below snippets/.
        if !kept.contains(&file) && !file.starts_with(dist.join("snippets")) {
            fs::remove_file(&file).map_err(StepError::file("remove", &file))?;
        }
    }
    Ok(())
}

/// All files below a folder; none when there is no such folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, StepError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(StepError::file("read the folder", &folder))? {
            let path = entry.map_err(StepError::file("read the folder", &folder))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_stays_the_same_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("dist/a"));
        fs::write(&from, "one").unwrap();
        copy_if_changed(&from, &to).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        fs::File::options().write(true).open(&to).unwrap().set_modified(old).unwrap();

        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), old);

        fs::write(&from, "two").unwrap();
        copy_if_changed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "two");
    }

    #[test]
    fn what_the_window_no_longer_has_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, old) = (folder.path().join("index.html"), folder.path().join("fonts/old.woff2"));
        fs::create_dir(folder.path().join("fonts")).unwrap();
        fs::write(&kept, "").unwrap();
        fs::write(&old, "").unwrap();
        remove_others(folder.path(), std::slice::from_ref(&kept)).unwrap();
        assert!(kept.exists() && !old.exists());
    }
}
