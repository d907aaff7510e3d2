//! What there is to filter by, for the pages that share the filter.

use crate::{load::load, state::App};
use contract::{FilterChoices, GetFilterChoices};
use leptos::prelude::*;

/// Follows the results; nothing to choose from until they are known.
pub fn filter_choices(app: App) -> Signal<FilterChoices> {
    let choices = load(move || {
        app.results.track();
        Some(GetFilterChoices {})
    });
    Signal::derive(move || choices.value.with(|choices| choices.ready().cloned().unwrap_or_default()))
}
