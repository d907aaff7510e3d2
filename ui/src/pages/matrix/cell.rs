//! One cell: the figure with its evidence, a failure, a quiet dash, or an invitation.

use super::drawer::CellAt;
use crate::{
    actions,
    parts::{TipLayer, TipText, evidence_class, fed_text},
    state::App,
};
use chart::format;
use contract::*;
use leptos::prelude::*;

/// How the head of a column reads.
pub struct Column {
    pub platform: String,
    pub device: String,
    pub class: &'static str,
    pub told: String,
}

pub fn column_of(column: &MatrixColumn) -> Column {
    let platform = column.platform.label().to_owned();
    match &column.availability {
        Availability::Ready => {
            let told = format!("{platform}: {}", column.label);
            Column { platform, device: column.label.clone(), class: "number", told }
        }
        // Another machine's device: known from imported results, so its figures are as wide as any.
        Availability::Missing { reason, .. } if column.device.is_some() => {
            Column { platform, device: column.label.clone(), class: "number elsewhere", told: format!("{reason}.") }
        }
        Availability::Missing { reason, remedy } => {
            let told = format!("{platform}: {reason}. {remedy}");
            Column { platform, device: String::new(), class: "number absent", told }
        }
    }
}

/// The best figure of a row, which the bars of the others are drawn against.
#[derive(Clone, Copy, PartialEq)]
pub struct Best(Option<f64>);

impl Best {
    pub fn of(metric: Metric, cells: &[MatrixCell]) -> Self {
        let values = cells.iter().filter_map(|cell| match cell {
            MatrixCell::Figure { value, .. } => Some(*value),
            _ => None,
        });
        Self(if metric.smaller_is_better() { values.reduce(f64::min) } else { values.reduce(f64::max) })
    }

    /// Left and width of a cell's bar in percent. Speed-ups grow from 1× in the middle, a doubling each fifth.
    fn bar(self, metric: Metric, value: f64) -> (f64, f64) {
        let Some(best) = self.0.filter(|best| *best > 0.0 && value > 0.0) else { return (0.0, 0.0) };
        match metric {
            Metric::Speedup => {
                let reach = (value.log2() * 12.5).clamp(-50.0, 50.0);
                (50.0 + reach.min(0.0), reach.abs().max(1.0))
            }
            metric if metric.smaller_is_better() => (0.0, best / value * 100.0),
            _ => (0.0, value / best * 100.0),
        }
    }
}

#[component]
pub fn Cell(at: CellAt, metric: Metric, best: Best, open: RwSignal<Option<CellAt>>) -> impl IntoView {
    let app = App::get();
    let tips = TipLayer::get();
    let tip = at.clone();
    let text = move || told(&tip, metric);
    let on_focus = text.clone();
    let label = spoken(&at, metric);
    let testid = format!("cell-{}-{}", at.model, at.column.platform.key());
    let is_open = Memo::new({
        let at = at.clone();
        move |_| {
            open.with(|open| open.as_ref().is_some_and(|known| known.model == at.model && known.column == at.column))
        }
    });
    let predicted = matches!(at.cell, MatrixCell::Predicted { .. });
    let inner = inner(&at.cell, metric, best);
    let press = move |_| {
        tips.hide();
        match &at.cell {
            MatrixCell::Open => actions::measure_model(app, at.model.clone()),
            _ => open.set(Some(at.clone())),
        }
    };
    view! {
        <td>
            <button
                type="button"
                class="cell"
                class:chosen=is_open
                class:hatched=predicted
                aria-label=label
                data-testid=testid
                on:click=press
                on:mouseenter=move |event| tips.show(event.current_target(), text())
                on:mouseleave=move |_| tips.hide()
                on:focus=move |event| tips.show_on_focus(event.current_target(), on_focus())
                on:blur=move |_| tips.hide()
            >
                {inner}
            </button>
        </td>
    }
}

fn inner(cell: &MatrixCell, metric: Metric, best: Best) -> AnyView {
    match cell {
        MatrixCell::Figure { value, precision, engine, evidence, mode, low, high, .. } => {
            let (value, unit) = shown(*value, metric);
            let half = low.zip(*high).and_then(|(low, high)| half_width(cell, low, high));
            let (left, width) = best.bar(metric, raw(cell));
            let slower = metric == Metric::Speedup && raw(cell) < 1.0;
            let is_best = best.0 == Some(raw(cell));
            view! {
                <span class="cell-figure" class:best=is_best>
                    {half.map(|half| view! { <span class="cell-half">{half}</span> })}
                    {value}<span class="unit">{unit}</span>
                </span>
                <span class="cell-under clip">{engine.label()}" · "{precision.key()}{other_mode(*mode, metric)}</span>
                <span class="cell-bar" aria-hidden="true" class:diverging=metric == Metric::Speedup>
                    <i
                        class=evidence_class(*evidence)
                        class:slower=slower
                        style=format!("left:{left:.1}%;width:{width:.1}%")
                    ></i>
                </span>
            }
            .into_any()
        }
        MatrixCell::Predicted { value, low, high, precision, engine, .. } => {
            let (shown_value, unit) = shown(*value, metric);
            let (left, width) = best.bar(metric, *value);
            view! {
                <span class="cell-figure">{shown_value}<span class="unit">{unit}</span></span>
                <span class="cell-under clip">
                    {figure_text(*low, metric)}"–"{figure_text(*high, metric)}" · "{engine.label()}" · "{precision.clone()}
                </span>
                <span class="cell-bar" aria-hidden="true">
                    <i class="predicted" style=format!("left:{left:.1}%;width:{:.1}%", width.min(100.0))></i>
                </span>
            }
            .into_any()
        }
        MatrixCell::Failed { reason, .. } => view! {
            <span class="cell-failed">"Failed"</span>
            <span class="cell-under clip">{reason.clone()}</span>
        }
        .into_any(),
        MatrixCell::Impossible { .. } => view! { <span class="dash">"–"</span> }.into_any(),
        MatrixCell::Open => view! { <span class="cell-open">"Measure"</span> }.into_any(),
    }
}

fn raw(cell: &MatrixCell) -> f64 {
    match cell {
        MatrixCell::Figure { value, .. } => *value,
        _ => f64::NAN,
    }
}

fn half_width(cell: &MatrixCell, low: f64, high: f64) -> Option<String> {
    format::half_width(raw(cell), low, high)
}

/// Said where a figure is not that of one pass and the metric does not tell.
fn other_mode(mode: Mode, metric: Metric) -> Option<String> {
    let told = metric.is_of_generation() || mode == Mode::Inference;
    (!told).then(|| format!(" · {}", mode.label().to_lowercase()))
}

/// Times are shown in the unit that reads best, everything else in the metric's own.
fn shown(value: f64, metric: Metric) -> (String, &'static str) {
    match metric {
        Metric::Latency | Metric::FirstResult | Metric::FirstToken | Metric::TokenTime => {
            let (value, unit) = format::scaled_ms(value);
            (format::significant(value), unit)
        }
        Metric::Throughput => (format::significant(value), "/s"),
        Metric::Memory if value >= 10_000.0 => (format::significant(value / 1000.0), "GB"),
        Metric::Memory | Metric::Speedup | Metric::TokenRate => (format::significant(value), metric.unit()),
    }
}

/// The figure with its unit, as it stands in the cell.
pub fn figure_text(value: f64, metric: Metric) -> String {
    let (value, unit) = shown(value, metric);
    format!("{value} {unit}")
}

/// What a cell answers on hover and focus.
fn told(at: &CellAt, metric: Metric) -> TipText {
    let place = format!("{} on {}", at.model, at.column.label);
    let facts = match &at.cell {
        MatrixCell::Figure {
            value, low, high, precision, engine, evidence, mode, runs, batch, size, noise, ..
        } => {
            let mut facts = vec![Fact::new(metric.label(), figure_text(*value, metric))];
            if let (Some(low), Some(high)) = (low, high) {
                facts.push(Fact::new("95 % interval", format!("{} {}", format::interval(*low, *high), metric.unit())));
            }
            facts.push(Fact::new("Evidence", evidence.label()));
            facts.push(Fact::new("Engine", engine.label()));
            facts.push(Fact::new("Precision", precision.key()));
            facts.push(Fact::new("Mode", mode.label()));
            facts.push(Fact::new("Fed", fed_text(*batch, *size)));
            if let Some(noise) = noise {
                facts.push(Fact::new("Noise", format!("{}, {}", noise.letter(), noise.meaning())));
            }
            facts.push(Fact::new("Results here", runs));
            facts
        }
        MatrixCell::Predicted { value, low, high, precision, engine, batch, size, told } => vec![
            Fact::new(metric.label(), figure_text(*value, metric)),
            Fact::new("90 % interval", format!("{} to {}", figure_text(*low, metric), figure_text(*high, metric))),
            Fact::new("Evidence", Evidence::Predicted.label()),
            Fact::new("Engine", engine.label()),
            Fact::new("Precision", precision),
            Fact::new("Fed", fed_text(batch.unwrap_or(1), *size)),
            Fact::new("It", told),
        ],
        MatrixCell::Failed { reason, runs, .. } => vec![Fact::new("Failed", reason), Fact::new("Results here", runs)],
        MatrixCell::Impossible { reason, remedy } => vec![Fact::new("Not here", reason), Fact::new("Remedy", remedy)],
        MatrixCell::Open => vec![Fact::new("Not measured", "Press to choose this model in Launch")],
    };
    TipText { title: place, facts }
}

/// What a screen reader says of the cell.
fn spoken(at: &CellAt, metric: Metric) -> String {
    let what = match &at.cell {
        MatrixCell::Figure { value, evidence, engine, precision, .. } => {
            format!("{}, {}, {} {}", figure_text(*value, metric), evidence.label(), engine.label(), precision.key())
        }
        MatrixCell::Predicted { value, low, high, .. } => format!(
            "predicted {}, 90 % between {} and {}",
            figure_text(*value, metric),
            figure_text(*low, metric),
            figure_text(*high, metric)
        ),
        MatrixCell::Failed { reason, .. } => format!("failed: {reason}"),
        MatrixCell::Impossible { reason, .. } => format!("not here: {reason}"),
        MatrixCell::Open => "not measured yet".into(),
    };
    format!("{} on {}: {what}", at.model, at.column.label)
}
