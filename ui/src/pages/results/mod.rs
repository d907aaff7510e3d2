//! Results: the history, a hundred at a time; look closer, note, compare, delete, import, export.

mod compare;
mod deleted;
mod detail;
mod list;

use crate::{
    actions,
    load::load,
    pages::filter_choices,
    parts::*,
    state::{App, Place},
};
use compare::CompareDialog;
use contract::*;
use deleted::Deleted;
use detail::ResultDrawer;
use leptos::prelude::*;
use list::List;
use std::collections::HashMap;

/// Rows asked for at a time.
const PAGE: u32 = 100;

#[component]
pub fn Results() -> impl IntoView {
    let app = App::get();
    let deleted = RwSignal::new(false);
    // Of the list that is shown.
    let total = RwSignal::new(0u64);
    let known = filter_choices(app);
    let show = move |which: bool| {
        // Pressed again, the list that is shown keeps its page and what is chosen.
        if which != deleted.get_untracked() {
            total.set(0);
            deleted.set(which);
        }
    };
    view! {
        <section class="page" data-testid="page-results">
            <header class="page-head">
                <div>
                    <h1>"Results"</h1>
                    <p class="lead">{move || told(deleted.get(), total.get())}</p>
                </div>
                <div class="page-tools">
                    <Button icon="import" testid="results-import" on_press=move |_| actions::import_table(app)>
                        "Import…"
                    </Button>
                    <Button icon="export" testid="results-export" on_press=move |_| app.export_open.set(true)>
                        "Export…"
                    </Button>
                </div>
            </header>
            <div class="page-bar">
                <Segmented
                    options=vec![
                        (false, "Results".into(), "results-kept".into()),
                        (true, "Deleted".into(), "results-deleted".into()),
                    ]
                    chosen=deleted
                    label="Which results"
                    on_choose=show
                />
                <FilterBar filter=app.filter choices=known />
            </div>
            {move || match deleted.get() {
                true => view! { <Deleted total /> }.into_any(),
                false => view! { <Kept total /> }.into_any(),
            }}
        </section>
    }
}

/// Those that are not deleted.
#[component]
fn Kept(
    /// Follows how many there are.
    total: RwSignal<u64>,
) -> impl IntoView {
    let app = App::get();
    let order = RwSignal::new(RunOrder::Newest);
    let offset = RwSignal::new(0u64);
    let chosen = RwSignal::new(Vec::<RunRow>::new());
    let open = RwSignal::new(None::<RunRow>);
    let comparing = RwSignal::new(false);
    // Another filter or order begins at its first page.
    Effect::new(move |before: Option<()>| {
        app.filter.track();
        order.track();
        if before.is_some() {
            offset.set(0);
        }
    });
    let page = load(move || {
        app.results.track();
        Some(ListRuns { filter: app.filter.get(), order: order.get(), offset: offset.get(), limit: PAGE })
    });
    let concerns = load(move || {
        app.results.track();
        app.marks.track();
        Some(GetConcerns {})
    });
    let concerned = Memo::new(move |_| {
        let of =
            |concerns: &Vec<Concern>| concerns.iter().map(|c| (c.run.clone(), c.clone())).collect::<HashMap<_, _>>();
        concerns.value.with(|concerns| concerns.ready().map(of).unwrap_or_default())
    });
    Effect::new(move |_| total.set(page.value.with(|page| page.ready().map_or(0, |page| page.total))));

    view! {
        <Chosen chosen comparing />
        <div class="results-stage">
            <Updating
                load=page
                rows=10
                ready=move |page| {
                    let empty = Memo::new(move |_| page.with(|page| page.total == 0));
                    let rows = Signal::derive(move || page.with(|page| page.rows.clone()));
                    move || match empty.get() {
                        true => view! { <Nothing /> }.into_any(),
                        false => view! { <List rows order chosen open concerned /> }.into_any(),
                    }
                }
            />
        </div>
        <Pager rows="results" first=offset all=total page=u64::from(PAGE) />
        {move || open.get().map(|row| view! { <ResultDrawer row on_close=move || open.set(None) /> })}
        <CompareDialog open=comparing chosen />
    }
}

fn told(deleted: bool, total: u64) -> String {
    match (deleted, total) {
        (false, 0) => "Everything that was measured or imported.".into(),
        (false, total) => format!("{}.", counted(total, "result")),
        (true, 0) => "What was deleted can be restored.".into(),
        (true, total) => format!("{}, the newest deletion first.", counted(total, "deleted result")),
    }
}

/// What can be done with the chosen rows.
#[component]
fn Chosen(chosen: RwSignal<Vec<RunRow>>, comparing: RwSignal<bool>) -> impl IntoView {
    let app = App::get();
    let many = Memo::new(move |_| chosen.with(Vec::len));
    let in_charts = move |_| {
        app.picked.set(chosen.get_untracked());
        app.go(Place::Charts);
    };
    let delete = move |_| {
        actions::delete_runs(app, chosen.with_untracked(|rows| rows.iter().map(|row| row.id.clone()).collect()));
        chosen.set(Vec::new());
    };
    view! {
        <Show when=move || many.get() != 0>
            <div class="page-bar chosen-bar" role="toolbar" aria-label="Chosen results">
                <strong>{move || format!("{} chosen", many.get())}</strong>
                <Button
                    icon="compare"
                    testid="compare"
                    disabled=Signal::derive(move || !(2..=6).contains(&many.get()))
                    title="Two to six results side by side"
                    on_press=move |_| comparing.set(true)
                >
                    "Compare"
                </Button>
                <Button icon="charts" testid="chart-chosen" on_press=in_charts>"Show in charts"</Button>
                <Button kind=ButtonKind::Danger icon="trash" testid="delete" on_press=delete>"Delete"</Button>
                <Button kind=ButtonKind::Ghost on_press=move |_| chosen.set(Vec::new())>"Clear the choice"</Button>
            </div>
        </Show>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let app = App::get();
    if app.filter.get_untracked() != Filter::default() {
        return view! {
            <Empty icon="filter" title="No result matches" explain="No result has everything that search and filter ask for.">
                <Button on_press=move |_| app.filter.set(Filter::default())>"Clear the filter"</Button>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="results"
            title="No results yet"
            explain="Every measurement is kept here with all its samples, failed ones too. Results of others can be imported as a table."
        >
            <Button kind=ButtonKind::Primary large=true icon="launch" on_press=move |_| app.go(Place::Launch)>
                "Measure a first model"
            </Button>
            <Button large=true icon="import" on_press=move |_| actions::import_table(app)>"Import…"</Button>
        </Empty>
    }
    .into_any()
}
