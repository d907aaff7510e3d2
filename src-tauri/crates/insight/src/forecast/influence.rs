//! What times depend on, in plain words: how much they change where one thing alone changes.

use super::middle::middle;
use crate::table::Measurement;
use contract::Influence;
use std::collections::BTreeMap;

/// Pairs are taken from each setting in turn up to this many; more change nothing in the middle.
const MOST_PAIRS: usize = 20_000;
const LEAST_PAIRS: usize = 10;

type Word = fn(&Measurement) -> String;
const THINGS: [(&str, Word); 10] = [
    ("the model", |row| row.model.clone()),
    ("the hardware", |row| row.hardware.clone()),
    ("the engine", |row| row.runtime.clone()),
    ("the precision", |row| row.precision.clone()),
    ("inference or training", |row| row.mode.clone()),
    ("the version", |row| row.software.clone()),
    ("the batch", |row| number(row.batch)),
    ("the size", |row| number(row.size)),
    ("the number of devices", |row| number(row.devices)),
    ("the threads", |row| number(row.threads)),
];

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// What matters most comes first; what never varies alone is left out.
pub fn influences(rows: &[&Measurement]) -> Vec<Influence> {
    let timed: Vec<(Vec<String>, f64)> = rows
        .iter()
        .filter_map(|row| {
            let ms = row.latency_ms.filter(|ms| *ms > 0.0)?;
            Some((THINGS.iter().map(|(_, of)| of(row)).collect(), (ms / row.batch.unwrap_or(1.0)).ln()))
        })
        .collect();
    let mut influences: Vec<Influence> =
        THINGS.iter().enumerate().filter_map(|(thing, (what, _))| influence(&timed, thing, what)).collect();
    influences.sort_by(|a, b| b.factor.total_cmp(&a.factor));
    influences
}

fn influence(timed: &[(Vec<String>, f64)], thing: usize, what: &str) -> Option<Influence> {
    let mut alike: BTreeMap<Vec<&str>, Vec<(&str, f64)>> = BTreeMap::new();
    for (words, log) in timed {
        let others = words.iter().enumerate().filter(|(at, _)| *at != thing).map(|(_, word)| word.as_str());
        alike.entry(others.collect()).or_default().push((&words[thing], *log));
    }
    let mut changes: Vec<f64> = alike
        .into_values()
        .flat_map(|mut own| {
            own.sort_by(|a, b| a.0.cmp(b.0));
            own.windows(2)
                .filter(|pair| pair[0].0 != pair[1].0)
                .map(|pair| (pair[1].1 - pair[0].1).abs())
                .collect::<Vec<_>>()
        })
        .take(MOST_PAIRS)
        .collect();
    if changes.len() < LEAST_PAIRS {
        return None;
    }
    Some(Influence { what: what.to_owned(), factor: middle(&mut changes).exp(), pairs: changes.len() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_time_most_comes_first() {
        let rows: Vec<Measurement> = (0..120)
            .map(|at| {
                let (model, chip, precision) = (at / 4, at / 2 % 2, at % 2);
                Measurement {
                    model: format!("m{model}"),
                    hardware: format!("h{chip}"),
                    precision: format!("p{precision}"),
                    batch: Some(2.0),
                    latency_ms: Some(2.0 * 1.01_f64.powi(model) * 5.0_f64.powi(chip) * 1.5_f64.powi(precision)),
                    ..Measurement::default()
                }
            })
            .collect();
        let found = influences(&rows.iter().collect::<Vec<_>>());
        let told: Vec<(&str, f64)> =
            found.iter().map(|own| (own.what.as_str(), (own.factor * 100.0).round() / 100.0)).collect();
        assert_eq!(told[..2], [("the hardware", 5.0), ("the precision", 1.5)]);
        assert_eq!(told.len(), 3, "the model varies too, and nothing else does: {told:?}");
        assert!(
            found[1].to_string().starts_with("the precision changes the time per sample 1.50 times (the middle of 60")
        );
    }
}
