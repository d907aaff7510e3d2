//! The folder of generated weights and reference outputs: how much it holds, and what goes first.

use crate::disk::bytes_below;
use contract::ModelId;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Each model, precision and seed has a folder of its own here, and each model one for the inputs and reference outputs
/// that its measurements share; a folder is kept or removed as a whole.
#[derive(Clone, Debug)]
pub struct Weights {
    root: PathBuf,
}

impl Weights {
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the inputs and reference outputs of a model lie.
    pub fn outputs_of(&self, model: &ModelId) -> PathBuf {
        let name = model.0.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        self.root.join(format!("outputs-{name}"))
    }

    pub fn bytes(&self) -> u64 {
        self.folders().iter().map(|folder| bytes_below(&folder.path)).sum()
    }

    /// Marks a folder as used now.
    pub fn touch(&self, folder: &Path) {
        if folder.starts_with(&self.root) {
            // The age that decides what goes first; a file system without it falls back to the time of writing.
            open_folder(folder).and_then(|f| f.set_modified(SystemTime::now())).ok();
        }
    }

    /// Removes folders, least recently used first, until what is left fits; `needed` ones stay, and are asked for only
    /// where there is too much. Returns the bytes freed. Nothing may be measured meanwhile.
    pub fn shrink_to(&self, budget_bytes: u64, needed: impl FnOnce() -> HashSet<PathBuf>) -> io::Result<u64> {
        let mut freed = 0;
        for (folder, bytes) in self.beyond(budget_bytes, needed) {
            fs::remove_dir_all(&folder)?;
            freed += bytes;
        }
        Ok(freed)
    }

    /// Bytes that [`Weights::shrink_to`] would free.
    pub fn removable_bytes(&self, budget_bytes: u64, needed: impl FnOnce() -> HashSet<PathBuf>) -> u64 {
        self.beyond(budget_bytes, needed).iter().map(|(_, bytes)| bytes).sum()
    }

    /// Folders that are too much, with their bytes.
    fn beyond(&self, budget_bytes: u64, needed: impl FnOnce() -> HashSet<PathBuf>) -> Vec<(PathBuf, u64)> {
        let mut folders = self.folders();
        folders.sort_by_key(|folder| folder.used);
        let sized = |Folder { path, .. }: Folder| {
            let bytes = bytes_below(&path);
            (path, bytes)
        };
        let folders: Vec<(PathBuf, u64)> = folders.into_iter().map(sized).collect();
        let mut left: u64 = folders.iter().map(|(_, bytes)| bytes).sum();
        if left <= budget_bytes {
            return Vec::new();
        }
        let needed = needed();
        let mut beyond = Vec::new();
        for (folder, bytes) in folders.into_iter().filter(|(folder, _)| !needed.contains(folder)) {
            if left <= budget_bytes {
                break;
            }
            left -= bytes;
            beyond.push((folder, bytes));
        }
        beyond
    }

    fn folders(&self) -> Vec<Folder> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let facts = entry.metadata().ok()?;
                facts
                    .is_dir()
                    .then(|| Folder { path: entry.path(), used: facts.modified().unwrap_or(SystemTime::UNIX_EPOCH) })
            })
            .collect()
    }
}

struct Folder {
    path: PathBuf,
    used: SystemTime,
}

#[cfg(not(windows))]
fn open_folder(folder: &Path) -> io::Result<fs::File> {
    fs::File::open(folder)
}

/// With the right to set its times, which Windows gives for a folder only where both are asked for.
#[cfg(windows)]
fn open_folder(folder: &Path) -> io::Result<fs::File> {
    use std::os::windows::fs::OpenOptionsExt;
    const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    fs::OpenOptions::new().access_mode(FILE_WRITE_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{thread::sleep, time::Duration};

    fn folder_of(weights: &Weights, name: &str, bytes: usize) -> PathBuf {
        let folder = weights.root().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("weights.bin"), vec![1; bytes]).unwrap();
        sleep(Duration::from_millis(15));
        folder
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let root = tempfile::tempdir().unwrap();
        let weights = Weights::at(root.path().join("weights"));
        let old = folder_of(&weights, "old", 100);
        let new = folder_of(&weights, "new", 100);
        weights.touch(&old);
        assert_eq!(weights.shrink_to(150, HashSet::new).unwrap(), 100);
        assert!(old.exists() && !new.exists());
    }

    #[test]
    fn what_is_needed_stays_and_is_not_told_as_removable() {
        let root = tempfile::tempdir().unwrap();
        let weights = Weights::at(root.path().join("weights"));
        let [needed, old, new] = ["needed", "old", "new"].map(|name| folder_of(&weights, name, 100));
        assert_eq!(weights.removable_bytes(300, || panic!("nothing is too much")), 0);
        assert_eq!(weights.removable_bytes(250, || [needed.clone()].into()), 100);
        assert_eq!(weights.removable_bytes(0, || [needed.clone()].into()), 200);
        assert_eq!(weights.shrink_to(250, || [needed.clone()].into()).unwrap(), 100);
        assert!(needed.exists() && !old.exists() && new.exists());
    }

    #[test]
    fn reference_outputs_go_with_the_weights() {
        let root = tempfile::tempdir().unwrap();
        let weights = Weights::at(root.path().join("weights"));
        let outputs = weights.outputs_of(&ModelId("preset:bert-tiny".into()));
        fs::create_dir_all(outputs.join("inputs-1")).unwrap();
        fs::write(outputs.join("inputs-1/0.safetensors"), [1; 10]).unwrap();
        assert_eq!(weights.shrink_to(0, HashSet::new).unwrap(), 10);
        assert!(!outputs.exists());
    }
}
