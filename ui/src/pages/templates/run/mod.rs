//! Running generated files: the Python they run in, the runs themselves, and what these have proven.

mod consent;
mod environment;
mod file;
mod make;
mod progress;
mod proof;
mod table;

use crate::{
    actions, bridge,
    load::{Load, load},
    parts::*,
    state::App,
};
use consent::ConsentDialog;
use contract::*;
use environment::EnvironmentPanel;
use file::FileDrawer;
use leptos::prelude::*;
use progress::Progress;
use proof::Proof;
use std::collections::BTreeSet;
use table::Table;

/// What the parts of the page share. Copied freely; its signals live as long as the page.
#[derive(Clone, Copy)]
struct Runs {
    python: Load<PythonEnvironment>,
    /// What making the environment is at.
    making: RwSignal<String>,
    progress: RwSignal<TrialsProgress>,
    /// The kind that is shown.
    kind: RwSignal<String>,
    coverage: Load<Vec<Coverage>>,
    /// Model types to be run.
    chosen: RwSignal<BTreeSet<String>>,
    /// The file that is looked at.
    open: RwSignal<Option<GeneratedFile>>,
    /// What a person is asked about before it runs.
    asked: RwSignal<Option<FilesWanted>>,
}

impl Runs {
    fn new() -> Self {
        let kind = RwSignal::new("test".to_owned());
        let runs = Self {
            python: load(|| Some(GetPython {})),
            making: RwSignal::new(String::new()),
            progress: RwSignal::new(TrialsProgress::default()),
            kind,
            coverage: load(move || Some(GetCoverage { kind: kind.get() })),
            chosen: RwSignal::new(BTreeSet::new()),
            open: RwSignal::new(None),
            asked: RwSignal::new(None),
        };
        bridge::on_event(move |event| runs.hear(event));
        actions::send(App::get(), GetTrials {}, move |_, progress| drop(runs.progress.try_set(progress)));
        runs
    }

    fn hear(self, event: &Event) {
        match event {
            Event::Python(line) => drop(self.making.try_set(line.clone())),
            Event::PythonEnded { .. } => {
                self.making.try_set(String::new());
                self.python.reload();
            }
            Event::Trials(progress) => {
                let before = self.progress.try_get_untracked().unwrap_or_default();
                let ended = |progress: &TrialsProgress| progress.passed + progress.failed + progress.skipped;
                // What was checked is kept before the first run, and each run at its end.
                if ended(&before) != ended(progress) || before.runs != progress.runs || !progress.active {
                    self.coverage.reload();
                }
                self.progress.try_set(progress.clone());
            }
            _ => {}
        }
    }
}

#[component]
pub fn Run() -> impl IntoView {
    let runs = Runs::new();
    let types = load(|| Some(ListModelTypes {}));
    view! {
        <div class="page-scroll runs" data-testid="runs">
            <EnvironmentPanel runs />
            <Progress runs />
            <Updating load=types rows=10 ready=move |types| view! { <Table runs types /> } />
        </div>
        {move || runs.open.get().map(|file| view! { <FileDrawer runs file /> })}
        <ConsentDialog runs />
    }
}
