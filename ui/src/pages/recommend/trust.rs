//! How far predictions can be trusted: what came of those that were measured later, and what times depend on.

use crate::{
    load::load,
    pages::{ExportButtons, RunDrawer},
    parts::*,
    state::{App, Place},
};
use chart::{
    Figure, Options, coverage_by_month,
    format::{count, significant},
    predicted_against_measured,
};
use contract::*;
use leptos::prelude::*;

/// The two pictures of the same record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Picture {
    Pairs,
    Months,
}

#[component]
pub fn Trust() -> impl IntoView {
    let app = App::get();
    let open = RwSignal::new(None::<(RunId, f64)>);
    let record = load(move || {
        app.results.track();
        Some(GetForecastRecord {})
    });
    let influences = load(move || {
        app.results.track();
        Some(GetInfluences {})
    });
    view! {
        <div class="page-scroll recommend-answer" data-testid="trust">
            <Updating
                load=record
                rows=6
                ready=move |record| {
                    let unjudged = Memo::new(move |_| {
                        record.with(|record| record.judged.is_empty().then(|| (record.waiting, left_out(record))))
                    });
                    move || match unjudged.get() {
                        Some((waiting, left_out)) => view! { <NothingJudged waiting left_out /> }.into_any(),
                        None => view! { <Judged record open /> }.into_any(),
                    }
                }
            />
            <WhenLoaded load=influences rows=3 ready=|influences| view! { <DependsOn influences /> } />
        </div>
        {move || open.get().map(|(id, ms)| view! { <RunDrawer title="The result that judged it" id ms on_close=move || open.set(None) /> })}
    }
}

#[component]
fn NothingJudged(waiting: u64, left_out: String) -> impl IntoView {
    let app = App::get();
    let title = match waiting {
        0 => "No prediction was made yet".to_owned(),
        1 => "One prediction waits for its measurement".into(),
        n => format!("{} predictions wait for their measurement", count(n)),
    };
    view! {
        <section class="panel">
            <Empty
                icon="recommend"
                title
                explain=format!("Predictions that Recommend and the matrix show are kept. The first result of the same setting that is measured or imported after one judges it, and here stands how many fell inside their interval, by how much they were off, and for which kinds of questions. {left_out}")
            >
                {(waiting == 0).then(|| view! {
                    <Button icon="matrix" testid="trust-predict" on_press=move |_| app.go(Place::Matrix)>"Predict in the matrix"</Button>
                })}
                <Button kind=ButtonKind::Primary icon="launch" testid="trust-measure" on_press=move |_| app.go(Place::Launch)>
                    "Measure"
                </Button>
            </Empty>
        </section>
    }
}

#[component]
fn Judged(record: Signal<ForecastRecord>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let told = move || record.with(|record| format!("{}.", record.told()));
    let verdict = move || record.with(|record| record.verdict().map(|verdict| format!("{verdict}.")));
    let rest = move || record.with(rest);
    let kinds = Memo::new(move |_| record.with(ForecastRecord::by_support));
    view! {
        <section class="panel stack" aria-labelledby="trust-title" data-testid="trust-told">
            <h2 id="trust-title">{told}</h2>
            <p>{verdict}</p>
            <p class="quiet">{rest}</p>
        </section>
        <Pictures record open />
        <section class="panel" aria-labelledby="trust-kinds">
            <header class="panel-head"><h3 id="trust-kinds">"By what was known when they were made"</h3></header>
            <div class="table-frame">
                <table class="table results" data-testid="trust-kinds">
                    <thead>
                        <tr>
                            <th scope="col">"What was known"</th>
                            <th scope="col" class="number">"Measured since"</th>
                            <th scope="col" class="number">"Inside"</th>
                            <th scope="col" class="number">"Share"</th>
                        </tr>
                    </thead>
                    <tbody>{move || kinds.get().into_iter().map(|(kind, fared)| view! { <Kind kind fared /> }).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

/// Which predictions are not kept, and how many results have the setting of one and are not held against it.
fn left_out(record: &ForecastRecord) -> String {
    let results = match record.other_sizes {
        0 => String::new(),
        1 => " One result was left out, as it was fed with further sizes, such as padding.".into(),
        n => format!(" {} results were left out, as they were fed with further sizes, such as padding.", count(n)),
    };
    format!(
        "Predictions for models that are fed with more than batch and size, such as frames of a video, are not \
        kept.{results}"
    )
}

/// How far off they were, and what is still to come.
fn rest(record: &ForecastRecord) -> String {
    let off = record
        .middle_error()
        .map_or_else(String::new, |error| format!("Half of them were off by at most {}. ", percent_text(error)));
    let waiting = match record.waiting {
        0 => "None waits for a measurement.".to_owned(),
        1 => "One more waits for a measurement of its setting.".into(),
        n => format!("{} more wait for a measurement of their setting.", count(n)),
    };
    let left_out = left_out(record);
    format!(
        "{off}{waiting} A prediction is kept when it is shown, and the first result of its setting after that judges it. {left_out}"
    )
}

#[component]
fn Kind(kind: ForecastSupport, fared: Fared) -> impl IntoView {
    let share = fared.share().map(percent_text);
    let sure = fared.interval().map(|(low, high)| format!("{} to {}", percent_text(low), percent_text(high)));
    view! {
        <tr>
            <td>{capital(kind.label())}"."</td>
            <td class="number">{count(fared.judged as u64)}</td>
            <td class="number">{count(fared.hits as u64)}</td>
            <td class="number">
                <span class="results-two"><span>{share}</span><span class="quiet small">{sure}</span></span>
            </td>
        </tr>
    }
}

#[component]
fn Pictures(record: Signal<ForecastRecord>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let app = App::get();
    let picture = RwSignal::new(Picture::Pairs);
    let figure = Memo::new(move |_| {
        let options = Options { theme: app.theme(), ..Options::default() };
        let figure = record.with(|record| match picture.get() {
            Picture::Pairs => predicted_against_measured(record, options),
            Picture::Months => coverage_by_month(record, options),
        });
        figure.ok()
    });
    let drawn: Signal<Option<Figure>> = figure.into();
    let caption = move || drawn.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()));
    let name = Signal::derive(move || match picture.get() {
        Picture::Pairs => "predicted-against-measured",
        Picture::Months => "predictions-by-month",
    });
    let press = move |id: String| {
        let of_run = |own: &&JudgedForecast| own.run.0 == id;
        let ms = record.with_untracked(|record| record.judged.iter().find(of_run).map(|own| own.measured_ms));
        open.set(ms.map(|ms| (RunId(id), ms)));
    };
    view! {
        <section class="panel" aria-label="How predictions fared">
            <header class="panel-head wrap">
                <Segmented
                    options=vec![
                        (Picture::Pairs, "Predicted against measured".into(), "trust-pairs".into()),
                        (Picture::Months, "Month by month".into(), "trust-months".into()),
                    ]
                    chosen=picture
                    label="Picture"
                    on_choose=move |chosen| picture.set(chosen)
                />
                <div class="row"><ExportButtons name figure=drawn /></div>
            </header>
            <figure>
                <PlotView figure=drawn on_press=press />
                <figcaption class="small quiet">{caption}</figcaption>
            </figure>
            <DataTable figure=drawn />
        </section>
    }
}

/// What predictions rest on, in the words of the known results.
#[component]
fn DependsOn(influences: Vec<Influence>) -> impl IntoView {
    let row = |Influence { what, factor, pairs }: Influence| {
        view! {
            <tr>
                <th scope="row">{capital(&what)}</th>
                <td class="number">{format!("{} times", significant(factor))}</td>
                <td class="number">{count(pairs)}</td>
            </tr>
        }
    };
    let none = influences.is_empty();
    view! {
        <section class="panel" aria-labelledby="trust-depends">
            <header class="panel-head"><h3 id="trust-depends">"What times depend on"</h3></header>
            {if none {
                view! {
                    <p class="quiet">"Too few results differ in one thing alone to tell. Measure a model on two engines, in two precisions or at several batches, and this says what matters most."</p>
                }
                .into_any()
            } else {
                view! {
                    <p class="quiet depends-told">"Predictions rest on these: by how much the time of a sample changes between two results that differ in one thing alone, in the middle of all such pairs."</p>
                    <div class="table-frame">
                        <table class="table results" data-testid="depends-on">
                            <thead>
                                <tr>
                                    <th scope="col">"What differs"</th>
                                    <th scope="col" class="number">"Changes the time"</th>
                                    <th scope="col" class="number">"Pairs of results"</th>
                                </tr>
                            </thead>
                            <tbody>{influences.into_iter().map(row).collect_view()}</tbody>
                        </table>
                    </div>
                }
                .into_any()
            }}
        </section>
    }
}
