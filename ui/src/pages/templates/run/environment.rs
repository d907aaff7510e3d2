//! The Python that generated files run in: what is there, or what would have to be made.

use super::{Runs, make::MakeDialog};
use crate::{actions, load::Loaded, parts::*, state::App};
use chart::format::bytes;
use contract::*;
use leptos::prelude::*;

/// What people know of what is in it.
const NAMED: [&str; 4] = ["torch", "transformers", "pytest", "numpy"];

#[component]
pub fn EnvironmentPanel(runs: Runs) -> impl IntoView {
    let app = App::get();
    let (planning, removing, naming) =
        (RwSignal::new(false), RwSignal::new(false), RwSignal::new(!app.own_python.get_untracked().is_empty()));
    let state = move || {
        match runs.python.value.get() {
        Loaded::Waiting => view! { <p class="quiet" role="status">"Looking for it…"</p> }.into_any(),
        Loaded::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
        Loaded::Ready(PythonEnvironment { folder, state }) => match state {
            PythonState::Absent => view! {
                <p data-testid="python-absent">
                    "There is none yet. Assay makes one on request, from the packages PyTorch and transformers, in a folder of its own that can be removed at any time. What would be downloaded, and how much that is, is shown first."
                </p>
                <Folder folder />
                <div class="row wrap">
                    <Button kind=ButtonKind::Primary icon="import" testid="python-plan" on_press=move |_| planning.set(true)>"See what it would download…"</Button>
                    <Own naming />
                </div>
            }.into_any(),
            PythonState::Making => view! {
                <p>"It is being made. This goes on while you do other things here."</p>
                <p class="small quiet clip" role="status" data-testid="python-making">{move || runs.making.get()}</p>
                <div class="row">
                    <Button small=true icon="stop" testid="python-cancel" on_press=move |_| actions::send(app, CancelPython {}, |_, ()| {})>"Cancel"</Button>
                </div>
            }.into_any(),
            PythonState::Ready { python, packages, bytes: size } => view! {
                <p data-testid="python-ready">{ready(&python, &packages)}", "{bytes(size)}</p>
                <Folder folder />
                <div class="row wrap">
                    <Button small=true kind=ButtonKind::Danger icon="trash" testid="python-remove" on_press=move |_| removing.set(true)>"Remove…"</Button>
                    <Own naming />
                </div>
            }.into_any(),
            PythonState::Broken { reason } => view! {
                <p class="caution" data-testid="python-broken">"It does not work: "{reason}"."</p>
                <Folder folder />
                <div class="row wrap">
                    <Button icon="again" testid="python-plan" on_press=move |_| planning.set(true)>"Make it anew…"</Button>
                    <Button kind=ButtonKind::Danger icon="trash" testid="python-remove" on_press=move |_| removing.set(true)>"Remove…"</Button>
                    <Own naming />
                </div>
            }.into_any(),
        },
    }
    };
    view! {
        <section class="panel runs-python" aria-labelledby="runs-python" data-testid="python">
            <h2 id="runs-python">"The Python that files run in"</h2>
            {state}
            {move || app.python_failure.get().map(|failure| view! {
                <p class="caution small selectable" role="alert" data-testid="python-error">"It was not made: "{failure.to_string()}</p>
            })}
            <Show when=move || naming.get()>
                <div class="runs-own">
                    <Field
                        label="A Python of your own"
                        hint="The path of an interpreter with torch, transformers and pytest. It is used in place of the one that Assay makes, and left as it is. Empty it to go back."
                    >
                        <TextInput value=app.own_python placeholder="/path/to/python" testid="python-own" />
                    </Field>
                </div>
            </Show>
            <MakeDialog runs open=planning />
            <RemoveDialog runs open=removing />
        </section>
    }
}

fn ready(python: &str, packages: &std::collections::BTreeMap<String, String>) -> String {
    let named = NAMED.iter().filter_map(|name| packages.get(*name).map(|version| format!("{name} {version}")));
    let rest = packages.len().saturating_sub(NAMED.len());
    format!("Python {python} with {} and {rest} more packages", named.collect::<Vec<_>>().join(", "))
}

#[component]
fn Folder(folder: String) -> impl IntoView {
    view! { <p class="small quiet">"Folder: "<code class="selectable" data-testid="python-folder">{folder}</code></p> }
}

#[component]
fn Own(naming: RwSignal<bool>) -> impl IntoView {
    view! {
        <Show when=move || !naming.get()>
            <Button kind=ButtonKind::Ghost testid="python-own-show" on_press=move |_| naming.set(true)>"Use a Python of your own…"</Button>
        </Show>
    }
}

#[component]
fn RemoveDialog(runs: Runs, open: RwSignal<bool>) -> impl IntoView {
    let app = App::get();
    let remove = move |_| {
        open.set(false);
        actions::send(app, RemovePython {}, move |app, ()| {
            runs.python.reload();
            app.tell(NoticeKind::Info, "The Python environment was removed. What ran in it stays known.");
        });
    };
    view! {
        <Dialog open title="Remove the Python environment">
            <div class="dialog-body">
                <p>"Its folder is deleted. Making it again downloads everything again. Results of earlier runs stay."</p>
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Keep it"</Button>
                <Button kind=ButtonKind::Danger testid="python-remove-now" on_press=remove>"Remove"</Button>
            </div>
        </Dialog>
    }
}
