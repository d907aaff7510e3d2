//! `cargo xtask bundle`: an installer for this system, with every library inside.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

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

/// That of src-tauri/xtask/npm/bundler/package.json.
const TAURI_VERSION: &str = "2.12.5";

const RUN_TAURI: &str = "require(process.argv[1]).run(process.argv.slice(2), 'tauri', error => { \
    if (error) { console.error(error.message); process.exit(1) } })";

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

/// See docs/RELEASING.md.
const APPLE_SECRETS: [&str; 6] = [
    "APPLE_CERTIFICATE",
    "APPLE_CERTIFICATE_PASSWORD",
    "APPLE_SIGNING_IDENTITY",
    "APPLE_ID",
    "APPLE_PASSWORD",
    "APPLE_TEAM_ID",
];

/// Libraries of Microsoft's C++ compiler, which may be distributed with a program.
const VISUAL_C_RUNTIME: [&str; 5] =
    ["msvcp140.dll", "msvcp140_1.dll", "msvcp140_atomic_wait.dll", "vcruntime140.dll", "vcruntime140_1.dll"];

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
    if let Ok(thumbprint) = env::var("ASSAY_CERTIFICATE_THUMBPRINT") {
        config["bundle"]["windows"] = json!({ "certificateThumbprint": thumbprint, "digestAlgorithm": "sha256" });
    }
    let mut command = Command::new("node");
    command.args(["-e", RUN_TAURI]).arg(tauri).args(["bundle", "--bundles", &formats, "--config", &config.to_string()]);
    command.current_dir(&places.root);
    if cfg!(windows) {
        // Tauri packs the programs of the features that it is told of.
        command.args(["--features", "console"]);
    }
    set_environment(&mut command, places);
    // A secret that is not set arrives as an empty variable, which Tauri would take for a certificate.
    for name in APPLE_SECRETS.into_iter().filter(|name| env::var_os(name).is_some_and(|value| value.is_empty())) {
        command.env_remove(name);
    }
    run(&mut command)?;
    println!("✓ the installer is in {}", places.target.join("release/bundle").display());
    Ok(())
}

/// Tauri's command line: a Node add-on, one package a system. The lock has those that its registry had; elsewhere the
/// same version is taken without one.
fn tauri(places: &Places) -> Result<PathBuf, StepError> {
    let manifest = Manifest::bundler(places);
    let stamp = manifest.stamp(places)?;
    let package = format!("@tauri-apps/cli-{}", system());
    let folder = places.npm(manifest.name);
    let module = folder.join("node_modules").join(&package);
    if stamp.is_current() && module.is_dir() {
        return Ok(module);
    }
    println!("• unpack Tauri's bundler");
    manifest.install(places)?;
    if !module.is_dir() {
        let wanted = format!("{package}@{TAURI_VERSION}");
        let mut command = npm();
        command.args(["install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(command.arg(wanted).current_dir(&folder))?;
    }
    stamp.set()?;
    Ok(module)
}

fn system() -> &'static str {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "aarch64") => "linux-arm64-gnu",
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", _) => "darwin-x64",
        ("windows", "aarch64") => "win32-arm64-msvc",
        ("windows", _) => "win32-x64-msvc",
        _ => "linux-x64-gnu",
    }
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
    if cfg!(windows) {
        // ONNX Runtime and OpenVINO are linked to them, and a fresh Windows lacks them. The program's folder is searched first.
        let system =
            env::var_os("SystemRoot").map_or_else(|| PathBuf::from("C:\\Windows"), PathBuf::from).join("System32");
        for file in VISUAL_C_RUNTIME {
            resources.insert(system.join(file).to_string_lossy().into_owned(), file.to_owned());
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
