//! One file per chart; adding one is a file and a line in each of the two lists here.

mod bars;
mod context;
mod distribution;
mod heat_map;
mod pareto;
mod phases;
mod predictions;
mod roofline;
mod scaling;
mod speedup;
mod training;

pub use scaling::{Fit, told as scaling_told};

use crate::{Figure, Lack, Options, layout};
use contract::{ForecastRecord, Matrix, Metric, Mode, Peak, Run, RunId, RunRow, ScaleOver};
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    Latency,
    Throughput,
    Memory,
    HeatMap,
    Speedup,
    Scaling,
    Threads,
    Training,
    Pareto,
    Phases,
    Distribution,
    Predictions,
    Roofline,
    TokenRate,
    FirstToken,
    TokenTime,
    Context,
}

impl ChartKind {
    pub const ALL: &'static [Self] = &[
        Self::Latency,
        Self::Throughput,
        Self::Memory,
        Self::HeatMap,
        Self::Speedup,
        Self::Scaling,
        Self::Threads,
        Self::Training,
        Self::Pareto,
        Self::Phases,
        Self::Distribution,
        Self::Predictions,
        Self::Roofline,
        Self::TokenRate,
        Self::FirstToken,
        Self::TokenTime,
        Self::Context,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::Memory => "memory",
            Self::HeatMap => "heat-map",
            Self::Speedup => "speedup",
            Self::Scaling => "scaling",
            Self::Threads => "threads",
            Self::Training => "training",
            Self::Pareto => "pareto",
            Self::Phases => "phases",
            Self::Distribution => "distribution",
            Self::Predictions => "predictions",
            Self::Roofline => "roofline",
            Self::TokenRate => "token-rate",
            Self::FirstToken => "first-token",
            Self::TokenTime => "token-time",
            Self::Context => "context",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Latency => "Latency",
            Self::Throughput => "Throughput",
            Self::Memory => "Memory",
            Self::HeatMap => "Heat map",
            Self::Speedup => "Speed-up",
            Self::Scaling => "Batch size",
            Self::Threads => "Threads",
            Self::Training => "Training",
            Self::Pareto => "Time and memory",
            Self::Phases => "Time to answer",
            Self::Distribution => "Samples",
            Self::Predictions => "Predictions",
            Self::Roofline => "Roofline",
            Self::TokenRate => "Tokens/s",
            Self::FirstToken => "First token",
            Self::TokenTime => "Per token",
            Self::Context => "Context",
        }
    }

    /// What the chart answers.
    pub fn about(self) -> &'static str {
        match self {
            Self::Latency => "Median time of one batch, with its 95 % interval",
            Self::Throughput => {
                "Tokens, images, seconds of sound or frames a second where all results have one of them, else samples"
            }
            Self::Memory => "Highest memory while measuring, above what was used before the model was loaded",
            Self::HeatMap => "One figure of every model on every device, lighter where it is better",
            Self::Speedup => "How many times faster than the CPU's best time for the same model, batch and size",
            Self::Scaling => "Throughput against batch size, and what the time of a call is made of",
            Self::Threads => "Throughput against CPU threads, and how much of the work they share",
            Self::Training => "How much longer a step of training takes than one pass of the same model",
            Self::Pareto => "Time of a sample against memory, and the results that nothing beats in both",
            Self::Phases => "What happens before the first answer, and how long each part takes",
            Self::Distribution => "Every timed call, the middle half of them, and those far outside it",
            Self::Predictions => "What was predicted, against the result that came after it",
            Self::Roofline => {
                "How near a result comes to the fastest its device can go, by its work for each byte moved"
            }
            Self::TokenRate => "Tokens of generated text a second, once the first is there",
            Self::FirstToken => "Median time from a prompt to the first token of generated text",
            Self::TokenTime => "Median time from one token of generated text to the next",
            Self::Context => "How the time of a token grows with the prompt and the text that stand before it",
        }
    }

    /// Can be drawn on a logarithmic axis by choice.
    pub fn can_be_logarithmic(self) -> bool {
        matches!(
            self,
            Self::Latency | Self::Throughput | Self::Memory | Self::TokenRate | Self::FirstToken | Self::TokenTime
        )
    }

    /// Whether only generated text has what it shows.
    pub fn is_of_generation(self) -> bool {
        matches!(self, Self::TokenRate | Self::FirstToken | Self::TokenTime | Self::Context)
    }

    /// Whether there is something to draw among results of these modes.
    pub fn is_offered(self, modes: &[Mode]) -> bool {
        match self {
            Self::Training => modes.contains(&Mode::Training),
            kind => !kind.is_of_generation() || modes.contains(&Mode::Generation),
        }
    }

    /// Needs whole results (samples, phases, tokens) rather than rows.
    pub fn needs_runs(self) -> bool {
        matches!(self, Self::Phases | Self::Distribution | Self::Context)
    }

    /// What a sweep must vary to be drawn.
    pub fn sweeps(self) -> Option<ScaleOver> {
        match self {
            Self::Scaling => Some(ScaleOver::Batch),
            Self::Threads => Some(ScaleOver::Threads),
            _ => None,
        }
    }

    /// Results in one picture, unless they are picked by hand: more would hide each other, or take long to fetch.
    pub fn most(self) -> usize {
        match self {
            Self::Phases | Self::Distribution | Self::Context => 8,
            Self::Scaling | Self::Threads | Self::Pareto => 200,
            Self::Training | Self::Predictions => 5000,
            _ => 30,
        }
    }

    /// Draws what was measured here alone where there is any, so that a large import does not bury it.
    pub fn prefers_measured(self) -> bool {
        !matches!(self, Self::Training | Self::Predictions)
    }
}

/// What a chart is drawn from, each part for the charts that ask for it: `runs` for those that
/// [`ChartKind::needs_runs`], `fits` for those that [`ChartKind::sweeps`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    pub rows: &'a [RunRow],
    pub runs: &'a [Run],
    pub peaks: &'a [Peak],
    pub fits: &'a [Fit],
    pub matrix: Option<&'a Matrix>,
    pub record: Option<&'a ForecastRecord>,
}

/// Measured results that differ in what this chart varies alone, three or more of each, whose fit can be asked for.
pub fn sweeps(kind: ChartKind, rows: &[RunRow]) -> Vec<Vec<RunId>> {
    kind.sweeps().map(|over| scaling::sweeps(over, rows)).unwrap_or_default()
}

/// Entries a legend holds before it takes more room than the picture.
const LEGEND: usize = 14;

/// Draws one chart, or says why there is nothing to draw.
pub fn figure(kind: ChartKind, source: Source<'_>, options: Options) -> Result<Figure, Lack> {
    let missing = || Lack("It has not arrived yet.".into());
    let mut figure = match kind {
        ChartKind::Latency => bars::figure(Metric::Latency, source.rows, options),
        ChartKind::Throughput => bars::figure(Metric::Throughput, source.rows, options),
        ChartKind::Memory => bars::figure(Metric::Memory, source.rows, options),
        ChartKind::HeatMap => heat_map::figure(source.matrix.ok_or_else(missing)?, options),
        ChartKind::Speedup => speedup::figure(source.rows, options),
        ChartKind::Scaling => scaling::figure(ScaleOver::Batch, source.rows, source.fits, options),
        ChartKind::Threads => scaling::figure(ScaleOver::Threads, source.rows, source.fits, options),
        ChartKind::Training => training::figure(source.rows, options),
        ChartKind::Pareto => pareto::figure(source.rows, options),
        ChartKind::Phases => phases::figure(source.runs, options),
        ChartKind::Distribution => distribution::figure(source.runs, options),
        ChartKind::Predictions => predictions::figure(source.record.ok_or_else(missing)?, source.rows, options),
        ChartKind::Roofline => roofline::figure(source.rows, source.peaks, options),
        ChartKind::TokenRate => bars::figure(Metric::TokenRate, source.rows, options),
        ChartKind::FirstToken => bars::figure(Metric::FirstToken, source.rows, options),
        ChartKind::TokenTime => bars::figure(Metric::TokenTime, source.rows, options),
        ChartKind::Context => context::figure(source.runs, options),
    }?;
    if figure.data.iter().filter(|trace| trace["showlegend"] != false).count() > LEGEND {
        layout::merge(&mut figure.layout, json!({ "showlegend": false }));
        figure.caption.push_str(" Too many engines and devices for a legend: point at a mark for its own.");
    }
    // Zoom and hidden classes stay while the same chart is drawn again with other data.
    layout::merge(&mut figure.layout, json!({ "uirevision": kind.key() }));
    Ok(figure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::imported;

    #[test]
    fn a_legend_never_takes_more_room_than_the_picture() {
        let rows: Vec<RunRow> = (0..20).map(|nth| imported("bert", &format!("engine {nth}"), 1, 10.0)).collect();
        let draw = |rows: &[RunRow]| {
            figure(ChartKind::Latency, Source { rows, ..Source::default() }, Options::default()).unwrap().layout
        };
        assert_eq!(draw(&rows)["showlegend"], false);
        assert_eq!(draw(&rows[..3])["showlegend"], true);
    }
}
