//! Everything Assay keeps: one DuckDB file with machines, models, results, the queue and the settings.

mod claim;
mod columns;
mod error;
mod file;
mod filter;
mod found;
mod matrix;
mod migrate;
mod query;
mod records;
mod sheet;
mod store;
mod tables;

pub use error::StoreError;
pub use found::{BestCell, BestFigure, FailedCell, GraphRun, Interrupted, MatrixBest};
pub use store::{Result, Store};
