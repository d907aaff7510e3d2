//! Predictions that were made for the window: kept once for each learning, to be held against what is measured later.

use super::Known;
use contract::{Failure, MadeForecast};
use insight::recommend::Survey;
use jiff::Timestamp;
use store::Store;

/// Keeps what these surveys predict, but for models that are fed with more than batch and size: a kept prediction has no
/// place for it, so that a result of other work could judge it.
pub fn keep<'a>(store: &Store, known: &Known, surveys: impl IntoIterator<Item = &'a Survey>) -> Result<(), Failure> {
    let made_at = Timestamp::now();
    let of_survey = |survey: &Survey| made(survey, made_at, known.rows.len() as u64);
    let whole = surveys.into_iter().filter(|survey| known.dims(&survey.model).is_none());
    let made: Vec<MadeForecast> = whole.flat_map(of_survey).collect();
    if !made.is_empty() {
        store.add_forecasts(&made)?;
    }
    Ok(())
}

fn made(survey: &Survey, made_at: Timestamp, learned_from: u64) -> Vec<MadeForecast> {
    let whole = |value: Option<f64>| value.map(|value| value as u32);
    let predicted = |candidate: &insight::recommend::Candidate| {
        let (setting, time) = (&candidate.setting, candidate.latency_ms);
        Some(MadeForecast {
            made_at,
            model: survey.model.clone(),
            hardware: setting.hardware.clone(),
            engine: setting.runtime.clone(),
            precision: setting.precision.clone(),
            mode: survey.mode.clone(),
            batch: whole(survey.batch),
            size: whole(survey.size),
            devices: whole(setting.devices),
            threads: whole(setting.threads),
            value_ms: time.value,
            low_ms: time.low,
            high_ms: time.high,
            // A measured candidate rests on nothing else.
            support: candidate.support?,
            learned_from,
        })
    };
    survey.candidates.iter().filter_map(predicted).collect()
}
