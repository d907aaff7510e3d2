//! The settings to choose from, each with its measurement or a prediction.

use super::{Candidate, Described, Evidence, RecommendError, Rejected, Setting, Survey, Work};
use crate::{
    forecast::{Interval, forecast, repeat_deviation},
    table::Measurement,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A batch this many times larger or smaller is another regime, which no row speaks for.
const NEAR_BATCH: f64 = 2.0;
const MOST_ALIKE: usize = 3;
/// Half-widths of a prediction's 90 % interval and of a measurement's 95 % interval, in standard deviations.
const PREDICTED: f64 = 1.645;
const MEASURED: f64 = 1.960;

pub fn survey(known: &[&Measurement], work: &Work) -> Result<Survey, RecommendError> {
    let mut usual = UsualSettings::new(known);
    let mut draft = Draft::new(known, work, &mut usual, &|_| true)?;
    predict(known, std::slice::from_mut(&mut draft));
    Ok(draft.survey)
}

pub fn survey_all(known: &[&Measurement], models: &[&str], wanted: &dyn Fn(&Setting) -> bool) -> Vec<Survey> {
    let mut usual = UsualSettings::new(known);
    let works = models.iter().map(|model| Work { model: (*model).to_owned(), ..Work::default() });
    // Nothing is said of a model without rows.
    let mut drafts: Vec<Draft> = works.filter_map(|work| Draft::new(known, &work, &mut usual, wanted).ok()).collect();
    predict(known, &mut drafts);
    drafts.into_iter().map(|draft| draft.survey).collect()
}

/// A survey, and what is still to be predicted for it.
struct Draft {
    survey: Survey,
    to_predict: Vec<(Setting, Measurement)>,
}

/// Answers what the drafts left open, all from one learning.
fn predict(known: &[&Measurement], drafts: &mut [Draft]) {
    let asked: Vec<Measurement> =
        drafts.iter().flat_map(|draft| draft.to_predict.iter().map(|(_, asked)| asked.clone())).collect();
    if asked.is_empty() {
        return;
    }
    let mut answers = forecast(known, &asked.iter().collect::<Vec<_>>()).answers.into_iter();
    for Draft { survey, to_predict } in drafts {
        for ((setting, _), answer) in to_predict.drain(..).zip(answers.by_ref()) {
            match answer.latency_ms {
                Some(latency_ms) => survey.candidates.push(Candidate {
                    deviation: of_prediction(latency_ms),
                    support: Some(answer.support),
                    note: answer.note,
                    ..candidate(setting, Evidence::Predicted, latency_ms, answer.peak_memory_mb, survey.batch)
                }),
                None => survey.rejected.push(Rejected { setting, why: answer.note }),
            }
        }
    }
}

impl Draft {
    fn new(
        known: &[&Measurement],
        work: &Work,
        usual_settings: &mut UsualSettings,
        wanted: &dyn Fn(&Setting) -> bool,
    ) -> Result<Self, RecommendError> {
        let own: Vec<&Measurement> = known.iter().copied().filter(|row| row.model == work.model).collect();
        if own.is_empty() && work.described.is_none() {
            return Err(RecommendError::UnknownModel { model: work.model.clone(), alike: alike(known, &work.model) });
        }
        let modes: Vec<&str> = own.iter().map(|row| row.mode.as_str()).collect();
        let mode = work.mode.clone().unwrap_or_else(|| most_frequent(&modes).unwrap_or_default().to_owned());
        let own: Vec<&Measurement> = own.into_iter().filter(|row| row.mode == mode).collect();
        if own.is_empty() && work.described.is_none() {
            let known: BTreeSet<&str> = modes.into_iter().collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            return Err(RecommendError::UnknownMode { model: work.model.clone(), mode, known });
        }
        let usual = |of: &dyn Fn(&Measurement) -> Option<f64>| {
            let bits: Vec<u64> = own.iter().filter_map(|row| of(row)).map(f64::to_bits).collect();
            most_frequent(&bits).map(f64::from_bits)
        };
        let batch = work.batch.or_else(|| usual(&|row| row.batch));
        let size = work.size.or_else(|| usual(&|row| row.size));
        let described = work.described.clone().unwrap_or_default();
        let mut survey = Survey {
            model: work.model.clone(),
            mode,
            batch,
            size,
            repeat: usual_settings.repeat,
            candidates: Vec::new(),
            rejected: Vec::new(),
        };
        let mut to_predict: Vec<(Setting, Measurement)> = Vec::new();
        for (setting, batches) in usual_settings.of(&survey.mode).iter().filter(|(setting, _)| wanted(setting)) {
            match measured(&own, setting, &survey) {
                Some(candidate) => survey.candidates.push(candidate),
                None if near(batches, batch) => {
                    let asked = asked(&survey, setting, own.first().copied(), &described);
                    to_predict.push((setting.clone(), asked));
                }
                None => survey.rejected.push(Rejected {
                    setting: setting.clone(),
                    why: "nothing was measured in this setting at a batch near the one asked for".into(),
                }),
            }
        }
        Ok(Self { survey, to_predict })
    }
}

/// The question that a setting puts. What the model's own rows say of it goes before its description.
fn asked(survey: &Survey, setting: &Setting, own: Option<&Measurement>, described: &Described) -> Measurement {
    // Rows of the model carry these themselves.
    let amount = |described: Option<f64>| if own.is_none() { described } else { None };
    Measurement {
        model: survey.model.clone(),
        family: own.map_or_else(|| described.family.clone(), |row| row.family.clone()),
        hardware: setting.hardware.clone(),
        runtime: setting.runtime.clone(),
        precision: setting.precision.clone(),
        mode: survey.mode.clone(),
        software: setting.software.clone(),
        batch: survey.batch,
        size: survey.size,
        devices: setting.devices,
        threads: setting.threads,
        parameters: amount(described.parameters),
        macs: amount(described.macs),
        activations: amount(described.activations),
        ..Measurement::default()
    }
}

/// A setting with the batches that were measured in it.
type Seen = (Setting, Vec<f64>);

/// The settings of each mode, found once.
struct UsualSettings<'a> {
    known: &'a [&'a Measurement],
    /// How far one result lies from what its setting takes.
    repeat: f64,
    of_mode: BTreeMap<String, Vec<Seen>>,
}

impl<'a> UsualSettings<'a> {
    fn new(known: &'a [&'a Measurement]) -> Self {
        Self { known, repeat: repeat_deviation(known), of_mode: BTreeMap::new() }
    }

    fn of(&mut self, mode: &str) -> &[Seen] {
        self.of_mode.entry(mode.to_owned()).or_insert_with(|| settings(self.known, mode))
    }
}

/// Every setting of the mode, in its usual software, with the batches that were measured in it.
fn settings(known: &[&Measurement], mode: &str) -> Vec<Seen> {
    type Place<'a> = (&'a str, &'a str, &'a str, [Option<u64>; 2]);
    let mut rows: BTreeMap<Place, Vec<&Measurement>> = BTreeMap::new();
    for row in known.iter().filter(|row| row.mode == mode) {
        let numbers = [row.devices, row.threads].map(|value| value.map(f64::to_bits));
        rows.entry((&row.hardware, &row.runtime, &row.precision, numbers)).or_default().push(row);
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
fn measured(own: &[&Measurement], setting: &Setting, survey: &Survey) -> Option<Candidate> {
    let same: Vec<&&Measurement> = own
        .iter()
        .filter(|row| {
            row.hardware == setting.hardware
                && row.runtime == setting.runtime
                && row.precision == setting.precision
                && row.devices == setting.devices
                && row.threads == setting.threads
                && row.batch == survey.batch
                && row.size == survey.size
        })
        .collect();
    let times: Vec<f64> = same.iter().filter_map(|row| row.latency_ms).collect();
    let n = times.len() as f64;
    let latency = middle(times)?;
    let memory = middle(same.iter().filter_map(|row| row.peak_memory_mb).collect());
    let p95_ms = middle(same.iter().filter_map(|row| row.p95_ms).collect()).map(|p95| p95.value);
    let told = same.iter().filter_map(|row| Some(deviation(row.low_ms?, row.high_ms?, MEASURED)));
    let each = told.filter(|own| own.is_finite()).fold(survey.repeat, f64::max);
    // The range of up to ten is about √n deviations of one (Tippett 1925), and their middle is off by a √n-th of one.
    let range = (latency.high / latency.low).ln() / n;
    Some(Candidate {
        deviation: (each / n.sqrt()).max(range),
        p95_ms,
        ..candidate(setting.clone(), Evidence::Measured, latency, memory, survey.batch)
    })
}

/// The standard deviation of what is predicted, on the logarithmic scale.
pub fn of_prediction(interval: Interval) -> f64 {
    deviation(interval.low, interval.high, PREDICTED)
}

/// The one that an interval tells, which is so many of them to either side.
fn deviation(low: f64, high: f64, half_width: f64) -> f64 {
    (high / low).ln() / 2.0 / half_width
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
        deviation: 0.0,
        samples_per_second: 1000.0 * batch.unwrap_or(1.0) / latency_ms.value,
        peak_memory_mb,
        p95_ms: None,
        support: None,
        note: String::new(),
        keeps_limits: 0.0,
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
