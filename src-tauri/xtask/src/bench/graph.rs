//! How long it takes from a large model's config.json to its graph, for which no weights are made.

use serde::Deserialize;

use super::{judge, measure::json};
use crate::{
    cargo::cargo,
    error::{Step, StepError},
    places::Places,
    process::{display, run as run_command},
};

/// What the benchmark of the models' crate tells.
#[derive(Deserialize)]
struct Told {
    parameters: u64,
    first_secs: f64,
    median_secs: f64,
    longest_secs: f64,
}

const LONGEST_SECS: f64 = 0.5;

pub fn run(places: &Places, _: &[String]) -> Step {
    let bench = |arguments: &[&str]| {
        let mut command = cargo(places);
        command.args(["bench", "--quiet", "--package", "assay-models", "--bench", "seven_billion"]).args(arguments);
        command
    };
    println!("• build the benchmark");
    run_command(&mut bench(&["--no-run"]))?;
    let mut command = bench(&[]);
    let told: Told = serde_json::from_value(json(&mut command)?)
        .map_err(|source| StepError::Output { command: display(&command), source })?;
    println!(
        "{} parameters: {:.3} s the first time, {:.3} s in the middle, {:.3} s at most",
        told.parameters, told.first_secs, told.median_secs, told.longest_secs
    );
    judge(
        "the graph of seven billion parameters stands within 0.5 s, without weights",
        told.parameters > 6_500_000_000 && told.longest_secs <= LONGEST_SECS,
    )
}
