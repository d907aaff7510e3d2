//! First step: which models. Presets, files, and configs pasted as text.

use super::Draft;
use crate::{actions, bridge, load::Load, parts::*, state::App};
use chart::format;
use contract::{AddConfigText, AddModel, Failure, ModelId, ModelInfo, ModelOrigin, PickModelFile, RemoveModel};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn ModelStep(models: Load<Vec<ModelInfo>>) -> impl IntoView {
    let pasting = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let adding = RwSignal::new(false);
    let draft = Draft::get();
    view! {
        <section class="panel step" aria-labelledby="step-model">
            <header class="panel-head">
                <h2 id="step-model"><span class="step-number">"1"</span>"Model"</h2>
                <div class="row">
                    <Button small=true icon="file" testid="add-model" busy=adding on_press=move |_| pick(draft, failure, adding)>
                        "Open file…"
                    </Button>
                    <Button small=true icon="plus" testid="paste-config" on_press=move |_| pasting.update(|open| *open = !*open)>
                        "Paste config…"
                    </Button>
                </div>
            </header>
            {move || pasting.get().then(|| view! { <PasteConfig failure pasting /> })}
            {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
            <WhenLoaded load=models rows=4 ready=move |models| view! {
                <div class="choices long" data-testid="model-list">
                    {groups(models).into_iter().map(|(name, models)| view! { <Group name models /> }).collect_view()}
                </div>
            } />
            <p class="quiet small">"Or drop a config.json, .onnx or .safetensors file anywhere on the window."</p>
        </section>
    }
}

/// A person's own models, then those that ship, by what they read; in each group in the order of the list.
fn groups(models: Vec<ModelInfo>) -> Vec<(&'static str, Vec<ModelInfo>)> {
    let mut groups: Vec<(&'static str, Vec<ModelInfo>)> = Vec::new();
    for model in models {
        let name = group(&model);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(model),
            None => groups.push((name, vec![model])),
        }
    }
    groups
}

fn group(model: &ModelInfo) -> &'static str {
    if model.origin != ModelOrigin::Preset {
        return "Yours";
    }
    let reads = |names: &[&str]| model.inputs.iter().any(|input| names.contains(&input.name.as_str()));
    let (images, sound) = (reads(&["pixel_values"]), reads(&["input_values", "input_features"]));
    match (reads(&["input_ids"]), images, sound) {
        (true, true, _) => "Images or video with text",
        (true, false, true) => "Sound with text",
        (true, false, false) => "Text",
        (false, true, _) => "Images",
        (false, false, true) => "Sound",
        (false, false, false) => "Parts of image generators",
    }
}

#[component]
fn Group(name: &'static str, models: Vec<ModelInfo>) -> impl IntoView {
    view! {
        <h3 class="choice-group">{name}</h3>
        <ul aria-label=name>{models.into_iter().map(|model| view! { <ModelChoice model /> }).collect_view()}</ul>
    }
}

#[component]
fn ModelChoice(model: ModelInfo) -> impl IntoView {
    let draft = Draft::get();
    let id = model.id.clone();
    let chosen = {
        let id = id.clone();
        Memo::new(move |_| draft.models.with(|models| models.contains(&id)))
    };
    let toggle = {
        let id = id.clone();
        move |_| {
            draft.models.update(|models| match models.iter().position(|model| *model == id) {
                Some(at) => drop(models.remove(at)),
                None => models.push(id.clone()),
            })
        }
    };
    let app = App::get();
    let removable = model.origin != ModelOrigin::Preset;
    let name = model.name.clone();
    view! {
        <li class="choice" class:chosen=chosen>
            <label class="check">
                <input type="checkbox" data-testid=format!("model-{}", model.id) prop:checked=chosen on:change=toggle />
                <span class="choice-text">
                    <span class="choice-name">{model.name.clone()}</span>
                    <span class="quiet small">{model.about.clone()}</span>
                </span>
            </label>
            <span class="choice-figures small">
                {model.parameters.map(|count| view! {
                    <span title="Parameters">{format::parameters(count)}</span>
                })}
                <span class="quiet" title="Weights at f32">{format::bytes(model.weight_bytes)}</span>
            </span>
            {removable.then(|| view! {
                <IconButton
                    icon="close"
                    small=true
                    label=format!("Remove {name} from the list")
                    on_press=move |_| remove(app, draft, id.clone())
                />
            })}
        </li>
    }
}

#[component]
fn PasteConfig(failure: RwSignal<Option<Failure>>, pasting: RwSignal<bool>) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());
    let draft = Draft::get();
    let add = move |_| {
        spawn_local(async move {
            let name = match name.get_untracked().trim() {
                "" => "Pasted model".to_owned(),
                name => name.to_owned(),
            };
            let answer = bridge::ask(AddConfigText { name, text: text.get_untracked() }).await;
            if answer.is_ok() {
                pasting.try_set(false);
            }
            settle(draft, answer, failure);
        });
    };
    view! {
        <div class="paste stack">
            <Field label="Name">
                <TextInput value=name placeholder="My model" testid="config-name" />
            </Field>
            <Field
                label="config.json of a Hugging Face model"
                hint="The model is built from this text alone and filled with random weights: its times and memory are real, its answers mean nothing."
            >
                <textarea class="input mono" rows="6" spellcheck="false" data-testid="config-text"
                    placeholder="{ \"model_type\": \"bert\", … }" bind:value=text></textarea>
            </Field>
            <div class="row">
                <Button
                    kind=ButtonKind::Primary
                    testid="config-add"
                    disabled=Signal::derive(move || text.with(|text| text.trim().is_empty()))
                    on_press=add
                >
                    "Add model"
                </Button>
                <Button kind=ButtonKind::Ghost on_press=move |_| pasting.set(false)>"Close"</Button>
            </div>
        </div>
    }
}

fn pick(draft: Draft, failure: RwSignal<Option<Failure>>, adding: RwSignal<bool>) {
    adding.set(true);
    spawn_local(async move {
        match bridge::ask(PickModelFile {}).await {
            Ok(Some(path)) => settle(draft, bridge::ask(AddModel { path }).await, failure),
            Ok(None) => {}
            Err(reason) => drop(failure.try_set(Some(reason))),
        }
        adding.try_set(false);
    });
}

/// Chooses the model that was added, or shows why it was refused.
fn settle(draft: Draft, answer: Result<ModelInfo, Failure>, failure: RwSignal<Option<Failure>>) {
    match answer {
        Ok(model) => {
            draft.models.update(|models| {
                if !models.contains(&model.id) {
                    models.push(model.id);
                }
            });
            failure.try_set(None);
        }
        Err(reason) => drop(failure.try_set(Some(reason))),
    }
}

fn remove(app: App, draft: Draft, id: ModelId) {
    actions::send(app, RemoveModel { id: id.clone() }, move |_, ()| {
        draft.models.update(|models| models.retain(|model| *model != id));
    });
}
