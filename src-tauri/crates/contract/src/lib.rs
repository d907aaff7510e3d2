//! The words that window and shell share: requests, events, failures, and what was measured.
//! Compiles for wasm and native alike and does no I/O.

mod advice;
mod beside;
mod board;
mod comparison;
pub mod csv;
mod editing;
mod event;
mod failure;
mod filter;
mod gallery;
pub mod json_text;
mod machine;
mod matrix;
mod model;
mod names;
mod plan;
mod queue;
mod request;
mod run;
mod settings;
mod table;
mod template;
mod watch;

pub use advice::*;
pub use beside::*;
pub use board::*;
pub use comparison::*;
pub use editing::*;
pub use event::*;
pub use failure::*;
pub use filter::*;
pub use gallery::*;
pub use machine::*;
pub use matrix::*;
pub use model::*;
pub use names::*;
pub use plan::*;
pub use queue::*;
pub use request::*;
pub use run::*;
pub use settings::*;
pub use table::*;
pub use template::*;
pub use watch::*;
