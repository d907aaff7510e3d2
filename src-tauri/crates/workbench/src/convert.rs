//! Templates written for Python's `str.format` or for plain `{{name}}` substitution, turned into Assay's language.

use crate::Kind;
use std::{collections::BTreeMap, fmt::Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{name}`, with `{{` and `}}` for braces.
    Format,
    /// `{{name}}` alone; all other braces are text.
    Plain,
}

impl Dialect {
    pub fn label(self) -> &'static str {
        match self {
            Self::Format => "Python's str.format",
            Self::Plain => "plain {{name}} substitution",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub dialect: Dialect,
    /// The whole template with its head.
    pub text: String,
    /// What became of each field, by line of the old text.
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub line: u32,
    pub from: String,
    pub to: String,
    /// Where a person must look: what could not be carried over.
    pub lost: Option<String>,
}

/// Old names that mean a fact, not a variable.
const FACTS: [(&str, &str); 3] =
    [("model_type", "model.model_type"), ("config_class", "model.config_class"), ("base_class", "model.base_class")];

/// Turns a text into a template of this kind. The dialect is told by the text where none is given: `str.format` where
/// every brace of it is one of `str.format`, else plain substitution.
///
/// # Errors
/// Where nothing in the text is to be filled in, or a brace of `str.format` does not close: the line and why.
pub fn convert(text: &str, kind: Kind, dialect: Option<Dialect>) -> Result<Conversion, (u32, String)> {
    let read = match dialect {
        Some(dialect) => pieces(text, dialect).map(|pieces| (dialect, pieces)),
        None => match (pieces(text, Dialect::Format), pieces(text, Dialect::Plain)) {
            (Ok(found), _) if has_fields(&found) => Ok((Dialect::Format, found)),
            (_, Ok(found)) if has_fields(&found) => Ok((Dialect::Plain, found)),
            (Err(wrong), _) => Err(wrong),
            _ => Err((1, "nothing in it is to be filled in: there is no {name} and no {{name}}".to_owned())),
        },
    };
    let (dialect, pieces) = read?;
    let (mut body, mut changes, mut names) = (String::new(), Vec::new(), BTreeMap::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => body.push_str(&escaped(&text)),
            Piece::Field(field) => {
                let (to, lost) = field.converted(&mut names);
                body.push_str(&to);
                changes.push(Change { line: field.line, from: field.written.clone(), to, lost });
            }
        }
    }
    let mut head = format!("---\nkind = \"{}\"\nabout = \"Converted from {}.\"\n", kind.key(), dialect.label());
    for (name, (kind, default)) in names {
        let _ = write!(
            head,
            "\n[variables.{name}]\ntype = \"{kind}\"\ndefault = {default}\nhelp = \"From the converted template\"\n"
        );
    }
    Ok(Conversion { dialect, text: format!("{head}---\n{body}"), changes })
}

enum Piece {
    Text(String),
    Field(Field),
}

fn has_fields(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Field(_)))
}

struct Field {
    line: u32,
    written: String,
    /// `name`, `name.part`, `name[key]`, or a position.
    name: String,
    conversion: Option<char>,
    spec: String,
}

fn pieces(text: &str, dialect: Dialect) -> Result<Vec<Piece>, (u32, String)> {
    let (mut pieces, mut plain) = (Vec::new(), String::new());
    let (mut rest, mut line) = (text, 1);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        line += before.matches('\n').count() as u32;
        let (field, taken) = match dialect {
            Dialect::Format => format_field(after, line).map_err(|reason| (line, reason))?,
            Dialect::Plain => plain_field(after, line),
        };
        match field {
            Some(field) => {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Field(field));
            }
            None => plain.push_str(&after[..1]),
        }
        line += after[..taken].matches('\n').count() as u32;
        rest = &after[taken..];
    }
    plain.push_str(rest);
    pieces.push(Piece::Text(plain));
    Ok(pieces)
}

/// The field that begins here and the bytes it takes; none for an escaped brace.
fn format_field(text: &str, line: u32) -> Result<(Option<Field>, usize), String> {
    if text.starts_with("{{") || text.starts_with("}}") {
        return Ok((None, 2));
    }
    if text.starts_with('}') {
        return Err("a } stands alone".to_owned());
    }
    let end = text.find('}').filter(|end| !text[1..*end].contains('\n')).ok_or("a { is not closed on its line")?;
    let inner = &text[1..end];
    if inner.contains('{') {
        return Err(format!("{{{inner}}} holds a field within a field"));
    }
    let (name, spec) = inner.split_once(':').unwrap_or((inner, ""));
    let (name, conversion) = match name.split_once('!') {
        Some((name, conversion)) => (name, conversion.chars().next()),
        None => (name, None),
    };
    let root = name.split(['.', '[']).next().unwrap_or_default();
    if !root.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("{{{inner}}} is not a field of str.format"));
    }
    let field =
        Field { line, written: text[..=end].to_owned(), name: name.to_owned(), conversion, spec: spec.to_owned() };
    Ok((Some(field), end + 1))
}

fn plain_field(text: &str, line: u32) -> (Option<Field>, usize) {
    let found = text.strip_prefix("{{").and_then(|inner| {
        let end = inner.find("}}")?;
        let name = inner[..end].trim();
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| (name.to_owned(), end + 4))
    });
    match found {
        Some((name, taken)) => {
            let written = text[..taken].to_owned();
            (Some(Field { line, written, name, conversion: None, spec: String::new() }), taken)
        }
        None => (None, 1),
    }
}

impl Field {
    fn converted(&self, names: &mut BTreeMap<String, (&'static str, &'static str)>) -> (String, Option<String>) {
        let root = self.name.split(['.', '[']).next().unwrap_or_default();
        let path = &self.name[root.len()..];
        let root = if root.is_empty() || root.starts_with(|c: char| c.is_ascii_digit()) {
            format!("argument_{root}").trim_end_matches('_').to_owned()
        } else {
            root.to_owned()
        };
        let mut lost = (!path.is_empty())
            .then(|| format!("{root} was an object; give {root} as text or replace it by a fact of the model"));
        let value = match FACTS.iter().find(|(old, _)| *old == root && path.is_empty()) {
            Some((_, fact)) => (*fact).to_owned(),
            None => {
                // The names of facts are taken.
                let name = if matches!(root.as_str(), "model" | "platform") { format!("{root}_name") } else { root };
                names.entry(name.clone()).or_insert_with(|| self.type_and_default());
                name
            }
        };
        let shown = match (self.spec.as_str(), self.conversion) {
            ("", Some('r' | 'a')) => format!("{{{{ {value} | py }}}}"),
            ("", _) => format!("{{{{ {value} }}}}"),
            (spec, _) => match printf(spec) {
                Some(percent) => format!("{{{{ \"{percent}\" | format({value}) }}}}"),
                None => {
                    lost.get_or_insert(format!("the format {spec} was left out"));
                    format!("{{{{ {value} }}}}")
                }
            },
        };
        (shown, lost)
    }

    /// A figure that is formatted as one is one.
    fn type_and_default(&self) -> (&'static str, &'static str) {
        match printf(&self.spec).and_then(|percent| percent.chars().last()) {
            Some('f' | 'e' | 'g') => ("number", "0.0"),
            Some('d' | 'x') => ("integer", "0"),
            _ => ("text", "\"\""),
        }
    }
}

/// `>10` as `%10s`, `.3f` as `%.3f`; none for what has no such form.
fn printf(spec: &str) -> Option<String> {
    let (left, spec) = match spec.strip_prefix('<') {
        Some(rest) => ("-", rest),
        None => ("", spec.strip_prefix('>').unwrap_or(spec)),
    };
    let (size, letter) = match spec.chars().last() {
        Some(letter) if letter.is_ascii_alphabetic() => (&spec[..spec.len() - 1], letter),
        _ => (spec, 's'),
    };
    let plain = size.chars().all(|c| c.is_ascii_digit() || c == '.');
    (plain && "sdfegx".contains(letter)).then(|| format!("%{left}{size}{letter}"))
}

/// Text as it stands, where the engine would read it as its own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|tag| rest.find(tag)).min() {
        out.push_str(&rest[..at]);
        let _ = write!(out, "{{{{ \"{}\" }}}}", &rest[at..at + 2]);
        rest = &rest[at + 2..];
    }
    // A brace before a field would open a tag of three.
    if let Some(before) = rest.strip_suffix('{') {
        return format!("{out}{before}{{{{ \"{{\" }}}}");
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn str_format_keeps_its_meaning() {
        let old = "x = {{\"a\": {value!r}}}\nname = \"{model_type}\"\nms = {ms:.2f}  # {0}\n{cfg.size:^9}\n";
        let converted = convert(old, Kind::Test, None).unwrap();
        assert_eq!(converted.dialect, Dialect::Format);
        let body = converted.text.split("---\n").nth(2).unwrap();
        assert_eq!(
            body,
            "x = {\"a\": {{ value | py }}}\nname = \"{{ model.model_type }}\"\nms = {{ \"%.2f\" | format(ms) }}  # {{ argument_0 }}\n{{ cfg }}\n"
        );
        let lost: Vec<_> = converted.changes.iter().filter(|change| change.lost.is_some()).collect();
        assert_eq!((lost.len(), lost[0].line, lost[0].from.as_str()), (1, 4, "{cfg.size:^9}"));
        assert!(converted.text.contains("[variables.ms]\ntype = \"number\""));
    }

    #[test]
    fn plain_substitution_leaves_other_braces_alone() {
        let converted = convert("d = {\"a\": f\"{x + 1}\"}\nm = {{ model }}\n", Kind::Skill, None).unwrap();
        assert_eq!(converted.dialect, Dialect::Plain);
        assert!(converted.text.ends_with("d = {\"a\": f\"{x + 1}\"}\nm = {{ model_name }}\n"), "{}", converted.text);
    }

    #[test]
    fn what_cannot_be_converted_says_where() {
        assert_eq!(convert("a\nb = {x\n", Kind::Test, Some(Dialect::Format)).unwrap_err().0, 2);
        assert!(convert("plain text\n", Kind::Test, None).unwrap_err().1.contains("nothing in it"));
    }
}
