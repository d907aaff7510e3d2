//! What a figure is, from how many samples, how sure and on what: shown on hover and on focus.

use contract::Fact;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};

#[derive(Clone, Debug, PartialEq)]
pub struct TipText {
    pub title: String,
    pub facts: Vec<Fact>,
}

/// The one place tips are drawn in, above everything that scrolls.
#[derive(Clone, Copy)]
pub struct TipLayer {
    shown: RwSignal<Option<(TipText, Anchor)>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    left: f64,
    top: f64,
    bottom: f64,
}

impl TipLayer {
    pub fn new() -> Self {
        Self { shown: RwSignal::new(None) }
    }

    pub fn get() -> Self {
        use_context().expect("the window provides the tip layer before it draws anything")
    }

    /// Shows `text` at the element the event is about.
    pub fn show(self, at: Option<EventTarget>, text: TipText) {
        let Some(element) = at.and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let rect = element.get_bounding_client_rect();
        self.shown.set(Some((text, Anchor { left: rect.left(), top: rect.top(), bottom: rect.bottom() })));
    }

    /// As [`TipLayer::show`], for a focus that came by keyboard: one given back after a press would only be in the way.
    pub fn show_on_focus(self, at: Option<EventTarget>, text: TipText) {
        let element: Option<&Element> = at.as_ref().and_then(|target| target.dyn_ref());
        if element.is_some_and(|element| element.matches(":focus-visible").unwrap_or(false)) {
            self.show(at, text);
        }
    }

    pub fn hide(self) {
        self.shown.set(None);
    }
}

/// Drawn once, by the window.
#[component]
pub fn Tip() -> impl IntoView {
    let layer = TipLayer::get();
    move || {
        layer.shown.get().map(|(text, anchor)| {
            view! {
                <div class="tip" role="tooltip" style=place(anchor)>
                    <p class="title">{text.title}</p>
                    <Facts facts=text.facts />
                </div>
            }
        })
    }
}

/// Under the element, or above it where there is more room; never over the right edge.
fn place(anchor: Anchor) -> String {
    let size = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(900.0);
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let left = anchor.left.min(width - 396.0).max(8.0);
    if anchor.bottom > height * 0.62 {
        format!("left:{left}px;bottom:{}px", height - anchor.top + 6.0)
    } else {
        format!("left:{left}px;top:{}px", anchor.bottom + 6.0)
    }
}

/// Labels with their values, one under the other.
#[component]
pub fn Facts(facts: Vec<Fact>) -> impl IntoView {
    view! {
        <dl class="facts">
            {facts
                .into_iter()
                .map(|fact| view! { <dt>{fact.label}</dt><dd>{fact.value}</dd> })
                .collect_view()}
        </dl>
    }
}
