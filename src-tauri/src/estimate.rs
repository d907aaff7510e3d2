//! What a plan will take, and what of it cannot run, before it starts.

use crate::{
    bench::{Kept, Needs, Room, Sizes, form, memory_limit, references, usable_target},
    catalogue::{Catalogue, Listed},
    nearest,
    weights::Weights,
};
use contract::*;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use store::Store;

/// A plan of more combinations than this is a slip of the hand.
const MOST_SETTINGS: usize = 5_000;
/// Starting workers, loading, compiling and comparing with another engine, apart from reading weights.
const FIXED_SECS: f64 = 3.0;
/// Weights are written, and read by two engines, at about this rate on a plain disk.
const WEIGHT_BYTES_PER_SEC: f64 = 400e6;
/// What a core without a measured peak is taken to do, in operations per second.
const GUESSED_RATE_PER_CORE: f64 = 15e9;
/// Real graphs reach about this share of a matrix product's peak.
const SHARE_OF_PEAK: f64 = 0.5;
/// Warm-up and samples take about this many calls, where the budget allows.
const CALLS: f64 = 30.0;
/// Sampling takes at least a second, warming up about half of one.
const SHORTEST_SAMPLING_SECS: f64 = 1.5;

pub struct Estimator<'a> {
    pub store: &'a Store,
    pub catalogue: &'a Catalogue,
    pub machine: &'a Machine,
    pub settings: &'a Settings,
    pub weights: &'a Weights,
    /// What is measured before the plan is.
    pub queue: &'a [Job],
}

/// The settings of a plan, unless it is empty or too large to be meant.
pub fn settings_of(plan: &Plan) -> Result<Vec<Setting>, Failure> {
    let lengths = [plan.targets.len(), plan.precisions.len(), plan.batches.len(), plan.threads.len().max(1)];
    let many = |listed: Option<&Vec<u32>>| listed.map_or(1, |values| values.len().max(1));
    let each = |id: &ModelId| many(plan.sizes.get(id)).saturating_mul(many(plan.padding.get(id)));
    let sizes = plan.models.iter().map(each).fold(0, usize::saturating_add);
    let total = lengths.iter().fold(sizes, |total, length| total.saturating_mul(*length));
    if total == 0 {
        return Err(Failure::bad_input("plan", "there is nothing to measure")
            .remedy("Choose at least one model, engine, precision and batch size"));
    }
    if total > MOST_SETTINGS {
        return Err(Failure::bad_input(
            "plan",
            format!("it unfolds into {total} measurements; {MOST_SETTINGS} is the most"),
        )
        .remedy("Choose fewer sizes, batches or engines"));
    }
    if !(0.1..=3600.0).contains(&plan.budget_secs) {
        return Err(Failure::bad_input("time budget", format!("{} s is not between 0.1 and 3600 s", plan.budget_secs)));
    }
    Ok(plan.settings())
}

impl Estimator<'_> {
    pub fn plan(&self, plan: &Plan) -> Result<PlanEstimate, Failure> {
        let settings = settings_of(plan)?;
        let models = self.open(&plan.models)?;
        let kept = Kept::of(self.weights);
        let there = self.there(&settings, &kept);
        let mut needs: HashMap<String, Result<Arc<Needs>, Failure>> = HashMap::new();
        let mut nearest: HashMap<String, Option<String>> = HashMap::new();
        let mut to_write: HashMap<_, u64> = HashMap::new();
        let mut lines = Vec::with_capacity(settings.len());
        for setting in settings {
            let model = &models[&setting.model];
            let setting = model.spelt_out(setting);
            let Setting { model: id, batch, size, precision, dims, .. } = &setting;
            let key = format!("{id}/{batch}/{size:?}/{dims:?}/{precision}/{:?}", form(&setting.engine, *precision));
            let find = || Needs::of(&model.model, &setting, &kept).map(Arc::new);
            let known = needs.entry(key.clone()).or_insert_with(find).clone();
            let written = known.as_deref().map(|needs| self.written(&setting, needs, there)).unwrap_or_default();
            let line = self.line(setting, model, known, there, |setting| {
                let place = format!("{key}/{}/{}", setting.engine, setting.device);
                nearest.entry(place).or_insert_with(|| self.nearest(setting, model, there, &kept)).clone()
            });
            if line.refusal.is_none() {
                let Setting { model: id, engine, .. } = &line.setting;
                to_write.extend(written.into_iter().map(|(precision, bytes)| {
                    let form = form(engine, precision);
                    ((id.clone(), precision, form), bytes)
                }));
            }
            lines.push(line);
        }
        let running = || lines.iter().filter(|line| line.refusal.is_none());
        Ok(PlanEstimate {
            total_secs: running().filter_map(|line| line.secs).sum(),
            peak_memory_bytes: running().filter_map(|line| line.memory_bytes).max().unwrap_or(0),
            available_memory_bytes: there.memory_bytes,
            disk_bytes: to_write.values().sum(),
            available_disk_bytes: there.disk_bytes,
            lines,
        })
    }

    /// Seconds of one setting and what they rest on.
    pub fn secs(&self, setting: &Setting, model: &Listed, sizes: &Sizes) -> (f64, String) {
        if let Ok(Some(secs)) = self.store.longest_like(setting) {
            return (secs, "an earlier run of the same setting".into());
        }
        let moving = sizes.disk_bytes.max(model.info.weight_bytes) as f64 / WEIGHT_BYTES_PER_SEC;
        let Some(macs) = sizes.macs else {
            return (
                FIXED_SECS + moving + setting.budget_secs,
                "the whole time budget: this graph's work cannot be counted".into(),
            );
        };
        let (rate, basis) = self.rate(setting);
        let call = 2.0 * macs as f64 * f64::from(setting.batch) / rate;
        let longest = setting.budget_secs.max(call * 12.0) + 1.0;
        let sampling = (call * CALLS).max(SHORTEST_SAMPLING_SECS).min(longest);
        (FIXED_SECS + moving + sampling, basis)
    }

    /// Operations per second that can be expected on the device.
    fn rate(&self, setting: &Setting) -> (f64, String) {
        // OpenVINO's `cpu` is another platform on the same silicon.
        let on_cpu = setting.device.0 == "cpu";
        let threads = setting.threads.or(self.settings.threads);
        let cores = f64::from(threads.unwrap_or(self.machine.physical_cores).max(1));
        let peak = self
            .machine
            .peaks
            .iter()
            .filter(|peak| peak.kind == PeakKind::MatrixRate && peak.precision == Some(Precision::F32))
            .filter(|peak| if on_cpu { peak.platform == Platform::Cpu } else { peak.device == setting.device })
            .max_by(|a, b| a.best.total_cmp(&b.best));
        match peak {
            Some(peak) if on_cpu => {
                let share = cores / f64::from(peak.threads.unwrap_or(1).max(1));
                (peak.best * share.min(1.0) * SHARE_OF_PEAK, "the measured peak of this CPU".into())
            }
            Some(peak) => (peak.best * SHARE_OF_PEAK, "the measured peak of this device".into()),
            None => (GUESSED_RATE_PER_CORE * cores * SHARE_OF_PEAK, "a guess from the size".into()),
        }
    }

    /// What there will be: weights that are too much are removed before the next measurement begins, but for those that
    /// the queue and the plan read.
    fn there(&self, settings: &[Setting], kept: &Kept) -> Room {
        let read = settings.iter().chain(self.queue.iter().map(|job| &job.setting));
        let needed = || kept.needed_by(read, self.catalogue, self.store);
        let removable = self.weights.removable_bytes(self.settings.weights_budget_bytes, needed);
        let here = Room::here(self.weights, memory_limit(self.settings, self.machine));
        Room { disk_bytes: here.disk_bytes.saturating_add(removable), ..here }
    }

    /// Precisions whose weights a setting reads, with the bytes that are still to be written of them: its own, and f32
    /// where that is what its output is checked by or what it is calibrated on. f32 is left out where there is no room
    /// for it.
    fn written(&self, setting: &Setting, needs: &Needs, there: Room) -> BTreeMap<Precision, u64> {
        let checked_by_f32 =
            needs.in_f32.is_some_and(|in_f32| in_f32.fits(there)) && !references(self.machine, setting).is_empty();
        let calibrated = setting.precision == Precision::Int8Static;
        let is_read = |precision: Precision| precision == setting.precision || checked_by_f32 || calibrated;
        needs.to_write.iter().map(|(precision, bytes)| (*precision, *bytes)).filter(|(one, _)| is_read(*one)).collect()
    }

    /// `nearest` says what would fit, where memory or disk are too small.
    fn line(
        &self,
        setting: Setting,
        model: &Listed,
        needs: Result<Arc<Needs>, Failure>,
        there: Room,
        nearest: impl FnOnce(&Setting) -> Option<String>,
    ) -> SettingEstimate {
        let needs = match needs {
            Ok(needs) => needs,
            Err(failure) => return refused(setting, None, &failure, None),
        };
        let memory = Some(needs.own.memory_bytes);
        let usable = usable_target(self.machine, &model.info, &setting);
        if let Err(failure) = usable.and_then(|_| needs.own.check(&model.info.name, there)) {
            let too_big = matches!(&failure, Failure::TooBig { .. });
            let remedy = too_big.then(|| nearest(&setting)).flatten();
            return refused(setting, memory, &failure, remedy);
        }
        let (secs, basis) = self.secs(&setting, model, &needs.sizes);
        SettingEstimate { setting, secs: Some(secs), basis, memory_bytes: memory, refusal: None }
    }

    /// What would fit into the room there is.
    fn nearest(&self, setting: &Setting, model: &Listed, there: Room, kept: &Kept) -> Option<String> {
        let target = self.machine.target(&setting.engine, &setting.device)?;
        Some(nearest::choices(model, target, setting, there, kept))
    }

    fn open(&self, ids: &[ModelId]) -> Result<HashMap<ModelId, Arc<Listed>>, Failure> {
        ids.iter().map(|id| Ok((id.clone(), self.catalogue.model(self.store, id)?))).collect()
    }
}

fn refused(setting: Setting, memory_bytes: Option<u64>, failure: &Failure, remedy: Option<String>) -> SettingEstimate {
    let remedy = remedy.map_or_else(String::new, |remedy| format!(" {remedy}."));
    SettingEstimate {
        setting,
        secs: None,
        basis: "it will not run".into(),
        memory_bytes,
        refusal: Some(format!("{failure}.{remedy}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bench::plain_setting, disk::bytes_below};
    use models::Model;
    use std::{collections::BTreeSet, fs, ops::ControlFlow};

    /// Two engines on the CPU, one of them on a GPU as well.
    fn machine() -> Machine {
        let target = |engine: &str, device: &str, platform| Target {
            engine: engine.into(),
            device: device.into(),
            platform,
            device_name: device.to_owned(),
            availability: Availability::Ready,
            precisions: Precision::ALL.to_vec(),
            not_ranked: None,
        };
        let engine = |id: &str, targets| EngineStatus {
            id: id.into(),
            name: id.to_owned(),
            version: None,
            availability: Availability::Ready,
            library: None,
            offers: Vec::new(),
            targets,
        };
        let on_cpu = |engine: &str| target(engine, "cpu", Platform::Cpu);
        let on_gpu = target("onnxruntime", "cuda:0", Platform::Cuda);
        Machine {
            id: "here".into(),
            name: String::new(),
            os: String::new(),
            cpu: String::new(),
            physical_cores: 1,
            logical_cores: 1,
            memory_bytes: 1 << 30,
            platforms: Vec::new(),
            engines: vec![
                engine("candle", vec![on_cpu("candle")]),
                engine("onnxruntime", vec![on_cpu("onnxruntime"), on_gpu]),
            ],
            browsers: Vec::new(),
            webview: None,
            peaks: Vec::new(),
            peaks_left_out: Vec::new(),
            scanned_at: jiff::Timestamp::UNIX_EPOCH,
            changes: Vec::new(),
        }
    }

    fn setting(engine: &str, device: &str, precision: Precision, mode: Mode) -> Setting {
        Setting { engine: engine.into(), device: device.into(), precision, mode, size: Some(8), ..plain_setting() }
    }

    /// The line of a plan, and the precisions that are written for it.
    fn line(model: &Listed, setting: &Setting, there: Room) -> (SettingEstimate, BTreeSet<Precision>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb")).unwrap();
        let (catalogue, settings) = (Catalogue::default(), Settings::default());
        let (machine, weights) = (machine(), Weights::at(folder.path().join("weights")));
        let (store, catalogue, machine, settings, weights) = (&store, &catalogue, &machine, &settings, &weights);
        let estimator = Estimator { store, catalogue, machine, settings, weights, queue: &[] };
        let kept = Kept::of(weights);
        let needs = Arc::new(Needs::of(&model.model, setting, &kept).unwrap());
        let written = estimator.written(setting, &needs, there).into_keys().collect();
        let nearest = |setting: &Setting| estimator.nearest(setting, model, there, &kept);
        (estimator.line(setting.clone(), model, Ok(needs), there, nearest), written)
    }

    #[test]
    fn what_fits_without_f32_beside_it_runs_and_what_does_not_fit_names_the_nearest() {
        let text = r#"{"model_type": "bert", "vocab_size": 50, "hidden_size": 128, "num_attention_heads": 4,
            "num_hidden_layers": 2, "intermediate_size": 512, "max_position_embeddings": 16}"#;
        let model = Listed::from(Model::from_config_text("mine", text).unwrap());
        let of = |precision| setting("candle", "cpu", precision, Mode::Inference);
        let nothing = Kept::of(&Weights::at("none".into()));
        let half = Room::of(&model.model, &of(Precision::F16), &nothing).unwrap();
        let all = Room { memory_bytes: u64::MAX, disk_bytes: u64::MAX };
        let short = [Room { disk_bytes: half.disk_bytes, ..all }, Room { memory_bytes: half.memory_bytes, ..all }];
        for (there, resource) in short.into_iter().zip(["disk space", "memory"]) {
            let (whole, _) = line(&model, &of(Precision::F32), there);
            let refusal = whole.refusal.unwrap();
            assert!(refusal.contains(resource) && refusal.contains("What would fit: f16"), "{refusal}");
            let (halved, written) = line(&model, &of(Precision::F16), there);
            assert_eq!((halved.refusal, written), (None, [Precision::F16].into()));
        }
        let (_, written) = line(&model, &of(Precision::F16), all);
        assert_eq!(written, [Precision::F32, Precision::F16].into());
    }

    #[test]
    fn weights_that_are_there_are_neither_written_again_nor_removed_where_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.duckdb")).unwrap();
        let config = folder.path().join("tiny.json");
        let text = r#"{"model_type": "bert", "vocab_size": 50, "hidden_size": 32, "num_attention_heads": 4,
            "num_hidden_layers": 1, "intermediate_size": 64, "max_position_embeddings": 16}"#;
        fs::write(&config, text).unwrap();
        let (catalogue, machine) = (Catalogue::default(), machine());
        let (settings, weights) = (Settings::default(), Weights::at(folder.path().join("weights")));
        let id = catalogue.add(&store, &config).unwrap().id;
        let model = catalogue.model(&store, &id).unwrap();
        let plan = Plan {
            models: vec![id.clone()],
            targets: vec![TargetChoice { engine: "candle".into(), device: "cpu".into() }],
            precisions: vec![Precision::F16],
            mode: Mode::Inference,
            batches: vec![1],
            sizes: [(id, vec![8])].into(),
            dims: Default::default(),
            padding: Default::default(),
            threads: Vec::new(),
            seed: 0,
            budget_secs: 1.0,
        };
        let to_write = || {
            let (store, catalogue, machine, settings) = (&store, &catalogue, &machine, &settings);
            let estimator = Estimator { store, catalogue, machine, settings, weights: &weights, queue: &[] };
            estimator.plan(&plan).unwrap().disk_bytes
        };
        let [half, exact] = [Precision::F16, Precision::F32].map(|precision| model.model.disk_bytes(precision));
        assert_eq!(to_write(), half + exact, "its output is checked in f32");
        let mut go_on = |_, _| ControlFlow::Continue(());
        let files = model.model.materialize(weights.root(), Precision::F16, 0, &mut go_on).unwrap();
        assert_eq!(to_write(), exact);

        let other = weights.root().join("of another model");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("weights.bin"), [0; 1000]).unwrap();
        let removable = |read: &[Setting]| {
            weights.removable_bytes(0, || Kept::of(&weights).needed_by(read.iter(), &catalogue, &store))
        };
        assert_eq!(removable(&plan.settings()), 1000);
        assert_eq!(removable(&[]), 1000 + bytes_below(&files.folder));
    }

    #[test]
    fn text_on_a_device_whose_engine_writes_none_is_refused_in_the_plan() {
        let text = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 96,
            "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48}"#;
        let model = Listed::from(Model::from_config_text("mine", text).unwrap());
        let all = Room { memory_bytes: u64::MAX, disk_bytes: u64::MAX };
        let refusal =
            |device: &str, mode| line(&model, &setting("onnxruntime", device, Precision::F32, mode), all).0.refusal;
        let said = refusal("cuda:0", Mode::Generation).unwrap();
        assert!(said.contains("generates text on the CPU only") && said.contains("Choose the CPU"), "{said}");
        assert_eq!([refusal("cpu", Mode::Generation), refusal("cuda:0", Mode::Inference)], [None, None]);
    }
}
