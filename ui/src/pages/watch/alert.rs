//! One alert: what changed, with what of the environment, in which series, and what to do about it.

use super::{Looked, list::DirectionChip};
use crate::{actions, parts::*, state::App, time};
use chart::format::{count, duration_ms};
use contract::{BoardAlert, BoardChange, Cause, Mark, Marked, SetMarks};
use leptos::prelude::*;

/// Rows drawn; the series themselves are in the list.
const SHOWN: usize = 100;

#[component]
pub fn AlertView(alert: BoardAlert, looked: RwSignal<Option<Looked>>) -> impl IntoView {
    let title = told(&alert);
    let BoardAlert { alert, mark, changes } = alert;
    let shared: Vec<contract::Fact> =
        alert.shared.iter().map(|(column, value)| contract::Fact::new(column.clone(), value)).collect();
    let rows = changes.len();
    view! {
        <section class="panel stack" data-testid="alert-detail">
            <div class="row"><DirectionChip direction=alert.direction mark /></div>
            <h2>{title}</h2>
            <MarkButtons changes=changes.clone() mark />
            <Causes causes=alert.causes />
            {(!shared.is_empty()).then(|| view! {
                <div>
                    <h3>"The same in all of them"</h3>
                    <Facts facts=shared />
                </div>
            })}
            <h3>{if rows == 1 { "The series".to_owned() } else { format!("The {} series", count(rows as u64)) }}</h3>
            <div class="table-frame">
                <table class="table results">
                    <thead>
                        <tr>
                            <th scope="col">"Series"</th>
                            <th scope="col">"Since"</th>
                            <th scope="col" class="number">"Before"</th>
                            <th scope="col" class="number">"After"</th>
                            <th scope="col" class="number">"Change"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {changes.into_iter().take(SHOWN).map(|change| view! { <ChangeRow change looked /> }).collect_view()}
                    </tbody>
                </table>
            </div>
        </section>
    }
}

/// What happened, in a sentence.
pub fn told(alert: &BoardAlert) -> String {
    let since = alert.changes.first().map(|change| time::of_point(&change.at));
    alert.alert.told(&since.unwrap_or_default())
}

/// What of the environment changed there: the difference, and how telling it is.
#[component]
pub fn Causes(causes: Vec<Cause>) -> impl IntoView {
    if causes.is_empty() {
        return view! { <p class="quiet">"Nothing that is recorded of the environment changed there."</p> }.into_any();
    }
    let row = |cause: Cause| {
        let telling = match (cause.changed, cause.unchanged) {
            (1, 0) => "the only series with it changed".to_owned(),
            (changed, 0) => format!("all {changed} series with it changed"),
            (changed, unchanged) => format!("{changed} of {} series with it changed", changed + unchanged),
        };
        let away = match cause.points_away {
            0 => "at the same point".to_owned(),
            1 => "one point away".into(),
            n => format!("{n} points away"),
        };
        view! {
            <tr>
                <th scope="row">{capital(&cause.column)}</th>
                <td><del>{cause.before}</del></td>
                <td><ins>{cause.after}</ins></td>
                <td class="quiet small">{format!("{away}; {telling}")}</td>
            </tr>
        }
    };
    view! {
        <div>
            <h3>"What changed with it"</h3>
            <div class="table-frame">
                <table class="table difference" data-testid="causes">
                    <thead>
                        <tr>
                            <th scope="col">"Environment"</th>
                            <th scope="col">"Before"</th>
                            <th scope="col">"After"</th>
                            <th scope="col">"How telling"</th>
                        </tr>
                    </thead>
                    <tbody>{causes.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn ChangeRow(change: BoardChange, looked: RwSignal<Option<Looked>>) -> impl IntoView {
    let name = change.series.clone();
    view! {
        <tr>
            <td>
                <button type="button" class="results-open" on:click=move |_| looked.set(Some(Looked::Series(name.clone())))>
                    <span class="watch-name">{change.series}</span>
                </button>
            </td>
            <td class="small quiet">{time::of_point(&change.at)}</td>
            <td class="number">{duration_ms(change.before_ms)}</td>
            <td class="number">{duration_ms(change.after_ms)}</td>
            <td class="number">
                <span class="results-two">
                    <span>{signed(change.change)}</span>
                    <span class="small quiet">{format!("{} to {}", signed(change.change_low), signed(change.change_high))}</span>
                </span>
            </td>
        </tr>
    }
}

/// Seen, silenced, or open again.
#[component]
fn MarkButtons(changes: Vec<BoardChange>, mark: Option<Mark>) -> impl IntoView {
    let app = App::get();
    let of_changes: Vec<Marked> =
        changes.iter().map(|change| Marked { series: change.series.clone(), at: Some(change.at.clone()) }).collect();
    let of_series: Vec<Marked> =
        changes.iter().map(|change| Marked { series: change.series.clone(), at: None }).collect();
    let both = [of_changes.clone(), of_series.clone()].concat();
    match mark {
        Some(_) => view! {
            <div class="row wrap">
                <Button icon="again" testid="unmark" on_press=move |_| set_marks(app, both.clone(), None)>"Open it again"</Button>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="row wrap">
                <Button
                    kind=ButtonKind::Primary
                    icon="check"
                    testid="acknowledge"
                    on_press=move |_| set_marks(app, of_changes.clone(), Some(Mark::Acknowledged))
                >
                    "Mark as seen"
                </Button>
                <Button icon="pause" testid="mute" on_press=move |_| set_marks(app, of_series.clone(), Some(Mark::Muted))>
                    {if changes.len() == 1 { "Mute this series" } else { "Mute these series" }}
                </Button>
            </div>
        }
        .into_any(),
    }
}

pub fn set_marks(app: App, marked: Vec<Marked>, mark: Option<Mark>) {
    actions::send(app, SetMarks { marked, mark }, |app, ()| app.marks.update(|version| *version += 1));
}
