//! One of several, under a button.

use super::{Icon, Popover};
use leptos::prelude::*;

#[component]
pub fn Choose<T>(
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<(T, String)>>,
    #[prop(into)] chosen: Signal<T>,
    #[prop(into)] testid: String,
    #[prop(into)] on_choose: Callback<T>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let open = RwSignal::new(false);
    let shown = move || {
        let chosen = chosen.get();
        options.with(|options| options.iter().find(|(value, _)| *value == chosen).map(|(_, text)| text.clone()))
    };
    let name = label.clone();
    let id = StoredValue::new(testid.clone());
    view! {
        <Popover
            open
            label
            testid
            button=move || {
                view! { <span class="name">{name.clone()}</span><span class="clip">{shown}</span><Icon name="down" size=14 /> }
                    .into_any()
            }
        >
            {move || {
                let option = |(at, (value, text)): (usize, (T, String))| {
                    let is_chosen = chosen.with(|chosen| *chosen == value);
                    view! {
                        <button
                            type="button"
                            class="select-option"
                            role="option"
                            aria-selected=if is_chosen { "true" } else { "false" }
                            data-testid=format!("{}-{at}", id.get_value())
                            on:click=move |_| {
                                open.set(false);
                                on_choose.run(value.clone());
                            }
                        >
                            <span class="tick">{is_chosen.then(|| view! { <Icon name="check" size=14 /> })}</span>
                            {text}
                        </button>
                    }
                };
                options.get().into_iter().enumerate().map(option).collect_view()
            }}
        </Popover>
    }
}
