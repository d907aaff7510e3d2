//! A template while a person edits it: what is wrong with it, what may be written in it, what it makes.

use crate::{Platform, TemplateBlock, TemplateLine, TemplateNeed, TemplateProblem, TemplateVariable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a text is, as this template among those in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateReading {
    pub problems: Vec<TemplateProblem>,
    /// As in [`crate::TemplateRow`]; empty where the head cannot be read.
    pub kind: String,
    pub family: Option<String>,
    pub model_type: Option<String>,
    /// It and those it extends, the most specific first.
    pub chain: Vec<String>,
    pub needs: Vec<TemplateNeed>,
    /// Templates that extend, import or include it, directly.
    pub needed_by: Vec<TemplateNeed>,
    pub variables: Vec<InheritedVariable>,
    pub blocks: Vec<TemplateBlock>,
    /// What may be written in it beside what every template may use.
    pub words: Vec<TemplateWord>,
}

/// A variable that a person may set, with the template that declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InheritedVariable {
    pub variable: TemplateVariable,
    pub declared_in: String,
}

/// Where a word may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WordPlace {
    /// First in a tag: `{% for`.
    Tag,
    /// Where a value is meant.
    Name,
    /// After an object and a dot: `model.family`.
    Member,
    /// After `|`.
    Filter,
    /// After `is`.
    Test,
    /// After `{% block`.
    Block,
}

/// A word that a template may use, with its help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateWord {
    pub word: String,
    pub place: WordPlace,
    /// The object of a member: `model`.
    pub of: Option<String>,
    /// Its type, its arguments or its template, in a few letters.
    pub detail: String,
    pub help: String,
    /// Where it is declared.
    pub at: Option<TemplateLine>,
}

/// A file that a template makes, as a person asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreviewChoice {
    pub model_type: String,
    pub platform: Platform,
    /// `test`, `skill`, `benchmark` or `suite`.
    pub kind: String,
    /// Values of variables, as typed.
    pub variables: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplatePreview {
    /// The template that was chosen for the model type: the most specific one.
    pub template: String,
    /// Whether the edited template has a part in it.
    pub uses_edited: bool,
    /// Where the file belongs below the output folder.
    pub path: String,
    pub text: String,
    /// For each line of the text, the line it came from.
    pub origins: Vec<TemplateLine>,
    pub problems: Vec<TemplateProblem>,
}

/// A model type that templates can be made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTypeRow {
    pub model_type: String,
    /// `decoder`, `vision` …
    pub family: String,
}

/// A line of some template that holds what was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateHit {
    pub template: String,
    pub line: u32,
    pub text: String,
}

/// One file that a change reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedFile {
    pub model_type: String,
    pub platform: Platform,
    pub kind: String,
    /// Why it is not sound after the change; for one that was mended, why it was not before.
    pub reason: String,
}

/// What a change does to everything that is made from the templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateImpact {
    pub reached: usize,
    /// Files whose text differs.
    pub changed: usize,
    pub breaks: Vec<ReachedFile>,
    pub mends: Vec<ReachedFile>,
    /// Sound neither before nor after.
    pub still_broken: usize,
}

/// Files to be made: every model type on every platform in every kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesWanted {
    pub model_types: Vec<String>,
    pub platforms: Vec<Platform>,
    pub kinds: Vec<String>,
}

/// How far work on many files is: files done and files in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesDone {
    pub done: usize,
    pub total: usize,
}

/// What was written, and what was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedFiles {
    /// The folder or the zip file.
    pub path: String,
    pub files: Vec<String>,
    /// What could not be made, with the reason.
    pub refused: Vec<ReachedFile>,
}

/// What a new template begins as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateStart {
    /// It serves the model types of a family, and extends what serves them now.
    Family { kind: String, family: String },
    /// It serves one model type, and extends what serves it now.
    Model { kind: String, model_type: String },
    /// A file written for Python's str.format or for plain {{name}} substitution, or a template of Assay's; the person
    /// is asked for it where there is no path.
    File { kind: String, path: Option<String> },
}

/// A new template, before it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedTemplate {
    pub name: String,
    pub text: String,
    /// What became of each field of a converted file, a sentence each; first those that need a look.
    pub report: Vec<String>,
}
