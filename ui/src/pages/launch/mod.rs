//! Launch: choose models, places and settings, see what it will take, and watch it being measured.

mod draft;
mod estimate;
mod how;
mod live;
mod models;
mod queue;
mod targets;

pub use draft::{Draft, SEED, ready_targets, size_dim};
pub use estimate::start;

use crate::{load::load, parts::Segmented, state::App};
use contract::{GetMachine, ListModels};
use leptos::prelude::*;

/// The two halves of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    SetUp,
    Running,
}

#[component]
pub fn Launch() -> impl IntoView {
    let app = App::get();
    let draft = Draft::get();
    let models = load(move || {
        app.models.track();
        Some(ListModels {})
    });
    let machine = load(move || {
        app.machine.track();
        Some(GetMachine {})
    });
    Effect::new(move |_| {
        let wanted = app.wanted_models.get();
        if !wanted.is_empty() {
            draft.models.set(wanted);
            draft.view.set(View::SetUp);
            app.wanted_models.set(Vec::new());
        }
    });
    Effect::new(move |_| draft.take_defaults(models.value.get().ready(), machine.value.get().ready()));
    view! {
        <section class="page launch" aria-labelledby="launch-title">
            <header class="page-head">
                <div>
                    <h1 id="launch-title">"Launch"</h1>
                    <p class="lead">
                        {move || match draft.view.get() {
                            View::SetUp => "Choose what to measure and where. Nothing is downloaded.",
                            View::Running => "What is being measured now, and what comes next.",
                        }}
                    </p>
                </div>
                <Segmented
                    options=vec![
                        (View::SetUp, "Set up".into(), "launch-setup".into()),
                        (View::Running, "Running".into(), "launch-running".into()),
                    ]
                    chosen=draft.view
                    label="View"
                    on_choose=move |view| draft.view.set(view)
                />
            </header>
            {move || match draft.view.get() {
                View::SetUp => view! {
                    <div class="launch-setup">
                        <div class="launch-steps">
                            <models::ModelStep models />
                            <targets::TargetStep machine />
                            <how::HowStep models machine />
                        </div>
                        <estimate::Summary models machine />
                    </div>
                }
                .into_any(),
                View::Running => view! {
                    <div class="page-scroll launch-running">
                        <live::LiveView />
                        <queue::QueueView />
                    </div>
                }
                .into_any(),
            }}
        </section>
    }
}
