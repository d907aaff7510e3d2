//! E-divisive: the split of a stretch into two whose energy distance is the largest.
//!
//! Source: Matteson and James 2014, "A nonparametric approach for multiple change point analysis of multivariate data",
//! with exponent 1. Sums of distances over any two stretches come from one table of prefix sums, so that a split of n
//! points costs O(n²) in all.

use std::ops::Range;

/// |x_i − x_j| summed over rectangles.
pub struct Distances {
    /// Row-major, (n + 1) × (n + 1): the sum over all i below the row and j below the column.
    sums: Vec<f64>,
    side: usize,
}

impl Distances {
    pub fn new(values: &[f64]) -> Self {
        let side = values.len() + 1;
        let mut sums = vec![0.0; side * side];
        for (i, a) in values.iter().enumerate() {
            let (above, row) = sums[i * side..].split_at_mut(side);
            let mut sum = 0.0;
            for (j, b) in values.iter().enumerate() {
                sum += (a - b).abs();
                row[j + 1] = above[j + 1] + sum;
            }
        }
        Self { sums, side }
    }

    fn sum(&self, a: &Range<usize>, b: &Range<usize>) -> f64 {
        let at = |i: usize, j: usize| self.sums[i * self.side + j];
        at(a.end, b.end) - at(a.start, b.end) - at(a.end, b.start) + at(a.start, b.start)
    }

    /// Scaled energy distance of two stretches: nm / (n + m) · (2 E|X − Y| − E|X − X′| − E|Y − Y′|).
    fn energy(&self, a: &Range<usize>, b: &Range<usize>) -> f64 {
        let (n, m) = (a.len() as f64, b.len() as f64);
        let within = |stretch: &Range<usize>, n: f64| self.sum(stretch, stretch) / (n * (n - 1.0));
        n * m / (n + m) * (2.0 * self.sum(a, b) / (n * m) - within(a, n) - within(b, m))
    }

    /// The point that splits the stretch best. The second half may end before the stretch does, so that a level which
    /// comes back is not averaged away. None where the stretch is shorter than two of the shortest.
    pub fn best_split(&self, stretch: &Range<usize>, shortest: usize) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for split in stretch.start + shortest..=stretch.end.saturating_sub(shortest) {
            for end in split + shortest..=stretch.end {
                let energy = self.energy(&(stretch.start..split), &(split..end));
                if best.is_none_or(|(largest, _)| energy > largest) {
                    best = Some((energy, split));
                }
            }
        }
        best.map(|(_, split)| split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_is_split_where_it_is() {
        let values: Vec<f64> = (0..20).map(|i| if i < 7 { 1.0 } else { 2.0 } + f64::from(i % 3) * 0.01).collect();
        assert_eq!(Distances::new(&values).best_split(&(0..20), 3), Some(7));
    }

    #[test]
    fn a_level_that_comes_back_is_split_at_an_edge() {
        let values: Vec<f64> = (0..40).map(|i| if (18..22).contains(&i) { 2.0 } else { 1.0 }).collect();
        let split = Distances::new(&values).best_split(&(0..40), 3);
        assert!(matches!(split, Some(18 | 22)), "{split:?}");
    }

    #[test]
    fn a_short_stretch_is_not_split() {
        assert_eq!(Distances::new(&[1.0, 2.0, 3.0, 4.0, 5.0]).best_split(&(0..5), 3), None);
    }

    proptest! {
        #[test]
        fn the_table_gives_the_sums_of_the_definition(values in prop::collection::vec(-5.0..5.0, 8..20), cut in 2_usize..6) {
            let (a, b) = (0..cut, cut..values.len());
            let direct: f64 = values[a.clone()].iter().flat_map(|x| values[b.clone()].iter().map(move |y| f64::abs(x - y))).sum();
            prop_assert!((Distances::new(&values).sum(&a, &b) - direct).abs() < 1e-9);
        }
    }
}
