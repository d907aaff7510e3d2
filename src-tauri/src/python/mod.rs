//! Python, where generated files are run: an environment that Assay makes and removes, and the runs themselves.

mod benchmark;
mod environment;
mod trial;
mod workshop;

pub use benchmark::imported;
pub use environment::Environment;
pub use trial::{Ran, Trials, check_of, file_of};
pub use workshop::{Workshop, interpreter, trial_limits};
