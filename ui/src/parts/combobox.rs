//! One of very many, found by typing a part of its name.

use leptos::{ev, prelude::*};

/// Options shown at a time; typing more finds the rest.
const SHOWN: usize = 60;

#[component]
pub fn Combobox(
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<String>>,
    #[prop(into)] chosen: Signal<String>,
    #[prop(into)] testid: String,
    #[prop(into)] on_choose: Callback<String>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let at = RwSignal::new(0usize);
    let found = Memo::new(move |_| {
        let wanted = typed.get().to_lowercase();
        options.with(|options| matching(options, &wanted))
    });
    let choose = move |value: String| {
        open.set(false);
        typed.set(String::new());
        on_choose.run(value);
    };
    let keys = move |event: ev::KeyboardEvent| {
        let many = found.with(Vec::len).max(1);
        match event.key().as_str() {
            "ArrowDown" if open.get_untracked() => at.update(|at| *at = (*at + 1) % many),
            "ArrowUp" if open.get_untracked() => at.update(|at| *at = (*at + many - 1) % many),
            "ArrowDown" | "ArrowUp" => open.set(true),
            "Enter" => {
                if let Some(value) = found.with_untracked(|found| found.get(at.get_untracked()).cloned()) {
                    choose(value);
                }
            }
            "Escape" if open.get_untracked() => open.set(false),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let list_id = format!("{testid}-list");
    let row_id = StoredValue::new(testid.clone());
    let row = move |(row, value): (usize, String)| {
        let text = value.clone();
        view! {
            <button
                type="button"
                class="select-option"
                class:at=move || at.get() == row
                role="option"
                id=format!("{}-row-{row}", row_id.get_value())
                tabindex="-1"
                aria-selected=move || if at.get() == row { "true" } else { "false" }
                // Before the field loses the focus, which closes the list.
                on:pointerdown=move |event| {
                    event.prevent_default();
                    choose(value.clone());
                }
            >
                {text}
            </button>
        }
    };
    view! {
        <div class="select combobox">
            <input
                class="input"
                type="text"
                role="combobox"
                aria-label=move || format!("{label}: {}", chosen.get())
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-controls=list_id.clone()
                aria-autocomplete="list"
                aria-activedescendant=move || open.get().then(|| format!("{}-row-{}", row_id.get_value(), at.get()))
                data-testid=testid
                prop:value=typed
                placeholder=move || chosen.get()
                on:focus=move |_| {
                    typed.set(String::new());
                    at.set(0);
                    open.set(true);
                }
                on:blur=move |_| open.set(false)
                on:input:target=move |event| {
                    typed.set(event.target().value());
                    at.set(0);
                    open.set(true);
                }
                on:keydown=keys
            />
            <div class="select-list" role="listbox" id=list_id aria-label="Matches" hidden=move || !open.get()>
                {move || found.get().into_iter().enumerate().map(row).collect_view()}
                <Show when=move || found.with(Vec::is_empty)>
                    <p class="select-none">"Nothing has this in its name."</p>
                </Show>
            </div>
        </div>
    }
}

/// Those that begin with it first.
fn matching(options: &[String], wanted: &str) -> Vec<String> {
    let begins = options.iter().filter(|option| option.to_lowercase().starts_with(wanted));
    let holds = options.iter().filter(|option| {
        let option = option.to_lowercase();
        option.contains(wanted) && !option.starts_with(wanted)
    });
    begins.chain(holds).take(SHOWN).cloned().collect()
}
