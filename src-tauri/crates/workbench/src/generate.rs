//! Making many files at once: model types × platforms × kinds, on all cores.

use crate::{Kind, Library, Problem, Rendered, Renderer, Request, TemplateError};
use contract::{Platform, is_made};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub model_types: Vec<String>,
    pub platforms: Vec<Platform>,
    pub kinds: Vec<Kind>,
    pub variables: BTreeMap<String, serde_json::Value>,
}

/// One file of a selection, or why there is none.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made {
    pub request: Request,
    pub outcome: Result<Rendered, TemplateError>,
    /// What is wrong in it.
    pub problems: Vec<Problem>,
}

impl Made {
    pub fn without(request: Request, error: TemplateError) -> Self {
        Self { request, outcome: Err(error), problems: Vec::new() }
    }

    /// Renders, and can be read as what it is.
    pub fn is_sound(&self) -> bool {
        self.outcome.is_ok() && self.problems.is_empty()
    }
}

impl Selection {
    /// Every file asked for that is made.
    pub fn requests(&self) -> Vec<Request> {
        self.model_types.iter().flat_map(|model_type| self.requests_for(model_type)).collect()
    }

    fn requests_for(&self, model_type: &str) -> Vec<Request> {
        let pairs = self.platforms.iter().flat_map(|platform| self.kinds.iter().map(move |kind| (*platform, *kind)));
        pairs
            .filter(|(platform, kind)| is_made(kind.key(), *platform))
            .map(|(platform, kind)| Request {
                model_type: model_type.to_owned(),
                platform,
                kind,
                variables: self.variables.clone(),
            })
            .collect()
    }
}

/// Renders and parses every file of a selection, each model type by a renderer of its own, and gives each to `take`, in
/// no particular order. Ends early once `cancelled` is set.
pub fn generate<R: Renderer>(
    renderer: impl Fn() -> R + Sync,
    library: &Library,
    selection: &Selection,
    cancelled: &AtomicBool,
    take: impl FnMut(Made) + Send,
) {
    let (take, given_up) = (Mutex::new(take), GivenUp::default());
    selection.model_types.par_iter().for_each(|model_type| {
        let mut renderer = renderer();
        for request in selection.requests_for(model_type) {
            if cancelled.load(Ordering::Relaxed) {
                return;
            }
            let made = match given_up.problem(library, &request) {
                Some(problem) => Made::without(request, TemplateError::GivenUp(problem)),
                None => renderer.make(library, request),
            };
            given_up.keep(&made);
            (*take.lock().expect("nobody panics while taking"))(made);
        }
    });
}

/// Templates that ended the process that rendered them, with how it was told: no more is made of them, as each further
/// file would take as long.
#[derive(Default)]
struct GivenUp(Mutex<BTreeMap<String, Problem>>);

impl GivenUp {
    fn problem(&self, library: &Library, request: &Request) -> Option<Problem> {
        let known = self.0.lock().expect("nobody panics while looking it up");
        if known.is_empty() {
            return None;
        }
        known.get(&library.chosen(request).ok()?.name).cloned()
    }

    fn keep(&self, made: &Made) {
        if let Err(TemplateError::GivenUp(problem)) = &made.outcome {
            let mut known = self.0.lock().expect("nobody panics while looking it up");
            known.entry(problem.template.clone()).or_insert_with(|| problem.clone());
        }
    }
}
