//! Files for chosen model types, platforms and kinds, into a folder or a zip file.

use super::{
    KINDS,
    making::{Running, reached},
};
use crate::{bridge, load::load, parts::*};
use chart::format::count;
use contract::*;
use leptos::{prelude::*, task::spawn_local};
use std::collections::BTreeSet;

/// Refused files that are shown; the count tells of all.
const SHOWN: usize = 40;

#[derive(Clone, Debug, PartialEq)]
enum State {
    Choosing,
    Running,
    Done(GeneratedFiles),
    Failed(Failure),
}

/// What the person asks for.
#[derive(Clone, Copy)]
struct Wish {
    models: RwSignal<Vec<String>>,
    platforms: RwSignal<Vec<Platform>>,
    kinds: RwSignal<Vec<String>>,
    as_zip: RwSignal<bool>,
}

impl Wish {
    fn wanted(self) -> FilesWanted {
        FilesWanted { model_types: self.models.get(), platforms: self.platforms.get(), kinds: self.kinds.get() }
    }

    fn files(self) -> usize {
        let wanted = self.wanted();
        let each = |platform: &Platform| wanted.kinds.iter().filter(|kind| is_made(kind, *platform)).count();
        wanted.model_types.len() * wanted.platforms.iter().map(each).sum::<usize>()
    }
}

#[component]
pub fn GenerateDialog(
    open: RwSignal<bool>,
    /// Model types that it begins with.
    chosen: Vec<String>,
) -> impl IntoView {
    let wish = Wish {
        models: RwSignal::new(chosen),
        platforms: RwSignal::new(vec![Platform::Cpu]),
        kinds: RwSignal::new(vec!["test".to_owned()]),
        as_zip: RwSignal::new(false),
    };
    let state = RwSignal::new(State::Choosing);
    Effect::new(move |_| {
        if open.get() {
            state.set(State::Choosing);
        }
    });
    let begin = move |_| {
        let (wanted, as_zip) = untrack(|| (wish.wanted(), wish.as_zip.get()));
        state.set(State::Running);
        spawn_local(async move {
            let answer = bridge::ask(GenerateFiles { wanted, as_zip, path: None }).await;
            // The page may be gone by now, and its signals with it.
            state.try_set(match answer {
                Ok(Some(made)) => State::Done(made),
                Ok(None) | Err(Failure::Cancelled) => State::Choosing,
                Err(failure) => State::Failed(failure),
            });
        });
    };
    view! {
        <Dialog open title="Generate files" wide=true>
            <div class="dialog-body stack" data-testid="generate">
                {move || match state.get() {
                    State::Running => view! { <Running /> }.into_any(),
                    State::Done(made) => view! { <Made made /> }.into_any(),
                    State::Choosing => view! { <Wishes wish /> }.into_any(),
                    State::Failed(failure) => view! { <InlineFailure failure /><Wishes wish /> }.into_any(),
                }}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Close"</Button>
                <Show when=move || matches!(state.get(), State::Choosing | State::Failed(_))>
                    <Button
                        kind=ButtonKind::Primary
                        icon="export"
                        testid="generate-begin"
                        disabled=Signal::derive(move || wish.files() == 0)
                        on_press=begin
                    >
                        {move || if wish.as_zip.get() { "Choose a zip file…" } else { "Choose a folder…" }}
                    </Button>
                </Show>
                <Show when=move || matches!(state.get(), State::Done(_))>
                    <Button kind=ButtonKind::Primary testid="generate-more" on_press=move |_| state.set(State::Choosing)>"Generate more"</Button>
                </Show>
            </div>
        </Dialog>
    }
}

#[component]
fn Wishes(wish: Wish) -> impl IntoView {
    let types = load(|| Some(ListModelTypes {}));
    let rows = Signal::derive(move || types.value.with(|types| types.ready().cloned().unwrap_or_default()));
    let add = move |found: Vec<String>| {
        wish.models.update(|models| {
            let known: BTreeSet<String> = models.iter().cloned().collect();
            models.extend(found.into_iter().filter(|model| !known.contains(model)));
        });
    };
    let names =
        Signal::derive(move || rows.with(|rows| rows.iter().map(|row| row.model_type.clone()).collect::<Vec<_>>()));
    let families = Signal::derive(move || {
        let families: BTreeSet<String> = rows.with(|rows| rows.iter().map(|row| row.family.clone()).collect());
        let all = std::iter::once((None, "all model types".to_owned()));
        all.chain(families.into_iter().map(|family| (Some(family.clone()), family))).collect::<Vec<_>>()
    });
    let add_family = move |family: Option<String>| {
        let of = |row: &&ModelTypeRow| family.as_ref().is_none_or(|family| row.family == *family);
        add(rows.with_untracked(|rows| rows.iter().filter(of).map(|row| row.model_type.clone()).collect()));
    };
    view! {
        <div class="field">
            <span class="label">"Model types"</span>
            <div class="row wrap">
                <Combobox label="Add a model type" options=names chosen=Signal::derive(|| "Add one by its name".to_owned()) testid="generate-model" on_choose=move |model| add(vec![model]) />
                <Choose label="Add a family" options=families chosen=Signal::derive(|| Some(String::new())) testid="generate-family" on_choose=add_family />
                <Show when=move || wish.models.with(|models| !models.is_empty())>
                    <Button small=true kind=ButtonKind::Ghost on_press=move |_| wish.models.set(Vec::new())>"Take all away"</Button>
                </Show>
            </div>
            <Chosen models=wish.models />
        </div>
        <Ticks label="Platforms" of="generate" options=platforms() chosen=wish.platforms />
        <Ticks label="Kinds" of="generate" options=kinds() chosen=wish.kinds />
        <div class="field">
            <span class="label">"As"</span>
            <div>
                <Segmented
                    options=vec![(false, "A folder".into(), "as-folder".into()), (true, "A zip file".into(), "as-zip".into())]
                    chosen=wish.as_zip
                    label="As"
                    on_choose=move |as_zip| wish.as_zip.set(as_zip)
                />
            </div>
        </div>
        <p class="small quiet" data-testid="generate-count">
            {move || match wish.files() {
                0 => "Choose at least one model type, one platform and one kind.".to_owned(),
                files => format!("{}, with a README that says how to run what was made.", counted(files as u64, "file")),
            }}
        </p>
    }
}

/// Every platform, to be ticked.
pub fn platforms() -> Vec<(Platform, String, &'static str)> {
    Platform::LISTED.map(|platform| (platform, platform.label().to_owned(), platform.key())).to_vec()
}

/// Every kind, to be ticked.
pub fn kinds() -> Vec<(String, String, &'static str)> {
    KINDS.map(|kind| (kind.to_owned(), told(kind).to_owned(), kind)).to_vec()
}

/// What a kind is called where several are named.
pub fn told(kind: &str) -> &'static str {
    match kind {
        "test" => "Tests",
        "skill" => "Skills",
        "benchmark" => "Benchmarks",
        _ => "Suites for Assay's own launcher",
    }
}

/// The chosen ones by name while they are few, else how many.
#[component]
fn Chosen(models: RwSignal<Vec<String>>) -> impl IntoView {
    const FEW: usize = 24;
    move || {
        let chosen = models.get();
        match chosen.len() {
            0 => view! { <span class="hint">"None is chosen yet."</span> }.into_any(),
            many if many > FEW => {
                view! { <span class="hint" data-testid="generate-chosen">{count(many as u64)}" are chosen."</span> }
                    .into_any()
            }
            _ => {
                let one = |model: String| {
                    let gone = model.clone();
                    view! {
                        <span class="chip neutral">
                            {model.clone()}
                            <button type="button" class="chip-close" aria-label=format!("Take {model} away") on:click=move |_| models.update(|models| models.retain(|one| *one != gone))>
                                <Icon name="close" size=12 />
                            </button>
                        </span>
                    }
                };
                view! { <div class="row wrap" data-testid="generate-chosen">{chosen.into_iter().map(one).collect_view()}</div> }.into_any()
            }
        }
    }
}

/// Any of a few, all visible.
#[component]
pub fn Ticks<T>(
    label: &'static str,
    /// Each test id begins with it.
    of: &'static str,
    /// Value, text and the end of the test id of each.
    options: Vec<(T, String, &'static str)>,
    chosen: RwSignal<Vec<T>>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let tick = move |(value, text, key): (T, String, &'static str)| {
        let mine = value.clone();
        let is_chosen = Signal::derive(move || chosen.with(|chosen| chosen.contains(&mine)));
        let change = move |on: bool| {
            chosen.update(|chosen| {
                chosen.retain(|one| *one != value);
                if on {
                    chosen.push(value.clone());
                }
            });
        };
        view! { <Check checked=is_chosen testid=format!("{of}-{key}") on_change=change>{text}</Check> }
    };
    view! {
        <fieldset class="field ticks">
            <legend class="label">{label}</legend>
            <div class="row wrap">{options.into_iter().map(tick).collect_view()}</div>
        </fieldset>
    }
}

#[component]
fn Made(made: GeneratedFiles) -> impl IntoView {
    let GeneratedFiles { path, files, refused } = made;
    let many = refused.len();
    view! {
        <div class="stack" data-testid="generated">
            <p><strong>{counted(files.len() as u64, "file")}</strong>" written to"</p>
            <p><code class="selectable">{path}</code></p>
            {(many > 0).then(|| view! {
                <h3>"Not made: "{count(many as u64)}</h3>
                <ul class="reached">{refused.into_iter().take(SHOWN).map(reached).collect_view()}</ul>
                {(many > SHOWN).then(|| view! { <p class="small quiet">"The first "{SHOWN}" are shown; the README names all."</p> })}
            })}
        </div>
    }
}
