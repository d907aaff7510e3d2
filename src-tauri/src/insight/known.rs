//! The store's results as rows that insight learns from, and what the rows leave out.

use contract::{AdvisedSetting, EngineId, Evidence, Machine, ModelId, Platform, RunId, Target, TargetChoice};
use insight::{
    recommend::{Setting, Survey},
    table::Measurement,
};
use std::collections::HashMap;
use store::KnownRun;

/// Every ranked result with a time, oldest first, and the same as rows to learn from.
///
/// Three kinds come after all others and have no rows: what a generated text takes follows from its length, for which a
/// row has no place; generated benchmarks run other graphs, whose work nobody has counted; and of several models of one
/// name, such as files of one stem, rows tell only of the one that was measured last.
pub struct Known {
    pub runs: Vec<KnownRun>,
    pub rows: Vec<Measurement>,
}

impl Known {
    pub fn of(runs: Vec<KnownRun>) -> Self {
        let counted = |run: &KnownRun| run.output_tokens.is_none() && !run.model_id.is_generated();
        let measured = |run: &KnownRun| run.evidence == Evidence::Measured;
        let mut last: HashMap<String, ModelId> = HashMap::new();
        for run in runs.iter().filter(|run| counted(run) && measured(run)) {
            last.insert(run.model.clone(), run.model_id.clone());
        }
        let teaches = |run: &KnownRun| counted(run) && (!measured(run) || last.get(&run.model) == Some(&run.model_id));
        let (mut runs, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(teaches);
        let rows = runs.iter().map(row).collect();
        runs.extend(others);
        Self { runs, rows }
    }

    pub fn row_refs(&self) -> Vec<&Measurement> {
        self.rows.iter().collect()
    }

    /// A setting that was judged, with its platform and its place on this machine.
    pub fn advised(&self, setting: &Setting, machine: &Machine) -> AdvisedSetting {
        AdvisedSetting {
            engine: EngineId(setting.runtime.clone()),
            hardware: setting.hardware.clone(),
            platform: self.platform(setting),
            precision: setting.precision.clone(),
            devices: setting.devices.map(|devices| devices as u32),
            threads: setting.threads.map(|threads| threads as u32),
            software: setting.software.clone(),
            here: here(setting, machine),
        }
    }

    pub fn platform(&self, setting: &Setting) -> Platform {
        let same = |run: &&KnownRun| run.hardware == setting.hardware && run.engine.0 == setting.runtime;
        self.runs.iter().find(same).map_or(Platform::Other, |run| run.platform)
    }

    /// The results of a piece of work in a setting, newest first, and the weakest evidence among them.
    pub fn behind(&self, survey: &Survey, setting: &Setting) -> (Vec<RunId>, Evidence) {
        let same = |row: &Measurement| {
            row.model == survey.model
                && row.mode == survey.mode
                && row.batch == survey.batch
                && row.size == survey.size
                && row.hardware == setting.hardware
                && row.runtime == setting.runtime
                && row.precision == setting.precision
                && row.devices == setting.devices
                && row.threads == setting.threads
        };
        let runs = self.runs.iter().zip(&self.rows).rev().filter(|(_, row)| same(row)).map(|(run, _)| run);
        let (mut ids, mut evidence) = (Vec::new(), Evidence::Measured);
        for run in runs {
            ids.push(run.id.clone());
            evidence = evidence.max(run.evidence);
        }
        (ids, evidence)
    }
}

/// The engine and device of this machine that a setting means, where it has them ready.
pub fn here(setting: &Setting, machine: &Machine) -> Option<TargetChoice> {
    let target = ready(machine).find(|target| {
        target.engine.0 == setting.runtime && [&target.device_name, &target.device.0].contains(&&setting.hardware)
    })?;
    Some(TargetChoice { engine: target.engine.clone(), device: target.device.clone() })
}

/// What this machine can measure on.
pub fn ready(machine: &Machine) -> impl Iterator<Item = &Target> {
    machine.targets().filter(|target| target.availability.is_ready() && target.not_ranked.is_none())
}

fn row(run: &KnownRun) -> Measurement {
    Measurement {
        model: run.model.clone(),
        family: run.family.clone(),
        hardware: run.hardware.clone(),
        runtime: run.engine.0.clone(),
        precision: run.precision.clone(),
        mode: run.mode.key().to_owned(),
        software: run.engine_version.clone(),
        measured_at: run.started_at.map(|at| at.to_string()).unwrap_or_default(),
        batch: run.batch.map(f64::from),
        size: run.size.map(f64::from),
        devices: run.devices.map(f64::from),
        threads: run.threads.map(f64::from),
        parameters: amount(run.parameters),
        macs: amount(run.macs),
        activations: amount(run.activations),
        latency_ms: Some(run.median_ms),
        peak_memory_mb: run.peak_memory_bytes.map(|bytes| bytes as f64 / 1e6),
        p95_ms: run.p95_ms,
        low_ms: run.low_ms,
        high_ms: run.high_ms,
    }
}

/// Some tables write 0 where they do not know it.
fn amount(value: Option<u64>) -> Option<f64> {
    value.filter(|value| *value > 0).map(|value| value as f64)
}

/// A result to test with: measured on a machine on some day, or imported.
#[cfg(test)]
pub fn result(model_id: &str, machine: Option<&str>, day: i64, median_ms: f64) -> KnownRun {
    KnownRun {
        id: RunId(format!("{model_id} {day}")),
        model: "net".into(),
        model_id: model_id.into(),
        family: String::new(),
        hardware: "chip".into(),
        platform: Platform::Cpu,
        machine: machine.map(Into::into),
        device: "cpu".into(),
        devices: None,
        engine: "candle".into(),
        engine_version: String::new(),
        precision: "f32".into(),
        mode: contract::Mode::Inference,
        batch: Some(1),
        size: None,
        output_tokens: None,
        threads: None,
        started_at: Some(jiff::Timestamp::from_second(day * 86_400).unwrap()),
        parameters: None,
        macs: None,
        activations: None,
        median_ms,
        low_ms: None,
        high_ms: None,
        p95_ms: None,
        peak_memory_bytes: None,
        evidence: if machine.is_some() { Evidence::Measured } else { Evidence::Imported },
        surroundings: store::Surroundings::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_models_of_one_name_the_one_measured_last_is_learned_from() {
        let runs = vec![
            result("imported:net", None, 1, 4.0),
            result("first", Some("here"), 2, 5.0),
            result("second", Some("here"), 3, 9.0),
            result("first", Some("here"), 4, 5.1),
        ];
        let known = Known::of(runs);
        let times = |rows: &[Measurement]| rows.iter().filter_map(|row| row.latency_ms).collect::<Vec<_>>();
        assert_eq!(times(&known.rows), [4.0, 5.0, 5.1]);
        assert_eq!(known.runs.iter().map(|run| run.median_ms).collect::<Vec<_>>(), [4.0, 5.0, 5.1, 9.0]);
    }
}
