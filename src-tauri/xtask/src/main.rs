//! `cargo xtask <command>`: everything a person or a CI machine does with this repository.

mod bench;
mod bundle;
mod cargo;
mod error;
mod metadata;
mod notices;
mod npm;
mod places;
mod process;
mod run;
mod setup;
mod stamp;
mod test;
mod ui;

use std::process::ExitCode;

use error::StepError;
use places::Places;

const HELP: &str = "\
usage: cargo xtask <command>

  setup      get what Assay needs to build and run: system packages, toolchain, libraries
  ui         build the window into ui/dist
  run        set up, build Assay (release) and open it; arguments after -- go to Assay
  test       check everything that CI checks, cheapest first (or only the named checks)
  bundle     make an installer for this system, with all libraries inside
  bench      measure Assay itself: overhead | parity | start | kill | graph, or with what they
             need: templates PYTHON | exporter PYTHON [MODEL…] | watch FOLDER |
             forecast FOLDER [SEED…] | compare [--trials N] [--budget-secs N] [--program FILE] [KIND…]
  notices    write THIRD-PARTY-NOTICES.txt anew from the lockfiles

Everything but the sources lies in the user's cache folder (ASSAY_CACHE changes that),
builds in its target folder (CARGO_TARGET_DIR changes that).";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let result = Places::find().and_then(|places| match command {
        "setup" => setup::everything(&places),
        "ui" => setup::for_building(&places).and_then(|()| ui::build(&places)),
        "run" => run::run(&places, rest),
        "test" => test::test(&places, rest),
        "bundle" => bundle::bundle(&places, rest),
        "bench" => bench::bench(&places, rest),
        "notices" => setup::for_building(&places).and_then(|()| notices::write(&places)),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(StepError::UnknownCommand { command: other.to_owned(), help: HELP }),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(StepError::ChildExit { code }) => ExitCode::from(code),
        Err(StepError::ChecksFailed) => ExitCode::FAILURE,
        Err(error) => {
            error.print();
            ExitCode::FAILURE
        }
    }
}
