//! A limit, set by slider or by number.

use chart::{Bound, Slider, format::significant};
use contract::short_text;
use leptos::prelude::*;

/// None where the field is empty or the slider stands at its open end.
#[component]
pub fn LimitField(
    label: &'static str,
    unit: &'static str,
    bound: Bound,
    value: RwSignal<Option<f64>>,
    /// Lowest and highest that there is to choose between; none draws no slider.
    #[prop(into)]
    range: Signal<Option<(f64, f64)>>,
    testid: &'static str,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let wrong = RwSignal::new(false);
    Effect::new(move |_| {
        wrong.set(false);
        text.set(value.get().map(plain).unwrap_or_default());
    });
    let typed = move |_| match text.get_untracked().trim() {
        "" => value.set(None),
        words => match words.replace(',', ".").parse::<f64>() {
            Ok(number) if number.is_finite() && number > 0.0 => value.set(Some(number)),
            _ => wrong.set(true),
        },
    };
    let word = match bound {
        Bound::AtMost => "at most",
        Bound::AtLeast => "at least",
    };
    view! {
        <div class="limit">
            <label class="limit-head">
                <span>{label}<span class="quiet small">" "{word}</span></span>
                <span class="limit-number">
                    <input
                        class="input input-number"
                        inputmode="decimal"
                        placeholder="any"
                        data-testid=testid
                        aria-invalid=move || wrong.get().to_string()
                        bind:value=text
                        on:change=typed
                    />
                    <span class="quiet small limit-unit">{unit}</span>
                </span>
            </label>
            {move || range.get().and_then(|range| Slider::new(bound, range)).map(|slider| view! {
                <input
                    class="slider"
                    type="range"
                    min="0"
                    max=Slider::STEPS
                    step="1"
                    data-testid=format!("{testid}-slider")
                    aria-label=format!("{label}, {word}")
                    aria-valuetext=move || value.get().map_or_else(|| "any".to_owned(), |limit| format!("{} {unit}", significant(limit)))
                    prop:value=move || slider.position(value.get()).to_string()
                    on:input:target=move |event| {
                        let limit = event.target().value().parse().ok().and_then(|at| slider.limit(at));
                        text.set(limit.map(plain).unwrap_or_default());
                    }
                    on:change:target=move |event| {
                        value.set(event.target().value().parse().ok().and_then(|at| slider.limit(at)));
                    }
                />
            })}
            {move || wrong.get().then(|| view! { <span class="wrong small" role="alert">"A number above 0, please."</span> })}
        </div>
    }
}

/// As it is typed: without thousands apart, and without zeros at its end.
fn plain(value: f64) -> String {
    let text = short_text(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
