//! Everything about one cell: its results, and the chosen one in full.

use crate::{
    actions,
    load::load,
    pages::Question,
    parts::{run::RunDetails, *},
    state::{App, Place},
};
use chart::format;
use contract::*;
use leptos::prelude::*;

/// A cell with the model and column it belongs to.
#[derive(Clone, PartialEq)]
pub struct CellAt {
    pub model: String,
    pub column: MatrixColumn,
    pub cell: MatrixCell,
}

#[component]
pub fn CellDrawer(at: CellAt, on_close: impl Fn() + Clone + Send + Sync + 'static) -> impl IntoView {
    let lead = format!("{} · {}", at.column.platform.label(), at.column.label);
    let title = at.model.clone();
    let body = match &at.cell {
        MatrixCell::Impossible { reason, remedy } => {
            view! { <Impossible reason=reason.clone() remedy=remedy.clone() /> }.into_any()
        }
        MatrixCell::Figure { run, .. } | MatrixCell::Failed { run, .. } => {
            let run = run.clone();
            view! { <Results at run /> }.into_any()
        }
        MatrixCell::Predicted { .. } => view! { <Predicted at=at.clone() /> }.into_any(),
        // An open cell leads to Launch instead.
        MatrixCell::Open => ().into_any(),
    };
    view! { <Drawer title lead on_close>{body}</Drawer> }
}

/// What is expected and what that rests on; where the device is here, the way to know.
#[component]
fn Predicted(at: CellAt) -> impl IntoView {
    let app = App::get();
    let fed = at.cell.fed().map(|fed| view! { <span class="chip neutral">{fed_text(&fed)}</span> });
    let MatrixCell::Predicted { told, precision, engine, .. } = at.cell else { return ().into_any() };
    let here = at.column.availability.is_ready();
    let model = at.model.clone();
    let question = Question::get();
    let trust = move |_| {
        question.show_trust();
        app.go(Place::Recommend);
    };
    view! {
        <div class="stack drawer-section">
            <div class="row wrap">
                <EvidenceChip evidence=Evidence::Predicted />
                <span class="chip neutral">{engine.label()}</span>
                <span class="chip neutral">{precision}</span>
                {fed}
            </div>
            <p>"Not measured. It "{told}"."</p>
            <div>
                {if here {
                    view! {
                        <Button kind=ButtonKind::Primary icon="launch" on_press=move |_| actions::measure_model(app, model.clone())>
                            "Measure it"
                        </Button>
                    }
                    .into_any()
                } else {
                    view! { <p class="quiet">"This device is not on this machine. Measure there, and import the table."</p> }.into_any()
                }}
            </div>
            <div>
                <Button kind=ButtonKind::Ghost icon="charts" testid="trust-cell" on_press=trust>"How far to trust predictions"</Button>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Impossible(reason: String, remedy: String) -> impl IntoView {
    let app = App::get();
    view! {
        <div class="stack drawer-section">
            <p>{reason}"."</p>
            <p class="quiet">{remedy}"."</p>
            <div>
                <Button icon="machine" on_press=move |_| app.go(Place::Machine)>"This machine"</Button>
            </div>
        </div>
    }
}

#[component]
fn Results(at: CellAt, run: RunId) -> impl IntoView {
    let app = App::get();
    let chosen = RwSignal::new(run);
    let rows = load(move || {
        app.results.track();
        Some(GetCellRuns {
            model: at.model.clone(),
            device: at.column.device.clone(),
            platform: at.column.platform,
            filter: app.filter.get_untracked(),
        })
    });
    let whole = load(move || Some(GetRun { id: chosen.get() }));
    let listed = move |id: &RunId| {
        let of = |rows: &Vec<RunRow>| rows.iter().find(|row| row.id == *id).and_then(|row| row.median_ms);
        rows.value.with(|rows| rows.ready().and_then(of))
    };
    view! {
        <WhenLoaded load=rows rows=3 ready=move |rows| view! { <RunList rows chosen /> } />
        <WhenLoaded load=whole rows=8 ready=move |run| { let median_ms = listed(&run.id); view! { <RunDetails run median_ms /> } } />
    }
}

/// All results of the cell, newest first; one of them is looked at.
#[component]
fn RunList(rows: Vec<RunRow>, chosen: RwSignal<RunId>) -> impl IntoView {
    if rows.len() < 2 {
        return ().into_any();
    }
    let row = move |row: RunRow| {
        let id = row.id.clone();
        let is_chosen = Memo::new({
            let id = id.clone();
            move |_| chosen.with(|chosen| *chosen == id)
        });
        let figure = match (&row.failure, row.tokens_per_s, row.median_ms) {
            (Some(failure), ..) => failure.label().to_owned(),
            (None, Some(rate), _) => format!("{} tokens/s", format::significant(rate)),
            (None, None, Some(ms)) => format::duration_ms(ms),
            (None, None, None) => "–".into(),
        };
        view! {
            <button
                type="button"
                class="run-choice"
                aria-pressed=move || is_chosen.get().to_string()
                on:click=move |_| chosen.set(id.clone())
            >
                <EvidenceMark evidence=row.evidence />
                <span class="grow clip">
                    {row.engine.label()}" · "{row.ran()}" · "{row.fed().words().join(" · ")}
                </span>
                <span class="quiet small">{row.started_at.map(crate::time::day)}</span>
                <span class="number">{figure}</span>
            </button>
        }
    };
    view! {
        <section class="drawer-section">
            <h3>{format!("{} results", format::count(rows.len() as u64))}</h3>
            <div class="run-list">{rows.into_iter().map(row).collect_view()}</div>
        </section>
    }
    .into_any()
}
