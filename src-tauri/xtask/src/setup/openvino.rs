//! OpenVINO's libraries out of its Python wheel. Optional: without it the app lists the engine as missing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use super::{
    doing, done,
    engine_libraries::{copy, copy_libraries, remove, replace},
    python,
};
use crate::{
    error::{Step, StepError},
    places::Places,
    process::run,
    stamp::Stamp,
};

/// `openvino.lock.json`: one version, one wheel with its hash for each system.
#[derive(Deserialize)]
struct Lock {
    version: String,
    wheels: Vec<Wheel>,
}

#[derive(Deserialize)]
struct Wheel {
    os: String,
    arch: String,
    /// The platform tag that pip is asked for.
    platform: String,
    sha256: String,
}

pub fn install(places: &Places) -> Step {
    let file = places.xtask().join("openvino.lock.json");
    let text = fs::read(&file).map_err(StepError::file("read", &file))?;
    let lock: Lock = serde_json::from_slice(&text).map_err(|source| StepError::Json { path: file, source })?;
    let stamp = Stamp::new(places, "openvino", &[&text]);
    let folder = places.libraries().join("openvino");
    if stamp.is_current() && folder.is_dir() {
        done("OpenVINO");
        return Ok(());
    }
    let Some(wheel) = lock.wheels.iter().find(|wheel| wheel.os == env::consts::OS && wheel.arch == env::consts::ARCH)
    else {
        println!(
            "- OpenVINO is not published for {} on {}: Assay will list the engine as missing.",
            env::consts::OS,
            env::consts::ARCH
        );
        return Ok(());
    };
    let Some(python) = python::with_pip() else {
        println!(
            "- OpenVINO comes as a Python wheel, and there is no Python 3 with pip: Assay will list the engine as missing.\n  \
             Install python3 and pip (Debian: python3-pip), and run `cargo xtask setup` again."
        );
        return Ok(());
    };
    doing(&format!("unpack OpenVINO {}", lock.version), "an engine of its own on Intel CPUs, GPUs and NPUs");
    let work = places.cache.join("openvino-wheel");
    if let Err(error) = unpack(python, &lock.version, wheel, &work, &folder) {
        error.print();
        println!("- OpenVINO could not be had: Assay will list the engine as missing. The next run tries again.");
        return Ok(());
    }
    remove(&work)?;
    stamp.set()
}

fn unpack(python: &str, version: &str, wheel: &Wheel, work: &Path, folder: &Path) -> Step {
    remove(work)?;
    fs::create_dir_all(work).map_err(StepError::file("create the folder", work))?;
    let requirements = work.join("requirements.txt");
    fs::write(&requirements, format!("openvino=={version} --hash=sha256:{}\n", wheel.sha256))
        .map_err(StepError::file("write", &requirements))?;
    // The libraries are the same in the wheels of every Python; naming one makes the hash fit.
    run(Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
        .args(["--python-version", "3.11", "--implementation", "cp", "--platform", &wheel.platform])
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements)
        .arg("--dest")
        .arg(work))?;
    let downloaded = the_wheel(work)?;
    run(Command::new(python).args(["-m", "zipfile", "--extract"]).arg(&downloaded).arg(work))?;

    let libraries = work.join("openvino").join("libs");
    replace(folder, |folder| {
        copy_libraries(&libraries, folder)?;
        // The GPU plug-in's tuning table.
        let cache = libraries.join("cache.json");
        if cache.is_file() {
            copy(&cache, &folder.join("cache.json"))?;
        }
        name_the_c_library(folder)
    })
}

/// The C library is looked for under its plain name; the wheels have only the versioned one on Linux and macOS.
/// It is copied, since links do not survive in every installer.
fn name_the_c_library(folder: &Path) -> Step {
    let (start, plain) = match env::consts::OS {
        "linux" => ("libopenvino_c.so.", "libopenvino_c.so"),
        "macos" => ("libopenvino_c.", "libopenvino_c.dylib"),
        _ => return Ok(()),
    };
    if folder.join(plain).exists() {
        return Ok(());
    }
    let versioned = fs::read_dir(folder)
        .map_err(StepError::file("read the folder", folder))?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .ok_or_else(|| {
            StepError::missing(format!("OpenVINO's wheel holds no {start}*"), "The wheel's layout has changed.")
        })?;
    copy(&versioned.path(), &folder.join(plain))
}

fn the_wheel(folder: &Path) -> Result<PathBuf, StepError> {
    fs::read_dir(folder)
        .map_err(StepError::file("read the folder", folder))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| StepError::missing("pip downloaded no wheel", "Run `cargo xtask setup` again."))
}
