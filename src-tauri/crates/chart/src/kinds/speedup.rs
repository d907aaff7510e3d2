//! Speed-up against the CPU: points around 1× on a logarithmic axis.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Evidence, Mode, Platform, RunRow};
use serde_json::json;
use std::collections::BTreeMap;

/// What has to be the same for a ratio to mean anything.
type Task = (String, Mode, u32, Option<u32>, Option<String>);

fn task_of(row: &RunRow) -> Task {
    (row.model.clone(), row.mode, row.batch, row.size, row.dims.clone())
}

pub fn figure(rows: &[RunRow], options: Options) -> Result<Figure, Lack> {
    // Texts of other lengths than the CPU's are no comparison.
    let comparable = rows.iter().filter(|row| row.mode != Mode::Generation);
    let timed: Vec<&RunRow> = comparable.filter(|row| row.median_ms.is_some() && row.withheld.is_none()).collect();
    let baselines = cpu_best(&timed);
    let (kept, _) = series::newest(timed.into_iter().filter(|row| baselines.contains_key(&task_of(row))).collect());
    if kept.is_empty() {
        return Err(Lack(
            "A speed-up needs a ranked CPU time of the same model, batch and sizes among these results. \
             Measure the model on the CPU, or widen the filter."
                .into(),
        ));
    }
    let theme = options.theme;
    let classes = series::classes(kept.iter().copied());
    let mut settings: Vec<String> = kept.iter().map(|row| series::setting_of(row)).collect();
    settings.sort();
    settings.dedup();
    let mut groups: BTreeMap<(String, Evidence), Vec<(&RunRow, Ratio)>> = BTreeMap::new();
    for row in kept {
        let ratio = baselines.get(&task_of(row)).and_then(|cpu| Ratio::of(cpu, row));
        if let Some(ratio) = ratio {
            groups.entry((series::class_of(row), row.evidence)).or_default().push((row, ratio));
        }
    }
    let mut table = Table::new(&["setting", "engine and device", "evidence", "×", "low", "high", "against"]);
    let mut data = Vec::new();
    for ((class, kind), points) in &groups {
        let index = series::index_of(&classes, class);
        data.push(json!({
            "type": "scatter",
            "mode": "markers",
            "name": series::legend(class, *kind),
            "y": points.iter().map(|(row, _)| series::setting_of(row)).collect::<Vec<_>>(),
            "x": points.iter().map(|(_, ratio)| ratio.value).collect::<Vec<_>>(),
            "error_x": layout::error_bars(
                points.iter().map(|(_, ratio)| (ratio.value, ratio.low, ratio.high)),
                theme.quiet(),
            ),
            "marker": evidence::point(*kind, index, theme.class(index), theme),
            "customdata": points.iter().map(|(row, _)| row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points.iter().map(|(row, ratio)| series::hover(row, &ratio.told())).collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        for (row, ratio) in points {
            table.rows.push(vec![
                series::setting_of(row).into(),
                class.clone().into(),
                kind.label().into(),
                ratio.value.into(),
                ratio.low.into(),
                ratio.high.into(),
                ratio.against.clone().into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let mut ratios = layout::axis(theme, "Times as fast as the CPU's best (×)");
    layout::merge(&mut ratios, json!({ "type": "log", "dtick": "D2" }));
    layout::merge(
        &mut layout,
        json!({
            "xaxis": ratios,
            "yaxis": layout::names(theme, &settings),
            "height": (150 + settings.len() * 36).max(320),
            "shapes": [{ "type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": { "color": theme.ink(), "width": 1.5 } }],
        }),
    );
    let caption = "Left of the line is slower than the CPU, right of it faster. Ratios of separate runs: the interval spans what both intervals allow.";
    Ok(Figure { data, layout, table, caption: caption.into() })
}

/// The CPU's best measured time of each task; an imported one only where nothing was measured, a prediction never.
fn cpu_best<'a>(rows: &[&'a RunRow]) -> BTreeMap<Task, &'a RunRow> {
    let mut best: BTreeMap<Task, &RunRow> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.platform == Platform::Cpu && row.evidence != Evidence::Predicted) {
        let rank = |row: &RunRow| (row.evidence, row.median_ms.unwrap_or(f64::INFINITY));
        best.entry(task_of(row))
            .and_modify(|known| {
                if rank(row) < rank(known) {
                    *known = row;
                }
            })
            .or_insert(row);
    }
    best
}

struct Ratio {
    value: f64,
    low: f64,
    high: f64,
    against: String,
}

impl Ratio {
    fn of(cpu: &RunRow, row: &RunRow) -> Option<Self> {
        let (base, this) = (cpu.median_ms?, row.median_ms?);
        let against = format!("{} {} ms", series::class_of(cpu), format::significant(base));
        if cpu.id == row.id {
            return Some(Self { value: 1.0, low: 1.0, high: 1.0, against });
        }
        let low = cpu.low_ms.unwrap_or(base) / row.high_ms.unwrap_or(this);
        let high = cpu.high_ms.unwrap_or(base) / row.low_ms.unwrap_or(this);
        Some(Self { value: base / this, low, high, against })
    }

    fn told(&self) -> String {
        format!("{}× ({}) of {}", format::significant(self.value), format::interval(self.low, self.high), self.against)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{imported, measured, on, predicted};

    #[test]
    fn speedup_draws_as_ever() {
        let rows =
            [measured("bert", "onnxruntime", 1, 12.0), on(Platform::Cuda, measured("bert", "onnxruntime", 1, 3.0))];
        let figure = figure(&rows, Options::default()).unwrap();
        insta::assert_json_snapshot!((figure.data, figure.layout));
    }

    #[test]
    fn the_cpus_best_is_measured_where_it_can_be_and_never_predicted() {
        let rows = [
            predicted("bert", "candle", 1, 1.0),
            imported("bert", "candle", 1, 5.0),
            measured("bert", "openvino", 1, 10.0),
        ];
        let refs: Vec<&RunRow> = rows.iter().collect();
        assert_eq!(cpu_best(&refs).values().next().unwrap().median_ms, Some(10.0));
    }

    #[test]
    fn a_cpu_time_of_other_dimensions_is_no_base() {
        let further = |row: RunRow| RunRow { dims: Some("frames=8".into()), ..row };
        let rows =
            [measured("bert", "onnxruntime", 1, 12.0), on(Platform::Cuda, further(measured("bert", "candle", 1, 3.0)))];
        assert_eq!(figure(&rows, Options::default()).unwrap().table.rows.len(), 1);
    }

    #[test]
    fn without_a_cpu_time_there_is_no_ratio() {
        let rows =
            [on(Platform::Cuda, measured("bert", "onnxruntime", 1, 3.0)), measured("bert", "onnxruntime", 8, 12.0)];
        let figure = figure(&rows, Options::default()).unwrap();
        assert_eq!(figure.table.rows.len(), 1);
    }
}
