//! One generated file: whether it is sound, how its newest run went, test by test, and its text.

use super::{Proof, Runs, progress::named, proof::ProofMark};
use crate::{
    load::{Loaded, load},
    parts::*,
    time::minute,
};
use chart::format::duration_secs;
use contract::*;
use leptos::prelude::*;

#[component]
pub fn FileDrawer(runs: Runs, file: GeneratedFile) -> impl IntoView {
    let title = capital(&named(&file));
    let (mine, again) = (file.clone(), file.clone());
    let known = Memo::new(move |_| {
        runs.coverage.value.with(|known| known.ready()?.iter().find(|known| known.file == mine).cloned())
    });
    let trial = load(move || Some(GetTrial { id: known.get()?.trial?.id }));
    let text = load(move || Some(GetGeneratedFile { file: file.clone() }));
    let run = move |_| {
        let GeneratedFile { model_type, platform, kind } = again.clone();
        runs.asked.set(Some(FilesWanted {
            model_types: vec![model_type],
            platforms: vec![platform],
            kinds: vec![kind],
        }));
    };
    view! {
        <Drawer title on_close=move || runs.open.set(None)>
            <div class="stack runs-file" data-testid="runs-file">
                <div class="spread">
                    {move || { let proof = known.with(|known| Proof::of(known.as_ref())); view! { <ProofMark proof /> } }}
                    <Button small=true icon="launch" testid="runs-file-run" on_press=run>"Check and run…"</Button>
                </div>
                <p data-testid="runs-file-told">{move || known.with(|known| Proof::of(known.as_ref())).sentence()}</p>
                {move || known.get().and_then(|known| known.check).map(|check| view! { <Checked check /> })}
                {move || match (known.with(|known| known.as_ref().is_some_and(|known| known.trial.is_some())), trial.value.get()) {
                    (false, _) => ().into_any(),
                    (true, Loaded::Waiting) => view! { <Loading rows=3 /> }.into_any(),
                    (true, Loaded::Failed(failure)) => view! { <InlineFailure failure /> }.into_any(),
                    (true, Loaded::Ready(trial)) => view! { <Ran trial /> }.into_any(),
                }}
                {move || match text.value.get() {
                    Loaded::Waiting => ().into_any(),
                    Loaded::Failed(failure) => view! { <InlineFailure failure /> }.into_any(),
                    Loaded::Ready(made) => view! {
                        <details class="disclosure">
                            <summary data-testid="runs-file-text"><Icon name="right" size=14 />"The file as it is made now"</summary>
                            <p class="small quiet"><code>{made.path}</code>" from "{made.template}</p>
                            <pre class="runs-text">{made.text}</pre>
                        </details>
                    }.into_any(),
                }}
            </div>
        </Drawer>
    }
}

#[component]
fn Checked(check: FileCheck) -> impl IntoView {
    let FileCheck { checked_at, problem, .. } = check;
    view! {
        <p class="small quiet">"Made and read on "{minute(checked_at)}"."</p>
        {problem.map(|problem| view! { <p class="caution small selectable" data-testid="runs-file-problem">{problem}</p> })}
    }
}

/// The newest run: when, with what, and each of its steps.
#[component]
fn Ran(trial: Trial) -> impl IntoView {
    let Trial { started_at, secs, outcome, steps, environment, result, log, .. } = trial;
    let reason = outcome.reason().map(str::to_owned);
    // One that a step gives already is not told twice.
    let reason = reason.filter(|reason| !steps.iter().any(|step| step.outcome.reason() == Some(reason.as_str())));
    let versions = environment.into_iter().map(|(name, version)| view! { <dt>{name}</dt><dd>{version}</dd> });
    let step = |step: TrialStep| {
        let place = step.place.map(|place| format!(" ({place})"));
        let reason = step
            .outcome
            .reason()
            .map(|reason| view! { <span class="small quiet selectable">{reason.to_owned()}{place}</span> });
        view! {
            <tr>
                <td><strong class=format!("step {}", step.outcome.key())>{step.outcome.key()}</strong></td>
                <td>{step.name.replace('_', " ")}{reason}</td>
                <td class="number">{duration_secs(step.secs)}</td>
            </tr>
        }
    };
    view! {
        <h3>"The newest run"</h3>
        <p class="small quiet">"Began on "{minute(started_at)}" and took "{duration_secs(secs)}"."</p>
        {reason.map(|reason| view! { <p class="caution small selectable">{reason}</p> })}
        <div class="table-frame">
            <table class="table runs-steps-table" data-testid="runs-steps">
                <thead><tr><th scope="col">"Ended"</th><th scope="col">"What"</th><th scope="col" class="number">"Took"</th></tr></thead>
                <tbody>{steps.into_iter().map(step).collect_view()}</tbody>
            </table>
        </div>
        <dl class="facts" data-testid="runs-versions">{versions.collect_view()}</dl>
        {result.map(|result| view! {
            <details class="disclosure">
                <summary><Icon name="right" size=14 />"What it printed as its result"</summary>
                <pre class="runs-text">{serde_json::to_string_pretty(&result).unwrap_or_default()}</pre>
            </details>
        })}
        {(!log.is_empty()).then(|| view! {
            <details class="disclosure">
                <summary><Icon name="right" size=14 />"The end of its output"</summary>
                <pre class="runs-text">{log.join("\n")}</pre>
            </details>
        })}
    }
}
