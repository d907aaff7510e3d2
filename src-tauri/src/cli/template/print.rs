//! What `assay template` prints.

use super::texts::read;
use crate::{
    cli::{
        interrupt::interruption,
        output::{Output, Stop, progress},
    },
    rendering::Renderers,
};
use contract::{Failure, TemplateProblem};
use serde::Serialize;
use std::{path::Path, sync::atomic::Ordering};
use workbench::{Kind, Library, Made, Problem, Renderer, Request, Selection, check, convert, impact};

/// A template as `list` prints it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    kind: &'static str,
    about: &'a str,
    family: Option<&'a str>,
    model_type: Option<&'a str>,
    extends: Option<&'a str>,
    imports: Vec<&'a str>,
    variables: Vec<&'a str>,
}

pub fn list(library: &Library, json: bool, output: &mut Output) -> Result<(), Stop> {
    let listed: Vec<Listed> = library
        .templates()
        .values()
        .map(|template| Listed {
            name: &template.name,
            kind: template.front.kind.key(),
            about: &template.front.about,
            family: template.front.family.as_deref(),
            model_type: template.front.model_type.as_deref(),
            extends: template.front.extends.as_deref(),
            imports: template.front.imports.values().map(String::as_str).collect(),
            variables: template.front.variables.keys().map(String::as_str).collect(),
        })
        .collect();
    if json {
        return output.json(&listed);
    }
    let width = listed.iter().map(|template| template.name.len()).max().unwrap_or(0);
    output.lines(listed.iter().map(|template| {
        let extends = template.extends.map(|parent| format!(", extends {parent}")).unwrap_or_default();
        format!("{:<width$}  {:<9}  {}{extends}", template.name, template.kind, template.about.trim_end_matches('.'))
    }))
}

pub fn check_all(library: &Library, name: Option<String>, json: bool, output: &mut Output) -> Result<(), Stop> {
    let names = name.map_or_else(|| every_name(library), |name| vec![name]);
    let problems: Vec<Problem> = names.iter().flat_map(|name| check(library, name)).collect();
    let sound = problems.is_empty();
    tell_problems(problems, json, output)?;
    match (sound, json) {
        (false, _) => Err(Stop::Told),
        (true, true) => Ok(()),
        (true, false) => output.line(format!("{} templates are sound", names.len())),
    }
}

fn every_name(library: &Library) -> Vec<String> {
    let broken = library.broken().iter().map(|problem| problem.template.clone());
    let mut names: Vec<String> = library.templates().keys().cloned().chain(broken).collect();
    names.sort();
    names.dedup();
    names
}

fn tell_problems(problems: Vec<Problem>, json: bool, output: &mut Output) -> Result<(), Stop> {
    if json {
        return output.json(&problems.into_iter().map(TemplateProblem::from).collect::<Vec<_>>());
    }
    output.lines(problems.iter().map(ToString::to_string))
}

pub fn print_rendered(library: &Library, request: Request, json: bool, output: &mut Output) -> Result<(), Stop> {
    let Made { outcome, problems, .. } = Renderers::own()?.take().make(library, request);
    let rendered = outcome?;
    if json {
        output.json(&Printed::of(&rendered))?;
    } else {
        output.lines(rendered.text.lines().map(str::to_owned))?;
    }
    for problem in &problems {
        eprintln!("assay: {problem}");
    }
    if problems.is_empty() { Ok(()) } else { Err(Stop::Told) }
}

#[derive(Serialize)]
struct Printed<'a> {
    path: &'a str,
    template: &'a str,
    text: &'a str,
    /// For each line, the template and its line.
    origin: Vec<(&'a str, u32)>,
}

impl<'a> Printed<'a> {
    fn of(rendered: &'a workbench::Rendered) -> Self {
        let origin = rendered.origin.iter().map(|origin| (origin.template.as_str(), origin.line)).collect();
        Self { path: &rendered.path, template: &rendered.template, text: &rendered.text, origin }
    }
}

/// The template on stdout, what became of each field on stderr; fails where something must be looked at.
pub fn print_converted(file: &Path, kind: Kind, output: &mut Output) -> Result<(), Stop> {
    let converted = convert(&read(file)?, kind, None)
        .map_err(|(line, reason)| Failure::bad_input(file.display().to_string(), reason).at(format!("line {line}")))?;
    output.lines(converted.text.lines().map(str::to_owned))?;
    eprintln!("assay: read as {}", converted.dialect.label());
    for change in &converted.changes {
        let lost = change.lost.as_ref().map(|lost| format!(" ({lost})")).unwrap_or_default();
        eprintln!("assay: line {}: {} became {}{lost}", change.line, change.from, change.to);
    }
    if converted.changes.iter().any(|change| change.lost.is_some()) { Err(Stop::Told) } else { Ok(()) }
}

pub fn tell_impact(library: &Library, selection: &Selection, json: bool, output: &mut Output) -> Result<(), Stop> {
    let cancelled = interruption()?;
    let renderers = Renderers::own()?;
    let renderer = || renderers.take_of_many();
    let impact = impact(renderer, Library::shipped(), library, selection, &cancelled, |done, total| {
        progress(&format!("{done} of {total} files"));
    });
    progress("");
    if cancelled.load(Ordering::Relaxed) {
        return Err(Failure::Cancelled.into());
    }
    if json {
        output.json(&impact)?;
    } else {
        let (templates, reached) = (impact.templates.len(), impact.reached);
        output.line(format!("{templates} templates differ and reach {reached} files"))?;
        output.line(format!(
            "{} change, {} break, {} are mended, {} stay broken",
            impact.changed,
            impact.breaks.len(),
            impact.mends.len(),
            impact.still_broken
        ))?;
        let lines = |word: &'static str, files: &[workbench::Reached]| -> Vec<String> {
            let line = |file: &workbench::Reached| {
                format!("{word}  {} {} for {}: {}", file.model_type, file.kind.label(), file.platform, file.reason)
            };
            files.iter().map(line).collect()
        };
        output.lines(lines("breaks", &impact.breaks))?;
        output.lines(lines("mends", &impact.mends))?;
    }
    if impact.breaks.is_empty() { Ok(()) } else { Err(Stop::Told) }
}
