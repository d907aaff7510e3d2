//! The tree that the open template stands in, and where each of its blocks comes from.

use super::work::Work;
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Parents(work: Work) -> impl IntoView {
    let reading = Memo::new(move |before: Option<&TemplateReading>| {
        let now = work.reading.value.with(|reading| reading.ready().cloned());
        now.filter(|reading| !reading.kind.is_empty()).or_else(|| before.cloned()).unwrap_or_default()
    });
    view! {
        <div class="side-scroll" data-testid="parents">
            <h3>"What it is made of"</h3>
            {move || view! { <Tree reading=reading.get() work /> }}
            <h3>"Its blocks"</h3>
            <p class="small quiet">"A block is written by the most specific template that has it."</p>
            {move || view! { <Blocks reading=reading.get() work /> }}
        </div>
    }
}

/// From the outermost parent down to this template, with what extends it below.
#[component]
fn Tree(reading: TemplateReading, work: Work) -> impl IntoView {
    let own = reading.chain.first().cloned().unwrap_or_default();
    let extending = reading.needed_by.iter().filter(|need| need.how == "extends").map(|need| need.name.clone());
    let parents = reading.chain.iter().rev().map(|name| (name.clone(), *name == own)).enumerate();
    let depth = reading.chain.len();
    let mut rows: Vec<(usize, String, bool)> = parents.map(|(depth, (name, is_own))| (depth, name, is_own)).collect();
    rows.extend(extending.map(|name| (depth, name, false)));
    let row = move |(depth, name, is_own): (usize, String, bool)| {
        view! {
            <li style=format!("--depth:{depth}") class:own=is_own class:root={depth == 0}>
                <Link name=name.clone() line=None work />
                {is_own.then(|| view! { <span class="small quiet">"this one"</span> })}
            </li>
        }
    };
    let used: Vec<String> =
        reading.needs.iter().filter(|need| need.how != "extends").map(|need| need.name.clone()).collect();
    let using: Vec<String> =
        reading.needed_by.iter().filter(|need| need.how != "extends").map(|need| need.name.clone()).collect();
    view! {
        <ul class="tree">{rows.into_iter().map(row).collect_view()}</ul>
        <Others told="Helpers it uses" names=used work />
        <Others told="Templates that use it" names=using work />
    }
}

#[component]
fn Others(told: &'static str, names: Vec<String>, work: Work) -> impl IntoView {
    (!names.is_empty()).then(|| {
        let links = names.into_iter().map(|name| view! { <Link name line=None work /> }).collect_view();
        view! { <div class="tree-others"><span class="small quiet">{told}</span><div class="row wrap">{links}</div></div> }
    })
}

#[component]
fn Blocks(reading: TemplateReading, work: Work) -> impl IntoView {
    let own = reading.chain.first().cloned().unwrap_or_default();
    let row = move |block: TemplateBlock| {
        let mut places = block.places.into_iter();
        let first = places.next();
        let replaces: Vec<TemplateLine> = places.collect();
        let is_own = first.as_ref().is_some_and(|place| place.template == own);
        let place = first.map(|place| {
            let name = if is_own { "here".to_owned() } else { place.template.clone() };
            view! { <Link name=place.template text=format!("{name}, line {}", place.line) line=Some(place.line) work /> }
        });
        let behind = replaces.into_iter().map(|place| view! {
            <Link text=format!("{}, line {}", place.template, place.line) name=place.template line=Some(place.line) work />
        });
        view! {
            <tr data-testid=format!("block-{}", block.name)>
                <th scope="row"><code>{block.name.clone()}</code></th>
                <td>{place}</td>
                <td>{behind.collect_view()}</td>
            </tr>
        }
    };
    if reading.blocks.is_empty() {
        return view! { <p class="quiet">"It has no blocks."</p> }.into_any();
    }
    view! {
        <table class="table blocks">
            <thead><tr><th scope="col">"Block"</th><th scope="col">"Written"</th><th scope="col">"In place of"</th></tr></thead>
            <tbody>{reading.blocks.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

/// A press opens the template at the line.
#[component]
fn Link(name: String, #[prop(into, optional)] text: Option<String>, line: Option<u32>, work: Work) -> impl IntoView {
    let shown = text.unwrap_or_else(|| name.clone());
    view! {
        <button type="button" class="link" on:click=move |_| work.open(name.clone(), line)>{shown}</button>
    }
}
