//! The newest point, before there are enough for a step.

use super::{direction, noise, steps::SHORTEST};
use crate::student;
use contract::{Newest, WatchRules};

/// A newest point less likely than this is worth a second measurement; a change needs much more.
const SUSPECT_P: f64 = 1e-3;
/// How far back the level is looked at.
const RECENT: usize = 30;

/// The last point against the level before it, in logarithms: outside the interval in which a next value is expected.
pub fn newest(level: &[f64], rules: &WatchRules) -> Newest {
    let Some((last, before)) = level.split_last().filter(|(_, before)| before.len() >= SHORTEST) else {
        return Newest::Unknown;
    };
    let before = &before[before.len().saturating_sub(RECENT)..];
    let n = before.len() as f64;
    let spread = noise::of(before).max(noise::RESOLUTION) * (1.0 + 1.0 / n).sqrt();
    let difference = last - noise::median(before);
    let p = student::two_sided_p(difference / spread, n - 1.0);
    if p < SUSPECT_P && difference.abs() >= rules.smallest_change.ln_1p() {
        Newest::Suspect { change: difference.exp_m1(), direction: direction(difference, rules.better), p }
    } else {
        Newest::Usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: [f64; 10] = [0.0, 0.01, -0.01, 0.005, 0.0, -0.005, 0.01, 0.0, -0.01, 0.005];

    fn with(last: f64) -> Newest {
        newest(&[&LEVEL[..], &[last]].concat(), &WatchRules::default())
    }

    #[test]
    fn a_newest_point_far_off_is_suspect_and_says_by_how_much() {
        let Newest::Suspect { change, direction, .. } = with(0.1) else { panic!("{:?}", with(0.1)) };
        assert!((change - 0.1_f64.exp_m1()).abs() < 0.01);
        assert_eq!(direction, contract::Direction::Worse);
    }

    #[test]
    fn a_newest_point_within_the_noise_is_usual() {
        assert_eq!(with(0.012), Newest::Usual);
    }

    #[test]
    fn a_short_level_tells_nothing() {
        assert_eq!(newest(&[0.0, 0.5], &WatchRules::default()), Newest::Unknown);
    }
}
