//! A limit, set by slider or by number.

use chart::format::significant;
use contract::short_text;
use leptos::prelude::*;

/// Which side of the limit is kept to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    AtMost,
    AtLeast,
}

/// Steps of the slider.
const STEPS: f64 = 100.0;

/// None where the field is empty or the slider stands at its open end. The slider's scale is logarithmic.
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
            {move || range.get().filter(|(low, high)| low < high).map(|range| view! {
                <input
                    class="slider"
                    type="range"
                    min="0"
                    max=STEPS
                    step="1"
                    data-testid=format!("{testid}-slider")
                    aria-label=format!("{label}, {word}")
                    aria-valuetext=move || value.get().map_or_else(|| "any".to_owned(), |limit| format!("{} {unit}", significant(limit)))
                    prop:value=move || position(bound, range, value.get()).to_string()
                    on:input:target=move |event| {
                        let limit = event.target().value().parse().ok().and_then(|at| limit_at(bound, range, at));
                        text.set(limit.map(plain).unwrap_or_default());
                    }
                    on:change:target=move |event| {
                        value.set(event.target().value().parse().ok().and_then(|at| limit_at(bound, range, at)));
                    }
                />
            })}
            {move || wrong.get().then(|| view! { <span class="wrong small" role="alert">"A number above 0, please."</span> })}
        </div>
    }
}

/// Where the slider stands for a limit.
fn position(bound: Bound, (low, high): (f64, f64), limit: Option<f64>) -> f64 {
    match (limit, bound) {
        (None, Bound::AtMost) => STEPS,
        (None, Bound::AtLeast) => 0.0,
        (Some(limit), _) => ((limit / low).ln() / (high / low).ln() * STEPS).clamp(0.0, STEPS).round(),
    }
}

/// The limit for a place of the slider, in three digits.
fn limit_at(bound: Bound, (low, high): (f64, f64), at: f64) -> Option<f64> {
    let open = match bound {
        Bound::AtMost => at >= STEPS,
        Bound::AtLeast => at <= 0.0,
    };
    if open {
        return None;
    }
    let limit = low * (high / low).powf(at / STEPS);
    let unit = 10f64.powf(limit.log10().floor() - 2.0);
    // Rounded towards the open side, so that the end of the scale keeps what lies on it.
    Some(match bound {
        Bound::AtMost => (limit / unit).ceil() * unit,
        Bound::AtLeast => (limit / unit).floor() * unit,
    })
}

/// As it is typed: without thousands apart, and without zeros at its end.
fn plain(value: f64) -> String {
    let text = short_text(value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
