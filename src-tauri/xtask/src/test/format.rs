//! Formatting, by rustfmt.toml.

use crate::{cargo::cargo, error::Step, places::Places, process};

pub fn check(places: &Places) -> Step {
    process::run(cargo(places).args(["fmt", "--all", "--check"]))
}
