//! Rendering one template for one model type and platform.

use crate::{
    Facts, Kind, Library, Origin, PlatformFacts, Problem, Template, TemplateError,
    language::{LIMITS, module},
    origin::Origins,
};
use contract::{Platform, TemplateLine, is_made};
use minijinja::{
    ErrorKind,
    value::{Serde, Value},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{collections::BTreeMap, error::Error as _};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    pub model_type: String,
    pub platform: Platform,
    pub kind: Kind,
    /// Values for what the templates declare; the rest keep their defaults.
    pub variables: BTreeMap<String, Json>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rendered {
    /// Where the file belongs below the output folder.
    pub path: String,
    pub text: String,
    /// The template that was chosen.
    pub template: String,
    /// For each line of the text, where it came from.
    pub origin: Vec<TemplateLine>,
    /// Only where it was rendered.
    #[serde(skip)]
    origins: Origins,
}

impl Rendered {
    /// Where a byte of the text came from; none where another process rendered it.
    pub fn origin_of(&self, at: usize, library: &Library) -> Option<Origin> {
        self.origins.of(at, library.templates())
    }

    /// What is wrong at a byte of the text, at the place in the template that made it.
    pub(crate) fn problem(&self, at: usize, reason: String, remedy: &str, library: &Library) -> Problem {
        match self.origin_of(at, library) {
            Some(origin) => Problem::new(&origin.template, reason, remedy).at(origin.line, origin.column),
            None => Problem::new(&self.template, reason, remedy),
        }
    }
}

/// Renders the most specific template of the asked kind: of the model type, else of its family, else of the kind. A
/// hostile template may end the process that does it: see [`crate::Renderer`].
pub fn render(library: &Library, request: &Request) -> Result<Rendered, TemplateError> {
    let facts = crate::facts(&request.model_type)?;
    render_with(library, request, &facts, &Value::from(Serde(&facts)))
}

/// The same with facts at hand, for many files of one model type.
pub(crate) fn render_with(
    library: &Library,
    request: &Request,
    facts: &Facts,
    model: &Value,
) -> Result<Rendered, TemplateError> {
    let template = library.choose(request.kind, facts)?;
    offered(library, template, request)?;
    let context = context(library, template, request, model)?;
    let compiled = library.compiled(&template.name)?;
    let (text, spans) = compiled.render_with_spans(context).map_err(|error| library.problem(&template.name, &error))?;
    if text.len() > LIMITS.output_bytes {
        let reason = format!("it makes {} bytes, more than {}", text.len(), LIMITS.output_bytes);
        return Err(TemplateError::Template(Problem::new(&template.name, reason, "Make it write less")));
    }
    let origins = Origins::new(&spans);
    let origin = origins.lines(&text, library.templates());
    let path = request.kind.path(&facts.module, request.platform);
    Ok(Rendered { path, text, template: template.name.clone(), origin, origins })
}

fn offered(library: &Library, template: &Template, request: &Request) -> Result<(), TemplateError> {
    let not = |reason: String| TemplateError::NotForPlatform { kind: request.kind, platform: request.platform, reason };
    if !is_made(request.kind.key(), request.platform) {
        return Err(not("it is reached from a browser, and Python must not pretend to be one; make a suite".into()));
    }
    let lacking = library
        .chain(&template.name)
        .into_iter()
        .find(|part| !part.front.platforms.is_empty() && !part.front.platforms.contains(&request.platform));
    match lacking {
        Some(part) => Err(not(format!("{} does not list it", part.name))),
        None => Ok(()),
    }
}

fn context(library: &Library, template: &Template, request: &Request, model: &Value) -> Result<Value, TemplateError> {
    let declared = library.variables(&template.name);
    let bad = |variable: &str, reason: String| TemplateError::BadVariable { variable: variable.to_owned(), reason };
    if let Some(unknown) = request.variables.keys().find(|name| !declared.contains_key(name.as_str())) {
        let known: Vec<&str> = declared.keys().copied().collect();
        return Err(bad(unknown, format!("{} has no such variable; it has {}", template.name, known.join(", "))));
    }
    let mut context: BTreeMap<&str, Value> = BTreeMap::new();
    for (name, variable) in &declared {
        let value = request.variables.get(*name).unwrap_or(&variable.default);
        if let Some(reason) = variable.refusal(value) {
            return Err(bad(name, reason));
        }
        context.insert(name, Value::from(Serde(value)));
    }
    context.insert("model", model.clone());
    context.insert("platform", Value::from(Serde(&PlatformFacts::of(request.platform))));
    Ok(Value::from_pairs(context))
}

impl Library {
    /// That a file could not be made at all; `reason` completes "making it …".
    pub fn unmade(&self, request: &Request, reason: &str, remedy: &str) -> Problem {
        let template = self.chosen(request).map_or(request.kind.key(), |template| template.name.as_str());
        let file = request.kind.path(&module(&request.model_type), request.platform);
        Problem::new(template, format!("making {file} {reason}"), remedy)
    }

    /// What went wrong, at the innermost template that the engine names.
    pub(crate) fn problem(&self, template: &str, error: &minijinja::Error) -> TemplateError {
        let mut innermost = error;
        let mut place = error;
        let mut next = error.source();
        while let Some(error) = next.and_then(|error| error.downcast_ref::<minijinja::Error>()) {
            innermost = error;
            if error.line().is_some() {
                place = error;
            }
            next = error.source();
        }
        let name = place.name().unwrap_or(template);
        let (reason, remedy) = said(innermost);
        let problem = Problem::new(name, reason, remedy);
        TemplateError::Template(match (self.templates().get(name), place.range(), place.line()) {
            (Some(template), Some(range), _) => {
                let (line, column) = template.place(range.start);
                problem.at(line, Some(column))
            }
            (Some(template), None, Some(line)) => problem.at(template.line(line as u32), None),
            _ => problem,
        })
    }
}

/// The engine's error in plain words, with the remedy.
pub(crate) fn said(error: &minijinja::Error) -> (String, &'static str) {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => (
            format!("it does more than {} steps or makes too much text", LIMITS.fuel),
            "Shorten its loops, and do not double text within them",
        ),
        ErrorKind::InvalidOperation if detail.contains("recursion limit") => (
            "templates or macros call each other without end".to_owned(),
            "Break the circle: each include, import or macro call must come to an end",
        ),
        ErrorKind::UndefinedError => (
            if detail.is_empty() { "a value is not defined".to_owned() } else { detail.to_owned() },
            "Use a fact, a declared variable, or guard it with `is defined`",
        ),
        ErrorKind::UnknownFilter => (format!("unknown filter: {detail}"), "Use one from the list of filters"),
        ErrorKind::TemplateNotFound => (detail.to_owned(), "Name a template from the list"),
        _ if detail.is_empty() => (error.kind().to_string(), "Correct this line"),
        _ => (detail.to_owned(), "Correct this line"),
    }
}
