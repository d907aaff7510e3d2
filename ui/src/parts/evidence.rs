//! Evidence, noise and availability in their one visual language.

use contract::{Availability, Evidence, NoiseGrade};
use leptos::prelude::*;

pub fn evidence_class(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Measured => "measured",
        Evidence::Imported => "imported",
        Evidence::Predicted => "predicted",
    }
}

/// The kind of a figure, in a word: solid, outlined or hatched.
#[component]
pub fn EvidenceChip(evidence: Evidence) -> impl IntoView {
    view! { <span class=format!("chip {}", evidence_class(evidence))>{evidence.label()}</span> }
}

/// The kind of a figure, as a small square beside it.
#[component]
pub fn EvidenceMark(evidence: Evidence) -> impl IntoView {
    view! { <i class=format!("mark {}", evidence_class(evidence)) role="img" aria-label=evidence.label()></i> }
}

/// How steady the machine was while this was measured.
#[component]
pub fn Grade(grade: NoiseGrade) -> impl IntoView {
    view! {
        <span
            class=format!("grade {}", grade.letter())
            role="img"
            title=format!("Noise grade {}: {}", grade.letter(), grade.meaning())
            aria-label=format!("Noise grade {}", grade.letter())
        >
            {grade.letter()}
        </span>
    }
}

/// Ready, or missing with its sentence.
#[component]
pub fn AvailabilityChip(availability: Availability) -> impl IntoView {
    match availability {
        Availability::Ready => view! { <span class="chip ready">"Ready"</span> }.into_any(),
        Availability::Missing { reason, remedy } => {
            view! { <span class="chip neutral" title=format!("{reason}. {remedy}")>"Not here"</span> }.into_any()
        }
    }
}
