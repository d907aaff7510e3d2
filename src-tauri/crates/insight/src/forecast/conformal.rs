//! How wide an interval must be, from errors on rows asked the same way (split conformal prediction, Lei et al. 2018).

use std::collections::BTreeMap;

/// Somewhat more than the 90 % promised: the rows that set the width have helped to choose the answer too.
const COVERED: f64 = 0.91;
/// With few groups the largest error of all would be asked for, which says nothing.
const MOST_COVERED: f64 = 0.95;

/// The score that a new row stays below with the chance promised.
///
/// A question belongs to a group that was not practised on (an unknown model, an unknown hardware), so groups weigh the
/// same, and as one of G + 1 groups its own may be the worst: the level rises by (G + 1) / G (hierarchical conformal
/// prediction, Lee, Barber and Willett 2023). Where each row is its own group, this is the usual split conformal.
pub fn quantile(scores: &[f64], group: &[usize]) -> f64 {
    let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
    for group in group {
        *sizes.entry(*group).or_default() += 1.0;
    }
    let groups = sizes.len() as f64;
    let level = (COVERED * (groups + 1.0) / groups).min(MOST_COVERED);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut below = 0.0;
    for row in &order {
        below += 1.0 / (groups * sizes[&group[*row]]);
        if below >= level - 1e-12 {
            return scores[*row];
        }
    }
    order.last().map_or(0.0, |row| scores[*row])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_alone_give_the_usual_quantile() {
        let scores: Vec<f64> = (1..=1000).map(f64::from).collect();
        let rows: Vec<usize> = (0..1000).collect();
        assert_eq!(quantile(&scores, &rows), 911.0);
    }

    #[test]
    fn a_group_of_many_rows_weighs_as_one_of_few() {
        let scores: Vec<f64> = (0..1000).map(|row| if row < 980 { 1.0 } else { 5.0 }).collect();
        let group: Vec<usize> = (0..1000).map(|row| if row < 980 { 0 } else { 1 + row % 20 }).collect();
        assert_eq!(quantile(&scores, &group), 5.0);
    }

    #[test]
    fn few_groups_widen() {
        let scores: Vec<f64> = (0..400).map(|row| f64::from(row % 100)).collect();
        let groups = |count: usize| (0..400).map(|row| row % count).collect::<Vec<_>>();
        assert!(quantile(&scores, &groups(4)) > quantile(&scores, &groups(400)));
    }
}
