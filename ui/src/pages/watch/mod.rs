//! Watch: what changed in settings that were measured again and again, since when, and what changed with it.

mod alert;
mod list;
mod series;

use crate::{
    actions,
    load::{Loaded, load},
    parts::*,
    state::{App, Place},
};
use alert::AlertView;
use chart::format::count;
use contract::*;
use leptos::prelude::*;
use list::List;
use series::SeriesView;

/// What is looked at on the right.
#[derive(Clone, Debug, PartialEq)]
pub enum Looked {
    Alert(String),
    Series(String),
}

/// The smallest changes there are to choose from, as shares.
const SMALLEST: [f64; 4] = [0.01, 0.02, 0.05, 0.1];

#[component]
pub fn Watch() -> impl IntoView {
    let app = App::get();
    let smallest = RwSignal::new(WatchRules::default().smallest_change);
    let looked = RwSignal::new(app.wanted_series.get_untracked().map(Looked::Series));
    app.wanted_series.set(None);
    let board = load(move || {
        app.results.track();
        app.marks.track();
        Some(GetWatch { smallest_change: smallest.get() })
    });
    view! {
        <section class="page watch" data-testid="page-watch">
            <header class="page-head">
                <div>
                    <h1>"Watch"</h1>
                    <p class="lead">
                        {move || board.value.with(|board| match board {
                            Loaded::Waiting => "Looking at every series…".to_owned(),
                            Loaded::Ready(board) if !board.series.is_empty() => told(board),
                            _ => "Whether a setting that is measured again and again got slower, and since when.".to_owned(),
                        })}
                    </p>
                </div>
                <div class="page-tools">
                    <span class="quiet small">"Smallest change that matters"</span>
                    <Segmented
                        options=SMALLEST.map(|share| (share, format!("{:.0} %", share * 100.0), format!("smallest-{:.0}", share * 100.0))).to_vec()
                        chosen=smallest
                        label="Smallest change that matters"
                        on_choose=move |share| smallest.set(share)
                    />
                </div>
            </header>
            <Updating
                load=board
                rows=8
                ready=move |board| {
                    let empty = Memo::new(move |_| board.with(|board| board.series.is_empty()));
                    move || if empty.get() {
                        view! { <NothingToWatch undated=board.with(|board| board.undated) /> }.into_any()
                    } else {
                        view! { <Board board looked smallest /> }.into_any()
                    }
                }
            />
        </section>
    }
}

fn told(board: &WatchBoard) -> String {
    let open = board.alerts.iter().filter(|alert| alert.mark.is_none() && alert.alert.direction == Direction::Worse);
    let worse = match open.count() {
        0 => "nothing got worse".to_owned(),
        1 => "one thing got worse".into(),
        n => format!("{n} things got worse"),
    };
    format!("{} series of {}: {worse}.", count(board.series.len() as u64), counted(board.points, "result"))
}

#[component]
fn NothingToWatch(undated: u64) -> impl IntoView {
    let app = App::get();
    let undated = match undated {
        0 => String::new(),
        1 => " One result has no date, so it stands in no order.".into(),
        n => format!(" {} results have no date, so they stand in no order.", count(n)),
    };
    let explain = format!(
        "A setting that is measured again and again becomes a series: after some results it shows whether a driver, an engine or this machine got slower.{undated}"
    );
    view! {
        <Empty icon="watch" title="Nothing was measured twice yet" explain>
            <Button kind=ButtonKind::Primary large=true icon="launch" testid="watch-measure" on_press=move |_| app.go(Place::Launch)>
                "Measure"
            </Button>
            <Button large=true icon="import" on_press=move |_| actions::import_table(app)>"Import measurements…"</Button>
        </Empty>
    }
}

#[component]
fn Board(board: Signal<WatchBoard>, looked: RwSignal<Option<Looked>>, smallest: RwSignal<f64>) -> impl IntoView {
    // What needs looking at is looked at first.
    let now = Memo::new(move |_| {
        looked.get().or_else(|| {
            board.with(|board| match board.alerts.iter().find(|alert| alert.mark.is_none()) {
                Some(alert) => Some(Looked::Alert(alert.alert.title.clone())),
                None => board.series.first().map(|row| Looked::Series(row.series.clone())),
            })
        })
    });
    let alert = move |title: &str| board.with(|board| board.alerts.iter().find(|a| a.alert.title == title).cloned());
    view! {
        <div class="watch-body">
            <List board looked now />
            <div class="watch-detail" data-testid="watch-detail">
                {move || match now.get() {
                    Some(Looked::Alert(title)) => alert(&title).map(|alert| view! { <AlertView alert looked /> }.into_any()),
                    Some(Looked::Series(series)) => Some(view! { <SeriesView series smallest /> }.into_any()),
                    None => None,
                }}
            </div>
        </div>
    }
}
