//! What the person is about to ask for. Lives as long as the window, so that leaving the page loses nothing.

use super::View;
use crate::parts::{dim_question, dim_read, dim_typed, output_read};
use contract::{
    Availability, Dim, DimRole, MOST_PADDING, Machine, Mode, ModelId, ModelInfo, OUTPUT, Plan, Precision, TargetChoice,
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
    /// Seconds for models that hear sound: `1, 10`.
    pub sounds: RwSignal<String>,
    /// Percent of the texts that are padding, as typed: `0, 25`.
    pub padding: RwSignal<String>,
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
            sounds: RwSignal::new(String::new()),
            padding: RwSignal::new(String::new()),
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
            let mut of_role = dims.iter().filter(|dim| dim.role == role);
            of_role.find_map(|dim| Some(dim_typed(dim, *sizes.get(&dim.name)?)))
        };
        self.batches.set(chosen(DimRole::Batch).unwrap_or_else(|| "1".into()));
        self.mode.set(Mode::Inference);
        self.lengths.set(chosen(DimRole::Sequence).unwrap_or_default());
        self.image_sizes.set(chosen(DimRole::ImageSize).unwrap_or_default());
        self.sounds.set(chosen(DimRole::Sound).unwrap_or_default());
        self.padding.set(String::new());
        let others = dims.iter().filter(|dim| is_further(dims, dim));
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
        let batches = numbers("Batch", &self.batches.get(), &mut wrong);
        let lengths = numbers("Length", &self.lengths.get(), &mut wrong);
        let image_sizes = numbers("Image size", &self.image_sizes.get(), &mut wrong);
        let sounds = seconds("Sound", &self.sounds.get(), &mut wrong);
        let threads = numbers("Threads", &self.threads.get(), &mut wrong);
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
        // What was typed for other models, and is asked for no more, counts for nothing.
        let padded: Vec<&ModelId> = chosen.iter().filter(|model| asks_padding(model, mode)).map(|m| &m.id).collect();
        let shares = if padded.is_empty() { Vec::new() } else { percents("Padding", &self.padding.get(), &mut wrong) };
        let mut dims = BTreeMap::new();
        let asked = chosen.iter().flat_map(|model| asked_dims(model, mode));
        for dim in asked.filter_map(|(dim, is_size)| (!is_size).then_some(dim)) {
            match self.dims.with(|dims| dims.get(&dim.name).cloned()).unwrap_or_default().trim() {
                "" => {}
                _ if chosen.iter().any(|model| size_dim(model).is_some_and(|size| size.name == dim.name)) => {
                    let question = &dim.question;
                    wrong.push(format!("{question} It would count for another chosen model, too. Measure them apart."));
                }
                text => match dim_read(dim, text) {
                    Some(value) if value > 0 => drop(dims.insert(dim.name.clone(), value)),
                    _ => wrong.push(format!("{} “{text}” is not a whole number above 0.", dim_question(dim))),
                },
            }
        }
        if mode == Mode::Generation {
            let typed = self.output.get();
            match output_read(&typed) {
                Some(tokens) => drop(dims.insert(OUTPUT.to_owned(), tokens)),
                None => wrong.push(format!("Tokens to write: “{}” is not a whole number of at least 2.", typed.trim())),
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
                let (dim, _) = asked_dims(model, mode).into_iter().find(|(_, is_size)| *is_size)?;
                let sizes = match (dim.role, dim.unit()) {
                    (DimRole::Sound, Some(unit)) => sounds.iter().filter_map(|secs| unit.of_secs(*secs)).collect(),
                    (DimRole::ImageSize, _) => image_sizes.clone(),
                    _ => lengths.clone(),
                };
                (!sizes.is_empty()).then(|| (model.id.clone(), sizes))
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
            padding: padded.into_iter().map(|id| (id.clone(), shares.clone())).collect(),
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

/// The dimension that a model's size stands for: its length of sound or text, or its image edge.
pub fn size_dim(model: &ModelInfo) -> Option<&Dim> {
    contract::size_dim(&model.dims)
}

/// Whether a dimension of a model is asked for by its own name, beside batch and size.
fn is_further(dims: &[Dim], dim: &Dim) -> bool {
    let goes_with = |size: &Dim| size.role.shares_size(dim.role);
    dim.role != DimRole::Batch && !contract::size_dim(dims).is_some_and(goes_with)
}

/// The free sizes that a measurement asks for beside the batch, each with whether it is the model's size: of one pass that
/// first, where text is generated the length of the prompt, unless that is fixed, and how large an image in it is.
pub fn asked_dims(model: &ModelInfo, mode: Mode) -> Vec<(&Dim, bool)> {
    if mode == Mode::Generation {
        let length = model.inputs.first().and_then(|input| input.shape.last());
        // Rows, columns and frames of an image are no size of an input by themselves, as the length of an answer is.
        let alone = |dim: &Dim| model.inputs.iter().any(|input| input.shape.contains(&dim.name));
        let of_image = |dim: &Dim| dim.role == DimRole::Other && !alone(dim);
        let asked = model.dims.iter().map(|dim| (dim, Some(&dim.name) == length));
        return asked.filter(|(dim, is_size)| *is_size || of_image(dim)).collect();
    }
    let further = model.dims.iter().filter(|dim| is_further(&model.dims, dim)).map(|dim| (dim, false));
    size_dim(model).map(|dim| (dim, true)).into_iter().chain(further).collect()
}

/// Whether a person is asked how much of the model's texts is padding: prompts of generated text have none.
pub fn asks_padding(model: &ModelInfo, mode: Mode) -> bool {
    mode == Mode::Inference && model.takes_padding()
}

/// Whole numbers above 0, apart by commas or spaces.
fn numbers(what: &str, text: &str, wrong: &mut Vec<String>) -> Vec<u32> {
    let read = |word: &str| word.parse::<u32>().ok().filter(|number| *number > 0);
    list(what, text, "a whole number above 0", wrong, read)
}

/// Shares of the texts in percent, apart by commas or spaces.
fn percents(what: &str, text: &str, wrong: &mut Vec<String>) -> Vec<u32> {
    let read = |word: &str| word.parse::<u32>().ok().filter(|percent| *percent <= MOST_PADDING);
    list(what, text, &format!("a whole number from 0 to {MOST_PADDING}"), wrong, read)
}

/// Lengths of sound, apart by commas or spaces. None of them is too short or long for any model to count.
fn seconds(what: &str, text: &str, wrong: &mut Vec<String>) -> Vec<f64> {
    let read = |word: &str| word.parse::<f64>().ok().filter(|secs| (0.01..=86_400.0).contains(secs));
    list(what, text, "a number of seconds between 0.01 and 86400", wrong, read)
}

/// Each value once; none at all where one cannot be read, which is said.
fn list<T: PartialEq>(
    what: &str,
    text: &str,
    kind: &str,
    wrong: &mut Vec<String>,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for word in text.split([',', ' ', ';']).filter(|word| !word.is_empty()) {
        match read(word) {
            Some(value) if found.contains(&value) => {}
            Some(value) => found.push(value),
            None => {
                wrong.push(format!("{what}: “{word}” is not {kind}."));
                return Vec::new();
            }
        }
    }
    found
}
