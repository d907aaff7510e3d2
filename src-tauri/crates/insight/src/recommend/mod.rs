//! "Where should this model run?": every setting that was ever measured, with what this model does there or would do.

mod candidates;
mod odds;

use crate::{
    forecast::{Interval, Support},
    table::Measurement,
};
use serde::Serialize;

/// The model, the work and the limits. What is left open is taken from the model's own rows.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub model: String,
    pub mode: Option<String>,
    pub batch: Option<f64>,
    pub size: Option<f64>,
    pub max_latency_ms: Option<f64>,
    pub max_memory_mb: Option<f64>,
    /// Samples a second.
    pub min_throughput: Option<f64>,
    /// Empty: all.
    pub precisions: Vec<String>,
    /// Empty: all.
    pub hardware: Vec<String>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RecommendError {
    #[error("no known row names the model `{model}`{}", suggestions(alike))]
    UnknownModel { model: String, alike: Vec<String> },
    #[error("no known row names the hardware `{hardware}`; the table has {known}")]
    UnknownHardware { hardware: String, known: String },
    #[error("no row of `{model}` has the mode `{mode}`; its rows have {known}")]
    UnknownMode { model: String, mode: String, known: String },
}

fn suggestions(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    pub model: String,
    pub mode: String,
    pub batch: Option<f64>,
    pub size: Option<f64>,
    /// `None` where nothing keeps the limits.
    pub choice: Option<Candidate>,
    /// What else keeps the limits, best first.
    pub alternatives: Vec<Candidate>,
    pub rejected: Vec<Rejected>,
    /// The one measurement that would most change the answer.
    pub next_run: Option<NextRun>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    pub hardware: String,
    pub runtime: String,
    pub precision: String,
    pub devices: Option<f64>,
    pub threads: Option<f64>,
    pub software: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    Measured,
    Predicted,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    pub setting: Setting,
    pub evidence: Evidence,
    /// Of one batch.
    pub latency_ms: Interval,
    pub samples_per_second: f64,
    pub peak_memory_mb: Option<Interval>,
    /// What a prediction rests on; blank for a measurement.
    pub support: Option<Support>,
    pub note: String,
    /// The chance that nothing else that keeps the limits is faster.
    pub probability_best: f64,
    /// How much slower than the best one it is on average, as a share.
    pub expected_regret: f64,
    /// Nothing that keeps the limits is both faster and smaller.
    pub on_front: bool,
    /// Why it is the choice, or why not.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    pub setting: Setting,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextRun {
    pub setting: Setting,
    pub seconds: f64,
    /// How much the expected regret of the choice falls by, as a share.
    pub regret_saved: f64,
}

/// Recommends from known rows alone.
///
/// # Errors
/// Where the wish names what the table has not.
pub fn recommend(known: &[&Measurement], wish: &Wish) -> Result<Recommendation, RecommendError> {
    let candidates::Field { mode, batch, size, candidates, mut rejected } = candidates::field(known, wish)?;
    let (mut able, unable): (Vec<Candidate>, Vec<(Candidate, String)>) = split(candidates, wish);
    rejected.extend(unable.into_iter().map(|(candidate, why)| Rejected { setting: candidate.setting, why }));
    let next_run = odds::weigh(&mut able);
    front(&mut able);
    able.sort_by(|a, b| {
        a.expected_regret.total_cmp(&b.expected_regret).then(a.latency_ms.value.total_cmp(&b.latency_ms.value))
    });
    explain(&mut able);
    let mut able = able.into_iter();
    Ok(Recommendation {
        model: wish.model.clone(),
        mode,
        batch,
        size,
        choice: able.next(),
        alternatives: able.collect(),
        rejected,
        next_run,
    })
}

/// Those that keep the limits, and the others with the limit they break.
fn split(candidates: Vec<Candidate>, wish: &Wish) -> (Vec<Candidate>, Vec<(Candidate, String)>) {
    let mut able = Vec::new();
    let mut unable = Vec::new();
    for candidate in candidates {
        match broken_limit(&candidate, wish) {
            Some(why) => unable.push((candidate, why)),
            None => able.push(candidate),
        }
    }
    (able, unable)
}

fn broken_limit(candidate: &Candidate, wish: &Wish) -> Option<String> {
    let word = match candidate.evidence {
        Evidence::Measured => "measured",
        Evidence::Predicted => "predicted",
    };
    let latency = candidate.latency_ms.value;
    if let Some(most) = wish.max_latency_ms.filter(|most| latency > *most) {
        return Some(format!("{word} at {} ms, more than the {} ms allowed", short(latency), short(most)));
    }
    let speed = candidate.samples_per_second;
    if let Some(least) = wish.min_throughput.filter(|least| speed < *least) {
        return Some(format!("{word} at {} samples/s, less than the {} wanted", short(speed), short(least)));
    }
    let most = wish.max_memory_mb?;
    match candidate.peak_memory_mb {
        None => Some("its memory is unknown, and memory is limited".into()),
        Some(memory) if memory.value > most => {
            Some(format!("{word} to need {} MB, more than the {} MB allowed", short(memory.value), short(most)))
        }
        Some(_) => None,
    }
}

fn front(candidates: &mut [Candidate]) {
    let points: Vec<(f64, Option<f64>)> =
        candidates.iter().map(|c| (c.latency_ms.value, c.peak_memory_mb.map(|memory| memory.value))).collect();
    for (at, candidate) in candidates.iter_mut().enumerate() {
        let (time, memory) = points[at];
        candidate.on_front = !points.iter().any(|(other_time, other_memory)| {
            let smaller = match (other_memory, memory) {
                (Some(other), Some(own)) => *other <= own,
                (_, None) => true,
                (None, Some(_)) => false,
            };
            *other_time < time && smaller
        });
    }
}

fn explain(sorted: &mut [Candidate]) {
    let Some(best) = sorted.first().map(|c| c.latency_ms.value) else { return };
    for (at, candidate) in sorted.iter_mut().enumerate() {
        let chance = (100.0 * candidate.probability_best).round();
        candidate.why = if at == 0 {
            format!("the lowest expected time; {chance} % sure to be the fastest that keeps the limits")
        } else {
            let times = candidate.latency_ms.value / best;
            format!("{} times the choice's time; {chance} % likely to be the fastest", short(times))
        };
    }
}

/// Three significant digits.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests;
