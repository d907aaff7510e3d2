//! What is about to run, in which Python and under which limits, before it does.

use super::{Runs, progress::named};
use crate::{
    actions,
    load::{Loaded, load},
    pages::templates::generate::{Ticks, kinds, platforms},
    parts::*,
    state::App,
};
use chart::format::bytes;
use contract::*;
use leptos::prelude::*;

/// Files that are listed; the count tells of all.
const SHOWN: usize = 200;

/// What a person asks for, as they change it.
#[derive(Clone, Copy)]
struct Asked {
    models: RwSignal<Vec<String>>,
    platforms: RwSignal<Vec<Platform>>,
    kinds: RwSignal<Vec<String>>,
    trusted: RwSignal<bool>,
}

impl Asked {
    fn files(self) -> Vec<GeneratedFile> {
        let (platforms, kinds) = (self.platforms.get(), self.kinds.get());
        let of = |model_type: &String| {
            let pairs = platforms.iter().flat_map(|platform| kinds.iter().map(move |kind| (*platform, kind.clone())));
            let made = pairs.filter(|(platform, kind)| is_made(kind, *platform));
            made.map(|(platform, kind)| GeneratedFile { model_type: model_type.clone(), platform, kind })
                .collect::<Vec<_>>()
        };
        self.models.with(|models| models.iter().flat_map(of).collect())
    }
}

#[component]
pub fn ConsentDialog(runs: Runs) -> impl IntoView {
    let open = RwSignal::new(false);
    let asked = Asked {
        models: RwSignal::new(Vec::new()),
        platforms: RwSignal::new(Vec::new()),
        kinds: RwSignal::new(Vec::new()),
        trusted: RwSignal::new(false),
    };
    Effect::new(move |_| {
        let Some(FilesWanted { model_types, platforms, kinds }) = runs.asked.get() else { return };
        asked.models.set(model_types);
        asked.platforms.set(platforms);
        asked.kinds.set(kinds);
        asked.trusted.set(false);
        runs.asked.set(None);
        open.set(true);
    });
    view! {
        <Dialog open title="Check and run files" wide=true>
            <Consent runs asked open />
        </Dialog>
    }
}

#[component]
fn Consent(runs: Runs, asked: Asked, open: RwSignal<bool>) -> impl IntoView {
    let app = App::get();
    let limits = load(|| Some(GetTrialLimits {}));
    let templates = load(|| Some(ListTemplates {}));
    let files = Memo::new(move |_| asked.files());
    let runnable = Memo::new(move |_| files.with(|files| files.iter().filter(|file| file.kind != "suite").count()));
    // Whatever is not as Assay brought it came from outside or from a person; each version is trusted once.
    let foreign = Memo::new(move |_| {
        templates.value.with(|rows| {
            let rows = rows.ready().map(Vec::as_slice).unwrap_or_default();
            let unknown = rows.iter().filter(|row| !row.trusted);
            unknown.map(|row| TemplateAt { name: row.name.clone(), version: row.version }).collect::<Vec<_>>()
        })
    });
    let own = move || Some(app.own_python.get().trim().to_owned()).filter(|own| !own.is_empty());
    let lacks_python = Memo::new(move |_| {
        own().is_none()
            && !runs
                .python
                .value
                .with(|python| python.ready().is_some_and(|python| matches!(python.state, PythonState::Ready { .. })))
    });
    let is_busy = Memo::new(move |_| runs.progress.with(|progress| progress.active));
    let start = move |run: bool| {
        let plan = TrialPlan {
            model_types: asked.models.get_untracked(),
            platforms: asked.platforms.get_untracked(),
            kinds: asked.kinds.get_untracked(),
            run,
            python: untrack(own),
        };
        let versions = foreign.get_untracked();
        open.set(false);
        let start = move |app: App| actions::send(app, StartTrials { plan }, |_, ()| {});
        if run && !versions.is_empty() {
            actions::send(app, TrustTemplates { versions }, move |app, ()| start(app));
        } else {
            start(app);
        }
    };
    let may_check = Signal::derive(move || files.with(Vec::is_empty) || is_busy.get());
    let may_run = Signal::derive(move || {
        may_check.get()
            || runnable.get() == 0
            || lacks_python.get()
            || templates.value.with(|rows| rows.ready().is_none())
            || (!foreign.with(Vec::is_empty) && !asked.trusted.get())
    });
    view! {
        <div class="dialog-body stack" data-testid="runs-consent">
            <div class="runs-asked">
                <Ticks label="Platforms" of="runs-on" options=platforms() chosen=asked.platforms />
                <Ticks label="Kinds" of="runs-as" options=kinds() chosen=asked.kinds />
            </div>
            <Files files />
            <Kept limits=limits.value />
            <p data-testid="runs-python-used">
                {move || match (own(), lacks_python.get()) {
                    (Some(own), _) => format!("They run in your own Python, {own}."),
                    (None, false) => "They run in the Python that Assay made.".to_owned(),
                    (None, true) => "There is no Python to run them in yet. They can be checked; to run them, close this and make one first.".to_owned(),
                }}
            </p>
            <Show when=move || !foreign.with(Vec::is_empty)>
                <div class="caution stack" data-testid="runs-foreign">
                    <p>
                        "These templates are not as they came with Assay: "
                        {move || foreign.with(|foreign| foreign.iter().map(|at| at.name.clone()).collect::<Vec<_>>().join(", "))}
                        ". What they make is a program that runs with your rights. Run it if you wrote them, or know who did. You are asked again when they change."
                    </p>
                    <Check checked=asked.trusted testid="runs-trust" on_change=move |on| asked.trusted.set(on)>"I trust these templates"</Check>
                </div>
            </Show>
            <Show when=move || is_busy.get()>
                <p class="caution small">"Files are being checked or run now. Wait for the end, or cancel that first."</p>
            </Show>
        </div>
        <div class="dialog-foot">
            <Button on_press=move |_| open.set(false)>"Close"</Button>
            <Button testid="runs-check" disabled=may_check on_press=move |_| start(false)>"Only check"</Button>
            <Button kind=ButtonKind::Primary icon="launch" testid="runs-run" disabled=may_run on_press=move |_| start(true)>
                {move || format!("Run {}", counted(runnable.get() as u64, "file"))}
            </Button>
        </div>
    }
}

/// What would be made, by name, and the text of the one that is looked at.
#[component]
fn Files(files: Memo<Vec<GeneratedFile>>) -> impl IntoView {
    let looked = RwSignal::new(None::<GeneratedFile>);
    // One that is no longer asked for is not looked at either.
    Effect::new(move |_| {
        let first = files.with(|files| files.first().cloned());
        if !looked
            .with_untracked(|looked| looked.as_ref().is_some_and(|looked| files.with(|files| files.contains(looked))))
        {
            looked.set(first);
        }
    });
    let text = load(move || Some(GetGeneratedFile { file: looked.get()? }));
    let row = move |file: GeneratedFile| {
        let (mine, name) = (file.clone(), named(&file));
        let is_looked = Memo::new(move |_| looked.with(|looked| looked.as_ref() == Some(&mine)));
        view! {
            <li>
                <button
                    type="button"
                    class="template-row"
                    aria-current=move || is_looked.get().then_some("true")
                    data-testid="runs-listed"
                    on:click=move |_| looked.set(Some(file.clone()))
                >
                    <span class="clip">{name}</span>
                </button>
            </li>
        }
    };
    let many = move || files.with(Vec::len);
    view! {
        <div class="field">
            <span class="label" data-testid="runs-count">
                {move || match many() {
                    0 => "No file: choose at least one platform and one kind".to_owned(),
                    1 => "One file".to_owned(),
                    many => counted(many as u64, "file"),
                }}
            </span>
            <div class="runs-files" hidden=move || many() == 0>
                <ul class="template-rows">
                    <For each=move || files.with(|files| files.iter().take(SHOWN).cloned().collect::<Vec<_>>()) key=|file| (file.model_type.clone(), file.platform.key(), file.kind.clone()) children=row />
                    {move || (many() > SHOWN).then(|| view! { <li class="small quiet list-none">"The first "{SHOWN}" are listed."</li> })}
                </ul>
                {move || match text.value.get() {
                    Loaded::Waiting => view! { <pre class="runs-text"></pre> }.into_any(),
                    Loaded::Failed(failure) => view! { <div><InlineFailure failure /></div> }.into_any(),
                    Loaded::Ready(made) => view! { <pre class="runs-text" data-testid="runs-listed-text">{made.text}</pre> }.into_any(),
                }}
            </div>
        </div>
    }
}

/// What each run is kept to, and what it is not.
#[component]
fn Kept(#[prop(into)] limits: Signal<Loaded<TrialLimits>>) -> impl IntoView {
    let told = |limits: TrialLimits| {
        let TrialLimits { longest_secs, memory_bytes, no_network } = limits;
        let network = if no_network {
            "The system refuses it the internet."
        } else {
            "This system offers no way to keep it from the internet."
        };
        view! {
            <ul class="runs-limits" data-testid="runs-limits">
                <li>{format!("Each file runs in a process of its own, for at most {} minutes and with at most {} of memory; beyond that it is ended and counts as failed.", longest_secs / 60, bytes(memory_bytes))}</li>
                <li>{network}" It sees none of your environment variables but those that hardware needs, and no settings or packages of yours."</li>
                <li>"It writes into a scratch folder that is deleted afterwards. It is not kept from reading or changing other files of yours: Assay does not fence those off."</li>
            </ul>
        }
    };
    move || match limits.get() {
        Loaded::Waiting => ().into_any(),
        Loaded::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
        Loaded::Ready(limits) => told(limits).into_any(),
    }
}
