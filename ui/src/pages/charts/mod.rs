//! Charts: one question at a time, drawn from the results that filter and pick leave.

mod export;
mod source;

pub use export::ExportButtons;

use crate::{
    load::load,
    pages::{CellDrawer, filter_choices},
    parts::{run::RunDetails, *},
    state::{App, Place},
};
use chart::{ChartKind, Figure, Lack, Options, Spread};
use contract::*;
use leptos::prelude::*;
use source::Picked;

#[component]
pub fn Charts() -> impl IntoView {
    let app = App::get();
    let kind = app.chart;
    let spread = RwSignal::new(Spread::default());
    let logarithmic = RwSignal::new(false);
    let picked = Picked::ask(kind);
    let open = RwSignal::new(None::<RunId>);
    let known = filter_choices(app);
    let offered = Memo::new(move |_| {
        let is_offered = |one: &&ChartKind| **one == kind.get() || known.with(|known| one.is_offered(&known.modes));
        ChartKind::ALL.iter().filter(is_offered).copied().collect::<Vec<_>>()
    });
    let figure = Memo::new(move |_| {
        let options = Options { theme: app.theme(), spread: spread.get(), logarithmic: logarithmic.get() };
        picked.with_source(|source| chart::figure(kind.get(), source, options))
    });
    let drawn =
        Signal::derive(move || figure.with(|figure| figure.as_ref().and_then(|figure| figure.as_ref().ok().cloned())));
    // A drawn chart stays and follows its figure, so that zoom and focus survive a new result.
    let lack = Memo::new(move |_| figure.with(|figure| figure.as_ref().map(|figure| figure.as_ref().err().cloned())));

    view! {
        <section class="page" data-testid="page-charts">
            <header class="page-head">
                <div>
                    <h1>"Charts"</h1>
                    <p class="lead">{move || kind.get().about()}</p>
                </div>
                <div class="page-tools">
                    <ExportButtons name=Signal::derive(move || kind.get().key()) figure=drawn />
                </div>
            </header>
            <div class="page-bar">
                {move || {
                    let kinds = offered.get().into_iter().map(named).collect::<Vec<_>>();
                    view! { <Segmented options=kinds chosen=kind label="Chart" on_choose=move |chosen| kind.set(chosen) /> }
                }}
                <Show when=move || kind.get().can_be_logarithmic()>
                    <Check checked=logarithmic on_change=move |on| logarithmic.set(on) testid="logarithmic">
                        "Logarithmic"
                    </Check>
                </Show>
                <Show when=move || kind.get() == ChartKind::Distribution>
                    <Segmented options=spreads() chosen=spread label="How samples are drawn" on_choose=move |chosen| spread.set(chosen) />
                </Show>
            </div>
            <div class="page-bar">
                <Show when=move || kind.get() == ChartKind::HeatMap><PickMetric known /></Show>
                <FilterBar filter=app.filter choices=known />
                <Show when=move || kind.get() != ChartKind::HeatMap><PickResults picked /></Show>
            </div>
            <div class="page-scroll">
                {move || picked.failure().map(|failure| view! { <InlineFailure failure /> })}
                {move || match lack.get() {
                    None => view! { <Loading rows=8 /> }.into_any(),
                    Some(Some(lack)) => view! { <NothingToDraw lack picked /> }.into_any(),
                    Some(None) => view! { <Drawn figure=drawn kind picked open /> }.into_any(),
                }}
            </div>
            {move || open.get().map(|id| view! { <Pressed id kind=kind.get_untracked() picked on_close=move || open.set(None) /> })}
        </section>
    }
}

/// Value, label and test id.
fn named(kind: ChartKind) -> (ChartKind, String, String) {
    (kind, kind.label().to_owned(), format!("chart-{}", kind.key()))
}

fn spreads() -> Vec<(Spread, String, String)> {
    vec![
        (Spread::Violins, "Violins".into(), "spread-violins".into()),
        (Spread::Ridges, "Ridges".into(), "spread-ridges".into()),
        (Spread::Boxes, "Boxes".into(), "spread-boxes".into()),
    ]
}

/// What the heat map shows, which is also what the matrix does.
#[component]
fn PickMetric(known: Signal<FilterChoices>) -> impl IntoView {
    let app = App::get();
    let metrics = Signal::derive(move || {
        let generated = known.with(|known| known.modes.contains(&Mode::Generation));
        let is_offered = |metric: &&Metric| **metric == app.metric.get() || generated || !metric.is_of_generation();
        let offered = Metric::ALL.iter().filter(is_offered);
        offered.map(|metric| (*metric, metric.label().to_owned())).collect::<Vec<_>>()
    });
    view! {
        <Choose label="Figure" options=metrics chosen=app.metric testid="chart-metric" on_choose=move |metric| app.metric.set(metric) />
    }
}

#[component]
fn Drawn(
    figure: Signal<Option<Figure>>,
    kind: RwSignal<ChartKind>,
    picked: Picked,
    open: RwSignal<Option<RunId>>,
) -> impl IntoView {
    let caption = move || {
        let of_figure = figure.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()).unwrap_or_default());
        format!("{of_figure} {}", picked.left_out())
    };
    view! {
        <figure class="chart" aria-label=move || format!("{}: {}", kind.get().label(), kind.get().about())>
            <PlotView figure on_press=move |id: String| open.set(Some(RunId(id))) />
            <figcaption class="small quiet">{caption}</figcaption>
        </figure>
        <DataTable figure />
    }
}

/// Which of the results that pass the filter are drawn.
#[component]
fn PickResults(picked: Picked) -> impl IntoView {
    let app = App::get();
    let options = Signal::derive(move || {
        picked.choices().into_iter().map(|row| (row.id.clone(), row_label(&row))).collect::<Vec<(RunId, String)>>()
    });
    let chosen =
        Signal::derive(move || app.picked.with(|rows| rows.iter().map(|row| row.id.clone()).collect::<Vec<RunId>>()));
    let choose = move |ids: Vec<RunId>| {
        let rows = untrack(|| picked.choices()).into_iter().filter(|row| ids.contains(&row.id)).collect();
        app.picked.set(rows);
    };
    view! { <MultiSelect label="Results" testid="pick-results" options chosen on_choose=choose /> }
}

fn row_label(row: &RunRow) -> String {
    let size = row.size.map(|size| format!(" · {size}")).unwrap_or_default();
    format!("{} · {} · {} · batch {}{size}", row.model, row.engine.label(), row.precision.key(), row.batch)
}

#[component]
fn NothingToDraw(lack: Lack, picked: Picked) -> impl IntoView {
    let app = App::get();
    if !picked.any() && app.filter.get_untracked() == Filter::default() {
        return view! {
            <Empty
                icon="charts"
                title="Nothing to draw yet"
                explain="Charts are drawn from results. Measure a model, or import measurements of others."
            >
                <Button kind=ButtonKind::Primary large=true icon="launch" on_press=move |_| app.go(Place::Launch)>
                    "Measure a first model"
                </Button>
            </Empty>
        }
        .into_any();
    }
    let narrowed =
        app.filter.get_untracked() != Filter::default() || app.picked.with_untracked(|picked| !picked.is_empty());
    view! {
        <Empty icon="charts" title="Nothing to draw here" explain=lack.0>
            {narrowed.then(|| view! {
                <Button on_press=move |_| {
                    app.picked.set(Vec::new());
                    app.filter.set(Filter::default());
                }>"Draw all results"</Button>
            })}
            <Button icon="launch" on_press=move |_| app.go(Place::Launch)>"Measure more"</Button>
        </Empty>
    }
    .into_any()
}

/// The result whose mark was pressed; of the heat map, all results of its cell.
#[component]
fn Pressed(
    id: RunId,
    kind: ChartKind,
    picked: Picked,
    on_close: impl Fn() + Clone + Send + Sync + 'static,
) -> impl IntoView {
    if kind == ChartKind::HeatMap {
        return match picked.cell(&id) {
            Some(at) => view! { <CellDrawer at on_close /> }.into_any(),
            None => ().into_any(),
        };
    }
    let median_ms = picked.median_ms(&id);
    let whole = load(move || Some(GetRun { id: id.clone() }));
    let title = move || whole.value.with(|run| run.ready().map_or_else(String::new, |run| run.model.name.clone()));
    view! {
        <Drawer title="Result" on_close>
            <h2 class="drawer-section">{title}</h2>
            <WhenLoaded load=whole rows=8 ready=move |run| view! { <RunDetails run median_ms /> } />
        </Drawer>
    }
    .into_any()
}
