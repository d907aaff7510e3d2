//! A new template: for a family, for one model type, or from a file.

use super::{KINDS, work::Work};
use crate::{bridge, load::load, parts::*};
use contract::*;
use leptos::{prelude::*, task::spawn_local};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Family,
    Model,
    File,
}

#[component]
pub fn BeginDialog(open: RwSignal<bool>, work: Work) -> impl IntoView {
    let from = RwSignal::new(Source::Family);
    let kind = RwSignal::new("test".to_owned());
    let family = RwSignal::new("decoder".to_owned());
    let model = RwSignal::new("llama".to_owned());
    let proposed = RwSignal::new(None::<ProposedTemplate>);
    let name = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    Effect::new(move |_| {
        if open.get() {
            proposed.set(None);
            failure.set(None);
        }
    });
    let propose = move |_| {
        let kind = kind.get_untracked();
        let start = match from.get_untracked() {
            Source::Family => TemplateStart::Family { kind, family: family.get_untracked() },
            Source::Model => TemplateStart::Model { kind, model_type: model.get_untracked() },
            Source::File => TemplateStart::File { kind, path: None },
        };
        spawn_local(async move {
            match bridge::ask(ProposeTemplate { start }).await {
                Ok(Some(found)) => {
                    failure.try_set(None);
                    name.try_set(found.name.clone());
                    proposed.try_set(Some(found));
                }
                Ok(None) => {}
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    };
    let create = move |_| {
        let Some(ProposedTemplate { text, .. }) = proposed.get_untracked() else { return };
        let name = name.get_untracked();
        spawn_local(async move {
            let save = SaveTemplate { name: name.clone(), text, origin: VersionOrigin::Saved, note: "New".into() };
            match bridge::ask(save).await {
                Ok(_) => {
                    open.set(false);
                    work.saved.update(|saved| *saved += 1);
                    work.open(name, None);
                }
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    };
    view! {
        <Dialog open title="New template">
            <div class="dialog-body stack" data-testid="begin">
                {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
                {move || match proposed.get() {
                    None => view! { <Start from kind family model /> }.into_any(),
                    Some(proposed) => view! { <Proposal proposed name /> }.into_any(),
                }}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Cancel"</Button>
                <Show
                    when=move || proposed.with(Option::is_some)
                    fallback=move || view! {
                        <Button kind=ButtonKind::Primary testid="begin-propose" on_press=propose>
                            {move || if from.get() == Source::File { "Choose a file…" } else { "Go on" }}
                        </Button>
                    }
                >
                    <Button kind=ButtonKind::Primary testid="begin-create" on_press=create>"Create"</Button>
                </Show>
            </div>
        </Dialog>
    }
}

#[component]
fn Start(
    from: RwSignal<Source>,
    kind: RwSignal<String>,
    family: RwSignal<String>,
    model: RwSignal<String>,
) -> impl IntoView {
    let types = load(|| Some(ListModelTypes {}));
    let of = move |name: fn(&ModelTypeRow) -> &String| {
        let names: BTreeSet<String> =
            types.value.with(|types| types.ready().into_iter().flatten().map(|row| name(row).clone()).collect());
        names.into_iter().collect::<Vec<String>>()
    };
    let pairs = |names: Vec<String>| names.into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>();
    let families = Signal::derive(move || pairs(of(|row| &row.family)));
    let models = Signal::derive(move || of(|row| &row.model_type));
    let options = vec![
        (Source::Family, "For a family".into(), "from-family".into()),
        (Source::Model, "For one model".into(), "from-model".into()),
        (Source::File, "From a file".into(), "from-file".into()),
    ];
    let told = move || match from.get() {
        Source::Family => {
            "It serves every model type of the family, and extends the template that serves them now: write anew only the blocks that differ."
        }
        Source::Model => "It serves this model type alone, and extends the template that serves it now.",
        Source::File => {
            "A template of Assay's is taken as it is. One written for Python's str.format, or with plain {{name}} to be filled in, is converted, with a report."
        }
    };
    view! {
        <div><Segmented options chosen=from label="Begin" on_choose=move |chosen| from.set(chosen) /></div>
        <p class="small quiet">{told}</p>
        <div class="row wrap">
            <Choose label="Makes a" options=pairs(KINDS.map(str::to_owned).to_vec()) chosen=kind testid="begin-kind" on_choose=move |chosen| kind.set(chosen) />
            {move || match from.get() {
                Source::Family => view! {
                    <Choose label="for" options=families chosen=family testid="begin-family" on_choose=move |chosen| family.set(chosen) />
                }.into_any(),
                Source::Model => view! {
                    <Combobox label="Model type" options=models chosen=model testid="begin-model" on_choose=move |chosen| model.set(chosen) />
                }.into_any(),
                Source::File => ().into_any(),
            }}
        </div>
    }
}

#[component]
fn Proposal(proposed: ProposedTemplate, name: RwSignal<String>) -> impl IntoView {
    view! {
        <Field label="Name" hint="Letters, digits, - and _, with / between folders.">
            <TextInput value=name testid="begin-name" />
        </Field>
        {(!proposed.report.is_empty()).then(|| view! {
            <h3>"What became of its fields"</h3>
            <ul class="reached">{proposed.report.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
        })}
    }
}
