//! A watched series: every point in time, the level between changes, and where it changed.

use crate::{Figure, Options, Table, evidence, format, layout, series};
use contract::{Direction, Evidence, SeriesHistory};
use jiff::{Timestamp, civil::DateTime};
use serde_json::{Value, json};

/// Draws at least one point; `local` has each moment as the person's clock shows it.
pub fn trend(history: &SeriesHistory, local: impl Fn(Timestamp) -> DateTime, options: Options) -> Figure {
    let theme = options.theme;
    let watched = &history.watched;
    let local = |index: usize| local(history.points[index].at);
    let at = |index: usize| local(index).to_string();
    let is_anomaly = |index: usize| watched.anomalies.iter().any(|anomaly| anomaly.index == index);
    let starts: Vec<usize> = std::iter::once(0).chain(watched.changes.iter().map(|change| change.index)).collect();
    let mut data = Vec::new();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).map_or(history.points.len(), |next| *next);
        let level = match nth.checked_sub(1) {
            Some(change) => watched.changes[change].after,
            None => watched.changes.first().map_or(watched.level, |change| change.before),
        };
        data.push(json!({
            "type": "scatter",
            "mode": "lines",
            "name": "Level",
            "showlegend": nth == 0,
            "x": [at(*start), at(end - 1)],
            "y": [level, level],
            "line": { "color": theme.ink(), "width": 1.5 },
            "hoverinfo": "skip",
        }));
    }
    let points: Vec<usize> = (0..history.points.len()).filter(|index| !is_anomaly(*index)).collect();
    let spikes: Vec<usize> = (0..history.points.len()).filter(|index| is_anomaly(*index)).collect();
    let trace = |name: &str, indices: &[usize], marker: Value| {
        json!({
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": indices.iter().map(|index| at(*index)).collect::<Vec<_>>(),
            "y": indices.iter().map(|index| history.points[*index].ms).collect::<Vec<_>>(),
            "marker": marker,
            "customdata": indices.iter().map(|index| history.points[*index].run.0.clone()).collect::<Vec<_>>(),
            "hovertext": indices.iter().map(|index| said(history, *index, local(*index))).collect::<Vec<_>>(),
            "hoverinfo": "text",
        })
    };
    data.push(trace("Result", &points, evidence::point(Evidence::Measured, 0, theme.class(0), theme)));
    if !spikes.is_empty() {
        let marker = evidence::point(Evidence::Imported, 2, theme.class(1), theme);
        data.push(trace("Single spike", &spikes, marker));
    }
    let changes = watched.changes.iter().map(|change| (at(change.index), change));
    let shapes: Vec<Value> = changes
        .clone()
        .map(|(x, _)| {
            let line = json!({ "color": theme.class(3), "width": 1.5, "dash": "dash" });
            json!({ "type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line })
        })
        .collect();
    let notes: Vec<Value> = changes
        .map(|(x, change)| {
            let arrow = if change.direction == Direction::Worse { "slower" } else { "faster" };
            json!({
                "x": x,
                "yref": "paper",
                "y": 1,
                "yanchor": "bottom",
                "text": format!("{:+.1} % {arrow}", change.change * 100.0),
                "showarrow": false,
                "font": { "color": theme.ink(), "size": 12 },
            })
        })
        .collect();
    let mut layout = layout::base(theme);
    let mut time = layout::axis(theme, "");
    layout::merge(&mut time, json!({ "type": "date" }));
    let values = layout::axis(theme, "Time of one batch (ms)");
    layout::merge(
        &mut layout,
        json!({
            "xaxis": time,
            "yaxis": values,
            "height": 380,
            "shapes": shapes,
            "annotations": notes,
            "legend": { "orientation": "h", "x": 0, "y": -0.14, "yanchor": "top", "font": { "color": theme.ink() } },
            "margin": { "l": 64, "r": 44, "t": 34, "b": 56 },
            "uirevision": watched.series,
        }),
    );
    Figure { data, layout, table: table(history), caption: caption(history) }
}

fn said(history: &SeriesHistory, index: usize, at: DateTime) -> String {
    let point = &history.points[index];
    let mut lines =
        vec![format!("<b>{}</b>", format::duration_ms(point.ms)), at.strftime("%-d %b %Y, %H:%M").to_string()];
    let known = history.columns.iter().zip(&point.environment).filter(|(_, value)| !value.is_empty());
    lines.extend(known.map(|(column, value)| format!("{}: {}", series::escaped(column), series::escaped(value))));
    lines.join("<br>")
}

fn table(history: &SeriesHistory) -> Table {
    let mut columns = vec!["at", "ms", "level begins"];
    columns.extend(history.columns.iter().map(String::as_str));
    let mut table = Table::new(&columns);
    for (index, point) in history.points.iter().enumerate() {
        let change = history.watched.changes.iter().find(|change| change.index == index);
        let mut row = vec![
            point.at.to_string().into(),
            point.ms.into(),
            change.map(|change| format!("{:+.1} %", change.change * 100.0)).into(),
        ];
        row.extend(point.environment.iter().map(|value| value.as_str().into()));
        table.rows.push(row);
    }
    table
}

fn caption(history: &SeriesHistory) -> String {
    let noise = history.watched.noise * 100.0;
    format!(
        "{} points. Repeats spread by {} % around the newest level. A change is a step that lasts; a single spike is none.",
        format::count(history.points.len() as u64),
        format::significant(noise),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Anomaly, Change, HistoryPoint, Newest, WatchedSeries};
    use jiff::tz::{Offset, offset};

    fn history() -> SeriesHistory {
        let points = (0..12)
            .map(|nth| HistoryPoint {
                run: format!("run-{nth}").into(),
                at: Timestamp::from_second(86_400 * nth).unwrap(),
                ms: if nth == 3 {
                    15.0
                } else if nth < 6 {
                    10.0
                } else {
                    11.0
                },
                environment: vec![if nth < 6 { "535" } else { "550" }.into()],
            })
            .collect();
        let change = Change {
            index: 6,
            at: "1970-01-07".into(),
            last_before: "1970-01-06".into(),
            before: 10.0,
            after: 11.0,
            change: 0.1,
            change_low: 0.09,
            change_high: 0.11,
            direction: Direction::Worse,
            p: 1e-8,
            confidence: 1.0,
            causes: Vec::new(),
        };
        SeriesHistory {
            watched: WatchedSeries {
                series: "a <b>".into(),
                points: 12,
                level: 11.0,
                noise: 0.004,
                changes: vec![change],
                anomalies: vec![Anomaly { index: 3, at: "1970-01-04".into(), value: 15.0, change: 0.5 }],
                newest: Newest::Usual,
            },
            points,
            columns: vec!["driver".into()],
            marks: Vec::new(),
            again: None,
        }
    }

    #[test]
    fn levels_end_where_the_series_changes_and_spikes_stand_apart() {
        let figure = trend(&history(), |at| Offset::UTC.to_datetime(at), Options::default());
        let levels: Vec<&Value> =
            figure.data.iter().filter(|trace| trace["name"] == "Level").map(|t| &t["y"]).collect();
        assert_eq!(levels, [&json!([10.0, 10.0]), &json!([11.0, 11.0])]);
        let spikes = figure.data.iter().find(|trace| trace["name"] == "Single spike").unwrap();
        assert_eq!(spikes["y"], json!([15.0]));
        assert_eq!(figure.layout["annotations"][0]["text"], "+10.0 % slower");
    }

    #[test]
    fn times_are_those_of_the_persons_clock_and_the_table_says_utc() {
        let figure = trend(&history(), |at| offset(5).to_datetime(at), Options::default());
        let results = figure.data.iter().find(|trace| trace["name"] == "Result").unwrap();
        assert_eq!(results["x"][1], "1970-01-02T05:00:00");
        assert_eq!(figure.layout["annotations"][0]["x"], "1970-01-07T05:00:00");
        let said = results["hovertext"][1].as_str().unwrap();
        assert!(said.contains("<br>2 Jan 1970, 05:00<br>"), "{said}");
        assert_eq!(figure.table.rows[1][0], crate::Cell::from("1970-01-02T00:00:00Z"));
    }
}
