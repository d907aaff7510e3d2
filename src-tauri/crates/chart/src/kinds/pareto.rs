//! The Pareto front of stored results: time against memory, with what nothing beats in both.

use crate::{Figure, Lack, Options, Table, evidence, format, front::on_front, layout, series};
use contract::{Evidence, Mode, RunRow};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A result with both figures.
struct Point<'a> {
    row: &'a RunRow,
    /// Of one sample.
    ms: f64,
    low_ms: f64,
    high_ms: f64,
    mb: f64,
    on_front: bool,
}

impl<'a> Point<'a> {
    fn of(row: &'a RunRow) -> Option<Self> {
        let sample = |ms: f64| ms / f64::from(row.batch);
        let ms = row.median_ms?;
        Some(Self {
            row,
            ms: sample(ms),
            low_ms: sample(row.low_ms.unwrap_or(ms)),
            high_ms: sample(row.high_ms.unwrap_or(ms)),
            mb: row.peak_memory_bytes? as f64 / 1e6,
            on_front: false,
        })
    }
}

/// Only results of the same work are weighed against each other.
fn work_of(row: &RunRow) -> (&str, Mode, Option<u32>, Option<&str>, Option<u32>) {
    (&row.model, row.mode, row.size, row.dims.as_deref(), row.output_tokens)
}

pub fn figure(rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    let (kept, _) = series::newest(rows.iter().filter(|row| Point::of(row).is_some()).collect());
    if kept.is_empty() {
        return Err(Lack("None of these results has both a time and a memory.".into()));
    }
    let theme = options.theme;
    let classes = series::classes(kept.iter().copied());
    let mut works: BTreeMap<_, Vec<Point>> = BTreeMap::new();
    for point in kept.into_iter().filter_map(Point::of) {
        works.entry(work_of(point.row)).or_default().push(point);
    }
    let mut data: Vec<Value> = Vec::new();
    for points in works.values_mut() {
        points.sort_by(|one, other| one.ms.total_cmp(&other.ms).then(one.mb.total_cmp(&other.mb)));
        // What is not ranked beats nothing.
        let size = |point: &Point| if point.row.withheld.is_some() { f64::INFINITY } else { point.mb };
        let front = on_front(points.iter().map(|point| (point.ms, size(point))));
        front.iter().for_each(|at| points[*at].on_front = true);
        data.push(json!({
            "type": "scatter",
            "mode": "lines",
            "name": "Front",
            "showlegend": data.is_empty(),
            "x": front.iter().map(|at| points[*at].ms).collect::<Vec<_>>(),
            "y": front.iter().map(|at| points[*at].mb).collect::<Vec<_>>(),
            "line": { "color": theme.quiet(), "width": 1.5, "dash": "dot", "shape": "hv" },
            "hoverinfo": "skip",
        }));
    }
    let mut groups: BTreeMap<(String, Evidence), Vec<&Point>> = BTreeMap::new();
    for point in works.values().flatten() {
        groups.entry((series::class_of(point.row), point.row.evidence)).or_default().push(point);
    }
    let mut table = Table::new(&[
        "setting",
        "engine and device",
        "evidence",
        "ms a sample",
        "low",
        "high",
        "peak memory MB",
        "on the front",
    ]);
    for ((class, kind), points) in &groups {
        let index = series::index_of(&classes, class);
        let mut marker = evidence::point(*kind, index, theme.class(index), theme);
        let opacity: Vec<f64> = points.iter().map(|point| series::opacity(point.row)).collect();
        layout::merge(&mut marker, json!({ "opacity": opacity }));
        let told = |point: &Point| {
            format!("{} ms a sample, {} MB", format::significant(point.ms), format::significant(point.mb))
        };
        data.push(json!({
            "type": "scatter",
            "mode": "markers",
            "name": series::legend(class, *kind),
            "x": points.iter().map(|point| point.ms).collect::<Vec<_>>(),
            "y": points.iter().map(|point| point.mb).collect::<Vec<_>>(),
            "error_x": layout::error_bars(
                points.iter().map(|point| (point.ms, point.low_ms, point.high_ms)),
                theme.quiet(),
            ),
            "marker": marker,
            "customdata": points.iter().map(|point| point.row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points.iter().map(|point| series::hover(point.row, &told(point))).collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        for point in points {
            table.rows.push(vec![
                series::setting_of(point.row).into(),
                class.clone().into(),
                kind.label().into(),
                point.ms.into(),
                point.low_ms.into(),
                point.high_ms.into(),
                point.mb.into(),
                if point.on_front { "yes" } else { "no" }.into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            "xaxis": layout::log_axis(theme, "Time of one sample (ms)"),
            "yaxis": layout::log_axis(theme, "Peak memory (MB)"),
            "height": 460,
        }),
    );
    let caption =
        "Nothing of the same model, mode and sizes is both faster and smaller than what lies on its dotted line.";
    Ok(Figure { data, layout, table, caption: caption.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::measured;

    fn with(batch: u32, median_ms: f64, mb: u64) -> RunRow {
        RunRow { peak_memory_bytes: Some(mb * 1_000_000), ..measured("bert", "onnxruntime", batch, median_ms) }
    }

    #[test]
    fn the_front_joins_what_nothing_beats_in_both() {
        let rows = [with(1, 10.0, 100), with(4, 20.0, 300), with(8, 80.0, 400)];
        let figure = figure(&rows, Options::default()).unwrap();
        assert_eq!((&figure.data[0]["x"], &figure.data[0]["y"]), (&json!([5.0, 10.0]), &json!([300.0, 100.0])));
        let on: Vec<String> = figure.table.rows.iter().map(|row| row[7].shown()).collect();
        assert_eq!(on, ["yes", "yes", "no"]);
    }

    #[test]
    fn other_work_and_what_is_not_ranked_beat_nothing() {
        let withheld = RunRow { withheld: Some("noise".into()), ..with(2, 2.0, 1) };
        let other = RunRow { model: "vit".into(), id: "vit".into(), ..with(1, 1.0, 1) };
        let figure = figure(&[with(1, 10.0, 100), withheld, other], Options::default()).unwrap();
        let fronts: Vec<&Value> =
            figure.data.iter().filter(|trace| trace["name"] == "Front").map(|t| &t["x"]).collect();
        assert_eq!(fronts, [&json!([10.0]), &json!([1.0])]);
    }

    #[test]
    fn without_memory_there_is_nothing_to_weigh() {
        let row = RunRow { peak_memory_bytes: None, ..with(1, 10.0, 100) };
        assert!(figure(&[row], Options::default()).is_err());
    }
}
