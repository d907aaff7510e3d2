//! One series: its trend, where it changed, what changed with it, and the check of the newest point.

use super::alert::{Causes, set_marks};
use crate::{
    actions,
    load::load,
    pages::{ExportButtons, RunDrawer},
    parts::*,
    state::App,
    time,
};
use chart::{
    Options,
    format::{count, duration_ms},
};
use contract::*;
use leptos::prelude::*;

#[component]
pub fn SeriesView(series: String, smallest: RwSignal<f64>) -> impl IntoView {
    let app = App::get();
    let open = RwSignal::new(None::<(RunId, f64)>);
    let history = load(move || {
        app.results.track();
        app.marks.track();
        Some(GetSeries { series: series.clone(), smallest_change: smallest.get() })
    });
    view! {
        <Updating load=history rows=8 ready=move |history| view! { <History history open /> } />
        {move || open.get().map(|(id, ms)| view! { <RunDrawer title="One result" id ms on_close=move || open.set(None) /> })}
    }
}

#[component]
fn History(history: Signal<SeriesHistory>, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let app = App::get();
    let figure = Signal::derive(move || {
        let options = Options { theme: app.theme(), ..Options::default() };
        history.with(|history| Some(chart::trend(history, time::wall_clock, options)))
    });
    let caption = move || figure.with(|figure| figure.as_ref().map(|figure| figure.caption.clone()));
    let press = move |id: String| {
        let point = history.with(|history| history.points.iter().find(|point| point.run.0 == id).cloned());
        open.set(point.map(|point| (point.run, point.ms)));
    };
    let muted = Memo::new(move |_| history.with(|history| history.marks.iter().any(|(marked, _)| marked.at.is_none())));
    let mute = move |_| {
        let marked = Marked { series: history.with(|history| history.watched.series.clone()), at: None };
        set_marks(app, vec![marked], (!muted.get_untracked()).then_some(Mark::Muted));
    };
    view! {
        <section class="panel stack" data-testid="series-detail">
            <div class="spread">
                <h2 class="watch-name">{move || history.with(|history| history.watched.series.clone())}</h2>
                <Button icon="pause" small=true testid="mute-series" on_press=mute>
                    {move || if muted.get() { "Unmute" } else { "Mute" }}
                </Button>
            </div>
            <figure>
                <PlotView figure on_press=press />
                <figcaption class="small quiet">{caption}</figcaption>
            </figure>
            <div class="row wrap"><ExportButtons name=Signal::stored("trend") figure /></div>
            <DataTable figure />
        </section>
        {move || view! { <NewestResult history=history.get() /> }}
        {move || history.get().watched.changes.into_iter().rev().map(|change| view! { <ChangePanel change /> }).collect_view()}
        {move || view! { <Spikes anomalies=history.with(|history| history.watched.anomalies.clone()) /> }}
    }
}

/// What the newest point says before there are enough for a change, and the way to be sure.
#[component]
fn NewestResult(history: SeriesHistory) -> impl IntoView {
    let app = App::get();
    let told = match &history.watched.newest {
        Newest::Usual => "The newest result lies where it is expected.".to_owned(),
        Newest::Suspect { change, .. } => format!(
            "The newest result is {} off. One result proves nothing: measure it again, and if it stays there, it is a change.",
            signed(*change)
        ),
        Newest::Unknown => {
            "There are too few results since the last change to judge the newest one: five are needed.".into()
        }
    };
    let asking = RwSignal::new(false);
    let again = history.again.map(|run| {
        let press = move |_| {
            actions::send_once(app, asking, MeasureAgain { run: run.clone() }, |app, _| {
                app.tell(NoticeKind::Info, "It is in the queue; its result appears here.");
            });
        };
        view! { <Button icon="again" testid="measure-again" busy=asking on_press=press>"Measure it again"</Button> }
    });
    view! {
        <section class="panel" data-testid="newest">
            <h3>"The newest result"</h3>
            <div class="spread">
                <p>{told}</p>
                {again}
            </div>
        </section>
    }
}

#[component]
fn ChangePanel(change: Change) -> impl IntoView {
    let word = match change.direction {
        Direction::Worse => "slower",
        Direction::Better => "faster",
    };
    let sure = match change.p {
        p if p < 1e-6 => "less than one in a million".to_owned(),
        p => format!("one in {}", count((1.0 / p) as u64)),
    };
    view! {
        <section class="panel stack">
            <h3>{format!("{} {word} since {}", signed(change.change), time::of_point(&change.at))}</h3>
            <p>
                {format!(
                    "From {} to {}; 95 % sure that it is between {} and {}. The chance of such a step where nothing changed is {sure}.",
                    duration_ms(change.before),
                    duration_ms(change.after),
                    signed(change.change_low),
                    signed(change.change_high)
                )}
            </p>
            <Causes causes=change.causes />
        </section>
    }
}

#[component]
fn Spikes(anomalies: Vec<Anomaly>) -> impl IntoView {
    (!anomalies.is_empty()).then(|| {
        view! {
            <section class="panel">
                <h3>"Single spikes"</h3>
                <p class="quiet">"Off by themselves, with the old level after them: no change."</p>
                <ul>
                    {anomalies
                        .into_iter()
                        .map(|spike| view! { <li>{format!("{}: {} ({})", time::of_point(&spike.at), duration_ms(spike.value), signed(spike.change))}</li> })
                        .collect_view()}
                </ul>
            </section>
        }
    })
}
