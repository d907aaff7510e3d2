//! Where the work is: operators of the graph, with how often they stand in it.

use super::detail::Known;
use crate::parts::*;
use chart::format;
use contract::{ModelDescription, counted};
use leptos::prelude::*;

/// Kinds of operators drawn; the others are told as a number.
const SHOWN: usize = 8;

#[derive(Clone, PartialEq)]
struct Operator {
    name: String,
    count: u32,
    macs: u64,
}

#[component]
pub fn Operators(known: Known) -> impl IntoView {
    let all = Memo::new(move |_| known.description.with(|known| known.as_ref().map(operators).unwrap_or_default()));
    let most = Memo::new(move |_| all.with(|all| all.iter().map(|one| one.count).max().unwrap_or(1)));
    let total = Memo::new(move |_| all.with(|all| all.iter().map(|one| one.macs).sum::<u64>()));
    let rest = move || {
        let rest =
            all.with(|all| all.iter().skip(SHOWN).map(|one| format!("{} {}", one.name, one.count)).collect::<Vec<_>>());
        (!rest.is_empty()).then(|| {
            view! {
                <details class="disclosure">
                    <summary><Icon name="right" size=14 />{counted(rest.len() as u64, "more kind")}</summary>
                    <p class="small selectable">{rest.join(", ")}</p>
                </details>
            }
        })
    };
    view! {
        <section class="panel" aria-labelledby="model-operators">
            <header class="panel-head">
                <h2 id="model-operators">"Operators"</h2>
                <span class="quiet small">{move || {
                    let count: u32 = all.with(|all| all.iter().map(|one| one.count).sum());
                    format!("{} in the graph", format::count(u64::from(count)))
                }}</span>
            </header>
            <ul class="operators" data-testid="operators">
                {move || {
                    all.get()
                        .into_iter()
                        .take(SHOWN)
                        .map(|one| view! { <Line one most=most.get() total=total.get() /> })
                        .collect_view()
                }}
            </ul>
            {rest}
        </section>
    }
}

#[component]
fn Line(one: Operator, most: u32, total: u64) -> impl IntoView {
    let work = match (one.macs, total) {
        (0, _) | (_, 0) => String::new(),
        (macs, total) => {
            format!("{} % of the work", format::significant((macs as f64 / total as f64 * 1000.0).round() / 10.0))
        }
    };
    view! {
        <li>
            <span class="clip">{one.name}</span>
            <span class="operator-bar" aria-hidden="true">
                <i style=format!("width:{:.2}%", f64::from(one.count) / f64::from(most) * 100.0)></i>
            </span>
            <span class="number">{format::count(u64::from(one.count))}</span>
            <span class="quiet small">{work}</span>
        </li>
    }
}

/// Those with most work first, then the most frequent.
fn operators(described: &ModelDescription) -> Vec<Operator> {
    let mut all: Vec<Operator> = described
        .operators
        .iter()
        .map(|(name, count)| Operator {
            name: name.clone(),
            count: *count,
            macs: described.operator_macs.get(name).copied().unwrap_or(0),
        })
        .collect();
    all.sort_by_key(|one| std::cmp::Reverse((one.macs, one.count)));
    all
}
