//! A report as Markdown, for a pull request or the summary of a CI run.

use super::SeriesTable;
use contract::{Alert, Change, Direction, Newest, WatchReport, WatchedSeries};
use std::{collections::HashMap, fmt::Write};

/// More rows than this are counted only: a summary is read by people.
const MOST_ROWS: usize = 50;
const MOST_ALERTS: usize = 50;

/// The alerts with their series, then suspects; `threshold` is what counts as a regression, as a share.
pub fn summary(report: &WatchReport, table: &SeriesTable, threshold: f64) -> String {
    let mut text = String::from("## Assay watch\n\n");
    let points: usize = report.series.iter().map(|series| series.points).sum();
    let changes: usize = report.series.iter().map(|series| series.changes.len()).sum();
    let _ = writeln!(
        text,
        "{} series, {points} points, {changes} change points, {} worse by {:.1} % or more.\n",
        report.series.len(),
        report.series.iter().flat_map(|series| &series.changes).filter(|c| is_regression(c, threshold)).count(),
        threshold * 100.0,
    );
    let by_name = report.series.iter().map(|series| (series.series.as_str(), series)).collect();
    for alert in report.alerts.iter().take(MOST_ALERTS) {
        alert_section(&mut text, alert, &by_name);
    }
    if report.alerts.len() > MOST_ALERTS {
        let _ = writeln!(text, "… and {} more alerts.\n", report.alerts.len() - MOST_ALERTS);
    }
    suspects(&mut text, &report.series);
    if !table.refused.is_empty() {
        let _ = writeln!(
            text,
            "{} rows were refused: their value is blank, zero, negative or not finite.\n",
            table.refused.len()
        );
    }
    text
}

/// Whether a change is worse by the threshold or more, whichever way is worse.
pub fn is_regression(change: &Change, threshold: f64) -> bool {
    change.direction == Direction::Worse && change.change.abs() >= threshold
}

fn alert_section(text: &mut String, alert: &Alert, by_name: &HashMap<&str, &WatchedSeries>) {
    let mark = match alert.direction {
        Direction::Worse => "🔴",
        Direction::Better => "🟢",
    };
    let _ = writeln!(text, "### {mark} {}\n", escape(&alert.title));
    for cause in &alert.causes {
        let _ = writeln!(
            text,
            "- `{}`: {} → {} ({} series changed there, {} did not)",
            cause.column,
            escape(&cause.before),
            escape(&cause.after),
            cause.changed,
            cause.unchanged
        );
    }
    for (column, value) in &alert.shared {
        let _ = writeln!(text, "- same in all: `{column}` {}", escape(value));
    }
    text.push_str(if alert.causes.is_empty() && alert.shared.is_empty() { "" } else { "\n" });
    text.push_str("| series | since | before | after | change | 95 % interval | p |\n| --- | --- | ---: | ---: | ---: | --- | ---: |\n");
    for place in alert.changes.iter().take(MOST_ROWS) {
        let series = by_name.get(place.series.as_str());
        let Some(change) = series.and_then(|series| series.changes.iter().find(|c| c.index == place.index)) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.4} | {:.4} | {:+.1} % | {:+.1} to {:+.1} % | {:.0e} |",
            escape(&place.series),
            escape(&change.at),
            change.before,
            change.after,
            change.change * 100.0,
            change.change_low * 100.0,
            change.change_high * 100.0,
            change.p
        );
    }
    if alert.changes.len() > MOST_ROWS {
        let _ = writeln!(text, "\n… and {} more series.", alert.changes.len() - MOST_ROWS);
    }
    text.push('\n');
}

fn suspects(text: &mut String, series: &[WatchedSeries]) {
    let mut suspects = series.iter().filter_map(|series| match &series.newest {
        Newest::Suspect { change, direction: Direction::Worse, .. } => Some((series, change)),
        _ => None,
    });
    let Some(first) = suspects.next() else { return };
    text.push_str("### Newest points to measure again\n\n");
    for (series, change) in std::iter::once(first).chain(suspects).take(MOST_ROWS) {
        let _ = writeln!(text, "- {}: {:+.1} % against its level", escape(&series.series), change * 100.0);
    }
    text.push('\n');
}

/// Text that a table's cell or a heading shows as it is.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}
