//! The crate as the engines and the shell see it.

mod architectures;
mod costs;
mod each;
mod experts;
mod generation;
mod golden;
mod graphs;
mod heads;
mod hostile;
mod images;
mod nonsense;
mod opening;
mod quantising;
mod task;
mod writing;
