//! Alerts and series, those first that need looking at.

use super::{Looked, alert::told};
use crate::parts::*;
use chart::format::{count, duration_ms};
use contract::{BoardAlert, Direction, Mark, Newest, SeriesRow, WatchBoard, counted};
use leptos::prelude::*;

/// Series drawn; the search finds the others.
const SHOWN: usize = 150;

#[component]
pub fn List(board: Signal<WatchBoard>, looked: RwSignal<Option<Looked>>, now: Memo<Option<Looked>>) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let matches = move |series: &str| {
        words.with(|words| words.split_whitespace().all(|word| series.to_lowercase().contains(&word.to_lowercase())))
    };
    let alerts = Memo::new(move |_| board.with(|board| board.alerts.clone()));
    let series = Memo::new(move |_| {
        board.with(|board| {
            let found = board.series.iter().filter(|row| matches(&row.series));
            (found.clone().count(), found.take(SHOWN).cloned().collect::<Vec<_>>())
        })
    });
    view! {
        <nav class="panel watch-list" aria-label="Alerts and series">
            <Show when=move || alerts.with(|alerts| !alerts.is_empty())>
                <h3>"What changed"</h3>
                <ul data-testid="alerts">
                    {move || alerts.get().into_iter().map(|alert| view! { <AlertItem alert looked now /> }).collect_view()}
                </ul>
            </Show>
            <h3>"Series"</h3>
            <SearchInput value=words label="Find a series" testid="watch-search" on_search=move |text| words.set(text) />
            <ul data-testid="series-list">
                {move || series.get().1.into_iter().map(|row| view! { <SeriesItem row looked now /> }).collect_view()}
            </ul>
            {move || {
                let (found, shown) = series.with(|(found, shown)| (*found, shown.len()));
                let more = format!("{} more; search to find them.", count((found - shown) as u64));
                (found > shown).then(|| view! { <p class="small quiet">{more}</p> })
            }}
        </nav>
    }
}

#[component]
fn AlertItem(alert: BoardAlert, looked: RwSignal<Option<Looked>>, now: Memo<Option<Looked>>) -> impl IntoView {
    let shared: Vec<String> = alert.alert.shared.iter().map(|(_, value)| value.clone()).collect();
    let mine = Looked::Alert(alert.alert.title.clone());
    let is_now = Memo::new({
        let mine = mine.clone();
        move |_| now.get().as_ref() == Some(&mine)
    });
    view! {
        <li>
            <button
                type="button"
                class="watch-item"
                class:settled=alert.mark.is_some()
                aria-current=move || is_now.get().then_some("true")
                data-testid="alert"
                on:click=move |_| looked.set(Some(mine.clone()))
            >
                <DirectionChip direction=alert.alert.direction mark=alert.mark />
                <span>{told(&alert)}</span>
                <span class="small quiet">{shared.join(" · ")}</span>
            </button>
        </li>
    }
}

/// Slower or faster, or what the person said of it.
#[component]
pub fn DirectionChip(direction: Direction, mark: Option<Mark>) -> impl IntoView {
    let (class, word) = match (mark, direction) {
        (Some(Mark::Acknowledged), _) => ("chip neutral", "Seen"),
        (Some(Mark::Muted), _) => ("chip neutral", "Muted"),
        (None, Direction::Worse) => ("chip failed", "Slower"),
        (None, Direction::Better) => ("chip ready", "Faster"),
    };
    view! { <span class=class>{word}</span> }
}

#[component]
fn SeriesItem(row: SeriesRow, looked: RwSignal<Option<Looked>>, now: Memo<Option<Looked>>) -> impl IntoView {
    let mine = Looked::Series(row.series.clone());
    let is_now = Memo::new({
        let mine = mine.clone();
        move |_| now.get().as_ref() == Some(&mine)
    });
    let state = state(&row);
    view! {
        <li>
            <button
                type="button"
                class="watch-item"
                class:settled=row.muted
                aria-current=move || is_now.get().then_some("true")
                data-testid="series"
                on:click=move |_| looked.set(Some(mine.clone()))
            >
                <span class="watch-name">{row.series.clone()}</span>
                <span class="small quiet">
                    {duration_ms(row.level_ms)}" · "{counted(row.points.into(), "result")}
                    {state.map(|state| view! { " · "<strong>{state}</strong> })}
                </span>
            </button>
        </li>
    }
}

/// What there is to say of a series, the gravest first.
fn state(row: &SeriesRow) -> Option<String> {
    if row.muted {
        return Some("muted".into());
    }
    match (&row.newest, row.last_change) {
        (_, Some(change)) if row.open > 0 => Some(signed(change)),
        (Newest::Suspect { change, .. }, _) => Some(format!("newest {}: measure again", signed(*change))),
        (_, Some(change)) => Some(format!("last change {}", signed(change))),
        _ => None,
    }
}
