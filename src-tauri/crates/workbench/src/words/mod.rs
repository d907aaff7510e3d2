//! Every word that a template may use, with its help: for completion as a person types.

mod help;

use crate::{Library, PlatformFacts, Template, facts};
use contract::{Platform, TemplateLine, TemplateWord, WordPlace};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// What may be written in a template of a library beside the usual words; nothing for one that cannot be read.
pub fn words(library: &Library, name: &str) -> Vec<TemplateWord> {
    let mut words = declared(library, name);
    words.extend(library.blocks(name).into_iter().filter_map(block));
    words
}

/// What every template may use.
pub fn usual_words() -> Vec<TemplateWord> {
    let mut words = members("model", &facts("llama").expect("llama is in the list"), help::MODEL);
    words.extend(members("platform", &PlatformFacts::of(Platform::Cuda), help::PLATFORM));
    let lists = [
        (WordPlace::Tag, help::TAGS),
        (WordPlace::Name, help::NAMES),
        (WordPlace::Filter, help::FILTERS),
        (WordPlace::Test, help::TESTS),
    ];
    for (place, list) in lists {
        words.extend(list.iter().map(|(text, help)| word(place, text, help)));
    }
    words
}

/// Variables and imported macros of a template and of those it extends; the more specific declaration wins.
fn declared(library: &Library, name: &str) -> Vec<TemplateWord> {
    let (mut words, mut seen) = (Vec::new(), BTreeSet::new());
    for part in library.chain(name) {
        for (name, variable) in part.front.variables.iter().filter(|(name, _)| seen.insert(name.as_str())) {
            words.push(TemplateWord {
                detail: variable.kind.label().to_owned(),
                at: Some(TemplateLine { template: part.name.clone(), line: part.head_line(name) }),
                ..word(WordPlace::Name, name, &variable.help)
            });
        }
        for (alias, other) in part.front.imports.iter().filter(|(alias, _)| seen.insert(alias.as_str())) {
            let Some(imported) = library.templates().get(other) else { continue };
            words.push(TemplateWord {
                detail: other.clone(),
                at: Some(TemplateLine { template: other.clone(), line: 1 }),
                ..word(WordPlace::Name, alias, &imported.front.about)
            });
            words.extend(macros(imported, alias));
        }
    }
    words
}

fn macros(imported: &Template, alias: &str) -> impl Iterator<Item = TemplateWord> {
    let macros = imported.outline().into_iter().flat_map(|outline| &outline.macros);
    macros.map(move |(name, at)| TemplateWord {
        of: Some(alias.to_owned()),
        detail: arguments(&imported.source[*at..]).to_owned(),
        at: Some(TemplateLine { template: imported.name.clone(), line: imported.place(*at).0 }),
        ..word(WordPlace::Member, name, comment_before(&imported.source[..*at]))
    })
}

/// `(x, y)` of a macro that begins here.
fn arguments(source: &str) -> &str {
    let tag = &source[..source.find("%}").unwrap_or(source.len())];
    tag.find('(').map_or("()", |open| tag[open..].trim_end_matches(['-', '+']).trim_end())
}

/// The comment that stands right before a tag, which begins just before the end of `source`.
fn comment_before(source: &str) -> &str {
    let before = source.trim_end().trim_end_matches(['-', '+']).strip_suffix("{%").unwrap_or(source).trim_end();
    let comment = before.strip_suffix("#}").and_then(|text| Some(&text[text.rfind("{#")? + 2..]));
    comment.map(|text| text.trim_matches(['-', '+']).trim()).unwrap_or_default()
}

fn block(block: contract::TemplateBlock) -> Option<TemplateWord> {
    let first = block.places.last().cloned()?;
    let help = format!("A part of {} that templates which extend it may write anew", first.template);
    let detail = first.template.clone();
    Some(TemplateWord { detail, at: Some(first), ..word(WordPlace::Block, &block.name, &help) })
}

/// What can be read from an object. The example tells the types.
fn members(object: &str, example: &impl Serialize, help: &[(&str, &str)]) -> Vec<TemplateWord> {
    let example = serde_json::to_value(example).expect("facts are plain data");
    let of = |(name, help): &(&str, &str)| TemplateWord {
        of: Some(object.to_owned()),
        detail: type_of(example.get(*name).unwrap_or(&Value::Null)).to_owned(),
        ..word(WordPlace::Member, name, help)
    };
    help.iter().map(of).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "names with values",
    }
}

fn word(place: WordPlace, text: &str, help: &str) -> TemplateWord {
    TemplateWord { word: text.to_owned(), place, of: None, detail: String::new(), help: help.to_owned(), at: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::ErrorKind;

    fn keys(value: &impl Serialize) -> BTreeSet<String> {
        serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect()
    }

    fn listed(list: &[(&str, &str)]) -> BTreeSet<String> {
        list.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn every_fact_has_help_and_no_other_word_does() {
        assert_eq!(listed(help::MODEL), keys(&facts("llama").unwrap()));
        assert_eq!(listed(help::PLATFORM), keys(&PlatformFacts::of(Platform::Cpu)));
    }

    #[test]
    fn every_listed_filter_and_test_is_one_of_the_language() {
        let mut state = Library::shipped().engine().empty_state();
        let any = [minijinja::Value::from("")];
        for (name, _) in help::FILTERS {
            let unknown = state.apply_filter(name, &any).is_err_and(|e| e.kind() == ErrorKind::UnknownFilter);
            assert!(!unknown, "there is no filter {name}");
        }
        for (name, _) in help::TESTS {
            let unknown = state.perform_test(name, &any).is_err_and(|e| e.kind() == ErrorKind::UnknownTest);
            assert!(!unknown, "there is no test {name}");
        }
    }

    #[test]
    fn a_template_may_use_what_it_and_its_parents_declare_and_import() {
        let mut words = words(Library::shipped(), "test.py");
        words.extend(usual_words());
        let find = |place, of: Option<&str>, text: &str| {
            words.iter().find(|word| word.place == place && word.of.as_deref() == of && word.word == text).unwrap()
        };
        assert_eq!(find(WordPlace::Name, None, "seed").at.as_ref().unwrap().template, "base.py");
        assert_eq!(find(WordPlace::Name, None, "given").detail, "macros/inputs.py");
        let helper = find(WordPlace::Member, Some("given"), "one");
        assert_eq!((helper.detail.as_str(), helper.help.as_str()), ("(input)", "One input for `batch` samples."));
        assert_eq!(find(WordPlace::Member, Some("model"), "family").detail, "text");
        assert!(find(WordPlace::Block, None, "head").help.contains("base.py"));
        find(WordPlace::Filter, None, "py");
        find(WordPlace::Tag, None, "for");
    }
}
