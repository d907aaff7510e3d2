//! The same commands for a Windows console, which the windowed program cannot print to.

use std::process::ExitCode;

fn main() -> ExitCode {
    assay_app::main()
}
