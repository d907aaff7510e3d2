//! How sure the choice is, by drawing what every candidate takes many times.

use super::{Candidate, Evidence, Limits, NextRun, Survey, candidates::of_prediction};

const DRAWS: usize = 4000;
/// Measuring again what was measured is not worth its time for less, as a share.
const LEAST_SAVED: f64 = 0.001;
/// Loading, checking and warming up, and then the timed repetitions.
const RUN_SECONDS: f64 = 6.0;
const REPETITIONS: f64 = 30.0;

/// Fills in each candidate's chances and its expected regret, and gives the runs that could be made, the one most worth
/// making first.
pub fn weigh(candidates: &mut [Candidate], survey: &Survey, limits: &Limits) -> Vec<NextRun> {
    let count = candidates.len();
    if count == 0 {
        return Vec::new();
    }
    let centres: Vec<f64> = candidates.iter().map(|c| c.latency_ms.value.ln()).collect();
    let mut random = Normal(0x9e37_79b9_7f4a_7c15);
    let draws: Vec<Vec<f64>> = (0..DRAWS)
        .map(|_| candidates.iter().zip(&centres).map(|(c, centre)| centre + c.deviation * random.next()).collect())
        .collect();
    let keeps = keeping(candidates, &draws, limits, survey.batch, &mut random);
    let least = |draw: &[f64], able: &dyn Fn(&usize) -> bool| {
        (0..count).filter(able).min_by(|a, b| draw[*a].total_cmp(&draw[*b]))
    };
    let bests: Vec<f64> = draws.iter().map(|draw| draw.iter().copied().fold(f64::INFINITY, f64::min)).collect();
    for ((draw, best), keeps) in draws.iter().zip(&bests).zip(&keeps) {
        for (candidate, own) in candidates.iter_mut().zip(draw) {
            candidate.expected_regret += ((own - best).exp() - 1.0) / DRAWS as f64;
        }
        if let Some(best) = least(draw, &|at| keeps[*at]) {
            candidates[best].probability_best += 1.0 / DRAWS as f64;
        }
    }
    for (at, candidate) in candidates.iter_mut().enumerate() {
        candidate.keeps_limits = keeps.iter().filter(|keeps| keeps[at]).count() as f64 / DRAWS as f64;
    }
    let choice = (0..count)
        .min_by(|a, b| candidates[*a].expected_regret.total_cmp(&candidates[*b].expected_regret))
        .expect("there is a candidate");
    let luck: Vec<f64> = (0..DRAWS).map(|_| random.next()).collect();
    // After a run one would take that candidate or the best of the rest; the others stay as unsure as they were.
    let saved = |run: usize| -> f64 {
        let Some(rest) = least(&centres, &|at| *at != run) else { return 0.0 };
        // A run is as far off as results are, so that what was known before it still counts: of n results with the
        // deviation r the middle is known to r/√n, and with one more to r/√(n + 1).
        let variance = candidates[run].deviation.powi(2);
        let told = variance / (variance + survey.repeat.powi(2));
        let chance = (told * (1.0 - told) * variance).sqrt();
        let gain = |((draw, best), luck): ((&Vec<f64>, &f64), &f64)| {
            let expected = centres[run] + told * (draw[run] - centres[run]) + chance * luck;
            let taken = if expected < centres[rest] { run } else { rest };
            (draw[choice] - best).exp() - (draw[taken] - best).exp()
        };
        draws.iter().zip(&bests).zip(&luck).map(gain).sum::<f64>() / DRAWS as f64
    };
    let mut runs: Vec<NextRun> = (0..count)
        .map(|at| NextRun {
            setting: candidates[at].setting.clone(),
            seconds: RUN_SECONDS + REPETITIONS * candidates[at].latency_ms.value / 1000.0,
            regret_saved: saved(at).max(0.0),
            keeps_limits: candidates[at].keeps_limits,
        })
        .zip(candidates.iter())
        .filter(|(run, candidate)| candidate.evidence == Evidence::Predicted || run.regret_saved >= LEAST_SAVED)
        .map(|(run, _)| run)
        .collect();
    runs.sort_by(|a, b| b.regret_saved.total_cmp(&a.regret_saved));
    runs
}

/// Of each draw, which candidates keep the limits: measured ones do, or they would not be here; of predicted ones memory
/// is drawn too where it is limited.
fn keeping(
    candidates: &[Candidate],
    draws: &[Vec<f64>],
    limits: &Limits,
    batch: Option<f64>,
    random: &mut Normal,
) -> Vec<Vec<bool>> {
    let longest = limits.longest_ms(batch).ln();
    let mut keeps = |(candidate, time): (&Candidate, &f64)| {
        if candidate.evidence == Evidence::Measured {
            return true;
        }
        let fits = match (limits.max_memory_mb, candidate.peak_memory_mb) {
            (Some(most), Some(memory)) => memory.value.ln() + of_prediction(memory) * random.next() <= most.ln(),
            _ => true,
        };
        fits && *time <= longest
    };
    draws.iter().map(|draw| candidates.iter().zip(draw).map(&mut keeps).collect()).collect()
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
