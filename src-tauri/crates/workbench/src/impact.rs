//! What a change of templates does to everything they make.

use crate::{Kind, Library, Made, Renderer, Selection, generate};
use contract::Platform;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// One file that a change reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    pub model_type: String,
    pub platform: Platform,
    pub kind: Kind,
    /// Why it is not sound after the change; for one that was mended, why it was not before.
    pub reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// Templates whose text differs.
    pub templates: Vec<String>,
    /// Files that may differ, because what they are made from does.
    pub reached: usize,
    /// Files whose text differs.
    pub changed: usize,
    /// Sound before, and not after.
    pub breaks: Vec<Reached>,
    /// Not sound before, and sound after.
    pub mends: Vec<Reached>,
    /// Sound neither before nor after.
    pub still_broken: usize,
}

/// Renders and checks what the difference between two libraries reaches, before and after. `progress` hears of files
/// done and files in all.
pub fn impact<R: Renderer>(
    renderer: impl Fn() -> R + Sync,
    before: &Library,
    after: &Library,
    selection: &Selection,
    cancelled: &AtomicBool,
    progress: impl Fn(usize, usize) + Sync,
) -> Impact {
    let templates = changed(before, after);
    let mut reached = touched(before, &templates, selection);
    reached.append(&mut touched(after, &templates, selection));
    let selection = narrowed(selection, &reached);
    let total = selection.requests().len();
    let done = AtomicUsize::new(0);
    let results = |library: &Library| {
        let outcomes = Mutex::new(BTreeMap::new());
        generate(&renderer, library, &selection, cancelled, |made| {
            let key = (made.request.model_type.clone(), made.request.platform, made.request.kind);
            outcomes.lock().expect("nobody panics while keeping an outcome").insert(key, outcome(&made));
            progress(done.fetch_add(1, Ordering::Relaxed) / 2 + 1, total);
        });
        outcomes.into_inner().expect("nobody panics while keeping an outcome")
    };
    let (old, new) = (results(before), results(after));
    let mut impact = Impact { templates: templates.into_iter().collect(), ..Impact::default() };
    for (key, new) in new {
        let Some(old) = old.get(&key).filter(|_| reached.contains(&(key.0.clone(), key.2))) else { continue };
        impact.reached += 1;
        let told = |reason: &str| Reached {
            model_type: key.0.clone(),
            platform: key.1,
            kind: key.2,
            reason: reason.to_owned(),
        };
        match (old, &new) {
            (Ok(old), Ok(new)) => impact.changed += usize::from(old != new),
            (Ok(_), Err(reason)) => impact.breaks.push(told(reason)),
            (Err(reason), Ok(_)) => impact.mends.push(told(reason)),
            (Err(_), Err(_)) => impact.still_broken += 1,
        }
    }
    impact
}

/// Model types and kinds whose template needs one of these.
fn touched(library: &Library, templates: &BTreeSet<String>, selection: &Selection) -> BTreeSet<(String, Kind)> {
    let reached: BTreeSet<&String> =
        library.templates().keys().filter(|name| !library.needs(name).is_disjoint(templates)).collect();
    let mut touched = BTreeSet::new();
    for facts in selection.model_types.iter().filter_map(|model_type| crate::facts(model_type).ok()) {
        for kind in &selection.kinds {
            if library.choose(*kind, &facts).is_ok_and(|chosen| reached.contains(&chosen.name)) {
                touched.insert((facts.model_type.clone(), *kind));
            }
        }
    }
    touched
}

fn narrowed(selection: &Selection, touched: &BTreeSet<(String, Kind)>) -> Selection {
    let mut narrowed = selection.clone();
    narrowed.model_types.retain(|model_type| touched.iter().any(|(touched, _)| touched == model_type));
    narrowed.kinds.retain(|kind| touched.iter().any(|(_, touched)| touched == kind));
    narrowed
}

/// The text, or the first thing that is wrong.
fn outcome(made: &Made) -> Result<String, String> {
    match (&made.outcome, made.problems.first()) {
        (Err(error), _) => Err(error.to_string()),
        (Ok(_), Some(problem)) => Err(problem.to_string()),
        (Ok(rendered), None) => Ok(rendered.text.clone()),
    }
}

fn changed(before: &Library, after: &Library) -> BTreeSet<String> {
    let names = before.templates().keys().chain(after.templates().keys());
    let differs = |name: &&String| {
        let [before, after] = [before, after].map(|library| library.templates().get(*name));
        before.map(|template| &template.text) != after.map(|template| &template.text)
    };
    names.filter(differs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Here;

    fn library(base: &str) -> Library {
        let test = "---\nkind = \"test\"\nfamily = \"decoder\"\nextends = \"base.py\"\n---\n{% block a %}x = 1{% endblock %}\n";
        let skill = "---\nkind = \"skill\"\n---\ny = 1\n";
        let base = format!("---\nkind = \"base\"\n---\n{base}\n");
        Library::new(
            [("base.py", base), ("test.py", test.to_owned()), ("skill.py", skill.to_owned())]
                .map(|(n, t)| (n.to_owned(), t)),
        )
    }

    #[test]
    fn a_change_is_told_for_what_it_reaches_alone() {
        let selection = Selection {
            model_types: ["llama", "mistral", "vit"].map(str::to_owned).to_vec(),
            platforms: vec![Platform::Cpu],
            kinds: vec![Kind::Test],
            ..Selection::default()
        };
        let told = |before: &str, after: &str| {
            let (before, after) = (library(before), library(after));
            impact(Here::default, &before, &after, &selection, &AtomicBool::new(false), |_, _| {})
        };
        let sound = "{% block a %}{% endblock %}\n";
        let wrong = "{{ nothing }}\n{% block a %}{% endblock %}\n";
        let same = told(sound, sound);
        assert_eq!((same.templates.len(), same.reached), (0, 0));
        let other = told(sound, "# new\n{% block a %}{% endblock %}\n");
        assert_eq!((other.templates, other.reached, other.changed), (vec!["base.py".to_owned()], 2, 2));
        let breaks = told(sound, wrong).breaks;
        assert_eq!(breaks.len(), 2);
        assert!(breaks[0].model_type == "llama" && breaks[0].reason.contains("base.py, line 4"), "{breaks:?}");
        assert_eq!(told(wrong, sound).mends.len(), 2);
    }
}
