//! Remembers what a step was done from, so that it is done once and done again when that changes.

use std::{fs, path::PathBuf};

use sha2::{Digest, Sha256};

use crate::{error::StepError, places::Places};

/// A note in the cache: "this was made from these inputs".
pub struct Stamp {
    file: PathBuf,
    key: String,
}

impl Stamp {
    /// `inputs` is everything that decides the outcome: versions, lock files, the system.
    pub fn new(places: &Places, name: &str, inputs: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(std::env::consts::OS);
        hash.update(std::env::consts::ARCH);
        for input in inputs {
            hash.update((input.len() as u64).to_le_bytes());
            hash.update(input);
        }
        Self { file: places.stamps().join(name), key: format!("{:x}", hash.finalize()) }
    }

    pub fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|key| key == self.key)
    }

    pub fn set(&self) -> Result<(), StepError> {
        let folder = self.file.parent().expect("a stamp lies in the stamps folder");
        fs::create_dir_all(folder).map_err(StepError::file("create the folder", folder))?;
        fs::write(&self.file, &self.key).map_err(StepError::file("write", &self.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_due_again_when_its_inputs_change() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            root: folder.path().to_path_buf(),
            cache: folder.path().to_path_buf(),
            target: folder.path().to_path_buf(),
        };
        let first = Stamp::new(&places, "library", &[b"1.0", b"abc"]);
        assert!(!first.is_current());
        first.set().unwrap();
        assert!(first.is_current());
        assert!(!Stamp::new(&places, "library", &[b"1.1", b"abc"]).is_current());
        assert!(!Stamp::new(&places, "library", &[b"1.0a", b"bc"]).is_current());
    }
}
