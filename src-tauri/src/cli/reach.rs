//! A store by its path: opened here, or through the Assay that has it open.

use crate::instance::{self, Claim, Doorbell, Instance};
use contract::Failure;
use std::path::{Path, PathBuf};
use store::Store;

pub enum Reach {
    /// Ours until the claim is dropped.
    Here(Store, Instance),
    Running(Doorbell),
}

/// What a command will do to the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must exist.
    Read,
    /// It is made where there is none.
    Write,
}

pub fn reach(path: &Path, access: Access) -> Result<Reach, Failure> {
    if access == Access::Read && !path.is_file() {
        return Err(Failure::Store {
            path: path.display().to_string(),
            reason: "there is no store here".into(),
            remedy: "Check the path; `assay import` and `assay measure --store` make a store".into(),
        });
    }
    match instance::claim(path)? {
        Claim::Held(running) => Ok(Reach::Running(running)),
        Claim::Ours(instance) => {
            let store = match access {
                Access::Read => Store::open_read_only(path)?,
                Access::Write => Store::open(path)?,
            };
            Ok(Reach::Here(store, instance))
        }
    }
}

/// The running Assay has another working folder.
pub fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|e| Failure::bad_input(path.display().to_string(), e.to_string()))
}
