//! `cargo xtask bench`: what Assay costs and how true its times are, measured from outside.

mod display;
mod kill;
mod measure;
mod overhead;
mod parity;
mod python;
mod ratio;
mod start;
mod templates;

use crate::{
    error::{Step, StepError},
    places::Places,
    run::release,
    setup, ui,
};

/// One line each: its name, what it shows, and the function.
type Benchmark = fn(&Places, &std::path::Path) -> Step;
const ALL: &[(&str, Benchmark)] =
    &[("overhead", overhead::run), ("parity", parity::run), ("start", start::run), ("kill", kill::run)];

pub fn bench(places: &Places, arguments: &[String]) -> Step {
    let name = arguments.first().map_or("", String::as_str);
    if name == "templates" {
        let python = arguments.get(1).map_or("python3", String::as_str);
        return templates::run(places, std::path::Path::new(python));
    }
    let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).chain(["templates"]).collect();
    let Some((_, benchmark)) = ALL.iter().find(|(known, _)| *known == name) else {
        return Err(StepError::missing(
            format!("there is no benchmark `{name}`"),
            format!("Choose one of: {}.", names.join(", ")),
        ));
    };
    setup::for_testing(places)?;
    ui::build(places)?;
    let program = release(places)?;
    benchmark(places, &program)
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
