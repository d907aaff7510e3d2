//! One of many, in a list that opens.

use super::{Icon, Popover};
use leptos::prelude::*;

#[component]
pub fn Choice<T>(
    #[prop(into)] label: String,
    #[prop(into)] options: Signal<Vec<(T, String)>>,
    #[prop(into)] chosen: Signal<T>,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_choose: Callback<T>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let open = RwSignal::new(false);
    let shown = move || {
        let chosen = chosen.get();
        options.with(|options| options.iter().find(|(value, _)| *value == chosen).map(|(_, label)| label.clone()))
    };
    let name = label.clone();
    view! {
        <Popover
            open
            label=label
            testid
            button=move || {
                view! { <span class="name">{name.clone()}</span><span class="clip">{shown}</span><Icon name="down" size=14 /> }
                    .into_any()
            }
        >
            {move || {
                options
                    .get()
                    .into_iter()
                    .map(|(value, text)| {
                        let is_chosen = chosen.get() == value;
                        view! {
                            <button
                                type="button"
                                class="select-option"
                                role="option"
                                aria-selected=if is_chosen { "true" } else { "false" }
                                on:click=move |_| {
                                    open.set(false);
                                    on_choose.run(value.clone());
                                }
                            >
                                <span class="tick">{is_chosen.then(|| view! { <Icon name="check" size=14 /> })}</span>
                                {text}
                            </button>
                        }
                    })
                    .collect_view()
            }}
        </Popover>
    }
}
