//! Checking a template without rendering it: its names, its blocks and the templates it calls.

use crate::{Kind, Library, PlatformFacts, Problem, Template, facts, outline::Outline};
use contract::Platform;
use minijinja::{ErrorKind, Value};
use serde_json::Value as Json;
use std::{collections::BTreeSet, sync::LazyLock};

/// Names that every template may use without declaring them.
const ALWAYS: [&str; 8] = ["model", "platform", "range", "dict", "namespace", "self", "loop", "caller"];

/// What `model` and `platform` hold, by the example of one of each; it is asked for at each key.
static MODEL: LazyLock<Json> =
    LazyLock::new(|| serde_json::to_value(facts("bert").expect("bert is in the list")).expect("facts are plain data"));
static PLATFORM: LazyLock<Json> =
    LazyLock::new(|| serde_json::to_value(PlatformFacts::of(Platform::Cpu)).expect("facts are plain data"));

/// Everything wrong in one template of a library, in the order of lines.
pub fn check(library: &Library, name: &str) -> Vec<Problem> {
    let broken: Vec<Problem> = library.broken().iter().filter(|problem| problem.template == name).cloned().collect();
    if !broken.is_empty() {
        return broken;
    }
    let Some(template) = library.templates().get(name) else {
        return vec![Problem::new(name, "there is no such template", "Name one from the list of templates")];
    };
    let outline = template.outline().expect("the engine read it before");
    let mut check = Check { library, template, outline, problems: Vec::new() };
    check.names();
    check.attributes();
    check.filters();
    check.blocks();
    check.calls();
    check.unused();
    check.problems.sort_by_key(|problem| (problem.line, problem.column));
    check.problems
}

struct Check<'a> {
    library: &'a Library,
    template: &'a Template,
    outline: &'a Outline,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn tell(&mut self, at: usize, reason: String, remedy: &str) {
        let (line, column) = self.template.place(at);
        self.problems.push(Problem::new(&self.template.name, reason, remedy).at(line, Some(column)));
    }

    /// This template and those it extends.
    fn chain(&self) -> Vec<&'a Template> {
        self.library.chain(&self.template.name)
    }

    fn names(&mut self) {
        let outline = self.outline;
        let mut known: BTreeSet<&str> = BTreeSet::from(ALWAYS);
        for part in self.chain() {
            known.extend(part.front.variables.keys().map(String::as_str));
            known.extend(part.front.imports.keys().map(String::as_str));
        }
        for (name, at) in &outline.used {
            if !known.contains(name.as_str()) && !outline.guarded.contains(name) {
                let reason = format!("{name} is not a variable of this template or of one it extends");
                self.tell(*at, reason, "Declare it in the head, or correct the name");
            }
        }
    }

    fn attributes(&mut self) {
        let outline = self.outline;
        for (object, attribute, at) in &outline.attributes {
            let (lacks, remedy) = match object.as_str() {
                "model" => (MODEL.get(attribute).is_none(), "Use one from the list of facts"),
                "platform" => (PLATFORM.get(attribute).is_none(), "Use one from the list of facts"),
                alias => (self.lacks_macro(alias, attribute), "Use a macro that the imported template has"),
            };
            if lacks {
                self.tell(*at, format!("{object} has no {attribute}"), remedy);
            }
        }
    }

    fn lacks_macro(&self, alias: &str, name: &str) -> bool {
        let imported = self.chain().into_iter().find_map(|part| part.front.imports.get(alias));
        let imported = imported.and_then(|imported| self.library.templates().get(imported));
        let outline = imported.and_then(Template::outline);
        outline.is_some_and(|outline| !outline.macros.iter().any(|(known, _)| known == name))
    }

    fn filters(&mut self) {
        let (library, outline) = (self.library, self.outline);
        let mut state = library.engine().empty_state();
        let any = [Value::from("")];
        let remedy = "Use one from the list of filters and tests";
        for (filter, at) in &outline.filters {
            if state.apply_filter(filter, &any).is_err_and(|e| e.kind() == ErrorKind::UnknownFilter) {
                self.tell(*at, format!("there is no filter {filter}"), remedy);
            }
        }
        for (test, at) in &outline.tests {
            if state.perform_test(test, &any).is_err_and(|e| e.kind() == ErrorKind::UnknownTest) {
                self.tell(*at, format!("there is no test {test}"), remedy);
            }
        }
    }

    fn blocks(&mut self) {
        if self.template.front.extends.is_none() {
            return;
        }
        let outline = self.outline;
        let parents = self.chain().into_iter().skip(1);
        let theirs: BTreeSet<&String> =
            parents.filter_map(Template::outline).flat_map(|outline| &outline.blocks).map(|(name, ..)| name).collect();
        for (name, at, outermost) in &outline.blocks {
            if *outermost && !theirs.contains(name) {
                let reason = format!("no template that this one extends has a block {name}, so it is never written");
                self.tell(*at, reason, "Name a block of theirs");
            }
        }
        if let Some(at) = outline.stray {
            let reason = "text outside of all blocks is never written, as this template extends another".to_owned();
            self.tell(at, reason, "Move it into a block");
        }
    }

    fn calls(&mut self) {
        let outline = self.outline;
        for at in &outline.heads {
            let reason = "extends and imports stand in the head".to_owned();
            self.tell(*at, reason, "Write extends = \"…\" or imports = { name = \"…\" } there");
        }
        for (name, at) in &outline.includes {
            if !self.library.templates().contains_key(name) {
                self.tell(*at, format!("it includes {name}, which is not there"), "Name a template from the list");
            } else if self.reaches(name, &mut BTreeSet::new()) {
                let reason = format!("it includes {name}, which includes it in turn without end");
                self.tell(*at, reason, "Let one of them include nothing");
            }
        }
    }

    /// Whether including `name` comes back to this template.
    fn reaches(&self, name: &str, seen: &mut BTreeSet<String>) -> bool {
        if name == self.template.name {
            return true;
        }
        let template = self.library.templates().get(name).filter(|_| seen.insert(name.to_owned()));
        let outline = template.and_then(Template::outline);
        outline.is_some_and(|outline| outline.includes.iter().any(|(next, _)| self.reaches(next, seen)))
    }

    fn unused(&mut self) {
        let (library, template) = (self.library, self.template);
        let name = &template.name;
        if template.front.kind == Kind::Macros {
            if let Some(variable) = template.front.variables.keys().next() {
                let reason = format!("macros see no variables, but {variable} is declared");
                self.problems.push(Problem::new(name, reason, "Make it an argument of the macro"));
            }
            return;
        }
        // A variable may serve a template that this one extends, or one that extends this one.
        let chains = library.templates().keys().map(|other| library.chain(other));
        let related = chains.filter(|chain| chain.iter().any(|part| part.name == *name)).flatten();
        let mut used: BTreeSet<&String> = BTreeSet::new();
        for outline in related.filter_map(Template::outline) {
            used.extend(outline.used.iter().map(|(name, _)| name));
            used.extend(&outline.guarded);
        }
        let variables = template.front.variables.keys();
        let imports = template.front.imports.keys();
        for unused in variables.chain(imports).filter(|name| !used.contains(name)) {
            let line = template.head_line(unused);
            let reason = format!("{unused} is declared and never used");
            self.problems.push(Problem::new(name, reason, "Use it, or take it out of the head").at(line, None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(texts: &[(&str, &str)]) -> Library {
        Library::new(texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
    }

    fn said(texts: &[(&str, &str)], name: &str) -> Vec<String> {
        check(&library(texts), name).iter().map(ToString::to_string).collect()
    }

    const BASE: (&str, &str) = ("base.py", "---\nkind = \"base\"\n---\n{% block a %}{% endblock %}\n");

    #[test]
    fn a_sound_template_has_no_problems() {
        let text = "---\nkind = \"test\"\nextends = \"base.py\"\nimports = { m = \"m.py\" }\n[variables.batch]\ntype = \"integer\"\ndefault = 2\nhelp = \"Samples\"\n---\n{% block a %}\n{% set x = batch %}{{ x }} {{ model.family }} {{ platform.key }} {{ m.twice(x) }}\n{% for i in range(2) %}{{ loop.index + i }}{% endfor %}\n{{ other | default(1) }}\n{% endblock %}\n";
        let macros = "---\nkind = \"macros\"\n---\n{% macro twice(x) %}{{ x + x }}{% endmacro %}\n";
        assert_eq!(said(&[BASE, ("t.py", text), ("m.py", macros)], "t.py"), [""; 0]);
    }

    #[test]
    fn each_fault_is_told_at_its_line_and_column() {
        let body = "{% block a %}\n  {{ nothing }}\n{{ model.colour }}{{ 1 | shout }}\n{% endblock %}\n{% block b %}{% endblock %}\nstray\n";
        let text = format!(
            "---\nkind = \"test\"\nextends = \"base.py\"\n[variables.unused]\ntype = \"flag\"\ndefault = true\nhelp = \"Nothing\"\n---\n{body}"
        );
        let said = said(&[BASE, ("t.py", &text)], "t.py");
        let told = [
            "t.py, line 4: unused is declared and never used",
            "t.py, line 10, column 6: nothing is not a variable",
            "t.py, line 11, column 4: model has no colour",
            "t.py, line 11, column 26: there is no filter shout",
            "t.py, line 13, column 4: no template that this one extends has a block b",
            "t.py, line 14, column 1: text outside of all blocks",
        ];
        assert_eq!(said.len(), told.len(), "{said:#?}");
        for (said, told) in said.iter().zip(told) {
            assert!(said.starts_with(told), "{said} is not {told}");
        }
    }

    #[test]
    fn circles_are_told_before_they_run() {
        let a = ("a.py", "---\nkind = \"test\"\n---\nx\n{% include \"b.py\" %}\n");
        let b = ("b.py", "---\nkind = \"base\"\n---\n{% include \"a.py\" %}\n");
        assert!(said(&[a, b], "a.py")[0].starts_with("a.py, line 5, column 4: it includes b.py, which includes it"));
        let c = ("c.py", "---\nkind = \"base\"\nextends = \"d.py\"\n---\n");
        let d = ("d.py", "---\nkind = \"base\"\nextends = \"c.py\"\n---\n");
        assert!(said(&[c, d], "c.py")[0].contains("it extends itself"));
        let lost = ("c.py", "---\nkind = \"base\"\nextends = \"z.py\"\n---\n");
        assert!(said(&[lost], "c.py")[0].contains("it names z.py, which is not there"));
    }
}
