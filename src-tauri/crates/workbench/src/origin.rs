//! Which line of which template each part of what was rendered came from.

use crate::Template;
use contract::TemplateLine;
use minijinja::{OutputSpan, OutputSpanKind};
use std::{collections::BTreeMap, sync::Arc};

/// A place in a template's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub template: Arc<str>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters; none where the text was computed there.
    pub column: Option<u32>,
}

/// Rendered text by its source. What a macro made belongs to the line that called it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    start: usize,
    end: usize,
    template: Arc<str>,
    source: usize,
    literal: bool,
}

impl Origins {
    pub fn new(spans: &[OutputSpan]) -> Self {
        let mut names: BTreeMap<&str, Arc<str>> = BTreeMap::new();
        let parts = spans
            .iter()
            .map(|span| Part {
                start: span.output_range().start,
                end: span.output_range().end,
                template: names.entry(span.name()).or_insert_with(|| Arc::from(span.name())).clone(),
                source: span.source_range().start,
                literal: span.kind() == OutputSpanKind::Raw,
            })
            .collect();
        Self { parts }
    }

    /// Where a byte of the output came from; none in empty output.
    pub fn of(&self, at: usize, templates: &BTreeMap<String, Template>) -> Option<Origin> {
        let after = self.parts.partition_point(|part| part.start <= at);
        let part = self.parts.get(after.saturating_sub(1))?;
        let template = templates.get(&*part.template)?;
        let into = if part.literal { at.clamp(part.start, part.end - 1) - part.start } else { 0 };
        let (line, column) = template.place(part.source + into);
        Some(Origin { template: part.template.clone(), line, column: part.literal.then_some(column) })
    }

    /// For each line of `text`, where its first visible character came from.
    pub fn lines(&self, text: &str, templates: &BTreeMap<String, Template>) -> Vec<TemplateLine> {
        let mut at = 0;
        text.split_inclusive('\n')
            .filter_map(|line| {
                let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
                let origin = self.of(at + indent, templates);
                at += line.len();
                origin.map(|origin| TemplateLine { template: origin.template.to_string(), line: origin.line })
            })
            .collect()
    }
}
