//! Deleted results, the newest deletion first, and the way back for each.

use super::{PAGE, list::figures};
use crate::{actions, load::load, parts::*, state::App, time};
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Deleted(
    /// Follows how many there are.
    total: RwSignal<u64>,
) -> impl IntoView {
    let app = App::get();
    let offset = RwSignal::new(0u64);
    let chosen = RwSignal::new(Vec::<RunId>::new());
    // Another filter begins at its first page.
    Effect::new(move |before: Option<()>| {
        app.filter.track();
        if before.is_some() {
            offset.set(0);
        }
    });
    let page = load(move || {
        app.results.track();
        Some(ListDeletedRuns { filter: app.filter.get(), offset: offset.get(), limit: PAGE })
    });
    Effect::new(move |_| total.set(page.value.with(|page| page.ready().map_or(0, |page| page.total))));
    view! {
        <Chosen chosen />
        <div class="results-stage">
            <Updating
                load=page
                rows=10
                ready=move |page| {
                    let empty = Memo::new(move |_| page.with(|page| page.total == 0));
                    let rows = Signal::derive(move || page.with(|page| page.rows.clone()));
                    move || match empty.get() {
                        true => view! { <Nothing /> }.into_any(),
                        false => view! { <List rows chosen /> }.into_any(),
                    }
                }
            />
        </div>
        <Pager rows="deleted results" first=offset all=total page=u64::from(PAGE) />
    }
}

/// What can be done with the chosen rows.
#[component]
fn Chosen(chosen: RwSignal<Vec<RunId>>) -> impl IntoView {
    let app = App::get();
    let many = Memo::new(move |_| chosen.with(Vec::len));
    let restore = move |_| {
        actions::restore_runs(app, chosen.get_untracked());
        chosen.set(Vec::new());
    };
    view! {
        <Show when=move || many.get() != 0>
            <div class="page-bar chosen-bar" role="toolbar" aria-label="Chosen results">
                <strong>{move || format!("{} chosen", many.get())}</strong>
                <Button kind=ButtonKind::Primary testid="restore" on_press=restore>"Restore"</Button>
                <Button kind=ButtonKind::Ghost on_press=move |_| chosen.set(Vec::new())>"Clear the choice"</Button>
            </div>
        </Show>
    }
}

#[component]
fn List(rows: Signal<Vec<DeletedRow>>, chosen: RwSignal<Vec<RunId>>) -> impl IntoView {
    let here = move || rows.with(|rows| rows.iter().map(|row| row.run.id.clone()).collect::<Vec<_>>());
    let all = Signal::derive(move || chosen.with(|chosen| here().iter().all(|id| chosen.contains(id))));
    let choose_all = move |on: bool| {
        let here = untrack(here);
        chosen.update(|chosen| {
            chosen.retain(|id| !here.contains(id));
            if on {
                chosen.extend(here);
            }
        });
    };
    view! {
        <div class="table-frame">
            <table class="table results" data-testid="deleted">
                <thead>
                    <tr>
                        <th scope="col" class="results-check">
                            <Check checked=all on_change=choose_all testid="choose-all-deleted">
                                <span class="visually-hidden">"Choose all on this page"</span>
                            </Check>
                        </th>
                        <th scope="col">"Model"</th>
                        <th scope="col">"Engine and device"</th>
                        <th scope="col">"Precision"</th>
                        <th scope="col" class="number">"Batch"</th>
                        <th scope="col" class="number">"Size"</th>
                        <th scope="col" class="number">"Median"</th>
                        <th scope="col">"Measured"</th>
                        <th scope="col">"Deleted"</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || rows.get()
                        key=|row| (row.run.id.clone(), row.deleted_at)
                        children=move |row| view! { <Row row chosen /> }
                    />
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(row: DeletedRow, chosen: RwSignal<Vec<RunId>>) -> impl IntoView {
    let DeletedRow { run, deleted_at } = row;
    let id = run.id.clone();
    let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.contains(&id)));
    let id = run.id.clone();
    let toggle = move |on: bool| {
        chosen.update(|chosen| {
            chosen.retain(|known| *known != id);
            if on {
                chosen.push(id.clone());
            }
        });
    };
    let choose_label = format!("Choose {}", run.model);
    view! {
        <tr aria-selected=move || is_chosen.get().to_string() data-testid="deleted-row">
            <td class="results-check">
                <Check checked=is_chosen on_change=toggle testid="choose-deleted">
                    <span class="visually-hidden">{choose_label}</span>
                </Check>
            </td>
            <td><span class="clip">{run.model.clone()}</span></td>
            {figures(&run)}
            <td class="quiet small">{run.started_at.map(time::minute)}</td>
            <td class="quiet small">{time::minute(deleted_at)}</td>
        </tr>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    let app = App::get();
    if app.filter.get_untracked() != Filter::default() {
        return view! {
            <Empty icon="filter" title="No deleted result matches" explain="No deleted result has everything that search and filter ask for.">
                <Button on_press=move |_| app.filter.set(Filter::default())>"Clear the filter"</Button>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty icon="trash" title="Nothing is deleted" explain="Results that are deleted stay here, and can be restored at any time." />
    }
    .into_any()
}
