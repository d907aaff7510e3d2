//! One result, looked at closely: figures, phases, samples, placement, environment.

mod environment;
mod headline;
mod phases;
mod placement;
mod samples;
mod token_times;

use crate::parts::{Facts, Icon};
use contract::{OutputCheck, Run};
use environment::Environment;
use headline::Headline;
use leptos::prelude::*;
use phases::Phases;
use placement::Placement;
use samples::Samples;
use token_times::TokenTimes;

#[component]
pub fn RunDetails(
    run: Run,
    /// The median of a result that came without its samples, as imported ones do.
    median_ms: Option<f64>,
) -> impl IntoView {
    let check = check_sentence(&run);
    let flags: Vec<String> = run.flags.iter().map(|flag| flag.reason().to_owned()).chain(run.withheld()).collect();
    let mut seen = std::collections::BTreeSet::new();
    let remarks: Vec<String> = flags.into_iter().filter(|flag| seen.insert(flag.clone())).collect();
    let log = run.log.join("\n");
    let has_log = !run.log.is_empty();
    view! {
        <div data-testid="run-details">
            <Headline run=run.clone() median_ms />
            {(!remarks.is_empty()).then(|| view! {
                <ul class="remarks">
                    {remarks.into_iter().map(|remark| view! { <li><Icon name="warning" />{remark}</li> }).collect_view()}
                </ul>
            })}
            {(!run.samples_ms.is_empty()).then(|| view! { <Samples run=run.clone() /> })}
            {run.generated.is_some().then(|| view! { <TokenTimes run=run.clone() /> })}
            {(!run.phases.is_empty()).then(|| view! { <Phases phases=run.phases.clone() /> })}
            {check.map(|(title, sentence)| view! {
                <section class="drawer-section">
                    <h3>{title}</h3>
                    <p class="small selectable">{sentence}</p>
                </section>
            })}
            {run.error.clone().map(|error| view! { <FactSection title="Error against f32" facts=error_facts(&error) /> })}
            {run.placement.clone().map(|placement| view! { <Placement placement /> })}
            <Environment run=run.clone() />
            {has_log.then(|| view! {
                <details class="disclosure drawer-section">
                    <summary><Icon name="right" size=14 />"Log"</summary>
                    <pre class="log">{log}</pre>
                </details>
            })}
        </div>
    }
}

/// A group of facts under its name; nothing where there are none.
#[component]
fn FactSection(title: &'static str, facts: Vec<contract::Fact>) -> impl IntoView {
    (!facts.is_empty()).then(|| {
        view! {
            <section class="drawer-section">
                <h3>{title}</h3>
                <Facts facts />
            </section>
        }
    })
}

/// What the precision costs, in the figures that stand beside its speed.
fn error_facts(error: &contract::OutputError) -> Vec<contract::Fact> {
    use chart::format;
    use contract::Fact;
    let relative = format!(
        "{} ({} % of the largest value)",
        format::significant(error.largest_difference),
        format::significant(error.relative_difference * 100.0)
    );
    let cosine = format!("{} (1 is the same)", format::cosine(error.cosine));
    let mut facts = vec![Fact::new("Cosine", cosine), Fact::new("Largest difference", relative)];
    if let Some(nats) = error.divergence_nats {
        let told = format!("{} nats (0 is the same)", format::significant(nats));
        facts.push(Fact::new("Divergence of the next token", told));
    }
    facts.push(Fact::new("In f32 by", error.against.label()));
    facts
}

fn check_sentence(run: &Run) -> Option<(&'static str, String)> {
    use chart::format::significant;
    let tells = |against: &contract::EngineId, difference: f64, tolerance: f64| {
        format!("Largest difference from {}: {} (allowed: {}).", against.label(), significant(difference), tolerance)
    };
    match &run.check {
        OutputCheck::Agrees { against, largest_difference, tolerance } => {
            Some(("Output agrees", tells(against, *largest_difference, *tolerance)))
        }
        OutputCheck::Disagrees { against, largest_difference, tolerance, output } => {
            let sentence = tells(against, *largest_difference, *tolerance);
            Some(("Output disagrees", format!("In {output}. {sentence}")))
        }
        OutputCheck::Unchecked { reason } if run.evidence == contract::Evidence::Measured => {
            Some(("Output unchecked", reason.clone()))
        }
        OutputCheck::Unchecked { .. } => None,
    }
}
