//! A model of Hugging Face by its id: what its repository holds, and fetching it.

use super::{ModelDraft, Source};
use crate::{
    actions, bridge,
    parts::*,
    state::{App, Place},
};
use chart::format::{amount, bytes, duration_secs};
use contract::*;
use leptos::{ev::KeyboardEvent, prelude::*, task::spawn_local};

/// Letters of a commit that tell it from others.
const COMMIT_SHOWN: usize = 10;

/// What was typed and what came of it. Lives as long as the window.
#[derive(Clone, Copy)]
pub struct HubDraft {
    id: RwSignal<String>,
    found: RwSignal<Found>,
    /// The folder of the model to fetch.
    folder: RwSignal<Option<String>>,
    /// The name of the weights to fetch.
    weights: RwSignal<Option<String>>,
    fetch: RwSignal<Option<Fetch>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Found {
    Nothing,
    Asking,
    Model(Box<HubModel>),
    Failed(Failure),
}

impl HubDraft {
    pub fn new() -> Self {
        Self {
            id: RwSignal::new(String::new()),
            found: RwSignal::new(Found::Nothing),
            folder: RwSignal::new(None),
            weights: RwSignal::new(None),
            fetch: RwSignal::new(None),
        }
    }

    fn look_up(self) {
        let repository = self.id.get_untracked();
        if repository.trim().is_empty() {
            return;
        }
        self.forget_ended();
        self.found.set(Found::Asking);
        spawn_local(async move {
            self.found.set(match bridge::ask(LookUpHub { repository, revision: None }).await {
                Ok(model) => {
                    if let Some(usual) = model.parts.first() {
                        self.choose(usual);
                    }
                    Found::Model(Box::new(model))
                }
                Err(Failure::Cancelled) => Found::Nothing,
                Err(failure) => Found::Failed(failure),
            });
        });
    }

    /// Turns to one of the repository's models, and to its preferred weights.
    fn choose(self, part: &HubPart) {
        self.weights.set(part.weights.first().map(|weights| weights.name.clone()));
        self.folder.set(Some(part.folder.clone()));
    }

    fn start(self, app: App, model: &HubModel, folder: String, weights: Option<String>) {
        let (repository, revision) = (model.repository.clone(), model.revision.clone());
        actions::send(app, StartFetch { repository, revision, folder, weights }, |_, ()| {});
    }

    /// What an earlier fetch came to is said until something else is asked for.
    fn forget_ended(self) {
        if !untrack(|| self.is_fetching()) {
            self.fetch.set(None);
        }
    }

    /// Follows it.
    fn is_fetching(self) -> bool {
        self.fetch.with(|fetch| fetch.as_ref().is_some_and(|fetch| fetch.stage.is_under_way()))
    }
}

#[component]
pub fn Hub() -> impl IntoView {
    let app = App::get();
    let hub = ModelDraft::get().hub;
    bridge::on_event(move |event| {
        if let Event::Fetch(fetch) = event {
            hub.fetch.set(Some((**fetch).clone()));
        }
    });
    // Events went by while the page was not there.
    actions::send(app, GetFetch {}, move |_, now| {
        let under_way = now.as_ref().is_some_and(|fetch| fetch.stage.is_under_way());
        if under_way || hub.fetch.with_untracked(Option::is_some) {
            hub.fetch.set(now);
        }
    });
    let asking = Memo::new(move |_| hub.found.with(|found| *found == Found::Asking));
    let typed = move |event: KeyboardEvent| {
        if event.key() == "Enter" {
            hub.look_up();
        }
    };
    view! {
        <section class="panel hub" data-testid="hub" aria-labelledby="hub-title">
            <div class="hub-ask">
                <label for="hub-id" id="hub-title">"Hugging Face id"</label>
                <input
                    id="hub-id"
                    class="input"
                    type="text"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder="google-bert/bert-base-uncased"
                    data-testid="hub-id"
                    bind:value=hub.id
                    on:keydown=typed
                />
                <Button
                    icon="search"
                    testid="hub-look-up"
                    busy=asking
                    disabled=Signal::derive(move || hub.id.with(|id| id.trim().is_empty()))
                    on_press=move |_| hub.look_up()
                >
                    "Look up"
                </Button>
                <Show when=move || asking.get()>
                    <Button icon="stop" testid="hub-stop" on_press=move |_| actions::send(app, CancelFetch {}, |_, ()| {})>"Cancel"</Button>
                </Show>
            </div>
            {move || match hub.found.get() {
                Found::Nothing => view! {
                    <p class="quiet small">"Shows the licence and the sizes first. Nothing is fetched before you say so; everything else here needs no network."</p>
                }
                .into_any(),
                Found::Asking => view! { <p class="quiet small" role="status">"Asking what the repository holds…"</p> }.into_any(),
                Found::Failed(failure) => view! { <NotFound failure /> }.into_any(),
                Found::Model(model) => view! { <Repository model=*model /> }.into_any(),
            }}
            <Progress />
        </section>
    }
}

/// Why nothing is known of it; a server that is not reached may have a mirror.
#[component]
fn NotFound(failure: Failure) -> impl IntoView {
    let of_server = matches!(failure, Failure::Missing { .. });
    view! {
        <InlineFailure failure />
        {of_server.then(|| view! {
            <div class="row"><OpenSettings /></div>
        })}
    }
}

#[component]
fn Repository(model: HubModel) -> impl IntoView {
    let hub = ModelDraft::get().hub;
    let licence = match &model.licence {
        Some(HubLicence { name, link: Some(link) }) => format!("{name}, {link}"),
        Some(HubLicence { name, link: None }) => name.clone(),
        None => "None is named. Read its page before you use it.".to_owned(),
    };
    let commit: String = model.revision.chars().take(COMMIT_SHOWN).collect();
    view! {
        <div class="hub-found" data-testid="hub-found">
            <div class="spread">
                <strong class="clip">{model.repository.clone()}</strong>
                <IconButton icon="close" small=true label="Close what was found" on_press=move |_| hub.found.set(Found::Nothing) />
            </div>
            <dl class="facts">
                <dt>"Licence"</dt><dd data-testid="hub-licence">{licence}</dd>
                <dt>"Its page"</dt><dd>{model.page.clone()}</dd>
                <dt>"Commit"</dt><dd title=model.revision.clone()>{commit}</dd>
            </dl>
            {model.closed.clone().map(|refusal| view! { <Refusal title="Its files cannot be had" testid="hub-closed" refusal /> })}
            <Parts model />
        </div>
    }
}

/// The models in a repository, and what the chosen one holds.
#[component]
fn Parts(model: HubModel) -> impl IntoView {
    let hub = ModelDraft::get().hub;
    let (several, left_out) = (model.parts.len() > 1, model.folders_left_out);
    let options: Vec<(String, String, String)> = model
        .parts
        .iter()
        .map(|part| (part.folder.clone(), label(part), format!("hub-folder-{}", part.folder)))
        .collect();
    let model = StoredValue::new(model);
    let choose = move |folder: String| {
        model.with_value(|model| {
            if let Some(part) = model.parts.iter().find(|part| part.folder == folder) {
                hub.choose(part);
            }
        });
    };
    // Drawn anew for another folder.
    let chosen = move || {
        let folder = hub.folder.get()?;
        let part = model.with_value(|model| model.parts.iter().find(|part| part.folder == folder).cloned())?;
        Some(view! { <Part model=model.get_value() part /> })
    };
    view! {
        {several.then(|| view! {
            <div class="row wrap">
                <span class="quiet small">"It holds several models. Fetch"</span>
                <Select
                    label="Model of the repository"
                    placeholder="Choose the model"
                    testid="hub-folder"
                    options=Signal::stored(options)
                    chosen=hub.folder
                    on_choose=choose
                />
            </div>
        })}
        {(left_out > 0).then(|| view! {
            <p class="small quiet">{format!("Not shown: {} with a config.json.", counted(u64::from(left_out), "more folder"))}</p>
        })}
        {chosen}
    }
}

/// A folder with what Assay makes of it, in a few words.
fn label(part: &HubPart) -> String {
    let folder = if part.folder.is_empty() { "The repository itself" } else { &part.folder };
    match &part.config {
        HubConfig::Builds { model_type, parameters } => {
            let size = parameters_told(*parameters);
            format!("{folder}: {model_type}{size}")
        }
        HubConfig::Refused { .. } => format!("{folder}: not built"),
        HubConfig::Absent => folder.to_owned(),
    }
}

/// One model of a repository.
#[component]
fn Part(model: HubModel, part: HubPart) -> impl IntoView {
    let open = model.closed.is_none();
    let built = match &part.config {
        HubConfig::Builds { model_type, parameters } => {
            let size = parameters_told(*parameters);
            (true, format!("A model of the type {model_type}{size}, which Assay builds"))
        }
        HubConfig::Refused { reason } => (false, format!("Assay does not build it from its configuration. {reason}")),
        HubConfig::Absent if !open => (false, "Not known before its files can be had".to_owned()),
        HubConfig::Absent => (false, "It has no config.json".to_owned()),
    };
    view! {
        <dl class="facts">
            <dt>"Model"</dt><dd data-testid="hub-model" class:caution=!built.0>{built.1}</dd>
        </dl>
        {part.no_weights.clone().filter(|_| open).map(|refusal| view! {
            <Refusal title="Its weights cannot be fetched" testid="hub-no-weights" refusal />
        })}
        <Choice model part />
    }
}

#[component]
fn Refusal(title: &'static str, testid: &'static str, refusal: HubRefusal) -> impl IntoView {
    let HubRefusal { reason, remedy, needs_token } = refusal;
    view! {
        <div class="hub-refusal" role="note" data-testid=testid>
            <Icon name="warning" />
            <div>
                <p>{format!("{title}: {reason}.")}</p>
                <p class="quiet">{format!("{remedy}.")}</p>
            </div>
            {needs_token.then(|| view! { <OpenSettings /> })}
        </div>
    }
}

/// Mirror and token are set there.
#[component]
fn OpenSettings() -> impl IntoView {
    let app = App::get();
    view! {
        <Button small=true icon="settings" testid="hub-settings" on_press=move |_| app.go(Place::Settings)>"Open Settings"</Button>
    }
}

/// Which weights, how large they are, and the two ways to fetch.
#[component]
fn Choice(model: HubModel, part: HubPart) -> impl IntoView {
    let app = App::get();
    let hub = ModelDraft::get().hub;
    let open = model.closed.is_none();
    let has_config = part.config != HubConfig::Absent;
    let several = part.weights.len() > 1;
    let free_bytes = model.free_bytes;
    let options: Vec<(String, String, String)> = part
        .weights
        .iter()
        .map(|weights| {
            (
                weights.name.clone(),
                format!("{}, {}", weights.name, bytes(weights.bytes)),
                format!("hub-{}", weights.name),
            )
        })
        .collect();
    let (model, part) = (StoredValue::new(model), StoredValue::new(part));
    let chosen = Memo::new(move |_| {
        let name = hub.weights.get()?;
        part.with_value(|part| part.weights.iter().find(|weights| weights.name == name).cloned())
    });
    let fetch = move |weights: Option<String>| {
        let folder = part.with_value(|part| part.folder.clone());
        model.with_value(|model| hub.start(app, model, folder, weights));
    };
    let fetch_weights = move |_| {
        if let Some(weights) = chosen.get_untracked() {
            fetch(Some(weights.name));
        }
    };
    let too_big =
        Memo::new(move |_| chosen.with(|weights| weights.as_ref().is_some_and(|one| missing(one) > free_bytes)));
    let idle = move || open && !hub.is_fetching();
    view! {
        {several.then(|| view! {
            <div class="row wrap">
                <span class="quiet small">"Weights"</span>
                <Select
                    label="Weights"
                    placeholder="Choose the weights"
                    testid="hub-weights"
                    options=Signal::stored(options)
                    chosen=hub.weights
                    on_choose=move |name| hub.weights.set(Some(name))
                />
            </div>
        })}
        {move || chosen.get().map(|weights| view! {
            <p class="small quiet" class:caution=too_big data-testid="hub-size">{size(&weights, free_bytes)}</p>
        })}
        <div class="row wrap">
            <Button
                testid="hub-fetch-config"
                disabled=Signal::derive(move || !(idle() && has_config))
                on_press=move |_| fetch(None)
            >
                "Fetch the configuration"
            </Button>
            {move || chosen.get().map(|weights| view! {
                <Button
                    kind=ButtonKind::Primary
                    icon="import"
                    testid="hub-fetch-weights"
                    disabled=Signal::derive(move || !idle() || too_big.get())
                    on_press=fetch_weights
                >
                    {format!("Fetch weights ({})", bytes(missing(&weights)))}
                </Button>
            })}
        </div>
    }
}

fn missing(weights: &HubWeights) -> u64 {
    weights.bytes.saturating_sub(weights.here_bytes)
}

fn size(weights: &HubWeights, free_bytes: u64) -> String {
    let files = counted(weights.files.len() as u64, "file");
    let here = match weights.here_bytes {
        0 => String::new(),
        here => format!(" {} of them are here from an earlier try.", bytes(here)),
    };
    let free = if missing(weights) > free_bytes {
        format!("Only {} are free on this disk.", bytes(free_bytes))
    } else {
        format!("{} are free on this disk.", bytes(free_bytes))
    };
    format!(
        "{} in {files}.{here} {free} Without the weights it is filled with random numbers: times and memory are real, answers mean nothing.",
        bytes(weights.bytes)
    )
}

/// What is being fetched, and what it came to.
#[component]
fn Progress() -> impl IntoView {
    let hub = ModelDraft::get().hub;
    // Drawn anew when it ends, and in between followed.
    let under_way = Memo::new(move |_| hub.is_fetching());
    move || {
        if under_way.get() {
            return view! { <UnderWay /> }.into_any();
        }
        match hub.fetch.get() {
            None => ().into_any(),
            Some(Fetch { repository, folder, weights, stage, .. }) => {
                let name = if folder.is_empty() { repository } else { format!("{repository}, {folder},") };
                view! { <Ended name weights stage /> }.into_any()
            }
        }
    }
}

#[component]
fn UnderWay() -> impl IntoView {
    let app = App::get();
    let hub = ModelDraft::get().hub;
    let share = Signal::derive(move || {
        hub.fetch.with(|fetch| match fetch {
            Some(Fetch { total_bytes: 0, .. }) | None => 0.0,
            Some(fetch) => fetch.done_bytes as f64 / fetch.total_bytes as f64,
        })
    });
    let waits = move || {
        let waits = app.queue.with(|queue| !queue.jobs.is_empty());
        waits.then_some(". Measurements wait until it has ended: each would disturb the other.")
    };
    let told = move || hub.fetch.with(|fetch| fetch.as_ref().map(told).unwrap_or_default());
    view! {
        <div class="stack hub-progress" data-testid="hub-progress">
            <ProgressBar label="Bytes fetched" done=share />
            <div class="spread">
                <span class="small quiet" data-testid="hub-told">{told}{waits}</span>
                <Button small=true icon="stop" testid="hub-cancel" on_press=move |_| actions::send(app, CancelFetch {}, |_, ()| {})>
                    "Cancel"
                </Button>
            </div>
        </div>
    }
}

fn told(fetch: &Fetch) -> String {
    let doing = match &fetch.stage {
        FetchStage::Checking(file) => format!("Reading what is here of {file}"),
        FetchStage::Fetching(file) => format!("Fetching {file} of {}", fetch.repository),
        _ => return format!("Asking for {}", fetch.repository),
    };
    let left = fetch.secs_left.map_or(String::new(), |secs| format!(", about {} left", duration_secs(secs)));
    format!("{doing}: {} of {}{left}", bytes(fetch.done_bytes), bytes(fetch.total_bytes))
}

#[component]
fn Ended(name: String, weights: Option<String>, stage: FetchStage) -> impl IntoView {
    let (app, draft) = (App::get(), ModelDraft::get());
    match stage {
        FetchStage::Done(id) => {
            let what = if weights.is_some() {
                "with its weights, checked"
            } else {
                "by its configuration, with random weights"
            };
            let (opened, measured) = (id.clone(), id);
            view! {
                <div class="hub-done" role="status" data-testid="hub-done">
                    <Icon name="check" />
                    <span class="grow">{format!("{name} is one of your models now, {what}.")}</span>
                    <Button small=true testid="hub-open" on_press=move |_| draft.open(app, Source::Listed(opened.clone()))>"Open"</Button>
                    <Button
                        small=true
                        kind=ButtonKind::Primary
                        icon="launch"
                        testid="hub-measure"
                        on_press=move |_| {
                            app.go(Place::Launch);
                            app.wanted_models.set(vec![measured.clone()]);
                        }
                    >
                        "Measure"
                    </Button>
                </div>
            }
            .into_any()
        }
        FetchStage::Cancelled => view! {
            <p class="small quiet" role="status" data-testid="hub-cancelled">
                {format!("Cancelled. What has arrived of {name} is kept: fetching it again goes on from there.")}
            </p>
        }
        .into_any(),
        FetchStage::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
        FetchStage::Asking | FetchStage::Fetching(_) | FetchStage::Checking(_) => ().into_any(),
    }
}

/// `, 110 million parameters`; nothing where they are not counted.
fn parameters_told(parameters: Option<u64>) -> String {
    parameters.map_or_else(String::new, |count| format!(", {} parameters", amount(count)))
}
