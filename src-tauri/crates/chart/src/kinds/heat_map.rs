//! The heat map: models × devices in one figure, lighter where it is better.

use crate::{Figure, Lack, Options, Table, format, layout, series, theme};
use contract::{EngineId, Evidence, Matrix, MatrixCell, MatrixColumn, MatrixRow, Metric, TaskUnit, common_unit};
use serde_json::{Value, json};

/// Models in one picture; more could not be read.
const MODELS: usize = 60;
/// Devices side by side whose figures are written into the cells. Plotly writes all of them as small as the narrowest
/// cell asks for, and beside more devices nobody could read them.
const WRITTEN: usize = 8;
/// Marks of the colour bar.
const TICKS: u32 = 5;

pub fn figure(matrix: &Matrix, options: Options) -> Result<Figure, Lack> {
    let metric = matrix.metric;
    let is_known = |cell: &MatrixCell| Known::of(cell, None).is_some();
    let columns: Vec<usize> =
        (0..matrix.columns.len()).filter(|at| matrix.rows.iter().any(|row| is_known(&row.cells[*at]))).collect();
    let mut rows: Vec<&MatrixRow> = matrix.rows.iter().filter(|row| row.cells.iter().any(is_known)).collect();
    if rows.is_empty() {
        return Err(Lack(format!("None of these results has a figure for {}.", metric.label().to_lowercase())));
    }
    let figures = rows.iter().flat_map(|row| &row.cells).filter(|cell| is_known(cell));
    let task = common_unit(figures.map(MatrixCell::per_sample));
    let unit = metric.unit_in(task);
    // Stable: what was measured here comes first, each half in the order of names.
    let is_measured =
        |cell: &MatrixCell| Known::of(cell, task).is_some_and(|known| known.evidence == Evidence::Measured);
    rows.sort_by_key(|row| !row.cells.iter().any(is_measured));
    let table = table(matrix, task, &rows, &columns);
    let left_out = rows.len().saturating_sub(MODELS);
    rows.truncate(MODELS);

    let drawn: Vec<Known> = rows.iter().flat_map(|row| &row.cells).filter_map(|cell| Known::of(cell, task)).collect();
    let (low, high) = span(metric, drawn.iter().map(|known| known.value.log10()));
    let is_written = columns.len() <= WRITTEN;
    let theme = options.theme;
    let grid = |of: &dyn Fn(&MatrixRow, &MatrixColumn, Option<Known>) -> Value| -> Vec<Vec<Value>> {
        let line = |row: &MatrixRow| -> Vec<Value> {
            columns.iter().map(|at| of(row, &matrix.columns[*at], Known::of(&row.cells[*at], task))).collect()
        };
        rows.iter().copied().map(line).collect()
    };
    let ticks: Vec<f64> = (0..TICKS).map(|nth| low + (high - low) * f64::from(nth) / f64::from(TICKS - 1)).collect();
    let data = vec![json!({
        "type": "heatmap",
        "z": grid(&|_, _, known| json!(known.map(|known| known.value.log10()))),
        "zmin": low,
        "zmax": high,
        "colorscale": if metric == Metric::Speedup { json!(theme.diverging()) } else { json!(theme::scale()) },
        "reversescale": metric.smaller_is_better(),
        "text": grid(&|_, _, known| json!(known.map_or_else(String::new, |known| known.text()))),
        "texttemplate": if is_written { "%{text}" } else { "" },
        "hovertext": grid(&|row, column, known| json!(known.map(|known| known.told(row, column, unit)))),
        "hoverinfo": "text",
        "customdata": grid(&|_, _, known| json!(known.map(|known| known.run))),
        "xgap": 2,
        "ygap": 2,
        "colorbar": {
            "title": { "text": unit, "side": "right" },
            "tickvals": ticks,
            "ticktext": ticks.iter().map(|log| format::significant(10f64.powf(*log))).collect::<Vec<_>>(),
            "outlinewidth": 0,
            "thickness": 14,
        },
    })];
    let places = |names: Vec<String>| {
        let mut axis = layout::axis(theme, "");
        layout::merge(
            &mut axis,
            json!({
                "tickvals": (0..names.len()).collect::<Vec<_>>(),
                "ticktext": names,
                "showgrid": false,
                "zeroline": false,
                "tickfont": { "color": theme.ink() },
            }),
        );
        axis
    };
    let mut across = places(columns.iter().map(|at| series::escaped(&matrix.columns[*at].label)).collect());
    layout::merge(&mut across, json!({ "side": "top" }));
    let mut down = places(rows.iter().map(|row| series::escaped(&row.model)).collect());
    layout::merge(&mut down, json!({ "autorange": "reversed" }));
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            "xaxis": across,
            "yaxis": down,
            "showlegend": false,
            "margin": { "l": 64, "r": 44, "t": 90, "b": 24 },
            "height": (170 + rows.len() * 30).max(320),
        }),
    );
    let evidence = if is_written { String::new() } else { evidence_of(&drawn) };
    let left_out = match left_out {
        0 => String::new(),
        1 => " One more model is in the data and not drawn.".into(),
        n => format!(" {} more models are in the data and not drawn.", format::count(n as u64)),
    };
    let caption = format!(
        "{} ({unit}): the best of each model on each device, lighter where it is better. An empty cell has no result.{evidence}{left_out}",
        metric.label()
    );
    Ok(Figure { data, layout, table, caption })
}

/// The logarithms that the colours span; those of ratios lie evenly around 1×.
fn span(metric: Metric, logs: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| (low.min(log), high.max(log)));
    if metric == Metric::Speedup {
        let reach = low.abs().max(high.abs()).max(0.01);
        return (-reach, reach);
    }
    // One value alone would have no scale.
    if low < high { (low, high) } else { (low - 0.5, high + 0.5) }
}

/// What the cells do not say themselves.
fn evidence_of(drawn: &[Known]) -> String {
    let counted = |kind: &Evidence| {
        let many = drawn.iter().filter(|known| known.evidence == *kind).count();
        (many > 0).then(|| format!("{} {}", format::count(many as u64), kind.label().to_lowercase()))
    };
    let counts: Vec<String> = Evidence::ALL.iter().filter_map(counted).collect();
    format!(" Of the figures, {}; point at a cell for its own.", counts.join(", "))
}

/// A cell with a figure, which is above 0 in every metric.
struct Known<'a> {
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    evidence: Evidence,
    engine: &'a EngineId,
    run: &'a str,
    cell: &'a MatrixCell,
}

impl<'a> Known<'a> {
    /// A throughput in the unit of this task, else in samples.
    fn of(cell: &'a MatrixCell, task: Option<TaskUnit>) -> Option<Self> {
        match cell {
            MatrixCell::Figure { value, low, high, evidence, engine, run, .. } if *value > 0.0 => {
                let sample = cell.per_sample().filter(|_| task.is_none());
                let each = sample.map_or(1.0, |sample| sample.count);
                Some(Self {
                    value: *value / each,
                    low: low.map(|low| low / each),
                    high: high.map(|high| high / each),
                    evidence: *evidence,
                    engine,
                    run: &run.0,
                    cell,
                })
            }
            _ => None,
        }
    }

    /// Evidence is told in a word, as a coloured cell has no outline to tell it by.
    fn text(&self) -> String {
        let figure = format::significant(self.value);
        match self.evidence {
            Evidence::Measured => figure,
            other => format!("{figure}<br>{}", other.label().to_lowercase()),
        }
    }

    fn told(&self, row: &MatrixRow, column: &MatrixColumn, unit: &str) -> String {
        let fed = self.cell.fed().map(|fed| fed.words().join(" · ")).unwrap_or_default();
        let lines = [
            format!("<b>{}</b>", format::with_interval(self.value, unit, self.low, self.high)),
            format!("{} · {} · {}", series::escaped(&row.model), self.cell.ran(), series::escaped(&fed)),
            format!("{} · {}", series::escaped(&self.engine.label()), series::escaped(&column.label)),
            self.evidence.label().to_owned(),
        ];
        lines.join("<br>")
    }
}

fn table(matrix: &Matrix, task: Option<TaskUnit>, rows: &[&MatrixRow], columns: &[usize]) -> Table {
    let mut table = Table::new(&[
        "model",
        "family",
        "device",
        matrix.metric.unit_in(task),
        "low",
        "high",
        "engine",
        "precision",
        "batch",
        "size",
        "further sizes",
        "evidence",
    ]);
    for row in rows {
        for at in columns {
            let cell = &row.cells[*at];
            let Some((known, fed)) = Known::of(cell, task).zip(cell.fed()) else { continue };
            table.rows.push(vec![
                row.model.as_str().into(),
                row.family.as_str().into(),
                matrix.columns[*at].label.as_str().into(),
                known.value.into(),
                known.low.into(),
                known.high.into(),
                known.engine.label().into(),
                cell.ran().into(),
                f64::from(fed.batch).into(),
                fed.size.map(f64::from).into(),
                fed.dims.into(),
                known.evidence.label().into(),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Availability, Mode, PerSample, Platform, Precision};

    fn cell(value: f64, evidence: Evidence) -> MatrixCell {
        MatrixCell::Figure {
            value,
            low: None,
            high: None,
            per_sample: None,
            precision: Precision::F32,
            effective_precision: None,
            device_share: None,
            all_experts: false,
            engine: "onnxruntime".into(),
            evidence,
            mode: Mode::Inference,
            run: format!("run-{value}").into(),
            runs: 1,
            batch: 1,
            size: None,
            size_unit: None,
            dims: None,
            noise: None,
        }
    }

    fn matrix(metric: Metric, rows: Vec<(&str, [MatrixCell; 2])>) -> Matrix {
        let column = |label: &str| MatrixColumn {
            device: Some(label.into()),
            platform: Platform::Cpu,
            label: label.to_owned(),
            availability: Availability::Ready,
        };
        let row = |(model, cells): (&str, [MatrixCell; 2])| MatrixRow {
            model: model.to_owned(),
            family: "family".into(),
            cells: cells.into(),
        };
        Matrix { metric, columns: vec![column("one"), column("two")], rows: rows.into_iter().map(row).collect() }
    }

    #[test]
    fn each_cell_has_its_figure_and_leads_to_its_result() {
        let rows = vec![
            ("b", [cell(10.0, Evidence::Imported), MatrixCell::Open]),
            ("a <b>", [MatrixCell::Open, cell(1000.0, Evidence::Measured)]),
        ];
        let figure = figure(&matrix(Metric::Latency, rows), Options::default()).unwrap();
        let map = &figure.data[0];
        assert_eq!(map["z"], json!([[null, 3.0], [1.0, null]]), "what was measured here comes first");
        assert_eq!(map["customdata"], json!([[null, "run-1000"], ["run-10", null]]));
        assert_eq!(map["text"], json!([["", "1000"], ["10<br>imported", ""]]));
        assert_eq!(map["reversescale"], true, "a shorter time is better");
        assert_eq!(figure.layout["yaxis"]["ticktext"], json!(["a &lt;b&gt;", "b"]));
        assert_eq!(figure.table.rows.len(), 2);
    }

    #[test]
    fn throughput_has_the_unit_of_the_task_where_all_figures_have_it() {
        let of = |sample: Option<PerSample>| {
            let mut cell = cell(sample.map_or(10.0, |sample| 10.0 * sample.count), Evidence::Measured);
            let MatrixCell::Figure { per_sample, .. } = &mut cell else { unreachable!() };
            *per_sample = sample;
            cell
        };
        let drawn = |samples: [Option<PerSample>; 2]| {
            let figure = figure(&matrix(Metric::Throughput, vec![("a", samples.map(of))]), Options::default()).unwrap();
            (figure.data[0]["text"][0].clone(), figure.table.columns[3].clone())
        };
        let [short, long] = [16.0, 128.0].map(|count| Some(PerSample { unit: TaskUnit::Tokens, count }));
        assert_eq!(drawn([short, long]), (json!(["160", "1280"]), "tokens/s".to_owned()));
        assert_eq!(drawn([short, None]), (json!(["10", "10"]), "samples/s".to_owned()));
    }

    #[test]
    fn speed_ups_lie_evenly_around_one() {
        let rows = vec![("a", [cell(0.5, Evidence::Measured), cell(8.0, Evidence::Measured)])];
        let figure = figure(&matrix(Metric::Speedup, rows), Options::default()).unwrap();
        let ends = [&figure.data[0]["zmin"], &figure.data[0]["zmax"]].map(|end| end.as_f64().unwrap());
        assert_eq!(ends[0], -ends[1]);
        assert_eq!(figure.data[0]["colorscale"][1][0], 0.5);
    }

    #[test]
    fn devices_and_models_without_a_figure_are_not_drawn() {
        let rows =
            vec![("a", [cell(1.0, Evidence::Measured), MatrixCell::Open]), ("b", [MatrixCell::Open, MatrixCell::Open])];
        let drawn = figure(&matrix(Metric::Latency, rows), Options::default()).unwrap();
        assert_eq!(drawn.data[0]["z"], json!([[0.0]]));
        let lack = figure(&matrix(Metric::Memory, vec![]), Options::default()).unwrap_err();
        assert_eq!(lack.0, "None of these results has a figure for peak memory.");
    }

    #[test]
    fn figures_are_written_where_they_can_be_read_and_counted_where_not() {
        let rows = vec![("a", [cell(1.0, Evidence::Measured), cell(2.0, Evidence::Imported)])];
        let two = matrix(Metric::Latency, rows);
        let draw = |devices: usize| {
            let mut wide = two.clone();
            wide.columns = two.columns.iter().cycle().take(devices).cloned().collect();
            wide.rows[0].cells = two.rows[0].cells.iter().cycle().take(devices).cloned().collect();
            figure(&wide, Options::default()).unwrap()
        };
        let (written, counted) = (draw(WRITTEN), draw(WRITTEN + 1));
        assert_eq!(written.data[0]["texttemplate"], "%{text}");
        assert!(!written.caption.contains("measured"), "{}", written.caption);
        assert_eq!(counted.data[0]["texttemplate"], "");
        let told = "Of the figures, 5 measured here, 4 imported; point at a cell for its own.";
        assert!(counted.caption.contains(told), "{}", counted.caption);
    }

    #[test]
    fn many_models_are_drawn_in_part_and_kept_whole_in_the_data() {
        let names: Vec<String> = (0..70).map(|nth| format!("model {nth}")).collect();
        let row = |name: &'static str| (name, [cell(1.0, Evidence::Measured), MatrixCell::Open]);
        let mut all = matrix(Metric::Latency, vec![row("a")]);
        all.rows = names.iter().map(|name| MatrixRow { model: name.clone(), ..all.rows[0].clone() }).collect();
        let figure = figure(&all, Options::default()).unwrap();
        assert_eq!((figure.data[0]["z"].as_array().unwrap().len(), figure.table.rows.len()), (MODELS, 70));
        assert!(figure.caption.contains("10 more models"), "{}", figure.caption);
    }
}
