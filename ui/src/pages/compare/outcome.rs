//! What the rounds tell: the verdict in words, the ratio as it grew, and what each side was.

use super::{
    draft::{CompareDraft, View},
    picture::RatioPicture,
    shown::Shown,
};
use crate::{
    actions,
    load::{Load, Loaded, load},
    parts::*,
    state::App,
};
use chart::format;
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Outcome(models: Load<Vec<ModelInfo>>) -> impl IntoView {
    let app = App::get();
    let draft = CompareDraft::get();
    let opened = load(move || draft.opened.get().map(|id| GetComparison { id }));
    let shown = Memo::new(move |_| match draft.opened.get() {
        None => app.comparison.get().map(|live| Ok(Shown::from(live))),
        Some(_) => match opened.value.get() {
            Loaded::Waiting => None,
            Loaded::Ready(view) => Some(Ok(Shown::from(view))),
            Loaded::Failed(failure) => Some(Err(failure)),
        },
    });
    let state = Memo::new(move |_| {
        shown.with(|shown| shown.as_ref().map(|shown| shown.as_ref().map(drop).map_err(Clone::clone)))
    });
    let there = Signal::derive(move || shown.get().and_then(Result::ok));
    move || {
        match state.get() {
        Some(Ok(())) => view! { <Told shown=there models /> }.into_any(),
        Some(Err(failure)) => view! { <Failed failure /> }.into_any(),
        None if draft.opened.get().is_some() => view! { <Loading rows=6 /> }.into_any(),
        None => view! {
            <Empty icon="compare" title="Nothing has been compared yet" explain="Choose two settings, and Assay measures them in turn until it can tell which is faster, or the longest time is over.">
                <Button kind=ButtonKind::Primary on_press=move |_| draft.view.set(View::SetUp)>"Choose two settings"</Button>
            </Empty>
        }
        .into_any(),
    }
    }
}

#[component]
fn Told(shown: Signal<Option<Shown>>, models: Load<Vec<ModelInfo>>) -> impl IntoView {
    let of = move |take: fn(&Shown) -> String| move || shown.with(|shown| shown.as_ref().map(take).unwrap_or_default());
    let points =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.points.clone()).unwrap_or_default()));
    let threshold =
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map_or(0.01, |shown| shown.order.rules.threshold)));
    let done = Memo::new(move |_| {
        shown.with(|shown| match shown.as_ref().map(|shown| &shown.stage) {
            Some(ComparisonStage::Done(id)) => Some(id.clone()),
            _ => None,
        })
    });
    view! {
        <section class="panel versus-told" aria-live="polite">
            <ul class="versus-names">
                {Side::BOTH.into_iter().map(|side| view! {
                    <li>
                        <span class="versus-badge">{side.label()}</span>
                        <span>{move || shown.with(|shown| shown.as_ref().map(|shown| name(shown, side, &models)))}</span>
                    </li>
                }).collect_view()}
            </ul>
            <p class="versus-verdict" data-testid="compare-verdict">{of(headline)}</p>
            <p class="quiet" data-testid="compare-detail">{of(detail)}</p>
            <Limits shown />
            <Actions shown />
            <RatioPicture points threshold />
        </section>
        {move || done.get().map(|id| view! { <Sides id /> })}
    }
}

/// Engine, device and sizes of a side, after its model.
fn name(shown: &Shown, side: Side, models: &Load<Vec<ModelInfo>>) -> String {
    let setting = match side {
        Side::A => &shown.order.a,
        Side::B => &shown.order.b,
    };
    let (model, unit) = models.value.with(|models| {
        let model = models.ready().and_then(|all| all.iter().find(|model| model.id == setting.model));
        let unit = model.and_then(|model| size_dim(&model.dims)?.unit());
        (model.map(|model| model.name.clone()), unit)
    });
    let mut words = vec![
        model.unwrap_or_else(|| setting.model.0.clone()),
        format!("{} on {}", setting.engine.label(), setting.device),
        setting.precision.label().to_owned(),
        fed_text(&Fed::of(setting, unit)),
    ];
    words.extend(setting.threads.map(threads_text));
    words.join(" · ")
}

fn headline(shown: &Shown) -> String {
    match (&shown.stage, &shown.ratio) {
        (ComparisonStage::Failed { side: Some(side), failure }, _) => {
            format!("{} could not be measured. {}", side.label(), sentence(failure))
        }
        (ComparisonStage::Failed { side: None, failure }, _) => sentence(failure),
        (ComparisonStage::Cancelled, _) => "Cancelled. Nothing was kept.".into(),
        (ComparisonStage::Preparing { side, phase }, _) => {
            format!("Preparing {}: {}…", side.label(), phase.label().to_lowercase())
        }
        (ComparisonStage::Measuring, Some(ratio)) if ratio.interval.is_none() => "Measuring in turn…".into(),
        (_, Some(ratio)) => format!("{}.", ratio.sentence(&shown.order.rules)),
        (_, None) => "Measuring in turn…".into(),
    }
}

fn detail(shown: &Shown) -> String {
    let Some(ratio) = &shown.ratio else { return String::new() };
    let rounds = counted(ratio.rounds.into(), "round");
    let measured = format!("{rounds} of four blocks in {}", format::duration_secs(shown.secs()));
    let sure = format!("interval at {} %", shown.order.rules.confidence * 100.0);
    match (&shown.stage, ratio.advice()) {
        (ComparisonStage::Done(_), Some(advice)) => format!("{advice}. So far: {measured}; {sure}."),
        (ComparisonStage::Measuring, _) => match ratio.needed_secs {
            Some(secs) => format!("{measured}. About {} more would tell.", format::duration_secs(secs)),
            None => format!("{measured}."),
        },
        (ComparisonStage::Done(_), None) => format!("{measured}; {sure}, however often it was looked at."),
        _ => String::new(),
    }
}

/// Whether each side keeps the limit on its slow calls, where there is one.
#[component]
fn Limits(shown: Signal<Option<Shown>>) -> impl IntoView {
    let told = Memo::new(move |_| {
        shown.with(|shown| shown.as_ref().and_then(|shown| shown.order.rules.tail.zip(shown.tails)))
    });
    let line = |side: Side, tail: Tail, limit: Percentile| {
        let (class, word) = match tail.verdict {
            TailVerdict::Meets => ("chip ready", "Meets it"),
            TailVerdict::Misses => ("chip failed", "Does not"),
            TailVerdict::Unknown => ("chip neutral", "Unknown"),
        };
        view! {
            <li>
                <span class=class>{word}</span>
                <span>{tail.sentence(side, limit)}"."</span>
            </li>
        }
    };
    move || {
        told.get().map(|(limit, tails)| {
            view! {
                <ul class="versus-limits" data-testid="compare-limits">
                    {Side::BOTH.map(|side| line(side, *tails.side(side), limit)).collect_view()}
                </ul>
            }
        })
    }
}

#[component]
fn Actions(shown: Signal<Option<Shown>>) -> impl IntoView {
    let app = App::get();
    let draft = CompareDraft::get();
    let stage = Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.stage.clone())));
    let more = Memo::new(move |_| shown.with(|shown| shown.as_ref().and_then(Shown::more)));
    let going = Memo::new(move |_| stage.with(|stage| stage.as_ref().is_some_and(ComparisonStage::goes_on)));
    let measuring = Memo::new(move |_| stage.with(|stage| *stage == Some(ComparisonStage::Measuring)));
    let done = Signal::derive(move || {
        shown.with(|shown| shown.as_ref().map_or(0.0, |shown| shown.secs() / shown.order.budget_secs))
    });
    let end = move |keep: bool| actions::send(app, EndComparison { keep }, |_, ()| {});
    let go_on = move |_| {
        let Some(order) = more.get_untracked() else { return };
        actions::send(app, StartComparison { order }, move |_, ()| draft.opened.set(None));
    };
    view! {
        <div class="row wrap versus-actions">
            <Show when=move || going.get()>
                <div class="grow"><ProgressBar label="Of the longest time" done /></div>
                <Show when=move || measuring.get()>
                    <Button testid="compare-keep" on_press=move |_| end(true)>"Stop and keep"</Button>
                </Show>
                <Button icon="stop" testid="compare-cancel" on_press=move |_| end(false)>"Cancel"</Button>
            </Show>
            {move || more.get().map(|order| view! {
                <Button kind=ButtonKind::Primary icon="again" testid="compare-more" on_press=go_on>
                    {format!("Measure {} more", format::duration_secs(order.budget_secs))}
                </Button>
            })}
            <Show when=move || !going.get()>
                <Button on_press=move |_| draft.view.set(View::SetUp)>"Compare something else"</Button>
            </Show>
        </div>
    }
}

/// What each side really was: the stored results.
#[component]
fn Sides(id: ComparisonId) -> impl IntoView {
    let comparison = load(move || Some(GetComparison { id: id.clone() }));
    view! {
        <section class="panel" aria-label="What ran">
            <WhenLoaded load=comparison rows=5 ready=|view| view! { <WhatRan comparison=view.comparison /> } />
        </section>
    }
}

#[component]
fn WhatRan(comparison: Comparison) -> impl IntoView {
    let row = |(label, a, b): (&'static str, String, String)| {
        let same = a == b;
        view! {
            <tr class:same=same>
                <th scope="row">{label}</th>
                <td class="selectable">{a}</td>
                <td class="selectable">{b}</td>
            </tr>
        }
    };
    view! {
        <table class="table compare" data-testid="compare-sides">
            <thead><tr><td></td><th scope="col">"A"</th><th scope="col">"B"</th></tr></thead>
            <tbody>{lines(&comparison.a, &comparison.b).into_iter().map(row).collect_view()}</tbody>
        </table>
        <p class="small quiet">
            "What is the same on both sides is grey. The medians drift with the machine; the ratio above does so far less."
        </p>
    }
}

fn lines(a: &Run, b: &Run) -> Vec<(&'static str, String, String)> {
    let line = |label, of: fn(&Run) -> Option<String>| {
        (label, of(a).unwrap_or_else(|| "–".into()), of(b).unwrap_or_else(|| "–".into()))
    };
    vec![
        line("Median", |run| run.timing.as_ref().map(|timing| format::duration_ms(timing.median_ms))),
        line("Samples", |run| run.timing.as_ref().map(|timing| format::count(timing.samples.into()))),
        line("Engine", |run| Some(format!("{} {}", run.setting.engine.label(), run.effective.engine_version))),
        line("Device", |run| Some(run.effective.device_name.clone())),
        line("Precision that ran", |run| run.effective.precision.map(|precision| precision.label().to_owned())),
        line("Threads", |run| run.effective.threads.map(|threads| threads.to_string())),
        line("Fed", |run| Some(fed_text(&run.fed()))),
        line("Output", |run| {
            Some(match &run.check {
                OutputCheck::Agrees { against, .. } => format!("agrees with {}'s", against.label()),
                OutputCheck::Disagrees { against, .. } => format!("differs from {}'s", against.label()),
                OutputCheck::Unchecked { reason } => format!("unchecked: {reason}"),
            })
        }),
        line("Noise", |run| run.noise.as_ref().map(|noise| noise.grade.letter().to_owned())),
        line("Remarks", |run| {
            let remarks: Vec<&str> = run.flags.iter().map(Flag::reason).collect();
            (!remarks.is_empty()).then(|| remarks.join("; "))
        }),
    ]
}
