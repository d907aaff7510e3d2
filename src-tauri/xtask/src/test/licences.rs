//! Licences, banned crates and sources by cargo-deny, whose rules are in deny.toml.

use std::{env::consts::EXE_SUFFIX, process::Command};

use crate::{
    cargo::{cargo, set_environment},
    error::Step,
    places::Places,
    process,
    stamp::Stamp,
};

const VERSION: &str = "0.20.2";

pub fn check(places: &Places) -> Step {
    let program = places.tools().join("bin").join(format!("cargo-deny{EXE_SUFFIX}"));
    let stamp = Stamp::new(places, "cargo-deny", &[VERSION.as_bytes()]);
    if !(stamp.is_current() && program.exists()) {
        println!("• build cargo-deny {VERSION} (once; it is kept in {})", places.tools().display());
        process::run(
            cargo(places)
                .args(["install", "--quiet", "--debug", "--locked", "--version", VERSION, "cargo-deny", "--root"])
                .arg(places.tools())
                // Its own folder, removed by cargo: nothing of it is shared with Assay.
                .env_remove("CARGO_TARGET_DIR")
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
        )?;
        stamp.set()?;
    }
    println!("Known vulnerabilities are not looked up here: their database comes from the network. CI does it.");
    let mut deny = Command::new(program);
    deny.current_dir(&places.root).args(["--offline", "--locked", "check", "--hide-inclusion-graph"]);
    deny.args(["licenses", "bans", "sources"]);
    set_environment(&mut deny, places);
    process::run(&mut deny)
}
