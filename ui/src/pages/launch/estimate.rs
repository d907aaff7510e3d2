//! What it will take, before anything starts, and the one button that starts it.

use super::{Draft, View};
use crate::{
    bridge,
    load::{Load, Loaded, load},
    parts::*,
    state::App,
};
use chart::format;
use contract::{EstimatePlan, Machine, ModelInfo, Plan, PlanEstimate, SettingEstimate, StartPlan, counted};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn Summary(models: Load<Vec<ModelInfo>>, machine: Load<Machine>) -> impl IntoView {
    let app = App::get();
    let draft = Draft::get();
    let plan = Memo::new(move |_| {
        let budget = app.settings.with(|settings| settings.budget_secs);
        models.value.with(|models| models.ready().map(|models| draft.plan(models, budget)))
    });
    let estimate = load(move || Some(EstimatePlan { plan: plan.get()?.ok()? }));
    let starting = RwSignal::new(false);
    let can_start = move || {
        let some = estimate.value.with(|estimate| estimate.ready().is_some_and(|e| e.lines.iter().any(runs)));
        some && !starting.get() && plan.with(|plan| matches!(plan, Some(Ok(_))))
    };
    let press = move |_| {
        if let Some(Ok(plan)) = plan.get_untracked() {
            start(app, draft, plan, starting);
        }
    };
    view! {
        <aside class="launch-summary" aria-label="What it will take">
            <div class="panel stack">
                {move || match (plan.get(), estimate.value.get()) {
                    (Some(Err(wrong)), _) => view! { <Wrong wrong /> }.into_any(),
                    (None, _) | (_, Loaded::Waiting) => {
                        view! { <Loading rows=2 /> }.into_any()
                    }
                    (_, Loaded::Failed(failure)) => view! { <InlineFailure failure /> }.into_any(),
                    (_, Loaded::Ready(estimate)) => view! { <Needs estimate machine models /> }.into_any(),
                }}
                <Button
                    kind=ButtonKind::Primary
                    large=true
                    icon="launch"
                    testid="start"
                    busy=starting
                    disabled=Signal::derive(move || !can_start())
                    on_press=press
                >
                    "Measure"
                </Button>
            </div>
        </aside>
    }
}

/// Starts a sweep and shows it running; what could not start is told.
pub fn start(app: App, draft: Draft, plan: Plan, starting: RwSignal<bool>) {
    starting.set(true);
    spawn_local(async move {
        match bridge::ask(StartPlan { plan }).await {
            Ok(_) => draft.view.set(View::Running),
            Err(failure) => app.tell_failure(&failure),
        }
        starting.try_set(false);
    });
}

fn runs(line: &SettingEstimate) -> bool {
    line.refusal.is_none()
}

#[component]
fn Wrong(wrong: Vec<String>) -> impl IntoView {
    view! {
        <h2>"Not ready to start"</h2>
        <ul class="wrong-list" data-testid="plan-wrong">
            {wrong.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view()}
        </ul>
    }
}

#[component]
fn Needs(estimate: PlanEstimate, machine: Load<Machine>, models: Load<Vec<ModelInfo>>) -> impl IntoView {
    let refused: Vec<SettingEstimate> = estimate.lines.iter().filter(|line| !runs(line)).cloned().collect();
    let measurements = estimate.lines.len() - refused.len();
    let name = move |line: &SettingEstimate| {
        let model = models.value.with_untracked(|models| {
            let found = models.ready().into_iter().flatten().find(|model| model.id == line.setting.model);
            found.map_or_else(|| line.setting.model.to_string(), |model| model.name.clone())
        });
        let place = machine.value.with_untracked(|machine| {
            let target = machine.ready().and_then(|machine| machine.target(&line.setting.engine, &line.setting.device));
            target.map_or_else(|| line.setting.device.to_string(), |target| target.device_name.clone())
        });
        format!("{model} · {} on {place} · {}", line.setting.engine.label(), line.setting.precision)
    };
    view! {
        {match measurements {
            0 => view! { <p class="summary-time" data-testid="nothing-runs">"None of this can run here"</p> }.into_any(),
            measurements => view! { <Costs measurements estimate /> }.into_any(),
        }}
        {(!refused.is_empty()).then(|| view! {
            <div class="refused-list" data-testid="refused">
                <h4>{format!("Cannot run ({})", refused.len())}</h4>
                <ul>
                    {refused
                        .iter()
                        .map(|line| view! {
                            <li>
                                <strong>{name(line)}</strong>
                                <span>{line.refusal.clone()}</span>
                            </li>
                        })
                        .collect_view()}
                </ul>
            </div>
        })}
    }
}

/// Time, memory and disk of what can run.
#[component]
fn Costs(measurements: usize, estimate: PlanEstimate) -> impl IntoView {
    let memory_tight = estimate.peak_memory_bytes > estimate.available_memory_bytes;
    let bases = bases(&estimate.lines);
    view! {
        <div>
            <p class="quiet small">{counted(measurements as u64, "measurement")}</p>
            <p class="summary-time" data-testid="estimate">"about "{format::duration_secs(estimate.total_secs)}</p>
            {(!bases.is_empty()).then(|| view! { <p class="quiet small">{bases}</p> })}
        </div>
        <dl class="facts">
            <dt>"Memory needed"</dt>
            <dd class:caution=memory_tight>
                {format::bytes(estimate.peak_memory_bytes)}" of "{format::bytes(estimate.available_memory_bytes)}" free"
            </dd>
            <dt>"Disk to write"</dt>
            <dd>{match estimate.disk_bytes {
                0 => "nothing".to_owned(),
                bytes => {
                    format!("{} of {} available", format::bytes(bytes), format::bytes(estimate.available_disk_bytes))
                }
            }}</dd>
        </dl>
    }
}

/// What the estimate rests on, each basis once.
fn bases(lines: &[SettingEstimate]) -> String {
    let mut bases: Vec<&str> = Vec::new();
    for line in lines.iter().filter(|line| runs(line)) {
        if !bases.contains(&line.basis.as_str()) {
            bases.push(&line.basis);
        }
    }
    match bases.as_slice() {
        [] => String::new(),
        bases => format!("Estimated from {}.", bases.join("; ")),
    }
}
