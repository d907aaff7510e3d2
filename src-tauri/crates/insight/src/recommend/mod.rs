//! "Where should this model run?": every setting that was ever measured, with what this model does there or would do.

mod candidates;
mod odds;

use crate::{
    forecast::{Interval, Support},
    table::Measurement,
};
use contract::{SURE_OF_LIMITS, chance_text, percent_text, short_text};
use serde::Serialize;

/// The piece of work to place. What is left open is taken from the model's own rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    pub model: String,
    pub mode: Option<String>,
    pub batch: Option<f64>,
    pub size: Option<f64>,
    /// What is known of the model apart from its rows; with it, a model without any is predicted from others.
    pub described: Option<Described>,
}

/// A model by what its graph says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    pub family: String,
    pub parameters: Option<f64>,
    /// Multiply-accumulates of one sample.
    pub macs: Option<f64>,
    /// Elements.
    pub activations: Option<f64>,
}

/// What a setting must keep to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub max_latency_ms: Option<f64>,
    /// On the 95th percentile. Only a measurement with samples enough tells it.
    pub max_p95_ms: Option<f64>,
    pub max_memory_mb: Option<f64>,
    /// Samples a second.
    pub min_throughput: Option<f64>,
}

impl Limits {
    /// What one batch may take, as far as it is limited.
    fn longest_ms(&self, batch: Option<f64>) -> f64 {
        let by_rate = self.min_throughput.map(|rate| 1000.0 * batch.unwrap_or(1.0) / rate);
        by_rate.into_iter().chain(self.max_latency_ms).fold(f64::INFINITY, f64::min)
    }
}

/// Why a setting is out of the question, whatever its time; none where it is not.
pub type Unwanted<'a> = &'a dyn Fn(&Setting) -> Option<String>;

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RecommendError {
    #[error("no known row names the model `{model}`{}", suggestions(alike))]
    UnknownModel { model: String, alike: Vec<String> },
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
    /// The others, the most telling first: where the one cannot be made, one of these may be.
    pub further_runs: Vec<NextRun>,
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
    /// Standard deviation of the time's logarithm: how far off a prediction may be, and what measurements leave open.
    pub deviation: f64,
    pub samples_per_second: f64,
    pub peak_memory_mb: Option<Interval>,
    /// Of one batch, where enough samples were taken to tell.
    pub p95_ms: Option<f64>,
    /// What a prediction rests on; blank for a measurement.
    pub support: Option<Support>,
    pub note: String,
    /// The chance that it keeps the limits; 1 for a measurement.
    pub keeps_limits: f64,
    /// The chance that it keeps the limits and that nothing else that does is faster.
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
    /// The chance that the setting keeps the limits, which the run tells too.
    pub keeps_limits: f64,
}

/// Every setting that was ever measured, with what this work takes there: learned once, asked with any limits.
#[derive(Clone, Debug)]
pub struct Survey {
    pub model: String,
    pub mode: String,
    pub batch: Option<f64>,
    pub size: Option<f64>,
    /// How far one result lies from what its setting takes: the standard deviation of its logarithm.
    pub repeat: f64,
    pub candidates: Vec<Candidate>,
    /// Settings that this work cannot be judged on.
    pub rejected: Vec<Rejected>,
}

impl Survey {
    /// Learns from known rows alone.
    ///
    /// # Errors
    /// Where the work names what the rows have not.
    pub fn of(known: &[&Measurement], work: &Work) -> Result<Self, RecommendError> {
        candidates::survey(known, work)
    }

    /// Each of these models in its usual work, on the wanted settings alone; learned together.
    pub fn of_all(known: &[&Measurement], models: &[&str], wanted: &dyn Fn(&Setting) -> bool) -> Vec<Self> {
        candidates::survey_all(known, models, wanted)
    }

    /// The best setting of those that keep the limits and are wanted.
    pub fn choose(&self, limits: &Limits, unwanted: Unwanted) -> Recommendation {
        let mut able = Vec::new();
        let mut rejected = self.rejected.clone();
        for candidate in &self.candidates {
            match unwanted(&candidate.setting).or_else(|| broken_limit(candidate, limits)) {
                Some(why) => rejected.push(Rejected { setting: candidate.setting.clone(), why }),
                None => able.push(candidate.clone()),
            }
        }
        let mut runs = odds::weigh(&mut able, self, limits);
        front(&mut able);
        able.sort_by(|a, b| {
            a.expected_regret.total_cmp(&b.expected_regret).then(a.latency_ms.value.total_cmp(&b.latency_ms.value))
        });
        explain(&mut able);
        // Whether the choice keeps the limits matters more than how much faster another may be.
        let doubtful = able.first().filter(|choice| choice.keeps_limits < SURE_OF_LIMITS);
        if let Some(at) = doubtful.and_then(|choice| runs.iter().position(|run| run.setting == choice.setting)) {
            runs[..=at].rotate_right(1);
        }
        let (mut able, mut runs) = (able.into_iter(), runs.into_iter());
        Recommendation {
            model: self.model.clone(),
            mode: self.mode.clone(),
            batch: self.batch,
            size: self.size,
            choice: able.next(),
            alternatives: able.collect(),
            rejected,
            next_run: runs.next(),
            further_runs: runs.collect(),
        }
    }
}

fn broken_limit(candidate: &Candidate, limits: &Limits) -> Option<String> {
    let word = match candidate.evidence {
        Evidence::Measured => "measured",
        Evidence::Predicted => "predicted",
    };
    let latency = candidate.latency_ms.value;
    if let Some(most) = limits.max_latency_ms.filter(|most| latency > *most) {
        return Some(format!("{word} at {} ms, more than the {} ms allowed", short_text(latency), short_text(most)));
    }
    if let Some(most) = limits.max_p95_ms {
        match candidate.p95_ms {
            _ if latency > most => {
                let (typical, most) = (short_text(latency), short_text(most));
                return Some(format!(
                    "{word} at {typical} ms typically, already more than the {most} ms allowed to p95"
                ));
            }
            None => return Some("its p95 is unknown: only a measurement with 200 samples or more tells it".into()),
            Some(p95) if p95 > most => {
                return Some(format!(
                    "p95 {word} at {} ms, more than the {} ms allowed",
                    short_text(p95),
                    short_text(most)
                ));
            }
            Some(_) => {}
        }
    }
    let speed = candidate.samples_per_second;
    if let Some(least) = limits.min_throughput.filter(|least| speed < *least) {
        return Some(format!("{word} at {} samples/s, less than the {} wanted", short_text(speed), short_text(least)));
    }
    let most = limits.max_memory_mb?;
    match candidate.peak_memory_mb {
        None => Some("its memory is unknown, and memory is limited".into()),
        Some(memory) if memory.value > most => Some(format!(
            "{word} to need {} MB, more than the {} MB allowed",
            short_text(memory.value),
            short_text(most)
        )),
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
        let chance = chance_text(candidate.probability_best);
        candidate.why = if at == 0 {
            format!("the lowest expected time; {chance} sure to be the fastest that keeps the limits")
        } else {
            let times = candidate.latency_ms.value / best;
            format!("{} times the choice's time; {chance} likely to be the fastest", short_text(times))
        };
        if candidate.keeps_limits < SURE_OF_LIMITS {
            candidate.why += &format!("; {} sure to keep the limits", percent_text(candidate.keeps_limits));
        }
    }
}

#[cfg(test)]
mod tests;
