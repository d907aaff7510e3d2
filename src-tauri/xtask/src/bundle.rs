//! `cargo xtask bundle`: an installer for this system, with every library inside.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::json;

use crate::{
    cargo::set_environment,
    error::{Step, StepError},
    npm::Manifest,
    places::Places,
    process::{npm, run},
    run::release,
    setup, ui,
};

/// The formats that need nothing downloaded besides Tauri's bundler. Others are asked for by name.
fn usual_format() -> &'static str {
    if cfg!(windows) {
        "nsis"
    } else if cfg!(target_os = "macos") {
        "dmg"
    } else {
        "deb"
    }
}

/// `arguments` are the wanted formats, such as `deb rpm appimage`; none means the usual one of this system.
pub fn bundle(places: &Places, arguments: &[String]) -> Step {
    setup::for_building(places)?;
    ui::build(places)?;
    release(places)?;
    if cfg!(windows) {
        println!("• build the console twin (so that output reaches a Windows terminal)");
        run(crate::cargo::cargo(places).args(["build", "--release", "--package", "assay", "--features", "console"]))?;
    }
    let tauri = tauri(places)?;
    let formats = if arguments.is_empty() { usual_format().to_owned() } else { arguments.join(",") };
    println!("• bundle {formats}");
    let mut config = json!({ "bundle": { "resources": resources(places)? } });
    // Set by whoever has put a signing certificate into the Windows store; see docs/RELEASING.md.
    if let Ok(thumbprint) = std::env::var("ASSAY_CERTIFICATE_THUMBPRINT") {
        config["bundle"]["windows"] = json!({ "certificateThumbprint": thumbprint, "digestAlgorithm": "sha256" });
    }
    let mut command = Command::new("node");
    command.arg(tauri).args(["bundle", "--bundles", &formats, "--config", &config.to_string()]);
    command.current_dir(&places.root);
    set_environment(&mut command, places);
    run(&mut command)?;
    println!("✓ the installer is in {}", places.target.join("release/bundle").display());
    Ok(())
}

/// Tauri's command line by lockfile. The lock names the systems its registry had; elsewhere the same version is
/// taken without one.
fn tauri(places: &Places) -> Result<std::path::PathBuf, StepError> {
    let manifest = Manifest::bundler(places);
    let stamp = manifest.stamp(places)?;
    let folder = places.npm(manifest.name);
    let script = folder.join("node_modules/@tauri-apps/cli/tauri.js");
    if !(stamp.is_current() && script.is_file()) {
        println!("• unpack Tauri's bundler");
        manifest.install(places)?;
        let lock = String::from_utf8_lossy(&manifest.read("package-lock.json")?).into_owned();
        let ours = if cfg!(windows) {
            "cli-win32-"
        } else if cfg!(target_os = "macos") {
            "cli-darwin-"
        } else {
            "cli-linux-"
        };
        if !lock.contains(&format!("node_modules/@tauri-apps/{ours}")) {
            fs::remove_file(folder.join("package-lock.json")).map_err(StepError::file("remove", &folder))?;
            run(npm().args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        }
        stamp.set()?;
    }
    Ok(script)
}

/// What lies beside the program in the installer: file or folder here → path there.
fn resources(places: &Places) -> Result<BTreeMap<String, String>, StepError> {
    let mut resources = BTreeMap::new();
    let libraries = places.libraries();
    for entry in fs::read_dir(&libraries).map_err(StepError::file("read the folder", &libraries))? {
        let folder = entry.map_err(StepError::file("read the folder", &libraries))?.path();
        if !folder.is_dir() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The Microsoft linker's file is of no use to a person.
        for file in files_of(&folder)?.into_iter().filter(|file| !file.ends_with(".lib")) {
            // Windows looks for the DLLs a program is linked to beside the program only.
            let to =
                if file.ends_with("duckdb.dll") { "duckdb.dll".to_owned() } else { format!("libraries/{name}/{file}") };
            resources.insert(folder.join(&file).to_string_lossy().into_owned(), to);
        }
    }
    let licences = places.xtask().join("licences");
    for name in ["duckdb", "onnxruntime", "openvino"] {
        for file in files_of(&licences.join(name))? {
            let from = licences.join(name).join(&file).to_string_lossy().into_owned();
            resources.insert(from, format!("licences/{name}/{file}"));
        }
    }
    for file in ["THIRD-PARTY-NOTICES.txt", "LICENSE-MIT", "LICENSE-APACHE"] {
        resources.insert(places.root.join(file).to_string_lossy().into_owned(), format!("licences/{file}"));
    }
    Ok(resources)
}

fn files_of(folder: &Path) -> Result<Vec<String>, StepError> {
    Ok(fs::read_dir(folder)
        .map_err(StepError::file("read the folder", folder))?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}
