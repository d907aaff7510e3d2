//! Latency, throughput and memory: one bar for each result, grouped by setting.

use crate::{Cell, Figure, Lack, Options, Table, Theme, evidence, format, layout, series};
use contract::{Evidence, Metric, RunRow, TaskUnit, common_unit};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A result with its bar, at its place along the axis.
type Placed<'a> = (f64, &'a RunRow, Bar);

pub fn figure(metric: Metric, rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    let known: Vec<&RunRow> = rows.iter().filter(|row| Bar::of(metric, None, row).is_some()).collect();
    let without = rows.len() - known.len();
    let (kept, older) = series::newest(known);
    if kept.is_empty() {
        return Err(Lack(format!("None of these results has a figure for {}.", metric.label().to_lowercase())));
    }
    let theme = options.theme;
    let classes = series::classes(kept.iter().copied());
    let task = common_unit(kept.iter().map(|row| row.per_sample));
    let places = Places::of(metric, task, kept);
    let mut groups: BTreeMap<(String, Evidence), Vec<Placed>> = BTreeMap::new();
    for (at, row) in &places.rows {
        if let Some(bar) = Bar::of(metric, task, row) {
            groups.entry((series::class_of(row), row.evidence)).or_default().push((*at, *row, bar));
        }
    }
    let unit = metric.unit_in(task);
    let mut table = Table::new(&["setting", "engine and device", "evidence", unit, "low", "high", "samples", "remark"]);
    let mut data = Vec::new();
    for ((class, kind), bars) in &groups {
        let index = series::index_of(&classes, class);
        let colour = theme.class(index);
        let mut marker = match options.logarithmic {
            true => evidence::point(*kind, index, colour, theme),
            false => evidence::bar(*kind, colour, theme),
        };
        let opacity: Vec<f64> = bars.iter().map(|(_, row, _)| series::opacity(row)).collect();
        layout::merge(&mut marker, json!({ "opacity": opacity }));
        let mut errors = layout::error_bars(bars.iter().map(|(.., bar)| bar.ends()), theme.ink());
        layout::merge(&mut errors, json!({ "visible": bars.iter().any(|(.., bar)| bar.low.is_some()) }));
        let mut trace = json!({
            "name": series::legend(class, *kind),
            "y": bars.iter().map(|(at, ..)| at).collect::<Vec<_>>(),
            "x": bars.iter().map(|(.., bar)| bar.value).collect::<Vec<_>>(),
            "error_x": errors,
            "marker": marker,
            "customdata": bars.iter().map(|(_, row, _)| row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": bars.iter().map(|(_, row, bar)| series::hover(row, &bar.told(unit))).collect::<Vec<_>>(),
            "hoverinfo": "text",
        });
        layout::merge(
            &mut trace,
            match options.logarithmic {
                true => json!({ "type": "scatter", "mode": "markers" }),
                false => json!({ "type": "bar", "orientation": "h", "width": 0.78 }),
            },
        );
        data.push(trace);
        for (_, row, bar) in bars {
            table.rows.push(vec![
                series::setting_of(row).into(),
                class.clone().into(),
                kind.label().into(),
                bar.value.into(),
                bar.low.into(),
                bar.high.into(),
                row.samples.map(f64::from).into(),
                row.withheld.clone().map_or(Cell::Nothing, |reason| format!("not ranked: {reason}").into()),
            ]);
        }
    }

    let mut layout = layout::base(theme);
    let mut value_axis = layout::axis(theme, &format!("{} ({unit})", metric.label()));
    let scale = if options.logarithmic { "log" } else { "linear" };
    layout::merge(&mut value_axis, json!({ "rangemode": "tozero", "type": scale }));
    layout::merge(
        &mut layout,
        json!({ "barmode": "overlay", "xaxis": value_axis, "yaxis": places.axis(theme), "height": places.height() }),
    );
    Ok(Figure { data, layout, table, caption: caption(without, older) })
}

/// Where each bar stands: settings one under the other with a gap between, the best of each on top.
struct Places<'a> {
    rows: Vec<(f64, &'a RunRow)>,
    /// The middle of each setting, and its name.
    ticks: Vec<(f64, String)>,
}

impl<'a> Places<'a> {
    const GAP: f64 = 0.6;

    fn of(metric: Metric, task: Option<TaskUnit>, mut rows: Vec<&'a RunRow>) -> Self {
        let value = |row: &RunRow| Bar::of(metric, task, row).map_or(f64::NAN, |bar| bar.value);
        let better = |one: &RunRow, other: &RunRow| match metric.smaller_is_better() {
            true => value(one).total_cmp(&value(other)),
            false => value(other).total_cmp(&value(one)),
        };
        let order = |row: &RunRow| (row.model.clone(), row.batch, row.size, row.precision, series::setting_of(row));
        rows.sort_by(|one, other| order(one).cmp(&order(other)).then_with(|| better(one, other)));
        let mut places = Self { rows: Vec::new(), ticks: Vec::new() };
        let mut at = 0.0;
        for group in rows.chunk_by(|one, other| series::setting_of(one) == series::setting_of(other)) {
            places.ticks.push((at + (group.len() - 1) as f64 / 2.0, series::setting_of(group[0])));
            for row in group {
                places.rows.push((at, row));
                at += 1.0;
            }
            at += Self::GAP;
        }
        places
    }

    fn axis(&self, theme: Theme) -> Value {
        let mut axis = layout::axis(theme, "");
        layout::merge(
            &mut axis,
            json!({
                "autorange": "reversed",
                "tickvals": self.ticks.iter().map(|(at, _)| at).collect::<Vec<_>>(),
                "ticktext": self.ticks.iter().map(|(_, name)| series::escaped(name)).collect::<Vec<_>>(),
                "showgrid": false,
                "zeroline": false,
                "tickfont": { "color": theme.ink() },
            }),
        );
        axis
    }

    /// In pixels; a bar takes 24.
    fn height(&self) -> usize {
        (self.rows.len() * 24 + self.ticks.len() * 14 + 130).max(320)
    }
}

/// A figure with its interval, in the metric's unit; a throughput in that of a task, where all have it.
struct Bar {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Bar {
    fn of(metric: Metric, task: Option<TaskUnit>, row: &RunRow) -> Option<Self> {
        Some(match metric {
            Metric::Latency => Self { value: row.median_ms?, low: row.low_ms, high: row.high_ms },
            Metric::Throughput => {
                let (low, high) = series::throughput_interval(row, task);
                Self { value: row.throughput_per_s? * series::told_per_sample(row, task), low, high }
            }
            Metric::Memory => Self { value: row.peak_memory_bytes? as f64 / 1e6, low: None, high: None },
            Metric::FirstResult => Self { value: row.first_result_ms?, low: None, high: None },
            Metric::TokenRate => Self { value: row.tokens_per_s?, low: None, high: None },
            Metric::FirstToken => Self { value: row.first_token_ms?, low: None, high: None },
            Metric::TokenTime => Self { value: row.token_ms?, low: None, high: None },
            Metric::Speedup => return None,
        })
    }

    /// The value with both ends, which are its own where it came without an interval.
    fn ends(&self) -> (f64, f64, f64) {
        (self.value, self.low.unwrap_or(self.value), self.high.unwrap_or(self.value))
    }

    fn told(&self, unit: &str) -> String {
        format::with_interval(self.value, unit, self.low, self.high)
    }
}

/// What is not drawn, so that nobody takes a gap for a zero.
fn caption(without: usize, older: usize) -> String {
    let mut sentences = Vec::new();
    match without {
        0 => {}
        1 => sentences.push("One result has no such figure and is not drawn.".to_owned()),
        n => sentences.push(format!("{n} results have no such figure and are not drawn.")),
    }
    match older {
        0 => {}
        1 => sentences.push("One earlier result of the same setting is not drawn.".to_owned()),
        n => sentences.push(format!("{n} earlier results of the same settings are not drawn.")),
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{imported, measured, predicted};
    use contract::PerSample;

    #[test]
    fn latency_draws_as_ever() {
        let rows = [
            measured("bert", "onnxruntime", 1, 12.0),
            imported("bert", "candle", 1, 30.0),
            predicted("bert", "openvino", 1, 9.0),
        ];
        let figure = figure(Metric::Latency, &rows, Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn a_predicted_bar_is_hatched_and_a_measured_one_is_not() {
        let rows = [measured("bert", "onnxruntime", 1, 12.0), predicted("bert", "openvino", 1, 9.0)];
        let figure = figure(Metric::Latency, &rows, Options::default()).unwrap();
        assert_eq!(figure.data[0]["marker"].get("pattern"), None);
        assert_eq!(figure.data[1]["marker"]["pattern"]["shape"], "/");
    }

    #[test]
    fn a_logarithmic_axis_has_points_in_place_of_bars() {
        let rows = [measured("bert", "onnxruntime", 1, 12.0), imported("bert", "candle", 1, 30.0)];
        let options = Options { logarithmic: true, ..Options::default() };
        let figure = figure(Metric::Latency, &rows, options).unwrap();
        assert_eq!(figure.layout["xaxis"]["type"], "log");
        assert!(figure.data.iter().all(|trace| trace["type"] == "scatter"));
        assert_eq!(figure.data[0]["marker"]["symbol"], "circle");
        assert_eq!(figure.data[1]["marker"]["symbol"], "square-open");
    }

    #[test]
    fn the_best_of_a_setting_stands_on_top() {
        let rows = [
            measured("bert", "candle", 1, 30.0),
            measured("bert", "onnxruntime", 1, 12.0),
            measured("bert", "candle", 4, 9.0),
        ];
        let places = Places::of(Metric::Latency, None, rows.iter().collect());
        let stands: Vec<(f64, f64)> = places.rows.iter().map(|(at, row)| (*at, row.median_ms.unwrap())).collect();
        assert_eq!(stands, [(0.0, 12.0), (1.0, 30.0), (2.6, 9.0)]);
        assert_eq!(places.ticks[0].0, 0.5);
    }

    #[test]
    fn the_rates_interval_turns_the_times_round() {
        let mut row = measured("bert", "onnxruntime", 4, 10.0);
        (row.low_ms, row.high_ms) = (Some(8.0), Some(16.0));
        let bar = Bar::of(Metric::Throughput, None, &row).unwrap();
        assert_eq!((bar.low, bar.high), (Some(250.0), Some(500.0)));
    }

    #[test]
    fn throughput_is_told_in_the_unit_that_all_have_in_common() {
        let of = |unit, count| RunRow {
            per_sample: Some(PerSample { unit, count }),
            ..measured("bert", "onnxruntime", 1, 10.0)
        };
        let short = RunRow { model: "short".into(), ..of(TaskUnit::Tokens, 16.0) };
        let (text, image) = (of(TaskUnit::Tokens, 128.0), RunRow { model: "vit".into(), ..of(TaskUnit::Images, 1.0) });
        let drawn = |rows: &[RunRow]| {
            let figure = figure(Metric::Throughput, rows, Options::default()).unwrap();
            let title = figure.layout["xaxis"]["title"]["text"].clone();
            (title, figure.data[0]["x"].clone(), figure.table.columns[3].clone())
        };
        let tokens = drawn(&[text.clone(), short]);
        assert_eq!(tokens, ("Throughput (tokens/s)".into(), json!([12_800.0, 1600.0]), "tokens/s".into()));
        let mixed = drawn(&[text, image]);
        assert_eq!(mixed, ("Throughput (samples/s)".into(), json!([100.0, 100.0]), "samples/s".into()));
    }

    #[test]
    fn what_has_no_figure_is_counted_in_the_caption() {
        let mut failed = measured("bert", "candle", 1, 1.0);
        failed.median_ms = None;
        let rows = [measured("bert", "onnxruntime", 1, 12.0), failed, measured("bert", "onnxruntime", 1, 13.0)];
        let figure = figure(Metric::Latency, &rows, Options::default()).unwrap();
        assert_eq!(
            figure.caption,
            "One result has no such figure and is not drawn. One earlier result of the same setting is not drawn."
        );
        assert_eq!(figure.data[0]["x"], json!([12.0]));
    }

    #[test]
    fn nothing_to_draw_is_a_sentence() {
        let lack = figure(Metric::Memory, &[], Options::default()).unwrap_err();
        assert_eq!(lack.0, "None of these results has a figure for peak memory.");
    }

    #[test]
    fn a_models_name_cannot_bring_markup_into_the_picture() {
        let rows = [measured("<img src=x>", "onnxruntime", 1, 12.0)];
        let figure = figure(Metric::Latency, &rows, Options::default()).unwrap();
        assert!(!figure.data[0]["hovertext"].to_string().contains("<img"));
    }
}
