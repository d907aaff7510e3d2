//! One file per place in the rail: asks the bridge and lays out the parts.

mod charts;
mod compare;
mod filter_choices;
mod launch;
mod machine;
mod matrix;
mod models;
mod quit;
mod recommend;
mod results;
mod run_drawer;
mod settings;
mod start_failed;
mod tables;
mod templates;
mod watch;
mod welcome;

pub use charts::{Charts, ExportButtons};
pub use compare::{Compare, CompareDraft};
pub use filter_choices::filter_choices;
pub use launch::{Draft, Launch, SEED, ready_targets, size_dim};
pub use machine::Machine;
pub use matrix::{CellAt, CellDrawer, MatrixPage};
pub use models::{ModelDraft, Models};
pub use quit::QuitDialog;
pub use recommend::{Question, Recommend};
pub use results::Results;
pub use run_drawer::RunDrawer;
pub use settings::SettingsPage;
pub use start_failed::StartFailed;
pub use tables::{ExportDialog, ImportReportDialog, ImportStrip};
pub use templates::Templates;
pub use watch::Watch;
pub use welcome::Welcome;
