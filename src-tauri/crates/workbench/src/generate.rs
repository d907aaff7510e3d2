//! Making many files at once: model types × platforms × kinds, on all cores.

use crate::{Facts, Kind, Library, Problem, Rendered, Request, TemplateError, check_rendered, facts, render_with};
use contract::{Platform, is_made};
use minijinja::value::{Serde, Value};
use rayon::prelude::*;
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
#[derive(Debug)]
pub struct Made {
    pub request: Request,
    pub outcome: Result<Rendered, TemplateError>,
    /// What is wrong in it.
    pub problems: Vec<Problem>,
}

impl Made {
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

/// Renders and parses every file of a selection and gives each to `take`, in no particular order. Ends early once
/// `cancelled` is set.
pub fn generate(library: &Library, selection: &Selection, cancelled: &AtomicBool, take: impl FnMut(Made) + Send) {
    let take = Mutex::new(take);
    selection.model_types.par_iter().for_each(|model_type| {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        for made in make(library, selection, model_type) {
            (*take.lock().expect("nobody panics while taking"))(made);
        }
    });
}

fn make(library: &Library, selection: &Selection, model_type: &str) -> Vec<Made> {
    let known: Result<(Facts, Value), TemplateError> = facts(model_type).map(|facts| {
        let model = Value::from(Serde(&facts));
        (facts, model)
    });
    selection
        .requests_for(model_type)
        .into_iter()
        .map(|request| {
            let outcome = match &known {
                Ok((facts, model)) => render_with(library, &request, facts, model),
                Err(error) => Err(error.clone()),
            };
            let problems = outcome.as_ref().map(|rendered| check_rendered(rendered, library)).unwrap_or_default();
            Made { request, outcome, problems }
        })
        .collect()
}
