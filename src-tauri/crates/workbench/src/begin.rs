//! What a new template begins as: an extension of what is there, or a converted file.

use crate::{Kind, Library, TemplateError, convert, facts, model_types};
use contract::{Failure, ProposedTemplate};
use std::{fmt::Write, path::Path};

impl Library {
    /// One for a family, which extends what serves the family now.
    pub fn begin_for_family(&self, kind: Kind, family: &str) -> Result<ProposedTemplate, Failure> {
        let member = model_types().find(|(_, known)| known.key() == family);
        let (member, _) = member.ok_or_else(|| Failure::not_found("family", family))?;
        Ok(self.extension(kind, member, &format!("{family} models"), &format!("family = \"{family}\""), family)?)
    }

    /// One for a model type, which extends what serves it now.
    pub fn begin_for_model(&self, kind: Kind, model_type: &str) -> Result<ProposedTemplate, Failure> {
        let module = facts(model_type)?.module;
        Ok(self.extension(kind, model_type, model_type, &format!("model_type = \"{model_type}\""), &module)?)
    }

    /// What is made by it is what was made before, until a block is written anew.
    fn extension(
        &self,
        kind: Kind,
        member: &str,
        of: &str,
        serves: &str,
        file: &str,
    ) -> Result<ProposedTemplate, TemplateError> {
        let parent = &self.choose(kind, &facts(member)?)?.name;
        let blocks = self.blocks(parent);
        let names: Vec<&str> = blocks.iter().map(|block| block.name.as_str()).collect();
        let mut text = format!(
            "---\nkind = \"{kind}\"\nabout = \"A {kind} for {of}.\"\n{serves}\nextends = \"{parent}\"\n---\n{{# Blocks that may be written anew: {}. #}}\n",
            names.join(", "),
            kind = kind.key(),
        );
        if let Some(first) = names.first() {
            let _ = write!(text, "{{% block {first} %}}\n{{{{ super() -}}}}\n{{% endblock %}}\n");
        }
        let ending = Path::new(parent).extension().and_then(|ending| ending.to_str()).unwrap_or("py");
        Ok(ProposedTemplate { name: self.free_name(kind, file, ending), text, report: Vec::new() })
    }

    /// One from a file: taken as it is where it has a head, else converted with a report.
    pub fn begin_from_file(&self, kind: Kind, path: &Path, text: &str) -> Result<ProposedTemplate, Failure> {
        let stem = path.file_stem().map(|stem| crate::language::module(&stem.to_string_lossy())).unwrap_or_default();
        let name = self.free_name(kind, &stem, if kind == Kind::Suite { "json" } else { "py" });
        if text.starts_with("---\n") || text.starts_with("---\r\n") {
            return Ok(ProposedTemplate { name, text: text.to_owned(), report: Vec::new() });
        }
        let converted = convert(text, kind, None).map_err(|(line, reason)| {
            Failure::bad_input(path.display().to_string(), reason).at(format!("line {line}"))
        })?;
        let (lost, kept): (Vec<_>, Vec<_>) = converted.changes.iter().partition(|change| change.lost.is_some());
        let told = |change: &&crate::Change| {
            let lost = change.lost.as_ref().map(|lost| format!(": {lost}")).unwrap_or_default();
            format!("Line {}: {} became {}{lost}.", change.line, change.from, change.to)
        };
        let report = lost.iter().chain(&kept).map(told).collect();
        Ok(ProposedTemplate { name, text: converted.text, report })
    }

    fn free_name(&self, kind: Kind, file: &str, ending: &str) -> String {
        let name = |number: u32| match number {
            1 => format!("{}/{file}.{ending}", kind.key()),
            number => format!("{}/{file}-{number}.{ending}", kind.key()),
        };
        (1..).map(name).find(|name| !self.templates().contains_key(name)).expect("some number is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, render};
    use contract::Platform;
    use std::collections::BTreeMap;

    fn with(proposed: &ProposedTemplate) -> Library {
        let texts = Library::shipped().templates().iter().map(|(name, template)| (name.clone(), template.text.clone()));
        Library::new(texts.chain([(proposed.name.clone(), proposed.text.clone())]))
    }

    #[test]
    fn a_new_template_is_sound_and_changes_nothing_yet() {
        for kind in Kind::GENERATED {
            let shipped = Library::shipped();
            for proposed in [
                shipped.begin_for_family(kind, "vision").unwrap(),
                shipped.begin_for_model(kind, "xlm-roberta").unwrap(),
            ] {
                let library = with(&proposed);
                assert_eq!(check(&library, &proposed.name), [], "{}", proposed.text);
                let model_type = if proposed.name.contains("vision") { "vit" } else { "xlm-roberta" };
                let request = crate::Request {
                    model_type: model_type.into(),
                    platform: Platform::Cpu,
                    kind,
                    variables: BTreeMap::new(),
                };
                let (old, new) = (render(shipped, &request).unwrap(), render(&library, &request).unwrap());
                assert_eq!((new.template.as_str(), new.text.trim()), (proposed.name.as_str(), old.text.trim()));
            }
        }
    }

    #[test]
    fn a_file_of_another_language_comes_with_a_report() {
        let old = "name = \"{model_type}\"\nx = {cfg.size:^9}\n";
        let proposed = Library::shipped().begin_from_file(Kind::Test, Path::new("/a/My test.tmpl"), old).unwrap();
        assert_eq!(proposed.name, "test/my_test.py");
        assert!(proposed.report[0].starts_with("Line 2: {cfg.size:^9} became {{ cfg }}: "), "{:?}", proposed.report);
        let ours = Library::shipped().begin_from_file(Kind::Test, Path::new("test.py"), "---\nkind").unwrap();
        assert_eq!((ours.text.as_str(), ours.report.len()), ("---\nkind", 0));
    }
}
