//! What impact and generation have in common: how far they are, and what is told of a file.

use crate::{actions, bridge, parts::*, state::App};
use chart::format::count;
use contract::*;
use leptos::prelude::*;

/// Follows what the shell tells; the button ends it.
#[component]
pub fn Running() -> impl IntoView {
    let app = App::get();
    let far = RwSignal::new(FilesDone::default());
    bridge::on_event(move |event| {
        if let Event::Making(now) = event {
            // The view may be gone by now, and its signals with it.
            far.try_set(*now);
        }
    });
    let share = Signal::derive(move || {
        let FilesDone { done, total } = far.get();
        if total == 0 { 0.0 } else { done as f64 / total as f64 }
    });
    let told = move || match far.get() {
        FilesDone { total: 0, .. } => "Just begun".to_owned(),
        FilesDone { done, total } => format!("{} of {}", count(done as u64), counted(total as u64, "file")),
    };
    view! {
        <div class="stack" data-testid="making">
            <ProgressBar label="Files made and checked" done=share />
            <div class="spread">
                <span class="small quiet">{told}</span>
                <Button small=true icon="stop" testid="making-stop" on_press=move |_| actions::send(app, StopMaking {}, |_, ()| {})>
                    "Cancel"
                </Button>
            </div>
        </div>
    }
}

/// A file in a list of those that were reached, and what there is to say of it.
pub fn reached(file: ReachedFile) -> impl IntoView {
    let ReachedFile { model_type, platform, kind, reason } = file;
    view! {
        <li>
            <strong>{model_type}</strong>" "{kind}" for "{platform.label()}
            <span class="small quiet">{reason}</span>
        </li>
    }
}
