//! The few models whose measurement tells most about a device that was never measured.

use super::middle::middle;
use crate::table::Measurement;
use std::collections::{BTreeMap, HashSet};

/// Anchor models and how long measuring them takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Anchors {
    pub models: Vec<String>,
    pub minutes: f64,
}

const MOST_ANCHORS: usize = 15;
/// Loading, checking and warming up one model.
const SECONDS_EACH: f64 = 6.0;
/// Timed repetitions of one model.
const REPETITIONS: f64 = 30.0;

/// Models measured on many devices, from the fastest to the slowest in even steps.
pub fn anchors(known: &[&Measurement]) -> Anchors {
    let mut on: BTreeMap<&str, (HashSet<&str>, Vec<f64>)> = BTreeMap::new();
    for row in known.iter().filter(|row| !row.model.is_empty()) {
        let (hardware, times) = on.entry(&row.model).or_default();
        hardware.insert(&row.hardware);
        times.extend(row.latency_ms);
    }
    let mut breadths: Vec<usize> = on.values().map(|(hardware, _)| hardware.len()).collect();
    breadths.sort_unstable();
    let broad = breadths.get(breadths.len() / 2).copied().unwrap_or(0);
    let mut candidates: Vec<(f64, &str)> = on
        .into_iter()
        .filter(|(_, (hardware, times))| hardware.len() >= broad && !times.is_empty())
        .map(|(model, (_, mut times))| (middle(&mut times), model))
        .collect();
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = candidates.len().min(MOST_ANCHORS);
    let chosen: Vec<(f64, &str)> =
        (0..count).map(|step| candidates[step * (candidates.len() - 1) / (count - 1).max(1)]).collect();
    let seconds: f64 = chosen.iter().map(|(ms, _)| SECONDS_EACH + REPETITIONS * ms / 1000.0).sum();
    Anchors { models: chosen.into_iter().map(|(_, model)| model.to_owned()).collect(), minutes: seconds / 60.0 }
}
