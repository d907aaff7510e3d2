//! How sure the choice is, by drawing every candidate's time from its interval many times.

use super::{Candidate, Evidence, NextRun};

const DRAWS: usize = 4000;
/// Half-width of a 90 % interval in standard deviations.
const DEVIATIONS: f64 = 1.645;
/// What repeated measurements differ by at least, as a share.
const LEAST_NOISE: f64 = 0.005;
/// Loading, checking and warming up, and then the timed repetitions.
const RUN_SECONDS: f64 = 6.0;
const REPETITIONS: f64 = 30.0;

/// Fills in each candidate's chance of being best and its expected regret, and gives the runs that could be made, the
/// one most worth making first.
pub fn weigh(candidates: &mut [Candidate]) -> Vec<NextRun> {
    let count = candidates.len();
    if count == 0 {
        return Vec::new();
    }
    let centres: Vec<f64> = candidates.iter().map(|c| c.latency_ms.value.ln()).collect();
    let deviations: Vec<f64> = candidates
        .iter()
        .map(|c| ((c.latency_ms.high / c.latency_ms.low).ln() / 2.0 / DEVIATIONS).max(LEAST_NOISE))
        .collect();
    let mut random = Normal(0x9e37_79b9_7f4a_7c15);
    let draws: Vec<Vec<f64>> =
        (0..DRAWS).map(|_| (0..count).map(|at| centres[at] + deviations[at] * random.next()).collect()).collect();
    let best_of = |draw: &[f64]| (0..count).min_by(|a, b| draw[*a].total_cmp(&draw[*b])).expect("there is a candidate");
    for draw in &draws {
        let best = best_of(draw);
        candidates[best].probability_best += 1.0 / DRAWS as f64;
        for (candidate, own) in candidates.iter_mut().zip(draw) {
            candidate.expected_regret += ((own - draw[best]).exp() - 1.0) / DRAWS as f64;
        }
    }
    let choice = (0..count)
        .min_by(|a, b| candidates[*a].expected_regret.total_cmp(&candidates[*b].expected_regret))
        .expect("there is a candidate");
    // Knowing one time, one would take that candidate or the best of the rest; the others stay as unsure as they were.
    let saved = |known: usize| -> f64 {
        let rest = (0..count).filter(|at| *at != known).min_by(|a, b| centres[*a].total_cmp(&centres[*b]));
        let Some(rest) = rest else { return 0.0 };
        let gain = |draw: &Vec<f64>| {
            let taken = if draw[known] < centres[rest] { known } else { rest };
            let best = draw[best_of(draw)];
            (draw[choice] - best).exp() - (draw[taken] - best).exp()
        };
        draws.iter().map(gain).sum::<f64>() / DRAWS as f64
    };
    let mut runs: Vec<NextRun> = (0..count)
        .filter(|at| candidates[*at].evidence == Evidence::Predicted)
        .map(|at| NextRun {
            setting: candidates[at].setting.clone(),
            seconds: RUN_SECONDS + REPETITIONS * candidates[at].latency_ms.value / 1000.0,
            regret_saved: saved(at).max(0.0),
        })
        .collect();
    runs.sort_by(|a, b| b.regret_saved.total_cmp(&a.regret_saved));
    runs
}

/// Normal deviates, always the same (xorshift64 and the Box–Muller transform).
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
