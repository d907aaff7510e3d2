//! ONNX's own checker, a Python package. Optional: without it the test that needs it is counted as skipped.

use std::{fs, process::Command};

use super::{doing, done, engine_libraries::replace, python};
use crate::{
    error::{Step, StepError},
    places::Places,
    process::{output, run},
    stamp::Stamp,
};

pub fn install(places: &Places) -> Step {
    let requirements = places.xtask().join("onnx-checker.requirements.txt");
    let text = fs::read(&requirements).map_err(StepError::file("read", &requirements))?;
    let Some(python) = python::with_pip() else {
        println!("- there is no Python 3 with pip: ONNX's own checker is not asked about the graphs that Assay makes.");
        return Ok(());
    };
    // The packages are compiled for one version of Python.
    let version = output(Command::new(python).arg("--version"))?;
    let stamp = Stamp::new(places, "onnx-checker", &[&text, version.as_bytes()]);
    let folder = places.tools().join("onnx-checker");
    if stamp.is_current() && folder.is_dir() {
        done("ONNX's checker");
        return Ok(());
    }
    doing("install ONNX's own checker", "the graphs that Assay makes have to be valid to those who defined the format");
    let installed = replace(&folder, |folder| {
        run(Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--require-hashes", "--requirement"])
            .arg(&requirements)
            .arg("--target")
            .arg(folder))
    });
    if let Err(error) = installed {
        error.print();
        println!("- ONNX's checker could not be had, and its test will be skipped. The next run tries again.");
        return Ok(());
    }
    stamp.set()
}
