//! Predicting what was not measured, from what was.
//!
//! Times are compared per sample and on a logarithmic scale. Works and configurations get a few hidden traits each
//! (`factors`), several layouts of which are stacked with what times on other hardware tell (`sums`, `transfer`), or the
//! names of models (`relatives`). What is left is corrected from how the fits erred on questions of the same kind, by
//! works like this one (`echo`) and by trees, and how large errors are around a question sets the width of its interval.
//! Everything beyond the fits is learned and checked on inner splits that hide known rows just as the question's row is
//! hidden (`support`).

mod age;
mod anchors;
mod baseline;
mod boost;
mod conformal;
mod describe;
mod duplicates;
mod echo;
mod elsewhere;
mod factors;
mod frame;
mod influence;
mod keying;
mod kin;
mod kriging;
mod learn;
pub(crate) mod linear;
mod memory;
mod middle;
mod practice;
mod relatives;
mod repeats;
mod stack;
mod sums;
mod support;
mod transfer;
mod twins;

pub use anchors::{Anchors, anchors};
pub use baseline::Baseline;
pub use contract::{ForecastSupport as Support, Interval};
pub use duplicates::without_copies;
pub use influence::influences;
pub use repeats::repeat_deviation;

use crate::table::Measurement;
use frame::Frame;
use learn::{Answer, Lesson};
use std::collections::{BTreeMap, HashSet};
use support::Coverage;

/// The answers, in the order asked, and what was found on the way.
#[derive(Clone, Debug)]
pub struct Forecasts {
    pub answers: Vec<Forecast>,
    /// Known rows that were copies of others.
    pub copies: usize,
}

/// The answer to one asked row.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The time of one batch; `None` is an abstention, and `note` says why.
    pub latency_ms: Option<Interval>,
    /// `None` where no memory was recorded on the hardware.
    pub peak_memory_mb: Option<Interval>,
    /// Of the time.
    pub support: Support,
    /// What the answer rests on, and what to do where that is little.
    pub note: String,
}

/// An answer on the logarithmic scale, as a value with its 90 % interval.
fn interval(answer: &Answer, shift: f64) -> Interval {
    let centre = answer.value + shift;
    Interval { value: centre.exp(), low: (centre - answer.half_width).exp(), high: (centre + answer.half_width).exp() }
}

/// Answers `asked` from `known`. Whatever names and blanks the rows have, each gets an answer or a reason.
pub fn forecast(known: &[&Measurement], asked: &[&Measurement]) -> Forecasts {
    let (known, copies) = duplicates::without_copies(known);
    let frame = Frame::new(&known, asked);
    let rows: Vec<&Measurement> = known.iter().chain(asked).copied().collect();
    let samples = samples(&frame);
    let analytic = memory::analytic(&frame, &rows);
    let logs = |of: &dyn Fn(&Measurement) -> Option<f64>, less: &[f64]| -> Vec<f64> {
        let log = |at: usize| of(rows[at]).filter(|value| *value > 0.0).map_or(f64::NAN, |value| value.ln() - less[at]);
        (0..rows.len()).map(|at| if at < known.len() { log(at) } else { f64::NAN }).collect()
    };
    let times = logs(&|row| row.latency_ms, &samples);
    let memories = logs(&|row| row.peak_memory_mb, &analytic);
    let coverage = Coverage::new(&frame, &times);
    let recorded = Coverage::new(&frame, &memories);
    let twins = twins::twins(&frame, &times);
    let age = age::Age::new(&frame, &rows, &times);
    let kin = kin::Kin::new(&frame, &rows);
    let places: Vec<usize> = (known.len()..rows.len()).collect();
    let learn = |values: &[f64], coverage: &Coverage, asked: &[usize]| -> BTreeMap<usize, Answer> {
        learn::answer(&Lesson { frame: &frame, values, coverage, twins: &twins, kin: &kin }, asked)
    };
    let times = learn(&times, &coverage, &places);
    // What runs need beside weights and activations is the hardware's own: others do not tell it.
    let used = |at: &usize| !matches!(recorded.of(&frame, *at), Support::NewHardware | Support::Nothing);
    let memories = learn(&memories, &recorded, &places.iter().copied().filter(used).collect::<Vec<_>>());
    let grounds = Grounds::new(&known);
    let answers = places
        .iter()
        .map(|at| {
            let support = coverage.of(&frame, *at);
            let latency_ms = times.get(at).map(|answer| {
                let half_width = age.widened(&frame, *at, answer.half_width);
                interval(&Answer { half_width, ..*answer }, samples[*at])
            });
            let peak_memory_mb = memories.get(at).map(|answer| interval(answer, analytic[*at]));
            let note = grounds.note(rows[*at], support, times.get(at)) + &aged(age.of(&frame, *at));
            Forecast { latency_ms, peak_memory_mb, support, note }
        })
        .collect();
    Forecasts { answers, copies }
}

/// What a reader should know of the age of what an answer rests on.
fn aged(years: f64) -> String {
    let months = (12.0 * years).round();
    if months < 3.0 {
        String::new()
    } else {
        format!("; the newest result there is {months} months older, which widens the interval")
    }
}

/// A label for each row; rows of the same chip share it, under whatever names the hardware goes.
pub fn twins(rows: &[&Measurement]) -> Vec<u32> {
    let frame = Frame::new(rows, &[]);
    let log = |(row, samples): (&&Measurement, f64)| row.latency_ms.map_or(f64::NAN, |ms| ms.ln() - samples);
    let times: Vec<f64> = rows.iter().zip(samples(&frame)).map(log).collect();
    let of_hardware = twins::twins(&frame, &times);
    frame.hardware.id.iter().map(|hardware| of_hardware[*hardware as usize]).collect()
}

/// Logarithms of the batch, 0 where it is blank.
fn samples(frame: &Frame) -> Vec<f64> {
    frame.batch.iter().map(|batch| if batch.is_nan() { 0.0 } else { *batch }).collect()
}

/// What there is to say about the rows that an answer rests on.
struct Grounds<'a> {
    rows: usize,
    of_model: BTreeMap<&'a str, (usize, HashSet<&'a str>)>,
    of_hardware: BTreeMap<&'a str, usize>,
    anchors: Anchors,
}

impl<'a> Grounds<'a> {
    fn new(known: &[&'a Measurement]) -> Self {
        let mut of_model: BTreeMap<&str, (usize, HashSet<&str>)> = BTreeMap::new();
        let mut of_hardware = BTreeMap::new();
        for row in known {
            let (rows, hardware) = of_model.entry(&row.model).or_default();
            *rows += 1;
            hardware.insert(&row.hardware);
            *of_hardware.entry(row.hardware.as_str()).or_default() += 1;
        }
        Self { rows: known.len(), of_model, of_hardware, anchors: anchors(known) }
    }

    fn note(&self, row: &Measurement, support: Support, answer: Option<&Answer>) -> String {
        if self.rows == 0 {
            return "nothing is known: no row has a time".into();
        }
        let on_hardware = self.of_hardware.get(row.hardware.as_str()).copied().unwrap_or(0);
        let (of_model, elsewhere) =
            self.of_model.get(row.model.as_str()).map_or((0, 0), |(rows, on)| (*rows, on.len()));
        let unchecked = match answer {
            Some(answer) if !answer.checked => {
                "; too few rows to check: a rule of thumb, and the interval a factor of ten either way"
            }
            _ => "",
        };
        match support {
            Support::Nothing => {
                "neither the model nor the hardware was ever measured; measure one of them first".into()
            }
            Support::NewHardware => {
                let Anchors { models, minutes } = &self.anchors;
                let interval = if answer.is_some() { "; the interval holds only if it is like the others" } else { "" };
                format!(
                    "the hardware was never measured{interval}; run these {} models on it first (about {:.0} min): {}",
                    models.len(),
                    minutes.ceil(),
                    models.join("; ")
                )
            }
            Support::NewModel => {
                format!(
                    "the model was never measured; rests on {on_hardware} rows of other models on this hardware{unchecked}"
                )
            }
            Support::Setting => {
                format!(
                    "rests on {of_model} rows of the model, some on this hardware, and {on_hardware} rows of the hardware{unchecked}"
                )
            }
            Support::Combination | Support::FewOnHardware => format!(
                "rests on {of_model} rows of the model on {elsewhere} other hardware and {on_hardware} rows of this hardware{unchecked}"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
