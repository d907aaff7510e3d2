//! The question: which model, to do what, within which limits.

use super::{prices::PricesDialog, question::Question};
use crate::{
    load::{Load, load},
    parts::*,
    state::App,
};
use chart::Bound;
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Ask(measured: Memo<Vec<String>>, #[prop(into)] scope: Signal<Scope>) -> impl IntoView {
    let app = App::get();
    let listed = load(move || {
        app.models.track();
        Some(ListModels {})
    });
    view! {
        <aside class="panel recommend-ask" aria-label="What to recommend for">
            <ModelChoice measured listed />
            <WorkFields listed />
            <LimitFields scope />
        </aside>
    }
}

/// Models with results first, then those that Assay can build.
#[component]
fn ModelChoice(measured: Memo<Vec<String>>, listed: Load<Vec<ModelInfo>>) -> impl IntoView {
    let question = Question::get();
    let unmeasured = Memo::new(move |_| {
        listed.value.with(|models| {
            let names = models.ready().into_iter().flatten().map(|model| model.name.clone());
            measured.with(|measured| names.filter(|name| !measured.contains(name)).collect::<Vec<_>>())
        })
    });
    let option = move |name: String| {
        let value = name.clone();
        let selected = Memo::new({
            let name = name.clone();
            move |_| question.model.with(|model| *model == name)
        });
        view! { <option value=value prop:selected=selected>{name}</option> }
    };
    view! {
        <Field label="Model">
            <select
                class="input"
                data-testid="recommend-choose"
                on:change:target=move |event| {
                    question.model.set(event.target().value());
                    question.mode.set(None);
                    question.batch.set(None);
                    question.size.set(None);
                }
            >
                <option value="" prop:selected=move || question.model.with(String::is_empty)>"Choose a model…"</option>
                <optgroup label="With results">
                    <For each=move || measured.get() key=String::clone children=option />
                </optgroup>
                <optgroup label="Without results yet">
                    <For each=move || unmeasured.get() key=String::clone children=option />
                </optgroup>
            </select>
        </Field>
    }
}

#[component]
fn WorkFields(listed: Load<Vec<ModelInfo>>) -> impl IntoView {
    let question = Question::get();
    let sound = Memo::new(move |_| {
        let name = question.model.get();
        listed.value.with(|models| {
            let model = models.ready()?.iter().find(|model| model.name == name)?;
            size_dim(&model.dims).filter(|dim| dim.per_second.is_some()).cloned()
        })
    });
    let modes = vec![
        (None, "Usual".to_owned(), "recommend-mode-any".to_owned()),
        (Some(Mode::Inference), "Inference".into(), "recommend-mode-inference".into()),
        (Some(Mode::Training), "Training".into(), "recommend-mode-training".into()),
    ];
    view! {
        <h3>"Work"</h3>
        <Segmented options=modes chosen=question.mode label="Mode" on_choose=move |mode| question.mode.set(mode) />
        <div class="recommend-pair">
            <WorkField label="Batch" value=question.batch testid="recommend-batch" sound=None />
            {move || {
                let sound = sound.get();
                let label = sound.as_ref().map_or_else(|| "Length or image edge".to_owned(), dim_question);
                view! { <WorkField label value=question.size testid="recommend-size" sound /> }
            }}
        </div>
        <p class="hint small quiet">"Left empty, what the model's results mostly have is taken."</p>
    }
}

/// A whole number, or nothing; a length of sound is asked for in seconds.
#[component]
fn WorkField(
    #[prop(into)] label: String,
    value: RwSignal<Option<f64>>,
    testid: &'static str,
    /// The dimension, where it counts sound.
    sound: Option<Dim>,
) -> impl IntoView {
    let wrong = RwSignal::new(None::<String>);
    let kind = if sound.is_some() { "A number of seconds" } else { "A whole number" };
    let sound = StoredValue::new(sound);
    let read = move |text: &str| {
        sound.with_value(|sound| match sound {
            Some(dim) => dim_read(dim, text),
            None => text.parse().ok(),
        })
    };
    let written = move |number: f64| {
        sound.with_value(|sound| match sound {
            Some(dim) => dim_typed(dim, number as u32),
            None => number.to_string(),
        })
    };
    let keep = move |text: String| match text.trim() {
        "" => {
            wrong.set(None);
            value.set(None);
        }
        text => match read(text) {
            Some(number) if number > 0 => {
                wrong.set(None);
                value.set(Some(f64::from(number)));
            }
            _ => wrong.set(Some(format!("{kind} above 0, please."))),
        },
    };
    view! {
        <Field label=label wrong=wrong>
            <input
                class="input"
                inputmode="decimal"
                placeholder="usual"
                data-testid=testid
                prop:value=move || value.get().map(written).unwrap_or_default()
                on:change:target=move |event| keep(event.target().value())
            />
        </Field>
    }
}

/// What must be kept to: by slider, by number, and by what is allowed.
#[component]
pub fn LimitFields(#[prop(into)] scope: Signal<Scope>) -> impl IntoView {
    let question = Question::get();
    let limits = question.limits;
    let prices_open = RwSignal::new(false);
    let at = Memo::new(move |_| limits.with(|limits| limits.latency_at));
    let limited = Memo::new(move |_| limits.with(|limits| *limits != Limits::default()));
    view! {
        <div class="spread">
            <h3>"Limits"</h3>
            <Show when=move || limited.get()>
                <Button kind=ButtonKind::Ghost small=true icon="close" testid="recommend-no-limits" on_press=move |_| limits.set(Limits::default())>
                    "No limits"
                </Button>
            </Show>
        </div>
        <LimitField
            label="Time of a batch"
            unit="ms"
            bound=Bound::AtMost
            value=part(limits, |limits| limits.latency_ms, |limits, value| limits.latency_ms = value)
            range=Signal::derive(move || scope.with(|scope| scope.latency_ms))
            testid="limit-latency"
        />
        <Segmented
            options=vec![
                (LatencyAt::Typical, "Typical".into(), "limit-typical".into()),
                (LatencyAt::P95, "95 of 100".into(), "limit-p95".into()),
            ]
            chosen=at
            label="Which time is limited"
            on_choose=move |at| limits.update(|limits| limits.latency_at = at)
        />
        <LimitField
            label="Samples a second"
            unit="/s"
            bound=Bound::AtLeast
            value=part(limits, |limits| limits.samples_per_s, |limits, value| limits.samples_per_s = value)
            range=Signal::derive(move || scope.with(|scope| scope.samples_per_s))
            testid="limit-throughput"
        />
        <LimitField
            label="Memory"
            unit="MB"
            bound=Bound::AtMost
            value=part(limits, |limits| limits.memory_mb, |limits, value| limits.memory_mb = value)
            range=Signal::derive(move || scope.with(|scope| scope.memory_mb))
            testid="limit-memory"
        />
        <LimitField
            label="Cost of an hour"
            unit=""
            bound=Bound::AtMost
            value=part(limits, |limits| limits.cost_per_hour, |limits, value| limits.cost_per_hour = value)
            range=Signal::derive(move || scope.with(|scope| scope.cost_per_hour))
            testid="limit-cost"
        />
        <div>
            <Button small=true icon="table" testid="edit-prices" on_press=move |_| prices_open.set(true)>"Price list…"</Button>
        </div>
        <Allowed
            label="Precision"
            options=Signal::derive(move || scope.with(|scope| scope.precisions.clone()))
            name=String::clone
            chosen=Signal::derive(move || limits.with(|limits| limits.precisions.clone()))
            on_choose=move |chosen| limits.update(|limits| limits.precisions = chosen)
        />
        <Allowed
            label="Platform"
            options=Signal::derive(move || scope.with(|scope| scope.platforms.clone()))
            name=|platform: &Platform| platform.label().to_owned()
            chosen=Signal::derive(move || limits.with(|limits| limits.platforms.clone()))
            on_choose=move |chosen| limits.update(|limits| limits.platforms = chosen)
        />
        <PricesDialog open=prices_open scope />
    }
}

/// One number of the limits as a signal of its own, kept in step both ways.
fn part(
    limits: RwSignal<Limits>,
    read: fn(&Limits) -> Option<f64>,
    write: fn(&mut Limits, Option<f64>),
) -> RwSignal<Option<f64>> {
    let own = RwSignal::new(limits.with_untracked(read));
    Effect::new(move |_| {
        let now = limits.with(read);
        if own.get_untracked() != now {
            own.set(now);
        }
    });
    Effect::new(move |_| {
        let now = own.get();
        if limits.with_untracked(read) != now {
            limits.update(|limits| write(limits, now));
        }
    });
    own
}

/// Several of a few; none ticked allows all. With a single one there is nothing to choose.
#[component]
fn Allowed<T>(
    label: &'static str,
    options: Signal<Vec<T>>,
    name: fn(&T) -> String,
    chosen: Signal<Vec<T>>,
    #[prop(into)] on_choose: Callback<Vec<T>>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let tick = move |option: T| {
        let shown = name(&option);
        let mine = option.clone();
        let checked = Signal::derive(move || chosen.with(|chosen| chosen.contains(&mine)));
        let change = move |on: bool| {
            let mut now = chosen.get_untracked();
            now.retain(|other| *other != option);
            if on {
                now.push(option.clone());
            }
            on_choose.run(now);
        };
        view! { <Check checked on_change=change testid=format!("allow-{shown}")>{shown.clone()}</Check> }
    };
    view! {
        <Show when=move || options.with(|options| options.len() > 1)>
            <fieldset class="allowed">
                <legend class="label">{label}<span class="quiet small">" (none ticked: any)"</span></legend>
                {move || options.get().into_iter().map(tick).collect_view()}
            </fieldset>
        </Show>
    }
}
