//! A button that opens a list under itself, and is called what it shows; arrows move in the list, Escape and a press
//! elsewhere close it.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

#[component]
pub fn Popover(
    open: RwSignal<bool>,
    #[prop(into)] label: String,
    #[prop(into, optional)] testid: String,
    /// Several may be chosen, and something is.
    #[prop(into, optional)]
    active: Signal<bool>,
    #[prop(optional)] several: bool,
    button: impl Fn() -> AnyView + Send + Sync + 'static,
    children: ChildrenFn,
) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    let outside = window_event_listener(ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let inside = frame.get_untracked().is_some_and(|frame| frame.contains(target.as_deref()));
        if !inside && open.get_untracked() {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    let keys = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Escape" if open.get_untracked() => {
            event.stop_propagation();
            open.set(false);
            focus(frame, 0);
        }
        "ArrowDown" | "ArrowUp" => {
            event.prevent_default();
            open.set(true);
            let forward = event.key() == "ArrowDown";
            request_animation_frame(move || step(frame, forward));
        }
        _ => {}
    };
    view! {
        <div class="select" node_ref=frame on:keydown=keys>
            <button
                type="button"
                class="select-button"
                class:active=active
                aria-haspopup="listbox"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                data-testid=testid
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {button()}
            </button>
            <Show when=move || open.get()>
                <div
                    class="select-list"
                    role="listbox"
                    aria-label=label.clone()
                    aria-multiselectable=several.then_some("true")
                    class:from-right=move || frame.get_untracked().is_some_and(|frame| near_right_edge(&frame))
                >
                    {children()}
                </div>
            </Show>
        </div>
    }
}

fn near_right_edge(frame: &Element) -> bool {
    let width = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(f64::MAX);
    frame.get_bounding_client_rect().left() > width - 340.0
}

/// Moves the focus among the button and its options, round and round.
fn step(frame: NodeRef<html::Div>, forward: bool) {
    let Some(element) = frame.get_untracked() else { return };
    let Ok(all) = element.query_selector_all("button, input") else { return };
    let active = document().active_element();
    let at =
        (0..all.length()).find(|index| all.item(*index).as_ref() == active.as_ref().map(AsRef::as_ref)).unwrap_or(0);
    let by = if forward { 1 } else { all.length().saturating_sub(1) };
    focus(frame, (at + by) % all.length().max(1));
}

fn focus(frame: NodeRef<html::Div>, index: u32) {
    let Some(element) = frame.get_untracked() else { return };
    let item = element.query_selector_all("button, input").ok().and_then(|all| all.item(index));
    if let Some(item) = item.and_then(|item| item.dyn_into::<HtmlElement>().ok()) {
        // Focusing fails only on elements that are gone.
        let _ = item.focus();
    }
}
