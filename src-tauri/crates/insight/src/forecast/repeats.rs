//! How far results of one and the same thing lie apart: what a single one leaves open.

use super::{duplicates::without_copies, frame::Frame, middle::middle_variance};
use crate::table::Measurement;
use std::collections::BTreeMap;

/// Where too little was measured again to tell. Edge devices in a lab repeat themselves within 1.2 % (the middle one of
/// 80,500 pairs, Qualcomm AI Hub Models); a machine that people work on does so less well.
const USUAL: f64 = 0.03;
const LEAST_PAIRS: usize = 10;
/// No machine repeats itself better than this, however its times are rounded.
const LEAST: f64 = 0.005;

/// The standard deviation of one result's logarithm around what its setting takes, told by the middle one of the
/// differences between a result and the next one of the same.
pub fn repeat_deviation(rows: &[&Measurement]) -> f64 {
    let (rows, _) = without_copies(rows);
    let cells = Frame::new(&rows, &[]).cell;
    let mut of_cell: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (row, cell) in rows.iter().zip(cells) {
        of_cell.entry(cell).or_default().extend(row.latency_ms.filter(|ms| *ms > 0.0).map(f64::ln));
    }
    // The difference of two results varies twice as much as one of them.
    let halved = |pair: &[f64]| (pair[1] - pair[0]).powi(2) / 2.0;
    let mut squares: Vec<f64> = of_cell.values().flat_map(|logs| logs.windows(2).map(halved)).collect();
    if squares.len() < LEAST_PAIRS { USUAL } else { middle_variance(&mut squares).sqrt().max(LEAST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many settings, each measured twice, the second time this much slower.
    fn twice(settings: usize, slower: f64) -> Vec<Measurement> {
        let row = |at: usize, latency_ms| Measurement {
            model: format!("m{at}"),
            hardware: "h".into(),
            latency_ms: Some(latency_ms),
            ..Measurement::default()
        };
        (0..settings).flat_map(|at| [row(at, 10.0), row(at, 10.0 * slower)]).collect()
    }

    #[test]
    fn repeats_tell_their_spread_and_without_any_the_usual_one_stands() {
        let of = |rows: &[Measurement]| repeat_deviation(&rows.iter().collect::<Vec<_>>());
        assert_eq!(of(&twice(9, 1.2)), USUAL, "too few");
        let found = of(&twice(40, 1.2));
        let wild: Vec<Measurement> = twice(40, 1.2).into_iter().chain(twice(6, 50.0)).collect();
        assert!((0.15..0.25).contains(&found), "{found}");
        assert!((of(&wild) - found).abs() < 1e-9, "a few wild ones do not move it");
        assert_eq!(of(&twice(40, 1.0001)), LEAST);
        assert_eq!(of(&twice(40, 1.0)), USUAL, "copies are no repeats");
    }
}
