//! What runs now, step by step, and how the last plan ended.

use super::Runs;
use crate::{actions, parts::*, state::App};
use chart::format::{count, duration_secs};
use contract::*;
use leptos::prelude::*;

#[component]
pub fn Progress(runs: Runs) -> impl IntoView {
    let app = App::get();
    // A summary is put away by hand; the next plan shows its own.
    let put_away = RwSignal::new(false);
    Effect::new(move |_| {
        if runs.progress.with(|progress| progress.active) {
            put_away.set(false);
        }
    });
    let is_active = Memo::new(move |_| runs.progress.with(|progress| progress.active));
    let is_shown =
        Memo::new(move |_| is_active.get() || (runs.progress.with(|progress| progress.files > 0) && !put_away.get()));
    let share = Signal::derive(move || runs.progress.with(share));
    view! {
        <Show when=move || is_shown.get()>
            <section class="panel stack runs-progress" data-testid="trials">
                <div class="spread">
                    <h2 class="clip" data-testid="trials-now">{move || runs.progress.with(headline)}</h2>
                    {move || match is_active.get() {
                        true => view! {
                            <Button small=true icon="stop" testid="trials-cancel" on_press=move |_| actions::send(app, CancelTrials {}, |_, ()| {})>"Cancel"</Button>
                        }.into_any(),
                        false => view! { <IconButton small=true icon="close" label="Put away" on_press=move |_| put_away.set(true) /> }.into_any(),
                    }}
                </div>
                <Show when=move || is_active.get()>
                    <ProgressBar label="Files checked and run" done=share />
                </Show>
                <p class="small quiet" data-testid="trials-told">{move || runs.progress.with(told)}</p>
                {move || runs.progress.with(|progress| progress.error.clone()).map(|error| view! { <p class="caution small">{error}"."</p> })}
                <Show when=move || is_active.get()>
                    <ul class="runs-steps" aria-live="polite" data-testid="trials-steps">
                        {move || runs.progress.with(|progress| progress.steps.iter().rev().map(step).collect_view())}
                    </ul>
                </Show>
            </section>
        </Show>
    }
}

/// Checking is quick, so that the runs are the whole way where there are any.
fn share(progress: &TrialsProgress) -> f64 {
    let ended = progress.passed + progress.failed + progress.skipped;
    match (progress.runs, progress.files) {
        (0, 0) => 0.0,
        (0, files) => f64::from(progress.checked) / f64::from(files),
        (runs, _) => f64::from(ended) / f64::from(runs),
    }
}

fn headline(progress: &TrialsProgress) -> String {
    match (&progress.current, progress.active) {
        (Some(file), _) => format!("Running {}", named(file)),
        (None, true) => "Making and checking files".to_owned(),
        (None, false) if progress.error.is_some() => "Ended early".to_owned(),
        (None, false) if progress.runs == 0 => "Checked".to_owned(),
        (None, false) => "Ran".to_owned(),
    }
}

fn told(progress: &TrialsProgress) -> String {
    let number = |many: u32| count(u64::from(many));
    let checked = format!("{} of {} checked", number(progress.checked), counted(progress.files.into(), "file"));
    let unsound = match progress.unsound {
        0 => String::new(),
        many => format!(", {} of them not sound", number(many)),
    };
    let TrialsProgress { runs, passed, failed, skipped, .. } = progress;
    let ran = match runs {
        0 => String::new(),
        runs => format!(
            "; {} of {} run: {} passed, {} failed, {} skipped",
            number(passed + failed + skipped),
            number(*runs),
            number(*passed),
            number(*failed),
            number(*skipped)
        ),
    };
    format!("{checked}{unsound}{ran}.")
}

fn step(step: &TrialStep) -> impl IntoView + use<> {
    let reason = step.outcome.reason().map(|reason| format!(": {reason}"));
    view! {
        <li>
            <strong>{step.outcome.key()}</strong>
            <span>{step.name.replace('_', " ")}{reason}</span>
            <span class="number quiet">{duration_secs(step.secs)}</span>
        </li>
    }
}

/// `the test of llama on CPU`.
pub fn named(file: &GeneratedFile) -> String {
    format!("the {} of {} on {}", file.kind, file.model_type, file.platform.label())
}
