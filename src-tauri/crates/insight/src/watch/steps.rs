//! Lasting steps of one series: candidates by E-divisive, kept by a t-test and a smallest relevant size.
//!
//! As Hunter does it (Fleming et al. 2023, "Hunter: using open source to find performance regressions"): more splits than
//! will hold are taken first, so that a step which another one hides is found, and those that do not hold against their
//! neighbours are then taken back, the weakest first.

use super::{energy::Distances, noise::RESOLUTION};
use crate::student;
use std::ops::Range;

/// A level has at least this many points; fewer are anomalies, or not yet known.
pub const SHORTEST: usize = 4;
/// How many degrees of freedom the spread of all levels counts for beside a level's own.
const SHARED: f64 = 1.0;
/// Longer series are split in windows of this many points, each half over the next.
const WINDOW: usize = 256;

/// The first point of a new level, and what the test of the two levels says.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub index: usize,
    pub test: Test,
}

#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Mean of the levels, in logarithms.
    pub before: f64,
    pub after: f64,
    pub standard_error: f64,
    pub df: f64,
}

impl Test {
    pub fn difference(&self) -> f64 {
        self.after - self.before
    }

    fn t(&self) -> f64 {
        self.difference() / self.standard_error
    }

    /// The chance of so large a difference where there is none.
    pub fn p(&self) -> f64 {
        student::two_sided_p(self.t(), self.df)
    }
}

/// Steps in logarithms without spikes, in order.
pub fn steps(values: &[f64], p: f64, smallest: f64) -> Vec<Step> {
    if values.len() < 2 * SHORTEST {
        return Vec::new();
    }
    let mut splits = candidates(values);
    let smallest = smallest.ln_1p();
    loop {
        let tests = tests(values, &splits);
        let least = |of: fn(&Test) -> f64| {
            let ordered = tests.iter().map(of).enumerate();
            ordered.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
        };
        // All have the same degrees of freedom, so the one with the least t is the least sure.
        let unsure = least(|test| test.t().abs()).filter(|at| tests[*at].p() >= p);
        let small = || least(|test| test.difference().abs()).filter(|at| tests[*at].difference().abs() < smallest);
        match unsure.or_else(small) {
            Some(at) => drop(splits.remove(at)),
            None => return splits.into_iter().zip(tests).map(|(index, test)| Step { index, test }).collect(),
        }
    }
}

fn candidates(values: &[f64]) -> Vec<usize> {
    let mut splits = Vec::new();
    let mut start = 0;
    loop {
        let end = values.len().min(start + WINDOW);
        let mut found = Vec::new();
        divide(&Distances::new(&values[start..end]), 0..end - start, &mut found);
        splits.extend(found.into_iter().map(|split| split + start));
        if end == values.len() {
            break;
        }
        start += WINDOW / 2;
    }
    splits.sort_unstable();
    // Two windows may see one step a point apart.
    splits.dedup_by(|later, earlier| *later < *earlier + SHORTEST);
    splits
}

fn divide(distances: &Distances, stretch: Range<usize>, splits: &mut Vec<usize>) {
    let Some(split) = distances.best_split(&stretch, SHORTEST) else { return };
    splits.push(split);
    divide(distances, stretch.start..split, splits);
    divide(distances, split..stretch.end, splits);
}

/// Each split against the stretches on both sides of it, up to the splits beside it.
fn tests(values: &[f64], splits: &[usize]) -> Vec<Test> {
    let bound = |at: usize| splits.get(at).copied().unwrap_or(values.len());
    let start = |at: usize| if at == 0 { 0 } else { splits[at - 1] };
    let spread: f64 = (0..=splits.len()).map(|at| squares(&values[start(at)..bound(at)])).sum();
    let df = (values.len() - splits.len() - 1) as f64;
    (0..splits.len())
        .map(|at| test(&values[start(at)..splits[at]], &values[splits[at]..bound(at + 1)], spread / df, df))
        .collect()
}

/// Student's t-test with the spread of all levels. A level that spreads more than they do is believed that much less:
/// a few spikes in a row make no level.
fn test(a: &[f64], b: &[f64], variance: f64, df: f64) -> Test {
    let variance = variance.max(RESOLUTION * RESOLUTION);
    let of_mean = |level: &[f64]| {
        let n = level.len() as f64;
        variance.max((squares(level) + SHARED * variance) / (n - 1.0 + SHARED)) / n
    };
    Test { before: mean(a), after: mean(b), standard_error: (of_mean(a) + of_mean(b)).sqrt(), df }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Repeats that spread by about 1 %, the same on every run.
    fn noise(n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(|i| 0.01 * ((i * i * 7 + i * 3) % 11) as f64 / 5.0 - 0.01)
    }

    fn found(values: &[f64]) -> Vec<usize> {
        steps(values, 1e-4, 0.02).into_iter().map(|step| step.index).collect()
    }

    #[test]
    fn a_step_of_five_percent_is_found_where_it_is() {
        let values: Vec<f64> = noise(40).enumerate().map(|(i, e)| e + if i < 23 { 0.0 } else { 0.05 }).collect();
        let steps = steps(&values, 1e-4, 0.02);
        assert_eq!(steps.len(), 1);
        assert!(steps[0].index.abs_diff(23) <= 1, "{steps:?}");
        assert!((steps[0].test.difference() - 0.05).abs() < 0.01 && steps[0].test.p() < 1e-4);
    }

    #[test]
    fn a_level_that_comes_back_makes_two_steps() {
        let level = |i| if (18..24).contains(&i) { 0.08 } else { 0.0 };
        let values: Vec<f64> = noise(40).enumerate().map(|(i, e)| e + level(i)).collect();
        assert_eq!(found(&values), [18, 24]);
    }

    #[test]
    fn repeats_make_no_step() {
        let values: Vec<f64> = noise(60).collect();
        assert_eq!(found(&values), [0_usize; 0]);
    }

    #[test]
    fn a_series_too_short_for_two_levels_has_no_step() {
        assert_eq!(found(&[]), [0_usize; 0]);
        assert_eq!(found(&[0.0, 1.0, 0.0, 1.0, 0.0]), [0_usize; 0]);
    }

    #[test]
    fn a_step_below_the_smallest_that_matters_is_none() {
        let values: Vec<f64> = (0..40).map(|i| if i < 20 { 0.0 } else { 0.015 }).collect();
        assert_eq!(found(&values), [0_usize; 0]);
        assert_eq!(steps(&values, 1e-4, 0.01).len(), 1);
    }

    #[test]
    fn a_long_series_is_searched_to_its_end() {
        let values: Vec<f64> = noise(2000).enumerate().map(|(i, e)| e + if i < 1900 { 0.0 } else { 0.1 }).collect();
        assert_eq!(found(&values).iter().filter(|at| at.abs_diff(1900) <= 2).count(), 1, "{:?}", found(&values));
    }

    proptest! {
        #[test]
        fn any_values_are_split_in_order_and_apart(values in prop::collection::vec(-3.0..3.0, 0..80)) {
            let found = found(&values);
            prop_assert!(found.windows(2).all(|pair| pair[1] - pair[0] >= SHORTEST));
            prop_assert!(found.iter().all(|at| *at >= SHORTEST && at + SHORTEST <= values.len()));
        }
    }
}
