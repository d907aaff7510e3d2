//! Empty, loading and failed, drawn as carefully as full.

use super::{Icon, capital};
use crate::load::{Load, Loaded};
use contract::Failure;
use leptos::prelude::*;

/// Nothing here yet; the children offer the next step.
#[component]
pub fn Empty(
    icon: &'static str,
    #[prop(into)] title: String,
    #[prop(into)] explain: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state" data-testid="empty">
            <Icon name=icon size=40 />
            <h2>{title}</h2>
            <p class="explain">{explain}</p>
            {children.map(|children| view! { <div class="row wrap">{children()}</div> })}
        </div>
    }
}

/// Grey bars where content will be; they appear only when it takes noticeably long.
#[component]
pub fn Loading(#[prop(default = 6)] rows: usize) -> impl IntoView {
    view! {
        <div class="loading" role="status" aria-label="Loading">
            {(0..rows).map(|_| view! { <i></i> }).collect_view()}
        </div>
    }
}

/// Why a page has nothing to show, and a way on.
#[component]
pub fn Failed(
    failure: Failure,
    #[prop(optional)] title: Option<&'static str>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="state failed" role="alert" data-testid="failed">
            <Icon name="warning" size=40 />
            <h2>{title.unwrap_or("This could not be shown")}</h2>
            <p class="explain">{sentence(&failure)}</p>
            {children.map(|children| view! { <div class="row wrap">{children()}</div> })}
        </div>
    }
}

/// A failure beside the thing it is about.
#[component]
pub fn InlineFailure(failure: Failure) -> impl IntoView {
    view! {
        <div class="inline-failure" role="alert" data-testid="failure">
            <Icon name="error" />
            <span>{sentence(&failure)}</span>
        </div>
    }
}

/// The failure's own words as a sentence: a capital at the start, unless that is a file's name, and a stop at the end.
pub fn sentence(failure: &Failure) -> String {
    let text = failure.to_string();
    let is_file = text.split([' ', ':']).next().is_some_and(|word| word.contains(['.', '/', '\\']));
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    let text = if is_file { text } else { capital(&text) };
    format!("{text}{stop}")
}

/// Draws what was asked for in each of its three states, anew with every answer.
#[component]
pub fn WhenLoaded<T, V>(
    load: Load<T>,
    #[prop(default = 6)] rows: usize,
    ready: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    move || match load.value.get() {
        Loaded::Waiting => view! { <Loading rows /> }.into_any(),
        Loaded::Failed(failure) => view! {
            <Failed failure>
                <super::Button icon="again" on_press=move |_| load.reload()>"Try again"</super::Button>
            </Failed>
        }
        .into_any(),
        Loaded::Ready(value) => ready(value).into_any(),
    }
}

/// As [`WhenLoaded`], but what is drawn stays and follows the answers: scroll position, focus and choice survive.
#[component]
pub fn Updating<T, V>(
    load: Load<T>,
    #[prop(default = 6)] rows: usize,
    ready: impl Fn(Signal<T>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
{
    // Keeps the last answer, for whoever still reads it while the view gives way to a failure.
    let latest = Memo::new(move |before: Option<&Option<T>>| {
        load.value.with(|value| value.ready().cloned()).or_else(|| before.cloned().flatten())
    });
    let other = Memo::new(move |_| {
        load.value.with(|value| match value {
            Loaded::Waiting => Some(None),
            Loaded::Failed(failure) => Some(Some(failure.clone())),
            Loaded::Ready(_) => None,
        })
    });
    move || match other.get() {
        Some(None) => view! { <Loading rows /> }.into_any(),
        Some(Some(failure)) => view! {
            <Failed failure>
                <super::Button icon="again" on_press=move |_| load.reload()>"Try again"</super::Button>
            </Failed>
        }
        .into_any(),
        None => {
            let value = Signal::derive(move || latest.get().expect("drawn only after a first answer"));
            ready(value).into_any()
        }
    }
}
