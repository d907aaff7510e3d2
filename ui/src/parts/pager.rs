//! Where in a long table a page is, and the ways to the pages beside it.

use super::IconButton;
use chart::format::count;
use leptos::prelude::*;

/// Nothing where all rows fit on one page.
#[component]
pub fn Pager(
    /// What the rows are: "results".
    rows: &'static str,
    /// The first row of the page, from 0.
    first: RwSignal<u64>,
    #[prop(into)] all: Signal<u64>,
    /// Rows on a page.
    page: u64,
) -> impl IntoView {
    // What the last page held may be gone.
    Effect::new(move |_| {
        let all = all.get();
        if all > 0 && first.get() >= all {
            first.set((all - 1) / page * page);
        }
    });
    let shown = move || {
        let (first, all) = (first.get(), all.get());
        format!("{}–{} of {}", count(first + 1), count((first + page).min(all)), count(all))
    };
    view! {
        <Show when=move || { all.get() > page }>
            <nav class="pager" aria-label=format!("Pages of {rows}")>
                <IconButton
                    icon="left"
                    label="Previous page"
                    testid="page-back"
                    disabled=Signal::derive(move || first.get() == 0)
                    on_press=move |_| first.update(|first| *first = first.saturating_sub(page))
                />
                <span class="number">{shown}</span>
                <IconButton
                    icon="right"
                    label="Next page"
                    testid="page-next"
                    disabled=Signal::derive(move || first.get() + page >= all.get())
                    on_press=move |_| first.update(|first| *first += page)
                />
            </nav>
        </Show>
    }
}
