//! `assay template`: reading, checking, rendering and keeping templates, for those who write them.

mod kept;

use super::{
    interrupt::interruption,
    output::{Output, Stop, progress},
};
use clap::{Args, Subcommand};
use contract::{Failure, Platform, VersionOrigin};
use kept::{Kept, changes, told};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};
use workbench::{Kind, Library, Problem, Request, Selection, check, check_rendered, convert, impact, render, shipped};

/// Read, check and render the templates of tests, skills, benchmarks and suites.
#[derive(Args)]
pub struct Template {
    /// A folder of templates that are added to those that ship, or stand in place of them where the names are the same.
    #[arg(long, global = true, value_name = "FOLDER")]
    templates: Option<PathBuf>,
    /// The templates that this store keeps, in place of those that ship; it is made where there is none.
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them with what each extends.
    List,
    /// Print one as it is written.
    Show {
        /// Its path below the templates folder, as `list` prints it.
        name: String,
    },
    /// Check names, blocks and variables, of one or of all; fails where something is wrong.
    Check { name: Option<String> },
    /// Print what is made for one model type and platform; fails where that is wrong.
    Render {
        /// A model type of transformers, such as llama.
        #[arg(long, value_name = "TYPE")]
        model: String,
        #[arg(long, default_value = "cpu", value_parser = platform)]
        platform: Platform,
        #[arg(long, default_value = "test", value_parser = kind)]
        kind: Kind,
        /// A value for a variable of the template, as NAME=VALUE.
        #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
        values: Vec<(String, String)>,
    },
    /// Turn a template of Python's str.format or of plain {{name}} substitution into one of Assay's, and print it.
    Convert {
        file: PathBuf,
        #[arg(long, default_value = "test", value_parser = kind)]
        kind: Kind,
    },
    /// Keep a file as the next version of a template in the store.
    Save {
        name: String,
        file: PathBuf,
        /// What changed, in a sentence.
        #[arg(long, default_value = "")]
        note: String,
        /// It holds what an update offered, which is not offered again.
        #[arg(long)]
        merged: bool,
    },
    /// List the versions of a template in the store, newest first.
    History { name: String },
    /// Print the lines that differ between two versions of a template in the store.
    Diff { name: String, from: u32, to: u32 },
    /// Keep the text of an older version as the newest one.
    Restore {
        name: String,
        #[arg(value_name = "VERSION")]
        number: u32,
    },
    /// Tag a version as released.
    Tag {
        name: String,
        #[arg(value_name = "VERSION")]
        number: u32,
        /// Take the tag away.
        #[arg(long)]
        off: bool,
    },
    /// Print a template of the store with what an update of Assay brought; fails where both changed the same lines.
    Merge { name: String },
    /// Tell what the templates of `--templates` break, mend and change in all that is made.
    Impact {
        #[command(flatten)]
        what: What,
    },
}

/// What is made.
#[derive(Args, Clone)]
pub struct What {
    /// Model types of transformers, separated by commas.
    #[arg(long, value_name = "all or TYPE,…", default_value = "all", value_delimiter = ',')]
    models: Vec<String>,
    #[arg(long, value_name = "all or PLATFORM,…", default_value = "all", value_delimiter = ',')]
    platforms: Vec<String>,
    #[arg(long, value_name = "all or KIND,…", default_value = "all", value_delimiter = ',')]
    kinds: Vec<String>,
}

impl What {
    pub fn selection(&self) -> Result<Selection, Failure> {
        let all = |names: &[String]| names.iter().any(|name| name == "all");
        let known = || models::transformers::all().iter().map(|known| known.model_type.clone());
        let model_types = if all(&self.models) { known().collect() } else { self.models.clone() };
        if let Some(unknown) = model_types.iter().find(|name| models::transformers::find(name).is_none()) {
            return Err(Failure::not_found("model type", unknown));
        }
        let platforms = if all(&self.platforms) {
            Ok(Platform::LISTED.to_vec())
        } else {
            self.platforms.iter().map(|name| platform(name)).collect()
        };
        let kinds = if all(&self.kinds) {
            Ok(Kind::GENERATED.to_vec())
        } else {
            self.kinds.iter().map(|name| kind(name)).collect()
        };
        Ok(Selection {
            model_types,
            platforms: platforms.map_err(|reason| Failure::bad_input("--platforms", reason))?,
            kinds: kinds.map_err(|reason| Failure::bad_input("--kinds", reason))?,
            variables: BTreeMap::new(),
        })
    }
}

fn platform(text: &str) -> Result<Platform, String> {
    Platform::LISTED.into_iter().find(|platform| platform.key() == text).ok_or_else(|| {
        let known: Vec<&str> = Platform::LISTED.iter().map(|platform| platform.key()).collect();
        format!("{text} is not one of {}", known.join(", "))
    })
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::GENERATED.into_iter().find(|kind| kind.key() == text).ok_or_else(|| {
        let known: Vec<&str> = Kind::GENERATED.iter().map(|kind| kind.key()).collect();
        format!("{text} is not one of {}", known.join(", "))
    })
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Template {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let kept = self.store.as_deref().map(Kept::open).transpose()?;
        let store = || kept.as_ref().ok_or_else(|| Failure::bad_input("--store", "this needs the store to work on"));
        let in_use = || -> Result<Library, Failure> {
            let base = match &kept {
                Some(kept) => kept.texts()?.into_iter().collect(),
                None => ships(),
            };
            library(base, self.templates.as_deref())
        };
        match self.act {
            Act::List => list(&in_use()?, self.json, output),
            Act::Show { name } => {
                let library = in_use()?;
                let template = library.templates().get(&name).ok_or_else(|| Failure::not_found("template", &name))?;
                output.lines(template.text.lines().map(str::to_owned))
            }
            Act::Check { name } => check_all(&in_use()?, name, self.json, output),
            Act::Render { model, platform, kind, values } => {
                let mut request = Request { model_type: model, platform, kind, variables: BTreeMap::new() };
                let library = in_use()?;
                request.variables = library.typed_values(&request, values)?;
                print_rendered(&library, &request, self.json, output)
            }
            Act::Convert { file, kind } => print_converted(&file, kind, output),
            Act::Save { name, file, note, merged } => {
                let origin = if merged { VersionOrigin::Merged } else { VersionOrigin::Saved };
                let number = store()?.save(&name, &read(&file)?, origin, &note)?;
                output.line(format!("{name}: version {number}"))
            }
            Act::History { name } => {
                let history = store()?.history(&name)?;
                if self.json { output.json(&history) } else { output.lines(history.iter().map(told)) }
            }
            Act::Diff { name, from, to } => {
                let (from, to) = (store()?.version(&name, from)?, store()?.version(&name, to)?);
                output.lines(changes(&from.text, &to.text))
            }
            Act::Restore { name, number: old } => {
                let older = store()?.version(&name, old)?;
                let note = format!("Version {old} again");
                let number = store()?.save(&name, &older.text, VersionOrigin::Restored, &note)?;
                output.line(format!("{name}: version {number}"))
            }
            Act::Tag { name, number, off } => Ok(store()?.tag(&name, number, !off)?),
            Act::Merge { name } => match store()?.merge(&name)? {
                None => output.line(format!("{name}: no update is offered")),
                Some(merge) => {
                    output.lines(merge.text.lines().map(str::to_owned))?;
                    if merge.has_conflicts {
                        eprintln!("assay: both sides changed the same lines, which stand between marks");
                        return Err(Stop::Told);
                    }
                    Ok(())
                }
            },
            Act::Impact { what } => tell_impact(&in_use()?, &what.selection()?, self.json, output),
        }
    }
}

fn check_all(library: &Library, name: Option<String>, json: bool, output: &mut Output) -> Result<(), Stop> {
    let names = name.map_or_else(|| every_name(library), |name| vec![name]);
    let problems: Vec<Problem> = names.iter().flat_map(|name| check(library, name)).collect();
    tell_problems(&problems, json, output)?;
    if !problems.is_empty() {
        return Err(Stop::Told);
    }
    if json { Ok(()) } else { output.line(format!("{} templates are sound", names.len())) }
}

fn print_rendered(library: &Library, request: &Request, json: bool, output: &mut Output) -> Result<(), Stop> {
    let rendered = render(library, request)?;
    if json {
        output.json(&Printed::of(&rendered))?;
    } else {
        output.lines(rendered.text.lines().map(str::to_owned))?;
    }
    let problems = check_rendered(&rendered, library);
    for problem in &problems {
        eprintln!("assay: {problem}");
    }
    if problems.is_empty() { Ok(()) } else { Err(Stop::Told) }
}

/// The template on stdout, what became of each field on stderr; fails where something must be looked at.
fn print_converted(file: &Path, kind: Kind, output: &mut Output) -> Result<(), Stop> {
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

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|e| Failure::bad_input(file.display().to_string(), format!("it cannot be read: {e}")))
}

pub fn ships() -> BTreeMap<String, String> {
    shipped().into_iter().map(|(name, text)| (name, text.to_owned())).collect()
}

/// Templates, with those of a folder in front.
pub fn library(mut texts: BTreeMap<String, String>, folder: Option<&Path>) -> Result<Library, Failure> {
    if let Some(folder) = folder {
        let mut found = BTreeMap::new();
        gather(folder, folder, &mut found)?;
        if found.is_empty() {
            return Err(Failure::bad_input(folder.display().to_string(), "there is no template in this folder"));
        }
        texts.append(&mut found);
    }
    Ok(Library::new(texts))
}

/// Links are not followed, so that a folder holds no more than it seems to.
fn gather(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let unreadable = |path: &Path, e: std::io::Error| {
        Failure::bad_input(path.display().to_string(), format!("it cannot be read: {e}"))
    };
    for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let entry = entry.map_err(|e| unreadable(folder, e))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|e| unreadable(folder, e))?);
        if kind.is_dir() {
            gather(root, &path, texts)?;
        } else if kind.is_file() && path.extension().is_none_or(|ending| ending != "md") {
            let text = read(&path)?;
            let name = path.strip_prefix(root).expect("it was found below").to_string_lossy().replace('\\', "/");
            texts.insert(name, text);
        }
    }
    Ok(())
}

fn every_name(library: &Library) -> Vec<String> {
    let broken = library.broken().iter().map(|problem| problem.template.clone());
    let mut names: Vec<String> = library.templates().keys().cloned().chain(broken).collect();
    names.sort();
    names.dedup();
    names
}

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

fn list(library: &Library, json: bool, output: &mut Output) -> Result<(), Stop> {
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

#[derive(Serialize)]
struct Told<'a> {
    template: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    reason: &'a str,
    remedy: &'a str,
}

fn tell_problems(problems: &[Problem], json: bool, output: &mut Output) -> Result<(), Stop> {
    if !json {
        return output.lines(problems.iter().map(ToString::to_string));
    }
    let told: Vec<Told> = problems
        .iter()
        .map(|problem| Told {
            template: &problem.template,
            line: problem.line,
            column: problem.column,
            reason: &problem.reason,
            remedy: &problem.remedy,
        })
        .collect();
    output.json(&told)
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
        let origin = rendered.origin.iter().map(|origin| (&*origin.template, origin.line)).collect();
        Self { path: &rendered.path, template: &rendered.template, text: &rendered.text, origin }
    }
}

fn tell_impact(library: &Library, selection: &Selection, json: bool, output: &mut Output) -> Result<(), Stop> {
    let cancelled = interruption()?;
    let impact = impact(Library::shipped(), library, selection, &cancelled, |done, total| {
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
