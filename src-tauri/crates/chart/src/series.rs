//! What a bar or point belongs to: its class (engine on device), its name, and what it says when pointed at.

use crate::{evidence, format};
use contract::{Evidence, Mode, RunRow, SizeUnit, TaskUnit, size_text};
use std::collections::BTreeSet;

/// The class that gives a mark its colour: an engine on a device.
pub fn class_of(row: &RunRow) -> String {
    let device = if row.device_name.is_empty() { row.platform.label() } else { &row.device_name };
    format!("{} · {device}", row.engine.label())
}

/// A size in few words. Of tokens and pixels the number alone, as not every result knows which of them it counts.
pub fn size_of(size: u32, unit: Option<SizeUnit>) -> String {
    match unit {
        None | Some(SizeUnit::Tokens) => size.to_string(),
        sound => size_text(size, sound),
    }
}

/// The place on the axis: model with what was fed to it.
pub fn setting_of(row: &RunRow) -> String {
    let size = row.size.map(|size| format!(" · {}", size_of(size, row.size_unit))).unwrap_or_default();
    let fed = row.fed();
    let further: String = fed.further().iter().map(|dim| format!(" · {dim}")).collect();
    // A table tells how long its texts are among their dimensions.
    let texts = match (row.mode, row.output_tokens.or_else(|| fed.output_tokens())) {
        (Mode::Generation, Some(tokens)) => format!(" · {tokens} tokens generated"),
        (Mode::Generation, None) => " · generation".to_owned(),
        _ => String::new(),
    };
    format!("{} · {} · batch {}{size}{further}{texts}", row.model, row.precision.key(), row.batch)
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
    lines.extend(otherwise(row));
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

/// Where another precision ran than was asked for, or a part of the work ran on another device.
fn otherwise(row: &RunRow) -> Option<String> {
    let ran = row.ran();
    (ran != row.precision.key()).then(|| format!("Asked for {ran}"))
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

/// How many of what throughput is told in a sample has, where that is the unit of a task; 1 where it is samples.
pub fn told_per_sample(row: &RunRow, task: Option<TaskUnit>) -> f64 {
    row.per_sample.filter(|sample| Some(sample.unit) == task).map_or(1.0, |sample| sample.count)
}

/// The ends of a throughput in the unit of a task, else in samples: the slowest bound of the time is the lowest of the
/// rate.
pub fn throughput_interval(row: &RunRow, task: Option<TaskUnit>) -> (Option<f64>, Option<f64>) {
    let batch_ms = f64::from(row.batch) * 1000.0 * told_per_sample(row, task);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::measured;
    use contract::Precision;

    #[test]
    fn other_dimensions_are_another_setting_and_sound_is_told_in_seconds() {
        let row = measured("net", "candle", 1, 10.0);
        let heard =
            RunRow { size: Some(160_000), size_unit: Some(SizeUnit::Sound { per_second: 16_000 }), ..row.clone() };
        let further = RunRow { dims: Some("frames=8".into()), ..row.clone() };
        let told = [&row, &heard, &further].map(setting_of);
        let expected = ["batch 1 · 128", "batch 1 · 10 s of sound", "batch 1 · 128 · frames 8"];
        assert_eq!(told, expected.map(|fed| format!("net · f32 · {fed}")));
        assert_eq!(newest(vec![&row, &further, &row]).0.len(), 2);
        let text = RunRow { mode: Mode::Generation, dims: Some("output=32".into()), ..row };
        assert_eq!(setting_of(&text), "net · f32 · batch 1 · 128 · 32 tokens generated");
    }

    #[test]
    fn what_ran_otherwise_than_asked_for_is_said() {
        let row = measured("net", "candle", 1, 10.0);
        assert!(!hover(&row, "10 ms").contains("Asked for"));
        let ran = RunRow { precision: Precision::F16, device_share: Some(0.12), ..row };
        assert!(hover(&ran, "10 ms").contains("<br>Asked for f16, ran in f32, 12 % on this device<br>"));
        let mixture = RunRow { all_experts: true, ..measured("moe", "candle", 1, 10.0) };
        assert!(hover(&mixture, "10 ms").contains("<br>Asked for f32, all experts computed<br>"));
    }
}
