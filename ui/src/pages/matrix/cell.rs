//! One cell: the figure with its evidence, a failure, a quiet dash, or an invitation.

use super::drawer::CellAt;
use crate::{
    actions,
    parts::{EvidenceMark, TipLayer, TipText, evidence_class, fed_text},
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

/// The best figure of a row, which the bars of the others are drawn against. Only figures of the same work are better or
/// worse than each other: of the works that figures of a row are of, the one that most of its cells have.
#[derive(Clone, PartialEq)]
pub struct Best(Option<(f64, Compared)>);

/// What figures have in common that are compared: their work, and the unit of a throughput.
type Compared = (Fed, Option<TaskUnit>);

impl Best {
    pub fn of(metric: Metric, cells: &[MatrixCell]) -> Self {
        let all: Vec<Compared> = cells.iter().filter_map(compared).collect();
        let count = |one: &Compared| all.iter().filter(|other| is_alike(one, other)).count();
        // A work that is only predicted has no best.
        let figures = cells.iter().filter_map(|cell| match cell {
            MatrixCell::Figure { value, .. } => Some((compared(cell)?, *value)),
            _ => None,
        });
        let figures: Vec<(Compared, f64)> = figures.collect();
        // Of as many the first.
        let works = figures.iter().rev().map(|(work, _)| work);
        let most = works.max_by_key(|one| count(one)).filter(|one| count(one) > 1);
        Self(most.and_then(|most| {
            let values = figures.iter().filter(|(work, _)| is_alike(work, most)).map(|(_, value)| *value);
            let best = if metric.smaller_is_better() { values.reduce(f64::min) } else { values.reduce(f64::max) };
            Some((best?, most.clone()))
        }))
    }

    /// The best figure, where the cell's is compared with it.
    fn beside(&self, cell: &MatrixCell) -> Option<f64> {
        let (best, most) = self.0.as_ref()?;
        compared(cell).is_some_and(|own| is_alike(&own, most)).then_some(*best)
    }

    fn is(&self, cell: &MatrixCell) -> bool {
        self.beside(cell) == Some(raw(cell))
    }

    /// Left and width of a cell's bar in percent; none where it is not compared. Speed-ups grow from 1× in the middle, a
    /// doubling each fifth.
    fn bar(&self, metric: Metric, cell: &MatrixCell, value: f64) -> Option<(f64, f64)> {
        let best = self.beside(cell).filter(|best| *best > 0.0 && value > 0.0)?;
        Some(match metric {
            Metric::Speedup => {
                let reach = (value.log2() * 12.5).clamp(-50.0, 50.0);
                (50.0 + reach.min(0.0), reach.abs().max(1.0))
            }
            metric if metric.smaller_is_better() => (0.0, best / value * 100.0),
            _ => (0.0, value / best * 100.0),
        })
    }
}

fn compared(cell: &MatrixCell) -> Option<Compared> {
    Some((cell.fed()?, cell.task()))
}

fn is_alike(one: &Compared, other: &Compared) -> bool {
    one.0.is_same_work(&other.0) && one.1 == other.1
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
    let inner = inner(&at.cell, metric, &best);
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

fn inner(cell: &MatrixCell, metric: Metric, best: &Best) -> AnyView {
    match cell {
        MatrixCell::Figure { value, engine, evidence, mode, low, high, .. } => {
            let (value, unit) = shown(*value, metric, cell.task());
            let half = low.zip(*high).and_then(|(low, high)| half_width(cell, low, high));
            let bar = best.bar(metric, cell, raw(cell));
            let slower = metric == Metric::Speedup && raw(cell) < 1.0;
            let is_best = best.is(cell);
            view! {
                <span class="cell-figure" class:best=is_best>
                    {half.map(|half| view! { <span class="cell-half">{half}</span> })}
                    {value}<span class="unit">{unit}</span>
                </span>
                <span class="cell-under clip">{engine.label()}" · "{cell.ran()}{trained(*mode)}</span>
                <WorkLine cell=cell.clone() evidence=*evidence marked=bar.is_none() />
                {bar.map(|(left, width)| view! {
                    <span class="cell-bar" aria-hidden="true" class:diverging=metric == Metric::Speedup>
                        <i
                            class=evidence_class(*evidence)
                            class:slower=slower
                            style=format!("left:{left:.1}%;width:{width:.1}%")
                        ></i>
                    </span>
                })}
            }
            .into_any()
        }
        MatrixCell::Predicted { value, low, high, precision, engine, .. } => {
            let task = cell.task();
            let (shown_value, unit) = shown(*value, metric, task);
            let bar = best.bar(metric, cell, *value);
            view! {
                <span class="cell-figure">{shown_value}<span class="unit">{unit}</span></span>
                <span class="cell-under clip">
                    {figure_text(*low, metric, task)}"–"{figure_text(*high, metric, task)}" · "{engine.label()}" · "{precision.clone()}
                </span>
                <WorkLine cell=cell.clone() evidence=Evidence::Predicted marked=bar.is_none() />
                {bar.map(|(left, width)| view! {
                    <span class="cell-bar" aria-hidden="true">
                        <i class="predicted" style=format!("left:{left:.1}%;width:{:.1}%", width.min(100.0))></i>
                    </span>
                })}
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

/// What the figure is of; with a mark of its evidence, which a bar shows else.
#[component]
fn WorkLine(cell: MatrixCell, evidence: Evidence, marked: bool) -> impl IntoView {
    let words = cell.fed().map(|fed| fed.words().join(" · "));
    view! {
        <span class="cell-under cell-work clip">{marked.then(|| view! { <EvidenceMark evidence /> })}{words}</span>
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

/// Said of a step of training; the work of generated text says it itself.
fn trained(mode: Mode) -> Option<String> {
    (mode == Mode::Training).then(|| format!(" · {}", mode.label().to_lowercase()))
}

/// Times are shown in the unit that reads best, a throughput in that of its task, everything else in the metric's own.
fn shown(value: f64, metric: Metric, task: Option<TaskUnit>) -> (String, &'static str) {
    match metric {
        Metric::Latency | Metric::FirstResult | Metric::FirstToken | Metric::TokenTime => {
            let (value, unit) = format::scaled_ms(value);
            (format::significant(value), unit)
        }
        Metric::Throughput => (format::significant(value), metric.unit_in(task)),
        Metric::Memory if value >= 10_000.0 => (format::significant(value / 1000.0), "GB"),
        Metric::Memory | Metric::Speedup | Metric::TokenRate => (format::significant(value), metric.unit()),
    }
}

/// The figure with its unit, as it stands in the cell.
pub fn figure_text(value: f64, metric: Metric, task: Option<TaskUnit>) -> String {
    let (value, unit) = shown(value, metric, task);
    format!("{value} {unit}")
}

/// What a cell answers on hover and focus.
fn told(at: &CellAt, metric: Metric) -> TipText {
    let place = format!("{} on {}", at.model, at.column.label);
    let (task, fed) = (at.cell.task(), at.cell.fed().map(|fed| Fact::new("Fed", fed_text(&fed))));
    let facts = match &at.cell {
        MatrixCell::Figure { value, low, high, engine, evidence, mode, runs, noise, .. } => {
            let mut facts = vec![Fact::new(metric.label(), figure_text(*value, metric, task))];
            if let (Some(low), Some(high)) = (low, high) {
                let unit = metric.unit_in(task);
                facts.push(Fact::new("95 % interval", format!("{} {unit}", format::interval(*low, *high))));
            }
            facts.push(Fact::new("Evidence", evidence.label()));
            facts.push(Fact::new("Engine", engine.label()));
            facts.push(Fact::new("Precision", at.cell.ran()));
            facts.push(Fact::new("Mode", mode.label()));
            facts.extend(fed);
            if let Some(noise) = noise {
                facts.push(Fact::new("Noise", format!("{}, {}", noise.letter(), noise.meaning())));
            }
            facts.push(Fact::new("Results here", runs));
            facts
        }
        MatrixCell::Predicted { value, low, high, precision, engine, told, .. } => {
            let interval = format!("{} to {}", figure_text(*low, metric, task), figure_text(*high, metric, task));
            let mut facts = vec![
                Fact::new(metric.label(), figure_text(*value, metric, task)),
                Fact::new("90 % interval", interval),
                Fact::new("Evidence", Evidence::Predicted.label()),
                Fact::new("Engine", engine.label()),
                Fact::new("Precision", precision),
            ];
            facts.extend(fed);
            facts.push(Fact::new("It", told));
            facts
        }
        MatrixCell::Failed { reason, runs, .. } => vec![Fact::new("Failed", reason), Fact::new("Results here", runs)],
        MatrixCell::Impossible { reason, remedy } => vec![Fact::new("Not here", reason), Fact::new("Remedy", remedy)],
        MatrixCell::Open => vec![Fact::new("Not measured", "Press to choose this model in Launch")],
    };
    TipText { title: place, facts }
}

/// What a screen reader says of the cell.
fn spoken(at: &CellAt, metric: Metric) -> String {
    let task = at.cell.task();
    let fed = at.cell.fed().map_or_else(String::new, |fed| format!(", {}", fed_text(&fed)));
    let what = match &at.cell {
        MatrixCell::Figure { value, evidence, engine, .. } => {
            let figure = figure_text(*value, metric, task);
            format!("{figure}, {}, {} {}{fed}", evidence.label(), engine.label(), at.cell.ran())
        }
        MatrixCell::Predicted { value, low, high, .. } => format!(
            "predicted {}, 90 % between {} and {}{fed}",
            figure_text(*value, metric, task),
            figure_text(*low, metric, task),
            figure_text(*high, metric, task)
        ),
        MatrixCell::Failed { reason, .. } => format!("failed: {reason}"),
        MatrixCell::Impossible { reason, .. } => format!("not here: {reason}"),
        MatrixCell::Open => "not measured yet".into(),
    };
    format!("{} on {}: {what}", at.model, at.column.label)
}
