//! What a bar or point belongs to: its class (engine on device), its name, and what it says when pointed at.

use crate::{evidence, format};
use contract::{Evidence, Mode, RunRow};
use std::collections::BTreeSet;

/// The class that gives a mark its colour: an engine on a device.
pub fn class_of(row: &RunRow) -> String {
    let device = if row.device_name.is_empty() { row.platform.label() } else { &row.device_name };
    format!("{} · {device}", row.engine.label())
}

/// The place on the axis: model with what was fed to it.
pub fn setting_of(row: &RunRow) -> String {
    let size = row.size.map(|size| format!(" · {size}")).unwrap_or_default();
    let texts = match (row.mode, row.output_tokens) {
        (Mode::Generation, Some(tokens)) => format!(" · {tokens} tokens generated"),
        (Mode::Generation, None) => " · generation".to_owned(),
        _ => String::new(),
    };
    format!("{} · {} · batch {}{size}{texts}", row.model, row.precision.key(), row.batch)
}

/// All classes, sorted, so that a class keeps its colour while others come and go in the same picture.
pub fn classes<'a>(rows: impl Iterator<Item = &'a RunRow>) -> Vec<String> {
    let mut classes: Vec<String> = rows.map(class_of).collect();
    classes.sort();
    classes.dedup();
    classes
}

pub fn index_of(classes: &[String], class: &str) -> usize {
    classes.iter().position(|known| known == class).unwrap_or(0)
}

/// Name in the legend.
pub fn legend(class: &str, kind: Evidence) -> String {
    format!("{}{}", escaped(class), evidence::suffix(kind))
}

/// Text that plotly shows beside a mark: what it is, how sure, from how many samples, on what.
pub fn hover(row: &RunRow, figure: &str) -> String {
    let mut lines = vec![format!("<b>{}</b>", escaped(figure)), escaped(&setting_of(row)), escaped(&class_of(row))];
    lines.push(match (row.evidence, &row.source) {
        (Evidence::Measured, _) => measured_line(row),
        (kind, Some(source)) => format!("{} from {}", kind.label(), escaped(source)),
        (kind, None) => kind.label().to_owned(),
    });
    if let Some(reason) = &row.withheld {
        lines.push(format!("Not ranked: {}", escaped(reason)));
    }
    lines.join("<br>")
}

fn measured_line(row: &RunRow) -> String {
    let samples = row.samples.map(|samples| format!(", {} samples", format::count(samples.into()))).unwrap_or_default();
    let noise = row.noise.map(|noise| format!(", noise grade {}", noise.letter())).unwrap_or_default();
    format!("Measured here{samples}{noise}")
}

/// Plotly reads a little HTML in texts; names of models may hold anything.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The ends of a rate in samples a second: the slowest bound of the time is the lowest bound of the rate.
pub fn throughput_interval(row: &RunRow) -> (Option<f64>, Option<f64>) {
    let batch_ms = f64::from(row.batch) * 1000.0;
    (row.high_ms.map(|high| batch_ms / high), row.low_ms.map(|low| batch_ms / low))
}

/// Faded where the result takes no part in rankings.
pub fn opacity(row: &RunRow) -> f64 {
    if row.withheld.is_some() { 0.4 } else { 1.0 }
}

/// Of several results of one setting on one class and evidence the newest is kept.
/// Gives the kept rows and how many were left out.
pub fn newest(rows: Vec<&RunRow>) -> (Vec<&RunRow>, usize) {
    let all = rows.len();
    let kept = newest_of(rows, |row| (setting_of(row), class_of(row), row.evidence));
    let left_out = all - kept.len();
    (kept, left_out)
}

/// The first row of each key, which is the newest in every list of Assay.
pub fn newest_of<K: Ord>(rows: Vec<&RunRow>, key: impl Fn(&RunRow) -> K) -> Vec<&RunRow> {
    let mut seen = BTreeSet::new();
    rows.into_iter().filter(|row| seen.insert(key(row))).collect()
}
