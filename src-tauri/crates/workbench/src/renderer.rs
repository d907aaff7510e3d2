//! Who renders: this process, or another one that it asks, since the engine does not bound all that a template does.

use crate::{Facts, Library, Made, Request, TemplateError, check_rendered, facts, render_with};
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Of a process that renders. What ships needs about 100 MB of it.
pub const RENDERER_MEMORY_BYTES: u64 = 512 << 20;

/// Renders files and reads what came of it, one after the other.
pub trait Renderer {
    fn make(&mut self, library: &Library, request: Request) -> Made;
}

/// Renders in this process, which a hostile template can hang, fill or end.
#[derive(Default)]
pub struct Here {
    /// Of the last model type: files of one follow each other.
    known: Option<(Facts, Value)>,
}

impl Here {
    fn known(&mut self, model_type: &str) -> Result<&(Facts, Value), TemplateError> {
        let known = match self.known.take() {
            Some(known) if known.0.model_type == model_type => known,
            _ => {
                let facts = facts(model_type)?;
                let model = Value::from(Serde(&facts));
                (facts, model)
            }
        };
        Ok(self.known.insert(known))
    }
}

impl Renderer for Here {
    fn make(&mut self, library: &Library, request: Request) -> Made {
        let known = self.known(&request.model_type);
        let outcome = known.and_then(|(facts, model)| render_with(library, &request, facts, model));
        let problems = outcome.as_ref().map(|rendered| check_rendered(rendered, library)).unwrap_or_default();
        Made { request, outcome, problems }
    }
}

/// What another process is asked. It answers with a [`Made`].
#[derive(Serialize, Deserialize)]
pub struct Ask {
    /// Names and texts of the library from now on; none where it stays as it was, which is empty at first.
    pub texts: Option<BTreeMap<String, String>>,
    pub request: Request,
}

/// That other process.
pub struct Asked {
    library: Library,
    here: Here,
}

impl Default for Asked {
    fn default() -> Self {
        Self { library: Library::new([]), here: Here::default() }
    }
}

impl Asked {
    pub fn answer(&mut self, Ask { texts, request }: Ask) -> Made {
        if let Some(texts) = texts {
            self.library = Library::new(texts);
        }
        let making = AssertUnwindSafe(|| self.here.make(&self.library, request.clone()));
        catch_unwind(making).unwrap_or_else(|_| {
            let problem = self.library.unmade(&request, "breaks the template engine", "Undo what was written last");
            Made::without(request, TemplateError::Template(problem))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, render};
    use contract::Platform;

    #[test]
    fn what_another_process_answers_is_what_is_made_here() {
        let request = |model_type: &str| {
            let (model_type, variables) = (model_type.to_owned(), BTreeMap::new());
            Request { model_type, platform: Platform::Cpu, kind: Kind::Test, variables }
        };
        let (library, mut asked) = (Library::shipped(), Asked::default());
        let mut answer = |texts, model_type| {
            let ask = serde_json::to_string(&Ask { texts, request: request(model_type) }).unwrap();
            let made = asked.answer(serde_json::from_str(&ask).unwrap());
            serde_json::from_str::<Made>(&serde_json::to_string(&made).unwrap()).unwrap()
        };
        for (texts, model_type) in [(Some(library.texts()), "llama"), (None, "vit")] {
            let (there, here) = (answer(texts, model_type), render(library, &request(model_type)).unwrap());
            assert!(there.is_sound());
            let there = there.outcome.unwrap();
            assert_eq!((there.text, there.origin, there.path), (here.text, here.origin, here.path));
        }
        let unknown = answer(None, "no-such").outcome.unwrap_err();
        assert_eq!(unknown, TemplateError::UnknownModel("no-such".to_owned()));
    }
}
