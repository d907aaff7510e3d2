//! Figures from samples: median with its interval, percentiles that n supports, outliers; and the timing made of them.
//!
//! Every function takes samples of one kind in one unit, finite, in any order.

use contract::{Percentile, Setting, StopReason, Timing};
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
    if sorted.is_empty() {
        return None;
    }
    let mut medians = resampled_medians(sorted, seed);
    medians.sort_unstable_by(f64::total_cmp);
    Some(Interval { low: quantile_of_sorted(&medians, 0.025), high: quantile_of_sorted(&medians, 0.975) })
}

/// The medians of `RESAMPLES` resamples.
fn resampled_medians(sorted: &[f64], seed: u64) -> Vec<f64> {
    let n = sorted.len();
    let k = n.div_ceil(2);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let middle = Beta::new(k as f64, (n + 1 - k) as f64).expect("both shapes are at least 1");
    let at = |place: f64| sorted[((place * n as f64) as usize).min(n - 1)];
    let resample = |_| {
        let place = middle.sample(&mut rng);
        if n % 2 == 1 {
            return at(place);
        }
        let next = 1.0 - (1.0 - place) * rng.random::<f64>().powf(1.0 / (n - k) as f64);
        f64::midpoint(at(place), at(next))
    };
    (0..RESAMPLES).map(resample).collect()
}

/// Tukey's fences at 1.5 and 3 interquartile ranges beyond the quartiles.
///
/// Times of a few clock ticks may have quartiles that are the same; the range is then one tick, the smallest distance
/// between two samples.
pub fn outliers(sorted: &[f64]) -> Outliers {
    if sorted.len() < 4 {
        return Outliers::default();
    }
    let (q1, q3) = (quantile_of_sorted(sorted, 0.25), quantile_of_sorted(sorted, 0.75));
    let tick = sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    let range = (q3 - q1).max(if tick.is_finite() { tick } else { 0.0 });
    let beyond =
        |fence: f64| sorted.iter().filter(|x| **x < q1 - fence * range || **x > q3 + fence * range).count() as u32;
    let severe = beyond(3.0);
    Outliers { mild: beyond(1.5) - severe, severe }
}

/// What the samples of a setting tell, its seed being the bootstrap's; none without samples.
pub fn timing(samples_ms: &[f64], setting: &Setting, stop: StopReason, harness_ms: Option<f64>) -> Option<Timing> {
    let sorted = sorted(samples_ms);
    let median_ms = median_of_sorted(&sorted)?;
    let interval = median_interval_of_sorted(&sorted, setting.seed)?;
    let outliers = outliers(&sorted);
    let percentiles = supported_percentiles(&sorted);
    Some(Timing {
        median_ms,
        low_ms: interval.low,
        high_ms: interval.high,
        min_ms: *sorted.first()?,
        samples: sorted.len() as u32,
        percentiles: percentiles.into_iter().map(|(p, ms)| Percentile { p, ms }).collect(),
        mild_outliers: outliers.mild,
        severe_outliers: outliers.severe,
        stop,
        throughput_per_s: f64::from(setting.batch) / (median_ms / 1e3),
        harness_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
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
        fn the_interval_stays_within_the_samples(samples in samples(), seed in any::<u64>()) {
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

    /// The short cut through order statistics against resampling in full, for odd and even n: the largest distance of
    /// their distribution functions (Kolmogorov and Smirnov) stays below what chance gives one time in a hundred.
    #[test]
    fn the_short_cut_has_the_distribution_of_full_resampling() {
        const FULL: usize = 20_000;
        for n in [2, 10, 11, 40, 101] {
            let samples: Vec<f64> = (0..n).map(|i| 10.0 + f64::from(i).powf(1.3)).collect();
            let mut rng = ChaCha8Rng::seed_from_u64(5);
            let mut resample =
                || samples.iter().map(|_| samples[rng.random_range(0..samples.len())]).collect::<Vec<_>>();
            let full: Vec<f64> = (0..FULL).map(|_| median(&resample()).unwrap()).collect();
            let short = resampled_medians(&samples, 9);
            let share =
                |medians: &[f64], x: f64| medians.iter().filter(|m| **m <= x).count() as f64 / medians.len() as f64;
            let places = sorted(&short).into_iter().step_by(10);
            let distance = places.map(|x| (share(&short, x) - share(&full, x)).abs()).fold(0.0, f64::max);
            let limit = 1.63 * (1.0 / RESAMPLES as f64 + 1.0 / FULL as f64).sqrt();
            assert!(distance < limit, "n = {n}: {distance}");
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
        assert_eq!(outliers(&[5.0; 8]), Outliers::default());
    }

    #[test]
    fn a_coarse_clock_makes_no_outliers() {
        let mut samples = vec![60.0; 90];
        samples.extend([50.0, 70.0, 70.0, 70.0, 900.0]);
        assert_eq!(outliers(&sorted(&samples)), Outliers { mild: 0, severe: 1 });
    }
}
