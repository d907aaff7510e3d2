//! npm packages by lockfile, unpacked in the cache: a new clone needs no second download.

use std::{fs, path::PathBuf};

use crate::{
    error::StepError,
    places::Places,
    process::{npm, run},
    stamp::Stamp,
};

/// A folder with `package.json` and `package-lock.json`, and the name it has in the cache.
pub struct Manifest {
    pub folder: PathBuf,
    pub name: &'static str,
}

impl Manifest {
    /// DuckDB and ONNX Runtime.
    pub fn libraries(places: &Places) -> Self {
        Self { folder: places.xtask().join("npm/libraries"), name: "libraries" }
    }

    /// Tauri's bundler.
    pub fn bundler(places: &Places) -> Self {
        Self { folder: places.xtask().join("npm/bundler"), name: "bundler" }
    }

    /// Charts, editor and fonts of the window.
    pub fn window(places: &Places) -> Self {
        Self { folder: places.root.join("ui"), name: "ui" }
    }

    pub fn read(&self, file: &str) -> Result<Vec<u8>, StepError> {
        let path = self.folder.join(file);
        fs::read(&path).map_err(StepError::file("read", path))
    }

    /// What the unpacked packages depend on: both files, since a package of the one may be missing in the other.
    pub fn stamp(&self, places: &Places) -> Result<Stamp, StepError> {
        let inputs = [self.read("package.json")?, self.read("package-lock.json")?];
        Ok(Stamp::new(places, &format!("npm-{}", self.name), &[&inputs[0], &inputs[1]]))
    }

    /// Unpacks the packages and returns their `node_modules`. Their scripts are not run: they would download.
    pub fn install(&self, places: &Places) -> Result<PathBuf, StepError> {
        let folder = places.npm(self.name);
        fs::create_dir_all(&folder).map_err(StepError::file("create the folder", &folder))?;
        for file in ["package.json", "package-lock.json"] {
            let to = folder.join(file);
            fs::write(&to, self.read(file)?).map_err(StepError::file("write", to))?;
        }
        run(npm().args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        Ok(folder.join("node_modules"))
    }
}
