//! Where Assay keeps its things: the store, models pasted as text, generated weights, the WebView's own files.

use contract::Failure;
use directories::ProjectDirs;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The folders of one installation; `ASSAY_DATA` puts them all below one folder of your own.
#[derive(Clone, Debug)]
pub struct Place {
    data: PathBuf,
    cache: PathBuf,
}

impl Place {
    /// # Errors
    /// Where the system names no home folder and `ASSAY_DATA` is not set.
    pub fn find() -> Result<Self, Failure> {
        if let Some(folder) = env::var_os("ASSAY_DATA").filter(|folder| !folder.is_empty()) {
            return Ok(Self::below(Path::new(&folder)));
        }
        let folders = ProjectDirs::from("app", "assay", "Assay").ok_or_else(|| Failure::Missing {
            what: "A folder for Assay's data".into(),
            reason: "this user has no home folder".into(),
            remedy: "Set the environment variable ASSAY_DATA to a folder".into(),
        })?;
        Ok(Self { data: folders.data_dir().to_owned(), cache: folders.cache_dir().to_owned() })
    }

    /// Everything below one folder.
    pub fn below(folder: &Path) -> Self {
        Self { data: folder.to_owned(), cache: folder.to_owned() }
    }

    /// The store that was opened last, or the one of a first start.
    pub fn store(&self) -> PathBuf {
        let chosen = fs::read_to_string(self.choice()).unwrap_or_default();
        match chosen.trim() {
            "" => self.data.join("assay.duckdb"),
            path => PathBuf::from(path),
        }
    }

    /// Has the next start open this store.
    pub fn choose_store(&self, store: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.data)?;
        fs::write(self.choice(), store.to_string_lossy().as_bytes())
    }

    fn choice(&self) -> PathBuf {
        self.data.join("store.txt")
    }

    /// Says that a token was given to the system's secret store, and for which server; the token itself is never in a file.
    pub fn token_mark(&self) -> PathBuf {
        self.data.join("token-is-set")
    }

    /// Configurations pasted as text, a folder each.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// Generated weights and reference outputs; may be deleted at any time.
    pub fn weights(&self) -> PathBuf {
        self.cache.join("weights")
    }

    /// What was fetched from Hugging Face, a folder for each commit of a repository.
    pub fn hub(&self) -> PathBuf {
        self.data.join("hub")
    }

    /// The Python environment that generated files are run in.
    pub fn python(&self) -> PathBuf {
        self.data.join("python")
    }

    /// A folder for each run of a generated file and each plan of a Python environment, while it lasts.
    pub fn trials(&self) -> PathBuf {
        self.cache.join("trials")
    }

    pub fn webview(&self) -> PathBuf {
        self.cache.join("webview")
    }

    /// Where a person may put engine libraries of their own.
    pub fn libraries(&self) -> PathBuf {
        self.data.join("libraries")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_store_is_opened_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        assert_eq!(place.store(), folder.path().join("assay.duckdb"));
        place.choose_store(Path::new("/elsewhere/results.duckdb")).unwrap();
        assert_eq!(place.store(), Path::new("/elsewhere/results.duckdb"));
    }
}
