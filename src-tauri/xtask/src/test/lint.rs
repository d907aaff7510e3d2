//! Clippy without a warning: the native crates as they run here, the window as it runs in the WebView.

use std::process::Command;

use super::suite;
use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
    process,
    setup::wasm_target::{Compiler, cargo_for_wasm, compiler, sysroot},
    ui,
};

const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub fn check(places: &Places) -> Step {
    // What measures Assay is compiled with the tests, so that it is not found broken on the day that it is needed.
    process::run(while_compiling(&mut suite::command(places))?.args(["--benches", "--examples", "--no-run"]))?;
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

/// Has clippy compile the crates of the workspace, as `cargo clippy` has it check them: linting and then building the
/// tests would read every library twice.
pub fn while_compiling(command: &mut Command) -> Result<&mut Command, StepError> {
    let driver = sysroot("rustc")?.join("bin").join(format!("clippy-driver{}", std::env::consts::EXE_SUFFIX));
    if !driver.exists() {
        return Err(StepError::missing("clippy is not installed", "Run `rustup component add clippy`."));
    }
    // The words that `cargo clippy` passes on to it.
    let words: String = DENY_WARNINGS[1..].iter().flat_map(|word| [word, "__CLIPPY_HACKERY__"]).collect();
    Ok(command.env("RUSTC_WORKSPACE_WRAPPER", driver).env("CLIPPY_ARGS", words))
}
