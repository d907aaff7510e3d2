//! Figures from samples: median with its interval, percentiles that n supports, outliers.
//!
//! Every function takes samples of one kind in one unit, finite, in any order.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

/// 95 % interval of a median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Half the width, relative to the median: 0.02 for ±2 %.
    pub fn relative_half_width(&self, median: f64) -> f64 {
        (self.high - self.low) / 2.0 / median.abs()
    }
}

/// Samples beyond Tukey's fences. Each sample is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outliers {
    /// Between 1.5 and 3 interquartile ranges from the nearer quartile.
    pub mild: u32,
    /// Beyond 3.
    pub severe: u32,
}

pub fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The middle sample, or the mean of the two in the middle; none without samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    median_of_sorted(&sorted(samples))
}

pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    match n {
        0 => None,
        _ if n % 2 == 1 => Some(sorted[n / 2]),
        _ => Some(f64::midpoint(sorted[n / 2 - 1], sorted[n / 2])),
    }
}

/// The percentile `p` (0.95 for p95) by linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
/// None where n < 10 / (1 − p): fewer than ten samples would lie beyond it.
pub fn percentile(samples: &[f64], p: f64) -> Option<f64> {
    supports(samples.len(), p).then(|| quantile_of_sorted(&sorted(samples), p))
}

/// Whether n samples can tell percentile `p`: n ≥ 10 / (1 − p).
pub fn supports(n: usize, p: f64) -> bool {
    // The tolerance keeps 100 samples enough for p90, where 10 / (1 − 0.9) rounds to just above 100.
    (0.0..1.0).contains(&p) && n as f64 * (1.0 - p) >= 10.0 - 1e-9
}

/// p90, p95, p99 and p99.9 as far as the samples support them.
pub fn supported_percentiles(sorted: &[f64]) -> Vec<(f64, f64)> {
    const OFFERED: [f64; 4] = [0.90, 0.95, 0.99, 0.999];
    let supported = OFFERED.into_iter().filter(|p| supports(sorted.len(), *p));
    supported.map(|p| (p, quantile_of_sorted(sorted, p))).collect()
}

fn quantile_of_sorted(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// The bootstrap's number of resamples: the interval's ends then rest on 50 resamples beyond each.
const RESAMPLES: usize = 2000;

/// 95 % percentile bootstrap interval of the median (Efron 1979, "Bootstrap methods: another look at the jackknife").
/// None without samples; the same seed gives the same interval.
///
/// A resample is not drawn in full, only its middle: the k-th smallest of n draws from n sorted samples has the index
/// ⌊n·B⌋ with B ~ Beta(k, n + 1 − k), and the next one follows from the smallest of the n − k draws above it (Devroye
/// 1986, "Non-uniform random variate generation", V.3). That is the same distribution at a cost that does not grow with
/// n, so no approximation for large n is needed.
pub fn median_interval(samples: &[f64], seed: u64) -> Option<Interval> {
    median_interval_of_sorted(&sorted(samples), seed)
}

pub fn median_interval_of_sorted(sorted: &[f64], seed: u64) -> Option<Interval> {
    let n = sorted.len();
    if n == 0 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let k = n.div_ceil(2);
    let middle = Beta::new(k as f64, (n + 1 - k) as f64).expect("both shapes are at least 1");
    let at = |place: f64| sorted[((place * n as f64) as usize).min(n - 1)];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let place = middle.sample(&mut rng);
            if n % 2 == 1 {
                return at(place);
            }
            let above = 1.0 - (1.0 - place) * rng.random::<f64>().powf(1.0 / (n - k) as f64);
            f64::midpoint(at(place), at(above))
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    Some(Interval { low: quantile_of_sorted(&medians, 0.025), high: quantile_of_sorted(&medians, 0.975) })
}

/// Tukey's fences at 1.5 and 3 interquartile ranges beyond the quartiles.
pub fn outliers(sorted: &[f64]) -> Outliers {
    if sorted.len() < 4 {
        return Outliers::default();
    }
    let (q1, q3) = (quantile_of_sorted(sorted, 0.25), quantile_of_sorted(sorted, 0.75));
    let range = q3 - q1;
    let beyond = |fence: f64| sorted.iter().filter(|x| **x < q1 - fence * range || **x > q3 + fence * range).count() as u32;
    let severe = beyond(3.0);
    Outliers { mild: beyond(1.5) - severe, severe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_distr::LogNormal;

    fn samples() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(1e-6..1e6, 1..200)
    }

    proptest! {
        #[test]
        fn half_the_samples_lie_on_each_side_of_the_median(samples in samples()) {
            let median = median(&samples).unwrap();
            let below = samples.iter().filter(|x| **x < median).count();
            let above = samples.iter().filter(|x| **x > median).count();
            prop_assert!(below <= samples.len() / 2 && above <= samples.len() / 2);
        }

        #[test]
        fn the_order_of_samples_does_not_matter(mut samples in samples()) {
            let before = (median(&samples), median_interval(&samples, 7), outliers(&sorted(&samples)));
            samples.reverse();
            prop_assert_eq!(before, (median(&samples), median_interval(&samples, 7), outliers(&sorted(&samples))));
        }

        #[test]
        fn the_interval_stays_within_the_samples(samples in samples(), seed: u64) {
            let sorted = sorted(&samples);
            let interval = median_interval(&samples, seed).unwrap();
            prop_assert!(sorted[0] <= interval.low && interval.low <= interval.high);
            prop_assert!(interval.high <= sorted[sorted.len() - 1]);
        }

        #[test]
        fn scaling_the_samples_scales_every_figure(samples in samples()) {
            let scaled: Vec<f64> = samples.iter().map(|x| x * 1024.0).collect();
            let (a, b) = (median_interval(&samples, 1).unwrap(), median_interval(&scaled, 1).unwrap());
            prop_assert!((a.low * 1024.0 - b.low).abs() <= b.low * 1e-12 && (a.high * 1024.0 - b.high).abs() <= b.high * 1e-12);
            prop_assert_eq!(outliers(&sorted(&samples)), outliers(&sorted(&scaled)));
        }

        #[test]
        fn percentiles_grow_with_p_and_need_enough_samples(samples in prop::collection::vec(0.0..1e3, 1..3000)) {
            let sorted = sorted(&samples);
            let offered = supported_percentiles(&sorted);
            prop_assert!(offered.windows(2).all(|pair| pair[0].1 <= pair[1].1));
            for (p, _) in &offered {
                prop_assert!(samples.len() as f64 >= 10.0 / (1.0 - p) - 1e-6);
            }
            prop_assert_eq!(percentile(&samples, 0.99).is_some(), samples.len() >= 1000);
        }
    }

    #[test]
    fn a_percentile_needs_ten_samples_beyond_it() {
        assert!(supports(100, 0.90) && !supports(99, 0.90));
        assert!(supports(200, 0.95) && !supports(199, 0.95));
        assert!(supports(1000, 0.99) && !supports(999, 0.99));
        assert!(!supports(1000, 1.0));
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let samples: Vec<f64> = (0..57).map(|i| f64::from(i * i % 31)).collect();
        assert_eq!(median_interval(&samples, 3), median_interval(&samples, 3));
    }

    /// The short cut through order statistics against resampling in full, for odd and even n.
    #[test]
    fn the_interval_is_that_of_full_resampling() {
        for n in [10, 11, 40, 101] {
            let samples: Vec<f64> = (0..n).map(|i| 10.0 + f64::from(i).powf(1.3)).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let mut medians: Vec<f64> = (0..20_000)
                .map(|_| {
                    let resample: Vec<f64> = (0..n).map(|_| samples[rng.random_range(0..n as usize)]).collect();
                    median(&resample).unwrap()
                })
                .collect();
            medians.sort_unstable_by(f64::total_cmp);
            let full = (quantile_of_sorted(&medians, 0.025), quantile_of_sorted(&medians, 0.975));
            let short = median_interval(&samples, 9).unwrap();
            let width = full.1 - full.0;
            assert!((short.low - full.0).abs() < 0.1 * width, "n = {n}: {short:?} against {full:?}");
            assert!((short.high - full.1).abs() < 0.1 * width, "n = {n}: {short:?} against {full:?}");
        }
    }

    /// Of 500 sets of samples from a known skewed distribution, about 95 % must have the true median in the interval.
    #[test]
    fn the_interval_covers_the_true_median() {
        let distribution = LogNormal::new(0.0, 0.4).unwrap();
        for n in [10, 30, 200] {
            let mut rng = ChaCha8Rng::seed_from_u64(11);
            let covered = (0..500)
                .filter(|seed| {
                    let samples: Vec<f64> = (0..n).map(|_| distribution.sample(&mut rng)).collect();
                    let interval = median_interval(&samples, *seed).unwrap();
                    (interval.low..=interval.high).contains(&1.0)
                })
                .count();
            assert!((455..=495).contains(&covered), "n = {n}: covered {covered} of 500");
        }
    }

    #[test]
    fn outliers_are_classified_once() {
        let mut samples: Vec<f64> = (0..100).map(f64::from).collect();
        samples.extend([200.0, 1000.0]);
        assert_eq!(outliers(&sorted(&samples)), Outliers { mild: 1, severe: 1 });
        assert_eq!(outliers(&[1.0, 1.0, 1.0]), Outliers::default());
    }
}
