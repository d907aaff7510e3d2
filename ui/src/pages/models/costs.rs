//! What the model costs: its size, its work, the memory it needs here, and where the work is.

use super::{detail::Known, memory::Memory, operators::Operators};
use crate::parts::Loading;
use chart::format;
use contract::ModelDescription;
use leptos::prelude::*;

#[component]
pub fn Costs(known: Known) -> impl IntoView {
    let there = Memo::new(move |_| known.description.with(Option::is_some));
    view! {
        <Show when=move || there.get() fallback=move || view! { <Nothing known /> }>
            <div class="model-costs" class:faded=move || is_stale(&known)>
                <Headline known />
                <Mixture known />
                <Memory known />
                <Operators known />
            </div>
        </Show>
    }
}

#[component]
fn Nothing(known: Known) -> impl IntoView {
    move || {
        // None of it will appear; what is known of the type stands in its place.
        if known.is_unbuilt() {
            return ().into_any();
        }
        let refused = known.reading.with(|reading| reading.as_ref().is_some_and(|reading| reading.problem.is_some()));
        let text = super::ModelDraft::get().text.with(|text| text.trim().is_empty());
        match (refused, text) {
            (false, false) => view! { <Loading rows=5 /> }.into_any(),
            _ => view! {
                <section class="panel">
                    <p class="quiet">"Its size, its work and the memory it needs appear here as soon as the configuration makes sense."</p>
                </section>
            }
            .into_any(),
        }
    }
}

/// What is shown is of the last configuration that made sense.
fn is_stale(known: &Known) -> bool {
    known.reading.with(|reading| reading.as_ref().is_some_and(|reading| reading.description.is_none()))
}

#[component]
fn Headline(known: Known) -> impl IntoView {
    let figure = move |of: fn(&ModelDescription) -> Option<u64>| {
        let now = Memo::new(move |_| known.description.with(|known| known.as_ref().and_then(of)));
        let before = Memo::new(move |_| known.before.with(|known| known.as_ref().and_then(of)));
        (now, before)
    };
    let writes = Memo::new(move |_| known.writes());
    view! {
        <section class="panel model-figures" aria-label="Size and work">
            <Number label="Parameters" testid="cost-parameters" figure=figure(|known| known.parameters) />
            <Number label="Multiply-accumulates, one call" testid="cost-macs" figure=figure(|known| known.macs) />
            <Show when=move || writes.get()>
                <Number
                    label="… of the prompt"
                    testid="cost-prefill"
                    figure=figure(|known| known.generation.as_ref()?.prefill_macs)
                />
                <Number
                    label="… of the next token"
                    testid="cost-decode"
                    figure=figure(|known| known.generation.as_ref()?.decode_macs)
                />
            </Show>
        </section>
    }
}

/// What costs stand for where each token goes through a few of many experts.
#[component]
fn Mixture(known: Known) -> impl IntoView {
    let experts = Memo::new(move |_| known.description.with(|known| known.as_ref()?.experts));
    move || {
        experts.get().map(|experts| {
            view! { <p class="quiet small" data-testid="cost-experts">{experts.told()}"."</p> }
        })
    }
}

/// A figure, and how it stands to that of the model as it was opened.
#[component]
fn Number(label: &'static str, testid: &'static str, figure: (Memo<Option<u64>>, Memo<Option<u64>>)) -> impl IntoView {
    let (now, before) = figure;
    let change = move || {
        let (now, before) = (now.get()?, before.get()?);
        let ratio = now as f64 / before as f64;
        (now != before && before > 0).then(|| format!("{}× of {}", format::significant(ratio), format::amount(before)))
    };
    view! {
        <div class="model-figure">
            <span class="quiet small">{label}</span>
            <strong data-testid=testid title=move || now.get().map(format::count)>
                {move || now.get().map_or_else(|| "not known".to_owned(), format::amount)}
            </strong>
            <span class="quiet small">{change}</span>
        </div>
    }
}
