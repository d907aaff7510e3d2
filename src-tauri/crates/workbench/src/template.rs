//! One template: its head, and its body as the template engine reads it.

use crate::{Front, Problem, language, outline::Outline};
use minijinja::machinery::{Token, tokenize};
use std::{fmt::Write, sync::Arc};

/// More than any template needs, and little enough to check as a person types.
const MAX_BYTES: usize = 256 * 1024;
/// The engine reads what a tag joins, and a row of `elif`, each a level deeper than the one before, and has no bound of
/// its own; these fit the stack of any thread.
const MAX_LEVELS: usize = 300;
/// Words that join what stands around them.
const JOINING: [&str; 5] = ["and", "or", "not", "if", "is"];

#[derive(Clone, Debug)]
pub struct Template {
    /// Its path below the templates folder: `test/decoder.py`.
    pub name: String,
    /// The whole file.
    pub text: String,
    pub front: Front,
    /// What the engine reads: what the head says as tags on the first line, then the body.
    pub(crate) source: String,
    /// What it holds; none where the engine cannot read it.
    outline: Option<Arc<Outline>>,
    /// Bytes of those tags.
    tags: usize,
    /// The file's line that the body starts on.
    body_line: u32,
    /// Bytes of the source that lines start at; the first one's after the tags.
    line_starts: Vec<usize>,
}

impl Template {
    pub fn read(name: &str, text: &str) -> Result<Self, Problem> {
        if text.len() > MAX_BYTES {
            let reason = format!("it has {} bytes, more than {MAX_BYTES}", text.len());
            return Err(Problem::new(name, reason, "Split it into templates that extend or import each other"));
        }
        let (front, body, body_line) = Front::split(name, text)?;
        let mut source = String::new();
        if let Some(parent) = &front.extends {
            let _ = write!(source, "{{% extends \"{parent}\" %}}");
        }
        for (alias, other) in &front.imports {
            let _ = write!(source, "{{% import \"{other}\" as {alias} %}}");
        }
        let tags = source.len();
        source.push_str(body);
        if let Some((line, many, remedy)) = too_deep(&source) {
            let reason = format!("it has more than {MAX_LEVELS} {many}");
            return Err(Problem::new(name, reason, remedy).at(line + body_line - 1, None));
        }
        let line_starts = [tags].into_iter().chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let outline = Outline::of(name, &source, tags).map(Arc::new);
        Ok(Self { name: name.to_owned(), text: text.to_owned(), front, source, outline, tags, body_line, line_starts })
    }

    /// Line and column in the file of a byte that the engine read. What came from the head is at the file's first line.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        if offset < self.tags {
            return (1, 1);
        }
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        let end = self.source.floor_char_boundary(offset.min(self.source.len()));
        (line as u32 + self.body_line - 1, self.source[start..end].chars().count() as u32 + 1)
    }

    /// The line in the file of a line that the engine read.
    pub(crate) fn line(&self, line: u32) -> u32 {
        line + self.body_line - 1
    }

    pub(crate) fn outline(&self) -> Option<&Outline> {
        self.outline.as_deref()
    }

    /// The line of the head that declares a variable or an import.
    pub(crate) fn head_line(&self, name: &str) -> u32 {
        let head = self.text.lines().take(self.body_line as usize - 1);
        let table = format!("[variables.{name}]");
        let line = head.clone().position(|line| line.trim() == table);
        line.or_else(|| head.clone().position(|line| line.contains(name))).unwrap_or(0) as u32 + 1
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.front.extends.iter().chain(self.front.imports.values()).map(String::as_str)
    }
}

/// The line where there is too much for the engine to read, what there is too much of, and what to do.
fn too_deep(source: &str) -> Option<(u32, &'static str, &'static str)> {
    let (mut joins, mut elifs) = (0, 0);
    for token in tokenize(source, false, language::syntax()) {
        // What is no token the engine tells itself.
        let (token, span) = token.ok()?;
        match token {
            Token::TemplateData(_) | Token::VariableStart | Token::BlockStart => joins = 0,
            Token::Ident("elif") => elifs += 1,
            Token::Ident(word) if !JOINING.contains(&word) => {}
            Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => {}
            Token::Comma | Token::Colon | Token::BracketClose | Token::ParenClose | Token::BraceClose => {}
            _ => joins += 1,
        }
        let line = u32::from(span.start_line);
        if joins > MAX_LEVELS {
            return Some((line, "operators, dots, filters and calls in one tag", "Split the tag with `set`"));
        }
        if elifs > MAX_LEVELS {
            return Some((line, "`elif`", "Look the value up in a map, or split the template"));
        }
    }
    None
}
