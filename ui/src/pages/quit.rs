//! Asked before the app is left while something that takes long is not finished.

use crate::{actions, bridge, parts::*, state::App};
use contract::{Event, Quit};
use leptos::prelude::*;

#[component]
pub fn QuitDialog() -> impl IntoView {
    let app = App::get();
    let open = RwSignal::new(false);
    bridge::on_event(move |event| {
        if matches!(event, Event::QuitAsked) {
            open.set(true);
        }
    });
    let leave = move |stop_queue: bool| {
        open.set(false);
        actions::send(app, Quit { stop_queue }, |_, ()| {});
    };
    let unfinished = move || {
        app.queue.with(|queue| match queue.jobs.len() {
            0 => "A comparison, a fetch, an import or a run of generated files is not finished.".to_owned(),
            1 => "One measurement is not finished.".to_owned(),
            jobs => format!("{jobs} measurements are not finished."),
        })
    };
    view! {
        <Dialog open title="Leave while something goes on?">
            <p class="dialog-body">
                {unfinished} " It can go on without the window; the next start shows what came of it."
            </p>
            <div class="dialog-foot">
                <Button kind=ButtonKind::Ghost on_press=move |_| open.set(false)>"Keep Assay open"</Button>
                <Button kind=ButtonKind::Danger testid="quit-stop" on_press=move |_| leave(true)>"Stop and quit"</Button>
                <Button kind=ButtonKind::Primary testid="quit-background" on_press=move |_| leave(false)>
                    "Go on in the background"
                </Button>
            </div>
        </Dialog>
    }
}
