//! Comparing two settings that were measured in turn: their paired ratio, and when it is told.
//!
//! A round is four blocks of calls, A B B A or B A A B as a coin decides, and gives one figure: the mean logarithm of
//! B's two blocks less that of A's. What drifts slowly meets both sides alike and cancels within a round. Whatever else
//! disturbs a round, the coin makes it as likely to speak for A as for B, so the rounds' disturbances are symmetric by
//! design, however they are spread and however they depend on each other. That is all that [`sequence`] asks for.

mod sequence;
mod tail;
#[cfg(test)]
mod tests;

pub use tail::tails;

use contract::{CompareRules, PairedRatio, RatioInterval, Round, Verdict};
use sequence::Sequence;

/// A question that takes longer is not worth waiting for.
const LONGEST_SECS: f64 = 86_400.0;

/// What the rounds so far say; none without any. The interval holds however often it is asked for while rounds are
/// added.
pub fn judge(rounds: &[Round], rules: &CompareRules) -> Option<PairedRatio> {
    let last = rounds.last()?;
    let figures: Vec<f64> = rounds.iter().map(log_ratio).collect();
    let sequence = Sequence::of(&figures, rules.confidence);
    let centre = sequence.centre();
    let interval = sequence.interval();
    let bound = rules.threshold.ln_1p();
    let verdict = verdict(interval, bound);
    let needed_secs = || {
        let wanted = sequence.figures_until((centre.abs() - bound).abs(), interval)?;
        let secs = (wanted - rounds.len()) as f64 * last.ended_secs / rounds.len() as f64;
        (secs <= LONGEST_SECS).then_some(secs)
    };
    Some(PairedRatio {
        ratio: centre.exp(),
        interval: interval.map(|(low, high)| RatioInterval { low: low.exp(), high: high.exp() }),
        rounds: rounds.len() as u32,
        verdict,
        needed_secs: (verdict == Verdict::CannotTell).then(needed_secs).flatten(),
    })
}

/// What an interval of a logarithmic ratio says, where differences up to `bound` do not matter.
pub fn verdict(interval: Option<(f64, f64)>, bound: f64) -> Verdict {
    match interval {
        Some((_, high)) if high < -bound => Verdict::Faster,
        Some((low, _)) if low > bound => Verdict::Slower,
        Some((low, high)) if -bound <= low && high <= bound => Verdict::Same,
        _ => Verdict::CannotTell,
    }
}

/// The logarithm of B's time over A's.
fn log_ratio(round: &Round) -> f64 {
    let mean_log = |[first, second]: [f64; 2]| f64::midpoint(first.ln(), second.ln());
    mean_log(round.b_ms) - mean_log(round.a_ms)
}
