//! One page of results as a table.

use crate::{
    parts::*,
    state::{App, Place},
    time,
};
use chart::format::{self, bytes, significant};
use contract::{Concern, Metric, Rate, RunId, RunOrder, RunRow};
use leptos::{ev, prelude::*};
use std::collections::HashMap;

#[component]
pub fn List(
    rows: Signal<Vec<RunRow>>,
    order: RwSignal<RunOrder>,
    chosen: RwSignal<Vec<RunRow>>,
    open: RwSignal<Option<RunRow>>,
    /// Why a result is being watched, by its id.
    concerned: Memo<HashMap<RunId, Concern>>,
) -> impl IntoView {
    let is_here = move |row: &RunRow| rows.with(|rows| rows.iter().any(|known| known.id == row.id));
    let all = Signal::derive(move || {
        chosen.with(|chosen| chosen.iter().filter(|row| is_here(row)).count()) == rows.with(Vec::len)
    });
    let choose_all = move |on: bool| {
        chosen.update(|chosen| {
            chosen.retain(|row| !untrack(|| is_here(row)));
            if on {
                chosen.extend(rows.get_untracked());
            }
        });
    };
    view! {
        <div class="table-frame">
            <table class="table results" data-testid="results">
                <thead>
                    <tr>
                        <th scope="col" class="results-check">
                            <Check checked=all on_change=choose_all testid="choose-all">
                                <span class="visually-hidden">"Choose all on this page"</span>
                            </Check>
                        </th>
                        <Sortable label="Model" order asks=(RunOrder::Model, RunOrder::Model) />
                        <th scope="col">"Engine and device"</th>
                        <th scope="col">"Precision"</th>
                        <th scope="col" class="number">"Batch"</th>
                        <th scope="col" class="number">"Size"</th>
                        <Sortable label="Median" order asks=(RunOrder::Fastest, RunOrder::Slowest) number=true />
                        <th scope="col" class="number">"Rate"</th>
                        <th scope="col" class="number" title="Cosine between the outputs and those of the same model in f32; 1 is the same">"Cosine to f32"</th>
                        <th scope="col" class="number">"Memory"</th>
                        <th scope="col">"Noise"</th>
                        <Sortable label="When" order asks=(RunOrder::Newest, RunOrder::Oldest) />
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || rows.get()
                        key=|row| (row.id.clone(), row.note.clone(), row.withheld.clone())
                        children=move |row| view! { <Row row chosen open concerned /> }
                    />
                </tbody>
            </table>
        </div>
    }
}

/// A head that orders by its column: the first way, then the second.
#[component]
fn Sortable(
    label: &'static str,
    order: RwSignal<RunOrder>,
    asks: (RunOrder, RunOrder),
    #[prop(optional)] number: bool,
) -> impl IntoView {
    let sorted = move || match order.get() {
        now if now == asks.0 => "ascending",
        now if now == asks.1 => "descending",
        _ => "none",
    };
    let press = move |_| order.update(|now| *now = if *now == asks.0 { asks.1 } else { asks.0 });
    view! {
        <th scope="col" class:number=number aria-sort=sorted>
            <button type="button" class="sort" on:click=press>{label}<Icon name="down" size=12 /></button>
        </th>
    }
}

#[component]
fn Row(
    row: RunRow,
    chosen: RwSignal<Vec<RunRow>>,
    open: RwSignal<Option<RunRow>>,
    concerned: Memo<HashMap<RunId, Concern>>,
) -> impl IntoView {
    let id = row.id.clone();
    let watched = id.clone();
    let concern = Memo::new(move |_| concerned.with(|concerned| concerned.get(&watched).cloned()));
    let is_chosen = Memo::new(move |_| chosen.with(|chosen| chosen.iter().any(|known| known.id == id)));
    let toggle = {
        let row = row.clone();
        move |on: bool| {
            chosen.update(|chosen| {
                chosen.retain(|known| known.id != row.id);
                if on {
                    chosen.push(row.clone());
                }
            });
        }
    };
    let show = {
        let row = row.clone();
        move || open.set(Some(row.clone()))
    };
    let on_row = show.clone();
    let choose_label = format!("Choose {}", row.model);
    let tokens = row.tokens_per_s.map(|value| Rate { value, unit: Metric::TokenRate.unit() });
    let rate = tokens.or(row.throughput_per_s.map(|samples| Rate::of(samples, row.per_sample)));
    view! {
        <tr
            class="can-open"
            aria-selected=move || is_chosen.get().to_string()
            data-testid="result-row"
            on:dblclick=move |_: ev::MouseEvent| on_row()
        >
            <td class="results-check">
                <Check checked=is_chosen on_change=toggle testid="choose">
                    <span class="visually-hidden">{choose_label}</span>
                </Check>
            </td>
            <td>
                <button type="button" class="results-open" data-testid="open-result" on:click=move |_| show()>
                    <EvidenceMark evidence=row.evidence />
                    <span class="clip">{row.model.clone()}</span>
                </button>
                {move || concern.get().map(|concern| view! { <ConcernBadge concern /> })}
                {(!row.note.is_empty()).then(|| view! {
                    <span class="results-note clip" title=row.note.clone()><Icon name="note" size=12 />{row.note.clone()}</span>
                })}
            </td>
            {figures(&row)}
            <td class="number" data-testid="rate">{rate.map_or_else(dash, |rate| view! {
                {significant(rate.value)}<span class="unit">{rate.unit}</span>
            }.into_any())}</td>
            <td class="number">{row.cosine.map_or_else(dash, |cosine| view! {
                <span data-testid="cosine">{format::cosine(cosine)}</span>
            }.into_any())}</td>
            <td class="number">{row.peak_memory_bytes.map_or_else(dash, |peak| bytes(peak).into_any())}</td>
            <td>{row.noise.map_or_else(dash, |grade| view! { <Grade grade /> }.into_any())}</td>
            <td class="quiet small">{row.started_at.map(time::minute)}</td>
        </tr>
    }
}

/// A result on a level that is worse; leads to its series.
#[component]
fn ConcernBadge(concern: Concern) -> impl IntoView {
    let app = App::get();
    let Concern { series, change, at, .. } = concern;
    let show = move |_| {
        app.wanted_series.set(Some(series.clone()));
        app.go(Place::Watch);
    };
    view! {
        <button type="button" class="chip failed concern" data-testid="concern" title="Slower than before: see the series" on:click=show>
            <Icon name="watch" size=12 />
            {format!("{} since {}", signed(change), time::of_point(&at))}
        </button>
    }
}

fn dash() -> AnyView {
    view! { <span class="dash">"–"</span> }.into_any()
}

/// The cells from the engine to the median, which deleted results have as well.
pub fn figures(row: &RunRow) -> AnyView {
    let device = if row.device_name.is_empty() { row.platform.label().to_owned() } else { row.device_name.clone() };
    view! {
        <td>
            <span class="results-two">
                <span>{row.engine.label()}</span>
                <span class="quiet small clip" title=device.clone()>{device.clone()}</span>
            </span>
        </td>
        <td>{precision(row)}</td>
        <td class="number">{row.batch}</td>
        <td class="number">{size(row)}</td>
        <td class="number">{median(row)}</td>
    }
    .into_any()
}

/// The precision that was asked for, and what ran otherwise.
fn precision(row: &RunRow) -> AnyView {
    let otherwise = row.ran().split_once(", ").map(|(_, otherwise)| otherwise.to_owned());
    view! {
        <span class="results-two" data-testid="ran">
            <span>{row.precision.key()}</span>
            {otherwise.map(|otherwise| view! { <span class="quiet small">{otherwise}</span> })}
        </span>
    }
    .into_any()
}

/// In what people count, with the tokens that were generated and further dimensions.
fn size(row: &RunRow) -> AnyView {
    let further = row.fed().further().join(", ");
    view! {
        {row.size.map_or_else(dash, |size| match row.size_unit.map(|unit| unit.counted(size)) {
            Some((count, what)) => view! { {count}<span class="unit">{what}</span> }.into_any(),
            None => size.into_any(),
        })}
        {row.output_tokens.map(|tokens| view! {
            <span class="unit" title="Tokens generated after the prompt">{format!("+ {tokens}")}</span>
        })}
        {(!further.is_empty()).then(|| view! {
            <span class="results-further quiet small clip" title=further.clone()>{further.clone()}</span>
        })}
    }
    .into_any()
}

/// The median with its interval, or what went wrong.
fn median(row: &RunRow) -> AnyView {
    if let Some(failure) = row.failure {
        let message = row.message.clone();
        return view! { <span class="results-failed" title=message>{failure.label()}</span> }.into_any();
    }
    let Some(ms) = row.median_ms else { return dash() };
    let (value, unit) = format::scaled_ms(ms);
    let half = row.low_ms.zip(row.high_ms).and_then(|(low, high)| format::half_width(ms, low, high));
    let withheld = row.withheld.clone();
    view! {
        <span class="results-two" title=withheld.clone().map(|reason| format!("Not ranked: {reason}"))>
            <span class:faded=withheld.is_some()>{significant(value)}<span class="unit">{unit}</span></span>
            <span class="quiet small">
                {if withheld.is_some() { Some("not ranked".to_owned()) } else { half }}
            </span>
        </span>
    }
    .into_any()
}
