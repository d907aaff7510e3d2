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
    let writes = Memo::new(move |_| known.writes());
    let mode = Memo::new(move |_| if writes.get() { draft.mode.get() } else { Mode::Inference });
    let output = Memo::new(move |_| output_read(&draft.output.get()));
    let is_wrong = Memo::new(move |_| mode.get() == Mode::Generation && output.get().is_none());
    let question = settled(move || {
        let mut dims = draft.dims.get();
        if mode.get() == Mode::Generation {
            dims.extend(output.get().map(|tokens| (OUTPUT.to_owned(), tokens)));
        }
        (draft.name.get(), draft.text.get(), mode.get(), dims)
    });
    let answer = load(move || {
        app.results.track();
        let (name, text, mode, dims) = question.get();
        sound.get().then_some(ForecastLayers { name, text, mode, dims })
    });
    let forecasts = Memo::new(move |_| answer.value.with(|answer| answer.ready().cloned().unwrap_or_default()));
    let useful = move || forecasts.with(|forecasts| forecasts.few.len() > 2);
    let none = move || forecasts.with(|forecasts| forecasts.forecasts.is_empty());
    let starting = RwSignal::new(false);
    let launch = Draft::get();
    let press = move |_| {
        launch.take_sizes(&known.dims(), &draft.dims.get_untracked());
        if mode.get_untracked() == Mode::Generation {
            launch.mode.set(Mode::Generation);
            launch.output.set(draft.output.get_untracked());
        }
        measure(app, forecasts.with_untracked(|forecasts| forecasts.few.clone()), starting);
    };
    view! {
        <Show when=useful>
            <section class="panel" aria-labelledby="model-few" data-testid="few">
                <header class="panel-head">
                    <h2 id="model-few">"From a few layers"</h2>
                    <Button small=true icon="launch" testid="few-measure" busy=starting disabled=is_wrong on_press=press>
                        "Measure with few layers"
                    </Button>
                </header>
                <Show when=move || writes.get()><Work is_wrong /></Show>
                <Show when=none>
                    <p class="quiet">"Too large or too slow to measure whole? It is measured with a few of its layers, and the time of all of them is predicted with its interval."</p>
                </Show>
                <ul class="few-list">
                    {move || {
                        // What cannot be a length was not asked for: the answer is of the usual one.
                        (!is_wrong.get()).then(|| forecasts.with(|forecasts| {
                            let line = |one: &LayerForecast| view! { <Line one=one.clone() whole=forecasts.named.clone() /> };
                            forecasts.forecasts.iter().map(line).collect_view()
                        }))
                    }}
                </ul>
            </section>
        </Show>
    }
}

/// One pass, or text of so many tokens.
#[component]
fn Work(is_wrong: Memo<bool>) -> impl IntoView {
    let draft = ModelDraft::get();
    let wrong = Signal::derive(move || is_wrong.get().then(|| "It must be a whole number of at least 2.".to_owned()));
    view! {
        <div class="few-work">
            <Segmented
                options=vec![
                    (Mode::Inference, "One pass".into(), "few-inference".into()),
                    (Mode::Generation, "Generation".into(), "few-generation".into()),
                ]
                chosen=draft.mode
                label="What is measured with few layers"
                on_choose=move |mode| draft.mode.set(mode)
            />
            <Show when=move || draft.mode.get() == Mode::Generation>
                <Field label="How many tokens to write?" hint="After a prompt as long as the input. At least 2." wrong=wrong>
                    <input
                        class="input"
                        inputmode="numeric"
                        data-testid="few-output"
                        placeholder=DEFAULT_OUTPUT.to_string()
                        bind:value=draft.output
                    />
                </Field>
            </Show>
        </div>
    }
}

#[component]
fn Line(one: LayerForecast, whole: String) -> impl IntoView {
    let words = |times: &LayerTimes| {
        let told = told(times).into_iter().map(|(time, what)| format!("{}{what}", format::duration_ms(time.ms)));
        told.collect::<Vec<_>>().join(" and ")
    };
    let from: Vec<String> = one.from.iter().map(|run| format!("{}: {}", run.layers, words(&run.times))).collect();
    let call = one.times.call;
    let text =
        one.times.tokens.map(|_| format!("; a whole text {} ({})", format::duration_ms(call.ms), interval(call)));
    let rate = one.tokens_per_s.map(|rate| format!("{} tokens/s", format::significant(rate)));
    view! {
        <li>
            <EvidenceChip evidence=Evidence::Predicted />
            {told(&one.times)
                .into_iter()
                .map(|(time, what)| view! {
                    <span class="few-time">
                        <strong class="number">{format!("{}{what}", format::duration_ms(time.ms))}</strong>
                        <span class="small">{interval(time)}</span>
                    </span>
                })
                .collect_view()}
            {rate.map(|rate| view! { <span class="small">{rate}</span> })}
            <span class="quiet small">
                {format!("{whole} with {} on {} in {}{}; measured with {}", one.engine.label(), one.device_name, one.precision, text.unwrap_or_default(), from.join(", "))}
            </span>
        </li>
    }
}

/// The times that a line leads with, each with what it is: of one pass there is one.
fn told(times: &LayerTimes) -> Vec<(MedianTime, &'static str)> {
    match times.tokens {
        None => vec![(times.call, "")],
        Some(TokenTimes { first, further }) => vec![(first, " to the first token"), (further, " per token")],
    }
}

fn interval(time: MedianTime) -> String {
    // What was measured tells no least time then.
    if time.low_ms <= 0.0 {
        return format!("at most {}", format::duration_ms(time.high_ms));
    }
    format!("{} to {}", format::duration_ms(time.low_ms), format::duration_ms(time.high_ms))
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
