//! One of several, as the system's own list shows them.

use leptos::{html, prelude::*};

#[component]
pub fn Select<T>(
    /// Value, label and test id of each.
    #[prop(into)]
    options: Signal<Vec<(T, String, String)>>,
    #[prop(into)] chosen: Signal<Option<T>>,
    #[prop(into)] label: String,
    /// Shown while nothing of these is chosen.
    placeholder: &'static str,
    #[prop(into, optional)] testid: String,
    #[prop(into)] on_choose: Callback<T>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let list = NodeRef::<html::Select>::new();
    // What is not offered is not chosen.
    let place = move || {
        let chosen = chosen.get();
        options.with(|all| all.iter().position(|(value, ..)| chosen.as_ref() == Some(value)))
    };
    // Set as a whole: a list whose chosen option goes would show another by itself. The placeholder is the first of it.
    let show = move |place: Option<usize>| {
        if let Some(Some(list)) = list.try_get_untracked() {
            list.set_selected_index(place.map_or(0, |place| place as i32 + 1));
        }
    };
    Effect::new(move |_| {
        list.track();
        let place = place();
        // Once the options are drawn.
        queue_microtask(move || show(place));
    });
    let choose = move |index: String| {
        let picked = index.parse::<usize>().ok().and_then(|index| options.with(|all| all.get(index).cloned()));
        if let Some((value, ..)) = picked {
            on_choose.run(value);
        }
        // Picking does not choose everywhere.
        show(untrack(place));
    };
    view! {
        <select
            class="input"
            aria-label=label
            data-testid=(!testid.is_empty()).then_some(testid)
            node_ref=list
            on:change:target=move |event| choose(event.target().value())
        >
            <option value="" disabled hidden>{placeholder}</option>
            {move || {
                options
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(index, (_, label, testid))| {
                        view! { <option value=index.to_string() data-testid=testid>{label}</option> }
                    })
                    .collect_view()
            }}
        </select>
    }
}
