//! Models: every model type there is, and what a model costs while its configuration is being changed.

mod costs;
mod detail;
mod draft;
mod few;
mod filter;
mod form;
mod gallery;
mod hub;
mod inputs;
mod json;
mod kind;
mod memory;
mod operators;
mod words;

pub use draft::ModelDraft;
use draft::Source;

use crate::{
    actions,
    parts::*,
    state::{App, Place},
};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, Element};

#[component]
pub fn Models() -> impl IntoView {
    let (app, draft) = (App::get(), ModelDraft::get());
    Effect::new(move |_| {
        // The page that measures may have been asked for instead, while this one is still there.
        if let (Some(id), Place::Models) = (app.wanted_models.get().pop(), app.place.get_untracked()) {
            app.wanted_models.set(Vec::new());
            draft.open(app, Source::Listed(id));
        }
    });
    let pasted = window_event_listener_untyped("paste", move |event| take_pasted(draft, &event));
    on_cleanup(move || pasted.remove());
    move || match draft.opened.get() {
        None => view! { <Gallery /> }.into_any(),
        Some(opened) => view! { <detail::Detail opened /> }.into_any(),
    }
}

#[component]
fn Gallery() -> impl IntoView {
    let app = App::get();
    let draft = ModelDraft::get();
    view! {
        <section class="page models" data-testid="page-models" aria-labelledby="models-title">
            <header class="page-head">
                <div>
                    <h1 id="models-title">"Models"</h1>
                    <p class="lead">"What each model needs, before anything is run. Drop or paste a config.json to see its own, or name a model of Hugging Face."</p>
                </div>
                <div class="page-tools">
                    <Button icon="file" testid="models-file" on_press=move |_| actions::add_model(app)>"Open file…"</Button>
                    <Button icon="plus" testid="models-paste" on_press=move |_| draft.open_text(String::new())>
                        "Paste config…"
                    </Button>
                </div>
            </header>
            <gallery::Types />
        </section>
    }
}

/// A configuration pasted anywhere but into a field is opened.
fn take_pasted(draft: ModelDraft, event: &ev::Event) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let in_field = target.is_some_and(|target| target.matches("input, textarea").unwrap_or(false));
    let clipboard = event.dyn_ref().and_then(ClipboardEvent::clipboard_data);
    if let Some(Ok(text)) = clipboard.map(|clipboard| clipboard.get_data("text"))
        && !in_field
        && text.trim_start().starts_with('{')
    {
        draft.open_text(text);
    }
}
