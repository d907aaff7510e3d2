//! Every action once: for the rail, the shortcuts and the command palette.

use crate::{
    bridge::ask,
    state::{App, Offered, Place},
};
use chart::format::count;
use contract::*;
use leptos::{prelude::*, task::spawn_local};
use web_sys::KeyboardEvent;

pub struct Action {
    pub id: &'static str,
    pub group: &'static str,
    pub label: &'static str,
    /// `Ctrl+K`; on a Mac the command key does as well.
    pub keys: Option<&'static str>,
    pub possible: fn(App) -> bool,
    pub run: fn(App),
}

const fn action(
    id: &'static str,
    group: &'static str,
    label: &'static str,
    keys: Option<&'static str>,
    run: fn(App),
) -> Action {
    Action { id, group, label, keys, possible: |_| true, run }
}

const fn when(mut action: Action, possible: fn(App) -> bool) -> Action {
    action.possible = possible;
    action
}

pub static ALL: &[Action] = &[
    action("palette", "Go to", "Find an action", Some("Ctrl+K"), |app| app.palette_open.set(true)),
    action("go-matrix", "Go to", "Matrix", Some("Ctrl+1"), |app| app.go(Place::Matrix)),
    action("go-launch", "Go to", "Launch", Some("Ctrl+2"), |app| app.go(Place::Launch)),
    action("go-compare", "Go to", "Compare", Some("Ctrl+3"), |app| app.go(Place::Compare)),
    action("go-charts", "Go to", "Charts", Some("Ctrl+4"), |app| app.go(Place::Charts)),
    action("go-results", "Go to", "Results", Some("Ctrl+5"), |app| app.go(Place::Results)),
    action("go-models", "Go to", "Models", Some("Ctrl+6"), |app| app.go(Place::Models)),
    action("go-recommend", "Go to", "Recommend", Some("Ctrl+7"), |app| app.go(Place::Recommend)),
    action("go-watch", "Go to", "Watch", Some("Ctrl+8"), |app| app.go(Place::Watch)),
    action("go-templates", "Go to", "Templates", Some("Ctrl+9"), |app| app.go(Place::Templates)),
    action("go-machine", "Go to", "This machine", Some("Ctrl+0"), |app| app.go(Place::Machine)),
    action("go-settings", "Go to", "Settings", Some("Ctrl+,"), |app| app.go(Place::Settings)),
    action("go-welcome", "Go to", "First steps", None, |app| app.go(Place::Welcome)),
    action("add-model", "Models", "Add a model file…", Some("Ctrl+O"), add_model),
    when(action("pause", "Queue", "Pause after the running measurement", None, |app| pause(app, true)), |app| {
        app.queue.with(|queue| !queue.paused && !queue.jobs.is_empty())
    }),
    when(action("resume", "Queue", "Resume the queue", None, |app| pause(app, false)), |app| {
        app.queue.with(|queue| queue.paused)
    }),
    when(action("cancel-all", "Queue", "Cancel all measurements", None, cancel_all), |app| {
        app.queue.with(|queue| !queue.jobs.is_empty())
    }),
    when(action("import", "Results", "Import measurements…", Some("Ctrl+I"), import_table), |app| {
        app.import.with(Option::is_none)
    }),
    when(action("cancel-import", "Results", "Cancel the import", None, cancel_import), |app| {
        app.import.with(Option::is_some)
    }),
    action("export", "Results", "Export measurements…", Some("Ctrl+E"), |app| app.export_open.set(true)),
    action("rescan", "This machine", "Scan this machine again", None, rescan),
    action("measure-peaks", "This machine", "Measure this machine", None, measure_peaks),
    action("open-libraries", "This machine", "Open the libraries folder", None, open_libraries),
    action("theme-system", "Look", "Follow the system's theme", None, |app| set_theme(app, Theme::System)),
    action("theme-light", "Look", "Light theme", None, |app| set_theme(app, Theme::Light)),
    action("theme-dark", "Look", "Dark theme", None, |app| set_theme(app, Theme::Dark)),
    action("quit", "Assay", "Quit Assay", None, |app| send(app, AskToQuit {}, |_, ()| {})),
];

/// The keys that lead to a place, for the rail's hints.
pub fn keys_of(id: &str) -> Option<&'static str> {
    ALL.iter().find(|action| action.id == id).and_then(|action| action.keys)
}

/// Runs the action these keys belong to; true where there was one.
pub fn press(app: App, event: &KeyboardEvent) -> bool {
    // What the editor makes of its keys is no action, and a question that is open waits for its answer first.
    if event.default_prevented() || document().query_selector("dialog[open]").is_ok_and(|dialog| dialog.is_some()) {
        return false;
    }
    let hit = ALL.iter().find(|action| action.keys.is_some_and(|keys| matches(keys, event)) && (action.possible)(app));
    if let Some(action) = hit {
        (action.run)(app);
    }
    hit.is_some()
}

fn matches(keys: &str, event: &KeyboardEvent) -> bool {
    let Some(key) = keys.strip_prefix("Ctrl+") else { return event.key() == keys };
    (event.ctrl_key() || event.meta_key()) && !event.alt_key() && event.key().eq_ignore_ascii_case(key)
}

/// Asks for a model file, adds it and shows it chosen in Launch.
pub fn add_model(app: App) {
    spawn_local(async move {
        match ask(PickModelFile {}).await {
            Ok(Some(path)) => open_models(app, vec![path]).await,
            Ok(None) => {}
            Err(failure) => app.tell_failure(&failure),
        }
    });
}

/// Opens Launch with the model of this name chosen.
pub fn measure_model(app: App, name: String) {
    send(app, ListModels {}, move |app, models| match models.into_iter().find(|model| model.name == name) {
        Some(model) => {
            app.wanted_models.set(vec![model.id]);
            app.go(Place::Launch);
        }
        None => {
            let told = format!("{name} is known from results alone. Add its model file to measure it here.");
            app.offer(Offered::ModelFile, told, "Add a file…", move || add_model(app));
        }
    });
}

/// What was dropped on the window: tables are imported, everything else is opened as a model.
pub fn take_dropped(app: App, paths: Vec<String>) {
    let (tables, models): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_table(path));
    spawn_local(import_tables(app, tables.into_iter().map(Some).collect()));
    if !models.is_empty() {
        spawn_local(open_models(app, models));
    }
}

fn is_table(path: &str) -> bool {
    [".csv", ".csv.gz", ".parquet"].iter().any(|ending| path.to_lowercase().ends_with(ending))
}

async fn open_models(app: App, paths: Vec<String>) {
    let mut added = Vec::new();
    for path in paths {
        match ask(AddModel { path }).await {
            Ok(model) => added.push(model.id),
            Err(failure) => app.tell_failure(&failure),
        }
    }
    if !added.is_empty() {
        app.models.update(|version| *version += 1);
        // The page of models shows what it is given; anywhere else it is to be measured.
        if app.place.get_untracked() != Place::Models {
            app.go(Place::Launch);
        }
        app.wanted_models.set(added);
    }
}

/// Asks for a table and imports it.
pub fn import_table(app: App) {
    spawn_local(import_tables(app, vec![None]));
}

/// One after the other, each opening its report; whoever cancels one wants none of those after it.
async fn import_tables(app: App, paths: Vec<Option<String>>) {
    for path in paths {
        match ask(ImportTable { path }).await {
            Ok(Some(report)) => app.import_report.set(Some(report)),
            Ok(None) => {}
            Err(Failure::Cancelled) => {
                return app.tell(NoticeKind::Info, "The import was cancelled, and nothing of it is stored.");
            }
            Err(failure) => app.tell_failure(&failure),
        }
    }
}

pub fn cancel_import(app: App) {
    send(app, CancelImport {}, |_, ()| {});
}

pub fn export_table(app: App, filter: Filter, with_names: bool) {
    spawn_local(async move {
        match ask(ExportTable { path: None, filter, with_names }).await {
            Ok(Some(report)) => {
                let left_out =
                    report.left_out.iter().map(|(cause, rows)| format!(" {} left out: {cause}.", count(*rows)));
                let notes = report.notes.iter().map(|(note, rows)| format!(" {} of them {note}.", count(*rows)));
                let told: String = notes.chain(left_out).collect();
                let rows = counted(report.rows, "row");
                app.tell(NoticeKind::Info, format!("{rows} written to {}.{told}", report.path));
            }
            Ok(None) => {}
            Err(failure) => app.tell_failure(&failure),
        }
    });
}

/// Deletes results and offers to bring them back; later they are among the deleted results.
pub fn delete_runs(app: App, ids: Vec<RunId>) {
    spawn_local(async move {
        match ask(DeleteRuns { ids: ids.clone() }).await {
            Ok(deleted) => {
                app.results.update(|version| *version += 1);
                let told = format!("{} deleted.", counted(deleted.into(), "result"));
                app.offer(Offered::Results, told, "Undo", move || restore_runs(app, ids.clone()));
            }
            Err(failure) => app.tell_failure(&failure),
        }
    });
}

/// Brings deleted results back.
pub fn restore_runs(app: App, ids: Vec<RunId>) {
    send(app, RestoreRuns { ids }, |app, restored| {
        app.results.update(|version| *version += 1);
        app.withdraw(&Offered::Results);
        app.tell(NoticeKind::Info, format!("{} restored.", counted(restored.into(), "result")));
    });
}

pub fn pause(app: App, paused: bool) {
    send(app, PauseQueue { paused }, |_, ()| {});
}

pub fn cancel_all(app: App) {
    send(app, CancelAll {}, |app, cancelled| {
        app.tell(NoticeKind::Info, format!("{} cancelled.", counted(cancelled.into(), "measurement")));
    });
}

pub fn rescan(app: App) {
    app.go(Place::Machine);
    send_once(app, app.scanning, Rescan {}, |app, _| app.machine.update(|version| *version += 1));
}

pub fn measure_peaks(app: App) {
    app.go(Place::Machine);
    send(app, MeasurePeaks {}, |_, ()| {});
}

/// Shows the folder that engines are put into.
pub fn open_libraries(app: App) {
    send(app, OpenLibraries {}, |_, ()| {});
}

pub fn set_theme(app: App, theme: Theme) {
    app.apply_theme(theme);
    app.settings.update(|settings| settings.theme = theme);
    save_settings(app);
}

/// Stores what `app.settings` holds.
pub fn save_settings(app: App) {
    send(app, SaveSettings { settings: app.settings.get_untracked() }, |_, ()| {});
}

/// Opens another store, or asks which one. Settings, filters, picked rows and drafts of this window belong to the one
/// before and must not be saved into it, so the page begins anew.
pub async fn open_store(path: Option<String>) -> Result<(), Failure> {
    begin_anew_in(ask(OpenStore { path }).await?);
    Ok(())
}

/// Asks where a new store is to be, and opens it as [`open_store`] does.
pub async fn new_store() -> Result<(), Failure> {
    begin_anew_in(ask(NewStore { path: None }).await?);
    Ok(())
}

fn begin_anew_in(opened: Option<String>) {
    if opened.is_some() {
        // Fails only where the page is being left already.
        let _ = window().location().reload();
    }
}

/// Asks, unless the answer to an earlier press is still on its way; a failure is told in the corner.
pub fn send_once<R: Request + 'static>(
    app: App,
    busy: RwSignal<bool>,
    request: R,
    then: impl FnOnce(App, R::Answer) + 'static,
) {
    if busy.get_untracked() {
        return;
    }
    busy.set(true);
    spawn_local(async move {
        let answer = ask(request).await;
        // The page of the button may be gone by now.
        busy.try_set(false);
        match answer {
            Ok(answer) => then(app, answer),
            Err(failure) => app.tell_failure(&failure),
        }
    });
}

/// Asks; a failure is told in the corner.
pub fn send<R: Request + 'static>(app: App, request: R, then: impl FnOnce(App, R::Answer) + 'static) {
    spawn_local(async move {
        match ask(request).await {
            Ok(answer) => then(app, answer),
            Err(failure) => app.tell_failure(&failure),
        }
    });
}
