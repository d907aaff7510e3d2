//! What is known of one generated file, in a word. There is no tick without a run.

use crate::parts::Icon;
use contract::*;
use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It ran and passed; `is_current` where it has not changed since.
    Passed {
        is_current: bool,
    },
    Failed {
        is_current: bool,
    },
    Skipped {
        is_current: bool,
    },
    /// It is made and can be read, and was not run.
    Sound,
    /// It cannot be made, or cannot be read.
    Unsound,
    /// It was neither made nor run yet.
    Unknown,
}

impl Proof {
    /// Of what is known; nothing is known of a file that is not among the covered ones.
    pub fn of(known: Option<&Coverage>) -> Self {
        let Some(known) = known else { return Self::Unknown };
        if known.check.as_ref().is_some_and(|check| check.problem.is_some()) {
            return Self::Unsound;
        }
        let is_current = known.is_current();
        match known.trial.as_ref().map(|trial| &trial.outcome) {
            Some(TrialOutcome::Passed) => Self::Passed { is_current },
            Some(TrialOutcome::Failed { .. }) => Self::Failed { is_current },
            Some(TrialOutcome::Skipped { .. }) => Self::Skipped { is_current },
            None if known.check.is_some() => Self::Sound,
            None => Self::Unknown,
        }
    }

    /// What the table can be narrowed to, in order.
    pub const WORDS: [&str; 6] = ["passed", "failed", "skipped", "not run yet", "not checked yet", "cannot be made"];

    pub fn word(self) -> &'static str {
        match self {
            Self::Passed { .. } => Self::WORDS[0],
            Self::Failed { .. } => Self::WORDS[1],
            Self::Skipped { .. } => Self::WORDS[2],
            Self::Sound => Self::WORDS[3],
            Self::Unknown => Self::WORDS[4],
            Self::Unsound => Self::WORDS[5],
        }
    }

    /// What the word means, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Passed { is_current: true } => "It ran here and passed, as it is made now.",
            Self::Passed { is_current: false } => "An older text of it ran here and passed; it has changed since.",
            Self::Failed { is_current: true } => "It ran here and failed, as it is made now.",
            Self::Failed { is_current: false } => "An older text of it ran here and failed; it has changed since.",
            Self::Skipped { .. } => "It skipped itself, as hardware or a library is missing here.",
            Self::Sound => "It is made and is sound Python. It was not run yet.",
            Self::Unsound => "It cannot be made, or what is made is not sound.",
            Self::Unknown => "It was neither made nor run yet.",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Passed { .. } => "proof passed",
            Self::Failed { .. } | Self::Unsound => "proof failed",
            Self::Skipped { .. } => "proof skipped",
            Self::Sound | Self::Unknown => "proof none",
        }
    }

    fn icon(self) -> Option<&'static str> {
        match self {
            Self::Passed { .. } => Some("check"),
            Self::Failed { .. } => Some("close"),
            Self::Skipped { .. } => Some("minus"),
            Self::Unsound => Some("error"),
            Self::Sound | Self::Unknown => None,
        }
    }

    fn is_old(self) -> bool {
        matches!(
            self,
            Self::Passed { is_current: false }
                | Self::Failed { is_current: false }
                | Self::Skipped { is_current: false }
        )
    }
}

/// The word with its picture; faded where the file has changed since.
#[component]
pub fn ProofMark(proof: Proof) -> impl IntoView {
    view! {
        <span class=proof.class() class:faded=proof.is_old() title=proof.sentence()>
            {proof.icon().map(|name| view! { <Icon name size=13 /> })}
            {proof.word()}
        </span>
    }
}
