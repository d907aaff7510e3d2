//! The filter that matrix, charts and results share.

use super::{Button, ButtonKind, MultiSelect, SearchInput};
use contract::{Filter, FilterChoices};
use leptos::prelude::*;

/// Chooses what is shown. A choice with nothing to choose between is left out.
#[component]
pub fn FilterBar(filter: RwSignal<Filter>, #[prop(into)] choices: Signal<FilterChoices>) -> impl IntoView {
    let changed = Memo::new(move |_| filter.with(|filter| *filter != Filter::default()));
    view! {
        <SearchInput
            value=Signal::derive(move || filter.with(|filter| filter.search.clone()))
            label="Search"
            testid="filter-search"
            on_search=move |words| filter.update(|filter| filter.search = words)
        />
        <MultiSelect
            label="Family"
            testid="filter-family"
            options=Signal::derive(move || choices.with(|choices| same(&choices.families)))
            chosen=Signal::derive(move || filter.with(|filter| filter.families.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.families = chosen)
        />
        <MultiSelect
            label="Engine"
            testid="filter-engine"
            options=Signal::derive(move || choices.with(|choices| {
                choices.engines.iter().map(|engine| (engine.clone(), engine.label())).collect::<Vec<_>>()
            }))
            chosen=Signal::derive(move || filter.with(|filter| filter.engines.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.engines = chosen)
        />
        <MultiSelect
            label="Precision"
            testid="filter-precision"
            options=Signal::derive(move || choices.with(|choices| same(&choices.precisions)))
            chosen=Signal::derive(move || filter.with(|filter| filter.precisions.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.precisions = chosen)
        />
        <MultiSelect
            label="Batch"
            testid="filter-batch"
            options=Signal::derive(move || choices.with(|choices| same(&choices.batches)))
            chosen=Signal::derive(move || filter.with(|filter| filter.batches.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.batches = chosen)
        />
        <MultiSelect
            label="Size"
            testid="filter-size"
            options=Signal::derive(move || choices.with(|choices| same(&choices.sizes)))
            chosen=Signal::derive(move || filter.with(|filter| filter.sizes.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.sizes = chosen)
        />
        <MultiSelect
            label="Mode"
            testid="filter-mode"
            options=Signal::derive(move || choices.with(|choices| same(&choices.modes)))
            chosen=Signal::derive(move || filter.with(|filter| filter.modes.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.modes = chosen)
        />
        <MultiSelect
            label="Evidence"
            testid="filter-evidence"
            options=Signal::derive(move || choices.with(|choices| same(&choices.evidence)))
            chosen=Signal::derive(move || filter.with(|filter| filter.evidence.clone()))
            on_choose=move |chosen| filter.update(|filter| filter.evidence = chosen)
        />
        <Show when=move || changed.get()>
            <Button
                kind=ButtonKind::Ghost
                icon="close"
                testid="filter-clear"
                on_press=move |_| filter.set(Filter::default())
            >
                "Clear"
            </Button>
        </Show>
    }
}

fn same<T: Clone + std::fmt::Display>(values: &[T]) -> Vec<(T, String)> {
    values.iter().map(|value| (value.clone(), value.to_string())).collect()
}
