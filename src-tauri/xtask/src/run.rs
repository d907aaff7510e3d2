//! `cargo xtask run`: set up, build the release and open it.

use std::process::Command;

use crate::{
    cargo::{built_program, cargo, set_environment},
    error::{Step, StepError},
    places::Places,
    process, setup, ui,
};

pub fn run(places: &Places, arguments: &[String]) -> Step {
    setup::for_building(places)?;
    ui::build(places)?;
    let program = release(places)?;

    println!("• open Assay");
    let mut assay = Command::new(&program);
    assay.args(arguments.iter().skip_while(|argument| *argument == "--"));
    set_environment(&mut assay, places);
    let status = assay.status().map_err(StepError::file("start", &program))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(StepError::ChildExit { code: u8::try_from(code).unwrap_or(1) }),
        None => Err(StepError::CommandFailed { command: program.display().to_string(), status: status.to_string() }),
    }
}

/// Builds the release profile and returns the program.
pub fn release(places: &Places) -> Result<std::path::PathBuf, StepError> {
    println!("• build Assay (release profile; the first time takes a while)");
    process::run(cargo(places).args(["build", "--release", "--package", "assay"]).args(features()))?;
    built_program(places, "release")
}

/// What only this system's build can have.
fn features() -> &'static [&'static str] {
    if cfg!(target_os = "macos") { &["--features", "metal"] } else { &[] }
}
