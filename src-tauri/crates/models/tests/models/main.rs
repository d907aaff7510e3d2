//! The crate as the engines and the shell see it.

mod architectures;
mod costs;
mod golden;
mod graphs;
mod hostile;
mod opening;
mod writing;
