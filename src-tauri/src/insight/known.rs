//! The store's results as rows that insight learns from, and what the rows leave out.

use contract::{
    AdvisedSetting, DeviceId, EngineId, Evidence, LearnedFrom, Machine, MachineId, Mode, ModelId, Platform, SizeUnit,
    Target, TargetChoice,
};
use insight::{
    recommend::{RecommendError, Rejected, Setting, Survey, Work},
    table::Measurement,
};
use std::collections::HashMap;
use store::KnownRun;

/// Every ranked result with a time, oldest first, and the same as rows to learn from.
///
/// Five kinds come after all others and have no rows: what a generated text takes follows from its length, for which a
/// row has no place; generated benchmarks run other graphs, whose work nobody has counted; of several models of one
/// name, such as files of one stem, rows tell only of the one that was measured last; of a mixture whose experts were
/// all computed in some results and the chosen ones in others, only of what its newest result did; and of a model that
/// was fed with several dimensions beyond batch and size, for which a row has no place either, only of the usual ones.
///
/// What ran in another precision than was asked for has a precision of its own in its row, such as `f16, ran in f32`: its
/// time is no time of f16, and with its weights and casts none of a graph in f32 either.
pub struct Known {
    pub runs: Vec<KnownRun>,
    pub rows: Vec<Measurement>,
    pub learned_from: LearnedFrom,
    usual: HashMap<String, Usual>,
    /// Whether the newest result of a model computed every expert of a mixture.
    all_experts: HashMap<String, bool>,
    /// Of each precision of a row that is not the one that was asked for, that one.
    asked: HashMap<String, String>,
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
        let mut all_experts: HashMap<String, bool> = HashMap::new();
        for run in runs.iter().filter(|run| counted(run) && is_last(run) && tells_dims(run)) {
            all_experts.insert(run.model.clone(), run.all_experts);
        }
        let computes_as_last =
            |run: &KnownRun| !tells_dims(run) || all_experts.get(&run.model) == Some(&run.all_experts);
        let is_of_model = |run: &KnownRun| counted(run) && is_last(run) && computes_as_last(run);
        let usual = usual(runs.iter().filter(|run| is_of_model(run)));
        let teaches = |run: &KnownRun| {
            let is_usual = |usual: &Usual| run.dims == usual.dims || !tells_dims(run);
            is_of_model(run) && usual.get(&run.model).is_none_or(is_usual)
        };
        let names = Names::of(&runs);
        let (mut runs, others): (Vec<_>, Vec<_>) = runs.into_iter().partition(teaches);
        let rows: Vec<Measurement> = runs.iter().map(|run| row(run, names.hardware(run))).collect();
        let further = |run: &KnownRun| usual.get(&run.model).is_some_and(|usual| usual.dims.is_some());
        let untold = runs.iter().filter(|run| !tells_dims(run) && further(run)).count();
        let mut learned_from =
            LearnedFrom { results: rows.len() as u64, untold_sizes: untold as u64, ..LearnedFrom::default() };
        for run in &others {
            let many = match () {
                () if is_text(run) => &mut learned_from.texts,
                () if run.model_id.is_generated() => &mut learned_from.benchmarks,
                () if !is_last(run) => &mut learned_from.namesakes,
                () if !computes_as_last(run) => &mut learned_from.other_experts,
                () => &mut learned_from.other_sizes,
            };
            *many += 1;
        }
        let otherwise = runs.iter().zip(&rows).filter(|(run, row)| run.precision != row.precision);
        let asked = otherwise.map(|(run, row)| (row.precision.clone(), run.precision.clone())).collect();
        runs.extend(others);
        Self { runs, rows, learned_from, usual, all_experts, asked }
    }

    /// Dimensions beyond batch and size that the rows of a model are about.
    pub fn dims(&self, model: &str) -> Option<String> {
        self.usual.get(model)?.dims.clone()
    }

    /// What the size of a model counts.
    pub fn size_unit(&self, model: &str) -> Option<SizeUnit> {
        self.usual.get(model)?.size_unit
    }

    /// Whether every expert of a mixture is computed in the results of a model.
    pub fn all_experts(&self, model: &str) -> bool {
        self.all_experts.get(model) == Some(&true)
    }

    /// Whether a model has rows.
    pub fn knows(&self, model: &str) -> bool {
        self.rows.iter().any(|row| row.model == model)
    }

    pub fn row_refs(&self) -> Vec<&Measurement> {
        self.rows.iter().collect()
    }

    /// What the rows say of a piece of work, but for what the model's own results contradict.
    pub fn survey(&self, work: &Work) -> Result<Survey, RecommendError> {
        let mut survey = Survey::of(&self.row_refs(), work)?;
        self.settle(&mut survey);
        Ok(survey)
    }

    /// The same of the usual work of each of these models, in the settings that are wanted.
    pub fn surveys(&self, models: &[&str], wanted: &dyn Fn(&Setting) -> bool) -> Vec<Survey> {
        let mut surveys = Survey::of_all(&self.row_refs(), models, wanted);
        surveys.iter_mut().for_each(|survey| self.settle(survey));
        surveys
    }

    /// A setting that was judged, with its platform and its place on this machine.
    pub fn advised(&self, setting: &Setting, machine: &Machine) -> AdvisedSetting {
        AdvisedSetting {
            engine: EngineId(setting.runtime.clone()),
            hardware: setting.hardware.clone(),
            platform: self.platform(setting),
            precision: self.asked(setting).to_owned(),
            ran: setting.precision.clone(),
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

    /// The precision that a setting asks for.
    fn asked<'a>(&'a self, setting: &'a Setting) -> &'a str {
        self.asked.get(&setting.precision).unwrap_or(&setting.precision)
    }

    /// The results of a piece of work in a setting, newest first.
    pub fn behind(&self, survey: &Survey, setting: &Setting) -> Vec<&KnownRun> {
        let same = |row: &Measurement| {
            row.model == survey.model
                && row.mode == survey.mode
                && row.batch == survey.batch
                && row.size == survey.size
                && is_of(row, setting)
        };
        self.runs.iter().zip(&self.rows).rev().filter(|(_, row)| same(row)).map(|(run, _)| run).collect()
    }

    /// What is to be expected to run in a setting: its precision, and how many of its results ran in part elsewhere.
    pub fn expected(&self, setting: &Setting) -> String {
        let is_partly_elsewhere = |run: &KnownRun| run.device_share.is_some_and(|share| share < 1.0);
        let elsewhere = self.runs.iter().zip(&self.rows).filter(|(run, _)| is_partly_elsewhere(run));
        match elsewhere.filter(|(_, row)| is_of(row, setting)).count() {
            0 => setting.precision.clone(),
            some => {
                let all = self.rows.iter().filter(|row| is_of(row, setting)).count();
                format!("{} ({some} of {all} results there ran in part on another device)", setting.precision)
            }
        }
    }

    /// Predictions that the model's own results contradict are out of the question: asked for this precision there, it
    /// ran in another one than they say.
    fn settle(&self, survey: &mut Survey) {
        if self.asked.is_empty() {
            return;
        }
        let of_model = |row: &Measurement| row.model == survey.model && row.mode == survey.mode;
        let own: Vec<_> = self.runs.iter().zip(&self.rows).filter(|(_, row)| of_model(row)).collect();
        for candidate in std::mem::take(&mut survey.candidates) {
            match self.contradicted(&own, &candidate.setting) {
                Some(why) => survey.rejected.push(Rejected { setting: candidate.setting, why }),
                None => survey.candidates.push(candidate),
            }
        }
    }

    /// What a model ran in where it was asked for a setting's precision, if never in the one that the setting says.
    fn contradicted(&self, own: &[(&KnownRun, &Measurement)], setting: &Setting) -> Option<String> {
        let asked = self.asked(setting);
        let is_there = |run: &KnownRun, row: &Measurement| {
            row.hardware == setting.hardware && row.runtime == setting.runtime && run.precision == asked
        };
        let there: Vec<_> = own.iter().filter(|(run, row)| is_there(run, row)).collect();
        if there.iter().any(|(_, row)| row.precision == setting.precision) {
            return None;
        }
        let ran = there.iter().rev().find_map(|(run, _)| run.effective_precision)?;
        Some(format!("where {asked} was asked for there, this model ran in {}", ran.key()))
    }
}

/// Whatever the version of the engine.
fn is_of(row: &Measurement, setting: &Setting) -> bool {
    row.hardware == setting.hardware
        && row.runtime == setting.runtime
        && row.precision == setting.precision
        && row.devices == setting.devices
        && row.threads == setting.threads
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

/// A table without columns for what was fed and what ran leaves open which dimensions and experts there were.
fn tells_dims(run: &KnownRun) -> bool {
    run.evidence == Evidence::Measured || run.dims.is_some() || run.size_unit.is_some() || run.all_experts
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
    for (at, run) in runs.enumerate().filter(|(_, run)| tells_dims(run)) {
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
        precision: run.ran_precision(),
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
        id: format!("{model_id} {day}").into(),
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
        effective_precision: None,
        device_share: None,
        all_experts: false,
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
    use contract::Precision;

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
        let counted = KnownRun { size_unit: Some(SizeUnit::Tokens), ..fed("", None, 7, 5.2) };
        let runs = [runs, vec![text; 3], vec![counted]].concat();
        let known = Known::of(runs);
        assert_eq!(known.rows.iter().filter_map(|row| row.latency_ms).collect::<Vec<_>>(), [4.0, 4.1, 4.2]);
        assert_eq!((known.dims("net").as_deref(), known.dims("other")), (Some("text=16"), None));
        assert_eq!(known.size_unit("net"), Some(SizeUnit::Tokens));
        assert_eq!(known.runs.len(), 9);
        let told = LearnedFrom { results: 3, untold_sizes: 1, texts: 3, other_sizes: 3, ..LearnedFrom::default() };
        assert_eq!(known.learned_from, told);
    }

    #[test]
    fn what_ran_otherwise_is_a_setting_of_its_own_and_contradicts_what_was_predicted() {
        let ran = |model: &str, asked: &str, ran: Precision, day: i64, median_ms: f64| {
            let run = result(model, Some("here"), day, median_ms);
            KnownRun { model: model.into(), precision: asked.into(), effective_precision: Some(ran), ..run }
        };
        let in_part =
            KnownRun { device_share: Some(0.5), all_experts: true, ..ran("other", "f16", Precision::F16, 4, 3.0) };
        let known = Known::of(vec![
            ran("net", "f32", Precision::F32, 1, 5.0),
            ran("net", "f16", Precision::F32, 2, 7.0),
            ran("other", "f32", Precision::F32, 3, 6.0),
            in_part,
        ]);
        let survey =
            |model: &str| Survey::of(&known.row_refs(), &Work { model: model.into(), ..Work::default() }).unwrap();
        let precisions = |survey: &Survey| -> Vec<(String, f64)> {
            let of = |c: &insight::recommend::Candidate| (c.setting.precision.clone(), c.latency_ms.value);
            survey.candidates.iter().map(of).collect()
        };
        let mut net = survey("net");
        assert!(precisions(&net).iter().any(|(precision, _)| precision == "f16"), "as `other` ran in it");
        known.settle(&mut net);
        let left_out = LearnedFrom { results: 3, other_experts: 1, ..LearnedFrom::default() };
        assert_eq!(known.learned_from, left_out, "the newest of `other` computed all experts");
        assert_eq!(precisions(&net), [("f16, ran in f32".to_owned(), 7.0), ("f32".to_owned(), 5.0)]);
        let [no] = &net.rejected[..] else { panic!("{:?}", net.rejected) };
        let why = "where f16 was asked for there, this model ran in f32";
        assert_eq!((no.setting.precision.as_str(), no.why.as_str()), ("f16", why));
        let (casts, plain) = (&net.candidates[0].setting, &net.candidates[1].setting);
        assert_eq!((known.asked(casts), known.asked(plain)), ("f16", "f32"));
        assert_eq!(known.behind(&net, casts)[0].ran(), "f16, ran in f32");

        let mut other = survey("other");
        known.settle(&mut other);
        let half = &other.candidates.iter().find(|c| c.setting.precision == "f16").unwrap().setting;
        assert_eq!(known.behind(&other, half)[0].ran(), "f16, 50 % on this device, all experts computed");
        let told = "f16 (1 of 1 results there ran in part on another device)";
        assert_eq!((known.expected(half).as_str(), known.expected(plain).as_str()), (told, "f32"));
        assert_eq!((known.all_experts("other"), known.all_experts("net")), (true, false));
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
