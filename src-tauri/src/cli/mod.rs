//! The commands: the same work without a window or a display.

mod build;
mod check_golden;
mod compare;
mod describe;
mod export;
mod fetch;
mod forecast;
mod generate;
mod import;
mod interrupt;
mod inventory;
mod measure;
mod named;
mod output;
mod python;
mod query;
mod reach;
mod recommend;
mod sheet;
mod suite;
mod template;
mod trials;
mod wanted;
mod watch;

use clap::{Parser, Subcommand};
use contract::Failure;
use output::{Output, Stop};
use std::process::ExitCode;

/// Measures AI models on this machine's engines and keeps the evidence.
///
/// Without a command the window opens.
#[derive(Parser)]
#[command(name = "assay", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inventory(inventory::Inventory),
    Measure(measure::Measure),
    Compare(compare::Compare),
    Describe(describe::Describe),
    Build(build::Build),
    CheckGolden(check_golden::CheckGolden),
    Fetch(fetch::FetchModel),
    Import(import::Import),
    Export(export::Export),
    Query(query::Query),
    Template(template::Template),
    Generate(generate::Generate),
    Python(python::Python),
    Forecast(forecast::Forecast),
    Recommend(recommend::Recommend),
    Watch(watch::Watch),
    Suite(suite::RunSuite),
}

/// Exit codes: 0 done, 1 failed with a sentence on stderr, 2 used wrongly, 3 a regression was found, 130 interrupted.
pub fn main() -> ExitCode {
    let output = &mut Output::new();
    let done = match Arguments::parse().command {
        Command::Inventory(command) => command.run(output),
        Command::Measure(command) => command.run(output),
        Command::Compare(command) => command.run(output),
        Command::Describe(command) => command.run(output),
        Command::Build(command) => command.run(output),
        Command::CheckGolden(command) => command.run(output),
        Command::Fetch(command) => command.run(output),
        Command::Import(command) => command.run(output),
        Command::Export(command) => command.run(output),
        Command::Query(command) => command.run(output),
        Command::Template(command) => command.run(output),
        Command::Generate(command) => command.run(output),
        Command::Python(command) => command.run(output),
        Command::Forecast(command) => command.run(output),
        Command::Recommend(command) => command.run(output),
        Command::Watch(command) => command.run(output),
        Command::Suite(command) => command.run(output),
    };
    match done {
        // Whoever read our output had enough of it.
        Ok(()) | Err(Stop::NobodyReads) => ExitCode::SUCCESS,
        Err(Stop::Failed(Failure::Cancelled)) => {
            eprintln!("assay: interrupted");
            ExitCode::from(130)
        }
        Err(Stop::Failed(failure)) => {
            eprintln!("assay: {failure}");
            ExitCode::FAILURE
        }
        Err(Stop::Told) => ExitCode::FAILURE,
        Err(Stop::Regressed) => ExitCode::from(3),
    }
}
