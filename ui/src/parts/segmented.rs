//! One of a few, all visible.

use leptos::{ev::KeyboardEvent, prelude::*};

/// Arrow keys move the choice, as in a group of radio buttons.
#[component]
pub fn Segmented<T>(
    /// Value, label and test id of each.
    options: Vec<(T, String, String)>,
    #[prop(into)] chosen: Signal<T>,
    #[prop(into)] label: String,
    #[prop(into)] on_choose: Callback<T>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let values: Vec<T> = options.iter().map(|(value, ..)| value.clone()).collect();
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => 1,
            "ArrowLeft" | "ArrowUp" => values.len() - 1,
            _ => return,
        };
        event.prevent_default();
        let at = values.iter().position(|value| *value == chosen.get_untracked()).unwrap_or(0);
        on_choose.run(values[(at + by) % values.len()].clone());
        focus_chosen(&event);
    };
    view! {
        <div class="segmented" role="radiogroup" aria-label=label on:keydown=step>
            {options
                .into_iter()
                .map(|(value, label, testid)| {
                    let mine = value.clone();
                    let is_chosen = Memo::new(move |_| chosen.get() == mine);
                    view! {
                        <button
                            type="button"
                            role="radio"
                            aria-checked=move || if is_chosen.get() { "true" } else { "false" }
                            tabindex=move || if is_chosen.get() { "0" } else { "-1" }
                            data-testid=testid
                            on:click=move |_| on_choose.run(value.clone())
                        >
                            {label}
                        </button>
                    }
                })
                .collect_view()}
        </div>
    }
}

/// The focus follows the choice once it is drawn.
fn focus_chosen(event: &KeyboardEvent) {
    use wasm_bindgen::JsCast;
    let group = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    request_animation_frame(move || {
        let chosen = group.and_then(|group| group.query_selector("[aria-checked=true]").ok().flatten());
        if let Some(chosen) = chosen.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = chosen.focus();
        }
    });
}
