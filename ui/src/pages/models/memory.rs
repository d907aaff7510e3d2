//! What the model needs in each precision, drawn against the memory that is free here.

use super::{ModelDraft, detail::Known};
use crate::parts::*;
use chart::format::bytes;
use contract::{ConfigReading, CostPhase, FittingLayers, LOADED_TWICE, PhaseMemory, Precision, PrecisionMemory};
use leptos::prelude::*;

#[component]
pub fn Memory(known: Known) -> impl IntoView {
    let rows = Memo::new(move |_| {
        known.description.with(|known| known.as_ref().map(|known| known.memory.clone()).unwrap_or_default())
    });
    let available =
        Memo::new(move |_| known.reading.with(|reading| reading.as_ref().map_or(0, |r| r.available_memory_bytes)));
    let writes = Memo::new(move |_| rows.with(|rows| rows.iter().any(writes)));
    let scale = Memo::new(move |_| {
        let most = rows.with(|rows| rows.iter().map(PrecisionMemory::most_bytes).max().unwrap_or(0));
        // A small model is drawn at its own scale; the mark of what is free stands at the edge then.
        most.max(available.get().min(most.saturating_mul(4))).max(1)
    });
    view! {
        <section class="panel" aria-labelledby="model-memory">
            <header class="panel-head">
                <h2 id="model-memory">"Memory"</h2>
                <span class="quiet small">{move || format!("{} free for a measurement", bytes(available.get()))}</span>
            </header>
            <Fit known />
            <table class="table memory-table" data-testid="memory">
                <thead>
                    <tr>
                        <th scope="col">"Precision"</th>
                        <th scope="col">"While"</th>
                        <th scope="col" class="number">"Weights"</th>
                        <th scope="col" class="number">"Results"</th>
                        <th scope="col" class="number">"Cache"</th>
                        <th scope="col" class="number">"In all"</th>
                        <th scope="col" class="memory-bars"><span class="visually-hidden">"Drawn"</span></th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        rows.get()
                            .into_iter()
                            .flat_map(|PrecisionMemory { precision, phases, .. }| {
                                phases.into_iter().enumerate().map(move |(at, phase)| (precision, at, phase))
                            })
                            .map(|(precision, at, phase)| view! { <Row precision first=at == 0 phase available=available.get() scale=scale.get() /> })
                            .collect_view()
                    }}
                </tbody>
            </table>
            <p class="quiet small">"The least that is needed: engines add buffers of their own. Results are the numbers between the layers, the cache is what is kept of the text for the next token."</p>
            <Show when=move || writes.get()>
                <p class="quiet small" data-testid="memory-twice">{format!("{LOADED_TWICE}. Writing text needs both at the same time.")}</p>
            </Show>
        </section>
    }
}

#[component]
fn Row(precision: Precision, first: bool, phase: PhaseMemory, available: u64, scale: u64) -> impl IntoView {
    let too_big = phase.total_bytes > available;
    let share = move |part: u64| format!("width:{:.2}%", part as f64 / scale as f64 * 100.0);
    let cache = match phase.cache_bytes {
        0 => "–".to_owned(),
        kept => bytes(kept),
    };
    let testid = format!("memory-{}-{}", precision.key(), word(phase.phase).replace(' ', "-"));
    view! {
        <tr data-testid=testid>
            <th scope="row">{first.then(|| precision.label())}</th>
            <td>{word(phase.phase)}</td>
            <td class="number">{bytes(phase.weight_bytes())}</td>
            <td class="number">{bytes(phase.activation_bytes)}</td>
            <td class="number">{cache}</td>
            <td class="number" class:caution=too_big>{bytes(phase.total_bytes)}</td>
            <td class="memory-bars">
                <div class="memory-bar" class:too-big=too_big aria-hidden="true">
                    <i class="weights" style=share(phase.weight_bytes())></i>
                    <i class="cache" style=share(phase.cache_bytes)></i>
                    <i class="results" style=share(phase.activation_bytes)></i>
                    {(available < scale).then(|| view! { <b style=format!("left:{:.2}%", available as f64 / scale as f64 * 100.0)></b> })}
                </div>
            </td>
        </tr>
    }
}

fn word(phase: CostPhase) -> &'static str {
    match phase {
        CostPhase::Run => "one call",
        CostPhase::Prefill => "reading the prompt",
        CostPhase::Decode => "next token",
        CostPhase::Generation => "writing text",
    }
}

fn writes(memory: &PrecisionMemory) -> bool {
    memory.phase_bytes(CostPhase::Generation).is_some()
}

/// Whether it fits here, and the nearest choice that does.
#[component]
fn Fit(known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    let layers =
        Memo::new(move |_| known.reading.with(|reading| reading.as_ref().and_then(|r| r.fitting_layers.clone())));
    let verdict = Memo::new(move |_| known.reading.with(|reading| reading.as_ref().and_then(verdict)));
    view! {
        {move || verdict.get().map(|(fits, sentence)| view! {
            <p class="fit" class:caution=!fits data-testid="fit">
                <Icon name=if fits { "check" } else { "warning" } />
                <span>{sentence}</span>
            </p>
        })}
        {move || layers.get().map(|FittingLayers { keys, named }| view! {
            <Button
                small=true
                testid="use-layers"
                on_press=move |_| keys.iter().for_each(|(key, layers)| draft.change(key, Some(*layers)))
            >
                {format!("Use {named}")}
            </Button>
        })}
    }
}

fn verdict(reading: &ConfigReading) -> Option<(bool, String)> {
    let memory = &reading.description.as_ref()?.memory;
    let first = memory.first()?;
    let (free, precision) = (reading.available_memory_bytes, first.precision);
    if first.most_bytes() <= free {
        return Some((true, format!("Fits into this machine's memory in {precision}.")));
    }
    let needed = bytes(first.most_bytes());
    let one_call = first.phase_bytes(CostPhase::Run).is_some_and(|call| call <= free);
    let needs = if one_call && writes(first) {
        let call = format!("One call fits into this machine's memory in {precision}.");
        format!("{call} Writing text does not: {needed} are needed. {LOADED_TWICE}.")
    } else {
        format!("Does not fit in {precision}: {needed} are needed.")
    };
    // int8 static is calibrated in f32. Of two that need as much the first is the usual one.
    let fits = |memory: &&PrecisionMemory| memory.precision != Precision::Int8Static && memory.most_bytes() <= free;
    let other = memory.iter().rev().filter(fits).max_by_key(|memory| memory.most_bytes());
    let nearest = match (other, &reading.fitting_layers) {
        (Some(memory), Some(fit)) => {
            format!("It fits in {}, or with {}.", memory.precision, fit.named)
        }
        (Some(memory), None) => format!("It fits in {}.", memory.precision),
        (None, Some(fit)) => format!("It would fit with {}.", fit.named),
        (None, None) => "Shorter inputs, a smaller batch or a narrower model would need less.".to_owned(),
    };
    Some((false, format!("{needs} {nearest}")))
}
