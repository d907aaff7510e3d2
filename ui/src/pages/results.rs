//! The results page.

use leptos::prelude::*;

#[component]
pub fn Results() -> impl IntoView {}
