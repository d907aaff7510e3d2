//! The only file that knows CodeMirror: an editor of templates, a view of what is made, two texts side by side.

use crate::{
    js::{described, to_js},
    script::{self, Script},
};
use contract::{Failure, TemplateProblem, TemplateWord};
use serde_json::json;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    type Code;

    #[wasm_bindgen(js_namespace = AssayEditor, js_name = edit, catch)]
    fn edit_js(parent: &HtmlElement, text: &str, hear: &js_sys::Function) -> Result<Code, JsValue>;
    #[wasm_bindgen(js_namespace = AssayEditor, js_name = show, catch)]
    fn show_js(parent: &HtmlElement, text: &str, label: &str, hear: &js_sys::Function) -> Result<Code, JsValue>;
    #[wasm_bindgen(js_namespace = AssayEditor, js_name = compare, catch)]
    fn compare_js(parent: &HtmlElement, old: &str, now: &str) -> Result<Code, JsValue>;

    #[wasm_bindgen(method, js_name = setText)]
    fn set_text(this: &Code, text: &str);
    #[wasm_bindgen(method, js_name = setWords)]
    fn set_words(this: &Code, words: JsValue);
    #[wasm_bindgen(method, js_name = setProblems)]
    fn set_problems(this: &Code, problems: JsValue);
    #[wasm_bindgen(method)]
    fn link(this: &Code, lines: Vec<u32>, show: bool);
    #[wasm_bindgen(method)]
    fn reveal(this: &Code, line: u32);
    #[wasm_bindgen(method)]
    fn destroy(this: &Code);
}

/// What a person does in a view of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The whole text after a change.
    Text(String),
    /// The line of the cursor, from 1.
    Line(u32),
    /// They want to see where this is declared.
    Follow(Followed),
    Save,
}

/// What stands under the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    Block(String),
    /// A name in quotes.
    File(String),
    /// `seed`, or `given.function`.
    Word(String),
}

/// A view of code in an element. It goes with the last of its clones.
#[derive(Clone)]
pub struct CodeView(Rc<Inside>);

struct Inside {
    code: Code,
    /// CodeMirror calls it as long as the view is there.
    _hear: Option<Closure<dyn Fn(String, JsValue)>>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.code.destroy();
    }
}

impl CodeView {
    /// An editor of a template.
    pub async fn edit(parent: &HtmlElement, text: &str, hear: impl Fn(Heard) + 'static) -> Result<Self, Failure> {
        script::ready(Script::Editor).await?;
        let hear = closure(hear);
        let code = edit_js(parent, text, hear.as_ref().unchecked_ref()).map_err(|error| broken(&error))?;
        Ok(Self(Rc::new(Inside { code, _hear: Some(hear) })))
    }

    /// Code that is only read.
    pub async fn show(parent: &HtmlElement, label: &str, hear: impl Fn(Heard) + 'static) -> Result<Self, Failure> {
        script::ready(Script::Editor).await?;
        let hear = closure(hear);
        let code = show_js(parent, "", label, hear.as_ref().unchecked_ref()).map_err(|error| broken(&error))?;
        Ok(Self(Rc::new(Inside { code, _hear: Some(hear) })))
    }

    /// Two texts side by side.
    pub async fn compare(parent: &HtmlElement, old: &str, now: &str) -> Result<Self, Failure> {
        script::ready(Script::Editor).await?;
        let code = compare_js(parent, old, now).map_err(|error| broken(&error))?;
        Ok(Self(Rc::new(Inside { code, _hear: None })))
    }

    pub fn set_text(&self, text: &str) {
        self.0.code.set_text(text);
    }

    pub fn set_words(&self, words: &[TemplateWord]) {
        self.0.code.set_words(to_js(&json!(words)));
    }

    /// Shows these under their places; all must be of this text.
    pub fn set_problems(&self, problems: &[TemplateProblem]) {
        let told = |problem: &TemplateProblem| {
            let message = format!("{}. {}", problem.reason, problem.remedy);
            json!({ "line": problem.line, "column": problem.column, "message": message })
        };
        self.0.code.set_problems(to_js(&problems.iter().map(told).collect()));
    }

    /// Marks lines as belonging to the cursor of another view; `show` brings the first into sight.
    pub fn link(&self, lines: Vec<u32>, show: bool) {
        self.0.code.link(lines, show);
    }

    /// Puts the cursor on a line and the focus into the view.
    pub fn reveal(&self, line: u32) {
        self.0.code.reveal(line);
    }
}

fn closure(hear: impl Fn(Heard) + 'static) -> Closure<dyn Fn(String, JsValue)> {
    Closure::new(move |name: String, value: JsValue| {
        if let Some(heard) = read(&name, value.as_string().unwrap_or_default()) {
            hear(heard);
        }
    })
}

fn read(name: &str, value: String) -> Option<Heard> {
    match name {
        "text" => Some(Heard::Text(value)),
        "line" => value.parse().ok().map(Heard::Line),
        "save" => Some(Heard::Save),
        _ => {
            let (what, word) = value.split_once(' ')?;
            let word = word.to_owned();
            Some(Heard::Follow(match what {
                "block" => Followed::Block(word),
                "file" => Followed::File(word),
                _ => Followed::Word(word),
            }))
        }
    }
}

fn broken(error: &JsValue) -> Failure {
    Failure::broken("opening the editor", described(error))
}
