//! A process of its own for everything that foreign libraries do, so that a crash in one is a result and not the end
//! of the app.
//!
//! The parent writes one [`Order`] as a line of JSON to the worker's standard input and keeps that pipe open for what it
//! may [`Wish`] meanwhile; the pipe's end tells the worker that the parent is gone. The worker answers with one [`Event`]
//! a line.

mod converse;
mod ending;
mod errand;
mod error;
mod log;
mod order;
mod process;
mod run;
mod serve;
mod service;
mod stdio;
mod turns;
mod write;

pub use converse::{Heard, Pulse, Report, Voice, ask, converse, follow};
pub use errand::{Errand, ErrandEnd, run_errand};
pub use error::WorkerError;
pub use log::Log;
pub use order::{Checked, Comparison, Deviation, Event, Order, Pace, RunOrder, Wish, WriteOrder, scores_of};
pub use serve::worker_main;
pub use service::{Service, service_main};
