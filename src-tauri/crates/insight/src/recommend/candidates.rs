//! The settings to choose from, each with its measurement or a prediction.

use super::{Candidate, Evidence, RecommendError, Rejected, Setting, Wish};
use crate::{
    forecast::{Interval, forecast},
    table::Measurement,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub struct Field {
    pub mode: String,
    pub batch: Option<f64>,
    pub size: Option<f64>,
    pub candidates: Vec<Candidate>,
    /// Settings that this work cannot be judged on.
    pub rejected: Vec<Rejected>,
}

/// A batch this many times larger or smaller is another regime, which no row speaks for.
const NEAR_BATCH: f64 = 2.0;
const MOST_ALIKE: usize = 3;

pub fn field(known: &[&Measurement], wish: &Wish) -> Result<Field, RecommendError> {
    let own: Vec<&Measurement> = known.iter().copied().filter(|row| row.model == wish.model).collect();
    if own.is_empty() {
        return Err(RecommendError::UnknownModel { model: wish.model.clone(), alike: alike(known, &wish.model) });
    }
    let hardware: BTreeSet<&str> = known.iter().map(|row| row.hardware.as_str()).collect();
    if let Some(unknown) = wish.hardware.iter().find(|name| !hardware.contains(name.as_str())) {
        let known = hardware.into_iter().collect::<Vec<_>>().join(", ");
        return Err(RecommendError::UnknownHardware { hardware: unknown.clone(), known });
    }
    let modes: Vec<&str> = own.iter().map(|row| row.mode.as_str()).collect();
    let mode = wish.mode.clone().unwrap_or_else(|| most_frequent(&modes).unwrap_or_default().to_owned());
    let own: Vec<&Measurement> = own.into_iter().filter(|row| row.mode == mode).collect();
    if own.is_empty() {
        let known: BTreeSet<&str> = modes.into_iter().collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(RecommendError::UnknownMode { model: wish.model.clone(), mode, known });
    }
    let usual = |of: &dyn Fn(&Measurement) -> Option<f64>| {
        let bits: Vec<u64> = own.iter().filter_map(|row| of(row)).map(f64::to_bits).collect();
        most_frequent(&bits).map(f64::from_bits)
    };
    let batch = wish.batch.or_else(|| usual(&|row| row.batch));
    let size = wish.size.or_else(|| usual(&|row| row.size));
    let mut field = Field { mode, batch, size, candidates: Vec::new(), rejected: Vec::new() };
    let mut to_predict: Vec<(Setting, Measurement)> = Vec::new();
    for (setting, batches) in settings(known, &field.mode, wish) {
        match measured(&own, &setting, batch, size) {
            Some(candidate) => field.candidates.push(candidate),
            None if near(&batches, batch) => {
                let asked = Measurement {
                    model: wish.model.clone(),
                    family: own[0].family.clone(),
                    hardware: setting.hardware.clone(),
                    runtime: setting.runtime.clone(),
                    precision: setting.precision.clone(),
                    mode: field.mode.clone(),
                    software: setting.software.clone(),
                    batch,
                    size,
                    devices: setting.devices,
                    threads: setting.threads,
                    ..Measurement::default()
                };
                to_predict.push((setting, asked));
            }
            None => field.rejected.push(Rejected {
                setting,
                why: "nothing was measured in this setting at a batch near the one asked for".into(),
            }),
        }
    }
    if !to_predict.is_empty() {
        let asked: Vec<&Measurement> = to_predict.iter().map(|(_, asked)| asked).collect();
        let answers = forecast(known, &asked).answers;
        for ((setting, _), answer) in to_predict.into_iter().zip(answers) {
            match answer.latency_ms {
                Some(latency_ms) => field.candidates.push(Candidate {
                    support: Some(answer.support),
                    note: answer.note,
                    ..candidate(setting, Evidence::Predicted, latency_ms, answer.peak_memory_mb, batch)
                }),
                None => field.rejected.push(Rejected { setting, why: answer.note }),
            }
        }
    }
    Ok(field)
}

/// Every setting of the mode that is allowed, in its usual software, with the batches that were measured in it.
fn settings(known: &[&Measurement], mode: &str, wish: &Wish) -> Vec<(Setting, Vec<f64>)> {
    let allowed = |list: &[String], name: &String| list.is_empty() || list.contains(name);
    type Place<'a> = (&'a str, &'a str, &'a str, [Option<u64>; 2]);
    let mut rows: BTreeMap<Place, Vec<&Measurement>> = BTreeMap::new();
    for row in known.iter().filter(|row| row.mode == mode) {
        if allowed(&wish.precisions, &row.precision) && allowed(&wish.hardware, &row.hardware) {
            let numbers = [row.devices, row.threads].map(|value| value.map(f64::to_bits));
            rows.entry((&row.hardware, &row.runtime, &row.precision, numbers)).or_default().push(row);
        }
    }
    rows.into_values()
        .map(|rows| {
            let software: Vec<&str> = rows.iter().map(|row| row.software.as_str()).collect();
            let first = rows[0];
            let setting = Setting {
                hardware: first.hardware.clone(),
                runtime: first.runtime.clone(),
                precision: first.precision.clone(),
                devices: first.devices,
                threads: first.threads,
                software: most_frequent(&software).unwrap_or_default().to_owned(),
            };
            (setting, rows.iter().filter_map(|row| row.batch).collect())
        })
        .collect()
}

/// The middle of what was measured of this very work in a setting; its interval spans the repetitions.
fn measured(own: &[&Measurement], setting: &Setting, batch: Option<f64>, size: Option<f64>) -> Option<Candidate> {
    let same: Vec<&&Measurement> = own
        .iter()
        .filter(|row| {
            row.hardware == setting.hardware
                && row.runtime == setting.runtime
                && row.precision == setting.precision
                && row.devices == setting.devices
                && row.threads == setting.threads
                && row.batch == batch
                && row.size == size
        })
        .collect();
    let latency = middle(same.iter().filter_map(|row| row.latency_ms).collect())?;
    let memory = middle(same.iter().filter_map(|row| row.peak_memory_mb).collect());
    Some(candidate(setting.clone(), Evidence::Measured, latency, memory, batch))
}

fn middle(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_by(f64::total_cmp);
    Some(Interval { value: *values.get(values.len() / 2)?, low: values[0], high: values[values.len() - 1] })
}

fn candidate(
    setting: Setting,
    evidence: Evidence,
    latency_ms: Interval,
    peak_memory_mb: Option<Interval>,
    batch: Option<f64>,
) -> Candidate {
    Candidate {
        setting,
        evidence,
        latency_ms,
        samples_per_second: 1000.0 * batch.unwrap_or(1.0) / latency_ms.value,
        peak_memory_mb,
        support: None,
        note: String::new(),
        probability_best: 0.0,
        expected_regret: 0.0,
        on_front: false,
        why: String::new(),
    }
}

fn near(batches: &[f64], batch: Option<f64>) -> bool {
    let Some(batch) = batch else { return true };
    batches.is_empty() || batches.iter().any(|other| (other / batch).max(batch / other) <= NEAR_BATCH)
}

/// The first of those seen most often.
fn most_frequent<T: Copy + Eq + std::hash::Hash>(values: &[T]) -> Option<T> {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for value in values {
        *counts.entry(*value).or_default() += 1;
    }
    let most = counts.values().max()?;
    values.iter().copied().find(|value| counts[value] == *most)
}

/// Names that begin alike, longest first.
fn alike(known: &[&Measurement], model: &str) -> Vec<String> {
    let shared = |name: &str| name.chars().zip(model.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let names: BTreeSet<&str> = known.iter().map(|row| row.model.as_str()).collect();
    let mut names: Vec<(usize, &str)> =
        names.into_iter().map(|name| (shared(name), name)).filter(|(n, _)| *n >= 3).collect();
    names.sort_by_key(|(shared, name)| (std::cmp::Reverse(*shared), name.len()));
    names.into_iter().take(MOST_ALIKE).map(|(_, name)| name.to_owned()).collect()
}
