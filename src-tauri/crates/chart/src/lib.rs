//! Results as figures: plotly charts with their data as tables, and numbers as a person reads them.
//! The same in window and report; compiles for wasm and native alike.

pub mod format;
