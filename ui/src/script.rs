//! Scripts of npm packages, fetched from the app's own files when they are first needed.

use contract::Failure;
use std::{cell::RefCell, collections::BTreeMap};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlScriptElement;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// plotly, as the global `Plotly`.
    Charts,
    /// CodeMirror, as the global `AssayEditor`.
    Editor,
}

impl Script {
    fn path(self) -> &'static str {
        match self {
            Self::Charts => "vendor/plotly.js",
            Self::Editor => "editor/editor.js",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Charts => "the chart library",
            Self::Editor => "the editor",
        }
    }
}

thread_local! {
    /// The one loading of each, shared by all who wait for it.
    static LOADING: RefCell<BTreeMap<Script, js_sys::Promise>> = const { RefCell::new(BTreeMap::new()) };
}

/// Returns when the script has run.
pub async fn ready(script: Script) -> Result<(), Failure> {
    let promise = LOADING.with_borrow_mut(|loading| loading.entry(script).or_insert_with(|| fetch(script)).clone());
    JsFuture::from(promise).await.map(drop).map_err(|_| {
        LOADING.with_borrow_mut(|loading| loading.remove(&script));
        Failure::Missing {
            what: script.what().into(),
            reason: format!("{} could not be read from the app's own files", script.path()),
            remedy: "Install Assay again".into(),
        }
    })
}

fn fetch(script: Script) -> js_sys::Promise {
    js_sys::Promise::new(&mut |resolve, reject| {
        let document = leptos::prelude::document();
        let element: HtmlScriptElement =
            document.create_element("script").expect("script is an element").unchecked_into();
        if script == Script::Editor {
            element.set_type("module");
        }
        element.set_src(script.path());
        element.set_onload(Some(&resolve));
        element.set_onerror(Some(&reject));
        let head = document.head().expect("the page has a head");
        head.append_child(&element).expect("a head takes a script");
    })
}
