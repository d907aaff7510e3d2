//! The frame of the window: rail, page, running strip, notices, palette; and what happens at the start.

use crate::{
    actions, bridge, pages,
    parts::*,
    state::{App, Place, dark_query},
    webview,
};
use contract::*;
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, closure::Closure};

#[component]
pub fn Window() -> impl IntoView {
    let app = App::new();
    provide_context(app);
    let tips = TipLayer::new();
    provide_context(tips);
    // What a tip belongs to is gone with its page.
    Effect::new(move |_| {
        app.place.track();
        request_animation_frame(move || tips.hide());
    });
    provide_context(pages::Draft::new());
    provide_context(pages::CompareDraft::new());
    provide_context(pages::ModelDraft::new());
    provide_context(pages::Question::new());
    let started = RwSignal::new(None::<Result<(), Stuck>>);

    bridge::on_event(move |event| hear(app, event));
    spawn_local(start(app, started));
    follow_system_theme(app);
    window_event_listener(ev::keydown, move |event| {
        if actions::press(app, &event) {
            event.prevent_default();
        }
    });

    view! {
        <div class="frame">
            <Rail />
            <main class="stage">
                {move || match started.get() {
                    None => ().into_any(),
                    Some(Ok(())) => view! { <Page /> }.into_any(),
                    Some(Err((failure, usual_store))) => view! {
                        <pages::StartFailed failure usual_store on_retry=move || spawn_local(start(app, started)) />
                    }.into_any(),
                }}
                <pages::ImportStrip />
                <LiveStrip />
            </main>
        </div>
        <Notices />
        <Palette />
        <pages::ImportReportDialog />
        <pages::ExportDialog />
        <pages::QuitDialog />
        <Tip />
    }
}

fn follow_system_theme(app: App) {
    let Some(query) = dark_query() else { return };
    let changed = {
        let query = query.clone();
        Closure::<dyn Fn()>::new(move || app.system_dark.set(query.matches()))
    };
    // Adding a listener fails only for types of events the browser does not know.
    let _ = query.add_event_listener_with_callback("change", changed.into_js_value().unchecked_ref());
}

#[component]
fn Page() -> impl IntoView {
    let app = App::get();
    move || match app.place.get() {
        Place::Welcome => view! { <pages::Welcome /> }.into_any(),
        Place::Matrix => view! { <pages::MatrixPage /> }.into_any(),
        Place::Launch => view! { <pages::Launch /> }.into_any(),
        Place::Compare => view! { <pages::Compare /> }.into_any(),
        Place::Charts => view! { <pages::Charts /> }.into_any(),
        Place::Results => view! { <pages::Results /> }.into_any(),
        Place::Models => view! { <pages::Models /> }.into_any(),
        Place::Templates => view! { <pages::Templates /> }.into_any(),
        Place::Recommend => view! { <pages::Recommend /> }.into_any(),
        Place::Watch => view! { <pages::Watch /> }.into_any(),
        Place::Machine => view! { <pages::Machine /> }.into_any(),
        Place::Settings => view! { <pages::SettingsPage /> }.into_any(),
    }
}

#[component]
fn Rail() -> impl IntoView {
    let app = App::get();
    let item = move |place: Place| {
        let keys = actions::keys_of(&format!("go-{}", place.key())).unwrap_or_default();
        view! {
            <button
                class="rail-item"
                data-testid=format!("nav-{}", place.key())
                title=format!("{} ({keys})", place.label())
                aria-current=move || (app.place.get() == place).then_some("page")
                on:click=move |_| app.go(place)
            >
                <Icon name=icon_of(place) />
                <span>{place.label()}</span>
            </button>
        }
    };
    let (tools, places): (Vec<Place>, Vec<Place>) =
        Place::RAIL.into_iter().partition(|place| matches!(place, Place::Machine | Place::Settings));
    view! {
        <nav class="rail" aria-label="Places">
            <div class="rail-brand"><Mark /><span>"Assay"</span></div>
            <div class="rail-places">
                {places.into_iter().map(item).collect_view()}
                <div class="rail-gap"></div>
                <button
                    class="rail-item"
                    data-testid="open-palette"
                    title="Find an action (Ctrl+K)"
                    on:click=move |_| app.palette_open.set(true)
                >
                    <Icon name="search" />
                    <span>"Actions"</span>
                    <span class="keys"><kbd>"Ctrl"</kbd>" "<kbd>"K"</kbd></span>
                </button>
                {tools.into_iter().map(item).collect_view()}
            </div>
        </nav>
    }
}

fn icon_of(place: Place) -> &'static str {
    match place {
        Place::Welcome => "spark",
        Place::Matrix => "matrix",
        Place::Launch => "launch",
        Place::Compare => "compare",
        Place::Charts => "charts",
        Place::Results => "results",
        Place::Models => "models",
        Place::Templates => "templates",
        Place::Recommend => "recommend",
        Place::Watch => "watch",
        Place::Machine => "machine",
        Place::Settings => "settings",
    }
}

/// Why nothing can be shown, and the store that can be opened instead.
type Stuck = (Failure, Option<String>);

/// The first words between window and shell.
async fn start(app: App, started: RwSignal<Option<Result<(), Stuck>>>) {
    let answer = match bridge::listen().await {
        Ok(()) => bridge::ask(Hello {}).await,
        Err(failure) => Err(failure),
    };
    let start = match answer {
        Ok(start) => start,
        Err(failure) => return started.set(Some(Err((failure, None)))),
    };
    app.version.set(start.version);
    app.apply_theme(start.settings.theme);
    let first_steps = !start.settings.welcomed && start.results == 0;
    app.settings.set(start.settings);
    for notice in start.notices {
        app.tell(notice.kind, notice.text);
    }
    if let Some(failure) = start.store_failure {
        return started.set(Some(Err((failure, start.usual_store))));
    }
    if first_steps {
        app.go(Place::Welcome);
    }
    started.set(Some(Ok(())));
    webview::report(app).await;
    if let Ok(queue) = bridge::ask(GetQueue {}).await {
        app.queue.set(queue);
    }
    if let Ok(live) = bridge::ask(GetLive {}).await {
        app.live.set(live);
    }
    if let Ok(live) = bridge::ask(GetLiveComparison {}).await {
        app.comparison.set(live);
    }
    if let Ok(import) = bridge::ask(GetImport {}).await {
        app.import.set(import);
    }
}

fn hear(app: App, event: &Event) {
    match event {
        Event::Queue(queue) => {
            if !queue.jobs.iter().any(|job| job.state == JobState::Running) {
                app.live.set(None);
            }
            app.queue.set(queue.clone());
        }
        Event::Live(live) => app.live.set(Some(live.clone())),
        Event::Comparison(live) => app.comparison.set(Some((**live).clone())),
        Event::Import(import) => app.import.set(import.clone()),
        Event::Stored(_) | Event::ResultsChanged => app.results.update(|version| *version += 1),
        Event::MachineChanged => app.machine.update(|version| *version += 1),
        Event::ModelsChanged => app.models.update(|version| *version += 1),
        Event::Dropped(paths) => actions::take_dropped(app, paths.clone()),
        Event::Notice(notice) => app.tell(notice.kind, notice.text.clone()),
        Event::PeaksEnded { failure } => tell_unless_at(app, Place::Machine, failure.as_ref()),
        Event::PythonEnded { failure } => {
            app.python_failure.set(failure.clone().filter(|failure| *failure != Failure::Cancelled));
            tell_unless_at(app, Place::Templates, failure.as_ref());
        }
        // Heard by the pages of this machine, of models and of templates, and by the question before leaving.
        Event::Peaks(_) | Event::Fetch(_) | Event::QuitAsked => {}
        Event::Making(_) | Event::Python(_) | Event::Trials(_) => {}
    }
}

/// A failure that the page of this place shows where it is, unless the person is elsewhere.
fn tell_unless_at(app: App, place: Place, failure: Option<&Failure>) {
    if let Some(failure) = failure
        && app.place.get_untracked() != place
    {
        app.tell_failure(failure);
    }
}
