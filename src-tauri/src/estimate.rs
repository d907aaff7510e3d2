//! What a plan will take, and what of it cannot run, before it starts.

use crate::{
    bench::{Sizes, fits_memory, memory_limit, usable_target},
    catalogue::{Catalogue, Listed},
    disk::free_bytes,
    nearest,
    weights::Weights,
};
use contract::*;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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
}

/// The settings of a plan, unless it is empty or too large to be meant.
pub fn settings_of(plan: &Plan) -> Result<Vec<Setting>, Failure> {
    let lengths = [plan.targets.len(), plan.precisions.len(), plan.batches.len(), plan.threads.len().max(1)];
    let sizes: usize =
        plan.models.iter().map(|model| plan.sizes.get(model).map_or(1, |sizes| sizes.len().max(1))).sum();
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
        let mut sizes: HashMap<String, Result<Arc<Sizes>, Failure>> = HashMap::new();
        let mut nearest: HashMap<String, Option<String>> = HashMap::new();
        let mut to_write: BTreeMap<(ModelId, Precision), u64> = BTreeMap::new();
        let mut lines = Vec::with_capacity(settings.len());
        for setting in settings {
            let model = &models[&setting.model];
            let setting = model.spelt_out(setting);
            let key = format!("{}/{}/{:?}/{}", setting.model, setting.batch, setting.size, setting.precision);
            let known =
                sizes.entry(key.clone()).or_insert_with(|| Sizes::of(&model.model, &setting).map(Arc::new)).clone();
            let line = self.line(setting, model, known, |setting| {
                let place = format!("{key}/{}/{}", setting.engine, setting.device);
                nearest.entry(place).or_insert_with(|| self.nearest(setting, model)).clone()
            });
            if line.refusal.is_none() {
                for precision in BTreeSet::from([Precision::F32, line.setting.precision]) {
                    to_write
                        .entry((line.setting.model.clone(), precision))
                        .or_insert_with(|| model.model.disk_bytes(precision));
                }
            }
            lines.push(line);
        }
        let running = || lines.iter().filter(|line| line.refusal.is_none());
        Ok(PlanEstimate {
            total_secs: running().filter_map(|line| line.secs).sum(),
            peak_memory_bytes: running().filter_map(|line| line.memory_bytes).max().unwrap_or(0),
            available_memory_bytes: engine::available_memory_bytes().min(memory_limit(self.settings, self.machine)),
            disk_bytes: to_write.values().sum(),
            available_disk_bytes: free_bytes(self.weights.root()),
            lines,
        })
    }

    /// Seconds of one setting and what they rest on.
    pub fn secs(&self, setting: &Setting, model: &Listed, sizes: &Sizes) -> (f64, String) {
        if let Ok(Some(secs)) = self.store.longest_like(setting) {
            return (secs, "an earlier run of the same setting".into());
        }
        let moving =
            model.model.disk_bytes(setting.precision).max(model.info.weight_bytes) as f64 / WEIGHT_BYTES_PER_SEC;
        let Some(macs) = sizes.macs else {
            return (
                FIXED_SECS + moving + setting.budget_secs,
                "the whole time budget: this graph's work cannot be counted".into(),
            );
        };
        let (rate, basis) = self.rate(setting);
        let call = 2.0 * macs as f64 * f64::from(setting.batch) / rate;
        let sampling = (call * CALLS).clamp(SHORTEST_SAMPLING_SECS, setting.budget_secs.max(call * 12.0) + 1.0);
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

    /// `nearest` says what would fit, where the memory is too small.
    fn line(
        &self,
        setting: Setting,
        model: &Listed,
        sizes: Result<Arc<Sizes>, Failure>,
        nearest: impl FnOnce(&Setting) -> Option<String>,
    ) -> SettingEstimate {
        let sizes = match sizes {
            Ok(sizes) => sizes,
            Err(failure) => return refused(setting, None, &failure, None),
        };
        let memory = Some(sizes.memory_bytes);
        if let Err(failure) = self.check(&setting, model, &sizes) {
            let of_memory = matches!(&failure, Failure::TooBig { resource, .. } if resource == "memory");
            let remedy = of_memory.then(|| nearest(&setting)).flatten();
            return refused(setting, memory, &failure, remedy);
        }
        let (secs, basis) = self.secs(&setting, model, &sizes);
        SettingEstimate { setting, secs: Some(secs), basis, memory_bytes: memory, refusal: None }
    }

    fn check(&self, setting: &Setting, model: &Listed, sizes: &Sizes) -> Result<(), Failure> {
        usable_target(self.machine, setting)?;
        fits_memory(&model.info.name, sizes.memory_bytes, memory_limit(self.settings, self.machine))?;
        let (needed_bytes, available_bytes) = (
            model.model.disk_bytes(setting.precision),
            free_bytes(self.weights.root()).saturating_add(self.weights.bytes()),
        );
        if needed_bytes > available_bytes {
            let subject = format!("the weights of {}", model.info.name);
            return Err(Failure::TooBig { subject, resource: "disk space".into(), needed_bytes, available_bytes });
        }
        Ok(())
    }

    /// What would fit into the memory there is.
    fn nearest(&self, setting: &Setting, model: &Listed) -> Option<String> {
        let target = self.machine.target(&setting.engine, &setting.device)?;
        let available = engine::available_memory_bytes().min(memory_limit(self.settings, self.machine));
        Some(nearest::choices(model, target, setting, available))
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
