//! Clippy without a warning: the native crates as they run here, the window as it runs in the WebView.

use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
    process,
    setup::wasm_target::{Compiler, cargo_for_wasm, compiler},
    ui,
};

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub fn check(places: &Places) -> Step {
    process::run(
        cargo(places)
            .args(["clippy", "--workspace", "--exclude", "assay-ui", "--lib", "--bins", "--tests", "--locked"])
            .args(DENY_WARNINGS),
    )?;
    let mut window = match compiler()? {
        // With the profile it was built with, so that its macros are not compiled anew.
        Some(Compiler::Usual) => {
            let mut command = cargo_for_wasm(places, "clippy")?;
            command.args(["--profile", ui::PROFILE]);
            command
        }
        Some(Compiler::Packaged) => {
            println!("Debian's compiler comes without clippy: the window is linted as a native program.");
            let mut command = cargo(places);
            command.arg("clippy");
            command
        }
        None => return Err(StepError::missing("there is no compiler for wasm32", "Run `cargo xtask setup`.")),
    };
    process::run(window.args(["--package", "assay-ui", "--locked"]).args(DENY_WARNINGS))
}
