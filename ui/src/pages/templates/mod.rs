//! Templates: the list, the editor, what the open one makes, and what running that has proven.

mod begin;
mod edit;
mod generate;
mod history;
mod impact;
mod list;
mod making;
mod parents;
mod preview;
mod run;
mod values;
mod work;

use crate::{load::load, parts::*, state::App};
use begin::BeginDialog;
use contract::*;
use edit::Editor;
use generate::GenerateDialog;
use history::History;
use impact::Impact;
use leptos::prelude::*;
use list::TemplateList;
use parents::Parents;
use preview::Preview;
use run::Run;
use values::Values;
use work::Work;

/// What a template can make.
const KINDS: [&str; 4] = ["test", "skill", "benchmark", "suite"];

/// What the page is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Write,
    Run,
}

/// What stands beside the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Preview,
    Values,
    Parents,
    History,
    Impact,
}

impl Side {
    const ALL: [Self; 5] = [Self::Preview, Self::Values, Self::Parents, Self::History, Self::Impact];

    fn key(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Values => "values",
            Self::Parents => "parents",
            Self::History => "history",
            Self::Impact => "impact",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Preview => "Preview",
            Self::Values => "Values",
            Self::Parents => "Parents",
            Self::History => "History",
            Self::Impact => "Impact",
        }
    }
}

#[component]
pub fn Templates() -> impl IntoView {
    let app = App::get();
    // Asked for by another page, once.
    let wanted = app.wanted_type.get_untracked();
    app.wanted_type.set(None);
    let chosen: Vec<String> = wanted.iter().cloned().collect();
    let work = Work::new(wanted.clone());
    on_cleanup(move || work.keep_now());
    let templates = load(move || {
        work.saved.track();
        work.marks.track();
        Some(ListTemplates {})
    });
    // The one that makes tests of the wanted type, or was open before, else the first that makes something.
    Effect::new(move |_| {
        let first = templates.value.with(|rows| {
            let rows = rows.ready()?;
            let of_wanted = wanted.as_ref().and_then(|wanted| tests_of(rows, wanted)).map(|row| row.name.clone());
            let first = rows.iter().find(|row| !matches!(row.kind.as_str(), "base" | "macros")).or(rows.first())?;
            Some(of_wanted.or(app.template.get_untracked()).unwrap_or_else(|| first.name.clone()))
        });
        if work.opened.with_untracked(Option::is_none)
            && let Some(first) = first
        {
            work.open(first, None);
        }
    });
    let part = RwSignal::new(Part::Write);
    let lead = move || match part.get() {
        Part::Write => "Tests, skills and benchmarks for every model type are made from these.",
        Part::Run => "Run what is made from them, and see what that has proven.",
    };
    let (list_open, beginning, generating) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let name = Memo::new(move |_| work.name());
    // One editor as long as the same template is open: its cursor and its undoing survive saving.
    let editor = move || {
        name.get()?;
        let text = work.opened.with_untracked(|opened| opened.as_ref().map(|opened| opened.text.clone()))?;
        Some(view! { <Editor text work list_open /> })
    };
    view! {
        <section class="page" data-testid="page-templates">
            <header class="page-head">
                <div>
                    <h1>"Templates"</h1>
                    <p class="lead">{lead}</p>
                </div>
                <div class="page-tools">
                    <Show when=move || part.get() == Part::Write>
                        <Button icon="plus" testid="template-new" on_press=move |_| beginning.set(true)>"New template…"</Button>
                        <Button icon="export" testid="template-generate" on_press=move |_| generating.set(true)>"Generate files…"</Button>
                    </Show>
                    <Segmented
                        options=vec![
                            (Part::Write, "Write".to_owned(), "part-write".to_owned()),
                            (Part::Run, "Run".to_owned(), "part-run".to_owned()),
                        ]
                        chosen=part
                        label="What to do with templates"
                        on_choose=move |chosen| part.set(chosen)
                    />
                </div>
            </header>
            <Updating load=templates rows=8 ready=move |rows| view! {
                // Hidden rather than gone: the editor keeps its cursor and its undoing.
                <div class="bench" class:list-open=list_open hidden=move || part.get() != Part::Write>
                    <TemplateList rows work list_open />
                    <div class="bench-edit">
                        {move || work.failure.get().map(|failure| view! { <InlineFailure failure /> })}
                        {editor}
                    </div>
                    <Beside work />
                </div>
            } />
            <Show when=move || part.get() == Part::Run><Run /></Show>
            <BeginDialog open=beginning work />
            <GenerateDialog open=generating chosen />
        </section>
    }
}

/// The template that makes tests of a model type: its own where there is one, else the one for all types.
fn tests_of<'a>(rows: &'a [TemplateRow], model_type: &str) -> Option<&'a TemplateRow> {
    let tests = || rows.iter().filter(|row| row.kind == "test");
    let own = tests().find(|row| row.model_type.as_deref() == Some(model_type));
    own.or_else(|| tests().find(|row| row.model_type.is_none() && row.family.is_none()))
}

#[component]
fn Beside(work: Work) -> impl IntoView {
    let side = RwSignal::new(Side::Preview);
    let options = Side::ALL.map(|side| (side, side.label().to_owned(), format!("side-{}", side.key())));
    view! {
        <div class="bench-side">
            <div class="bench-bar">
                <Segmented options=options.to_vec() chosen=side label="Beside the editor" on_choose=move |chosen| side.set(chosen) />
            </div>
            {move || match side.get() {
                Side::Preview => view! { <Preview work /> }.into_any(),
                Side::Values => view! { <Values work /> }.into_any(),
                Side::Parents => view! { <Parents work /> }.into_any(),
                Side::History => view! { <History work /> }.into_any(),
                Side::Impact => view! { <Impact work /> }.into_any(),
            }}
        </div>
    }
}
