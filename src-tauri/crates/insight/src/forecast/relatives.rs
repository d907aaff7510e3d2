//! What models alike in name take: the best there is to say of a model whose costs are not known.

use super::{describe::Fit, frame::Frame, keying::Keying, kin::Kin};
use std::collections::HashMap;

/// The works of the known models.
pub struct Relatives<'a> {
    kin: &'a Kin,
    /// Of each model: its works, each with the bits of its size.
    works: HashMap<u32, Vec<(u32, u64)>>,
}

/// How much more the most alike weigh.
const SHARPNESS: i32 = 3;
/// What the fit says of a model like any other weighs as much as a relative of this weight.
const PULL: f64 = 0.02;

impl<'a> Relatives<'a> {
    pub fn new(frame: &Frame, keying: &Keying, kin: &'a Kin, train: &[usize]) -> Self {
        let mut works: HashMap<u32, Vec<(u32, u64)>> = HashMap::new();
        for at in train {
            let own = works.entry(frame.model.id[*at]).or_default();
            let work = (keying.row[*at], frame.size[*at].to_bits());
            if !own.contains(&work) {
                own.push(work);
            }
        }
        Self { kin, works }
    }

    /// The mean of what relatives take in the row's configuration, at its size where they were measured at it; `usual`
    /// where there are none.
    pub fn answer(&self, frame: &Frame, keying: &Keying, fit: &Fit, at: usize, usual: f64) -> f64 {
        let (column, size) = (keying.column[at], frame.size[at].to_bits());
        let (mut sum, mut weights) = (PULL * usual, PULL);
        for (relative, likeness) in self.kin.of(frame.model.id[at]) {
            let Some(works) = self.works.get(relative) else { continue };
            let of_size = |sized: bool| works.iter().filter(move |(_, own)| !sized || *own == size);
            let sized = of_size(true).next().is_some();
            let values: Vec<f64> = of_size(sized).map(|(row, _)| fit.first(*row, column)).collect();
            let weight = likeness.powi(SHARPNESS);
            sum += weight * values.iter().sum::<f64>() / values.len() as f64;
            weights += weight;
        }
        sum / weights
    }
}
