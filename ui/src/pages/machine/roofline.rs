//! The roofline of one device: what it can reach at each arithmetic intensity (Williams, Waterman, Patterson 2009).

use super::peaks::name;
use chart::format;
use contract::{Peak, PeakKind, Precision};
use leptos::prelude::*;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 62.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 10.0;

/// Operations per byte drawn, as powers of ten.
const FROM: f64 = -1.0;
const TO: f64 = 4.0;

#[component]
pub fn Roofline(peaks: Vec<Peak>) -> impl IntoView {
    let bandwidth =
        peaks.iter().filter(|peak| peak.kind == PeakKind::MemoryBandwidth).map(|peak| peak.best).fold(0.0, f64::max);
    let rates: Vec<Peak> = peaks.into_iter().filter(|peak| peak.kind == PeakKind::MatrixRate).collect();
    let highest = rates.iter().map(|peak| peak.best).fold(0.0, f64::max);
    if bandwidth <= 0.0 || highest <= 0.0 {
        return view! { <p class="quiet small">"A roofline needs both the memory bandwidth and a matrix rate of this device."</p> }.into_any();
    }
    let top = highest.log10().ceil();
    let bottom = (bandwidth * 10f64.powf(FROM)).log10().floor();
    let x = move |intensity: f64| LEFT + (intensity.log10() - FROM) / (TO - FROM) * (WIDTH - LEFT - RIGHT);
    let y = move |rate: f64| TOP + (top - rate.log10()) / (top - bottom) * (HEIGHT - TOP - BOTTOM);
    let mut precisions: Vec<Option<Precision>> = Vec::new();
    for peak in &rates {
        if !precisions.contains(&peak.precision) {
            precisions.push(peak.precision);
        }
    }
    // A colour for each precision; the roof of one thread is dashed beside that of all.
    let look = |peak: &Peak| {
        let colour = precisions.iter().position(|known| *known == peak.precision).unwrap_or_default() % 6;
        format!("roof roof-{colour}{}", if peak.threads == Some(1) { " roof-one" } else { "" })
    };
    let roofs = rates
        .iter()
        .map(|peak| {
            let knee = peak.best / bandwidth;
            let start = 10f64.powf(FROM);
            let path = format!(
                "M{:.1} {:.1}L{:.1} {:.1}H{:.1}",
                x(start), y(bandwidth * start), x(knee), y(peak.best), WIDTH - RIGHT
            );
            view! {
                <path class=look(peak) d=path />
                <text class="roof-name" x=WIDTH - RIGHT - 4.0 y=y(peak.best) - 5.0 text-anchor="end">{short(peak)}</text>
            }
        })
        .collect_view();
    let columns = (FROM as i32..=TO as i32).map(|power| {
        let at = x(10f64.powi(power));
        view! {
            <line class="grid" x1=at x2=at y1=TOP y2=HEIGHT - BOTTOM />
            <text x=at y=HEIGHT - BOTTOM + 14.0 text-anchor="middle">{format::significant(10f64.powi(power))}</text>
        }
    });
    let rows = (bottom as i32..=top as i32).map(|power| {
        let at = y(10f64.powi(power));
        view! {
            <line class="grid" x1=LEFT x2=WIDTH - RIGHT y1=at y2=at />
            <text x=LEFT - 6.0 y=at + 4.0 text-anchor="end">{format::rate(10f64.powi(power))}</text>
        }
    });
    let spoken =
        rates.iter().map(|peak| format!("{} {}", name(peak), format::rate(peak.best))).collect::<Vec<_>>().join("; ");
    view! {
        <svg
            class="roofline"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            role="img"
            aria-label=format!("Roofline: memory bandwidth {}; {spoken}", format::bandwidth(bandwidth))
        >
            {columns.collect_view()}
            {rows.collect_view()}
            {roofs}
            <text x=(LEFT + WIDTH - RIGHT) / 2.0 y=HEIGHT - 4.0 text-anchor="middle">"operations for each byte read or written"</text>
        </svg>
    }
    .into_any()
}

fn short(peak: &Peak) -> String {
    let precision = peak.precision.map(|precision| precision.label()).unwrap_or_default();
    match peak.threads {
        Some(1) => format!("{precision}, 1 thread"),
        _ => precision.to_owned(),
    }
}
