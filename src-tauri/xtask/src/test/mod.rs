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
    ("workflow files", workflows::check),
    ("third-party notices", notices::check),
    ("licences and sources", licences::check),
    ("the window", ui::build),
    ("lints", lint::check),
];

pub fn test(places: &Places) -> Step {
    setup::for_testing(places)?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        announce(name);
        let start = Instant::now();
        match check(places) {
            Ok(()) => println!("✓ {name} ({:.0} s)", start.elapsed().as_secs_f64()),
            Err(error) => {
                error.print();
                failed.push((*name).to_owned());
            }
        }
    }

    announce("tests");
    let start = Instant::now();
    let tally = suite::run(places)?;
    println!("\ntests took {:.0} s", start.elapsed().as_secs_f64());
    if !tally.succeeded {
        failed.push("tests".to_owned());
    }
    for check in &failed {
        println!("failed: {check}");
    }
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    if failed.is_empty() {
        Ok(())
    } else {
        Err(StepError::Findings { check: "not all checks passed", findings: failed })
    }
}

fn announce(name: &str) {
    println!("\n── {name}");
}
