//! What the open template makes for one model type and platform, its lines tied to those of the editor.

use super::{KINDS, work::Work};
use crate::{
    editor::{CodeView, Heard},
    load::load,
    parts::*,
};
use contract::*;
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn Preview(work: Work) -> impl IntoView {
    let path = move || work.preview.value.with(|preview| preview.ready().map(|preview| preview.path.clone()));
    let elsewhere = move || {
        work.preview.value.with(|preview| {
            let preview = preview.ready().filter(|preview| !preview.uses_edited)?;
            let model = work.choice.with(|choice| choice.model_type.clone());
            Some(format!("For {model} this is made from {}, in which the open template has no part.", preview.template))
        })
    };
    view! {
        <Choices work />
        <div class="preview-head">
            <code class="small clip" data-testid="preview-path">{path}</code>
        </div>
        {move || elsewhere().map(|told| view! { <p class="caution small preview-note">{told}</p> })}
        {move || work.preview.failure().map(|failure| view! { <div class="preview-note" data-testid="preview-refused"><InlineFailure failure /></div> })}
        <Made work />
        <Faults work />
    }
}

#[component]
fn Choices(work: Work) -> impl IntoView {
    let types = load(|| Some(ListModelTypes {}));
    // What the template's head lets it serve.
    let serves = Memo::new(move |_| {
        work.reading
            .value
            .with(|reading| reading.ready().map(|reading| (reading.model_type.clone(), reading.family.clone())))
    });
    let models = Signal::derive(move || {
        let (model_type, family) = serves.get().unwrap_or_default();
        let served = |row: &&ModelTypeRow| {
            model_type.as_ref().is_none_or(|wanted| *wanted == row.model_type)
                && family.as_ref().is_none_or(|wanted| *wanted == row.family)
        };
        types.value.with(|types| {
            let rows = types.ready().map(Vec::as_slice).unwrap_or_default();
            rows.iter().filter(served).map(|row| row.model_type.clone()).collect::<Vec<_>>()
        })
    });
    // None where the template's head leaves it open.
    let kind = Memo::new(move |_| {
        let kind = work.reading.value.with(|reading| reading.ready().map(|reading| reading.kind.clone()));
        kind.filter(|kind| KINDS.contains(&kind.as_str()))
    });
    // A template of a kind makes that kind, for a model it serves.
    Effect::new(move |_| {
        let (kind, known) = (kind.get(), models.get());
        work.choice.maybe_update(|choice| {
            let before = choice.clone();
            if let Some(kind) = kind {
                choice.kind = kind;
            }
            if !known.contains(&choice.model_type)
                && let Some(first) = known.first()
            {
                choice.model_type.clone_from(first);
            }
            *choice != before
        });
    });
    let kinds = KINDS.map(|kind| (kind.to_owned(), kind.to_owned())).to_vec();
    let platforms = Platform::LISTED.map(|platform| (platform, platform.label().to_owned())).to_vec();
    view! {
        <div class="preview-choices">
            <Combobox
                label="Model type"
                options=models
                chosen=Signal::derive(move || work.choice.with(|choice| choice.model_type.clone()))
                testid="preview-model"
                on_choose=move |model_type| work.choice.update(|choice| choice.model_type = model_type)
            />
            <Choose
                label="on"
                options=platforms
                chosen=Signal::derive(move || work.choice.with(|choice| choice.platform))
                testid="preview-platform"
                on_choose=move |platform| work.choice.update(|choice| choice.platform = platform)
            />
            <Show when=move || kind.with(Option::is_none)>
                <Choose
                    label="as"
                    options=kinds.clone()
                    chosen=Signal::derive(move || work.choice.with(|choice| choice.kind.clone()))
                    testid="preview-kind"
                    on_choose=move |kind| work.choice.update(|choice| choice.kind = kind)
                />
            </Show>
        </div>
    }
}

/// The text that was made last; it stays while the template cannot be rendered.
#[component]
fn Made(work: Work) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    let code = RwSignal::new_local(None::<CodeView>);
    let failure = RwSignal::new(None::<Failure>);
    let origins = StoredValue::new(Vec::<TemplateLine>::new());
    // A press on a line shows where it came from.
    let hear = move |heard| {
        let Heard::Line(line) = heard else { return };
        let origin = origins.try_with_value(|origins| origins.get(line as usize - 1).cloned()).flatten();
        if let Some(origin) = origin {
            work.open(origin.template, Some(origin.line));
        }
    };
    Effect::new(move |_| {
        let Some(place) = place.get() else { return };
        spawn_local(async move {
            match CodeView::show(&place, "What is made", hear).await {
                Ok(view) => drop(code.try_set(Some(view))),
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    });
    Effect::new(move |_| {
        let Some(code) = code.get() else { return };
        work.preview.value.with(|preview| {
            let Some(preview) = preview.ready() else { return };
            code.set_text(&preview.text);
            origins.set_value(preview.origins.clone());
            link(work, &code, origins);
        });
    });
    Effect::new(move |_| {
        work.line.track();
        if let Some(code) = code.get() {
            link(work, &code, origins);
        }
    });
    view! {
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
        <div
            class="code made"
            class:faded=move || work.preview.value.with(|preview| preview.ready().is_none())
            data-testid="preview"
            node_ref=place
        ></div>
    }
}

/// Marks what the line of the editor's cursor makes.
fn link(work: Work, code: &CodeView, origins: StoredValue<Vec<TemplateLine>>) {
    let Some(name) = untrack(|| work.name()) else { return };
    let line = work.line.get_untracked();
    let made = origins.with_value(|origins| {
        let mine = origins.iter().zip(1u32..).filter(|(origin, _)| origin.line == line && origin.template == name);
        mine.map(|(_, made)| made).collect::<Vec<_>>()
    });
    code.link(made, true);
}

/// What is wrong in the text that was made, where another template than the open one made it.
#[component]
fn Faults(work: Work) -> impl IntoView {
    let fault = move |problem: TemplateProblem| {
        let TemplateProblem { template, line, reason, remedy, .. } = problem;
        let line = line.unwrap_or(1);
        let place = format!("{template}, line {line}");
        view! {
            <li>
                <button type="button" class="problem" data-testid="preview-problem" on:click=move |_| work.open(template.clone(), Some(line))>
                    <Icon name="error" size=14 />
                    <span class="problem-line">{place}</span>
                    <span>{reason}". "{remedy}"."</span>
                </button>
            </li>
        }
    };
    let faults = move || {
        let mut faults =
            work.preview.value.with(|preview| preview.ready().map(|made| made.problems.clone()).unwrap_or_default());
        faults.retain(|problem| work.name().as_ref() != Some(&problem.template));
        faults
    };
    view! {
        <Show when=move || !faults().is_empty()>
            <div class="problems" role="status"><ul>{move || faults().into_iter().map(fault).collect_view()}</ul></div>
        </Show>
    }
}
