//! The folders that the commands read and write.

use std::path::{Path, PathBuf};

use crate::error::StepError;

pub struct Places {
    /// The repository.
    pub root: PathBuf,
    /// The user's cache for Assay: libraries, tools, npm packages, stamps. Survives a new clone.
    pub cache: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
}

impl Places {
    pub fn find() -> Result<Self, StepError> {
        // What cargo says now, not when this was compiled: two clones may share a target folder.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root =
            Path::new(&manifest).ancestors().nth(2).expect("xtask lies two folders below the repository").to_path_buf();
        let cache = match std::env::var_os("ASSAY_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => directories::BaseDirs::new()
                .ok_or_else(|| {
                    StepError::missing("this user has no home folder", "Set ASSAY_CACHE to a folder to work in.")
                })?
                .cache_dir()
                .join("assay"),
        };
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), PathBuf::from);
        Ok(Self { root, cache, target })
    }

    /// Engine and database libraries, one folder each.
    pub fn libraries(&self) -> PathBuf {
        self.cache.join("libraries")
    }

    /// Tools that the checks use, one folder each or in bin.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    pub fn stamps(&self) -> PathBuf {
        self.cache.join("stamps")
    }

    /// Where npm unpacks the packages of one manifest.
    pub fn npm(&self, name: &str) -> PathBuf {
        self.cache.join("npm").join(name)
    }

    /// What the WebView loads.
    pub fn dist(&self) -> PathBuf {
        self.root.join("ui").join("dist")
    }

    /// The files beside xtask's sources (locks, npm manifests).
    pub fn xtask(&self) -> PathBuf {
        self.root.join("src-tauri").join("xtask")
    }
}
