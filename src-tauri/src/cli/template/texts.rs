//! The templates that a command works on: those that ship, and those of a folder in front.

use contract::Failure;
use std::{collections::BTreeMap, fs, path::Path};
use workbench::{Library, shipped};

pub fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|e| Failure::bad_input(file.display().to_string(), format!("it cannot be read: {e}")))
}

pub fn ships() -> BTreeMap<String, String> {
    shipped().into_iter().map(|(name, text)| (name, text.to_owned())).collect()
}

/// Templates, with those of a folder in front.
pub fn library(mut texts: BTreeMap<String, String>, folder: Option<&Path>) -> Result<Library, Failure> {
    if let Some(folder) = folder {
        let mut found = BTreeMap::new();
        gather(folder, folder, &mut found)?;
        if found.is_empty() {
            return Err(Failure::bad_input(folder.display().to_string(), "there is no template in this folder"));
        }
        texts.append(&mut found);
    }
    Ok(Library::new(texts))
}

/// Links are not followed, so that a folder holds no more than it seems to.
fn gather(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let unreadable = |path: &Path, e: std::io::Error| {
        Failure::bad_input(path.display().to_string(), format!("it cannot be read: {e}"))
    };
    for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let entry = entry.map_err(|e| unreadable(folder, e))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|e| unreadable(folder, e))?);
        if kind.is_dir() {
            gather(root, &path, texts)?;
        } else if kind.is_file() && path.extension().is_none_or(|ending| ending != "md") {
            let text = read(&path)?;
            let name = path.strip_prefix(root).expect("it was found below").to_string_lossy().replace('\\', "/");
            texts.insert(name, text);
        }
    }
    Ok(())
}
