//! What runs well on this machine: every known model in its best setting here.

use super::{
    Known,
    advise::{Advisor, Places, bounds, work_of},
    known, made,
};
use contract::*;
use insight::{recommend, table::Measurement};
use std::collections::{BTreeSet, HashMap};
use store::KnownRun;

impl Advisor<'_> {
    pub fn advise_machine(&self, limits: &Limits) -> Result<MachineAdvice, Failure> {
        let known = self.insight.known(self.store)?;
        let surveys = self.insight.machine.try_of(&known, places(self.machine), || {
            let models: BTreeSet<&str> = known.rows.iter().map(|row| row.model.as_str()).collect();
            let models: Vec<&str> = models.into_iter().collect();
            let wanted = |setting: &recommend::Setting| known::here(setting, self.machine).is_some();
            let surveys = known.surveys(&models, &wanted);
            made::keep(self.store, &known, &surveys)?;
            Ok::<_, Failure>(surveys)
        })?;
        let mut settings: Vec<recommend::Candidate> = Vec::new();
        for candidate in surveys.iter().flat_map(|survey| &survey.candidates) {
            if settings.iter().all(|known| known.setting != candidate.setting) {
                settings.push(candidate.clone());
            }
        }
        let places = Places::of(&known, self.machine, &settings);
        let fastest = fastest(&known);
        let families: HashMap<&str, &str> =
            known.rows.iter().map(|row| (row.model.as_str(), row.family.as_str())).collect();
        let unwanted = |setting: &recommend::Setting| self.unwanted(&places, setting, limits);
        let mut models: Vec<ModelHere> = Vec::new();
        for survey in surveys.iter() {
            let Some(best) = survey.choose(&bounds(limits), &unwanted).choice else { continue };
            let best = self.candidate(&known, &places, survey, best);
            let same = key(&survey.model, &survey.mode, survey.batch, survey.size);
            let elsewhere = fastest.get(&same).and_then(|(run, row)| {
                let times_faster = best.latency_ms.value / row.latency_ms?;
                let other = row.hardware != best.setting.hardware && times_faster > 1.0;
                other.then(|| Elsewhere { hardware: row.hardware.clone(), ran: run.ran(), times_faster })
            });
            let family = families.get(survey.model.as_str()).copied().unwrap_or_default().to_owned();
            models.push(ModelHere { work: work_of(&known, survey, None), family, best, elsewhere });
        }
        models.sort_by(|a, b| a.best.latency_ms.value.total_cmp(&b.best.latency_ms.value));
        Ok(MachineAdvice {
            learned_from: known.learned_from,
            places: places.count() as u32,
            left_out: (surveys.len() - models.len()) as u32,
            models,
        })
    }
}

/// An engine with a device that it has ready, by both of the names that results have for it.
pub type Place = (EngineId, DeviceId, String);

/// What [`known::here`] finds a setting on.
fn places(machine: &Machine) -> Vec<Place> {
    known::ready(machine)
        .map(|target| (target.engine.clone(), target.device.clone(), target.device_name.clone()))
        .collect()
}

type Key<'a> = (&'a str, &'a str, Option<u64>, Option<u64>);

fn key<'a>(model: &'a str, mode: &'a str, batch: Option<f64>, size: Option<f64>) -> Key<'a> {
    (model, mode, batch.map(f64::to_bits), size.map(f64::to_bits))
}

/// The fastest result of each piece of work.
fn fastest(known: &Known) -> HashMap<Key<'_>, (&KnownRun, &Measurement)> {
    let mut fastest: HashMap<Key, (&KnownRun, &Measurement)> = HashMap::new();
    for (run, row) in known.runs.iter().zip(&known.rows) {
        let best = fastest.entry(key(&row.model, &row.mode, row.batch, row.size)).or_insert((run, row));
        if row.latency_ms < best.1.latency_ms {
            *best = (run, row);
        }
    }
    fastest
}
