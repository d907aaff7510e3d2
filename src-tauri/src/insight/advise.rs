//! Where one piece of work should run: insight's answer with what only the shell knows beside it.

use super::{Insight, Known, made};
use contract::*;
use insight::recommend::{self, Described, RecommendError, Survey};
use std::collections::BTreeMap;
use store::Store;

/// What an answer is made from.
pub struct Advisor<'a> {
    pub insight: &'a Insight,
    pub store: &'a Store,
    pub machine: &'a Machine,
    /// Models that can be measured here.
    pub models: &'a [ModelInfo],
    pub settings: &'a Settings,
}

/// Fewer results than this teach nothing about other settings.
const FEWEST: usize = 2;

impl Advisor<'_> {
    pub fn advise(&self, work: &Work, limits: &Limits) -> Result<Advice, Failure> {
        let known = self.insight.known(self.store)?;
        let model = self.models.iter().find(|model| model.name == work.model);
        let too_little = |reason: String, remedy: &str| {
            Ok(Advice::TooLittle { reason, remedy: remedy.into(), model: model.map(|model| model.id.clone()) })
        };
        if known.rows.len() < FEWEST {
            let reason = match (known.rows.len(), known.runs.len()) {
                (0, 0) => "Nothing is measured yet, so there is nothing to choose between",
                (0, _) => "None of the results can be learned from",
                _ => "There is a single result, and nothing to compare it with",
            };
            let left_out = known.learned_from.left_out().map(|told| format!(". {told}")).unwrap_or_default();
            let remedy = "Measure this model on every engine of this machine, or import results";
            return too_little(format!("{reason}{left_out}"), remedy);
        }
        let asked = self.asked(&known, work, model);
        let survey = self.insight.surveys.try_of(&known, asked.clone(), || {
            let survey = known.survey(&asked);
            if let Ok(survey) = &survey
                && work_of(&known, survey, model).dims.is_none()
            {
                made::keep(self.store, &known, [survey])?;
            }
            Ok::<_, Failure>(survey)
        })?;
        let survey = match &*survey {
            Ok(survey) => survey,
            Err(RecommendError::UnknownModel { .. }) => {
                let reason = format!("No result and no listed model is called {}", work.model);
                return too_little(reason, "Choose another model, add its file, or import its results");
            }
            Err(RecommendError::UnknownMode { mode, known, .. }) => {
                let reason = format!("{} was never measured in the mode {mode}, only in {known}", work.model);
                return too_little(reason, "Choose a mode that it was measured in");
            }
        };
        if survey.candidates.is_empty() {
            return too_little(
                format!("No result speaks for {} at this batch and size", work.model),
                "Measure it at this batch and size, or choose a batch nearer to what was measured",
            );
        }
        Ok(Advice::Given(Box::new(self.given(&known, survey, limits, model))))
    }

    /// A model without results is asked about by what its graph says.
    fn asked(&self, known: &Known, work: &Work, model: Option<&ModelInfo>) -> recommend::Work {
        let described = model.filter(|_| !known.knows(&work.model));
        recommend::Work {
            model: work.model.clone(),
            mode: work.mode.or(described.map(|_| Mode::Inference)).map(|mode| mode.key().to_owned()),
            batch: work.batch.or(described.map(|_| 1)).map(f64::from),
            size: work.size.or(described.and_then(usual_size)).map(f64::from),
            described: described.map(|model| Described {
                family: model.family.clone(),
                parameters: model.parameters.map(|count| count as f64),
                // Counted at the model's usual size.
                macs: model
                    .macs
                    .filter(|_| work.size.is_none() || work.size == usual_size(model))
                    .map(|count| count as f64),
                activations: None,
            }),
        }
    }

    fn given(&self, known: &Known, survey: &Survey, limits: &Limits, model: Option<&ModelInfo>) -> GivenAdvice {
        let places = Places::of(known, self.machine, &survey.candidates);
        let unwanted = |setting: &recommend::Setting| self.unwanted(&places, setting, limits);
        let found = survey.choose(&bounds(limits), &unwanted);
        let candidate = |candidate: recommend::Candidate| self.candidate(known, &places, survey, candidate);
        let work = work_of(known, survey, model);
        let run = |run: recommend::NextRun| self.next_run(&places, &work, run, model);
        let next_run = found.next_run.map(&run);
        let next_run_here = match &next_run {
            Some(NextRun { plan: None, .. }) => found.further_runs.into_iter().map(run).find(|run| run.plan.is_some()),
            _ => None,
        };
        GivenAdvice {
            learned_from: known.learned_from,
            choice: found.choice.map(candidate),
            alternatives: found.alternatives.into_iter().map(candidate).collect(),
            rejected: found
                .rejected
                .into_iter()
                .map(|no| RejectedSetting { setting: places.advised(known, self.machine, &no.setting), why: no.why })
                .collect(),
            next_run,
            next_run_here,
            scope: self.scope(&places, survey),
            work,
        }
    }

    /// Why a setting is out of the question before its time is looked at.
    pub fn unwanted(&self, places: &Places, setting: &recommend::Setting, limits: &Limits) -> Option<String> {
        if !limits.precisions.is_empty() && !limits.precisions.contains(&setting.precision) {
            return Some(format!("its precision, {}, is not among those allowed", setting.precision));
        }
        let platform = places.platform(setting);
        if !limits.platforms.is_empty() && !limits.platforms.contains(&platform) {
            return Some(format!("its platform, {platform}, is not among those allowed"));
        }
        let most = limits.cost_per_hour?;
        match self.settings.prices.get(&setting.hardware) {
            None => Some("its cost is unknown: the price list does not name its hardware".into()),
            Some(price) if *price > most => Some(format!("it costs {price} an hour, more than the {most} allowed")),
            Some(_) => None,
        }
    }

    pub fn candidate(
        &self,
        known: &Known,
        places: &Places,
        survey: &Survey,
        candidate: recommend::Candidate,
    ) -> Candidate {
        let (runs, evidence, ran) = match candidate.evidence {
            recommend::Evidence::Measured => {
                let behind = known.behind(survey, &candidate.setting);
                let mut ran: Vec<String> = Vec::new();
                for told in behind.iter().map(|run| run.ran()) {
                    if !ran.contains(&told) {
                        ran.push(told);
                    }
                }
                let weakest = behind.iter().map(|run| run.evidence).max().unwrap_or(Evidence::Measured);
                (behind.iter().map(|run| run.id.clone()).collect(), weakest, ran.join("; "))
            }
            recommend::Evidence::Predicted => {
                let expected = known.expected(&candidate.setting);
                let ran = ran_text(&expected, None, None, known.all_experts(&survey.model));
                (Vec::new(), Evidence::Predicted, ran)
            }
        };
        Candidate {
            setting: AdvisedSetting { ran, ..places.advised(known, self.machine, &candidate.setting) },
            evidence,
            latency_ms: candidate.latency_ms,
            p95_ms: candidate.p95_ms,
            samples_per_s: candidate.samples_per_second,
            memory_mb: candidate.peak_memory_mb,
            cost_per_hour: self.settings.prices.get(&candidate.setting.hardware).copied(),
            support: candidate.support.map(ForecastSupport::label).unwrap_or_default().to_owned(),
            note: candidate.note,
            probability_best: candidate.probability_best,
            expected_regret: candidate.expected_regret,
            why: candidate.why,
            runs,
        }
    }

    fn next_run(&self, places: &Places, work: &Work, run: recommend::NextRun, model: Option<&ModelInfo>) -> NextRun {
        let setting = places.known_advised(&run.setting);
        let (plan, why_not) = match self.plan(work, &setting, model) {
            Ok(plan) => (Some(plan), String::new()),
            Err(why_not) => (None, why_not),
        };
        let recommend::NextRun { seconds, regret_saved, keeps_limits, .. } = run;
        NextRun { setting, secs: seconds, regret_saved, keeps_limits, plan, why_not }
    }

    /// The plan of a single measurement, or why this machine cannot make it.
    fn plan(&self, work: &Work, setting: &AdvisedSetting, model: Option<&ModelInfo>) -> Result<Plan, String> {
        let Some(here) = &setting.here else {
            return Err(format!(
                "This machine has no {} on {}. Measure there, and import the table",
                setting.engine.label(),
                setting.hardware
            ));
        };
        let model = model.ok_or("The model is known from results alone. Add its file to measure it here")?;
        let precision = Precision::from_key(&setting.precision)
            .ok_or_else(|| format!("Assay cannot ask an engine for the precision {}", setting.precision))?;
        match work.mode {
            None | Some(Mode::Inference) => {}
            Some(Mode::Training) => {
                return Err("Training is not measured by this Assay; its times are imported".into());
            }
            Some(Mode::Generation) => return Err("Choose Generation on the Launch page to measure it".into()),
        }
        Ok(Plan {
            models: vec![model.id.clone()],
            targets: vec![here.clone()],
            precisions: vec![precision],
            mode: Mode::Inference,
            batches: vec![work.batch.unwrap_or(1)],
            sizes: work.size.map(|size| (model.id.clone(), vec![size])).into_iter().collect(),
            dims: work.dims.as_deref().and_then(dims_of_key).unwrap_or_default(),
            padding: Default::default(),
            threads: setting.threads.into_iter().collect(),
            seed: SEED,
            budget_secs: self.settings.budget_secs,
        })
    }

    fn scope(&self, places: &Places, survey: &Survey) -> Scope {
        let sorted = |of: &dyn Fn(&recommend::Setting) -> String| {
            let mut all: Vec<String> = places.0.iter().map(|(setting, _)| of(setting)).collect();
            all.sort();
            all.dedup();
            all
        };
        let range = |of: &dyn Fn(&recommend::Candidate) -> Option<f64>| {
            let values = survey.candidates.iter().filter_map(of);
            values.fold(None, |range: Option<(f64, f64)>, value| {
                Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
            })
        };
        let mut platforms: Vec<Platform> = places.0.iter().map(|(_, advised)| advised.platform).collect();
        platforms.sort();
        platforms.dedup();
        Scope {
            precisions: sorted(&|setting| setting.precision.clone()),
            hardware: sorted(&|setting| setting.hardware.clone()),
            platforms,
            latency_ms: range(&|candidate| Some(candidate.latency_ms.value)),
            samples_per_s: range(&|candidate| Some(candidate.samples_per_second)),
            memory_mb: range(&|candidate| candidate.peak_memory_mb.map(|memory| memory.value)),
            cost_per_hour: range(&|candidate| self.settings.prices.get(&candidate.setting.hardware).copied()),
        }
    }
}

/// Weights and inputs come from this seed, as in Launch.
const SEED: u64 = 42;

/// The candidates' settings with their platforms and places on this machine, looked up once.
pub struct Places(Vec<(recommend::Setting, AdvisedSetting)>);

impl Places {
    pub fn of(known: &Known, machine: &Machine, candidates: &[recommend::Candidate]) -> Self {
        Self(candidates.iter().map(|c| (c.setting.clone(), known.advised(&c.setting, machine))).collect())
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn find(&self, setting: &recommend::Setting) -> Option<&AdvisedSetting> {
        self.0.iter().find(|(own, _)| own == setting).map(|(_, advised)| advised)
    }

    fn platform(&self, setting: &recommend::Setting) -> Platform {
        self.find(setting).map_or(Platform::Other, |advised| advised.platform)
    }

    fn known_advised(&self, setting: &recommend::Setting) -> AdvisedSetting {
        self.find(setting).cloned().expect("a run is proposed for a candidate")
    }

    /// Also for a setting that never was a candidate.
    fn advised(&self, known: &Known, machine: &Machine, setting: &recommend::Setting) -> AdvisedSetting {
        self.find(setting).cloned().unwrap_or_else(|| known.advised(setting, machine))
    }
}

pub fn bounds(limits: &Limits) -> recommend::Limits {
    let at = |at: LatencyAt| limits.latency_ms.filter(|_| limits.latency_at == at);
    recommend::Limits {
        max_latency_ms: at(LatencyAt::Typical),
        max_p95_ms: at(LatencyAt::P95),
        max_memory_mb: limits.memory_mb,
        min_throughput: limits.samples_per_s,
    }
}

/// The work that a survey is of. A model without results is described at the further dimensions it would be measured at.
pub fn work_of(known: &Known, survey: &Survey, model: Option<&ModelInfo>) -> Work {
    let size = survey.size.map(|size| size as u32);
    let described = model.filter(|_| !known.knows(&survey.model));
    Work {
        model: survey.model.clone(),
        mode: Mode::from_key(&survey.mode),
        batch: survey.batch.map(|batch| batch as u32),
        size,
        size_unit: known.size_unit(&survey.model),
        dims: match described {
            Some(model) => dims_key(&spelt_sizes(&model.dims, size, &BTreeMap::new()).1),
            None => known.dims(&survey.model),
        },
    }
}

/// The length or image edge that a model runs at where none is given.
fn usual_size(model: &ModelInfo) -> Option<u32> {
    size_dim(&model.dims).map(|dim| dim.default)
}
