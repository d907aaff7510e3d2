//! Everything Assay keeps: one DuckDB file with machines, models, results, the queue and the settings.

mod claim;
mod columns;
mod compatibility;
mod deleted;
mod error;
mod file;
mod filter;
mod found;
mod known;
mod matrix;
mod migrate;
mod opening;
mod query;
mod records;
mod sheet;
mod store;
mod tables;

pub use error::StoreError;
pub use found::{BestCell, BestFigure, FailedCell, GraphRun, Interrupted, KnownRun, MatrixBest, Surroundings};
pub use sheet::{LeftOut, Progress, RowOutcome};
pub use store::{Result, ResultsVersion, Store};
