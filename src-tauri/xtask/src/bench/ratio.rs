//! Paired ratios: A and B measured in turn, so that a drift of the machine meets both alike.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// The median of the pairs' ratios with its 95 % bootstrap interval.
#[derive(Debug, PartialEq)]
pub struct Ratio {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

const RESAMPLES: usize = 10_000;

/// A divided by B over pairs of at least one.
pub fn paired(pairs: &[(f64, f64)]) -> Ratio {
    let ratios: Vec<f64> = pairs.iter().map(|(a, b)| a / b).collect();
    let mut random = StdRng::seed_from_u64(1);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| median((0..ratios.len()).map(|_| ratios[random.random_range(0..ratios.len())]).collect()))
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[((RESAMPLES - 1) as f64 * share).round() as usize];
    Ratio { median: median(ratios), low: at(0.025), high: at(0.975) }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median needs a value");
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_that_meets_both_leaves_the_ratio() {
        let pairs: Vec<(f64, f64)> = (1..=30).map(|i| (f64::from(i) * 1.02, f64::from(i))).collect();
        let ratio = paired(&pairs);
        assert!((ratio.median - 1.02).abs() < 1e-12 && (ratio.high - ratio.low) < 1e-12, "{ratio:?}");
    }

    #[test]
    fn the_interval_holds_the_median() {
        let pairs: Vec<(f64, f64)> = (0..30).map(|i| (1.0 + f64::from(i % 7) / 100.0, 1.0)).collect();
        let ratio = paired(&pairs);
        assert!(ratio.low <= ratio.median && ratio.median <= ratio.high && ratio.low < ratio.high, "{ratio:?}");
    }
}
