//! The two settings a person is about to compare. Lives as long as the window, so that leaving the page loses nothing.

use crate::{
    pages::{SEED, ready_targets, size_dim},
    parts::{dim_read, size_typed},
};
use contract::*;
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The two halves of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    SetUp,
    Result,
}

#[derive(Clone, Copy)]
pub struct CompareDraft {
    pub view: RwSignal<View>,
    pub a: SideDraft,
    pub b: SideDraft,
    /// In percent, as typed.
    pub threshold: RwSignal<String>,
    pub budget_secs: RwSignal<String>,
    /// The percentile of each side's times that has a limit, and the limit as typed, in milliseconds.
    pub tail: RwSignal<Option<f64>>,
    pub tail_ms: RwSignal<String>,
    /// The stored comparison that is looked at; none shows the one going on, or the last one.
    pub opened: RwSignal<Option<ComparisonId>>,
    /// The first suggestion was made; after that the choice is the person's.
    suggested: RwSignal<bool>,
}

#[derive(Clone, Copy)]
pub struct SideDraft {
    pub side: Side,
    pub model: RwSignal<Option<ModelId>>,
    pub target: RwSignal<Option<TargetChoice>>,
    pub precision: RwSignal<Precision>,
    /// Whole numbers as typed; empty is the default. A length of sound is in seconds.
    pub batch: RwSignal<String>,
    pub size: RwSignal<String>,
    pub threads: RwSignal<String>,
    /// Further dimensions of a stored result.
    pub dims: RwSignal<BTreeMap<String, u32>>,
}

impl CompareDraft {
    pub fn new() -> Self {
        Self {
            view: RwSignal::new(View::SetUp),
            a: SideDraft::new(Side::A),
            b: SideDraft::new(Side::B),
            threshold: RwSignal::new("1".into()),
            budget_secs: RwSignal::new("30".into()),
            tail: RwSignal::new(None),
            tail_ms: RwSignal::new(String::new()),
            opened: RwSignal::new(None),
            suggested: RwSignal::new(false),
        }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides CompareDraft before it draws a page")
    }

    /// Suggests the first model on the first two engines that are ready, once.
    pub fn take_defaults(self, models: Option<&Vec<ModelInfo>>, machine: Option<&Machine>) {
        let (Some(models), Some(machine)) = (models, machine) else { return };
        let targets = ready_targets(machine);
        if self.suggested.get_untracked() || targets.is_empty() {
            return;
        }
        for (side, at) in [(self.a, 0), (self.b, 1)] {
            side.model.set(models.first().map(|model| model.id.clone()));
            side.target.set(targets.get(at).or(targets.first()).cloned());
        }
        self.suggested.set(true);
    }

    /// The comparison as asked for, or what must be mended first, a sentence each. What is not among these models and
    /// places is not chosen.
    pub fn order(self, models: &[ModelInfo], ready: &[TargetChoice]) -> Result<ComparisonOrder, Vec<String>> {
        let mut wrong = Vec::new();
        let mut keep = |result: Result<f64, String>| result.map_err(|reason| wrong.push(reason)).unwrap_or_default();
        let threshold = keep(figure("The difference that matters", &self.threshold.get(), 0.01..=50.0));
        let budget_secs = keep(figure("The longest time", &self.budget_secs.get(), 1.0..=3600.0));
        let tail = self.tail.get().map(|p| Percentile {
            p,
            ms: keep(figure("The limit on slow calls", &self.tail_ms.get(), 0.000_1..=3_600_000.0)),
        });
        let sides = [self.a, self.b].map(|side| side.setting(models, ready, budget_secs));
        let [Ok(a), Ok(b)] = sides else {
            wrong.extend(sides.into_iter().filter_map(Result::err).flatten());
            return Err(wrong);
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let rules = CompareRules { threshold: threshold / 100.0, tail, ..CompareRules::default() };
        Ok(ComparisonOrder { a, b, rules, budget_secs, after: None })
    }
}

impl SideDraft {
    fn new(side: Side) -> Self {
        Self {
            side,
            model: RwSignal::new(None),
            target: RwSignal::new(None),
            precision: RwSignal::new(Precision::F32),
            batch: RwSignal::new(String::new()),
            size: RwSignal::new(String::new()),
            threads: RwSignal::new(String::new()),
            dims: RwSignal::new(BTreeMap::new()),
        }
    }

    /// What the test ids of this side bear.
    pub fn key(self) -> &'static str {
        match self.side {
            Side::A => "a",
            Side::B => "b",
        }
    }

    /// The setting of a stored result.
    pub fn take(self, row: &RunRow) {
        self.model.set(Some(row.model_id.clone()));
        self.target.set(Some(TargetChoice { engine: row.engine.clone(), device: row.device.clone() }));
        self.precision.set(row.precision);
        self.batch.set(row.batch.to_string());
        self.size.set(row.size.map_or_else(String::new, |size| size_typed(size, row.size_unit)));
        self.threads.set(row.threads.map_or_else(String::new, |threads| threads.to_string()));
        self.dims.set(row.dims.as_deref().and_then(dims_of_key).unwrap_or_default());
    }

    /// Dimensions that no field asks for, in words.
    pub fn further(self) -> Option<String> {
        self.dims.with(|dims| {
            let words: Vec<String> = dims.iter().map(|(name, value)| dim_text(name, value)).collect();
            (!words.is_empty()).then(|| words.join(", "))
        })
    }

    /// Another model may have other dimensions of the same names.
    pub fn choose_model(self, id: ModelId) {
        self.model.set(Some(id));
        self.dims.set(BTreeMap::new());
    }

    fn setting(self, models: &[ModelInfo], ready: &[TargetChoice], budget_secs: f64) -> Result<Setting, Vec<String>> {
        let label = self.side.label();
        let mut wrong = Vec::new();
        let mut keep = |what: &str, text: String| match text.trim() {
            "" => None,
            text => match text.parse::<u32>() {
                Ok(number) if number > 0 => Some(number),
                _ => {
                    wrong.push(format!("{label}: {what} “{text}” is not a whole number above 0."));
                    None
                }
            },
        };
        let batch = keep("batch", self.batch.get()).unwrap_or(1);
        let threads = keep("threads", self.threads.get());
        let model = self.model.get().and_then(|id| models.iter().find(|model| model.id == id));
        if model.is_none() {
            wrong.push(format!("{label}: choose a model."));
        }
        // What was typed for a model with sizes means nothing for one without.
        let size = match (self.size.get().trim(), model.and_then(size_dim)) {
            ("", _) | (_, None) => None,
            (text, Some(dim)) => {
                let size = dim_read(dim, text).filter(|size| *size > 0);
                if size.is_none() {
                    let kind = if dim.per_second.is_some() { "number of seconds" } else { "whole number" };
                    wrong.push(format!("{label}: size “{text}” is not a {kind} above 0."));
                }
                size
            }
        };
        let target = self.target.get().filter(|target| ready.contains(target));
        if target.is_none() {
            wrong.push(format!("{label}: choose where to run it."));
        }
        let (Some(model), Some(target), true) = (model, target, wrong.is_empty()) else { return Err(wrong) };
        Ok(Setting {
            model: model.id.clone(),
            engine: target.engine,
            device: target.device,
            precision: self.precision.get(),
            mode: Mode::Inference,
            batch,
            size,
            dims: self.dims.get(),
            threads,
            seed: SEED,
            budget_secs,
        })
    }
}

fn figure(what: &str, text: &str, within: std::ops::RangeInclusive<f64>) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(figure) if within.contains(&figure) => Ok(figure),
        _ => Err(format!("{what} must be between {} and {}.", within.start(), within.end())),
    }
}
