//! Second step: on which engines and devices. What is missing is listed with its remedy.

use super::{Draft, draft::ready_targets};
use crate::{load::Load, parts::*};
use contract::{Availability, EngineStatus, Machine, Target, TargetChoice};
use leptos::prelude::*;

#[component]
pub fn TargetStep(machine: Load<Machine>) -> impl IntoView {
    let draft = Draft::get();
    view! {
        <section class="panel step" aria-labelledby="step-target">
            <header class="panel-head">
                <h2 id="step-target"><span class="step-number">"2"</span>"Where"</h2>
                <Button small=true on_press=move |_| choose_all(draft, machine)>"All that are ready"</Button>
            </header>
            <WhenLoaded load=machine rows=3 ready=move |machine| view! { <Targets machine /> } />
        </section>
    }
}

fn choose_all(draft: Draft, machine: Load<Machine>) {
    machine.value.with_untracked(|machine| {
        if let Some(machine) = machine.ready() {
            draft.targets.set(ready_targets(machine));
        }
    });
}

#[component]
fn Targets(machine: Machine) -> impl IntoView {
    let (ready, missing): (Vec<_>, Vec<_>) = machine
        .engines
        .iter()
        .flat_map(|engine| engine.targets.iter().map(move |target| (engine.clone(), target.clone())))
        .partition(|(_, target)| target.availability.is_ready());
    let absent: Vec<EngineStatus> =
        machine.engines.iter().filter(|engine| engine.targets.is_empty()).cloned().collect();
    let unusable = missing.len() + absent.len();
    view! {
        {ready.is_empty().then(|| view! {
            <p class="inline-failure">"No engine is ready on this machine. What is missing, and how to get it, is listed below."</p>
        })}
        <ul class="choices" data-testid="target-list">
            {ready.into_iter().map(|(engine, target)| view! { <TargetChoiceRow engine target /> }).collect_view()}
        </ul>
        {(unusable > 0).then(|| view! {
            <details class="disclosure">
                <summary>
                    <Icon name="right" size=12 />
                    {format!("Not available here ({unusable})")}
                </summary>
                <ul class="missing-list">
                    {missing
                        .into_iter()
                        .map(|(engine, target)| view! {
                            <Missing name=format!("{} · {}", engine.name, target.device_name) availability=target.availability />
                        })
                        .collect_view()}
                    {absent
                        .into_iter()
                        .map(|engine| view! { <Missing name=engine.name availability=engine.availability /> })
                        .collect_view()}
                </ul>
            </details>
        })}
    }
}

#[component]
fn TargetChoiceRow(engine: EngineStatus, target: Target) -> impl IntoView {
    let draft = Draft::get();
    let choice = TargetChoice { engine: target.engine.clone(), device: target.device.clone() };
    let testid = format!("target-{}-{}", choice.engine, choice.device);
    let chosen = {
        let choice = choice.clone();
        Memo::new(move |_| draft.targets.with(|targets| targets.contains(&choice)))
    };
    let toggle = move |_| {
        draft.targets.update(|targets| match targets.iter().position(|target| *target == choice) {
            Some(at) => drop(targets.remove(at)),
            None => targets.push(choice.clone()),
        });
    };
    let version = engine.version.map(|version| format!(" {version}")).unwrap_or_default();
    view! {
        <li class="choice" class:chosen=chosen>
            <label class="check">
                <input type="checkbox" data-testid=testid prop:checked=chosen on:change=toggle />
                <span class="choice-text">
                    <span class="choice-name">{engine.name}<span class="quiet">{version}</span></span>
                    <span class="quiet small">{format!("{} · {}", target.platform, target.device_name)}</span>
                    {target.not_ranked.map(|reason| view! { <span class="small caution">{reason}</span> })}
                </span>
            </label>
            <span class="choice-figures small">
                {target.precisions.iter().map(|p| view! { <span class="chip neutral">{p.label()}</span> }).collect_view()}
            </span>
        </li>
    }
}

#[component]
fn Missing(name: String, availability: Availability) -> impl IntoView {
    let (reason, remedy) = match availability {
        Availability::Ready => ("It offers no device on this machine.".to_owned(), String::new()),
        Availability::Missing { reason, remedy } => (reason, remedy),
    };
    view! {
        <li>
            <strong>{name}</strong>
            <span class="quiet">{reason}</span>
            <span>{remedy}</span>
        </li>
    }
}
