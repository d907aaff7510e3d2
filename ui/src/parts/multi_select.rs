//! Any number of many; nothing chosen means all.

use super::{Icon, Popover};
use leptos::prelude::*;

#[component]
pub fn MultiSelect<T>(
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<(T, String)>>,
    #[prop(into)] chosen: Signal<Vec<T>>,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_choose: Callback<Vec<T>>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let open = RwSignal::new(false);
    let summary = move || {
        chosen.with(|chosen| match chosen.as_slice() {
            [] => "any".to_owned(),
            [one] => options.with(|options| {
                options.iter().find(|(value, _)| value == one).map_or_else(|| "1".into(), |(_, label)| label.clone())
            }),
            several => several.len().to_string(),
        })
    };
    let toggle = move |value: T| {
        let mut now = chosen.get_untracked();
        match now.iter().position(|one| *one == value) {
            Some(at) => drop(now.remove(at)),
            None => now.push(value),
        }
        on_choose.run(now);
    };
    let name = label.clone();
    // Nothing to choose between needs no control; a choice made earlier can still be taken back.
    let useful = Memo::new(move |_| options.with(Vec::len) > 1 || chosen.with(|chosen| !chosen.is_empty()));
    view! {
        <div hidden=move || !useful.get()>
        <Popover
            open
            label
            testid
            several=true
            active=Signal::derive(move || chosen.with(|chosen| !chosen.is_empty()))
            button=move || {
                view! { <span class="name">{name.clone()}</span><span class="clip">{summary}</span><Icon name="down" size=14 /> }
                    .into_any()
            }
        >
            {move || {
                options
                    .get()
                    .into_iter()
                    .map(|(value, text)| {
                        let mine = value.clone();
                        let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.contains(&mine)));
                        view! {
                            <button
                                type="button"
                                class="select-option"
                                role="option"
                                aria-selected=move || if is_chosen.get() { "true" } else { "false" }
                                on:click=move |_| toggle(value.clone())
                            >
                                <span class="tick">
                                    <Show when=move || is_chosen.get()><Icon name="check" size=14 /></Show>
                                </span>
                                {text}
                            </button>
                        }
                    })
                    .collect_view()
            }}
            <Show when=move || chosen.with(|chosen| !chosen.is_empty())>
                <div class="select-clear">
                    <button type="button" class="select-option quiet" on:click=move |_| {
                        open.set(false);
                        on_choose.run(Vec::new());
                    }>
                        <span class="tick"><Icon name="close" size=14 /></span>
                        "Any"
                    </button>
                </div>
            </Show>
        </Popover>
        </div>
    }
}
