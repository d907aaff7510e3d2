//! The models to start from, and the table of all model types.

use super::{
    ModelDraft, Source,
    draft::View,
    filter::{Bar, Can, GalleryFilter},
    hub::Hub,
};
use crate::{load::load, parts::*, state::App};
use chart::format;
use contract::{ListModels, ListTypes, ModelInfo, ModelOrigin, Support, TypeRow, counted};
use leptos::prelude::*;
use std::collections::BTreeSet;

/// Rows drawn before a person asks for more.
const STEP: usize = 60;

#[component]
pub fn Types() -> impl IntoView {
    let app = App::get();
    let draft = ModelDraft::get();
    let types = load(move || {
        app.results.track();
        Some(ListTypes {})
    });
    let tasks = Memo::new(move |_| {
        let all: BTreeSet<String> =
            types.value.with(|types| types.ready().into_iter().flatten().flat_map(|row| row.tasks.clone()).collect());
        all.into_iter().collect::<Vec<_>>()
    });
    view! {
        <Bar filter=draft.filter tasks />
        <div class="page-scroll models-scroll">
            <Hub />
            <Listed />
            <Updating load=types rows=9 ready=move |types| view! { <Table types /> } />
        </div>
    }
}

/// Presets and the person's own models.
#[component]
fn Listed() -> impl IntoView {
    let app = App::get();
    let filter = ModelDraft::get().filter;
    let models = load(move || {
        app.models.track();
        Some(ListModels {})
    });
    // A filter by type is answered by the table; here only words can find something.
    let shown = Memo::new(move |_| {
        filter.with(|filter| {
            let words_only = *filter == GalleryFilter { search: filter.search.clone(), ..GalleryFilter::default() };
            let all = models.value.with(|models| models.ready().cloned().unwrap_or_default());
            let found = all.into_iter().filter(|model| filter.finds(&[&model.name, &model.family, &model.about]));
            if words_only { found.collect() } else { Vec::new() }
        })
    });
    view! {
        <Show when=move || shown.with(|shown| !shown.is_empty())>
            <section aria-labelledby="models-listed">
                <h2 id="models-listed">"Ready to measure"</h2>
                <ul class="model-cards" data-testid="model-cards">
                    <For each=move || shown.get() key=|model| (model.id.clone(), model.name.clone()) let:model>
                        <Card model />
                    </For>
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn Card(model: ModelInfo) -> impl IntoView {
    let (app, draft) = (App::get(), ModelDraft::get());
    let id = model.id.clone();
    let whose = match &model.origin {
        ModelOrigin::Preset => None,
        ModelOrigin::Config { .. } => Some("yours".to_owned()),
        ModelOrigin::Checkpoint { .. } => Some("yours, with its weights".to_owned()),
        ModelOrigin::Onnx { .. } => Some("yours, an ONNX file".to_owned()),
        ModelOrigin::Hub { licence, .. } => {
            Some(licence.as_ref().map_or("no licence is named".to_owned(), |licence| format!("licence {licence}")))
        }
    };
    let source = match &model.origin {
        ModelOrigin::Hub { repository, revision, .. } => {
            Some(format!("Fetched from {repository} of Hugging Face at the commit {revision}"))
        }
        _ => None,
    };
    let mut words = vec![model.family.clone()];
    words.extend(model.parameters.map(format::amount));
    words.extend(whose);
    view! {
        <li>
            <button
                type="button"
                class="model-card"
                title=source
                data-testid=format!("card-{}", model.id)
                on:click=move |_| draft.open(app, Source::Listed(id.clone()))
            >
                <strong class="clip">{model.name}</strong>
                <span class="quiet small clip">{words.join(" · ")}</span>
            </button>
        </li>
    }
}

#[component]
fn Table(types: Signal<Vec<TypeRow>>) -> impl IntoView {
    let filter = ModelDraft::get().filter;
    let most = RwSignal::new(STEP);
    let found = Memo::new(move |_| {
        let mut found: Vec<TypeRow> =
            filter.with(|filter| types.with(|types| types.iter().filter(|row| filter.takes(row)).cloned().collect()));
        found.sort_by_key(|row| Can::of(&row.support) as u8);
        found
    });
    let count = move || found.with(Vec::len);
    let rows = move || found.with(|found| found.iter().take(most.get()).cloned().collect::<Vec<_>>());
    let is_cut = move || count() > most.get();
    let headline = move || {
        let (count, built) =
            (count(), found.with(|found| found.iter().filter(|row| row.support == Support::Measured).count()));
        format!("{}, {built} of them can be measured", counted(count as u64, "model type"))
    };
    view! {
        <section aria-labelledby="models-types">
            <h2 id="models-types" data-testid="models-count">{headline}</h2>
            <Show
                when=move || count() != 0
                fallback=move || view! {
                    <Empty icon="filter" title="No model type matches" explain="No type is called so or has what the filter asks for.">
                        <Button on_press=move |_| filter.set(GalleryFilter::default())>"Clear the filter"</Button>
                    </Empty>
                }
            >
                <div class="table-frame">
                    <table class="table types" data-testid="types">
                        <thead>
                            <tr>
                                <th scope="col">"Type"</th>
                                <th scope="col">"Family"</th>
                                <th scope="col">"Reads"</th>
                                <th scope="col">"Tasks"</th>
                                <th scope="col" class="number">"Parameters"</th>
                                <th scope="col">"What Assay can do"</th>
                            </tr>
                        </thead>
                        <tbody>
                            <For each=rows key=|row| (row.model_type.clone(), row.evidence.len()) let:row>
                                <Row row />
                            </For>
                        </tbody>
                    </table>
                </div>
                <Show when=is_cut>
                    <div class="pager">
                        <span>{move || format!("{} of {} shown", most.get(), count())}</span>
                        <Button small=true testid="models-more" on_press=move |_| most.update(|most| *most += STEP)>"Show more"</Button>
                    </div>
                </Show>
            </Show>
        </section>
    }
}

#[component]
fn Row(row: TypeRow) -> impl IntoView {
    let (app, draft) = (App::get(), ModelDraft::get());
    let model_type = row.model_type.clone();
    // A form has what Assay builds from; what it does not build is there to be read.
    let view = if row.support == Support::Measured { View::Form } else { View::Text };
    let open = move || draft.open_as(app, Source::Type(model_type.clone()), view);
    let on_row = open.clone();
    let reads: Vec<&str> = row.reads.iter().map(|medium| medium.label()).collect();
    let tasks = match row.tasks.as_slice() {
        [] => "–".to_owned(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    };
    view! {
        <tr class="can-open" on:dblclick=move |_| on_row()>
            <td>
                <button type="button" class="results-open" data-testid=format!("type-{}", row.model_type) on:click=move |_| open()>
                    <span class="clip">{row.model_type.clone()}</span>
                </button>
            </td>
            <td title=format!("{}: {}.", row.family, row.family_reason)>{row.family.label()}</td>
            <td>{reads.join(", ")}</td>
            <td class="types-tasks" title=row.tasks.join(", ")>{tasks}</td>
            <td class="number">{match row.parameters {
                Some(count) => format::amount(count).into_any(),
                None => view! { <span class="dash" title="transformers cannot count them at the default configuration">"–"</span> }.into_any(),
            }}</td>
            <td><Ability row /></td>
        </tr>
    }
}

/// What Assay can do with a type, with the engines that did it here.
#[component]
fn Ability(row: TypeRow) -> impl IntoView {
    let label = Can::of(&row.support).label();
    let measured: Vec<String> =
        row.evidence.iter().filter(|record| record.measured > 0).map(|record| record.engine.label()).collect();
    match row.support {
        Support::Measured if measured.is_empty() => view! { <span>{label}</span> }.into_any(),
        Support::Measured => view! {
            <span class="types-engines"><i class="mark measured"></i>{format!("Measured here with {}", measured.join(", "))}</span>
        }
        .into_any(),
        Support::Templates { reason } | Support::NotYet { reason } => {
            view! { <span class="quiet" title=reason>{label}</span> }.into_any()
        }
    }
}
