//! Checks that a model type cannot pass by its nature, each with the reason, which the generated test repeats.

use models::transformers::ModelType;
use serde::Serialize;

/// Why a check is left out of a type's test; none where it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exempt {
    /// A batch of two is two of one.
    pub batch: Option<&'static str>,
    /// Masked tokens are not read.
    pub mask: Option<&'static str>,
    /// A step of training lowers the loss.
    pub training: Option<&'static str>,
    /// Inputs that the output need not depend on.
    pub depends: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Batch,
    Mask,
    Training,
}

const EXEMPT: [(&[&str], Check, &str); 0] = [];

/// Types, with inputs that make no difference to what they give.
const WITHOUT_EFFECT: [(&[&str], &[&str]); 0] = [];

pub(super) fn exempt(known: &ModelType) -> Exempt {
    let of = |check: Check| {
        let found = EXEMPT.iter().find(|(types, of, _)| *of == check && types.contains(&known.model_type.as_str()));
        found.map(|(_, _, reason)| *reason)
    };
    let without = WITHOUT_EFFECT.iter().filter(|(types, _)| types.contains(&known.model_type.as_str()));
    Exempt {
        batch: of(Check::Batch),
        mask: of(Check::Mask),
        training: of(Check::Training),
        depends: without.flat_map(|(_, inputs)| inputs.iter().copied()).collect(),
    }
}
