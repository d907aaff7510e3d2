//! The matrix: models down, devices across, the best figure of each pair.

mod cell;
mod drawer;
mod grid;
mod sort;

pub use drawer::{CellAt, CellDrawer};

use crate::{
    actions,
    load::{Load, load},
    pages::filter_choices,
    parts::*,
    state::{App, Place},
};
use contract::{Filter, FilterChoices, GetMatrix, Matrix, Metric, Mode, PredictMatrix};
use grid::Grid;
use leptos::prelude::*;

#[component]
pub fn MatrixPage() -> impl IntoView {
    let app = App::get();
    let matrix = load(move || {
        app.results.track();
        app.machine.track();
        Some(GetMatrix { metric: app.metric.get(), filter: app.filter.get() })
    });
    let predicting = RwSignal::new(false);
    let predicted = load(move || {
        app.results.track();
        app.machine.track();
        predicting.get().then(|| PredictMatrix { metric: app.metric.get(), filter: app.filter.get() })
    });
    let open = RwSignal::new(None::<CellAt>);
    let known = filter_choices(app);

    view! {
        <section class="page" data-testid="page-matrix">
            <header class="page-head">
                <div>
                    <h1>"Matrix"</h1>
                    <p class="lead">"The best figure of every model on every device, each with its evidence."</p>
                </div>
                <div class="page-tools">
                    <Button icon="import" testid="matrix-import" on_press=move |_| actions::import_table(app)>
                        "Import…"
                    </Button>
                    <Button
                        kind=ButtonKind::Primary
                        icon="launch"
                        testid="matrix-measure"
                        on_press=move |_| app.go(Place::Launch)
                    >
                        "Measure"
                    </Button>
                </div>
            </header>
            <Show when=move || anything_to_filter(app, known)>
                <Bar known predicting predicted />
            </Show>
            <div class="matrix-stage" aria-busy=move || matrix.busy.get().to_string()>
                <Updating load=matrix rows=9 ready=move |matrix| view! { <Content matrix=with_predictions(matrix, predicted) open /> } />
            </div>
            {move || open.get().map(|at| view! { <CellDrawer at on_close=move || open.set(None) /> })}
        </section>
    }
}

/// An empty store is not asked to be searched.
fn anything_to_filter(app: App, known: Signal<FilterChoices>) -> bool {
    known.with(|known| *known != FilterChoices::default()) || app.filter.with(|filter| *filter != Filter::default())
}

/// The predicted matrix once it is there; what is measured is shown at once either way.
fn with_predictions(measured: Signal<Matrix>, predicted: Load<Matrix>) -> Signal<Matrix> {
    Signal::derive(move || {
        let now = measured.get();
        let answered = !predicted.busy.get();
        predicted.value.with(|predicted| predicted.ready().filter(|_| answered).cloned()).unwrap_or(now)
    })
}

#[component]
fn Bar(known: Signal<FilterChoices>, predicting: RwSignal<bool>, predicted: Load<Matrix>) -> impl IntoView {
    let app = App::get();
    // What only generated text has is offered once there is some.
    let generated = Memo::new(move |_| {
        known.with(|known| known.modes.contains(&Mode::Generation)) || app.metric.get().is_of_generation()
    });
    let metrics = move || {
        let offered = Metric::ALL.iter().filter(|metric| generated.get() || !metric.is_of_generation());
        offered
            .map(|metric| (*metric, short(*metric).to_owned(), format!("metric-{}", metric.key())))
            .collect::<Vec<_>>()
    };
    view! {
        <div class="page-bar">
            {move || view! {
                <Segmented
                    options=metrics()
                    chosen=app.metric
                    label="What the cells show"
                    on_choose=move |metric| app.metric.set(metric)
                />
            }}
            <Check
                checked=predicting
                disabled=Signal::derive(move || !is_predicted(app.metric.get()))
                testid="predict"
                on_change=move |on| predicting.set(on)
            >
                "Predict what is not measured"
            </Check>
            <span class="small quiet" role="status">
                {move || (predicting.get() && predicted.busy.get()).then_some("Learning from all results…")}
            </span>
            {move || predicted.failure().map(|failure| view! { <InlineFailure failure /> })}
        </div>
        <div class="page-bar">
            <FilterBar filter=app.filter choices=known />
        </div>
    }
}

/// Those that results of other settings let one expect.
fn is_predicted(metric: Metric) -> bool {
    matches!(metric, Metric::Latency | Metric::Throughput | Metric::Memory)
}

fn short(metric: Metric) -> &'static str {
    match metric {
        Metric::FirstResult => "First result",
        Metric::Memory => "Memory",
        Metric::Speedup => "Speed-up",
        Metric::TokenRate => "Tokens/s",
        Metric::FirstToken => "First token",
        Metric::TokenTime => "Per token",
        other => other.label(),
    }
}

#[component]
fn Content(matrix: Signal<Matrix>, open: RwSignal<Option<CellAt>>) -> impl IntoView {
    let empty = Memo::new(move |_| matrix.with(|matrix| matrix.rows.is_empty()));
    move || if empty.get() { view! { <Nothing /> }.into_any() } else { view! { <Grid matrix open /> }.into_any() }
}

#[component]
fn Nothing() -> impl IntoView {
    let app = App::get();
    if app.filter.get_untracked() != Filter::default() {
        return view! {
            <Empty icon="filter" title="No model matches" explain="No model has results with what the filter asks for.">
                <Button on_press=move |_| app.filter.set(Filter::default())>"Clear the filter"</Button>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="matrix"
            title="Nothing is measured yet"
            explain="Each model you measure becomes a row, each device of this machine is a column. A first measurement downloads nothing."
        >
            <Button
                kind=ButtonKind::Primary
                large=true
                icon="launch"
                testid="matrix-first"
                on_press=move |_| app.go(Place::Launch)
            >
                "Measure a first model"
            </Button>
            <Button large=true icon="import" on_press=move |_| actions::import_table(app)>
                "Import measurements…"
            </Button>
        </Empty>
    }
    .into_any()
}
