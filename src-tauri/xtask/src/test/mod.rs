//! `cargo xtask test`: what CI checks, cheapest first. Every check runs even when an earlier one failed.

mod format;
mod licences;
mod lint;
mod suite;
mod workflows;

use std::time::Instant;

use crate::{
    error::{Step, StepError},
    notices,
    places::Places,
    setup, ui,
};

type Check = fn(&Places) -> Step;

/// One line each; what needs the window built comes after it.
const CHECKS: &[(&str, Check)] = &[
    ("format", format::check),
    ("workflows", workflows::check),
    ("notices", notices::check),
    ("licences", licences::check),
    ("ui", ui::build),
    (LINTS, lint::check),
];
const LINTS: &str = "lints";
/// The last one, whose sum is the last line.
const SUITE: &str = "suite";

/// `wanted` names some of the checks; none means all.
pub fn test(places: &Places, wanted: &[String]) -> Step {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if let Some(unknown) = wanted.iter().find(|name| *name != SUITE && !CHECKS.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).chain([SUITE]).collect();
        return Err(StepError::missing(
            format!("there is no check `{unknown}`"),
            format!("Choose from: {}.", known.join(", ")),
        ));
    }
    setup::for_testing(places)?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| is_wanted(name)) {
        let start = announce(name);
        match check(places) {
            Ok(()) => println!("✓ {name} ({:.0} s)", start.elapsed().as_secs_f64()),
            Err(error) => {
                error.print();
                failed.push((*name).to_owned());
            }
        }
    }
    let mut sum = None;
    if is_wanted(SUITE) {
        let start = announce(SUITE);
        match suite::run(places, !failed.iter().any(|name| name == LINTS)) {
            Ok(tally) => {
                println!("\nthe tests took {:.0} s", start.elapsed().as_secs_f64());
                if tally.failed + tally.crashed > 0 {
                    failed.push(SUITE.to_owned());
                }
                sum = Some(tally);
            }
            Err(error) => {
                error.print();
                failed.push(SUITE.to_owned());
            }
        }
    }
    for check in &failed {
        println!("failed: {check}");
    }
    if let Some(tally) = sum {
        println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    }
    if failed.is_empty() { Ok(()) } else { Err(StepError::ChecksFailed) }
}

fn announce(name: &str) -> Instant {
    println!("\n── {name}");
    Instant::now()
}
