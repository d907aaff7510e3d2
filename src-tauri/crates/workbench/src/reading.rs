//! What a window shows of a template as it is being edited: a reading of it, and what it makes.

use crate::{
    Kind, Library, Made, Renderer, Request, TemplateError, check,
    describe::{declared, direct_needs},
    words,
};
use contract::{
    Failure, InheritedVariable, PreviewChoice, TemplateNeed, TemplatePreview, TemplateProblem, TemplateReading,
};
use serde_json::Value;
use std::collections::BTreeMap;

impl Library {
    /// What is wrong in a template, what it inherits, and what may be written in it.
    pub fn reading(&self, name: &str) -> TemplateReading {
        let front = self.templates().get(name).map(|template| &template.front);
        TemplateReading {
            problems: check(self, name).into_iter().map(TemplateProblem::from).collect(),
            kind: front.map(|front| front.kind.key().to_owned()).unwrap_or_default(),
            family: front.and_then(|front| front.family.clone()),
            model_type: front.and_then(|front| front.model_type.clone()),
            chain: self.chain(name).into_iter().map(|part| part.name.clone()).collect(),
            needs: self.templates().get(name).map(direct_needs).unwrap_or_default(),
            needed_by: self.needed_by(name),
            variables: self.inherited_variables(name),
            blocks: self.blocks(name),
            words: words(self, name),
        }
    }

    fn needed_by(&self, name: &str) -> Vec<TemplateNeed> {
        let needing = |other: &crate::Template| {
            let need = direct_needs(other).into_iter().find(|need| need.name == name)?;
            Some(TemplateNeed { name: other.name.clone(), how: need.how })
        };
        self.templates().values().filter_map(needing).collect()
    }

    fn inherited_variables(&self, name: &str) -> Vec<InheritedVariable> {
        let mut found: BTreeMap<String, InheritedVariable> = BTreeMap::new();
        // The more specific declaration wins.
        for part in self.chain(name).into_iter().rev() {
            for variable in declared(part) {
                let declared_in = part.name.clone();
                found.insert(variable.name.clone(), InheritedVariable { variable, declared_in });
            }
        }
        found.into_values().collect()
    }

    /// What is made for this choice, with what is wrong in it. `edited` is the template that a person looks at.
    pub fn preview(
        &self,
        edited: &str,
        choice: PreviewChoice,
        renderer: &mut impl Renderer,
    ) -> Result<TemplatePreview, Failure> {
        let PreviewChoice { model_type, platform, kind, variables } = choice;
        let kind = Kind::from_key(&kind).ok_or_else(|| Failure::not_found("kind of template", &kind))?;
        let mut request = Request { model_type, platform, kind, variables: BTreeMap::new() };
        request.variables = self.typed_values(&request, variables)?;
        let Made { outcome, problems, .. } = renderer.make(self, request);
        let rendered = outcome?;
        Ok(TemplatePreview {
            uses_edited: self.needs(&rendered.template).contains(edited),
            origins: rendered.origin,
            problems: problems.into_iter().map(TemplateProblem::from).collect(),
            template: rendered.template,
            path: rendered.path,
            text: rendered.text,
        })
    }

    /// What a person typed, as the types that the template declares. Unknown names are left to the rendering to refuse.
    pub fn typed_values(
        &self,
        request: &Request,
        typed: impl IntoIterator<Item = (String, String)>,
    ) -> Result<BTreeMap<String, Value>, TemplateError> {
        let declared = self.variables(&self.chosen(request)?.name);
        let value = |(name, text): (String, String)| {
            let value = match declared.get(name.as_str()) {
                None => Value::from(text),
                Some(variable) => variable.kind.read(&text).ok_or_else(|| TemplateError::BadVariable {
                    variable: name.clone(),
                    reason: format!("{text} is not {}", variable.kind.label()),
                })?,
            };
            Ok((name, value))
        };
        typed.into_iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Here;
    use contract::Platform;

    fn choice(model_type: &str, variables: &[(&str, &str)]) -> PreviewChoice {
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        PreviewChoice { model_type: model_type.into(), platform: Platform::Cpu, kind: "test".into(), variables }
    }

    #[test]
    fn a_preview_tells_for_each_line_where_it_came_from() {
        let library = Library::shipped();
        let here = &mut Here::default();
        let preview = library.preview("base.py", choice("llama", &[("seed", "11")]), here).unwrap();
        assert!(preview.uses_edited && preview.problems.is_empty(), "{:?}", preview.problems);
        assert_eq!(preview.origins.len(), preview.text.lines().count());
        let (at, _) = preview.text.lines().enumerate().find(|(_, line)| *line == "SEED = 11").unwrap();
        let origin = &preview.origins[at];
        let there = library.templates()[&origin.template].text.lines().nth(origin.line as usize - 1).unwrap();
        assert_eq!((origin.template.as_str(), there), ("base.py", "SEED = {{ seed }}"));
        assert!(!library.preview("skill.py", choice("llama", &[]), here).unwrap().uses_edited);
    }

    #[test]
    fn what_was_typed_must_suit_its_variable() {
        let choice = choice("llama", &[("seed", "eleven")]);
        let said = Library::shipped().preview("base.py", choice, &mut Here::default()).unwrap_err();
        assert_eq!(said.to_string(), "seed: eleven is not a whole number");
    }

    #[test]
    fn a_reading_names_what_a_template_inherits_and_who_needs_it() {
        let reading = Library::shipped().reading("base.py");
        assert_eq!((reading.kind.as_str(), &reading.chain[..]), ("base", &["base.py".to_owned()][..]));
        let needing = |need: &TemplateNeed| need.name == "test.py" && need.how == "extends";
        assert!(reading.needed_by.iter().any(needing), "{:?}", reading.needed_by);
        let test = Library::shipped().reading("test.py");
        let seed = test.variables.iter().find(|inherited| inherited.variable.name == "seed").unwrap();
        assert_eq!((seed.declared_in.as_str(), test.chain.len()), ("base.py", 2));
    }
}
