//! Where Assay keeps its things: the store, models pasted as text, generated weights, the WebView's own files.

use contract::Failure;
use directories::ProjectDirs;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
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

    /// The store that was opened last, or the usual one.
    ///
    /// # Errors
    /// Where the person chose one and it is not there: an empty one in its place would hide that.
    pub fn store(&self) -> Result<PathBuf, Failure> {
        let Some(chosen) = self.chosen() else { return Ok(self.usual_store()) };
        let reason = match fs::metadata(&chosen) {
            Ok(_) => return Ok(chosen),
            Err(e) if e.kind() == io::ErrorKind::NotFound => "it is not there".into(),
            Err(e) => format!("it cannot be reached: {e}"),
        };
        let remedy = "Connect its disk and start Assay again, or open another file".into();
        Err(Failure::Store { path: chosen.display().to_string(), reason, remedy })
    }

    /// The store of a first start, which is made where there is none.
    pub fn usual_store(&self) -> PathBuf {
        self.data.join("assay.duckdb")
    }

    fn chosen(&self) -> Option<PathBuf> {
        let chosen = PathBuf::from(fs::read_to_string(self.choice()).ok()?.trim());
        Some(chosen).filter(|chosen| !chosen.as_os_str().is_empty() && *chosen != self.usual_store())
    }

    /// Has the next start open this store.
    ///
    /// # Errors
    /// As of [`as_text`], and where it cannot be written down.
    pub fn choose_store(&self, store: &Path) -> Result<(), Failure> {
        let text = as_text(store)?;
        let written = fs::create_dir_all(&self.data).and_then(|()| fs::write(self.choice(), text));
        written.map_err(|e| Failure::broken("remembering the store", e))
    }

    fn choice(&self) -> PathBuf {
        self.data.join("store.txt")
    }

    /// Says that a token was given to the system's secret store, and for which server; the token itself is never in a file.
    pub fn token_mark(&self) -> PathBuf {
        self.data.join("token-is-set")
    }

    /// Which templates this person trusts.
    pub fn trusted_templates(&self) -> PathBuf {
        self.data.join("trusted-templates.txt")
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

    /// Lists of the rows that imports did not take; the last one is kept.
    pub fn imports(&self) -> PathBuf {
        self.cache.join("imports")
    }

    /// The list of this process's import of this number.
    pub fn import_list(&self, number: u64) -> PathBuf {
        self.imports().join(format!("{}-{number}.csv", process::id()))
    }

    pub fn webview(&self) -> PathBuf {
        self.cache.join("webview")
    }

    /// Where a person may put engine libraries of their own.
    pub fn libraries(&self) -> PathBuf {
        self.data.join("libraries")
    }

    /// The same, made where it is not there.
    pub fn make_libraries(&self) -> io::Result<PathBuf> {
        let folder = self.libraries();
        fs::create_dir_all(&folder).map(|()| folder)
    }
}

/// The path of a store as the next start will read it.
///
/// # Errors
/// Where it is not Unicode: the choice is kept as text.
pub fn as_text(store: &Path) -> Result<&str, Failure> {
    store.to_str().ok_or_else(|| {
        let reason = "its path is not Unicode, so that the next start could not be told of it";
        Failure::bad_input(store.display().to_string(), reason).remedy("Rename the file, or the folder it is in")
    })
}

/// Whether both paths lead to one file.
pub fn is_one_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_store_is_opened_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        assert_eq!(place.store().unwrap(), folder.path().join("assay.duckdb"));
        let chosen = folder.path().join("results.duckdb");
        fs::write(&chosen, "results").unwrap();
        place.choose_store(&chosen).unwrap();
        assert_eq!(place.store().unwrap(), chosen);
    }

    #[test]
    fn a_chosen_store_that_is_not_there_is_missed_and_the_usual_one_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        let chosen = folder.path().join("unplugged/results.duckdb");
        place.choose_store(&chosen).unwrap();
        let Err(Failure::Store { path, reason, remedy }) = place.store() else { panic!("it is not there") };
        assert_eq!((path, reason.as_str()), (chosen.display().to_string(), "it is not there"));
        assert!(remedy.starts_with("Connect its disk"), "{remedy}");
        place.choose_store(&place.usual_store()).unwrap();
        assert_eq!(place.store().unwrap(), place.usual_store());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_not_chosen() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folder = tempfile::tempdir().unwrap();
        let place = Place::below(folder.path());
        let failure = place.choose_store(Path::new(OsStr::from_bytes(b"/results\xff.duckdb"))).unwrap_err();
        assert!(failure.to_string().ends_with("Rename the file, or the folder it is in"), "{failure}");
        assert_eq!(place.store().unwrap(), place.usual_store());
    }
}
