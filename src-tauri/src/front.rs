//! What the desk wants of the window it stands behind: file dialogs, coming forward, leaving.

use contract::Failure;
use std::path::{Path, PathBuf};

/// A question that the system's file dialog answers.
#[derive(Clone, Debug)]
pub enum FileQuestion {
    Model,
    Table,
    Store,
    /// A store that is not there yet.
    NewStore,
    Template,
    /// A folder to write into.
    Folder {
        title: &'static str,
    },
    SaveTable {
        suggested: String,
    },
    Save {
        suggested: String,
    },
}

pub trait Front: Send + Sync {
    /// Blocks until the person has chosen; none when they closed the dialog.
    fn pick(&self, question: FileQuestion) -> Result<Option<PathBuf>, Failure>;

    /// Shows a folder in the system's file manager.
    fn show_folder(&self, folder: &Path) -> Result<(), Failure>;

    /// Brings the window to the front, out of hiding if need be.
    fn show(&self) -> Result<(), Failure>;

    /// Takes the window off the screen; the process goes on.
    fn hide(&self) -> Result<(), Failure>;

    /// Ends the process.
    fn leave(&self);
}

/// A desk without a window, for tests of the desk itself.
#[derive(Debug, Default)]
pub struct NoWindow;

impl Front for NoWindow {
    fn pick(&self, _: FileQuestion) -> Result<Option<PathBuf>, Failure> {
        Err(no_window("A file dialog", "Name the file in the request"))
    }

    fn show_folder(&self, folder: &Path) -> Result<(), Failure> {
        Err(no_window("A file manager", &format!("Open {} yourself", folder.display())))
    }

    fn show(&self) -> Result<(), Failure> {
        Err(no_window("The window", "Start Assay without a command"))
    }

    fn hide(&self) -> Result<(), Failure> {
        Err(no_window("The window", "Start Assay without a command"))
    }

    fn leave(&self) {}
}

fn no_window(what: &str, remedy: &str) -> Failure {
    Failure::Missing { what: what.into(), reason: "this Assay runs without a window".into(), remedy: remedy.into() }
}
