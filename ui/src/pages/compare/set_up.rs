//! Which two settings: each from what is ready here, or from a stored result.

use super::draft::{CompareDraft, SideDraft, View};
use crate::{
    bridge,
    load::{Load, load},
    pages::{ready_targets, size_dim},
    parts::*,
    state::App,
    time,
};
use contract::*;
use leptos::{prelude::*, task::spawn_local};

/// Stored results that a setting may be taken from.
const OFFERED_RESULTS: u32 = 60;

#[component]
pub fn SetUp(models: Load<Vec<ModelInfo>>, machine: Load<Machine>) -> impl IntoView {
    let app = App::get();
    let draft = CompareDraft::get();
    let results = load(move || {
        app.results.track();
        // One pass is what is compared.
        let filter = Filter { evidence: vec![Evidence::Measured], modes: vec![Mode::Inference], ..Filter::default() };
        Some(ListRuns { filter, order: RunOrder::Newest, offset: 0, limit: OFFERED_RESULTS })
    });
    let nothing_ready =
        move || machine.value.with(|machine| machine.ready().is_some_and(|machine| ready_targets(machine).is_empty()));
    view! {
        {move || nothing_ready().then(|| view! {
            <p class="inline-failure">"No engine is ready on this machine, so nothing can be measured. “This machine” tells what is missing and how to get it."</p>
        })}
        <div class="versus-sides">
            {[draft.a, draft.b].into_iter().map(|side| view! { <SidePanel side models machine results /> }).collect_view()}
        </div>
        <Terms models machine />
    }
}

#[component]
fn SidePanel(
    side: SideDraft,
    models: Load<Vec<ModelInfo>>,
    machine: Load<Machine>,
    results: Load<RunPage>,
) -> impl IntoView {
    let app = App::get();
    let key = side.key();
    let testid = move |what: &str| format!("compare-{key}-{what}");
    let model_options = Signal::derive(move || models.value.with(|models| model_options(models.ready(), key)));
    let target_options = Signal::derive(move || machine.value.with(|machine| target_options(machine.ready(), key)));
    let offered = Memo::new(move |_| {
        let target = side.target.get()?;
        machine.value.with(|machine| Some(machine.ready()?.target(&target.engine, &target.device)?.precisions.clone()))
    });
    let precision_options = Signal::derive(move || offered.with(|offered| precision_options(offered.as_deref(), key)));
    // What is no longer offered is not asked for unseen.
    Effect::new(move |_| {
        let precision = side.precision.get();
        let first = offered.with(|offered| {
            let offered = offered.as_ref().filter(|offered| !offered.contains(&precision))?;
            offered.first().copied()
        });
        if let Some(first) = first {
            side.precision.set(first);
        }
    });
    let result_options = Signal::derive(move || results.value.with(|results| result_options(results.ready())));
    let size = Memo::new(move |_| {
        models.value.with(|models| {
            let id = side.model.get()?;
            let model = models.ready()?.iter().find(|model| model.id == id)?;
            size_dim(model).cloned()
        })
    });
    let take = move |id: RunId| {
        results.value.with_untracked(|page| {
            if let Some(row) = page.ready().and_then(|page| page.rows.iter().find(|row| row.id == id)) {
                side.take(row);
            }
        });
    };
    let any_results =
        Memo::new(move |_| results.value.with(|page| page.ready().is_some_and(|page| !page.rows.is_empty())));
    let size_testid = StoredValue::new(testid("size"));
    let further_testid = StoredValue::new(testid("further"));
    view! {
        <section class="panel versus-side" aria-label=format!("Setting {}", side.side.label())>
            <header class="panel-head">
                <h2><span class="versus-badge">{side.side.label()}</span></h2>
                <Show when=move || any_results.get()>
                    <div class="versus-from">
                        <Select options=result_options chosen=Signal::derive(|| None) label="Take the setting of a stored result" placeholder="As in a stored result…" on_choose=take />
                    </div>
                </Show>
            </header>
            <div class="versus-fields">
                <Field label="Model">
                    <Select options=model_options chosen=side.model label="Model" placeholder="Choose a model" testid=testid("model") on_choose=move |id| side.choose_model(id) />
                </Field>
                <Field label="Where">
                    <Select options=target_options chosen=side.target label="Where" placeholder="Choose an engine" testid=testid("target") on_choose=move |target| side.target.set(Some(target)) />
                </Field>
                <Field label="Precision">
                    <Select options=precision_options chosen=Signal::derive(move || Some(side.precision.get())) label="Precision" placeholder="Choose a precision" testid=testid("precision") on_choose=move |one| side.precision.set(one) />
                </Field>
                <Field label="Batch">
                    <TextInput value=side.batch placeholder="1" testid=testid("batch") />
                </Field>
                {move || size.get().map(|dim| view! {
                    <Field label=dim_question(&dim)>
                        <TextInput value=side.size placeholder=dim_typed(&dim, dim.default) testid=size_testid.get_value() />
                    </Field>
                })}
                <Field label="CPU threads">
                    <TextInput value=side.threads placeholder=capital(&app.settings.with(usual_threads)) testid=testid("threads") />
                </Field>
            </div>
            {move || side.further().map(|further| view! {
                <p class="small quiet" data-testid=further_testid.get_value()>{format!("Also as in that result: {further}.")}</p>
            })}
        </section>
    }
}

/// When a difference matters, how long it may take, and the start.
#[component]
fn Terms(models: Load<Vec<ModelInfo>>, machine: Load<Machine>) -> impl IntoView {
    let app = App::get();
    let draft = CompareDraft::get();
    let order = Memo::new(move |_| {
        let ready = machine.value.with(|machine| machine.ready().map(ready_targets))?;
        models.value.with(|models| models.ready().map(|models| draft.order(models, &ready)))
    });
    let failure = RwSignal::new(None::<Failure>);
    let starting = RwSignal::new(false);
    let going = Memo::new(move |_| app.comparison.with(|live| live.as_ref().is_some_and(|live| live.stage.goes_on())));
    let same = Memo::new(move |_| order.with(|order| matches!(order, Some(Ok(order)) if order.a == order.b)));
    let press = move |_| {
        let Some(Ok(order)) = order.get_untracked() else { return };
        starting.set(true);
        failure.set(None);
        spawn_local(async move {
            match bridge::ask(StartComparison { order }).await {
                Ok(()) => {
                    draft.opened.set(None);
                    draft.view.set(View::Result);
                }
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
            starting.try_set(false);
        });
    };
    view! {
        <section class="panel versus-terms" aria-label="Terms">
            <div class="versus-fields">
                <Field label="Differences that do not matter, in percent">
                    <TextInput value=draft.threshold placeholder="1" testid="compare-threshold" />
                </Field>
                <Field label="Longest time, in seconds" hint="It ends as soon as it can be told.">
                    <TextInput value=draft.budget_secs placeholder="30" testid="compare-budget" />
                </Field>
                <Field label="A limit for slow calls">
                    <Select options=tail_options() chosen=Signal::derive(move || Some(draft.tail.get())) label="A limit for slow calls" placeholder="None" testid="compare-tail" on_choose=move |tail| draft.tail.set(tail) />
                </Field>
                <Show when=move || draft.tail.with(Option::is_some)>
                    <Field label="… within, in milliseconds" hint="Measured until each side's samples tell.">
                        <TextInput value=draft.tail_ms placeholder="20" testid="compare-tail-ms" />
                    </Field>
                </Show>
            </div>
            <div class="stack versus-start">
                {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
                {move || order.with(|order| match order {
                    Some(Err(wrong)) => Some(view! {
                        <ul class="wrong-list" data-testid="compare-wrong">
                            {wrong.iter().map(|reason| view! { <li>{reason.clone()}</li> }).collect_view()}
                        </ul>
                    }),
                    _ => None,
                })}
                <Show when=move || same.get()>
                    <p class="small quiet">"Both sides are the same. That shows what this machine can tell apart."</p>
                </Show>
                <Button
                    kind=ButtonKind::Primary
                    large=true
                    icon="compare"
                    testid="compare-start"
                    busy=starting
                    disabled=Signal::derive(move || going.get() || !order.with(|order| matches!(order, Some(Ok(_)))))
                    on_press=press
                >
                    {move || if going.get() { "A comparison is going on" } else { "Compare" }}
                </Button>
            </div>
        </section>
    }
}

/// Value, label and test id of what a list offers.
type Options<T> = Vec<(T, String, String)>;

fn tail_options() -> Options<Option<f64>> {
    let named = |(tail, label, testid): (Option<f64>, &str, &str)| (tail, label.to_owned(), testid.to_owned());
    [
        (None, "None", "compare-tail-none"),
        (Some(0.95), "95 of 100 calls (p95)", "compare-tail-p95"),
        (Some(0.99), "99 of 100 calls (p99)", "compare-tail-p99"),
    ]
    .map(named)
    .into()
}

fn model_options(models: Option<&Vec<ModelInfo>>, key: &str) -> Options<ModelId> {
    let all = models.map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .map(|model| (model.id.clone(), model.name.clone(), format!("compare-{key}-model-{}", model.id)))
        .collect()
}

fn target_options(machine: Option<&Machine>, key: &str) -> Options<TargetChoice> {
    let Some(machine) = machine else { return Vec::new() };
    let named = |choice: TargetChoice| {
        let device = machine.target(&choice.engine, &choice.device).map(|target| target.device_name.clone());
        let testid = format!("compare-{key}-target-{}-{}", choice.engine, choice.device);
        let label = format!("{} · {}", choice.engine.label(), device.unwrap_or_else(|| choice.device.0.clone()));
        (choice, label, testid)
    };
    ready_targets(machine).into_iter().map(named).collect()
}

/// Before there is a target, the reference is there to choose.
fn precision_options(offered: Option<&[Precision]>, key: &str) -> Options<Precision> {
    let named = |one: &Precision| (*one, one.label().to_owned(), format!("compare-{key}-precision-{}", one.key()));
    offered.unwrap_or(&[Precision::F32]).iter().map(named).collect()
}

fn result_options(page: Option<&RunPage>) -> Options<RunId> {
    let rows = page.map(|page| page.rows.as_slice()).unwrap_or_default();
    rows.iter().map(|row| (row.id.clone(), describe(row), format!("compare-as-{}", row.id))).collect()
}

fn describe(row: &RunRow) -> String {
    let at = row.started_at.map_or_else(String::new, |at| format!(", {}", time::minute(at)));
    let fed = fed_text(&row.fed());
    format!("{} on {}, {}, {fed}{at}", row.model, row.engine.label(), row.precision)
}
