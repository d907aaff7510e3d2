//! The front of a recommendation: time against what else it takes, each setting with its interval.

use crate::{Cell, Figure, Lack, Options, Table, evidence, format, layout, series};
use contract::{Candidate, Evidence, Interval};
use serde_json::{Value, json};

/// What the time is weighed against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Against {
    #[default]
    Memory,
    /// Of a million samples, by the price list.
    Cost,
}

impl Against {
    fn of(self, candidate: &Candidate) -> Option<Interval> {
        match self {
            Self::Memory => candidate.memory_mb,
            // The cost follows from the time, so its interval is the time's.
            Self::Cost => candidate.cost_per_million().map(|value| {
                let scaled = |ms: f64| value * ms / candidate.latency_ms.value;
                Interval { value, low: scaled(candidate.latency_ms.low), high: scaled(candidate.latency_ms.high) }
            }),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Memory => "Peak memory (MB)",
            Self::Cost => "Cost of a million samples",
        }
    }
}

/// Draws the candidates, the choice first among them.
///
/// # Errors
/// Where no candidate has both figures.
pub fn front(candidates: &[Candidate], against: Against, options: Options) -> Result<Figure, Lack> {
    let mut points: Vec<Point> =
        candidates.iter().enumerate().filter_map(|(at, c)| Point::of(c, against, at == 0)).collect();
    if points.is_empty() {
        return Err(Lack(
            match against {
                Against::Memory => {
                    "No result tells the memory of these settings, so there is nothing to weigh time against."
                }
                Against::Cost => {
                    "The price list names none of this hardware, so there is nothing to weigh time against."
                }
            }
            .into(),
        ));
    }
    points.sort_by(|a, b| a.time.value.total_cmp(&b.time.value).then(a.other.value.total_cmp(&b.other.value)));
    let theme = options.theme;
    let mut table = Table::new(&["setting", "evidence", "ms", "ms low", "ms high", against.title(), "on the front"]);
    let front = on_front(points.iter().map(|point| (point.time.value, point.other.value)));
    for (at, point) in points.iter().enumerate() {
        table.rows.push(vec![
            point.name.clone().into(),
            point.evidence.label().into(),
            point.time.value.into(),
            point.time.low.into(),
            point.time.high.into(),
            point.other.value.into(),
            Cell::from(if front.contains(&at) { "yes" } else { "no" }),
        ]);
    }
    let mut data = vec![json!({
        "type": "scatter",
        "mode": "lines",
        "name": "Front",
        "x": front.iter().map(|at| points[*at].time.value).collect::<Vec<_>>(),
        "y": front.iter().map(|at| points[*at].other.value).collect::<Vec<_>>(),
        "line": { "color": theme.quiet(), "width": 1.5, "dash": "dot", "shape": "hv" },
        "hoverinfo": "skip",
    })];
    for kind in [Evidence::Measured, Evidence::Imported, Evidence::Predicted] {
        let of_kind: Vec<&Point> = points.iter().filter(|point| point.evidence == kind && !point.is_choice).collect();
        if !of_kind.is_empty() {
            data.push(trace(kind.label(), &of_kind, evidence::point(kind, 0, theme.class(0), theme), options));
        }
    }
    if let Some(choice) = points.iter().find(|point| point.is_choice) {
        let mut marker = evidence::point(choice.evidence, 2, theme.class(3), theme);
        layout::merge(&mut marker, json!({ "size": 14 }));
        data.push(trace("The choice", &[choice], marker, options));
    }
    let mut layout = layout::base(theme);
    layout::merge(
        &mut layout,
        json!({
            // Settings lie orders of magnitude apart, and intervals are ratios.
            "xaxis": layout::log_axis(theme, "Time of one batch (ms)"),
            "yaxis": layout::log_axis(theme, against.title()),
            "height": 400,
            "uirevision": against.title(),
        }),
    );
    let left_out = candidates.len() - points.len();
    let left_out = match left_out {
        0 => String::new(),
        1 => " One setting lacks one of the two figures and is not drawn.".into(),
        n => format!(" {n} settings lack one of the two figures and are not drawn."),
    };
    let caption = format!(
        "Nothing is both faster and smaller than what lies on the dotted line. Bars are 90 % intervals.{left_out}"
    );
    Ok(Figure { data, layout, table, caption })
}

struct Point {
    name: String,
    evidence: Evidence,
    time: Interval,
    other: Interval,
    is_choice: bool,
    said: String,
    run: Option<String>,
}

impl Point {
    fn of(candidate: &Candidate, against: Against, is_choice: bool) -> Option<Self> {
        let other = against.of(candidate)?;
        let setting = &candidate.setting;
        let name = format!("{} · {} · {}", setting.hardware, setting.engine.label(), setting.ran);
        let figure = |of: Interval, unit: &str| {
            let spread =
                if of.low < of.high { format!(" ({})", format::interval(of.low, of.high)) } else { String::new() };
            format!("{}{unit}{spread}", format::significant(of.value))
        };
        let lines = [
            format!("<b>{}</b>", series::escaped(&name)),
            figure(candidate.latency_ms, " ms"),
            format!("{}: {}", against.title(), figure(other, "")),
            candidate.evidence.label().to_owned(),
        ];
        Some(Self {
            evidence: candidate.evidence,
            time: candidate.latency_ms,
            other,
            is_choice,
            said: lines.join("<br>"),
            run: candidate.runs.first().map(|run| run.0.clone()),
            name,
        })
    }
}

/// Indices of the points that none is both faster and smaller than, of times and sizes in the order of the times.
pub(crate) fn on_front(points: impl Iterator<Item = (f64, f64)>) -> Vec<usize> {
    let mut smallest = f64::INFINITY;
    let better = |(at, (_, size)): (usize, (f64, f64))| {
        let is_on = size < smallest;
        smallest = smallest.min(size);
        is_on.then_some(at)
    };
    points.enumerate().filter_map(better).collect()
}

fn trace(name: &str, points: &[&Point], marker: Value, options: Options) -> Value {
    let bars = |of: fn(&Point) -> Interval| {
        let ends = points.iter().map(|point| of(point)).map(|of| (of.value, of.low, of.high));
        layout::error_bars(ends, options.theme.quiet())
    };
    json!({
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": points.iter().map(|point| point.time.value).collect::<Vec<_>>(),
        "y": points.iter().map(|point| point.other.value).collect::<Vec<_>>(),
        "error_x": bars(|point| point.time),
        "error_y": bars(|point| point.other),
        "marker": marker,
        "customdata": points.iter().map(|point| point.run.clone()).collect::<Vec<_>>(),
        "hovertext": points.iter().map(|point| point.said.clone()).collect::<Vec<_>>(),
        "hoverinfo": "text",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{AdvisedSetting, Platform};

    fn candidate(hardware: &str, evidence: Evidence, ms: f64, mb: Option<f64>) -> Candidate {
        let interval = |value: f64| Interval { value, low: value * 0.9, high: value * 1.2 };
        Candidate {
            setting: AdvisedSetting {
                engine: "onnxruntime".into(),
                hardware: hardware.into(),
                platform: Platform::Cpu,
                precision: "f32".into(),
                ran: "f32".into(),
                devices: None,
                threads: None,
                software: String::new(),
                here: None,
            },
            evidence,
            latency_ms: interval(ms),
            p95_ms: None,
            samples_per_s: 1000.0 / ms,
            memory_mb: mb.map(interval),
            cost_per_hour: None,
            support: String::new(),
            note: String::new(),
            probability_best: 0.0,
            expected_regret: 0.0,
            why: String::new(),
            runs: vec![format!("run-{hardware}").into()],
        }
    }

    fn some() -> Vec<Candidate> {
        vec![
            candidate("quick", Evidence::Measured, 2.0, Some(400.0)),
            candidate("small", Evidence::Predicted, 5.0, Some(90.0)),
            candidate("neither", Evidence::Imported, 6.0, Some(500.0)),
            candidate("untold", Evidence::Imported, 1.0, None),
        ]
    }

    #[test]
    fn the_line_joins_what_nothing_beats() {
        let figure = front(&some(), Against::Memory, Options::default()).unwrap();
        assert_eq!(figure.data[0]["x"], json!([2.0, 5.0]));
        assert!(figure.caption.contains("One setting lacks"), "{}", figure.caption);
    }

    #[test]
    fn a_prediction_has_an_open_symbol_and_its_interval() {
        let figure = front(&some(), Against::Memory, Options::default()).unwrap();
        let predicted = figure.data.iter().find(|trace| trace["name"] == "Predicted").unwrap();
        assert_eq!(predicted["marker"]["symbol"], "circle-open-dot");
        assert_eq!(predicted["error_x"]["array"][0], 1.0);
    }

    #[test]
    fn cost_follows_from_price_and_time() {
        let mut priced = some();
        priced[0].cost_per_hour = Some(3.6);
        let figure = front(&priced, Against::Cost, Options::default()).unwrap();
        // 3.6 an hour is 0.001 a second, in which 500 samples run: 2 for a million.
        assert_eq!(figure.data.last().unwrap()["y"], json!([2.0]));
        assert!(front(&some(), Against::Cost, Options::default()).is_err());
    }
}
