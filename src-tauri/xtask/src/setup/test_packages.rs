//! Python packages that Assay is checked with. Optional: without one the test that needs it is counted as skipped.

use std::{fs, process::Command};

use super::{doing, done, engine_libraries::replace, python};
use crate::{
    error::{Step, StepError},
    places::Places,
    process::{output, run},
    stamp::Stamp,
};

struct Package {
    /// Of its folder among the tools, and of its requirements.
    name: &'static str,
    what: &'static str,
    why: &'static str,
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "onnx-checker",
        what: "ONNX's own checker",
        why: "the graphs that Assay makes have to be valid to those who defined the format",
    },
    Package {
        name: "checkpoint",
        what: "a model's real weights, 84 MB",
        why: "what people have trained has to give with Assay what it gives elsewhere",
    },
];

pub fn install(places: &Places) -> Step {
    let Some(python) = python::with_pip() else {
        println!("- there is no Python 3 with pip: the tests that need {} will be skipped.", listed());
        return Ok(());
    };
    // What is compiled is so for one version of Python.
    let version = output(Command::new(python).arg("--version"))?;
    PACKAGES.iter().try_for_each(|package| package.install(places, python, &version))
}

fn listed() -> String {
    PACKAGES.map(|package| package.what).join(" or ")
}

impl Package {
    fn install(&self, places: &Places, python: &str, version: &str) -> Step {
        let Self { name, what, why } = self;
        let requirements = places.xtask().join(format!("{name}.requirements.txt"));
        let text = fs::read(&requirements).map_err(StepError::file("read", &requirements))?;
        let stamp = Stamp::new(places, name, &[&text, version.as_bytes()]);
        let folder = places.tools().join(name);
        if stamp.is_current() && folder.is_dir() {
            done(what);
            return Ok(());
        }
        doing(&format!("install {what}"), why);
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
            println!(
                "- {what} could not be had, and the test that needs it will be skipped. The next run tries again."
            );
            return Ok(());
        }
        stamp.set()
    }
}
