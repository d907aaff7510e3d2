//! A panel beside the page that tells more about one thing.

use super::IconButton;
use leptos::{ev, html, prelude::*};

/// Takes the focus when it opens and gives it back when it closes; Escape closes it.
#[component]
pub fn Drawer(
    #[prop(into)] title: String,
    #[prop(into, optional)] lead: String,
    on_close: impl Fn() + Clone + Send + Sync + 'static,
    children: Children,
) -> impl IntoView {
    let panel = NodeRef::<html::Aside>::new();
    let before = StoredValue::new_local(document().active_element());
    Effect::new(move |_| {
        if let Some(panel) = panel.get() {
            // Focusing fails only on elements that are gone.
            let _ = panel.focus();
        }
    });
    on_cleanup(move || {
        use wasm_bindgen::JsCast;
        if let Some(element) = before.try_get_value().flatten()
            && let Ok(element) = element.dyn_into::<web_sys::HtmlElement>()
        {
            let _ = element.focus();
        }
    });
    let escape = on_close.clone();
    let label = title.clone();
    view! {
        <aside
            class="drawer"
            role="dialog"
            aria-label=label
            tabindex="-1"
            data-testid="drawer"
            node_ref=panel
            on:keydown=move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    escape();
                }
            }
        >
            <header class="drawer-head">
                <div class="grow">
                    <h2>{title}</h2>
                    <p class="lead">{lead}</p>
                </div>
                <IconButton icon="close" label="Close" testid="drawer-close" on_press=move |_| on_close() />
            </header>
            <div class="drawer-body">{children()}</div>
        </aside>
    }
}
