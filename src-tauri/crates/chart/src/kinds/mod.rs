//! One file per chart; adding one is a file and a line in each of the two lists here.

mod bars;
mod distribution;
mod phases;
mod roofline;
mod scaling;
mod speedup;

use crate::{Figure, Lack, Options, layout};
use contract::{Metric, Peak, Run, RunRow};
use serde_json::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    Latency,
    Throughput,
    Memory,
    Speedup,
    Scaling,
    Phases,
    Distribution,
    Roofline,
    TokenRate,
    FirstToken,
    TokenTime,
}

impl ChartKind {
    pub const ALL: &'static [Self] = &[
        Self::Latency,
        Self::Throughput,
        Self::Memory,
        Self::Speedup,
        Self::Scaling,
        Self::Phases,
        Self::Distribution,
        Self::Roofline,
        Self::TokenRate,
        Self::FirstToken,
        Self::TokenTime,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::Memory => "memory",
            Self::Speedup => "speedup",
            Self::Scaling => "scaling",
            Self::Phases => "phases",
            Self::Distribution => "distribution",
            Self::Roofline => "roofline",
            Self::TokenRate => "token-rate",
            Self::FirstToken => "first-token",
            Self::TokenTime => "token-time",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Latency => "Latency",
            Self::Throughput => "Throughput",
            Self::Memory => "Memory",
            Self::Speedup => "Speed-up",
            Self::Scaling => "Batch scaling",
            Self::Phases => "Phases",
            Self::Distribution => "Samples",
            Self::Roofline => "Roofline",
            Self::TokenRate => "Tokens/s",
            Self::FirstToken => "First token",
            Self::TokenTime => "Per token",
        }
    }

    /// What the chart answers.
    pub fn about(self) -> &'static str {
        match self {
            Self::Latency => "Median time of one batch, with its 95 % interval",
            Self::Throughput => "Samples a second, from batch and median time, with its 95 % interval",
            Self::Memory => "Highest memory of the worker above what it used before the model was loaded",
            Self::Speedup => "How many times faster than the CPU's best time for the same model, batch and size",
            Self::Scaling => "Throughput against batch size",
            Self::Phases => "What happens before the samples are taken, and how long each part takes",
            Self::Distribution => "Every warm sample, its quartiles and its outliers",
            Self::Roofline => "Rate reached against arithmetic intensity, under the measured peaks of the device",
            Self::TokenRate => "Tokens of generated text a second, once the first is there",
            Self::FirstToken => "Median time from a prompt to the first token of generated text",
            Self::TokenTime => "Median time from one token of generated text to the next",
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
        matches!(self, Self::TokenRate | Self::FirstToken | Self::TokenTime)
    }

    /// Needs whole results (samples, phases) rather than rows.
    pub fn needs_runs(self) -> bool {
        matches!(self, Self::Phases | Self::Distribution)
    }
}

/// What a chart is drawn from. `runs` serve the charts that [`ChartKind::needs_runs`], `peaks` the roofline.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    pub rows: &'a [RunRow],
    pub runs: &'a [Run],
    pub peaks: &'a [Peak],
}

/// Entries a legend holds before it takes more room than the picture.
const LEGEND: usize = 14;

/// Draws one chart, or says why there is nothing to draw.
pub fn figure(kind: ChartKind, source: Source<'_>, options: Options) -> Result<Figure, Lack> {
    let mut figure = match kind {
        ChartKind::Latency => bars::figure(Metric::Latency, source.rows, options),
        ChartKind::Throughput => bars::figure(Metric::Throughput, source.rows, options),
        ChartKind::Memory => bars::figure(Metric::Memory, source.rows, options),
        ChartKind::Speedup => speedup::figure(source.rows, options),
        ChartKind::Scaling => scaling::figure(source.rows, options),
        ChartKind::Phases => phases::figure(source.runs, options),
        ChartKind::Distribution => distribution::figure(source.runs, options),
        ChartKind::Roofline => roofline::figure(source.rows, source.peaks, options),
        ChartKind::TokenRate => bars::figure(Metric::TokenRate, source.rows, options),
        ChartKind::FirstToken => bars::figure(Metric::FirstToken, source.rows, options),
        ChartKind::TokenTime => bars::figure(Metric::TokenTime, source.rows, options),
    }?;
    if figure.data.len() > LEGEND {
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
