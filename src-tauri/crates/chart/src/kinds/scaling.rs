//! Batch scaling: throughput against batch, one line for each model, precision and size on an engine and device.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Evidence, RunRow};
use serde_json::json;
use std::collections::BTreeMap;

pub fn figure(rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    let timed = rows.iter().filter(|row| row.throughput_per_s.is_some() && row.withheld.is_none()).collect();
    let (kept, _) = series::newest(timed);
    let mut lines: BTreeMap<(String, Evidence), Vec<&RunRow>> = BTreeMap::new();
    for row in kept {
        lines.entry((line_of(row), row.evidence)).or_default().push(row);
    }
    lines.retain(|_, points| points.len() > 1);
    if lines.is_empty() {
        return Err(Lack(
            "Batch scaling needs the same model, engine and device at two batch sizes or more. \
             Launch a sweep over several batches to draw it."
                .into(),
        ));
    }
    let theme = options.theme;
    let names: Vec<String> = lines.keys().map(|(name, _)| name.clone()).collect();
    let mut table = Table::new(&["line", "evidence", "batch", "samples/s", "low", "high", "median ms"]);
    let mut data = Vec::new();
    for ((name, kind), points) in &mut lines {
        points.sort_by_key(|row| row.batch);
        let index = series::index_of(&names, name);
        let colour = theme.class(index);
        let interval = |row: &RunRow| {
            let batch_ms = f64::from(row.batch) * 1000.0;
            (row.high_ms.map(|high| batch_ms / high), row.low_ms.map(|low| batch_ms / low))
        };
        let rate = |row: &RunRow| row.throughput_per_s.unwrap_or_default();
        data.push(json!({
            "type": "scatter",
            "mode": "lines+markers",
            "name": series::legend(name, *kind),
            "x": points.iter().map(|row| row.batch).collect::<Vec<_>>(),
            "y": points.iter().map(|row| rate(row)).collect::<Vec<_>>(),
            "error_y": {
                "type": "data",
                "symmetric": false,
                "array": points.iter().map(|row| interval(row).1.map_or(0.0, |high| high - rate(row))).collect::<Vec<_>>(),
                "arrayminus": points.iter().map(|row| interval(row).0.map_or(0.0, |low| rate(row) - low)).collect::<Vec<_>>(),
                "color": colour,
                "thickness": 1.2,
                "width": 4,
            },
            "line": { "color": colour, "width": 2, "dash": if *kind == Evidence::Measured { "solid" } else { "dot" } },
            "marker": evidence::point(*kind, index, colour, theme),
            "customdata": points.iter().map(|row| row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points
                .iter()
                .map(|row| series::hover(row, &format!("{} samples/s", format::significant(rate(row)))))
                .collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        for row in points {
            let (low, high) = interval(row);
            table.rows.push(vec![
                name.clone().into(),
                kind.label().into(),
                f64::from(row.batch).into(),
                rate(row).into(),
                low.into(),
                high.into(),
                row.median_ms.into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let mut batches = layout::axis(theme, "Batch");
    let mut all: Vec<u32> = rows.iter().map(|row| row.batch).collect();
    all.sort_unstable();
    all.dedup();
    layout::merge(&mut batches, json!({ "type": "log", "tickmode": "array", "tickvals": all, "ticktext": all }));
    let mut rates = layout::axis(theme, "Throughput (samples/s)");
    let all_rates: Vec<f64> = lines.values().flatten().filter_map(|row| row.throughput_per_s).collect();
    let (slowest, fastest) =
        all_rates.iter().fold((f64::INFINITY, 0.0f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
    // Lines a hundredfold apart would lie on the floor of a linear axis.
    let kind = if fastest > slowest * 30.0 { "log" } else { "linear" };
    layout::merge(&mut rates, json!({ "type": kind, "rangemode": "tozero" }));
    layout::merge(&mut layout, json!({ "xaxis": batches, "yaxis": rates, "height": 460 }));
    Ok(Figure { data, layout, table, caption: "Dotted lines are imported or predicted.".into() })
}

fn line_of(row: &RunRow) -> String {
    let size = row.size.map(|size| format!(" · {size}")).unwrap_or_default();
    format!("{} · {}{size} · {}", row.model, row.precision.key(), series::class_of(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::measured;

    #[test]
    fn scaling_draws_as_ever() {
        let rows = [8, 1, 2].map(|batch| measured("bert", "onnxruntime", batch, 4.0 + f64::from(batch)));
        let figure = figure(&rows, Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn one_batch_is_no_line() {
        let rows = [measured("bert", "onnxruntime", 1, 4.0), measured("vit", "onnxruntime", 2, 4.0)];
        assert!(figure(&rows, Options::default()).is_err());
    }
}
