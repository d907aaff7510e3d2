//! A question that waits for its answer.

use super::IconButton;
use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// Modal; Escape closes it. The children bring `.dialog-body` and `.dialog-foot`.
#[component]
pub fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: String,
    #[prop(optional)] wide: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        match (open.get(), element.open()) {
            // Fails only for a dialog that is not in the document, and this one is.
            (true, false) => {
                drop(element.show_modal());
                request_animation_frame(move || focus_answer(&element));
            }
            (false, true) => element.close(),
            _ => {}
        }
    });
    let label = title.clone();
    view! {
        <dialog class="dialog" class:wide=wide aria-label=label node_ref=element on:close=move |_| open.set(false)>
            <Show when=move || open.get()>
                <div class="dialog-head">
                    <h2>{title.clone()}</h2>
                    <IconButton icon="close" label="Close" on_press=move |_| open.set(false) />
                </div>
                {children()}
            </Show>
        </dialog>
    }
}

/// A field that asks for it takes the focus, else Enter gives the expected answer; without either the dialog's first
/// control keeps it.
fn focus_answer(dialog: &web_sys::Element) {
    let find = |css| dialog.query_selector(css).ok().flatten();
    let answer = find("[autofocus]").or_else(|| find(".dialog-foot .primary"));
    if let Some(answer) = answer.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Focusing fails only on elements that are gone.
        let _ = answer.focus();
    }
}
