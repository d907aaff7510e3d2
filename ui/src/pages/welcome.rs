//! First steps: from nothing to a first real measurement in three clicks.

use super::Draft;
use crate::{
    actions,
    load::{Load, Loaded, load},
    parts::*,
    state::{App, Place},
};
use contract::{GetMachine, ListModels, Machine, Mode, ModelId, ModelInfo, ModelOrigin, Plan, Precision};
use leptos::prelude::*;
use std::collections::BTreeMap;

#[component]
pub fn Welcome() -> impl IntoView {
    let app = App::get();
    let models = load(|| Some(ListModels {}));
    let machine = load(move || {
        app.machine.track();
        Some(GetMachine {})
    });
    let chosen = RwSignal::new(None::<ModelId>);
    let starting = RwSignal::new(false);
    let draft = Draft::get();
    let chosen_now = Memo::new(move |_| {
        chosen.get().or_else(|| models.value.with(|models| models.ready()?.first().map(|model| model.id.clone())))
    });
    let plan = move || Some(first_plan(app, chosen_now.get()?, machine.value.get().ready()?));
    let press = move |_| {
        if let Some(plan) = plan() {
            finish(app);
            super::launch::start(app, draft, plan, starting);
            app.go(Place::Launch);
        }
    };
    let can_start = move || plan().is_some_and(|plan| !plan.targets.is_empty());
    view! {
        <section class="page welcome" aria-labelledby="welcome-title">
            <div class="page-scroll">
                <div class="welcome-column">
                    <Mark size=44 />
                    <h1 id="welcome-title">"Where should your model run?"</h1>
                    <p class="welcome-lead">
                        "Assay measures AI models on every engine and device of this machine and keeps every sample. "
                        "Nothing leaves this machine, nothing is downloaded."
                    </p>
                    <h2>"Choose a model to start with"</h2>
                    <WhenLoaded load=models rows=3 ready=move |models| view! {
                        <div class="starters" role="radiogroup" aria-label="Model">
                            {models
                                .into_iter()
                                .filter(|model| model.origin == ModelOrigin::Preset)
                                .take(3)
                                .map(|model| view! { <Starter model chosen chosen_now /> })
                                .collect_view()}
                        </div>
                    } />
                    <p class="quiet">{move || places(&machine)}</p>
                    <div class="row wrap">
                        <Button
                            kind=ButtonKind::Primary
                            large=true
                            icon="launch"
                            testid="welcome-start"
                            busy=starting
                            disabled=Signal::derive(move || !can_start())
                            on_press=press
                        >
                            "Measure it here"
                        </Button>
                        <Button
                            kind=ButtonKind::Ghost
                            large=true
                            testid="welcome-own"
                            on_press=move |_| {
                                finish(app);
                                app.go(Place::Launch);
                            }
                        >
                            "Use my own model…"
                        </Button>
                        <Button
                            kind=ButtonKind::Ghost
                            large=true
                            testid="welcome-skip"
                            on_press=move |_| {
                                finish(app);
                                app.go(Place::Matrix);
                            }
                        >
                            "Look around first"
                        </Button>
                    </div>
                </div>
            </div>
        </section>
    }
}

#[component]
fn Starter(model: ModelInfo, chosen: RwSignal<Option<ModelId>>, chosen_now: Memo<Option<ModelId>>) -> impl IntoView {
    let id = model.id.clone();
    let mine = model.id.clone();
    let is_chosen = Memo::new(move |_| chosen_now.get().as_ref() == Some(&mine));
    view! {
        <button
            type="button"
            role="radio"
            class="starter"
            data-testid=format!("starter-{}", model.id)
            aria-checked=move || if is_chosen.get() { "true" } else { "false" }
            on:click=move |_| chosen.set(Some(id.clone()))
        >
            <strong>{model.name}</strong>
            <span class="quiet small">{model.about}</span>
            <span class="small">{model.parameters.map(chart::format::parameters)}</span>
        </button>
    }
}

/// Where the first measurement will run, or why it cannot.
fn places(machine: &Load<Machine>) -> String {
    machine.value.with(|machine| match machine {
        Loaded::Waiting => "Looking at what this machine has…".into(),
        Loaded::Failed(failure) => sentence(failure),
        Loaded::Ready(machine) => {
            let mut names: Vec<String> = Vec::new();
            for engine in &machine.engines {
                if engine.targets.iter().any(|target| target.availability.is_ready() && target.not_ranked.is_none()) {
                    names.push(engine.name.clone());
                }
            }
            match names.as_slice() {
                [] => {
                    "No engine is ready on this machine. “This machine” tells what is missing and how to get it.".into()
                }
                names => format!("It will run on {} with {}.", machine.cpu, listed(names)),
            }
        }
    })
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The chosen model at its default size, in f32, on all that is ready.
fn first_plan(app: App, model: ModelId, machine: &Machine) -> Plan {
    Plan {
        models: vec![model],
        targets: super::launch::ready_targets(machine),
        precisions: vec![Precision::F32],
        mode: Mode::Inference,
        batches: vec![1],
        sizes: BTreeMap::new(),
        dims: BTreeMap::new(),
        padding: BTreeMap::new(),
        threads: Vec::new(),
        seed: super::launch::SEED,
        budget_secs: app.settings.with(|settings| settings.budget_secs),
    }
}

/// The first steps were taken; the next start opens the matrix.
fn finish(app: App) {
    app.settings.update(|settings| settings.welcomed = true);
    actions::save_settings(app);
}
