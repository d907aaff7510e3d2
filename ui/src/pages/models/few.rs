//! A model too large or too slow to be measured whole: a few of its layers are measured, the whole is predicted.

use super::{ModelDraft, detail::Known};
use crate::{
    bridge,
    load::{load, settled},
    pages::Draft,
    parts::*,
    state::{App, Place},
};
use chart::format;
use contract::*;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn Few(known: Known) -> impl IntoView {
    let (app, draft) = (App::get(), ModelDraft::get());
    let sound =
        Memo::new(move |_| known.reading.with(|reading| reading.as_ref().is_some_and(|r| r.description.is_some())));
    let question = settled(move || (draft.name.get(), draft.text.get(), draft.dims.get()));
    let answer = load(move || {
        app.results.track();
        let (name, text, dims) = question.get();
        sound.get().then_some(ForecastLayers { name, text, dims })
    });
    let forecasts = Memo::new(move |_| answer.value.with(|answer| answer.ready().cloned().unwrap_or_default()));
    let useful = move || forecasts.with(|forecasts| forecasts.few.len() > 2);
    let none = move || forecasts.with(|forecasts| forecasts.forecasts.is_empty());
    let starting = RwSignal::new(false);
    let launch = Draft::get();
    let press = move |_| {
        launch.take_sizes(&known.dims(), &draft.dims.get_untracked());
        measure(app, forecasts.with_untracked(|forecasts| forecasts.few.clone()), starting);
    };
    view! {
        <Show when=useful>
            <section class="panel" aria-labelledby="model-few" data-testid="few">
                <header class="panel-head">
                    <h2 id="model-few">"From a few layers"</h2>
                    <Button small=true icon="launch" testid="few-measure" busy=starting on_press=press>
                        "Measure with few layers"
                    </Button>
                </header>
                <Show when=none>
                    <p class="quiet">"Too large or too slow to measure whole? It is measured with a few of its layers, and the time of all of them is predicted with its interval."</p>
                </Show>
                <ul class="few-list">
                    {move || {
                        forecasts.with(|forecasts| {
                            let line = |one: &LayerForecast| view! { <Line one=one.clone() whole=forecasts.named.clone() /> };
                            forecasts.forecasts.iter().map(line).collect_view()
                        })
                    }}
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn Line(one: LayerForecast, whole: String) -> impl IntoView {
    let from: Vec<String> =
        one.from.iter().map(|run| format!("{}: {}", run.layers, format::duration_ms(run.median_ms))).collect();
    view! {
        <li>
            <EvidenceChip evidence=Evidence::Predicted />
            <strong class="number">{format::duration_ms(one.ms)}</strong>
            <span class="small">{format!("{} to {}", format::duration_ms(one.low_ms), format::duration_ms(one.high_ms))}</span>
            <span class="quiet small">
                {format!("{whole} with {} on {} in {}; measured with {}", one.engine.label(), one.device_name, one.precision, from.join(", "))}
            </span>
        </li>
    }
}

/// Puts the small models into the list and leads to Launch with them chosen.
fn measure(app: App, few: Vec<ConfigText>, starting: RwSignal<bool>) {
    starting.set(true);
    spawn_local(async move {
        let mut ids = Vec::new();
        for ConfigText { name, text } in few {
            match bridge::ask(AddConfigText { name, text: text.unwrap_or_default() }).await {
                Ok(model) => ids.push(model.id),
                Err(failure) => {
                    starting.try_set(false);
                    return app.tell_failure(&failure);
                }
            }
        }
        starting.try_set(false);
        app.go(Place::Launch);
        app.wanted_models.set(ids);
    });
}
