//! Results as figures: plotly charts with their data as tables, and numbers as a person reads and sets them.
//! The same in window and report; compiles for wasm and native alike.

mod calibration;
mod evidence;
pub mod format;
mod front;
mod kinds;
mod layout;
mod series;
mod slider;
mod table;
mod theme;
mod trend;

#[cfg(test)]
mod fixtures;

pub use calibration::{coverage_by_month, predicted_against_measured};
pub use front::{Against, front};
pub use kinds::{ChartKind, Fit, Source, figure, scaling_told, sweeps};
pub use slider::{Bound, Slider};
pub use table::{Cell, Table};
pub use theme::Theme;
pub use trend::trend;

use serde_json::Value;

/// A chart ready for plotly, with the same data as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub data: Vec<Value>,
    pub layout: Value,
    pub table: Table,
    /// What is drawn and what is not, in a sentence or two.
    pub caption: String,
}

/// Why there is nothing to draw, and what would change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack(pub String);

/// How the samples of a result are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Density on both sides of a box.
    #[default]
    Violins,
    /// Density on one side, the rows close enough to be compared by their outlines.
    Ridges,
    Boxes,
}

/// How a chart is drawn, apart from what it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub theme: Theme,
    pub spread: Spread,
    /// Latency, throughput and memory on a logarithmic axis, as points: a bar has no length where there is no zero.
    pub logarithmic: bool,
}
