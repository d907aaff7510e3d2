//! Comparisons that are kept, newest first.

use super::draft::{CompareDraft, View};
use crate::{load::Load, parts::*, time};
use contract::{ComparisonRow, PairedRatio};
use leptos::prelude::*;

#[component]
pub fn Earlier(earlier: Load<Vec<ComparisonRow>>) -> impl IntoView {
    view! { <WhenLoaded load=earlier rows=2 ready=|rows| view! { <Rows rows /> } /> }
}

/// Nothing where there are none: the page above says what to do.
#[component]
fn Rows(rows: Vec<ComparisonRow>) -> impl IntoView {
    (!rows.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="earlier-title">
                <header class="panel-head"><h2 id="earlier-title">"Earlier comparisons"</h2></header>
                <ul class="versus-earlier" data-testid="compare-earlier">
                    {rows.into_iter().map(|row| view! { <Row row /> }).collect_view()}
                </ul>
            </section>
        }
    })
}

#[component]
fn Row(row: ComparisonRow) -> impl IntoView {
    let draft = CompareDraft::get();
    let id = row.id.clone();
    let open = move |_| {
        draft.opened.set(Some(id.clone()));
        draft.view.set(View::Result);
    };
    let told = row.result.as_ref().map(|result: &PairedRatio| result.sentence(&row.rules));
    view! {
        <li>
            <button type="button" class="versus-row" on:click=open>
                <span class="versus-row-told">{told.unwrap_or_else(|| "A side could not be measured".into())}</span>
                <span class="small quiet">{format!("A {}", row.a)}</span>
                <span class="small quiet">{format!("B {}", row.b)}</span>
                <span class="small quiet">{time::minute(row.started_at)}</span>
            </button>
        </li>
    }
}
