//! The neutral measurement table: read from and written to CSV and Parquet.

mod export;
mod format;
mod import;
mod left_out;
mod measurement;
mod parquet;
mod row;
mod words;

pub use export::export;
pub use import::{Progress, stage, take};
pub use left_out::{LeftOut, RowOutcome};
pub use measurement::Measurement;
