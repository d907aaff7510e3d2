//! What else keeps the limits, and what does not, each with its reason.

use super::words;
use crate::parts::*;
use chart::format::{count, significant};
use contract::{Candidate, RejectedSetting, RunId, chance_text};
use leptos::prelude::*;

/// Rows before the rest is asked for.
const SHOWN: usize = 10;

#[component]
pub fn Alternatives(alternatives: Vec<Candidate>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let all = alternatives.len();
    let whole = RwSignal::new(false);
    let priced = alternatives.iter().any(|candidate| candidate.cost_per_hour.is_some());
    let rows = move || {
        let shown = if whole.get() { all } else { SHOWN };
        alternatives.iter().take(shown).cloned().map(|candidate| view! { <Row candidate priced open /> }).collect_view()
    };
    view! {
        <section class="panel" aria-labelledby="others-title">
            <header class="panel-head">
                <h3 id="others-title">{format!("What else keeps the limits ({})", count(all as u64))}</h3>
            </header>
            <div class="table-frame">
                <table class="table results" data-testid="alternatives">
                    <thead>
                        <tr>
                            <th scope="col">"Setting"</th>
                            <th scope="col" class="number">"Time"</th>
                            <th scope="col" class="number">"Memory"</th>
                            {priced.then(|| view! { <th scope="col" class="number">"Cost of a million"</th> })}
                            <th scope="col" class="number">"Chance of being best"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <Show when=move || { all > SHOWN && !whole.get() }>
                <Button kind=ButtonKind::Ghost icon="down" testid="all-alternatives" on_press=move |_| whole.set(true)>
                    {format!("Show all {}", count(all as u64))}
                </Button>
            </Show>
        </section>
    }
}

#[component]
fn Row(candidate: Candidate, priced: bool, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let dash = || view! { <span class="dash">"–"</span> }.into_any();
    let hardware = candidate.setting.hardware.clone();
    let ms = candidate.latency_ms.value;
    let name = match candidate.runs.first().cloned() {
        Some(id) => view! {
            <button type="button" class="results-open" on:click=move |_| open.set(Some((id.clone(), ms)))>
                <span class="clip">{hardware}</span>
            </button>
        }
        .into_any(),
        None => view! { <strong class="clip">{hardware}</strong> }.into_any(),
    };
    let rests_on = capital(&candidate.support);
    view! {
        <tr class="reasoned">
            <td>
                <span class="results-two">
                    {name}
                    <span class="quiet small clip">{words::how(&candidate.setting)}</span>
                </span>
            </td>
            <td class="number"><words::TimeCell candidate=candidate.clone() /></td>
            <td class="number">{candidate.memory_mb.map_or_else(dash, |memory| view! {
                {significant(memory.value)}<span class="unit">"MB"</span>
            }.into_any())}</td>
            {priced.then(|| view! {
                <td class="number">{candidate.cost_per_million().map_or_else(dash, |cost| significant(cost).into_any())}</td>
            })}
            <td class="number">{chance_text(candidate.probability_best)}</td>
        </tr>
        <tr>
            <td class="reason small" colspan=if priced { 5 } else { 4 }>
                {capital(&candidate.why)}"."
                {(!rests_on.is_empty()).then(|| view! { <span class="quiet">" "{rests_on}"."</span> })}
            </td>
        </tr>
    }
}

/// Those out of the question, by reason.
#[component]
pub fn Rejected(rejected: Vec<RejectedSetting>) -> impl IntoView {
    let many = rejected.len();
    view! {
        <details class="disclosure panel" data-testid="rejected">
            <summary><Icon name="right" size=14 />{format!("Out of the question ({})", count(many as u64))}</summary>
            <ul class="rejected-list">
                {rejected
                    .into_iter()
                    .map(|no| view! {
                        <li><strong>{words::place(&no.setting)}</strong><span class="quiet">{capital(&no.why)}"."</span></li>
                    })
                    .collect_view()}
            </ul>
        </details>
    }
}
