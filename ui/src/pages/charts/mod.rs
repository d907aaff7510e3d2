//! Charts: one question at a time, drawn from the results that filter and pick leave.

mod export;
mod source;

pub use export::ExportButtons;

use crate::{
    load::load,
    pages::filter_choices,
    parts::{run::RunDetails, *},
    state::{App, Place},
};
use chart::{ChartKind, Figure, Lack, Options, format::count, names};
use contract::*;
use leptos::prelude::*;
use source::{DRAWN, Picked, RUNS};

#[component]
pub fn Charts() -> impl IntoView {
    let app = App::get();
    let kind = app.chart;
    let boxes = RwSignal::new(false);
    let logarithmic = RwSignal::new(false);
    let picked = Picked::ask(kind);
    let open = RwSignal::new(None::<RunId>);
    let known = filter_choices(app);
    let generated = Memo::new(move |_| {
        known.with(|known| known.modes.contains(&Mode::Generation)) || kind.get().is_of_generation()
    });
    let figure = Memo::new(move |_| {
        let options = Options { theme: app.theme(), boxes: boxes.get(), logarithmic: logarithmic.get() };
        picked.with_source(kind.get(), |source| chart::figure(kind.get(), source, options))
    });
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
                    <ExportButtons name=Signal::derive(move || kind.get().key()) figure />
                </div>
            </header>
            <div class="page-bar">
                {move || {
                    let kinds = kinds(generated.get());
                    view! { <Segmented options=kinds chosen=kind label="Chart" on_choose=move |chosen| kind.set(chosen) /> }
                }}
                <Show when=move || kind.get().can_be_logarithmic()>
                    <Check checked=logarithmic on_change=move |on| logarithmic.set(on) testid="logarithmic">
                        "Logarithmic"
                    </Check>
                </Show>
                <Show when=move || kind.get() == ChartKind::Distribution>
                    <Check checked=boxes on_change=move |on| boxes.set(on) testid="boxes">"Boxes only"</Check>
                </Show>
            </div>
            <div class="page-bar">
                <FilterBar filter=app.filter choices=known with_evidence=true />
                <PickResults picked />
            </div>
            <div class="page-scroll">
                {move || picked.failure.get().map(|failure| view! { <InlineFailure failure /> })}
                {move || match lack.get() {
                    None => view! { <Loading rows=8 /> }.into_any(),
                    Some(Some(lack)) => view! { <NothingToDraw lack picked /> }.into_any(),
                    Some(None) => view! { <Drawn figure kind picked open /> }.into_any(),
                }}
            </div>
            {move || open.get().map(|id| view! { <Pressed id picked on_close=move || open.set(None) /> })}
        </section>
    }
}

/// Charts of generated text are offered once there is some.
fn kinds(generated: bool) -> Vec<(ChartKind, String, String)> {
    let offered = ChartKind::ALL.iter().filter(|kind| generated || !kind.is_of_generation());
    offered.map(|kind| (*kind, kind.label().to_owned(), format!("chart-{}", kind.key()))).collect()
}

#[component]
fn Drawn(
    figure: Memo<Option<Result<Figure, Lack>>>,
    kind: RwSignal<ChartKind>,
    picked: Picked,
    open: RwSignal<Option<RunId>>,
) -> impl IntoView {
    let drawn =
        Signal::derive(move || figure.with(|figure| figure.as_ref().and_then(|figure| figure.as_ref().ok().cloned())));
    let caption = move || {
        let left = picked.left_out(kind.get());
        let of_figure = drawn.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()).unwrap_or_default());
        format!("{of_figure} {left}")
    };
    view! {
        <figure class="chart" aria-label=move || format!("{}: {}", kind.get().label(), kind.get().about())>
            <PlotView figure=drawn on_press=move |id: String| open.set(Some(RunId(id))) />
            <figcaption class="small quiet">{caption}</figcaption>
        </figure>
        <DataTable figure=drawn />
    }
}

/// Which of the results that pass the filter are drawn.
#[component]
fn PickResults(picked: Picked) -> impl IntoView {
    let app = App::get();
    let options = Signal::derive(move || {
        picked.all().into_iter().map(|row| (row.id.clone(), row_label(&row))).collect::<Vec<(RunId, String)>>()
    });
    let chosen =
        Signal::derive(move || app.picked.with(|rows| rows.iter().map(|row| row.id.clone()).collect::<Vec<RunId>>()));
    let choose = move |ids: Vec<RunId>| {
        let rows = picked.all_untracked().into_iter().filter(|row| ids.contains(&row.id)).collect();
        app.picked.set(rows);
    };
    view! { <MultiSelect label="Results" testid="pick-results" options chosen on_choose=choose /> }
}

fn row_label(row: &RunRow) -> String {
    let size = row.size.map(|size| format!(" · {size}")).unwrap_or_default();
    format!("{} · {} · {} · batch {}{size}", row.model, names::engine(&row.engine), row.precision.key(), row.batch)
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

/// The result whose mark was pressed.
#[component]
fn Pressed(id: RunId, picked: Picked, on_close: impl Fn() + Clone + Send + Sync + 'static) -> impl IntoView {
    let median_ms = picked.all_untracked().iter().find(|row| row.id == id).and_then(|row| row.median_ms);
    let whole = load(move || Some(GetRun { id: id.clone() }));
    let title = move || whole.value.with(|run| run.ready().map_or_else(String::new, |run| run.model.name.clone()));
    view! {
        <Drawer title="Result" on_close>
            <h2 class="drawer-section">{title}</h2>
            <WhenLoaded load=whole rows=8 ready=move |run| view! { <RunDetails run median_ms /> } />
        </Drawer>
    }
}

/// Told where a picture does not hold everything.
fn left_out_sentence(kind: ChartKind, drawn: usize, all: u64) -> String {
    let most = if kind.needs_runs() { RUNS } else { DRAWN };
    if drawn as u64 >= all || drawn < most {
        return String::new();
    }
    format!("The newest {} of {} results are drawn; filter or pick to see others.", count(drawn as u64), count(all))
}
