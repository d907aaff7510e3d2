//! How far something is, as a bar.

use leptos::prelude::*;

#[component]
pub fn ProgressBar(
    /// What is counted: "Bytes fetched".
    label: &'static str,
    /// From 0 to 1.
    #[prop(into)]
    done: Signal<f64>,
) -> impl IntoView {
    let percent = move || 100.0 * done.get().clamp(0.0, 1.0);
    view! {
        <div
            class="progress"
            role="progressbar"
            aria-label=label
            aria-valuenow=move || format!("{:.0}", percent())
            aria-valuemin="0"
            aria-valuemax="100"
        >
            <i style=move || format!("width:{:.1}%", percent())></i>
        </div>
    }
}
