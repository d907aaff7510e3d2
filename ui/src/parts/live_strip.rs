//! The running measurement as a small strip under every page; pressing it opens the live view.

use crate::{
    pages::Draft,
    state::{App, Place},
};
use chart::format;
use contract::{Job, JobState};
use leptos::prelude::*;

#[component]
pub fn LiveStrip() -> impl IntoView {
    let app = App::get();
    let running = Memo::new(move |_| {
        app.queue.with(|queue| queue.jobs.iter().find(|job| job.state == JobState::Running).cloned())
    });
    move || running.get().map(|job| view! { <Strip job /> })
}

#[component]
fn Strip(job: Job) -> impl IntoView {
    let app = App::get();
    let draft = Draft::get();
    let open = move |_| {
        draft.show_running();
        app.go(Place::Launch);
    };
    let left = move || {
        app.queue.with(|queue| match queue.jobs.len() {
            0 | 1 => format!("about {} left", format::duration_secs(queue.remaining_secs)),
            jobs => format!("{jobs} left, about {}", format::duration_secs(queue.remaining_secs)),
        })
    };
    let phase = move || app.live.with(|live| live.as_ref().map_or("Starting", |live| live.phase.label()));
    let figure = move || {
        app.live.with(|live| {
            let live = live.as_ref()?;
            let median = live.median_ms?;
            let sure = format::half_width(median, live.low_ms?, live.high_ms?)?;
            Some(format!("{} {sure}", format::duration_ms(median)))
        })
    };
    view! {
        <button type="button" class="live-strip" data-testid="live-strip" title="Open the live view" on:click=open>
            <span class="pulse" aria-hidden="true"></span>
            <strong class="clip">{job.model_name}</strong>
            <span class="quiet clip">{format!("{} on {}", job.setting.engine.label(), job.device_name)}</span>
            <span class="live-strip-phase">{phase}</span>
            <span class="number">{figure}</span>
            <span class="quiet small live-strip-left">{left}</span>
        </button>
    }
}
