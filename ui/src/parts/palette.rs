//! Every action, found by typing.

use super::Icon;
use crate::{
    actions::{self, Action},
    state::App,
};
use leptos::{ev, html, prelude::*};

#[component]
pub fn Palette() -> impl IntoView {
    let app = App::get();
    let element = NodeRef::<html::Dialog>::new();
    let words = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        match (app.palette_open.get(), element.open()) {
            (true, false) => {
                words.set(String::new());
                at.set(0);
                // Fails only for a dialog that is not in the document, and this one is.
                drop(element.show_modal());
            }
            (false, true) => element.close(),
            _ => {}
        }
    });
    let found = Memo::new(move |_| words.with(|words| find(app, words)));
    let run = move |index: usize| {
        app.palette_open.set(false);
        (actions::ALL[index].run)(app);
    };
    let item = move |(row, index): (usize, usize)| {
        let Action { id, group, label, keys, .. } = actions::ALL[index];
        view! {
            <button
                type="button"
                class="palette-item"
                id=format!("palette-{row}")
                role="option"
                tabindex="-1"
                aria-selected=move || if at.get() == row { "true" } else { "false" }
                data-testid=format!("action-{id}")
                on:pointermove=move |_| at.set(row)
                on:click=move |_| run(index)
            >
                <span><span class="group">{group}</span>{label}</span>
                <Keys keys />
            </button>
        }
    };
    let keys = move |event: ev::KeyboardEvent| {
        let many = found.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" => at.update(|at| *at = (*at + 1) % many.max(1)),
            "ArrowUp" => at.update(|at| *at = (*at + many.saturating_sub(1)) % many.max(1)),
            "Enter" => {
                if let Some(index) = found.with(|found| found.get(at.get_untracked()).copied()) {
                    run(index);
                }
            }
            _ => return,
        }
        event.prevent_default();
        request_animation_frame(move || {
            let row = document().query_selector(".palette-item[aria-selected=true]").ok().flatten();
            row.inspect(|row| row.scroll_into_view_with_bool(false));
        });
    };
    view! {
        <dialog
            class="palette"
            aria-label="Actions"
            data-testid="palette"
            node_ref=element
            on:close=move |_| app.palette_open.set(false)
            on:keydown=keys
        >
            <div class="palette-search">
                <Icon name="search" />
                <input
                    type="text"
                    placeholder="What would you like to do?"
                    aria-label="Find an action"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("palette-{}", at.get())
                    autofocus
                    bind:value=words
                    on:input=move |_| at.set(0)
                />
                <span class="keys"><kbd>"Esc"</kbd></span>
            </div>
            <div class="palette-list" id="palette-list" role="listbox">
                {move || found.get().into_iter().enumerate().map(item).collect_view()}
                <Show when=move || found.with(Vec::is_empty)>
                    <p class="palette-none">"No action has these words."</p>
                </Show>
            </div>
        </dialog>
    }
}

/// Indices of the actions that hold all words and can be done now.
fn find(app: App, words: &str) -> Vec<usize> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let holds = |action: &Action| {
        let text = format!("{} {}", action.group, action.label).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    (0..actions::ALL.len())
        .filter(|index| {
            let action = &actions::ALL[*index];
            action.id != "palette" && (action.possible)(app) && holds(action)
        })
        .collect()
}

#[component]
fn Keys(keys: Option<&'static str>) -> impl IntoView {
    keys.map(|keys| {
        let keys = keys.split('+').map(|key| view! { <kbd>{key}</kbd> " " }).collect_view();
        view! { <span class="keys">{keys}</span> }
    })
}
