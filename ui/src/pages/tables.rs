//! Import and export of the measurement table, with the report of what became of each row.

use crate::{actions, bridge, parts::*, state::App};
use chart::format::count;
use contract::{Failure, ImportReport, SaveImportReport, counted};
use leptos::{prelude::*, task::spawn_local};

/// How far what is being imported is, under every page.
#[component]
pub fn ImportStrip() -> impl IntoView {
    let app = App::get();
    let is_going = Memo::new(move |_| app.import.with(Option::is_some));
    let share = Memo::new(move |_| app.import.with(|import| import.as_ref()?.share));
    let file = move || app.import.with(|import| import.as_ref().map(|import| import.file.clone()));
    let rows = move || app.import.with(|import| import.as_ref().map_or(0, |import| import.rows));
    view! {
        <Show when=move || is_going.get()>
            <div class="import-strip" role="group" aria-label="Import" data-testid="import-strip">
                <strong class="clip">{file}</strong>
                <span class="quiet small">{move || format!("{} read", counted(rows(), "row"))}</span>
                <Show when=move || share.get().is_some()>
                    <ProgressBar label="File read" done=Signal::derive(move || share.get().unwrap_or_default()) />
                </Show>
                <Button small=true icon="stop" testid="import-cancel" on_press=move |_| actions::cancel_import(app)>
                    "Cancel"
                </Button>
            </div>
        </Show>
    }
}

#[component]
pub fn ImportReportDialog() -> impl IntoView {
    let app = App::get();
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(app.import_report.with(Option::is_some)));
    view! {
        <Dialog open title="What was imported" wide=true>
            <div class="dialog-body" data-testid="import-report">
                {move || app.import_report.get().map(|report| view! { <Report report /> })}
            </div>
            <div class="dialog-foot">
                <Button kind=ButtonKind::Primary testid="import-done" on_press=move |_| open.set(false)>"Done"</Button>
            </div>
        </Dialog>
    }
}

#[component]
fn Report(report: ImportReport) -> impl IntoView {
    let shown = report.refusals.len() as u64;
    let refused = report.refused;
    let listed = report.number.filter(|_| report.taken < report.rows);
    view! {
        <p class="quiet clip" title=report.file.clone()>{report.file.clone()}</p>
        <div class="sums" role="group" aria-label="Rows">
            <Sum label="rows read" value=report.rows />
            <Sum label="taken" value=report.taken />
            <Sum label="already here" value=report.duplicates />
            <Sum label="refused" value=report.refused />
        </div>
        {listed.map(|number| view! { <SaveReport number /> })}
        <Show when=move || refused != 0>
            <h3>"Why rows were refused"</h3>
        </Show>
        <ul class="causes">
            {report.causes.into_iter().map(|(cause, rows)| view! {
                <li class="spread"><span class="selectable">{cause}</span><span class="number">{count(rows)}</span></li>
            }).collect_view()}
        </ul>
        {(!report.notes.is_empty()).then(|| view! { <h3>"How some rows were understood"</h3> })}
        <ul class="causes">
            {report.notes.into_iter().map(|(note, rows)| view! {
                <li class="spread"><span class="selectable">{note}</span><span class="number">{count(rows)}</span></li>
            }).collect_view()}
        </ul>
        {(shown > 0).then(|| view! {
            <details class="disclosure">
                <summary><Icon name="right" size=14 />"Line by line"</summary>
                {(shown < refused).then(|| view! {
                    <p class="quiet small">{format!("The first {} of {}. A saved report has them all.", count(shown), count(refused))}</p>
                })}
                <table class="table">
                    <thead><tr><th scope="col" class="number">"Line"</th><th scope="col">"Column"</th><th scope="col">"Cause"</th></tr></thead>
                    <tbody>
                        {report.refusals.into_iter().map(|refusal| view! {
                            <tr>
                                <td class="number">{count(refusal.line)}</td>
                                <td class="mono">{refusal.column.unwrap_or_default()}</td>
                                <td class="selectable">{refusal.cause}</td>
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </details>
        })}
    }
}

/// Writes each row that was not taken as a file.
#[component]
fn SaveReport(
    /// Of the import.
    number: u64,
) -> impl IntoView {
    let saved = RwSignal::new(None::<Result<String, Failure>>);
    let saving = RwSignal::new(false);
    let save = move |_| {
        saving.set(true);
        spawn_local(async move {
            // None where the person closed the dialog.
            if let Some(done) = bridge::ask(SaveImportReport { number, path: None }).await.transpose() {
                saved.try_set(Some(done));
            }
            saving.try_set(false);
        });
    };
    view! {
        <div class="row wrap">
            <Button small=true icon="export" testid="import-save" busy=saving on_press=save>"Save report…"</Button>
            <span class="quiet small">"Every row that was not taken, with its line and the reason."</span>
        </div>
        {move || saved.get().map(|saved| match saved {
            Ok(path) => view! { <p class="small selectable" role="status" data-testid="import-saved">{format!("Written to {path}.")}</p> }.into_any(),
            Err(failure) => view! { <InlineFailure failure /> }.into_any(),
        })}
    }
}

#[component]
fn Sum(label: &'static str, value: u64) -> impl IntoView {
    view! {
        <div class="sum">
            <strong class="number">{count(value)}</strong>
            <span>{label}</span>
        </div>
    }
}

#[component]
pub fn ExportDialog() -> impl IntoView {
    let app = App::get();
    let filtered = RwSignal::new(false);
    let with_names = RwSignal::new(false);
    let export = move |_| {
        app.export_open.set(false);
        let filter = if filtered.get_untracked() { app.filter.get_untracked() } else { Default::default() };
        actions::export_table(app, filter, with_names.get_untracked());
    };
    view! {
        <Dialog open=app.export_open title="Export measurements">
            <div class="dialog-body stack">
                <p>
                    "Writes the table that Assay and other tools read, as CSV or Parquet. "
                    "Measured and imported results are written, each with its evidence, what it was fed and what ran; "
                    "failed ones are not. Single samples, the times of phases and tokens, and logs stay here."
                </p>
                <Check checked=filtered on_change=move |on| filtered.set(on) testid="export-filtered">
                    "Only what the current filter shows"
                </Check>
                <Check checked=with_names on_change=move |on| with_names.set(on) testid="export-names">
                    "Include the name of this machine and file paths"
                </Check>
            </div>
            <div class="dialog-foot">
                <Button kind=ButtonKind::Ghost on_press=move |_| app.export_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary icon="export" testid="export-go" on_press=export>"Choose a file…"</Button>
            </div>
        </Dialog>
    }
}
