//! One process opens a file once: file locks do not hold against the process that has them.

use crate::{Result, StoreError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

static OPEN: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

/// Holds a path until dropped.
pub struct Claim(PathBuf);

impl Claim {
    pub fn take(path: &Path) -> Result<Self> {
        let real = real_path(path);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if open.insert(real.clone()) { Ok(Self(real)) } else { Err(StoreError::Locked { path: path.to_owned() }) }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// The path without links, also where the file is not there yet.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}
