//! Scaling: throughput against batch or threads, a line for all that is otherwise the same, with its fit where there is
//! one.

use crate::{Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Evidence, Metric, RunId, RunRow, ScaleOver, Scaling, ScalingTerm, TaskUnit, common_unit};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Quantities that tell a fit from a line through its points.
const FEWEST: usize = 3;
/// Points a fit is drawn with.
const FINE: u32 = 60;

/// How the time of these results grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    pub runs: Vec<RunId>,
    pub scaling: Scaling,
}

pub fn figure(over: ScaleOver, rows: &[RunRow], fits: &[Fit], options: Options) -> Result<Figure, Lack> {
    let lines = lines(over, rows);
    if lines.is_empty() {
        return Err(Lack(match over {
            ScaleOver::Threads => {
                "Thread scaling needs the same model, engine and device with two numbers of threads or more. \
                 Launch a sweep over several numbers of CPU threads to draw it."
                    .into()
            }
            ScaleOver::Batch | ScaleOver::Size => {
                "Batch scaling needs the same model, engine and device at two batch sizes or more. \
                 Launch a sweep over several batches to draw it."
                    .into()
            }
        }));
    }
    let theme = options.theme;
    let names: Vec<String> = lines.keys().map(|(name, _)| name.clone()).collect();
    // What a sample is grows with its size, and a fit over sizes is one of samples.
    let task = common_unit(lines.values().flatten().map(|row| row.per_sample)).filter(|_| over != ScaleOver::Size);
    let unit = Metric::Throughput.unit_in(task);
    let fit_unit = format!("fit {unit}");
    let mut table = Table::new(&["line", "evidence", word(over), unit, "low", "high", "median ms", &fit_unit]);
    let mut data = Vec::new();
    for ((name, kind), points) in &lines {
        let index = series::index_of(&names, name);
        let colour = theme.class(index);
        let fit = fits.iter().find(|fit| fit.scaling.over == over && fit.runs == ids(points));
        let mode = if fit.is_some() { "markers" } else { "lines+markers" };
        data.push(json!({
            "type": "scatter",
            "mode": mode,
            "name": series::legend(name, *kind),
            "x": points.iter().map(|row| quantity(over, row)).collect::<Vec<_>>(),
            "y": points.iter().map(|row| rate(row, task)).collect::<Vec<_>>(),
            "error_y": layout::error_bars(points.iter().map(|row| ends(row, task)), colour),
            "line": { "color": colour, "width": 2, "dash": if *kind == Evidence::Measured { "solid" } else { "dot" } },
            "marker": evidence::point(*kind, index, colour, theme),
            "customdata": points.iter().map(|row| row.id.0.clone()).collect::<Vec<_>>(),
            "hovertext": points
                .iter()
                .map(|row| series::hover(row, &format!("{} {unit}", format::significant(rate(row, task)))))
                .collect::<Vec<_>>(),
            "hoverinfo": "text",
        }));
        data.extend(fit.map(|fit| curve(name, &fit.scaling, points, task, colour)));
        for row in points {
            let (low, high) = series::throughput_interval(row, task);
            let fitted = fit
                .zip(quantity(over, row))
                .map(|(fit, at)| fitted(&fit.scaling, row.batch, f64::from(at)) * series::told_per_sample(row, task));
            table.rows.push(vec![
                name.clone().into(),
                kind.label().into(),
                quantity(over, row).map(f64::from).into(),
                rate(row, task).into(),
                low.into(),
                high.into(),
                row.median_ms.into(),
                fitted.into(),
            ]);
        }
    }
    let mut layout = layout::base(theme);
    let drawn = || lines.values().flatten();
    let all: BTreeSet<u32> = drawn().filter_map(|row| quantity(over, row)).collect();
    let mut quantities = layout::axis(theme, if over == ScaleOver::Threads { "CPU threads" } else { "Batch" });
    layout::merge(&mut quantities, json!({ "type": "log", "tickmode": "array", "tickvals": all, "ticktext": all }));
    let mut rates = layout::axis(theme, &format!("Throughput ({unit})"));
    let (slowest, fastest) = drawn()
        .map(|row| rate(row, task))
        .fold((f64::INFINITY, 0.0f64), |(low, high), rate| (low.min(rate), high.max(rate)));
    // Lines a hundredfold apart would lie on the floor of a linear axis.
    let kind = if fastest > slowest * 30.0 { "log" } else { "linear" };
    layout::merge(&mut rates, json!({ "type": kind, "rangemode": "tozero" }));
    layout::merge(&mut layout, json!({ "xaxis": quantities, "yaxis": rates, "height": 460 }));
    let caption = "Dotted lines are imported or predicted. Dashed ones are fits of what was measured at three places or \
                   more: point at one for what the time is made of.";
    Ok(Figure { data, layout, table, caption: caption.into() })
}

/// Measured results of each line that a fit can be asked for, in the order of what is varied.
pub fn sweeps(over: ScaleOver, rows: &[RunRow]) -> Vec<Vec<RunId>> {
    let lines = lines(over, rows).into_iter();
    lines
        .filter(|((_, kind), points)| *kind == Evidence::Measured && points.len() >= FEWEST)
        .map(|(_, points)| ids(&points))
        .collect()
}

/// What the time of a call is made of, where more stops paying, and how far off the fit is, in a sentence each.
pub fn told(scaling: &Scaling) -> String {
    let range = |low: Option<f64>, high: Option<f64>| match (low, high) {
        (Some(low), Some(high)) => format!(" ({} to {})", format::significant(low), format::significant(high)),
        _ => String::new(),
    };
    let term = |term: &ScalingTerm| {
        format!("{} ms {}{}", format::significant(term.ms), term.name, range(term.low_ms, term.high_ms))
    };
    let terms: Vec<String> = scaling.terms.iter().map(term).collect();
    let knee = scaling.knee.as_ref().map_or_else(String::new, |knee| {
        format!(" At {}{}: {}.", format::significant(knee.at), range(knee.low, knee.high), knee.meaning)
    });
    let misfit = format::significant(scaling.worst_misfit * 100.0);
    let (over, terms) = (word(scaling.over), terms.join(" + "));
    format!("Over {over} the time is {terms}.{knee} The fit is off by at most {misfit} %.")
}

/// Lines of two points or more, each in the order of what is varied.
fn lines(over: ScaleOver, rows: &[RunRow]) -> BTreeMap<(String, Evidence), Vec<&RunRow>> {
    let takes =
        |row: &&RunRow| row.throughput_per_s.is_some() && row.withheld.is_none() && quantity(over, row).is_some();
    let kept = series::newest_of(rows.iter().filter(takes).collect(), |row| {
        (line_of(over, row), row.evidence, quantity(over, row))
    });
    let mut lines: BTreeMap<(String, Evidence), Vec<&RunRow>> = BTreeMap::new();
    for row in kept {
        lines.entry((line_of(over, row), row.evidence)).or_default().push(row);
    }
    lines.retain(|_, points| points.len() > 1);
    for points in lines.values_mut() {
        points.sort_by_key(|row| quantity(over, row));
    }
    lines
}

fn word(over: ScaleOver) -> &'static str {
    match over {
        ScaleOver::Batch => "batch",
        ScaleOver::Size => "size",
        ScaleOver::Threads => "threads",
    }
}

fn quantity(over: ScaleOver, row: &RunRow) -> Option<u32> {
    match over {
        ScaleOver::Batch => Some(row.batch),
        ScaleOver::Size => row.size,
        ScaleOver::Threads => row.threads,
    }
}

/// Everything but what is varied.
fn line_of(over: ScaleOver, row: &RunRow) -> String {
    let mut words = vec![row.model.clone(), row.precision.key().to_owned()];
    for (what, said) in [
        (ScaleOver::Batch, Some(format!("batch {}", row.batch))),
        (ScaleOver::Size, row.size.map(|size| series::size_of(size, row.size_unit))),
        (ScaleOver::Threads, row.threads.map(threads)),
    ] {
        words.extend(said.filter(|_| what != over));
    }
    words.extend(row.fed().further());
    words.push(series::class_of(row));
    words.join(" · ")
}

fn threads(threads: u32) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}

fn ids(points: &[&RunRow]) -> Vec<RunId> {
    points.iter().map(|row| row.id.clone()).collect()
}

/// In the unit of a task, else in samples.
fn rate(row: &RunRow, task: Option<TaskUnit>) -> f64 {
    row.throughput_per_s.unwrap_or_default() * series::told_per_sample(row, task)
}

/// The rate with both ends, which are its own where it came without an interval.
fn ends(row: &RunRow, task: Option<TaskUnit>) -> (f64, f64, f64) {
    let (rate, (low, high)) = (rate(row, task), series::throughput_interval(row, task));
    (rate, low.unwrap_or(rate), high.unwrap_or(rate))
}

/// Samples a second by the fit, which has a term for each power of what is varied, or its inverse for threads.
fn fitted(scaling: &Scaling, batch: u32, at: f64) -> f64 {
    let (step, batch) = match scaling.over {
        ScaleOver::Batch => (at, at),
        ScaleOver::Size => (at, f64::from(batch)),
        ScaleOver::Threads => (1.0 / at, f64::from(batch)),
    };
    let ms: f64 = scaling.terms.iter().enumerate().map(|(power, term)| term.ms * step.powi(power as i32)).sum();
    batch * 1000.0 / ms
}

fn curve(name: &str, scaling: &Scaling, points: &[&RunRow], task: Option<TaskUnit>, colour: &str) -> Value {
    let ends = [points.first(), points.last()].map(|row| row.and_then(|row| quantity(scaling.over, row)));
    let [from, to] = ends.map(|end| f64::from(end.unwrap_or(1)));
    let at: Vec<f64> = (0..=FINE).map(|nth| from * (to / from).powf(f64::from(nth) / f64::from(FINE))).collect();
    let (batch, each) = points.first().map_or((1, 1.0), |row| (row.batch, series::told_per_sample(row, task)));
    json!({
        "type": "scatter",
        "mode": "lines",
        "name": format!("Fit of {}", series::escaped(name)),
        "showlegend": false,
        "y": at.iter().map(|at| fitted(scaling, batch, *at) * each).collect::<Vec<_>>(),
        "x": at,
        "line": { "color": colour, "width": 1.5, "dash": "dash" },
        "hovertext": format!("<b>Fit</b><br>{}<br>{}", series::escaped(name), told(scaling).replace(". ", ".<br>")),
        "hoverinfo": "text",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Cell,
        fixtures::{imported, measured},
    };
    use contract::PerSample;

    fn sweep() -> [RunRow; 3] {
        [8, 1, 2].map(|batch| measured("bert", "onnxruntime", batch, 4.0 + f64::from(batch)))
    }

    fn scaling(over: ScaleOver, terms: [f64; 2]) -> Scaling {
        let term = |ms: f64| ScalingTerm { name: "fixed".into(), ms, low_ms: Some(ms * 0.9), high_ms: Some(ms * 1.1) };
        Scaling { over, terms: terms.map(term).into(), worst_misfit: 0.01, knee: None }
    }

    #[test]
    fn scaling_draws_as_ever() {
        let figure = figure(ScaleOver::Batch, &sweep(), &[], Options::default()).unwrap();
        insta::assert_json_snapshot!(figure.data);
    }

    #[test]
    fn one_batch_is_no_line() {
        let rows = [measured("bert", "onnxruntime", 1, 4.0), measured("vit", "onnxruntime", 2, 4.0)];
        assert!(figure(ScaleOver::Batch, &rows, &[], Options::default()).is_err());
    }

    #[test]
    fn a_fit_is_drawn_beside_the_points_it_was_made_of_and_beside_no_others() {
        let runs = sweeps(ScaleOver::Batch, &sweep()).remove(0);
        let fit = |runs| [Fit { runs, scaling: scaling(ScaleOver::Batch, [4.0, 1.0]) }];
        let drawn = figure(ScaleOver::Batch, &sweep(), &fit(runs), Options::default()).unwrap();
        assert_eq!((&drawn.data[0]["mode"], &drawn.data[1]["line"]["dash"]), (&json!("markers"), &json!("dash")));
        let ends: Vec<f64> = [0, FINE as usize].map(|at| drawn.data[1]["y"][at].as_f64().unwrap()).into();
        assert!((ends[0] - 200.0).abs() < 1e-6 && (ends[1] - 8000.0 / 12.0).abs() < 1e-6, "{ends:?}");
        let said = drawn.data[1]["hovertext"].as_str().unwrap();
        assert!(said.contains("4 ms fixed (3.60 to 4.40)"), "{said}");
        let other = figure(ScaleOver::Batch, &sweep(), &fit(vec!["other".into()]), Options::default()).unwrap();
        assert_eq!(other.data.len(), 1);
    }

    #[test]
    fn points_and_fits_are_told_in_the_unit_of_the_task() {
        let per_sample = Some(PerSample { unit: TaskUnit::SoundSeconds, count: 30.0 });
        let rows = sweep().map(|row| RunRow { per_sample, ..row });
        let runs = sweeps(ScaleOver::Batch, &rows).remove(0);
        let fit = [Fit { runs, scaling: scaling(ScaleOver::Batch, [4.0, 1.0]) }];
        let drawn = figure(ScaleOver::Batch, &rows, &fit, Options::default()).unwrap();
        assert_eq!(drawn.layout["yaxis"]["title"]["text"], "Throughput (× real time)");
        assert!(drawn.data[0]["hovertext"][0].as_str().unwrap().contains("6000 × real time"));
        let [point, fitted] = [&drawn.data[0]["y"][0], &drawn.data[1]["y"][0]].map(|rate| rate.as_f64().unwrap());
        assert!((point - 6000.0).abs() < 1e-6 && (fitted - 6000.0).abs() < 1e-6, "{point} {fitted}");
        assert_eq!(drawn.table.columns[3], "× real time");
    }

    #[test]
    fn threads_scale_apart_from_batches() {
        let on = |threads: u32, batch: u32| {
            let ms = 2.0 + 8.0 / f64::from(threads);
            let row = measured("bert", "onnxruntime", batch, ms);
            RunRow { id: format!("{threads}-{batch}").into(), threads: Some(threads), ..row }
        };
        let rows = [on(1, 1), on(2, 1), on(4, 1), on(4, 8)];
        let sweep = sweeps(ScaleOver::Threads, &rows);
        assert_eq!(sweep, [["1-1", "2-1", "4-1"].map(RunId::from)]);
        let fit = [Fit { runs: sweep[0].clone(), scaling: scaling(ScaleOver::Threads, [2.0, 8.0]) }];
        let figure = figure(ScaleOver::Threads, &rows, &fit, Options::default()).unwrap();
        assert_eq!(figure.data[0]["x"], json!([1, 2, 4]));
        let fitted = figure.table.rows.iter().map(|row| row[7].clone()).collect::<Vec<_>>();
        assert_eq!(fitted, [100.0, 1000.0 / 6.0, 250.0].map(Cell::Number));
    }

    #[test]
    fn what_was_imported_is_not_fitted() {
        let rows = [1, 2, 4].map(|batch| imported("bert", "onnxruntime", batch, 4.0 + f64::from(batch)));
        assert_eq!(sweeps(ScaleOver::Batch, &rows), Vec::<Vec<RunId>>::new());
        assert_eq!(figure(ScaleOver::Batch, &rows, &[], Options::default()).unwrap().data.len(), 1);
    }
}
