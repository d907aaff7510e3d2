//! Watching: where series of measurements changed for good, what was only a spike, and what changed with them.

mod alerts;
mod causes;
mod energy;
mod newest;
pub(crate) mod noise;
mod series;
mod spikes;
mod steps;
mod summary;

pub use series::{Point, RefusedRow, Series, SeriesError, SeriesTable, read};
pub use summary::{is_regression, summary};

use causes::Transitions;
use contract::{Anomaly, Better, Change, Direction, WatchReport, WatchRules, WatchedSeries};
use steps::Step;

/// The chance that the interval of a change misses it.
const INTERVAL_P: f64 = 0.05;

/// Changes of each series, and alerts over all of them.
pub fn watch(table: &SeriesTable, rules: &WatchRules) -> WatchReport {
    let mut series: Vec<WatchedSeries> = table.series.iter().map(|series| watch_one(series, rules)).collect();
    let transitions = Transitions::of(table, &series);
    for (watched, series) in series.iter_mut().zip(&table.series) {
        for change in &mut watched.changes {
            change.causes = transitions.causes(&table.columns, series, change.index);
        }
    }
    let alerts = alerts::alerts(table, &series);
    WatchReport { series, alerts }
}

fn watch_one(series: &Series, rules: &WatchRules) -> WatchedSeries {
    let logs: Vec<f64> = series.points.iter().map(|point| point.value.ln()).collect();
    let clean = spikes::clean(&logs);
    let steps = steps::steps(&clean.values, rules.p, rules.smallest_change);
    let level = &clean.values[steps.last().map_or(0, |step| step.index)..];
    let last = logs.len().saturating_sub(1);
    let anomalies =
        clean.spikes.iter().filter(|(index, away)| *index < last && away.abs() >= rules.smallest_change.ln_1p());
    WatchedSeries {
        series: series.name.clone(),
        points: series.points.len(),
        level: if level.is_empty() { 0.0 } else { noise::median(level).exp() },
        noise: noise::of(level),
        changes: steps.iter().map(|step| change(series, step, rules)).collect(),
        anomalies: anomalies
            .map(|(index, away)| Anomaly {
                index: *index,
                at: series.points[*index].at.clone(),
                value: series.points[*index].value,
                change: away.exp_m1(),
            })
            .collect(),
        newest: newest::newest(&logs[logs.len() - level.len()..], rules),
    }
}

fn change(series: &Series, step: &Step, rules: &WatchRules) -> Change {
    let (test, index) = (&step.test, step.index);
    let reach = crate::student::quantile(INTERVAL_P, test.df) * test.standard_error;
    let p = test.p();
    Change {
        index,
        at: series.points[index].at.clone(),
        last_before: series.points[index - 1].at.clone(),
        before: test.before.exp(),
        after: test.after.exp(),
        change: test.difference().exp_m1(),
        change_low: (test.difference() - reach).exp_m1(),
        change_high: (test.difference() + reach).exp_m1(),
        direction: direction(test.difference(), rules.better),
        p,
        confidence: 1.0 - p,
        causes: Vec::new(),
    }
}

fn direction(difference: f64, better: Better) -> Direction {
    match (difference > 0.0, better) {
        (true, Better::Lower) | (false, Better::Higher) => Direction::Worse,
        _ => Direction::Better,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four series on two drivers: those on the GPU go from 535 to 550 at point 12 and get slower, the others do not.
    fn table() -> SeriesTable {
        let mut text = String::from("series,at,value,device,driver\n");
        for i in 0..24 {
            let wobble = 1.0 + f64::from(i * i % 6) / 1000.0;
            let (driver, slower) = if i < 12 { ("535", 1.0) } else { ("550", 1.1) };
            for series in ["a", "b", "c"] {
                text += &format!("{series},{i},{},gpu,{driver}\n", 10.0 * wobble * slower);
            }
            let spike = if i == 8 { 1.5 } else { 1.0 };
            text += &format!("calm,{i},{},cpu,\n", 20.0 * wobble * spike);
        }
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn changes_with_one_cause_are_one_alert_that_names_it() {
        let report = watch(&table(), &WatchRules::default());
        assert_eq!(report.alerts.len(), 1, "{:#?}", report.alerts);
        let alert = &report.alerts[0];
        assert_eq!(alert.title, "3 series worse (typically +10.0 %) since driver went from 535 to 550");
        assert_eq!((alert.changes.len(), alert.changes[0].index), (3, 12));
        assert_eq!((alert.causes[0].changed, alert.causes[0].unchanged), (3, 0));
        assert!(alert.shared.contains(&("device".into(), "gpu".into())));
    }

    #[test]
    fn a_change_tells_its_size_with_its_interval() {
        let report = watch(&table(), &WatchRules::default());
        let change = &report.series[0].changes[0];
        assert!(change.change_low < 0.1 && 0.1 < change.change_high, "{change:?}");
        assert!((change.after / change.before - 1.0 - change.change).abs() < 1e-9);
        assert!(change.p < 1e-4 && change.direction == Direction::Worse);
    }

    #[test]
    fn a_spike_is_an_anomaly_and_no_change() {
        let report = watch(&table(), &WatchRules::default());
        let calm = report.series.iter().find(|series| series.series == "calm").unwrap();
        assert_eq!(calm.changes, []);
        assert_eq!(calm.anomalies.len(), 1);
        assert_eq!(calm.anomalies[0].index, 8);
        assert!((calm.anomalies[0].change - 0.5).abs() < 0.02);
    }

    #[test]
    fn what_is_good_may_be_more() {
        let report = watch(&table(), &WatchRules { better: Better::Higher, ..WatchRules::default() });
        assert_eq!(report.alerts[0].direction, Direction::Better);
    }

    #[test]
    fn without_an_environment_each_series_is_an_alert_of_its_own() {
        let mut table = table();
        table.columns.clear();
        for point in table.series.iter_mut().flat_map(|series| &mut series.points) {
            point.environment.clear();
        }
        let report = watch(&table, &WatchRules::default());
        assert_eq!(report.alerts.len(), 3);
        assert!(report.alerts[0].title.ends_with("nothing recorded of the environment changed there"));
    }

    #[test]
    fn a_summary_lists_every_regression_and_cannot_be_broken_by_a_name() {
        let mut table = table();
        table.series[0].name = "a | <b>".into();
        let report = watch(&table, &WatchRules::default());
        let text = summary(&report, &table, 0.05);
        assert!(text.contains("4 series, 96 points, 3 change points, 3 worse by 5.0 % or more."), "{text}");
        assert!(text.contains("| a \\| \\<b\\> | 12 |"), "{text}");
    }

    #[test]
    fn an_empty_table_gives_an_empty_report() {
        let table = read("series,at,value\n".as_bytes()).unwrap();
        assert_eq!(watch(&table, &WatchRules::default()), WatchReport::default());
    }
}
