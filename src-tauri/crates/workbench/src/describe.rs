//! A template in the words of the contract: what is kept of it, and how it stands in a preview.

use crate::{Library, Problem, Template, check};
use contract::{TemplateBlock, TemplateDraft, TemplateLine, TemplateNeed, TemplateProblem, TemplateVariable};
use std::collections::BTreeSet;

impl From<Problem> for TemplateProblem {
    fn from(problem: Problem) -> Self {
        let Problem { template, line, column, reason, remedy } = problem;
        Self { template, line, column, reason, remedy }
    }
}

impl Library {
    /// What is kept of a template when it is saved. One that cannot be read is kept as text, with what is wrong.
    pub fn draft(&self, name: &str, text: &str) -> TemplateDraft {
        let template = self.templates().get(name);
        TemplateDraft {
            name: name.to_owned(),
            text: text.to_owned(),
            kind: template.map(|template| template.front.kind.key().to_owned()).unwrap_or_default(),
            variables: template.map(declared).unwrap_or_default(),
            helpers: template.map(helpers).unwrap_or_default(),
            needs: template.map(direct_needs).unwrap_or_default(),
            problems: check(self, name).into_iter().map(TemplateProblem::from).collect(),
        }
    }

    /// Every block that a template and those it extends have, each with where its text stands, most specific first.
    pub fn blocks(&self, name: &str) -> Vec<TemplateBlock> {
        let mut blocks: Vec<TemplateBlock> = Vec::new();
        for template in self.chain(name) {
            for (block, at, _) in template.outline().into_iter().flat_map(|outline| &outline.blocks) {
                let place = TemplateLine { template: template.name.clone(), line: template.place(*at).0 };
                match blocks.iter_mut().find(|known| known.name == *block) {
                    Some(known) => known.places.push(place),
                    None => blocks.push(TemplateBlock { name: block.clone(), places: vec![place] }),
                }
            }
        }
        blocks
    }
}

fn helpers(template: &Template) -> Vec<String> {
    let macros = template.outline().into_iter().flat_map(|outline| &outline.macros);
    let names: BTreeSet<&String> = macros.map(|(name, _)| name).collect();
    names.into_iter().cloned().collect()
}

/// What a template extends, imports and includes itself.
pub(crate) fn direct_needs(template: &Template) -> Vec<TemplateNeed> {
    let need = |name: &String, how: &str| TemplateNeed { name: name.clone(), how: how.to_owned() };
    let includes = template.outline().into_iter().flat_map(|outline| &outline.includes);
    let extends = template.front.extends.iter().map(|name| need(name, "extends"));
    let imports = template.front.imports.values().map(|name| need(name, "imports"));
    let mut needs: Vec<TemplateNeed> =
        extends.chain(imports).chain(includes.map(|(name, _)| need(name, "includes"))).collect();
    needs.sort();
    needs.dedup();
    needs
}

pub(crate) fn declared(template: &Template) -> Vec<TemplateVariable> {
    let described = |(name, variable): (&String, &crate::Variable)| TemplateVariable {
        name: name.clone(),
        kind: variable.kind.key().to_owned(),
        default: variable.default.clone(),
        allowed: variable.allowed.clone(),
        help: variable.help.clone(),
    };
    template.front.variables.iter().map(described).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_described_with_what_it_needs_and_where_its_blocks_stand() {
        let base = "---\nkind = \"base\"\n---\n{% block a %}1{% endblock %}\n{% block b %}{% endblock %}\n";
        let test = "---\nkind = \"test\"\nextends = \"base.py\"\nimports = { m = \"m.py\" }\n[variables.n]\ntype = \"integer\"\ndefault = 1\nhelp = \"N\"\n---\n{% block a %}{{ n }}{{ m.f() }}{% endblock %}\n";
        let macros = "---\nkind = \"macros\"\n---\n{% macro f() %}2{% endmacro %}\n";
        let texts = [("base.py", base), ("m.py", macros), ("t.py", test)];
        let library = Library::new(texts.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let draft = library.draft("t.py", test);
        let needs: Vec<(&str, &str)> = draft.needs.iter().map(|need| (need.name.as_str(), need.how.as_str())).collect();
        assert_eq!(needs, [("base.py", "extends"), ("m.py", "imports")]);
        assert_eq!((draft.kind.as_str(), draft.variables[0].name.as_str(), draft.problems.len()), ("test", "n", 0));
        assert_eq!(library.draft("m.py", macros).helpers, ["f"]);
        let blocks = library.blocks("t.py");
        let place = |template: &str, line| TemplateLine { template: template.into(), line };
        assert_eq!(blocks[0].places, [place("t.py", 10), place("base.py", 4)]);
        assert_eq!(blocks[1].places, [place("base.py", 5)]);
        assert_eq!(library.draft("x.py", "no head").kind, "");
    }
}
