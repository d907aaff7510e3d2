//! How a result is told in few words, and its interval drawn to scale.

use contract::{Fed, Settings, counted};
use leptos::prelude::*;

/// What goes into a call, in words: `batch 8, 128 tokens`.
pub fn fed_text(fed: &Fed) -> String {
    fed.words().join(", ")
}

/// A sentence begins with a capital.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

/// A change of this share: `+8.1 %`, `−3.0 %`.
pub fn signed(share: f64) -> String {
    format!("{:+.1} %", share * 100.0).replace('-', "−")
}

/// The CPU threads where none were asked for: `all cores`, `the 4 of Settings`.
pub fn usual_threads(settings: &Settings) -> String {
    settings.threads.map_or_else(|| "all cores".to_owned(), |threads| format!("the {threads} of Settings"))
}

/// `1 thread`, `4 threads`.
pub fn threads_text(threads: u32) -> String {
    counted(threads.into(), "thread")
}

/// Low, value and high on a scale from `from` to `to`, in the unit of the figure.
#[component]
pub fn Whisker(low: f64, value: f64, high: f64, from: f64, to: f64) -> impl IntoView {
    let at = move |x: f64| if to > from { ((x - from) / (to - from) * 100.0).clamp(0.0, 100.0) } else { 50.0 };
    view! {
        <div class="whisker" aria-hidden="true">
            <i style=format!("left:{:.2}%;right:{:.2}%", at(low), 100.0 - at(high))></i>
            <b style=format!("left:{:.2}%", at(value))></b>
        </div>
    }
}
