//! The npm packages that the window bundles: charts, the editor and fonts.

use super::{doing, done};
use crate::{error::Step, npm::Manifest, places::Places};

pub fn install(places: &Places) -> Step {
    let manifest = Manifest::window(places);
    let stamp = manifest.stamp(places)?;
    if stamp.is_current() && places.npm(manifest.name).join("node_modules").is_dir() {
        done("charts, editor and fonts");
        return Ok(());
    }
    doing("unpack charts, editor and fonts", "the window shows everything offline");
    manifest.install(places)?;
    stamp.set()
}
