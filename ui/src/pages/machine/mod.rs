//! This machine: what it can do, what is missing and how to get it, and its measured peaks.

mod engines;
mod peaks;
mod platforms;
mod roofline;

use crate::{
    actions,
    load::{Load, load},
    parts::*,
    state::App,
};
use chart::format;
use contract::{Browser, Fact, GetMachine, GetStorage, StorageInfo, WebViewFacts, counted};
use leptos::prelude::*;

#[component]
pub fn Machine() -> impl IntoView {
    let app = App::get();
    let machine = load(move || {
        app.machine.track();
        Some(GetMachine {})
    });
    let scanning = Signal::derive(move || app.scanning.get() || machine.busy.get());
    let storage = load(|| Some(GetStorage {}));
    view! {
        <section class="page machine" aria-labelledby="machine-title">
            <header class="page-head">
                <div>
                    <h1 id="machine-title">"This machine"</h1>
                    <p class="lead">
                        {move || machine.value.with(|machine| {
                            machine.ready().map_or_else(|| "Looking at what it has…".to_owned(), summary)
                        })}
                    </p>
                </div>
                <div class="page-tools">
                    <Button icon="again" testid="rescan" busy=scanning on_press=move |_| actions::rescan(app)>"Rescan"</Button>
                    <peaks::MeasureButton />
                </div>
            </header>
            <div class="page-scroll">
                <peaks::Progress />
                <WhenLoaded load=machine ready=move |machine| view! { <Everything machine storage /> } />
            </div>
        </section>
    }
}

fn summary(machine: &contract::Machine) -> String {
    let cores = counted(machine.physical_cores.into(), "core");
    let threads = match machine.logical_cores {
        logical if logical == machine.physical_cores => String::new(),
        logical => format!(", {}", threads_text(logical)),
    };
    format!("{} · {cores}{threads} · {} memory · {}", machine.cpu, format::bytes(machine.memory_bytes), machine.os)
}

#[component]
fn Everything(machine: contract::Machine, storage: Load<StorageInfo>) -> impl IntoView {
    let contract::Machine { platforms, engines, browsers, webview, peaks, peaks_left_out, changes, scanned_at, .. } =
        machine;
    view! {
        {(!changes.is_empty()).then(|| view! { <Changes changes /> })}
        <platforms::PlatformGrid platforms=platforms.clone() />
        <peaks::PeakPanel peaks left_out=peaks_left_out />
        <engines::EngineTable engines />
        <LibrariesFolder storage />
        <div class="machine-pair">
            <Browsers browsers />
            <WebView webview />
        </div>
        <p class="quiet small">"Scanned "{scanned_at.strftime("%Y-%m-%d %H:%M").to_string()}" UTC"</p>
    }
}

/// Where the remedies above send a person to.
#[component]
fn LibrariesFolder(storage: Load<StorageInfo>) -> impl IntoView {
    let app = App::get();
    view! {
        <section class="panel" aria-labelledby="libraries-title">
            <header class="panel-head">
                <div>
                    <h2 id="libraries-title">"Libraries folder"</h2>
                    <p class="quiet small">
                        "Engines that do not come with Assay go here, a folder each, such as onnxruntime-webgpu. Rescan finds them."
                    </p>
                </div>
                <Button icon="folder" testid="open-libraries" on_press=move |_| actions::open_libraries(app)>"Open folder"</Button>
            </header>
            <WhenLoaded load=storage rows=1 ready=|info: StorageInfo| view! {
                <p class="mono small selectable libraries-path" data-testid="libraries-path">{info.libraries_path}</p>
            } />
        </section>
    }
}

#[component]
fn Changes(changes: Vec<String>) -> impl IntoView {
    view! {
        <section class="panel changes" data-testid="machine-changes">
            <h2>"Different from the last start"</h2>
            <ul>{changes.into_iter().map(|change| view! { <li>{change}</li> }).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Browsers(browsers: Vec<Browser>) -> impl IntoView {
    let none = browsers.is_empty();
    view! {
        <section class="panel">
            <h2>"Browsers"</h2>
            <ul class="plain-list">
                {browsers
                    .into_iter()
                    .map(|browser| view! {
                        <li title=browser.path>
                            <strong>{browser.name}</strong>
                            <span class="quiet">{browser.version.unwrap_or_else(|| "version not told".into())}</span>
                        </li>
                    })
                    .collect_view()}
            </ul>
            {none.then(|| view! { <p class="quiet">"No browser was found at the usual places."</p> })}
        </section>
    }
}

/// What this window's own engine offers.
#[component]
fn WebView(webview: Option<WebViewFacts>) -> impl IntoView {
    let facts = webview.map(|facts| {
        let gpu = match (&facts.webgpu, &facts.webgpu_missing) {
            (Some(gpu), _) => format!("{} {} {}", gpu.vendor, gpu.architecture, gpu.description),
            (None, reason) => reason.clone().unwrap_or_else(|| "not there".into()),
        };
        let nn = match (&facts.webnn, &facts.webnn_missing) {
            (Some(operators), _) => format!("{} operators", operators.len()),
            (None, reason) => reason.clone().unwrap_or_else(|| "not there".into()),
        };
        let clock =
            if facts.cross_origin_isolated { "fine" } else { "coarse: this window is not cross-origin isolated" };
        vec![
            Fact::new("WebGPU", gpu),
            Fact::new("WebNN", nn),
            Fact::new("Clock", clock),
            Fact::new("User agent", facts.user_agent),
        ]
    });
    view! {
        <section class="panel">
            <h2>"This window"</h2>
            {match facts {
                Some(facts) => view! { <Facts facts /> }.into_any(),
                None => view! { <p class="quiet">"It has not told yet what it can do."</p> }.into_any(),
            }}
        </section>
    }
}
