//! The head of a template: TOML between two lines of three dashes.

use crate::{Kind, Problem, Variable};
use contract::Platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    pub kind: Kind,
    /// What it is for, in a sentence.
    #[serde(default)]
    pub about: String,
    /// Model types of this family only, in the words of `Family::key`.
    pub family: Option<String>,
    /// This model type only.
    pub model_type: Option<String>,
    /// Platforms it can be made for; all where this is empty.
    #[serde(default)]
    pub platforms: Vec<Platform>,
    /// The template whose blocks this one fills in.
    pub extends: Option<String>,
    /// Templates of macros, by the name they are used under.
    #[serde(default)]
    pub imports: BTreeMap<String, String>,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
}

/// Names that mean something else in every template.
const TAKEN: [&str; 8] = ["model", "platform", "loop", "self", "super", "caller", "range", "dict"];

impl Front {
    /// Splits a file into its head, its body and the line (from 1) that the body starts on.
    pub(crate) fn split<'a>(name: &str, text: &'a str) -> Result<(Self, &'a str, u32), Problem> {
        let after = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")).ok_or_else(|| {
            Problem::new(
                name,
                "it does not begin with a head",
                "Begin with a line of three dashes, then kind = \"…\", then three dashes",
            )
            .at(1, Some(1))
        })?;
        let head_start = text.len() - after.len();
        let mut at = head_start;
        for line in after.split_inclusive('\n') {
            if line.trim_end() == "---" {
                let head = &text[head_start..at];
                let front = Self::read(name, head)?;
                let body = &text[at + line.len()..];
                let body_line = text[..at + line.len()].matches('\n').count() as u32 + 1;
                return Ok((front, body, body_line));
            }
            at += line.len();
        }
        Err(Problem::new(name, "the head does not end", "Close it with a line of three dashes").at(1, Some(1)))
    }

    fn read(name: &str, head: &str) -> Result<Self, Problem> {
        let front: Self = toml::from_str(head).map_err(|error| {
            let place = error.span().map_or((2, 1), |span| line_and_column(head, span.start));
            Problem::new(name, error.message().trim_end_matches('.').to_owned(), "Correct the head of the template")
                .at(place.0 + 1, Some(place.1))
        })?;
        let line_of = |word: &str| {
            let line = head.lines().position(|line| line.contains(word)).unwrap_or(0);
            line as u32 + 2
        };
        for (variable, declared) in &front.variables {
            let line = line_of(&format!("variables.{variable}"));
            if !is_name(variable) {
                let reason = format!("{variable} is not a name");
                return Err(Problem::new(name, reason, "Use letters, digits and underscores").at(line, None));
            }
            if TAKEN.contains(&variable.as_str()) || front.imports.contains_key(variable) {
                let reason = format!("the name {variable} is taken");
                return Err(Problem::new(name, reason, "Give the variable another name").at(line, None));
            }
            if let Some(reason) = declared.refusal(&declared.default) {
                let reason = format!("the default of {variable} does not suit it: {reason}");
                return Err(
                    Problem::new(name, reason, "Change the default, the type or what is allowed").at(line, None)
                );
            }
        }
        if let Some(alias) = front.imports.keys().find(|alias| !is_name(alias) || TAKEN.contains(&alias.as_str())) {
            let reason = format!("imports cannot be used under the name {alias}");
            return Err(Problem::new(name, reason, "Choose another name").at(line_of(alias), None));
        }
        let quoted = front.extends.iter().chain(front.imports.values());
        if let Some(other) = quoted.into_iter().find(|other| other.contains(['"', '\\', '\n'])) {
            let reason = format!("{other} is not the name of a template");
            return Err(Problem::new(name, reason, "Name one from the list of templates").at(line_of("extends"), None));
        }
        Ok(front)
    }
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

/// Line and column, both from 1, of a byte.
fn line_and_column(text: &str, at: usize) -> (u32, u32) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() as u32 + 1, before[line_start..].chars().count() as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "---\nkind = \"test\"\nextends = \"base.py\"\n\n[variables.batch]\ntype = \"integer\"\ndefault = 2\nallowed = [2, 4]\nhelp = \"Samples\"\n---\nbody\n";

    #[test]
    fn a_head_is_read_and_the_body_keeps_its_line() {
        let (front, body, line) = Front::split("a.py", HEAD).unwrap();
        assert_eq!((front.kind, front.extends.as_deref(), body, line), (Kind::Test, Some("base.py"), "body\n", 11));
        assert_eq!(front.variables["batch"].default, 2);
    }

    #[test]
    fn what_is_wrong_in_a_head_is_told_with_its_line() {
        let wrong = |text: &str| Front::split("a.py", text).unwrap_err().to_string();
        assert!(wrong("body").contains("a.py, line 1, column 1: it does not begin with a head"));
        assert!(wrong("---\nkind = \"test\"\n").contains("the head does not end"));
        assert!(
            wrong(&HEAD.replace("\"test\"", "\"tset\"")).contains("a.py, line 2, column 8: unknown variant `tset`")
        );
        assert!(
            wrong(&HEAD.replace("default = 2", "default = 3")).contains("line 5: the default of batch does not suit")
        );
        assert!(wrong(&HEAD.replace("default = 2", "default = \"2\"")).contains("is not a whole number"));
        assert!(wrong(&HEAD.replace("variables.batch", "variables.model")).contains("the name model is taken"));
    }
}
