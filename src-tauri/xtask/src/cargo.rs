//! Cargo with the folders and libraries of Assay in its environment.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{error::StepError, places::Places};

/// The variable in which this system looks for libraries at start.
pub const LIBRARY_PATH: &str = if cfg!(windows) {
    "PATH"
} else if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// `cargo` that builds into the shared target folder and links the DuckDB of the cache.
pub fn cargo(places: &Places) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&places.root);
    set_environment(&mut command, places);
    command
}

/// What building, and running what was built, needs. The same everywhere, so that nothing is built twice.
pub fn set_environment(command: &mut Command, places: &Places) {
    let libraries = places.libraries();
    command
        .env("CARGO_TARGET_DIR", &places.target)
        .env("DUCKDB_LIB_DIR", libraries.join("duckdb"))
        .env("ASSAY_LIBRARIES", &libraries)
        .env("ASSAY_TOOLS", places.tools())
        .env(LIBRARY_PATH, library_path(&libraries));
}

fn library_path(libraries: &Path) -> std::ffi::OsString {
    let own = [libraries.join("duckdb")];
    let others = env::var_os(LIBRARY_PATH).unwrap_or_default();
    let folders = own.iter().cloned().chain(env::split_paths(&others).filter(|folder| *folder != own[0]));
    env::join_paths(folders).expect("a folder of a search path has no separator in it")
}

/// The built program of one profile, with its libraries beside it: it starts by a double click too.
pub fn built_program(places: &Places, profile: &str) -> Result<PathBuf, StepError> {
    let folder = places.target.join(profile);
    let beside = folder.join("libraries");
    if fs::read_link(&beside).ok() != Some(places.libraries()) {
        link_libraries(places, &folder, &beside)?;
    }
    Ok(folder.join(format!("assay{}", env::consts::EXE_SUFFIX)))
}

#[cfg(unix)]
fn link_libraries(places: &Places, _folder: &Path, beside: &Path) -> Result<(), StepError> {
    if beside.is_symlink() {
        fs::remove_file(beside).map_err(StepError::file("replace the link", beside))?;
    }
    std::os::unix::fs::symlink(places.libraries(), beside).map_err(StepError::file("link", beside))
}

/// Windows loads DLLs from the program's own folder only, and lets few people make links.
#[cfg(windows)]
fn link_libraries(places: &Places, folder: &Path, _beside: &Path) -> Result<(), StepError> {
    let from = places.libraries().join("duckdb").join("duckdb.dll");
    let to = folder.join("duckdb.dll");
    fs::copy(&from, &to).map(|_| ()).map_err(StepError::file("copy", to))
}
