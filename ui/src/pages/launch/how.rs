//! Third step: precisions, batches, sizes, threads and time.

use super::{
    Draft,
    draft::{asked_dims, asks_padding},
};
use crate::{
    load::Load,
    parts::{Segmented, dim_question, dim_typed, usual_threads},
    state::App,
};
use contract::{DEFAULT_OUTPUT, Dim, DimRole, MOST_PADDING, Machine, Mode, ModelInfo, Precision, Target};
use leptos::prelude::*;

#[component]
pub fn HowStep(models: Load<Vec<ModelInfo>>, machine: Load<Machine>) -> impl IntoView {
    let app = App::get();
    let draft = Draft::get();
    let offered = Memo::new(move |_| offered_precisions(draft, &models, &machine));
    // What is no longer offered is not asked for unseen: an ONNX file is in one precision, which few engines lower.
    Effect::new(move |_| {
        let offered = offered.get();
        if let Some(first) = offered.first() {
            draft.precisions.update(|chosen| {
                chosen.retain(|precision| offered.contains(precision));
                if chosen.is_empty() {
                    chosen.push(*first);
                }
            });
        }
    });
    let shown = move || offered.with(|offered| if offered.is_empty() { vec![Precision::F32] } else { offered.clone() });
    let dims = Memo::new(move |_| free_dims(draft, &models));
    let padded = Memo::new(move |_| {
        let mode = draft.mode.get();
        chosen_models(draft, &models, |models| models.iter().any(|model| asks_padding(model, mode)))
    });
    let cores = Memo::new(move |_| machine.value.with(|machine| machine.ready().map(|machine| machine.physical_cores)));
    view! {
        <section class="panel step" aria-labelledby="step-how">
            <header class="panel-head">
                <h2 id="step-how"><span class="step-number">"3"</span>"How"</h2>
                <span class="quiet small">"Several values, apart by commas, make a sweep over all of them."</span>
            </header>
            <div class="how-mode">
                <Segmented
                    options=vec![
                        (Mode::Inference, "One pass".into(), "mode-inference".into()),
                        (Mode::Generation, "Generation".into(), "mode-generation".into()),
                    ]
                    chosen=draft.mode
                    label="What is measured"
                    on_choose=move |mode| draft.mode.set(mode)
                />
                <span class="hint">
                    {move || match draft.mode.get() {
                        Mode::Generation => "Writes text token by token, as a chat does: time to the first token, time per token and tokens per second. For models that write text, such as gpt2, llama, t5, whisper or llava.",
                        _ => "Reads its inputs once and answers: the time of one call.",
                    }}
                </span>
            </div>
            <div class="how-grid">
                <div class="field" role="group" aria-label="Precision">
                    <span class="label">"Precision"</span>
                    <div class="row wrap">
                        {move || shown().into_iter().map(|precision| view! { <PrecisionCheck precision /> }).collect_view()}
                    </div>
                    <span class="hint">"How many bits each number takes. f32 is the reference; what another costs in exactness stands beside its speed."</span>
                    {move || as_they_are(draft, &models, &machine).map(|told| view! {
                        <span class="hint" data-testid="precision-as-it-is">{told}</span>
                    })}
                </div>
                <NumberField label="Batch" hint="How many samples go in together." placeholder="1".into() value=draft.batches testid="batches" />
                {move || dims.get().into_iter().map(|(dim, is_size)| view! { <DimField dim is_size /> }).collect_view()}
                <Show when=move || padded.get()>
                    <NumberField
                        label="How much of the texts is padding? (%)"
                        hint=format!("Shorter texts of a batch are filled up to the longest, and the model passes over what was filled. At most {MOST_PADDING}.")
                        placeholder="0".into()
                        value=draft.padding
                        testid="padding"
                    />
                </Show>
                <Show when=move || draft.mode.get() == Mode::Generation>
                    <NumberField
                        label="How many tokens to write?"
                        hint="After each prompt. At least 2."
                        placeholder=DEFAULT_OUTPUT.to_string()
                        value=draft.output
                        testid="output-tokens"
                    />
                </Show>
                <NumberField
                    label="CPU threads"
                    hint=format!("Empty uses {}.", app.settings.with(usual_threads))
                    placeholder=app.settings.with(|settings| settings.threads).or(cores.get()).map_or_else(String::new, |threads| threads.to_string())
                    value=draft.threads
                    testid="threads"
                />
                <NumberField
                    label="Seconds for each measurement"
                    hint="The longest. It ends sooner once the figure is steady."
                    placeholder=app.settings.with(|settings| settings.budget_secs.to_string())
                    value=draft.budget_secs
                    testid="budget"
                />
            </div>
        </section>
    }
}

#[component]
fn PrecisionCheck(precision: Precision) -> impl IntoView {
    let draft = Draft::get();
    let chosen = Memo::new(move |_| draft.precisions.with(|chosen| chosen.contains(&precision)));
    let toggle = move |_| {
        draft.precisions.update(|chosen| match chosen.iter().position(|other| *other == precision) {
            Some(at) => drop(chosen.remove(at)),
            None => chosen.push(precision),
        });
    };
    view! {
        <label class="check" title=meaning(precision)>
            <input type="checkbox" data-testid=format!("precision-{}", precision.key()) prop:checked=chosen on:change=toggle />
            {precision.label()}
        </label>
    }
}

fn meaning(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "32 bits for each number: the reference for the others",
        Precision::F16 => "16 bits for each number, with small steps and a small range",
        Precision::Bf16 => "16 bits for each number, with large steps and the range of f32",
        Precision::Int8 => "8 bits for weights and activations; ranges are taken anew in each call",
        Precision::Int8Static => {
            "8 bits for weights and activations; ranges are calibrated beforehand, on generated inputs"
        }
        Precision::Int4 => "4 bits for weights, in blocks of 32 with a scale each",
    }
}

#[component]
fn NumberField(
    label: &'static str,
    #[prop(into)] hint: String,
    placeholder: String,
    value: RwSignal<String>,
    testid: &'static str,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="label">{label}</span>
            <input class="input" inputmode="numeric" data-testid=testid placeholder=placeholder bind:value=value />
            <span class="hint">{hint}</span>
        </label>
    }
}

/// A free dimension of the chosen models, asked for in plain words. A sweep goes over sizes; what else there is has one
/// value.
#[component]
fn DimField(dim: Dim, is_size: bool) -> impl IntoView {
    let draft = Draft::get();
    let most = dim.max.map(|max| format!("At most {}.", dim_typed(&dim, max)));
    let hint = most.into_iter().chain((!is_size).then(|| "One value.".to_owned())).collect::<Vec<_>>().join(" ");
    let placeholder = dim_typed(&dim, dim.default);
    let field = match dim.role {
        DimRole::ImageSize if is_size => {
            view! { <input class="input" inputmode="numeric" data-testid="image-sizes" placeholder=placeholder bind:value=draft.image_sizes /> }
                .into_any()
        }
        DimRole::Sequence if is_size => {
            view! { <input class="input" inputmode="numeric" data-testid="lengths" placeholder=placeholder bind:value=draft.lengths /> }
                .into_any()
        }
        DimRole::Sound if is_size => {
            view! { <input class="input" inputmode="decimal" data-testid="sounds" placeholder=placeholder bind:value=draft.sounds /> }
                .into_any()
        }
        _ => {
            let read = dim.name.clone();
            let write = dim.name.clone();
            view! {
                <input
                    class="input"
                    inputmode="numeric"
                    placeholder=placeholder
                    prop:value=move || draft.dims.with(|dims| dims.get(&read).cloned().unwrap_or_default())
                    on:input=move |event| {
                        draft.dims.update(|dims| drop(dims.insert(write.clone(), event_target_value(&event))));
                    }
                />
            }
            .into_any()
        }
    };
    let is_text = dim.role == DimRole::Sequence;
    let question = move || match draft.mode.get() {
        Mode::Generation if is_text => "How many tokens in the prompt?".to_owned(),
        _ => dim_question(&dim),
    };
    view! {
        <label class="field">
            <span class="label">{question}</span>
            {field}
            <span class="hint">{hint}</span>
        </label>
    }
}

/// None while nothing is chosen that has one.
fn offered_precisions(draft: Draft, models: &Load<Vec<ModelInfo>>, machine: &Load<Machine>) -> Vec<Precision> {
    let targets = chosen_targets(draft, machine);
    chosen_models(draft, models, |models| {
        let offered = |precision: &Precision| {
            targets.iter().any(|target| {
                target.precisions.contains(precision)
                    && models.iter().any(|model| model.runs_in(*precision, &target.engine))
            })
        };
        Precision::ALL.iter().copied().filter(offered).collect()
    })
}

/// Why a chosen file in f32 is offered in no other precision on some of the chosen engines.
fn as_they_are(draft: Draft, models: &Load<Vec<ModelInfo>>, machine: &Load<Machine>) -> Option<String> {
    let targets = chosen_targets(draft, machine);
    let mut engines: Vec<String> =
        targets.iter().filter(|target| !target.engine.lowers_f32()).map(|target| target.engine.label()).collect();
    engines.sort();
    engines.dedup();
    let any_file = chosen_models(draft, models, |models| models.iter().any(|model| !model.lowered().is_empty()));
    let told = format!("An ONNX file in f32 runs as it is on {}; OpenVINO can lower it by itself.", engines.join(", "));
    (any_file && !engines.is_empty()).then_some(told)
}

fn chosen_targets(draft: Draft, machine: &Load<Machine>) -> Vec<Target> {
    let targets = draft.targets.get();
    machine.value.with(|machine| {
        let found = |machine: &Machine| -> Vec<Target> {
            targets.iter().filter_map(|target| machine.target(&target.engine, &target.device)).cloned().collect()
        };
        machine.ready().map(found).unwrap_or_default()
    })
}

fn chosen_models<T>(draft: Draft, models: &Load<Vec<ModelInfo>>, read: impl FnOnce(&[&ModelInfo]) -> T) -> T {
    let chosen = draft.models.get();
    models.value.with(|models| {
        let chosen = models.ready().into_iter().flatten().filter(|model| chosen.contains(&model.id));
        read(&chosen.collect::<Vec<_>>())
    })
}

/// The free dimensions of all chosen models, each once, with whether it is a size; the batch has a field of its own.
fn free_dims(draft: Draft, models: &Load<Vec<ModelInfo>>) -> Vec<(Dim, bool)> {
    let mode = draft.mode.get();
    chosen_models(draft, models, |models| {
        let mut dims: Vec<(Dim, bool)> = Vec::new();
        for model in models {
            for (dim, is_size) in asked_dims(model, mode) {
                let same = |(other, other_is_size): &&mut (Dim, bool)| {
                    other.role == dim.role && *other_is_size == is_size && (is_size || other.name == dim.name)
                };
                match dims.iter_mut().find(same) {
                    // The smallest limit holds for all of them.
                    Some((known, _)) => known.max = smallest(known, dim),
                    None => dims.push((dim.clone(), is_size)),
                }
            }
        }
        dims
    })
}

/// In pieces of the first; models may count sound in others.
fn smallest(known: &Dim, dim: &Dim) -> Option<u32> {
    let max = dim.max.map(|max| match (known.unit(), dim.unit().and_then(|unit| unit.secs(max))) {
        (Some(unit), Some(secs)) => unit.of_secs(secs).unwrap_or(u32::MAX),
        _ => max,
    });
    [known.max, max].into_iter().flatten().min()
}
