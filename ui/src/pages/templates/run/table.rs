//! Every model type with what is proven of its files on each platform, a page at a time.

use super::{Proof, Runs, proof::ProofMark};
use crate::{
    pages::templates::{KINDS, generate::told},
    parts::*,
};
use chart::format::count;
use contract::*;
use leptos::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows on a page.
const PAGE: usize = 40;

/// What narrows the table.
#[derive(Clone, Copy)]
struct Narrowed {
    words: RwSignal<String>,
    family: RwSignal<Option<String>>,
    proofs: RwSignal<Vec<&'static str>>,
}

/// One model type with what is known of its files of a kind.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    kind: String,
    model_type: String,
    family: String,
    /// None where no file of this kind is made for the platform.
    proofs: [Option<Proof>; Platform::LISTED.len()],
}

#[component]
pub fn Table(runs: Runs, #[prop(into)] types: Signal<Vec<ModelTypeRow>>) -> impl IntoView {
    let narrowed = Narrowed {
        words: RwSignal::new(String::new()),
        family: RwSignal::new(None),
        proofs: RwSignal::new(Vec::new()),
    };
    let all = Memo::new(move |_| {
        let kind = runs.kind.get();
        let none = Vec::new();
        runs.coverage.value.with(|known| rows(&types.get(), &kind, known.ready().unwrap_or(&none)))
    });
    let found = Memo::new(move |_| {
        let (words, family, proofs) =
            (narrowed.words.get().to_lowercase(), narrowed.family.get(), narrowed.proofs.get());
        let takes = |row: &&Row| {
            row.model_type.to_lowercase().contains(words.trim())
                && family.as_ref().is_none_or(|family| row.family == *family)
                && (proofs.is_empty() || row.proofs.iter().flatten().any(|proof| proofs.contains(&proof.word())))
        };
        all.with(|rows| rows.iter().filter(takes).cloned().collect::<Vec<_>>())
    });
    let first = RwSignal::new(0u64);
    Effect::new(move |_| {
        narrowed.words.track();
        narrowed.family.track();
        narrowed.proofs.track();
        first.set(0);
    });
    let shown =
        move || found.with(|rows| rows.iter().skip(first.get() as usize).take(PAGE).cloned().collect::<Vec<_>>());
    view! {
        <section class="stack" aria-labelledby="runs-proof">
            <div class="spread wrap">
                <h2 id="runs-proof">"What is proven"</h2>
                <Segmented
                    options=KINDS.map(|kind| (kind.to_owned(), short(kind).to_owned(), format!("runs-{kind}"))).to_vec()
                    chosen=runs.kind
                    label="Kind of file"
                    on_choose=move |kind| runs.kind.set(kind)
                />
            </div>
            <p class="small quiet" data-testid="runs-told">{move || all.with(|rows| summary(rows, &runs.kind.get()))}</p>
            {move || runs.coverage.failure().map(|failure| view! { <InlineFailure failure /> })}
            <Tools runs narrowed types found />
            <div class="table-frame">
                <table class="table runs-table" data-testid="runs-table">
                    <thead>
                        <tr>
                            <th scope="col" class="results-check"><span class="visually-hidden">"Chosen"</span></th>
                            <th scope="col">"Model type"</th>
                            <th scope="col">"Family"</th>
                            {Platform::LISTED.into_iter().map(|platform| view! { <th scope="col">{platform.label()}</th> }).collect_view()}
                        </tr>
                    </thead>
                    <tbody>
                        <For each=shown key=|row| (row.kind.clone(), row.model_type.clone(), format!("{:?}", row.proofs)) let:row>
                            <RowView runs row />
                        </For>
                    </tbody>
                </table>
                <Show when=move || found.with(Vec::is_empty)>
                    <p class="quiet runs-none">"No model type is like this. Search for less, or take filters away."</p>
                </Show>
            </div>
            <Pager rows="model types" first all=Signal::derive(move || found.with(Vec::len) as u64) page=PAGE as u64 />
        </section>
    }
}

fn rows(types: &[ModelTypeRow], kind: &str, known: &[Coverage]) -> Vec<Row> {
    let known: HashMap<(&str, Platform), &Coverage> =
        known.iter().map(|known| ((known.file.model_type.as_str(), known.file.platform), known)).collect();
    let row = |row: &ModelTypeRow| Row {
        kind: kind.to_owned(),
        model_type: row.model_type.clone(),
        family: row.family.clone(),
        proofs: Platform::LISTED.map(|platform| {
            is_made(kind, platform).then(|| Proof::of(known.get(&(row.model_type.as_str(), platform)).copied()))
        }),
    };
    types.iter().map(row).collect()
}

fn short(kind: &str) -> &'static str {
    if kind == "suite" { "Suites" } else { told(kind) }
}

/// How many files there are, and what is known of them.
fn summary(rows: &[Row], kind: &str) -> String {
    let mut many: BTreeMap<&str, u64> = BTreeMap::new();
    for proof in rows.iter().flat_map(|row| row.proofs.iter().flatten()) {
        *many.entry(proof.word()).or_default() += 1;
    }
    let total = many.values().sum::<u64>();
    let parts = Proof::WORDS.iter().filter_map(|word| many.get(word).map(|many| format!("{} {word}", count(*many))));
    let own = if kind == "suite" {
        " Suites are no Python: Assay's own launcher runs them, so that they are checked here."
    } else {
        ""
    };
    format!(
        "{} {} for {} model types: {}.{own}",
        count(total),
        short(kind).to_lowercase(),
        count(rows.len() as u64),
        parts.collect::<Vec<_>>().join(", ")
    )
}

#[component]
fn Tools(runs: Runs, narrowed: Narrowed, types: Signal<Vec<ModelTypeRow>>, found: Memo<Vec<Row>>) -> impl IntoView {
    let families = Signal::derive(move || {
        let families: BTreeSet<String> = types.with(|rows| rows.iter().map(|row| row.family.clone()).collect());
        let all = std::iter::once((None, "all".to_owned()));
        all.chain(families.into_iter().map(|family| (Some(family.clone()), family))).collect::<Vec<_>>()
    });
    let proofs = Signal::derive(|| Proof::WORDS.map(|word| (word, word.to_owned())).to_vec());
    let many = Memo::new(move |_| runs.chosen.with(BTreeSet::len));
    let choose_found = move |_| {
        runs.chosen
            .update(|chosen| found.with_untracked(|rows| chosen.extend(rows.iter().map(|row| row.model_type.clone()))));
    };
    let ask = move |_| {
        runs.asked.set(Some(FilesWanted {
            model_types: runs.chosen.with_untracked(|chosen| chosen.iter().cloned().collect()),
            platforms: vec![Platform::Cpu],
            kinds: vec![runs.kind.get_untracked()],
        }));
    };
    view! {
        <div class="row wrap">
            <SearchInput value=narrowed.words label="Search model types" testid="runs-search" on_search=move |text| narrowed.words.set(text) />
            <Choose label="Family" options=families chosen=narrowed.family testid="runs-family" on_choose=move |family| narrowed.family.set(family) />
            <MultiSelect label="State" options=proofs chosen=narrowed.proofs testid="runs-proofs" on_choose=move |chosen| narrowed.proofs.set(chosen) />
            <span class="grow"></span>
            <Button kind=ButtonKind::Ghost testid="runs-choose-all" on_press=choose_found>
                {move || format!("Choose {}", match found.with(Vec::len) {
                    1 => "this one".to_owned(),
                    many => format!("these {}", count(many as u64)),
                })}
            </Button>
            <Show when=move || many.get() != 0>
                <Button kind=ButtonKind::Ghost testid="runs-choose-none" on_press=move |_| runs.chosen.set(BTreeSet::new())>"Choose none"</Button>
            </Show>
            <Button kind=ButtonKind::Primary icon="launch" testid="runs-ask" disabled=Signal::derive(move || many.get() == 0) on_press=ask>
                {move || match many.get() {
                    0 => "Check and run…".to_owned(),
                    many => format!("Check and run {}…", counted(many as u64, "model type")),
                }}
            </Button>
        </div>
    }
}

#[component]
fn RowView(runs: Runs, row: Row) -> impl IntoView {
    let Row { kind, model_type, family, proofs } = row;
    let (mine, ticked) = (model_type.clone(), model_type.clone());
    let is_chosen = Signal::derive(move || runs.chosen.with(|chosen| chosen.contains(&mine)));
    let choose = move |on: bool| {
        runs.chosen.update(|chosen| match on {
            true => drop(chosen.insert(ticked.clone())),
            false => drop(chosen.remove(&ticked)),
        });
    };
    let (name, testid, label) = (model_type.clone(), format!("choose-{model_type}"), format!("Choose {model_type}"));
    let cells = Platform::LISTED.into_iter().zip(proofs).map(move |(platform, proof)| {
        let file = GeneratedFile { model_type: model_type.clone(), platform, kind: kind.clone() };
        let testid = format!("proof-{model_type}-{}", platform.key());
        match proof {
            None => view! { <td class="dash" title="It is reached from a browser alone, where there is no Python. Suites reach it.">"–"</td> }.into_any(),
            Some(proof) => view! {
                <td>
                    <button
                        type="button"
                        class="runs-cell"
                        data-testid=testid
                        aria-label=format!("{} on {}: {}", file.model_type, platform.label(), proof.word())
                        on:click=move |_| runs.open.set(Some(file.clone()))
                    >
                        <ProofMark proof />
                    </button>
                </td>
            }
            .into_any(),
        }
    });
    view! {
        <tr>
            <td class="results-check">
                <Check checked=is_chosen testid on_change=choose>
                    <span class="visually-hidden">{label}</span>
                </Check>
            </td>
            <th scope="row"><span class="clip">{name}</span></th>
            <td class="quiet">{family}</td>
            {cells.collect_view()}
        </tr>
    }
}
