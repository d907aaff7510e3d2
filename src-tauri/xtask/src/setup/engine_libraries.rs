//! DuckDB and ONNX Runtime: the libraries out of their npm packages, without the rest.

use std::{env, fs, path::Path};

use super::{doing, done, import_library};
use crate::{
    error::{Step, StepError},
    npm::Manifest,
    places::Places,
};

pub fn install(places: &Places) -> Step {
    let manifest = Manifest::libraries(places);
    let stamp = manifest.stamp(places)?;
    let libraries = places.libraries();
    if stamp.is_current() && libraries.join("duckdb").is_dir() && libraries.join("onnxruntime").is_dir() {
        done("DuckDB and ONNX Runtime");
        return Ok(());
    }
    doing("unpack DuckDB and ONNX Runtime", "the store and the first engine; prebuilt, by lockfile");
    let modules = manifest.install(places)?;

    let duckdb = modules.join(format!("@duckdb/node-bindings-{}-{}", node_system(), node_arch()));
    let onnxruntime = modules.join(format!("onnxruntime-node/bin/napi-v6/{}/{}", node_system(), node_arch()));
    let system = format!("{} on {}", env::consts::OS, env::consts::ARCH);
    if !duckdb.is_dir() {
        return Err(StepError::missing(
            format!("there is no prebuilt duckdb for {system}"),
            "Build with `--features bundled`, which compiles it.",
        ));
    }
    replace(&libraries.join("duckdb"), |folder| {
        copy_libraries(&duckdb, folder)?;
        import_library::write(folder)
    })?;
    let own = libraries.join("onnxruntime");
    if onnxruntime.is_dir() {
        replace(&own, |folder| copy_libraries(&onnxruntime, folder))?;
    } else {
        println!(
            "- ONNX Runtime is not published for {system}: Assay lists it as missing; a build of yours goes into {}",
            own.display()
        );
        fs::create_dir_all(&own).map_err(StepError::file("create the folder", &own))?;
    }

    // The package holds the libraries of all systems; only this one's were needed.
    remove(&modules)?;
    stamp.set()
}

fn node_system() -> &'static str {
    match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn node_arch() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Fills a new folder and puts it in the place of an old one, so that no half-filled one is ever found.
pub fn replace(folder: &Path, fill: impl FnOnce(&Path) -> Step) -> Step {
    let fresh = folder.with_extension("new");
    remove(&fresh)?;
    fs::create_dir_all(&fresh).map_err(StepError::file("create the folder", &fresh))?;
    fill(&fresh)?;
    remove(folder)?;
    fs::rename(&fresh, folder).map_err(StepError::file("put in place", folder))
}

pub fn remove(folder: &Path) -> Step {
    if folder.exists() { fs::remove_dir_all(folder).map_err(StepError::file("remove", folder)) } else { Ok(()) }
}

/// Copies the shared libraries of a folder.
pub fn copy_libraries(from: &Path, to: &Path) -> Step {
    let entries = fs::read_dir(from).map_err(StepError::file("read the folder", from))?;
    for entry in entries {
        let path = entry.map_err(StepError::file("read the folder", from))?.path();
        let name = path.file_name().expect("an entry of a folder has a name").to_owned();
        if is_library(&name.to_string_lossy()) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn is_library(name: &str) -> bool {
    name.ends_with(".so") || name.contains(".so.") || name.ends_with(".dylib") || name.ends_with(".dll")
}

pub fn copy(from: &Path, to: &Path) -> Step {
    fs::copy(from, to).map(|_| ()).map_err(StepError::file("copy", from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_of_each_system_are_told_from_their_company() {
        for name in ["libduckdb.so", "libonnxruntime.so.1", "libonnxruntime.1.dylib", "DirectML.dll"] {
            assert!(is_library(name), "{name}");
        }
        for name in ["duckdb.node", "onnxruntime_binding.node", "tbb.pc", "package.json"] {
            assert!(!is_library(name), "{name}");
        }
    }
}
