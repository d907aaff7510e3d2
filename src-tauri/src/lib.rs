//! The desktop shell: it opens the store, runs the queue, answers the window, and knows Tauri so that no crate has to.

mod answer;
mod bench;
mod catalogue;
pub mod cli;
mod commands;
mod compare;
mod comparing;
mod depth;
mod describe;
pub mod desk;
mod disk;
mod estimate;
mod few_layers;
mod folder;
pub mod front;
mod gallery;
mod hub;
mod import;
mod insight;
pub mod instance;
mod inventory;
mod keep;
mod making;
mod matrix;
mod nearest;
pub mod place;
mod python;
mod queue;
mod quiet;
mod rendering;
#[cfg(unix)]
mod revival;
mod secret;
mod templates;
mod trust;
mod weights;
mod window;

use std::{env, process::ExitCode};

/// Any argument is a command, none opens the window.
pub fn main() -> ExitCode {
    if env::args_os().len() > 1 { cli::main() } else { window::open() }
}
