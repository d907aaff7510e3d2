//! One of several, as the system's own list shows them.

use leptos::prelude::*;

#[component]
pub fn Select<T>(
    /// Value, label and test id of each.
    #[prop(into)]
    options: Signal<Vec<(T, String, String)>>,
    #[prop(into)] chosen: Signal<Option<T>>,
    #[prop(into)] label: String,
    /// Shown while nothing is chosen.
    placeholder: &'static str,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_choose: Callback<T>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let choose = move |index: String| {
        let chosen = index.parse::<usize>().ok().and_then(|index| options.with(|all| all.get(index).cloned()));
        if let Some((value, ..)) = chosen {
            on_choose.run(value);
        }
    };
    view! {
        <select
            class="input"
            aria-label=label
            data-testid=(!testid.is_empty()).then_some(testid)
            on:change:target=move |event| choose(event.target().value())
        >
            <option value="" disabled hidden selected=move || chosen.with(Option::is_none)>{placeholder}</option>
            {move || {
                let chosen = chosen.get();
                options
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(index, (value, label, testid))| {
                        let is_chosen = chosen.as_ref() == Some(&value);
                        view! { <option value=index.to_string() selected=is_chosen data-testid=testid>{label}</option> }
                    })
                    .collect_view()
            }}
        </select>
    }
}
