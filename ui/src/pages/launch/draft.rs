//! What the person is about to ask for. Lives as long as the window, so that leaving the page loses nothing.

use super::View;
use contract::{
    Availability, DEFAULT_OUTPUT, Dim, DimRole, Machine, Mode, ModelId, ModelInfo, OUTPUT, Plan, Precision,
    TargetChoice,
};
use leptos::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy)]
pub struct Draft {
    pub view: RwSignal<View>,
    pub models: RwSignal<Vec<ModelId>>,
    pub targets: RwSignal<Vec<TargetChoice>>,
    pub precisions: RwSignal<Vec<Precision>>,
    /// Whole numbers as typed: `1, 4, 16`.
    pub batches: RwSignal<String>,
    /// One pass, or generation.
    pub mode: RwSignal<Mode>,
    /// Tokens to write after each prompt, as typed; empty is the default.
    pub output: RwSignal<String>,
    /// Tokens of text for models that read text; empty is each model's default.
    pub lengths: RwSignal<String>,
    /// Pixels for models that see images.
    pub image_sizes: RwSignal<String>,
    /// Values of further free dimensions by their name.
    pub dims: RwSignal<BTreeMap<String, String>>,
    pub threads: RwSignal<String>,
    pub budget_secs: RwSignal<String>,
    /// The first suggestion was made; after that the choice is the person's.
    suggested: RwSignal<bool>,
}

impl Draft {
    pub fn new() -> Self {
        Self {
            view: RwSignal::new(View::SetUp),
            models: RwSignal::new(Vec::new()),
            targets: RwSignal::new(Vec::new()),
            precisions: RwSignal::new(vec![Precision::F32]),
            batches: RwSignal::new("1".into()),
            mode: RwSignal::new(Mode::Inference),
            output: RwSignal::new(String::new()),
            lengths: RwSignal::new(String::new()),
            image_sizes: RwSignal::new(String::new()),
            dims: RwSignal::new(BTreeMap::new()),
            threads: RwSignal::new(String::new()),
            budget_secs: RwSignal::new(String::new()),
            suggested: RwSignal::new(false),
        }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides Draft before it draws a page")
    }

    pub fn show_running(self) {
        self.view.set(View::Running);
    }

    /// Takes sizes chosen for one model elsewhere, by the names of its dimensions.
    pub fn take_sizes(self, dims: &[Dim], sizes: &BTreeMap<String, u32>) {
        let chosen = |role: DimRole| {
            let dim = dims.iter().filter(|dim| dim.role == role).find_map(|dim| sizes.get(&dim.name));
            dim.map(u32::to_string)
        };
        self.batches.set(chosen(DimRole::Batch).unwrap_or_else(|| "1".into()));
        self.mode.set(Mode::Inference);
        self.lengths.set(chosen(DimRole::Sequence).unwrap_or_default());
        self.image_sizes.set(chosen(DimRole::ImageSize).unwrap_or_default());
        let others = dims.iter().filter(|dim| dim.role == DimRole::Other);
        self.dims.set(others.filter_map(|dim| Some((dim.name.clone(), sizes.get(&dim.name)?.to_string()))).collect());
    }

    /// Suggests the first model and every ready place, once.
    pub fn take_defaults(self, models: Option<&Vec<ModelInfo>>, machine: Option<&Machine>) {
        let (Some(models), Some(machine)) = (models, machine) else { return };
        let targets = ready_targets(machine);
        if self.suggested.get_untracked() || targets.is_empty() {
            return;
        }
        if self.models.with_untracked(Vec::is_empty) {
            self.models.set(models.first().map(|model| model.id.clone()).into_iter().collect());
        }
        self.targets.set(targets);
        self.suggested.set(true);
    }

    /// The sweep as asked for, or what must be mended first, a sentence each.
    pub fn plan(self, models: &[ModelInfo], default_budget_secs: f64) -> Result<Plan, Vec<String>> {
        let mut wrong = Vec::new();
        let mut keep = |result: Result<Vec<u32>, String>| {
            result.unwrap_or_else(|reason| {
                wrong.push(reason);
                Vec::new()
            })
        };
        let batches = keep(numbers("Batch", &self.batches.get()));
        let lengths = keep(numbers("Length", &self.lengths.get()));
        let image_sizes = keep(numbers("Image size", &self.image_sizes.get()));
        let threads = keep(numbers("Threads", &self.threads.get()));
        let budget_secs = match self.budget_secs.get().trim() {
            "" => default_budget_secs,
            text => match text.parse::<f64>() {
                Ok(secs) if (1.0..=3600.0).contains(&secs) => secs,
                _ => {
                    wrong.push("Time for each measurement must be between 1 and 3600 seconds.".into());
                    default_budget_secs
                }
            },
        };
        let chosen = self.models.get();
        let chosen: Vec<&ModelInfo> = models.iter().filter(|model| chosen.contains(&model.id)).collect();
        let mode = self.mode.get();
        let mut dims = BTreeMap::new();
        for dim in chosen.iter().flat_map(|model| asked_dims(model, mode)).filter(|dim| dim.role == DimRole::Other) {
            match self.dims.with(|dims| dims.get(&dim.name).cloned()).unwrap_or_default().trim() {
                "" => {}
                text => match text.parse() {
                    Ok(value) if value > 0 => drop(dims.insert(dim.name.clone(), value)),
                    _ => wrong.push(format!("{}: “{text}” is not a whole number above 0.", dim.question)),
                },
            }
        }
        if mode == Mode::Generation {
            match (self.output.get().trim(), self.output.get().trim().parse::<u32>()) {
                ("", _) => drop(dims.insert(OUTPUT.to_owned(), DEFAULT_OUTPUT)),
                (_, Ok(tokens)) if tokens >= 2 => drop(dims.insert(OUTPUT.to_owned(), tokens)),
                (text, _) => wrong.push(format!("Tokens to write: “{text}” is not a whole number of at least 2.")),
            }
        }
        if chosen.is_empty() {
            wrong.push("Choose at least one model.".into());
        }
        if self.targets.with(Vec::is_empty) {
            wrong.push("Choose at least one place to run.".into());
        }
        if self.precisions.with(Vec::is_empty) {
            wrong.push("Choose at least one precision.".into());
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let sizes = chosen
            .iter()
            .filter_map(|model| {
                let sizes = match asked_dims(model, mode).iter().find(|dim| is_size(dim))?.role {
                    DimRole::ImageSize => &image_sizes,
                    _ => &lengths,
                };
                (!sizes.is_empty()).then(|| (model.id.clone(), sizes.clone()))
            })
            .collect();
        Ok(Plan {
            models: chosen.iter().map(|model| model.id.clone()).collect(),
            targets: self.targets.get(),
            precisions: self.precisions.get(),
            mode,
            batches: if batches.is_empty() { vec![1] } else { batches },
            sizes,
            dims,
            threads,
            seed: SEED,
            budget_secs,
        })
    }
}

/// Weights and inputs come from this seed, so that a result can be repeated.
pub const SEED: u64 = 42;

/// Every target that is ready and whose times mean something.
pub fn ready_targets(machine: &Machine) -> Vec<TargetChoice> {
    machine
        .targets()
        .filter(|target| target.availability == Availability::Ready && target.not_ranked.is_none())
        .map(|target| TargetChoice { engine: target.engine.clone(), device: target.device.clone() })
        .collect()
}

/// The dimension that a model's size stands for: its text length or its image edge.
pub fn size_dim(model: &ModelInfo) -> Option<&Dim> {
    model.dims.iter().find(|dim| is_size(dim))
}

fn is_size(dim: &Dim) -> bool {
    matches!(dim.role, DimRole::Sequence | DimRole::ImageSize)
}

/// The free sizes that a measurement asks for beside the batch: of one pass the model's size first, where text is
/// generated the length of the prompt alone, unless that is fixed.
pub fn asked_dims(model: &ModelInfo, mode: Mode) -> Vec<&Dim> {
    if mode == Mode::Generation {
        let length = model.inputs.first().and_then(|input| input.shape.last());
        return model.dims.iter().filter(|dim| Some(&dim.name) == length).collect();
    }
    let others = model.dims.iter().filter(|dim| dim.role == DimRole::Other);
    size_dim(model).into_iter().chain(others).collect()
}

/// Whole numbers above 0, apart by commas or spaces.
fn numbers(what: &str, text: &str) -> Result<Vec<u32>, String> {
    let mut numbers = Vec::new();
    for word in text.split([',', ' ', ';']).filter(|word| !word.is_empty()) {
        match word.parse::<u32>() {
            Ok(number) if number > 0 => {
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            _ => return Err(format!("{what}: “{word}” is not a whole number above 0.")),
        }
    }
    Ok(numbers)
}
