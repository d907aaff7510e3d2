//! The templates that a store keeps, here or through the Assay that has it open: versions, tags, merges.

use crate::{
    cli::reach::{Access, Reach, reach},
    instance::{Doorbell, Instance},
    templates::Templates,
};
use contract::*;
use std::path::Path;
use store::Store;
use workbench::{DiffLine, diff};

pub enum Kept {
    Here {
        store: Store,
        templates: Templates,
        /// Until the command ends.
        _claim: Instance,
    },
    Running(Doorbell),
}

impl Kept {
    /// The store is made where there is none, with the templates that ship.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Ok(match reach(path, Access::Write)? {
            Reach::Running(running) => Self::Running(running),
            Reach::Here(store, claim) => {
                let templates = Templates::default();
                templates.take_shipped(&store)?;
                Self::Here { store, templates, _claim: claim }
            }
        })
    }

    /// Names and texts of those in use.
    pub fn texts(&self) -> Result<Vec<(String, String)>, Failure> {
        let stored = match self {
            Self::Here { store, .. } => store.templates()?,
            Self::Running(running) => {
                let names = running.ask(ListTemplates {})?.into_iter().map(|row| row.name);
                names.map(|name| running.ask(GetTemplate { name })).collect::<Result<_, Failure>>()?
            }
        };
        Ok(stored.into_iter().map(|template| (template.name, template.text)).collect())
    }

    /// Newest first.
    pub fn history(&self, name: &str) -> Result<Vec<TemplateVersion>, Failure> {
        match self {
            Self::Here { store, .. } => Ok(store.template_history(name)?),
            Self::Running(running) => running.ask(GetTemplateHistory { name: name.to_owned() }),
        }
    }

    pub fn version(&self, name: &str, number: u32) -> Result<TemplateVersion, Failure> {
        let history = self.history(name)?;
        let found = history.into_iter().find(|version| version.number == number);
        found.ok_or_else(|| Failure::not_found("version", format!("{number} of {name}")))
    }

    /// Answers the number of the new version.
    pub fn save(&self, name: &str, text: &str, origin: VersionOrigin, note: &str) -> Result<u32, Failure> {
        match self {
            Self::Here { store, templates, .. } => Ok(templates.keep(store, name, text, origin, note)?.version),
            Self::Running(running) => {
                let (name, text, note) = (name.to_owned(), text.to_owned(), note.to_owned());
                Ok(running.ask(SaveTemplate { name, text, origin, note })?.version)
            }
        }
    }

    pub fn tag(&self, name: &str, number: u32, released: bool) -> Result<(), Failure> {
        match self {
            Self::Here { store, .. } => Ok(store.tag_template(name, number, released)?),
            Self::Running(running) => running.ask(TagTemplate { name: name.to_owned(), number, released }),
        }
    }

    /// None where no update is offered.
    pub fn merge(&self, name: &str) -> Result<Option<TemplateMerge>, Failure> {
        match self {
            Self::Here { store, .. } => Ok(store.template_offer(name)?.as_ref().map(crate::templates::merged)),
            Self::Running(running) => running.ask(MergeTemplate { name: name.to_owned() }),
        }
    }
}

/// A version as a line of its history.
pub fn told(version: &TemplateVersion) -> String {
    let released = if version.released { ", released" } else { "" };
    let at = version.saved_at.strftime("%Y-%m-%d %H:%M");
    let note = if version.note.is_empty() { String::new() } else { format!(": {}", version.note) };
    format!("{:>4}  {at} UTC  {} by {}{released}{note}", version.number, version.origin.label(), version.author)
}

/// What changed from one text to the next, with the lines that stay around it left out.
pub fn changes(old: &str, new: &str) -> Vec<String> {
    diff(old, new)
        .into_iter()
        .filter_map(|line| match line {
            DiffLine::Same(_) => None,
            DiffLine::Removed(line) => Some(format!("- {line}")),
            DiffLine::Added(line) => Some(format!("+ {line}")),
        })
        .collect()
}
