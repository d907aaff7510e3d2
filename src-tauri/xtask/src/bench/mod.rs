//! `cargo xtask bench`: what Assay costs and how true its times are, measured from outside.

mod attention;
mod compare;
mod display;
mod exporter;
mod forecast;
mod graph;
mod kill;
mod measure;
mod onnx;
mod overhead;
mod parity;
mod python;
mod ratio;
mod start;
mod templates;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Step, StepError},
    places::Places,
    run::release,
    setup, ui,
};

/// One line each: its name and the function, which is given the built app.
type Benchmark = fn(&Places, &Path) -> Step;
const OF_THE_APP: &[(&str, Benchmark)] =
    &[("overhead", overhead::run), ("parity", parity::run), ("start", start::run), ("kill", kill::run)];

/// Those that are given what stands after their name, and build the app themselves where they need it.
type Trial = fn(&Places, &[String]) -> Step;
const WITHOUT_IT: &[(&str, Trial)] = &[
    ("templates", |places, rest| templates::run(places, Path::new(rest.first().map_or("python3", String::as_str)))),
    ("exporter", exporter::run),
    ("attention", attention::run),
    ("graph", graph::run),
    ("forecast", forecast::run),
    ("watch", |_, rest| watch::run(rest)),
    ("compare", compare::run),
];

pub fn bench(places: &Places, arguments: &[String]) -> Step {
    let (name, rest) = arguments.split_first().map_or(("", arguments), |(name, rest)| (name.as_str(), rest));
    if let Some((_, trial)) = WITHOUT_IT.iter().find(|(known, _)| *known == name) {
        return trial(places, rest);
    }
    let names: Vec<&str> =
        OF_THE_APP.iter().map(|(name, _)| *name).chain(WITHOUT_IT.iter().map(|(name, _)| *name)).collect();
    let Some((_, benchmark)) = OF_THE_APP.iter().find(|(known, _)| *known == name) else {
        return Err(StepError::missing(
            format!("there is no benchmark `{name}`"),
            format!("Choose one of: {}.", names.join(", ")),
        ));
    };
    benchmark(places, &built(places)?)
}

/// The app as people get it.
fn built(places: &Places) -> Result<PathBuf, StepError> {
    setup::for_testing(places)?;
    ui::build(places)?;
    release(places)
}

/// Makes an empty folder in this place.
fn fresh(folder: &Path) -> Step {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(StepError::file("remove", folder))?;
    }
    fs::create_dir_all(folder).map_err(StepError::file("create the folder", folder))
}

/// A claim that the figures must bear out.
fn judge(claim: &'static str, holds: bool) -> Step {
    println!("{} {claim}", if holds { "✓" } else { "✗" });
    if holds {
        Ok(())
    } else {
        Err(StepError::Findings { check: "the figures do not bear it out", findings: vec![claim.to_owned()] })
    }
}
