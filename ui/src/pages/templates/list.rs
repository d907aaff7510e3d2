//! The templates in use, and the lines of all of them that hold what is looked for.

use super::work::Work;
use crate::{
    load::{Loaded, load},
    parts::*,
};
use contract::*;
use leptos::prelude::*;

/// Shorter words are in nearly every line.
const SHORTEST: usize = 3;

#[component]
pub fn TemplateList(rows: Signal<Vec<TemplateRow>>, work: Work, list_open: RwSignal<bool>) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let shown = Memo::new(move |_| {
        let wanted = words.get().to_lowercase();
        let holds =
            |row: &TemplateRow| format!("{} {} {}", row.name, row.kind, row.about).to_lowercase().contains(&wanted);
        rows.with(|rows| rows.iter().filter(|row| holds(row)).cloned().collect::<Vec<_>>())
    });
    let hits = load(move || {
        work.saved.track();
        let text = words.get();
        (text.trim().chars().count() >= SHORTEST).then_some(FindInTemplates { text })
    });
    view! {
        <nav class="bench-list" aria-label="Templates">
            <SearchInput value=words label="Find in all templates" testid="template-search" on_search=move |text| words.set(text) />
            <ul class="template-rows">
                <For each=move || shown.get() key=|row| (row.name.clone(), row.version, row.unsaved, row.problems, row.released) let:row>
                    <Row row work list_open />
                </For>
            </ul>
            <Show when=move || shown.with(Vec::is_empty)>
                <p class="small quiet list-none">"No template has this in its name."</p>
            </Show>
            {move || match hits.value.get() {
                Loaded::Waiting => ().into_any(),
                Loaded::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
                Loaded::Ready(hits) => view! { <Hits hits work list_open /> }.into_any(),
            }}
        </nav>
    }
}

#[component]
fn Row(row: TemplateRow, work: Work, list_open: RwSignal<bool>) -> impl IntoView {
    let name = row.name.clone();
    let mine = row.name.clone();
    let is_open = Memo::new(move |_| work.name().as_deref() == Some(mine.as_str()));
    let serves = row.model_type.clone().or(row.family.clone()).unwrap_or_else(|| "all models".into());
    let told = match row.kind.as_str() {
        "" => "its head cannot be read".to_owned(),
        "base" => "extended by others".to_owned(),
        "macros" => "helpers for others".to_owned(),
        kind => format!("{kind}, {serves}"),
    };
    let problems = (row.problems > 0).then(|| counted(row.problems.into(), "problem"));
    view! {
        <li>
            <button
                type="button"
                class="template-row"
                aria-current=move || is_open.get().then_some("true")
                title=row.about.clone()
                data-testid=format!("template-{}", row.name)
                on:click=move |_| {
                    list_open.set(false);
                    work.open(name.clone(), None);
                }
            >
                <span class="template-name clip">{row.name.clone()}</span>
                <span class="template-told">{told}</span>
                <span class="template-marks">
                    {row.unsaved.then(|| view! { <span class="mark-unsaved" data-testid="template-unsaved">"not saved"</span> })}
                    {row.offered.is_some().then(|| view! { <span>"update offered"</span> })}
                    {problems.map(|problems| view! { <span class="mark-bad">{problems}</span> })}
                </span>
            </button>
        </li>
    }
}

#[component]
fn Hits(hits: Vec<TemplateHit>, work: Work, list_open: RwSignal<bool>) -> impl IntoView {
    let many = match hits.len() {
        0 => "In no line of any template.".to_owned(),
        1 => "In one line:".to_owned(),
        many => format!("In {many} lines:"),
    };
    let hit = move |hit: TemplateHit| {
        let TemplateHit { template, line, text } = hit;
        let place = format!("{template}, line {line}");
        view! {
            <li>
                <button type="button" class="template-row" data-testid="template-hit" on:click=move |_| {
                    list_open.set(false);
                    work.open(template.clone(), Some(line));
                }>
                    <code class="clip">{text.trim().to_owned()}</code>
                    <span class="template-told">{place}</span>
                </button>
            </li>
        }
    };
    view! {
        <p class="small quiet list-none" role="status">{many}</p>
        <ul class="template-rows">{hits.into_iter().map(hit).collect_view()}</ul>
    }
}
