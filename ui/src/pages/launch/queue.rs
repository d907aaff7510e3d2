//! What waits: its order, how long it will take, and how to change that.

use super::live::describe;
use crate::{actions, parts::*, state::App};
use chart::format;
use contract::{CancelJob, Job, JobId, JobState, MoveJob};
use leptos::{ev::PointerEvent, prelude::*};
use wasm_bindgen::JsCast;

#[component]
pub fn QueueView() -> impl IntoView {
    let app = App::get();
    let waiting = Memo::new(move |_| {
        app.queue
            .with(|queue| queue.jobs.iter().filter(|job| job.state == JobState::Waiting).cloned().collect::<Vec<Job>>())
    });
    let any = Memo::new(move |_| app.queue.with(|queue| !queue.jobs.is_empty()));
    let paused = Memo::new(move |_| app.queue.with(|queue| queue.paused));
    let dragged = RwSignal::new(None::<JobId>);
    view! {
        <Show when=move || any.get()>
            <section class="panel" aria-labelledby="queue-title">
                <header class="panel-head">
                    <div>
                        <h2 id="queue-title">"Next"</h2>
                        <p class="quiet small" data-testid="queue-left">
                            {move || app.queue.with(|queue| {
                                let left = queue.jobs.len();
                                format!("{left} left · about {}", format::duration_secs(queue.remaining_secs))
                            })}
                        </p>
                    </div>
                    <div class="row">
                        <Button
                            small=true
                            testid="pause-queue"
                            on_press=move |_| actions::pause(app, !paused.get_untracked())
                        >
                            {move || if paused.get() { "Resume" } else { "Pause after this one" }}
                        </Button>
                        <Button small=true kind=ButtonKind::Danger testid="cancel-all" on_press=move |_| actions::cancel_all(app)>
                            "Cancel all"
                        </Button>
                    </div>
                </header>
                <ol class="queue" data-testid="queue" on:pointerleave=move |_| dragged.set(None)>
                    {move || {
                        let jobs = waiting.get();
                        let last = jobs.len().saturating_sub(1);
                        jobs.into_iter()
                            .enumerate()
                            .map(|(index, job)| view! { <QueueRow job index last=index == last dragged /> })
                            .collect_view()
                    }}
                </ol>
                <Show when=move || waiting.with(Vec::is_empty)>
                    <p class="quiet small">"Nothing else waits."</p>
                </Show>
            </section>
        </Show>
    }
}

#[component]
fn QueueRow(job: Job, index: usize, last: bool, dragged: RwSignal<Option<JobId>>) -> impl IntoView {
    let app = App::get();
    let id = StoredValue::new(job.id.clone());
    // The queue itself comes back as an event.
    let place = move |id: JobId, to: usize| actions::send(app, MoveJob { id, to: to as u32 }, |_, ()| {});
    let move_to = move |to: usize| place(id.get_value(), to);
    let drop_here = move |_| {
        if let Some(moved) = dragged.get_untracked() {
            dragged.set(None);
            if moved != id.get_value() {
                place(moved, index);
            }
        }
    };
    let drag = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        // A finger would keep to the handle: the row that it is lifted over is to hear of it.
        if let Some(handle) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) {
            // Fails only for a pointer that is gone.
            let _ = handle.release_pointer_capture(event.pointer_id());
        }
        // Neither text is marked nor does the browser drag by itself, which Windows keeps for files that are dropped.
        event.prevent_default();
        dragged.set(Some(id.get_value()));
    };
    let name = job.model_name.clone();
    view! {
        <li
            class="queue-row"
            class:dragged=move || dragged.get() == Some(id.get_value())
            on:pointerup=drop_here
        >
            <span class="handle" on:pointerdown=drag><Icon name="drag" /></span>
            <span class="grow clip"><strong>{job.model_name.clone()}</strong>" "<span class="quiet">{describe(&job)}</span></span>
            <span class="number quiet small">{format::duration_secs(job.estimate_secs)}</span>
            <IconButton
                icon="up"
                small=true
                label=format!("Move {name} up")
                disabled=index == 0
                on_press=move |_| move_to(index.saturating_sub(1))
            />
            <IconButton icon="down" small=true label=format!("Move {name} down") disabled=last on_press=move |_| move_to(index + 1) />
            <IconButton
                icon="close"
                small=true
                label=format!("Cancel {name}")
                on_press=move |_| actions::send(app, CancelJob { id: id.get_value() }, |_, ()| {})
            />
        </li>
    }
}
