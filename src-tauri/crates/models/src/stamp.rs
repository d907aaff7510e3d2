//! Noticing that a file was written anew while it was in use.

use crate::ModelError;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// A file that a model was read from, with what tells it from another under its name: length and time of the last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    pub path: PathBuf,
    /// None where it cannot be told, as of a file that is gone.
    stamp: Option<(u64, SystemTime)>,
}

impl Stamped {
    /// As it is now. Taken before the file is read, it tells of a change during the reading too.
    pub fn now(path: &Path) -> Self {
        Self { path: path.to_owned(), stamp: stamp(path) }
    }

    pub fn is_current(&self) -> bool {
        self.stamp == stamp(&self.path)
    }
}

/// Refuses what was read from files of which one is another by now: it may be of both.
pub fn check_current(files: &[Stamped]) -> Result<(), ModelError> {
    match files.iter().find(|file| !file.is_current()) {
        None => Ok(()),
        Some(file) => Err(ModelError::Rewritten { path: file.path.clone() }),
    }
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let facts = fs::metadata(path).ok()?;
    Some((facts.len(), facts.modified().ok()?))
}
