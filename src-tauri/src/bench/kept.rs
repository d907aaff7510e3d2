//! The weights that Assay wrote earlier and would find again.

use super::room::is_calibrated;
use crate::{catalogue::Catalogue, weights::Weights};
use contract::*;
use models::{DynamicForm, Format, Model};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::PathBuf,
};
use store::Store;

/// Looks for weights, once for those of each graph, precision, form and seed.
pub struct Kept {
    weights: Weights,
    found: RefCell<HashMap<Key, Option<PathBuf>>>,
}

type Key = (ModelId, Precision, DynamicForm, u64);

/// The form in which an engine is given a model: engines have theirs in int8 alone.
pub fn form(engine: &EngineId, precision: Precision) -> DynamicForm {
    match precision {
        Precision::Int8 => engine::dynamic_form(engine),
        _ => DynamicForm::default(),
    }
}

impl Kept {
    pub fn of(weights: &Weights) -> Self {
        Self { weights: weights.clone(), found: RefCell::default() }
    }

    /// Bytes of a model's weights at a precision that are still to be written, of so many in all. Where text is
    /// generated, the model is the graph that reads the prompt.
    pub fn to_write(&self, model: &Model, setting: &Setting, precision: Precision, bytes: u64) -> u64 {
        if self.folder(model, setting, precision).is_some() { 0 } else { bytes }
    }

    /// Folders that measuring these reads, as far as they are there. A model that cannot be opened needs none.
    pub fn needed_by<'a>(
        &self,
        settings: impl Iterator<Item = &'a Setting>,
        catalogue: &Catalogue,
        store: &Store,
    ) -> HashSet<PathBuf> {
        // The largest graphs take a while to draw: those of text once for all settings of a model.
        let mut by_model: HashMap<(&ModelId, Mode), Vec<&Setting>> = HashMap::new();
        for setting in settings {
            by_model.entry((&setting.model, setting.mode)).or_default().push(setting);
        }
        let mut needed = HashSet::new();
        for ((id, mode), settings) in by_model {
            let Ok(listed) = catalogue.model(store, id) else { continue };
            needed.insert(self.weights.outputs_of(id));
            if !listed.model.may_lie_in(self.weights.root()) {
                continue;
            }
            let stages = if mode == Mode::Generation { listed.model.generation().ok().flatten() } else { None };
            let model = stages.as_ref().map_or(&listed.model, |stages| &stages.prefill);
            for setting in settings {
                needed.extend(self.folder(model, setting, setting.precision));
                needed.extend(self.folder(model, setting, Precision::F32));
            }
        }
        needed
    }

    fn folder(&self, model: &Model, setting: &Setting, precision: Precision) -> Option<PathBuf> {
        let form = form(&setting.engine, precision);
        let key = (model.info().id.clone(), precision, form, setting.seed);
        let find = || self.find(model, Format::from(precision).with_dynamic(form), setting.seed);
        self.found.borrow_mut().entry(key).or_insert_with(find).clone()
    }

    fn find(&self, model: &Model, format: Format, seed: u64) -> Option<PathBuf> {
        let root = self.weights.root();
        let format = match is_calibrated(model, format.precision) {
            true => format.with_ranges(model.calibrated(root, seed)?),
            false => format,
        };
        Some(model.found(root, format, seed).ok()??.folder)
    }
}
