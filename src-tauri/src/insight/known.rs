//! The store's results as rows that insight learns from, and what the rows leave out.

use contract::{
    AdvisedSetting, DeviceId, EngineId, Evidence, Machine, MachineId, Mode, ModelId, Platform, RunId, SizeUnit, Target,
    TargetChoice,
};
use insight::{
    recommend::{Setting, Survey},
    table::Measurement,
};
use std::collections::HashMap;
use store::KnownRun;

/// Every ranked result with a time, oldest first, and the same as rows to learn from.
///
/// Four kinds come after all others and have no rows: what a generated text takes follows from its length, for which a
/// row has no place; generated benchmarks run other graphs, whose work nobody has counted; of several models of one
/// name, such as files of one stem, rows tell only of the one that was measured last; and of a model that was fed with
/// several dimensions beyond batch and size, for which a row has no place either, only of the usual ones.
pub struct Known {
    pub runs: Vec<KnownRun>,
    pub rows: Vec<Measurement>,
    usual: HashMap<String, Usual>,
    names: Names,
}

/// What rows of a model leave out.
struct Usual {
    dims: Option<String>,
    size_unit: Option<SizeUnit>,
}

impl Known {
    pub fn of(runs: Vec<KnownRun>) -> Self {
        // A table tells how long a text is among its dimensions.
        let is_text_of_table = |run: &KnownRun| run.mode == Mode::Generation && run.dims.is_some();
        let is_text = |run: &KnownRun| run.output_tokens.is_some() || is_text_of_table(run);
        let counted = |run: &KnownRun| !is_text(run) && !run.model_id.is_generated();
        let measured = |run: &KnownRun| run.evidence == Evidence::Measured;
        let mut last: HashMap<String, ModelId> = HashMap::new();
        for run in runs.iter().filter(|run| counted(run) && measured(run)) {
            last.insert(run.model.clone(), run.model_id.clone());
        }
        let is_last = |run: &KnownRun| !measured(run) || last.get(&run.model) == Some(&run.model_id);
        let usual = usual(runs.iter().filter(|run| counted(run) && is_last(run)));
        let teaches = |run: &KnownRun| {
            // A table without a column for dimensions leaves open which they were.
            let is_usual = |usual: &Usual| run.dims == usual.dims || (run.dims.is_none() && !measured(run));
            counted(run) && is_last(run) && usual.get(&run.model).is_none_or(is_usual)
        };
        let names = Names::of(&runs);
        let (mut runs, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(teaches);
        let rows = runs.iter().map(|run| row(run, names.hardware(run))).collect();
        runs.extend(others);
        Self { runs, rows, usual, names }
    }

    /// What rows call the hardware of a result.
    pub fn hardware<'a>(&'a self, run: &'a KnownRun) -> &'a str {
        self.names.hardware(run)
    }

    /// Dimensions beyond batch and size that the rows of a model are about.
    pub fn dims(&self, model: &str) -> Option<String> {
        self.usual.get(model)?.dims.clone()
    }

    /// What the size of a model counts.
    pub fn size_unit(&self, model: &str) -> Option<SizeUnit> {
        self.usual.get(model)?.size_unit
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

/// The newest name of each device of a machine, as an engine's results have it. Earlier versions of Assay had no more
/// than the id in words for some: `CUDA 0`.
struct Names(HashMap<(MachineId, EngineId, DeviceId), String>);

impl Names {
    fn of(runs: &[KnownRun]) -> Self {
        let named = runs.iter().filter(|run| !is_id_in_words(run));
        Self(named.filter_map(|run| Some((place(run)?, run.hardware.clone()))).collect())
    }

    fn hardware<'a>(&'a self, run: &'a KnownRun) -> &'a str {
        let named = place(run).filter(|_| is_id_in_words(run)).and_then(|place| self.0.get(&place));
        named.unwrap_or(&run.hardware)
    }
}

/// None where it was imported.
fn place(run: &KnownRun) -> Option<(MachineId, EngineId, DeviceId)> {
    Some((run.machine.clone()?, run.engine.clone(), run.device.clone()))
}

fn is_id_in_words(run: &KnownRun) -> bool {
    run.machine.is_some() && run.hardware.eq_ignore_ascii_case(&run.device.0.replace(':', " "))
}

/// By the name of each model that was measured or says its dimensions: those that most of these results have, of as many
/// the newer ones.
fn usual<'a>(runs: impl Iterator<Item = &'a KnownRun>) -> HashMap<String, Usual> {
    #[derive(Default)]
    struct Counted<'k> {
        /// How many, and the place of the last.
        dims: HashMap<Option<&'k str>, (usize, usize)>,
        size_unit: Option<SizeUnit>,
    }
    let mut models: HashMap<&str, Counted> = HashMap::new();
    for (at, run) in runs.enumerate().filter(|(_, run)| run.evidence == Evidence::Measured || run.dims.is_some()) {
        let counted = models.entry(&run.model).or_default();
        let count = counted.dims.entry(run.dims.as_deref()).or_default();
        *count = (count.0 + 1, at);
        counted.size_unit = run.size_unit.or(counted.size_unit);
    }
    let most = |Counted { dims, size_unit }: Counted| {
        let most = dims.into_iter().max_by_key(|(_, count)| *count);
        Usual { dims: most.and_then(|(dims, _)| dims.map(str::to_owned)), size_unit }
    };
    models.into_iter().map(|(model, counted)| (model.to_owned(), most(counted))).collect()
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

fn row(run: &KnownRun, hardware: &str) -> Measurement {
    Measurement {
        model: run.model.clone(),
        family: run.family.clone(),
        hardware: hardware.to_owned(),
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
        mode: Mode::Inference,
        batch: Some(1),
        size: None,
        size_unit: None,
        dims: None,
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
    fn of_a_model_fed_with_several_dimensions_the_usual_ones_are_learned_from() {
        let fed = |dims: &str, machine: Option<&str>, day: i64, ms: f64| KnownRun {
            dims: (!dims.is_empty()).then(|| dims.to_owned()),
            ..result("net", machine, day, ms)
        };
        let runs = vec![
            fed("text=16", Some("here"), 1, 4.0),
            fed("text=64", Some("here"), 2, 9.0),
            fed("text=16", Some("here"), 3, 4.1),
            fed("", None, 4, 4.2),
            fed("text=8", None, 5, 3.1),
        ];
        let text = KnownRun { mode: Mode::Generation, ..fed("output=32", None, 6, 90.0) };
        let runs = [runs, vec![text; 3]].concat();
        let known = Known::of(runs);
        assert_eq!(known.rows.iter().filter_map(|row| row.latency_ms).collect::<Vec<_>>(), [4.0, 4.1, 4.2]);
        assert_eq!((known.dims("net").as_deref(), known.dims("other")), (Some("text=16"), None));
        assert_eq!(known.runs.len(), 8);
    }

    #[test]
    fn a_device_that_was_known_by_its_number_is_told_by_its_name() {
        let on = |machine: Option<&str>, hardware: &str, day: i64| {
            let run = result("net", machine, day, 5.0);
            KnownRun { hardware: hardware.into(), device: "cuda:0".into(), ..run }
        };
        let runs = vec![
            on(Some("here"), "CUDA 0", 1),
            on(Some("there"), "CUDA 0", 2),
            on(None, "CUDA 0", 3),
            on(Some("here"), "a GPU", 4),
        ];
        let known = Known::of(runs);
        let hardware: Vec<&str> = known.rows.iter().map(|row| row.hardware.as_str()).collect();
        assert_eq!(hardware, ["a GPU", "CUDA 0", "CUDA 0", "a GPU"]);
        assert_eq!(known.hardware(&known.runs[0]), "a GPU");
    }

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
