//! Templates as they are kept: versions, what each declares and needs, and what was found wrong with it.

use crate::names::words;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something wrong at a place in a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateProblem {
    pub template: String,
    /// Of the template's file, the first being 1.
    pub line: Option<u32>,
    /// In characters, the first being 1.
    pub column: Option<u32>,
    pub reason: String,
    pub remedy: String,
}

/// A variable that a template declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateVariable {
    pub name: String,
    /// `text`, `integer`, `number`, `flag` or `list`.
    pub kind: String,
    pub default: serde_json::Value,
    /// Empty where any value of its type is allowed.
    pub allowed: Vec<serde_json::Value>,
    pub help: String,
}

/// How one template needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TemplateNeed {
    pub name: String,
    /// `extends`, `imports` or `includes`.
    pub how: String,
}

/// A template's text with what was read from it, ready to be kept as a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateDraft {
    pub name: String,
    pub text: String,
    pub kind: String,
    pub variables: Vec<TemplateVariable>,
    /// Macros it offers to others.
    pub helpers: Vec<String>,
    pub needs: Vec<TemplateNeed>,
    pub problems: Vec<TemplateProblem>,
}

words!(
    /// How a version came to be.
    VersionOrigin {
        /// Came with Assay and is in use.
        Shipped = "shipped", "Came with Assay";
        /// Came with a newer Assay while a person's own version is in use; not in use itself.
        Offered = "offered", "Offered by an update";
        Saved = "saved", "Saved";
        Restored = "restored", "Restored";
        /// A person's version with what an update brought.
        Merged = "merged", "Merged";
        /// The template is no longer in use.
        Removed = "removed", "Removed";
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// Counts up from 1 for each template.
    pub number: u32,
    pub text: String,
    pub note: String,
    pub author: String,
    pub saved_at: Timestamp,
    pub origin: VersionOrigin,
    pub released: bool,
}

/// A template as it is in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredTemplate {
    pub name: String,
    pub text: String,
    pub version: u32,
    /// A person saved it; an update does not replace it.
    pub edited: bool,
    /// The newest version that is tagged as released.
    pub released: Option<u32>,
    /// The version an update brought, which was not merged yet.
    pub offered: Option<u32>,
}

/// The three sides of a merge that an update calls for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateOffer {
    /// What both sides began with.
    pub base: String,
    pub ours: String,
    pub offered: String,
}

/// A template in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateRow {
    pub name: String,
    /// `test`, `skill`, `benchmark`, `suite`, `base` or `macros`; empty where its head cannot be read.
    pub kind: String,
    pub about: String,
    pub family: Option<String>,
    pub model_type: Option<String>,
    pub extends: Option<String>,
    pub version: u32,
    pub edited: bool,
    pub released: Option<u32>,
    pub offered: Option<u32>,
    /// Something was typed and not saved.
    pub unsaved: bool,
    /// What this version makes may run: it is as it came with this Assay, or this person has said so.
    pub trusted: bool,
    pub problems: u32,
}

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TemplateAt {
    pub name: String,
    pub version: u32,
}

/// A line of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateLine {
    pub template: String,
    pub line: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateBlock {
    pub name: String,
    /// Where the text that is written stands, then those it replaces or extends.
    pub places: Vec<TemplateLine>,
}

/// A person's version with what an update brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateMerge {
    pub text: String,
    /// Both sides changed the same lines, which stand between marks.
    pub has_conflicts: bool,
}
