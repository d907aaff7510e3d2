//! Text, numbers, ticks and their labels.

use super::Icon;
use leptos::prelude::*;

/// A labelled place for one input; `wrong` says what is the matter with it.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    #[prop(into, optional)] hint: String,
    #[prop(into, optional)] wrong: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="label">{label}</span>
            {children()}
            {(!hint.is_empty()).then(|| view! { <span class="hint">{hint}</span> })}
            {move || wrong.get().map(|wrong| view! { <span class="wrong" role="alert">{wrong}</span> })}
        </label>
    }
}

#[component]
pub fn TextInput(
    value: RwSignal<String>,
    #[prop(into, optional)] placeholder: String,
    #[prop(into, optional)] testid: String,
    /// The dialog it is in opens with the focus here.
    #[prop(optional)]
    first: bool,
) -> impl IntoView {
    view! {
        <input class="input" type="text" placeholder=placeholder autofocus=first data-testid=testid bind:value=value />
    }
}

/// Words to look for; tells a moment after the last key, so that typing never waits for an answer.
#[component]
pub fn SearchInput(
    #[prop(into)] value: Signal<String>,
    #[prop(into)] label: String,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_search: Callback<String>,
) -> impl IntoView {
    let pending = StoredValue::new(None::<TimeoutHandle>);
    let typed = move |text: String| {
        if let Some(earlier) = pending.get_value() {
            earlier.clear();
        }
        let tell = move || {
            on_search.try_run(text.clone());
        };
        pending.set_value(set_timeout_with_handle(tell, std::time::Duration::from_millis(140)).ok());
    };
    view! {
        <div class="search">
            <Icon name="search" />
            <input
                class="input"
                type="text"
                placeholder=label.clone()
                aria-label=label
                data-testid=testid
                prop:value=value
                on:input:target=move |event| typed(event.target().value())
            />
        </div>
    }
}

#[component]
pub fn Check(
    #[prop(into)] checked: Signal<bool>,
    #[prop(into, optional)] disabled: Signal<bool>,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_change: Callback<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=checked
                disabled=disabled
                data-testid=testid
                on:change:target=move |event| on_change.run(event.target().checked())
            />
            {children()}
        </label>
    }
}
