//! What making the Python environment would download, where to and how much, before it is made.

use super::Runs;
use crate::{actions, bridge, load::Loaded, parts::*, state::App};
use chart::format::bytes;
use contract::*;
use leptos::{prelude::*, task::spawn_local};

/// Where packages can come from, each with what that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    Usual,
    Processors,
    Other,
}

impl Index {
    const ALL: [Self; 3] = [Self::Usual, Self::Processors, Self::Other];

    fn label(self) -> &'static str {
        match self {
            Self::Usual => "PyPI",
            Self::Processors => "PyTorch for processors",
            Self::Other => "Another",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Usual => "index-usual",
            Self::Processors => "index-processors",
            Self::Other => "index-other",
        }
    }

    fn explain(self) -> &'static str {
        match self {
            Self::Usual => "The usual index. Its PyTorch for Linux brings the large libraries for NVIDIA GPUs with it.",
            Self::Processors => "PyTorch without GPUs from download.pytorch.org; everything else from PyPI.",
            Self::Other => "Any index that pip understands, such as one of your company, or PyTorch's for AMD GPUs.",
        }
    }
}

#[component]
pub fn MakeDialog(runs: Runs, open: RwSignal<bool>) -> impl IntoView {
    let app = App::get();
    let (index, other) = (RwSignal::new(Index::Usual), RwSignal::new(String::new()));
    let plan = RwSignal::new(None::<Loaded<PythonPlan>>);
    let address = move || match index.get() {
        Index::Usual => String::new(),
        Index::Processors => "https://download.pytorch.org/whl/cpu".to_owned(),
        Index::Other => other.get().trim().to_owned(),
    };
    // A plan is for the index it was asked of.
    Effect::new(move |_| {
        open.track();
        index.track();
        other.track();
        plan.set(None);
    });
    let ask = move |_| {
        let index = untrack(address);
        plan.set(Some(Loaded::Waiting));
        spawn_local(async move {
            let answer = bridge::ask(PlanPython { index: index.clone() }).await;
            // The page may be gone by now, or another index chosen.
            if plan.try_get_untracked() != Some(Some(Loaded::Waiting)) || untrack(address) != index {
                return;
            }
            plan.set(Some(match answer {
                Ok(plan) => Loaded::Ready(plan),
                Err(failure) => Loaded::Failed(failure),
            }));
        });
    };
    let make = move |_| {
        open.set(false);
        runs.making.set(String::new());
        app.python_failure.set(None);
        actions::send(app, MakePython { index: untrack(address) }, move |_, ()| runs.python.reload());
    };
    let is_ready = move || plan.with(|plan| matches!(plan, Some(Loaded::Ready(_))));
    let is_waiting = Signal::derive(move || plan.with(|plan| matches!(plan, Some(Loaded::Waiting))));
    let lacks = Signal::derive(move || index.get() == Index::Other && address().is_empty());
    view! {
        <Dialog open title="Make a Python environment" wide=true>
            <div class="dialog-body stack" data-testid="python-make">
                <div class="field">
                    <span class="label">"Packages come from"</span>
                    <div>
                        <Segmented
                            options=Index::ALL.map(|index| (index, index.label().to_owned(), index.key().to_owned())).to_vec()
                            chosen=index
                            label="Packages come from"
                            on_choose=move |chosen| index.set(chosen)
                        />
                    </div>
                    <span class="hint">{move || index.get().explain()}</span>
                </div>
                <Show when=move || index.get() == Index::Other>
                    <Field label="Address of the index">
                        <TextInput value=other placeholder="https://…/simple" testid="python-index" />
                    </Field>
                </Show>
                {move || match plan.get() {
                    None => view! {
                        <p class="quiet">"Asking the index tells what would be downloaded and how large it is. Nothing is kept of that yet."</p>
                    }.into_any(),
                    Some(Loaded::Waiting) => view! {
                        <p class="quiet" role="status">"Asking the index what is needed…"</p>
                        <Loading rows=4 />
                    }.into_any(),
                    Some(Loaded::Failed(failure)) => view! { <InlineFailure failure /> }.into_any(),
                    Some(Loaded::Ready(plan)) => view! { <Planned plan /> }.into_any(),
                }}
            </div>
            <div class="dialog-foot">
                <Button on_press=move |_| open.set(false)>"Close"</Button>
                <Show
                    when=is_ready
                    fallback=move || view! {
                        <Button kind=ButtonKind::Primary testid="python-ask" busy=is_waiting disabled=lacks on_press=ask>"Ask the index"</Button>
                    }
                >
                    <Button kind=ButtonKind::Primary icon="import" testid="python-make-now" on_press=make>"Download and make it"</Button>
                </Show>
            </div>
        </Dialog>
    }
}

#[component]
fn Planned(plan: PythonPlan) -> impl IntoView {
    let PythonPlan { folder, python, mut packages, download_bytes, free_bytes, .. } = plan;
    let untold = packages.iter().filter(|package| package.bytes.is_none()).count();
    let at_least = if untold > 0 { "at least " } else { "" };
    let many = packages.len() as u64;
    packages.sort_by_key(|package| std::cmp::Reverse(package.bytes));
    let row = |package: PythonPackage| {
        view! {
            <tr>
                <td>{package.name}</td>
                <td>{package.version}</td>
                <td class="number">{package.bytes.map_or_else(|| "not told".to_owned(), bytes)}</td>
            </tr>
        }
    };
    view! {
        <dl class="facts" data-testid="python-planned">
            <dt>"Download"</dt>
            <dd><strong>{at_least}{bytes(download_bytes)}</strong>", "{counted(many, "package")}</dd>
            <dt>"Free on disk"</dt>
            <dd>{bytes(free_bytes)}". Unpacked, packages take more than their download."</dd>
            <dt>"Folder"</dt>
            <dd>{folder}</dd>
            <dt>"Made with"</dt>
            <dd>{python}</dd>
        </dl>
        {(download_bytes > free_bytes).then(|| view! { <p class="caution">"The download alone does not fit on the disk."</p> })}
        <details class="disclosure">
            <summary><Icon name="right" size=14 />"All packages"</summary>
            <div class="table-frame runs-packages">
                <table class="table">
                    <thead><tr><th scope="col">"Package"</th><th scope="col">"Version"</th><th scope="col" class="number">"Download"</th></tr></thead>
                    <tbody>{packages.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
