//! Everything Assay keeps: one DuckDB file with machines, models, results, the queue and the settings.

mod error;
mod found;

pub use error::StoreError;
pub use found::{BestCell, BestFigure, FailedCell, Interrupted, MatrixBest};

use contract::*;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Clone)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    pub fn open(path: &Path) -> Result<Self> { unimplemented!("{path:?}") }
    pub fn open_read_only(path: &Path) -> Result<Self> { unimplemented!("{path:?}") }
    pub fn path(&self) -> &Path { &self.path }
    pub fn size_bytes(&self) -> u64 { unimplemented!() }
    /// What opening did that the person should know: a migration with its backup, a mended log.
    pub fn notices(&self) -> &[Notice] { unimplemented!() }

    pub fn save_machine(&self, _: &Machine) -> Result<()> { unimplemented!() }
    pub fn last_machine(&self) -> Result<Option<Machine>> { unimplemented!() }
    pub fn save_peaks(&self, _: &MachineId, _: &[Peak]) -> Result<()> { unimplemented!() }
    pub fn peaks(&self, _: &MachineId) -> Result<Vec<Peak>> { unimplemented!() }

    pub fn insert_run(&self, _: &Run) -> Result<()> { unimplemented!() }
    pub fn run(&self, _: &RunId) -> Result<Option<Run>> { unimplemented!() }
    pub fn list_runs(&self, _: &Filter, _: RunOrder, _offset: u64, _limit: u32) -> Result<RunPage> { unimplemented!() }
    pub fn filter_choices(&self) -> Result<FilterChoices> { unimplemented!() }
    pub fn cell_runs(&self, _model: &str, _device: Option<&DeviceId>, _: Platform, _: &Filter) -> Result<Vec<RunRow>> { unimplemented!() }
    pub fn matrix(&self, _: Metric, _: &Filter) -> Result<MatrixBest> { unimplemented!() }
    pub fn set_note(&self, _: &RunId, _note: &str) -> Result<()> { unimplemented!() }
    pub fn delete_runs(&self, _: &[RunId]) -> Result<u32> { unimplemented!() }
    pub fn restore_runs(&self, _: &[RunId]) -> Result<u32> { unimplemented!() }
    pub fn count(&self) -> Result<u64> { unimplemented!() }
    pub fn longest_like(&self, _: &Setting) -> Result<Option<f64>> { unimplemented!() }

    pub fn save_queue(&self, _: &[Job], _paused: bool) -> Result<()> { unimplemented!() }
    pub fn load_queue(&self) -> Result<(Vec<Job>, bool)> { unimplemented!() }
    pub fn set_running(&self, _: Option<(&JobId, &RunId, &Setting)>) -> Result<()> { unimplemented!() }
    pub fn take_interrupted(&self) -> Result<Option<Interrupted>> { unimplemented!() }

    pub fn save_model(&self, _: &ModelInfo) -> Result<()> { unimplemented!() }
    pub fn models(&self) -> Result<Vec<ModelInfo>> { unimplemented!() }
    pub fn remove_model(&self, _: &ModelId) -> Result<bool> { unimplemented!() }
    pub fn settings(&self) -> Result<Settings> { unimplemented!() }
    pub fn save_settings(&self, _: &Settings) -> Result<()> { unimplemented!() }

    pub fn import(&self, _: &Path, _progress: &mut dyn FnMut(u64)) -> Result<ImportReport> { unimplemented!() }
    pub fn export(&self, _: &Path, _: &Filter, _with_names: bool) -> Result<ExportReport> { unimplemented!() }
    pub fn query(&self, _sql: &str) -> Result<serde_json::Value> { unimplemented!() }
}
