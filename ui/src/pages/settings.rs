//! Settings: look, measuring, where things are kept, and where models are fetched from.

use crate::{
    actions, bridge,
    load::{Load, load},
    parts::*,
    state::App,
};
use chart::format;
use contract::{
    ClearWeights, Failure, GetSettings, GetStorage, NoticeKind, SaveSettings, SetToken, Settings, StorageInfo, Theme,
    counted,
};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn SettingsPage() -> impl IntoView {
    let app = App::get();
    let settings = load(|| Some(GetSettings {}));
    let storage = load(move || {
        app.results.track();
        Some(GetStorage {})
    });
    view! {
        <section class="page settings" aria-labelledby="settings-title">
            <header class="page-head">
                <div>
                    <h1 id="settings-title">"Settings"</h1>
                    <p class="lead">"Changes are kept at once."</p>
                </div>
            </header>
            <div class="page-scroll">
                <Look />
                <WhenLoaded load=settings rows=3 ready=|settings| view! { <Measuring settings /> } />
                <WhenLoaded load=storage rows=3 ready=move |info| view! { <Storage info reload=Callback::new(move |()| storage.reload()) /> } />
                <HuggingFace storage />
                <p class="quiet small">"Assay "{app.version}</p>
            </div>
        </section>
    }
}

#[component]
fn Look() -> impl IntoView {
    let app = App::get();
    let theme = Memo::new(move |_| app.settings.with(|settings| settings.theme));
    view! {
        <section class="panel setting-panel">
            <h2>"Look"</h2>
            <div class="setting">
                <span class="setting-name">"Theme"</span>
                <Segmented
                    options=vec![
                        (Theme::System, "System".into(), "theme-system".into()),
                        (Theme::Light, "Light".into(), "theme-light".into()),
                        (Theme::Dark, "Dark".into(), "theme-dark".into()),
                    ]
                    chosen=theme
                    label="Theme"
                    on_choose=move |theme| actions::set_theme(app, theme)
                />
            </div>
        </section>
    }
}

const GIGABYTE: f64 = 1e9;

#[component]
fn Measuring(settings: Settings) -> impl IntoView {
    let threads = settings.threads.map(|threads| threads.to_string()).unwrap_or_default();
    view! {
        <section class="panel setting-panel">
            <h2>"Measuring"</h2>
            <NumberSetting
                name="CPU threads"
                hint="For new measurements. Empty uses all cores."
                unit=""
                start=threads
                check=|text| match text {
                    "" => Ok(0.0),
                    text => whole(text, 1.0, 1024.0),
                }
                store=|settings, value| settings.threads = (value > 0.0).then_some(value as u32)
            />
            <NumberSetting
                name="Time for each measurement"
                hint="The longest; a steady figure ends it sooner."
                unit="s"
                start=settings.budget_secs.to_string()
                check=|text| number(text, 1.0, 3600.0)
                store=|settings, value| settings.budget_secs = value
            />
            <NumberSetting
                name="Stop a measurement after"
                hint="Loading included. It is stored as timed out."
                unit="s"
                start=settings.timeout_secs.to_string()
                check=|text| number(text, 5.0, 86_400.0)
                store=|settings, value| settings.timeout_secs = value
            />
            <NumberSetting
                name="Memory a measurement may use"
                hint="Of all installed memory. Beyond it the measurement is stopped and stored as out of memory."
                unit="%"
                start=format!("{:.0}", settings.memory_share * 100.0)
                check=|text| number(text, 5.0, 95.0)
                store=|settings, value| settings.memory_share = value / 100.0
            />
            <NumberSetting
                name="Disk for generated weights"
                hint="The oldest go first when it is full; those that waiting measurements need stay."
                unit="GB"
                start=format!("{:.0}", settings.weights_budget_bytes as f64 / GIGABYTE)
                check=|text| number(text, 1.0, 10_000.0)
                store=|settings, value| settings.weights_budget_bytes = (value * GIGABYTE) as u64
            />
        </section>
    }
}

fn number(text: &str, from: f64, to: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (from..=to).contains(&value) => Ok(value),
        _ => Err(format!("A number from {from} to {to}, please.")),
    }
}

fn whole(text: &str, from: f64, to: f64) -> Result<f64, String> {
    number(text, from, to)
        .and_then(|value| if value.fract() == 0.0 { Ok(value) } else { Err("A whole number, please.".into()) })
}

/// One number with its unit; kept when the person leaves the field, refused with a sentence when it makes no sense.
#[component]
fn NumberSetting(
    name: &'static str,
    hint: &'static str,
    unit: &'static str,
    start: String,
    check: fn(&str) -> Result<f64, String>,
    store: fn(&mut Settings, f64),
) -> impl IntoView {
    let app = App::get();
    let text = RwSignal::new(start);
    let wrong = RwSignal::new(None::<String>);
    let keep = move |_| match check(text.get_untracked().trim()) {
        Ok(value) => {
            wrong.set(None);
            app.settings.update(|settings| store(settings, value));
            actions::save_settings(app);
        }
        Err(reason) => wrong.set(Some(reason)),
    };
    view! {
        <label class="setting">
            <span class="setting-name">{name}<span class="quiet small">{hint}</span></span>
            <span class="setting-value">
                <input
                    class="input input-number"
                    inputmode="decimal"
                    aria-invalid=move || wrong.get().is_some().to_string()
                    bind:value=text
                    on:change=keep
                />
                <span class="quiet setting-unit">{unit}</span>
                {move || wrong.get().map(|wrong| view! { <span class="wrong small" role="alert">{wrong}</span> })}
            </span>
        </label>
    }
}

#[component]
fn Storage(info: StorageInfo, reload: Callback<()>) -> impl IntoView {
    let app = App::get();
    let failure = RwSignal::new(None::<Failure>);
    let tell = move |done: Result<(), Failure>| drop(failure.try_set(done.err()));
    let open = move |path: Option<String>| spawn_local(async move { tell(actions::open_store(path).await) });
    let make = move |_| spawn_local(async move { tell(actions::new_store().await) });
    let usual = info.usual_store.clone();
    let clear = move |_| {
        actions::send(app, ClearWeights {}, move |app, freed| {
            app.tell(NoticeKind::Info, format!("{} were freed.", format::bytes(freed)));
            reload.run(());
        });
    };
    view! {
        <section class="panel setting-panel">
            <h2>"Storage"</h2>
            <div class="setting">
                <span class="setting-name">
                    "Results"
                    <span class="quiet small selectable" data-testid="store-path">{info.store_path}</span>
                    {usual.map(|path| view! { <span class="quiet small selectable">"The usual one is "{path}</span> })}
                </span>
                <span class="setting-value">
                    <span class="number">{format!("{}, {}", counted(info.results, "result"), format::bytes(info.store_bytes))}</span>
                    <Button small=true testid="new-store" on_press=make>"New…"</Button>
                    <Button small=true testid="open-store" on_press=move |_| open(None)>"Open another…"</Button>
                    {info.usual_store.map(|path| view! {
                        <Button small=true testid="usual-store" on_press=move |_| open(Some(path.clone()))>"Use the usual one"</Button>
                    })}
                </span>
            </div>
            {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
            <div class="setting">
                <span class="setting-name">
                    "Generated weights"
                    <span class="quiet small selectable">{info.weights_path}</span>
                </span>
                <span class="setting-value">
                    <span class="number">
                        {format!("{}, {} free on this disk", format::bytes(info.weights_bytes), format::bytes(info.available_disk_bytes))}
                    </span>
                    <Button small=true testid="clear-weights" disabled=info.weights_bytes == 0 on_press=clear>"Clear"</Button>
                </span>
            </div>
            <div class="setting">
                <span class="setting-name">
                    "Engine libraries of your own"
                    <span class="quiet small selectable">{info.libraries_path}</span>
                </span>
                <span class="setting-value">
                    <Button small=true testid="open-libraries" on_press=move |_| actions::open_libraries(app)>"Open folder"</Button>
                </span>
            </div>
        </section>
    }
}

/// The only part that uses the network, when a model is fetched by its id.
#[component]
fn HuggingFace(storage: Load<StorageInfo>) -> impl IntoView {
    let reload = Callback::new(move |()| storage.reload());
    view! {
        <section class="panel setting-panel">
            <h2>"Hugging Face"</h2>
            <Mirror storage />
            <WhenLoaded load=storage rows=1 ready=move |info: StorageInfo| view! {
                <Token endpoint=info.hub_endpoint kept_for=info.token_endpoint reload />
            } />
        </section>
    }
}

/// Kept when the person leaves the field, refused with a sentence when it is no address. Not drawn anew with each
/// answer, so that what is being typed stays.
#[component]
fn Mirror(storage: Load<StorageInfo>) -> impl IntoView {
    let app = App::get();
    let text = RwSignal::new(app.settings.with_untracked(|settings| settings.hub_mirror.clone().unwrap_or_default()));
    let failure = RwSignal::new(None::<Failure>);
    let keep = move |_| {
        let mirror = Some(text.get_untracked().trim().to_owned()).filter(|mirror| !mirror.is_empty());
        let settings = Settings { hub_mirror: mirror, ..app.settings.get_untracked() };
        spawn_local(async move {
            match bridge::ask(SaveSettings { settings: settings.clone() }).await {
                Ok(()) => {
                    app.settings.set(settings);
                    failure.try_set(None);
                    storage.reload();
                }
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    };
    let asked =
        move || storage.value.with(|info| info.ready().map(|info| format!(" Now {} is asked.", info.hub_endpoint)));
    view! {
        <label class="setting">
            <span class="setting-name">
                "Mirror"
                <span class="quiet small" data-testid="hub-endpoint">"Another server that is asked for models."{asked}</span>
            </span>
            <span class="setting-value">
                <input class="input" type="text" spellcheck="false" placeholder="https://…" data-testid="hub-mirror" bind:value=text on:change=keep />
            </span>
        </label>
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
    }
}

/// The token goes to the system's secret store and is never shown again.
#[component]
fn Token(endpoint: String, kept_for: Option<String>, reload: Callback<()>) -> impl IntoView {
    let token = RwSignal::new(String::new());
    let failure = RwSignal::new(None::<Failure>);
    let keep = move |text: String| {
        spawn_local(async move {
            match bridge::ask(SetToken { token: text }).await {
                Ok(()) => {
                    token.try_set(String::new());
                    failure.try_set(None);
                    reload.try_run(());
                }
                Err(reason) => drop(failure.try_set(Some(reason))),
            }
        });
    };
    view! {
        <div class="setting">
            <span class="setting-name">
                "Token"
                <span class="quiet small">{match &kept_for {
                    Some(kept_for) if *kept_for != endpoint => format!("It is for {kept_for} and is not sent to {endpoint}."),
                    _ => format!("Kept by this system's secret store and sent to {endpoint} alone. Needed only for private models and those with terms to agree to."),
                }}</span>
            </span>
            <span class="setting-value">
                {if kept_for.is_some() {
                    view! {
                        <span class="chip ready">"Set"</span>
                        <Button small=true on_press=move |_| keep(String::new())>"Remove"</Button>
                    }
                    .into_any()
                } else {
                    view! {
                        <input class="input" type="password" autocomplete="off" aria-label="Hugging Face token" placeholder="hf_…" bind:value=token />
                        <Button
                            small=true
                            testid="save-token"
                            disabled=Signal::derive(move || token.with(|token| token.trim().is_empty()))
                            on_press=move |_| keep(token.get_untracked().trim().to_owned())
                        >
                            "Keep"
                        </Button>
                    }
                    .into_any()
                }}
            </span>
        </div>
        {move || failure.get().map(|failure| view! { <InlineFailure failure /> })}
    }
}
