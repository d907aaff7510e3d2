//! How settings and figures of a recommendation are told.

use crate::parts::{EvidenceMark, threads_text};
use chart::format::{self, significant};
use contract::{AdvisedSetting, Candidate, Interval};
use leptos::prelude::*;

/// `ONNX Runtime · f16, ran in f32 · 4 threads`.
pub fn how(setting: &AdvisedSetting) -> String {
    let mut words = vec![setting.engine.label(), setting.ran.clone()];
    words.extend(setting.devices.filter(|count| *count > 1).map(|count| format!("{count} devices")));
    words.extend(setting.threads.map(threads_text));
    words.retain(|word| !word.is_empty());
    words.join(" · ")
}

pub fn place(setting: &AdvisedSetting) -> String {
    format!("{} · {}", setting.hardware, how(setting))
}

/// `12.3 ms (11–14 ms)`; a figure without a spread has no brackets.
pub fn time(interval: Interval) -> String {
    let (_, unit) = format::scaled_ms(interval.value);
    let scale = format::scaled_ms(interval.value).0 / interval.value;
    let value = significant(interval.value * scale);
    match spread(interval, scale) {
        Some(spread) => format!("{value} {unit} ({spread})"),
        None => format!("{value} {unit}"),
    }
}

pub fn spread(interval: Interval, scale: f64) -> Option<String> {
    (interval.low < interval.high).then(|| format::interval(interval.low * scale, interval.high * scale))
}

pub fn memory(interval: Interval) -> String {
    let value = format::bytes((interval.value * 1e6) as u64);
    match spread(interval, 1.0) {
        Some(spread) => format!("{value} ({spread} MB)"),
        None => value,
    }
}

/// The time of a candidate in a table's cell, with its evidence.
#[component]
pub fn TimeCell(candidate: Candidate) -> impl IntoView {
    let (value, unit) = format::scaled_ms(candidate.latency_ms.value);
    let scale = value / candidate.latency_ms.value;
    view! {
        <span class="results-two">
            <span class="row time-cell">
                <EvidenceMark evidence=candidate.evidence />
                <span>{significant(value)}<span class="unit">{unit}</span></span>
            </span>
            <span class="quiet small">{spread(candidate.latency_ms, scale)}</span>
        </span>
    }
}

/// Said while an answer is on its way.
#[component]
pub fn Working(busy: RwSignal<bool>) -> impl IntoView {
    view! {
        <p class="working small quiet" role="status">
            {move || busy.get().then_some("Working it out from all results… The first time takes longest.")}
        </p>
    }
}
