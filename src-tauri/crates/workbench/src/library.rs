//! A set of templates that know each other, each compiled once.

use crate::{Facts, Kind, Problem, Request, Template, TemplateError, Variable, facts, language, shipped::shipped};
use minijinja::Environment;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

#[derive(Clone)]
pub struct Library {
    templates: BTreeMap<String, Template>,
    engine: Environment<'static>,
    broken: Vec<Problem>,
}

static SHIPPED: LazyLock<Library> =
    LazyLock::new(|| Library::new(shipped().into_iter().map(|(name, text)| (name, text.to_owned()))));

impl Library {
    /// What came with Assay, as it came.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Of names and texts. A template that cannot be read is left out and listed in `broken`.
    pub fn new(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut library = Self { templates: BTreeMap::new(), engine: language::engine(), broken: Vec::new() };
        for (name, text) in texts {
            library.read(name, &text);
        }
        library.compile();
        library
    }

    /// The same with this text in place of the template's or beside the others, which alone is read and compiled.
    pub fn with(&self, name: &str, text: &str) -> Self {
        let mut library = self.clone();
        library.templates.remove(name);
        library.engine.remove_template(name);
        // One that was read and refused may be whole with this text.
        library.broken.retain(|problem| problem.template != name && !self.templates.contains_key(&problem.template));
        library.read(name.to_owned(), text);
        library.compile();
        library
    }

    fn read(&mut self, name: String, text: &str) {
        match Template::read(&name, text) {
            Ok(template) => drop(self.templates.insert(name, template)),
            Err(problem) => self.broken.push(problem),
        }
    }

    /// Hands the engine what it lacks, and keeps from it what cannot be used.
    fn compile(&mut self) {
        for (name, template) in &self.templates {
            let compiled = match self.engine.get_template(name) {
                Ok(_) => Ok(()),
                Err(_) => self.engine.add_template_owned(name.clone(), template.source.clone()),
            };
            let problem = match (compiled, self.missing(template)) {
                (Err(error), _) => match self.problem(name, &error) {
                    TemplateError::Template(problem) => problem,
                    other => Problem::new(name, other.to_string(), "Correct the template"),
                },
                (Ok(()), Some(problem)) => problem,
                (Ok(()), None) => continue,
            };
            self.broken.push(problem);
        }
        let broken: Vec<String> = self.broken.iter().map(|problem| problem.template.clone()).collect();
        for name in broken {
            self.engine.remove_template(&name);
        }
    }

    /// A template that the head names and the library lacks, or a circle of them.
    fn missing(&self, template: &Template) -> Option<Problem> {
        let named = template.names().find(|other| !self.templates.contains_key(*other));
        if let Some(other) = named {
            let reason = format!("it names {other}, which is not there");
            return Some(Problem::new(&template.name, reason, "Name a template from the list").at(1, None));
        }
        let mut seen = BTreeSet::from([template.name.as_str()]);
        let mut parent = template.front.extends.as_deref();
        while let Some(name) = parent {
            if name == template.name {
                let reason = "it extends itself, by way of those it extends";
                return Some(Problem::new(&template.name, reason, "Let one of them extend nothing").at(1, None));
            }
            if !seen.insert(name) {
                break;
            }
            parent = self.templates.get(name).and_then(|template| template.front.extends.as_deref());
        }
        None
    }

    pub fn templates(&self) -> &BTreeMap<String, Template> {
        &self.templates
    }

    /// Names and texts of those that can be read.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.templates.iter().map(|(name, template)| (name.clone(), template.text.clone())).collect()
    }

    /// Templates that cannot be used, with the reason.
    pub fn broken(&self) -> &[Problem] {
        &self.broken
    }

    /// The most specific template of a kind for a model type.
    pub fn choose(&self, kind: Kind, facts: &Facts) -> Result<&Template, TemplateError> {
        self.templates
            .values()
            .filter(|template| template.front.kind == kind)
            .filter_map(|template| Some((specificity(template, facts)?, template)))
            .max_by_key(|(specificity, _)| *specificity)
            .map(|(_, template)| template)
            .ok_or_else(|| TemplateError::NoTemplate { kind, model_type: facts.model_type.clone() })
    }

    /// The template that a file is made from.
    pub fn chosen(&self, request: &Request) -> Result<&Template, TemplateError> {
        self.choose(request.kind, &facts(&request.model_type)?)
    }

    /// A template and those it extends, most specific first.
    pub fn chain(&self, name: &str) -> Vec<&Template> {
        let mut chain: Vec<&Template> = Vec::new();
        let mut next = self.templates.get(name);
        while let Some(template) = next.filter(|next| !chain.iter().any(|seen| seen.name == next.name)) {
            chain.push(template);
            next = template.front.extends.as_ref().and_then(|parent| self.templates.get(parent));
        }
        chain
    }

    /// A template with everything it extends, imports and includes, directly or not.
    pub fn needs(&self, name: &str) -> BTreeSet<String> {
        let mut needs = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(next) = open.pop() {
            if let Some(template) = self.templates.get(&next).filter(|_| needs.insert(next.clone())) {
                open.extend(template.names().map(str::to_owned));
                let includes = template.outline().into_iter().flat_map(|outline| &outline.includes);
                open.extend(includes.map(|(included, _)| included.clone()));
            }
        }
        needs
    }

    /// What a person may set when this template is rendered; the more specific declaration wins.
    pub fn variables(&self, name: &str) -> BTreeMap<&str, &Variable> {
        let chain = self.chain(name);
        chain
            .into_iter()
            .rev()
            .flat_map(|template| template.front.variables.iter().map(|(name, variable)| (name.as_str(), variable)))
            .collect()
    }

    pub(crate) fn engine(&self) -> &Environment<'static> {
        &self.engine
    }

    pub(crate) fn compiled(&self, name: &str) -> Result<minijinja::Template<'_, '_>, TemplateError> {
        if let Some(problem) = self.broken.iter().find(|problem| problem.template == name) {
            return Err(TemplateError::Template(problem.clone()));
        }
        self.engine.get_template(name).map_err(|error| self.problem(name, &error))
    }
}

/// None where the template is for other model types. Two of the same specificity are told apart by their name.
fn specificity(template: &Template, facts: &Facts) -> Option<u8> {
    let (model_type, family) = (template.front.model_type.as_deref(), template.front.family.as_deref());
    match (model_type, family) {
        (Some(model_type), _) => (model_type == facts.model_type).then_some(2),
        (None, Some(family)) => (family == facts.family.key()).then_some(1),
        (None, None) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_with_one_text_more_is_as_one_made_anew() {
        let base = "---\nkind = \"base\"\n---\n{% block a %}{% endblock %}\n";
        let test = "---\nkind = \"test\"\nextends = \"base.py\"\n---\n{% block a %}1{% endblock %}\n";
        let mut texts = BTreeMap::from([("base.py", base), ("test.py", test), ("bad.py", "no head")]);
        let anew = |texts: &BTreeMap<&str, &str>| {
            Library::new(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
        };
        let mut library = anew(&texts);
        for (name, text) in [
            ("base.py", "---\nkind = \"base\"\n---\n{% block a %}\n"),
            ("base.py", "nothing"),
            ("bad.py", test),
            ("base.py", base),
            ("test.py", "---\nkind = \"test\"\nextends = \"new.py\"\n---\n"),
            ("new.py", base),
            ("bad.py", "no head"),
        ] {
            library = library.with(name, text);
            texts.insert(name, text);
            let anew = anew(&texts);
            assert_eq!(library.broken(), anew.broken(), "{name}: {text}");
            assert!(library.templates().keys().eq(anew.templates().keys()));
            for name in texts.keys() {
                assert_eq!(library.compiled(name).is_ok(), anew.compiled(name).is_ok(), "{name}");
            }
        }
    }
}
