//! The one window: how it opens, what it may call, and what closing it means.

#[cfg(unix)]
use crate::revival::Revival;
use crate::{
    bench::worker_program,
    desk::{Desk, Opening},
    folder,
    front::{FileQuestion, Front},
    instance::{self, Claim, Instance},
    place::Place,
};
use contract::{Event, Failure, Show};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tauri::{
    AppHandle, DragDropEvent, Manager, RunEvent, State, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    async_runtime,
    ipc::{Channel, InvokeResponseBody, Response},
};
use tauri_plugin_dialog::{DialogExt, FilePath, MessageDialogKind};

pub const WINDOW: &str = "main";
/// The menu's item.
#[cfg(target_os = "macos")]
const QUIT: &str = "quit";

/// Opens the window, or brings forward the one that has the store already.
pub fn open() -> ExitCode {
    #[cfg(target_os = "linux")]
    hand_pictures_on_without_gpu();
    let told = |failure: &Failure| {
        eprintln!("assay: {failure}");
        ExitCode::FAILURE
    };
    match take_store() {
        Ok(Some(taken)) => run(taken).map_or_else(|failure| told(&failure), |()| ExitCode::SUCCESS),
        Ok(None) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = told(&failure);
            explain(&failure);
            code
        }
    }
}

/// What the window is opened over.
struct Taken {
    place: Place,
    store: Result<PathBuf, Failure>,
    instance: Instance,
}

/// None where another Assay has the store, which has come to the front.
fn take_store() -> Result<Option<Taken>, Failure> {
    let place = Place::find()?;
    let store = place.store();
    // A window that can only say that the chosen store is not there stands in the place of the usual one.
    let claimed = store.clone().unwrap_or_else(|_| place.usual_store());
    match instance::claim(&claimed)? {
        Claim::Ours(instance) => Ok(Some(Taken { place, store, instance })),
        Claim::Held(running) => running.ask(Show {}).map(|()| None),
    }
}

/// Says why there is no window, for whoever started Assay by a click and sees no terminal.
fn explain(failure: &Failure) {
    if cfg!(target_os = "linux") && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) {
        return;
    }
    let text = failure.to_string();
    let told = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .setup(move |app| {
            let handle = app.handle().clone();
            let message = app.dialog().message(text).title("Assay cannot open").kind(MessageDialogKind::Error);
            message.show(move |_| handle.exit(1));
            Ok(())
        })
        .build(context());
    if let Ok(app) = told {
        app.run(|_, _| {});
    }
}

/// What the program carries: its configuration, its icons and the pages of the window.
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn run(Taken { place, store, instance }: Taken) -> Result<(), Failure> {
    let builder = tauri::Builder::default();
    #[cfg(target_os = "macos")]
    let builder = {
        let revival = Revival::default();
        builder.menu(menu).on_web_content_process_terminate(move |page| revival.of(page.app_handle()))
    };
    let app = builder
        .plugin(tauri_plugin_dialog::init())
        .invoke_handler(tauri::generate_handler![ask, listen])
        .setup(move |app| {
            // The WebView starts its processes while the desk opens the store; what it asks waits for the end of this.
            let config = app.config().app.windows.first().expect("tauri.conf.json describes the window");
            let window =
                WebviewWindowBuilder::from_config(app.handle(), config)?.data_directory(place.webview()).build()?;
            #[cfg(target_os = "linux")]
            prepare_webkit(&window)?;
            #[cfg(not(target_os = "linux"))]
            drop(window);
            let desk = Desk::open(Opening {
                place: place.clone(),
                program: worker_program()?,
                libraries: app.path().resource_dir().map(|folder| folder.join("libraries")).into_iter().collect(),
                front: Box::new(AppFront(app.handle().clone())),
                instance,
                store,
                runtime: async_runtime::handle().inner().clone(),
            })?;
            app.manage(desk);
            Ok(())
        })
        .build(context())
        .map_err(|e| Failure::broken("opening the window", e))?;
    app.run(on_event);
    Ok(())
}

/// The usual menu, but for its Quit, which would end the program at once: this one asks first.
#[cfg(target_os = "macos")]
fn menu(app: &AppHandle) -> tauri::Result<tauri::menu::Menu<tauri::Wry>> {
    use tauri::menu::{Menu, MenuItem, MenuItemKind};
    let menu = Menu::default(app)?;
    // The first one is the program's own, and Quit its last item.
    if let Some(MenuItemKind::Submenu(own)) = menu.items()?.first() {
        if let Some(quit) = own.items()?.last() {
            own.remove(quit)?;
        }
        own.append(&MenuItem::with_id(app, QUIT, "Quit Assay", true, Some("CmdOrCtrl+Q"))?)?;
    }
    Ok(menu)
}

/// Where there is no graphics processor, WebKit would composite by a software one, which takes memory for nothing.
#[cfg(target_os = "linux")]
fn lacks_gpu() -> bool {
    let is_gpu = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("renderD");
    // WebKit's driver waits for frames that come by compositing alone.
    let is_driven = std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some();
    !is_driven && !std::fs::read_dir("/dev/dri").is_ok_and(|entries| entries.flatten().any(is_gpu))
}

/// WebKit hands pictures on by a graphics processor's buffers unless its environment says otherwise.
#[cfg(target_os = "linux")]
fn hand_pictures_on_without_gpu() {
    const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let is_chosen = std::env::var_os(VARIABLE).is_some();
    if !is_chosen && lacks_gpu() {
        // SAFETY: the program has no second thread yet.
        unsafe { std::env::set_var(VARIABLE, "1") };
    }
}

#[cfg(target_os = "linux")]
fn prepare_webkit(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
    let (app, revival) = (window.app_handle().clone(), Revival::default());
    window.with_webview(move |webview| {
        let webview = webview.inner();
        if lacks_gpu()
            && let Some(settings) = webview.settings()
        {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
        webview.connect_web_process_terminated(move |_, _| revival.of(&app));
    })
}

/// Every request of the window; answers are written as JSON once and passed on as they are.
#[tauri::command]
async fn ask(desk: State<'_, Desk>, ask: serde_json::Value) -> Result<Response, Failure> {
    let answer = desk.ask(&ask.to_string()).await?;
    Ok(Response::new(InvokeResponseBody::Json(answer)))
}

/// The channel that carries every event from now on.
#[tauri::command]
fn listen(desk: State<'_, Desk>, channel: Channel<Event>) {
    // A window that is being reloaded has no channel; the next one asks again.
    desk.listen(move |event| drop(channel.send(event)));
}

fn on_event(app: &AppHandle, event: RunEvent) {
    // The loop turns before the set-up has made a desk.
    let Some(desk) = app.try_state::<Desk>() else { return };
    match event {
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } if desk.window_closed() => {
            api.prevent_close();
            tell(desk.front.hide());
        }
        RunEvent::WindowEvent { event: WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }), .. } => {
            desk.tell(Event::Dropped(paths.into_iter().map(|path| path.display().to_string()).collect()));
        }
        // Asked for by the system rather than by the desk, which has already ended the queue.
        RunEvent::ExitRequested { code: None, api, .. } if desk.is_busy() => {
            api.prevent_exit();
            tell(desk.quit());
        }
        #[cfg(target_os = "macos")]
        RunEvent::MenuEvent(event) if event.id == QUIT => tell(desk.quit()),
        // A click in the Dock.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { has_visible_windows: false, .. } => tell(desk.show_window()),
        // The system ends the program and lets nobody ask: its Dock, or the end of the session.
        RunEvent::Exit if desk.is_busy() => desk.stop_for_good(),
        _ => {}
    }
}

fn tell(done: Result<(), Failure>) {
    if let Err(failure) = done {
        eprintln!("assay: {failure}");
    }
}

struct AppFront(AppHandle);

impl AppFront {
    fn window(&self) -> Result<WebviewWindow, Failure> {
        self.0.get_webview_window(WINDOW).ok_or_else(|| Failure::not_found("window called", WINDOW))
    }
}

impl Front for AppFront {
    fn pick(&self, question: FileQuestion) -> Result<Option<PathBuf>, Failure> {
        let dialog = self.0.dialog().file().set_parent(&self.window()?);
        let picked = match question {
            FileQuestion::Model => dialog
                .set_title("Choose a model")
                .add_filter("Models", &["onnx", "json", "safetensors"])
                .blocking_pick_file(),
            FileQuestion::Table => dialog
                .set_title("Import measurements")
                .add_filter("Tables and results of benchmarks", &["csv", "gz", "parquet", "json"])
                .blocking_pick_file(),
            FileQuestion::Store => {
                dialog.set_title("Open a store").add_filter("Assay stores", &["duckdb"]).blocking_pick_file()
            }
            FileQuestion::NewStore => dialog
                .set_title("New store")
                .set_file_name("results.duckdb")
                .add_filter("Assay stores", &["duckdb"])
                .blocking_save_file(),
            FileQuestion::Template => dialog.set_title("Choose a template").blocking_pick_file(),
            FileQuestion::Folder { title } => dialog.set_title(title).blocking_pick_folder(),
            FileQuestion::SaveTable { suggested } => dialog
                .set_title("Export measurements")
                .set_file_name(suggested)
                .add_filter("CSV", &["csv"])
                .add_filter("Parquet", &["parquet"])
                .blocking_save_file(),
            FileQuestion::Save { suggested } => dialog.set_title("Save").set_file_name(suggested).blocking_save_file(),
        };
        let path = picked.map(FilePath::into_path).transpose();
        path.map_err(|e| Failure::bad_input("file", e.to_string()))
    }

    fn show_folder(&self, folder: &Path) -> Result<(), Failure> {
        folder::show(folder)
    }

    fn show(&self) -> Result<(), Failure> {
        let window = self.window()?;
        let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
        shown.map_err(|e| Failure::broken("showing the window", e))
    }

    fn hide(&self) -> Result<(), Failure> {
        self.window()?.hide().map_err(|e| Failure::broken("hiding the window", e))
    }

    fn leave(&self) {
        self.0.exit(0);
    }
}
