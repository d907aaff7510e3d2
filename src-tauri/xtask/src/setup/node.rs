//! npm, which brings DuckDB, ONNX Runtime, the charts and the fonts.

use std::path::Path;

use super::{
    doing, done,
    system_packages::{absent, apt_install},
};
use crate::{
    error::{Step, StepError},
    npm::Manifest,
    places::Places,
    process::{npm, succeeds},
};

/// Needed only while some npm package is not unpacked yet.
pub fn install(places: &Places) -> Step {
    let unpacked = [Manifest::libraries(places), Manifest::window(places)]
        .iter()
        .map(|manifest| Ok(manifest.stamp(places)?.is_current()))
        .collect::<Result<Vec<bool>, StepError>>()?;
    if unpacked.iter().all(|unpacked| *unpacked) || succeeds(npm().arg("--version")) {
        done("npm");
        return Ok(());
    }
    if Path::new("/usr/bin/apt-get").exists() {
        doing("install nodejs and npm", "libraries, charts and fonts come as npm packages");
        return apt_install(&absent(&["nodejs", "npm"])?);
    }
    Err(StepError::missing(
        "npm is not installed, and libraries, charts and fonts come as npm packages",
        "Install Node.js 18 or newer (nodejs.org, `brew install node`, `winget install OpenJS.NodeJS.LTS`), and run this again.",
    ))
}
