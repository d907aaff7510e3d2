//! `assay template`: reading, checking, rendering and keeping templates, for those who write them.

mod kept;
mod print;
mod texts;
mod what;

pub use texts::{library, ships};
pub use what::What;

use super::output::{Output, Stop};
use clap::{Args, Subcommand};
use contract::{Failure, Platform, VersionOrigin};
use kept::{Kept, changes, told};
use print::{check_all, list, print_converted, print_rendered, tell_impact};
use std::{collections::BTreeMap, path::PathBuf};
use texts::read;
use what::{kind, platform};
use workbench::{Kind, Library, Request};

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
                print_rendered(&library, request, self.json, output)
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
