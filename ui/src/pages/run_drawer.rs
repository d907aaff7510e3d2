//! One result beside the page that named it.

use crate::{
    load::load,
    parts::{run::RunDetails, *},
};
use contract::{GetRun, RunId};
use leptos::prelude::*;

#[component]
pub fn RunDrawer(
    title: &'static str,
    id: RunId,
    /// The time that the page shows; imported results carry no samples to take it from.
    ms: f64,
    on_close: impl Fn() + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let whole = load(move || Some(GetRun { id: id.clone() }));
    view! {
        <Drawer title on_close>
            <WhenLoaded load=whole rows=8 ready=move |run| view! { <RunDetails run median_ms=Some(ms) /> } />
        </Drawer>
    }
}
