//! The Rust dependencies, downloaded at once so that what follows works offline.

use super::{doing, done};
use crate::{cargo::cargo, error::Step, places::Places, process, stamp::Stamp};

pub fn fetch(places: &Places) -> Step {
    let lock = places.root.join("Cargo.lock");
    let lock = std::fs::read(&lock).map_err(crate::error::StepError::file("read", lock))?;
    let stamp = Stamp::new(places, "crates", &[&lock]);
    if stamp.is_current() {
        done("Rust dependencies");
        return Ok(());
    }
    doing("download the Rust dependencies", "the same versions everywhere, by Cargo.lock");
    process::run(cargo(places).args(["fetch", "--quiet"]))?;
    stamp.set()
}
