//! `assay watch`: where series of measurements changed, for people and for CI.

use super::output::{Output, Stop};
use clap::{Args, ValueEnum};
use contract::{Change, Direction, Failure, Newest, WatchReport, WatchRules};
use insight::watch::{RefusedRow, SeriesTable, is_regression, read, summary};
use serde::Serialize;
use std::{fs, path::PathBuf};

/// Find where series of measurements changed for good, and what changed with them.
///
/// Exits with 3 where a series got worse by the threshold or more.
#[derive(Args)]
pub struct Watch {
    /// A CSV table with the columns series, at and value; any further column describes the environment of a point
    /// (device, driver, engine version …).
    #[arg(long, value_name = "FILE.csv")]
    series: PathBuf,
    /// Which way is good: times are better when lower, throughput when higher.
    #[arg(long, value_enum, default_value_t = Better::Lower)]
    better: Better,
    /// A change for the worse of this size or more is a regression.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    threshold: f64,
    /// Changes below this are not reported.
    #[arg(long, value_name = "PERCENT", default_value_t = 2.0)]
    smallest_change: f64,
    /// The largest chance of a change point where nothing changed.
    #[arg(long, value_name = "CHANCE", default_value_t = WatchRules::default().p)]
    p: f64,
    /// Only changes at this number or time, or later, count as regressions.
    #[arg(long, value_name = "AT")]
    since: Option<String>,
    /// Write a summary in Markdown here.
    #[arg(long, value_name = "FILE.md")]
    summary: Option<PathBuf>,
    /// Print the whole report as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Better {
    Lower,
    Higher,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    rules: WatchRules,
    /// As a share.
    threshold: f64,
    regressions: Vec<Regression<'a>>,
    #[serde(flatten)]
    report: &'a WatchReport,
    refused: &'a [RefusedRow],
    repeated: usize,
    in_file_order: bool,
}

#[derive(Serialize)]
struct Regression<'a> {
    series: &'a str,
    index: usize,
    at: &'a str,
    change: f64,
}

impl Watch {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let rules = self.rules()?;
        let threshold = share("--threshold", self.threshold)?;
        let name = self.series.display().to_string();
        let file = fs::File::open(&self.series).map_err(|e| Failure::bad_input(name.as_str(), e.to_string()))?;
        let table = read(file).map_err(|e| Failure::bad_input(name.as_str(), e.to_string()))?;
        let report = insight::watch::watch(&table, &rules);
        let regressions = self.regressions(&report, threshold)?;
        let count = regressions.len();
        if let Some(path) = &self.summary {
            fs::write(path, summary(&report, &table, threshold))
                .map_err(|e| Failure::bad_input(path.display().to_string(), e.to_string()))?;
        }
        if self.json {
            let SeriesTable { refused, repeated, in_file_order, .. } = &table;
            let (repeated, in_file_order) = (*repeated, *in_file_order);
            let report = &report;
            output.json(&Document { rules, threshold, regressions, report, refused, repeated, in_file_order })?;
        } else {
            output.lines(lines(&report, &table))?;
        }
        if count == 0 {
            return Ok(());
        }
        eprintln!(
            "assay: {count} {} of {} % or more",
            if count == 1 { "regression" } else { "regressions" },
            self.threshold
        );
        Err(Stop::Regressed)
    }

    fn rules(&self) -> Result<WatchRules, Failure> {
        if !(1e-12..=0.05).contains(&self.p) {
            return Err(Failure::bad_input("--p", "it must lie between 1e-12 and 0.05"));
        }
        let better = match self.better {
            Better::Lower => contract::Better::Lower,
            Better::Higher => contract::Better::Higher,
        };
        Ok(WatchRules { better, smallest_change: share("--smallest-change", self.smallest_change)?, p: self.p })
    }

    fn regressions<'a>(&self, report: &'a WatchReport, threshold: f64) -> Result<Vec<Regression<'a>>, Failure> {
        let all = report.series.iter().flat_map(|series| series.changes.iter().map(move |change| (series, change)));
        let mut found = Vec::new();
        for (series, change) in all.filter(|(_, change)| is_regression(change, threshold)) {
            if self.counts(change)? {
                let Change { index, at, change, .. } = change;
                found.push(Regression { series: &series.series, index: *index, at, change: *change });
            }
        }
        Ok(found)
    }

    fn counts(&self, change: &Change) -> Result<bool, Failure> {
        let Some(since) = &self.since else { return Ok(true) };
        SeriesTable::is_since(&change.at, since).ok_or_else(|| {
            Failure::bad_input("--since", format!("{since} cannot be compared with {} in the column at", change.at))
                .remedy("Both must be numbers, or dates such as 2026-11-25")
        })
    }
}

/// A share from a percentage above zero.
fn share(option: &str, percent: f64) -> Result<f64, Failure> {
    if percent > 0.0 && percent <= 1000.0 {
        Ok(percent / 100.0)
    } else {
        Err(Failure::bad_input(option, "it must be above 0 and at most 1000 percent"))
    }
}

fn lines(report: &WatchReport, table: &SeriesTable) -> Vec<String> {
    let mut lines = Vec::new();
    for alert in &report.alerts {
        lines.push(alert.title.clone());
        for change in &alert.changes {
            lines.push(format!("  {} at point {}", change.series, change.index + 1));
        }
    }
    for series in &report.series {
        if let Newest::Suspect { change, direction: Direction::Worse, .. } = &series.newest {
            lines.push(format!(
                "{}: the newest point is {:+.1} % off; measure it again",
                series.series,
                change * 100.0
            ));
        }
    }
    let points: usize = report.series.iter().map(|series| series.points).sum();
    lines.push(format!("{} series, {points} points, {} alerts", report.series.len(), report.alerts.len()));
    if let [first, ..] = &table.refused[..] {
        let count = table.refused.len();
        lines.push(format!(
            "{count} rows were refused, the first in line {}: its value is {}",
            first.line, first.reason
        ));
    }
    if table.repeated > 0 {
        lines.push(format!("{} rows repeat another one and were counted once", table.repeated));
    }
    if table.in_file_order {
        lines.push("the column at holds neither numbers nor times, so the order of the rows was taken".into());
    }
    lines
}
