//! Python where the machine has it: nothing of Assay is written in it, some of what Assay is checked with is.

use std::process::Command;

use crate::process::succeeds;

/// The name under which Python 3 with pip starts.
pub fn with_pip() -> Option<&'static str> {
    ["python3", "python"].into_iter().find(|python| succeeds(Command::new(python).args(["-m", "pip", "--version"])))
}
