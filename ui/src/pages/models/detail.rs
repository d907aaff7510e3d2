//! One model: its configuration to change on the left, what it then costs on the right.

use super::{
    ModelDraft, Source, costs,
    draft::{Opened, View},
    few, form, inputs, json,
    kind::Kind,
};
use crate::{
    load::{Loaded, load, settled},
    pages::Draft,
    parts::*,
    state::App,
};
use contract::{ConfigReading, DescribeModel, Dim, GetType, ModelDescription, Support, TypeRow, json_text};
use leptos::prelude::*;

/// What is known of the model, the last that made sense where the configuration makes none now.
#[derive(Clone, Copy)]
pub struct Known {
    pub reading: Memo<Option<ConfigReading>>,
    /// As the model is now, or was before something went wrong.
    pub description: Memo<Option<ModelDescription>>,
    /// As it was opened.
    pub before: RwSignal<Option<ModelDescription>>,
    /// Its type, where transformers knows it: there too where the type is not built.
    pub row: Memo<Option<TypeRow>>,
}

impl Known {
    /// The sizes that can be chosen for its inputs.
    pub fn dims(self) -> Vec<Dim> {
        self.description.with(|known| known.as_ref().map(|known| known.dims.clone()).unwrap_or_default())
    }

    /// Whether it writes text.
    pub fn writes(self) -> bool {
        self.description.with(|known| known.as_ref().is_some_and(|known| known.generation.is_some()))
    }

    /// Whether Assay builds no model of its type, whatever its configuration says.
    pub fn is_unbuilt(self) -> bool {
        self.row.with(|row| row.as_ref().is_some_and(|row| row.support != Support::Measured))
    }
}

#[component]
pub fn Detail(opened: Opened) -> impl IntoView {
    let (app, launch, draft) = (App::get(), Draft::get(), ModelDraft::get());
    let question = settled(move || (draft.described(), draft.dims.get()));
    let answer = load(move || {
        let (of, dims) = question.get();
        Some(DescribeModel { of: of?, dims })
    });
    let model_type = settled(move || draft.text.with(|text| model_type(text)));
    let row = load(move || {
        app.results.track();
        Some(GetType { model_type: model_type.get()? })
    });
    // What is written from nothing has no earlier state to be compared with.
    let comparable = opened.text.as_ref().is_none_or(|text| !text.is_empty());
    let known = know(answer.value, row.value, comparable);
    let described = Memo::new(move |_| known.description.with(Option::is_some));
    let sound = Memo::new(move |_| known.reading.with(|reading| reading.as_ref().is_some_and(|r| r.problem.is_none())));
    let has_text = opened.text.is_some();
    view! {
        <section class="page model" data-testid="page-model" aria-labelledby="model-title">
            <header class="page-head">
                <div class="grow">
                    <Button kind=ButtonKind::Ghost small=true icon="left" testid="model-back" on_press=move |_| draft.opened.set(None)>
                        "All models"
                    </Button>
                    <h1 id="model-title" class="visually-hidden">{opened.name.clone()}</h1>
                    <input class="model-name" aria-label="Name of the model" data-testid="model-name" bind:value=draft.name />
                    <p class="lead" data-testid="model-about">{move || about(&known)}</p>
                </div>
                <div class="page-tools">
                    <Show when=move || draft.is_changed()>
                        <Button kind=ButtonKind::Ghost icon="again" testid="model-restore" on_press=move |_| draft.restore()>"Undo changes"</Button>
                    </Show>
                    <Button
                        icon="plus"
                        testid="model-save"
                        disabled=Signal::derive(move || !(sound.get() && has_text))
                        on_press=move |_| draft.save(app)
                    >
                        "Save as my model"
                    </Button>
                    <Button
                        kind=ButtonKind::Primary
                        icon="launch"
                        testid="model-measure"
                        disabled=Signal::derive(move || !sound.get())
                        on_press=move |_| draft.measure(app, launch, known.dims())
                    >
                        "Measure"
                    </Button>
                </div>
            </header>
            <div class="model-columns">
                <div class="model-left">
                    {has_text.then(|| view! { <Config known /> })}
                    <inputs::Inputs known />
                </div>
                <div class="model-right">
                    {move || answer.failure().map(|failure| view! { <InlineFailure failure /> })}
                    <Show when=move || !described.get()><Kind known /></Show>
                    <costs::Costs known />
                    {has_text.then(|| view! { <few::Few known /> })}
                    <Show when=move || described.get()><Kind known /></Show>
                </div>
            </div>
        </section>
    }
}

/// The type that a configuration names.
fn model_type(text: &str) -> Option<String> {
    let written = &text[json_text::value_at(text, "model_type")?];
    let name = written.strip_prefix('"')?.strip_suffix('"')?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn know(answer: RwSignal<Loaded<ConfigReading>>, row: RwSignal<Loaded<TypeRow>>, comparable: bool) -> Known {
    let row = Memo::new(move |_| row.with(|row| row.ready().cloned()));
    let reading = Memo::new(move |_| answer.with(|answer| answer.ready().cloned()));
    let description = Memo::new(move |last: Option<&Option<ModelDescription>>| {
        let now = reading.with(|reading| reading.as_ref().and_then(|reading| reading.description.clone()));
        now.or_else(|| last.cloned().flatten())
    });
    let before = RwSignal::new(None);
    Effect::new(move |_| {
        if comparable && before.with_untracked(Option::is_none) && description.with(Option::is_some) {
            before.set(description.get_untracked());
        }
    });
    Known { reading, description, before, row }
}

fn about(known: &Known) -> String {
    if known.is_unbuilt() {
        return "Assay does not build models of this type. What is known of it stands below.".to_owned();
    }
    known.description.with(|description| {
        let Some(description) = description else { return "A model is built from its configuration alone.".to_owned() };
        let class = description.class.as_deref().unwrap_or(&description.model_type);
        format!("{class} · {}", description.about)
    })
}

/// The configuration, as a form or as text.
#[component]
fn Config(known: Known) -> impl IntoView {
    let draft = ModelDraft::get();
    view! {
        <section class="panel" aria-labelledby="model-config">
            <header class="panel-head">
                <h2 id="model-config">"Configuration"</h2>
                <Segmented
                    options=vec![
                        (View::Form, "Form".into(), "model-form".into()),
                        (View::Text, "config.json".into(), "model-text".into()),
                    ]
                    chosen=draft.view
                    label="How to change it"
                    on_choose=move |view| draft.view.set(view)
                />
            </header>
            <Problem known />
            {move || match draft.view.get() {
                View::Form => view! { <form::Form known /> }.into_any(),
                View::Text => view! { <json::Text known /> }.into_any(),
            }}
            <Show when=move || untied(draft, &known)>
                <p class="quiet small">"Changed from a model with trained weights: the changed one is filled with random numbers. Its times and memory are real, its answers mean nothing."</p>
            </Show>
        </section>
    }
}

/// A trained model that was changed has other weights.
fn untied(draft: ModelDraft, known: &Known) -> bool {
    let listed = draft.opened.with(|opened| matches!(opened, Some(Opened { source: Source::Listed(_), .. })));
    let trained = known.before.with(|before| before.as_ref().is_some_and(|before| !before.random_weights));
    listed && trained && draft.is_changed()
}

/// Why there is no model at the moment.
#[component]
fn Problem(known: Known) -> impl IntoView {
    let problem = Memo::new(move |_| {
        known.reading.with(|reading| {
            let problem = reading.as_ref()?.problem.as_ref().filter(|problem| problem.dim.is_none())?;
            let place = match (&problem.line, &problem.key) {
                (Some(line), Some(key)) => format!("Line {line}, {key}: "),
                (Some(line), None) => format!("Line {line}: "),
                (None, Some(key)) => format!("{key}: "),
                (None, None) => String::new(),
            };
            let remedy = if problem.remedy.is_empty() {
                String::new()
            } else {
                format!(" {}.", problem.remedy.trim_end_matches('.'))
            };
            Some(format!("{place}{}.{remedy}", problem.reason.trim_end_matches('.')))
        })
    });
    move || {
        problem.get().map(|problem| {
            view! {
                <div class="inline-failure" role="alert" data-testid="model-problem">
                    <Icon name="error" />
                    <span>{problem}</span>
                </div>
            }
        })
    }
}
