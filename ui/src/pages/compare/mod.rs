//! Compare: two settings measured in turn, and which of them is faster.

mod draft;
mod earlier;
mod outcome;
mod picture;
mod set_up;
mod shown;

pub use draft::CompareDraft;

use crate::{load::load, parts::Segmented, state::App};
use contract::{GetMachine, ListComparisons, ListModels};
use draft::View;
use leptos::prelude::*;

#[component]
pub fn Compare() -> impl IntoView {
    let app = App::get();
    let draft = CompareDraft::get();
    let models = load(move || {
        app.models.track();
        Some(ListModels {})
    });
    let machine = load(move || {
        app.machine.track();
        Some(GetMachine {})
    });
    let earlier = load(move || {
        app.results.track();
        Some(ListComparisons {})
    });
    Effect::new(move |_| draft.take_defaults(models.value.get().ready(), machine.value.get().ready()));
    view! {
        <section class="page" aria-labelledby="compare-title" data-testid="page-compare">
            <header class="page-head">
                <div>
                    <h1 id="compare-title">"Compare"</h1>
                    <p class="lead">
                        "Two settings, both ready at once and measured in turn, so that whatever disturbs the machine meets both alike."
                    </p>
                </div>
                <Segmented
                    options=vec![
                        (View::SetUp, "Set up".into(), "compare-setup".into()),
                        (View::Result, "Result".into(), "compare-result".into()),
                    ]
                    chosen=draft.view
                    label="View"
                    on_choose=move |view| draft.view.set(view)
                />
            </header>
            <div class="page-scroll versus">
                {move || match draft.view.get() {
                    View::SetUp => view! {
                        <set_up::SetUp models machine />
                        <earlier::Earlier earlier />
                    }
                    .into_any(),
                    View::Result => view! { <outcome::Outcome models /> }.into_any(),
                }}
            </div>
        </section>
    }
}
