//! The charts page.

use leptos::prelude::*;

#[component]
pub fn Charts() -> impl IntoView {}
