//! The answer: the choice, how sure it is, and the one measurement that would make it surer.

use super::{
    front::Front,
    others::{Alternatives, Rejected},
    question::Question,
    words,
};
use crate::{
    actions,
    bridge::ask,
    pages::Draft,
    parts::*,
    plot,
    state::{App, Place},
};
use chart::format::{self, duration_secs, significant};
use contract::*;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn Given(given: GivenAdvice, open: RwSignal<Option<(RunId, f64)>>) -> impl IntoView {
    let GivenAdvice { work, learned_from, choice, alternatives, rejected, next_run, next_run_here, .. } = given;
    let here = best_here(choice.as_ref(), &alternatives);
    let all: Vec<Candidate> = choice.iter().chain(&alternatives).cloned().collect();
    let asked = work.clone();
    view! {
        {match choice {
            Some(choice) => view! { <Choice choice work open learned_from /> }.into_any(),
            None => view! { <NoChoice tried=rejected.len() /> }.into_any(),
        }}
        {here.map(|(candidate, times)| view! { <OnThisMachine candidate times /> })}
        {next_run.map(|run| view! { <Next run here=next_run_here work=asked.clone() /> })}
        {(all.len() > 1).then(|| view! { <Front candidates=all open /> })}
        {(!alternatives.is_empty()).then(|| view! { <Alternatives alternatives open /> })}
        {(!rejected.is_empty()).then(|| view! { <Rejected rejected /> })}
    }
}

/// The best of this machine and how many times the choice's time it takes, where the choice is not here.
fn best_here(choice: Option<&Candidate>, alternatives: &[Candidate]) -> Option<(Candidate, f64)> {
    let choice = choice.filter(|choice| choice.setting.here.is_none())?;
    let best = alternatives.iter().find(|candidate| candidate.setting.here.is_some())?;
    Some((best.clone(), best.latency_ms.value / choice.latency_ms.value))
}

#[component]
fn Choice(
    choice: Candidate,
    work: Work,
    open: RwSignal<Option<(RunId, f64)>>,
    learned_from: LearnedFrom,
) -> impl IntoView {
    let app = App::get();
    let question = Question::get();
    let Candidate { setting, evidence, latency_ms, support, note, runs, why, .. } = choice.clone();
    let (value, unit) = format::scaled_ms(latency_ms.value);
    let reach = (latency_ms.high - latency_ms.low).max(latency_ms.value * 0.02);
    let spread = words::spread(latency_ms, value / latency_ms.value);
    let newest = runs.first().cloned();
    let many = runs.len();
    let save = {
        let setting = setting.clone();
        let work = work.clone();
        move |_| save_settings(app, work.clone(), setting.clone())
    };
    view! {
        <section class="panel choice-panel" data-testid="choice" aria-labelledby="choice-title">
            <p class="small quiet">{fed(&work)}</p>
            <h2 id="choice-title" class="choice-title">"Run it on "{setting.hardware.clone()}</h2>
            <p class="choice-how">{words::how(&setting)}</p>
            <div class="choice-figures-row">
                <div class="choice-time">
                    <p class="headline">{significant(value)}<span class="unit">{unit}</span></p>
                    {spread.is_some().then(|| view! {
                        <Whisker low=latency_ms.low value=latency_ms.value high=latency_ms.high from=latency_ms.low - reach to=latency_ms.high + reach />
                    })}
                    <p class="row wrap">
                        <EvidenceChip evidence />
                        {spread.map(|spread| view! {
                            <span class="small quiet">{format!("{} {spread} {unit}", interval_word(evidence))}</span>
                        })}
                    </p>
                </div>
                <Facts facts=figures(&choice) />
            </div>
            <p class="choice-why">{capital(&why)}"."</p>
            {(evidence == Evidence::Predicted).then(|| view! {
                <p class="small quiet">{capital(&support)}". It "{note}"."</p>
            })}
            <div class="row wrap">
                <Button kind=ButtonKind::Primary icon="export" testid="save-engine-file" on_press=save>"Save these settings…"</Button>
                {newest.map(|id| view! {
                    <Button icon="results" testid="behind-choice" on_press=move |_| open.set(Some((id.clone(), latency_ms.value)))>
                        {if many == 1 { "The result behind it".to_owned() } else { format!("The newest of {many} results") }}
                    </Button>
                })}
                {(evidence == Evidence::Predicted).then(|| view! {
                    <Button kind=ButtonKind::Ghost icon="charts" testid="trust-choice" on_press=move |_| question.show_trust()>
                        "How far to trust it"
                    </Button>
                })}
            </div>
            <p class="small quiet">{learned_from.told()}</p>
        </section>
    }
}

/// What an interval means depends on where the figure comes from.
fn interval_word(evidence: Evidence) -> &'static str {
    if evidence == Evidence::Predicted { "90 % between" } else { "repeats between" }
}

fn fed(work: &Work) -> String {
    let mut words = vec![work.model.clone()];
    words.extend(work.mode.map(|mode| mode.label().to_lowercase()));
    words.extend(work.batch.map(|batch| format!("batch {batch}")));
    words.extend(work.size.map(|size| size_text(size, work.size_unit)));
    words.extend(work.fed().further());
    words.join(" · ")
}

fn figures(choice: &Candidate) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("Chance to be the fastest", chance_text(choice.probability_best)),
        Fact::new("Slower than the best, on average", percent_text(choice.expected_regret)),
        Fact::new("Samples a second", significant(choice.samples_per_s)),
    ];
    facts.extend(choice.p95_ms.map(|ms| Fact::new("95 of 100 batches within", format::duration_ms(ms))));
    facts.push(match choice.memory_mb {
        Some(memory) => Fact::new("Peak memory", words::memory(memory)),
        None => Fact::new("Peak memory", "not recorded"),
    });
    if let (Some(hour), Some(million)) = (choice.cost_per_hour, choice.cost_per_million()) {
        facts.push(Fact::new(
            "Cost",
            format!("{} an hour, {} a million samples", significant(hour), significant(million)),
        ));
    }
    facts
}

/// Writes the settings for the engine into a file of the person's choice.
fn save_settings(app: App, work: Work, setting: AdvisedSetting) {
    spawn_local(async move {
        let file = match ask(WriteEngineFile { work, setting }).await {
            Ok(file) => file,
            Err(failure) => return app.tell_failure(&failure),
        };
        let save = SaveFile { suggested_name: file.name, base64: plot::base64(file.text.as_bytes()), path: None };
        match ask(save).await {
            Ok(Some(path)) => app.tell(NoticeKind::Info, format!("Saved as {path}. {}", file.usage)),
            Ok(None) => {}
            Err(failure) => app.tell_failure(&failure),
        }
    });
}

#[component]
fn NoChoice(tried: usize) -> impl IntoView {
    let broken = match tried {
        1 => "The only known setting breaks at least one.".to_owned(),
        tried => format!("All {tried} known settings break at least one."),
    };
    view! {
        <section class="panel" data-testid="no-choice">
            <h2>"Nothing keeps these limits"</h2>
            <p class="quiet">
                {broken}" Below is which, and by how much; loosen the limit that matters least."
            </p>
        </section>
    }
}

#[component]
fn OnThisMachine(candidate: Candidate, times: f64) -> impl IntoView {
    view! {
        <section class="panel" data-testid="best-here">
            <h3>"If it has to be this machine"</h3>
            <p class="row wrap">
                <EvidenceMark evidence=candidate.evidence />
                <span>{words::how(&candidate.setting)}": "{words::time(candidate.latency_ms)}", "{significant(times)}" times the choice's time."</span>
            </p>
        </section>
    }
}

/// The measurement that would say most, with its button or the reason why there is none.
#[component]
fn Next(run: NextRun, here: Option<NextRun>, work: Work) -> impl IntoView {
    if run.regret_saved < LEAST_SAVED && run.keeps_limits >= SURE_OF_LIMITS {
        return view! {
            <section class="panel" data-testid="next-run">
                <h3>"Measuring more would hardly change this"</h3>
                <p class="quiet">"No single measurement brings the answer more than 0.1 % nearer to the best, on average."</p>
            </section>
        }
        .into_any();
    }
    let why_not = (!run.why_not.is_empty()).then(|| format!("{}.", run.why_not));
    view! {
        <section class="panel" data-testid="next-run">
            <h3>"The measurement that would say most"</h3>
            <p>{tells(&work, &run)}</p>
            {match run.plan {
                Some(plan) => view! { <StartButton plan /> }.into_any(),
                None => view! { <p class="quiet">{why_not}</p> }.into_any(),
            }}
            {here.and_then(|here| {
                let said = tells(&work, &here);
                here.plan.map(|plan| view! {
                    <p class="next-here">"Of those this machine can make: "{said}</p>
                    <StartButton plan />
                })
            })}
        </section>
    }
    .into_any()
}

/// A smaller share is below what any measurement can tell.
const LEAST_SAVED: f64 = 0.001;

fn tells(work: &Work, run: &NextRun) -> String {
    let mut said =
        vec![format!("{} on {}: about {}.", work.model, words::place(&run.setting), duration_secs(run.secs))];
    if run.regret_saved >= LEAST_SAVED {
        said.push(format!("On average the answer then gets {} nearer to the best.", percent_text(run.regret_saved)));
    }
    if run.keeps_limits < SURE_OF_LIMITS {
        let sure = percent_text(run.keeps_limits);
        said.push(format!("It tells whether the limits are kept there; so far that is {sure} sure."));
    }
    said.join(" ")
}

#[component]
fn StartButton(plan: Plan) -> impl IntoView {
    let app = App::get();
    let draft = Draft::get();
    let starting = RwSignal::new(false);
    let start = move |_| {
        actions::send_once(app, starting, StartPlan { plan: plan.clone() }, move |app, _| {
            draft.show_running();
            app.go(Place::Launch);
        });
    };
    view! {
        <div>
            <Button icon="launch" testid="start-next-run" busy=starting on_press=start>"Measure it"</Button>
        </div>
    }
}
