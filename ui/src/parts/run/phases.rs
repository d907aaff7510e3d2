//! The phases of a result as a waterfall, each bar beginning where the one before ended.

use chart::format::{bytes, duration_ms};
use contract::{Phase, PhaseName};
use leptos::prelude::*;

#[component]
pub fn Phases(phases: Vec<Phase>) -> impl IntoView {
    // Warming up and measuring last as long as they are given; on the same scale they would hide all others.
    let scale: f64 = phases.iter().filter(|phase| is_found(phase.name)).map(|phase| phase.ms).sum::<f64>().max(1e-9);
    let mut clock = 0.0;
    let rows = phases
        .into_iter()
        .map(|phase| {
            let (left, width) = (clock / scale * 100.0, phase.ms / scale * 100.0);
            let found = is_found(phase.name);
            if found {
                clock += phase.ms;
            }
            view! { <Row phase bar=found.then_some((left, width)) /> }
        })
        .collect_view();
    view! {
        <section class="drawer-section">
            <h3>"Phases"</h3>
            <div class="waterfall" role="table" aria-label="Phases">{rows}</div>
        </section>
    }
}

fn is_found(phase: PhaseName) -> bool {
    !matches!(phase, PhaseName::WarmUp | PhaseName::Warm | PhaseName::Sustained)
}

#[component]
fn Row(phase: Phase, bar: Option<(f64, f64)>) -> impl IntoView {
    let title = phase.peak_bytes.map(|peak| format!("Memory by the end: {}", bytes(peak)));
    view! {
        <div class="waterfall-row" role="row" title=title>
            <span role="rowheader">{phase.name.label()}</span>
            <span class="waterfall-track" role="presentation">
                {match bar {
                    Some((left, width)) => view! {
                        <i style=format!("left:{left:.2}%;width:max(2px,{width:.2}%)")></i>
                    }.into_any(),
                    None => view! { <span class="quiet">"as long as it is given"</span> }.into_any(),
                }}
            </span>
            <span class="number" role="cell">{duration_ms(phase.ms)}</span>
        </div>
    }
}
