//! What a hardware that is hardly known would take: its few measured works, seen beside their times on other hardware.
//!
//! Two views of them, a Gaussian process and sums, are mixed by how well each tells the works of a model from those of the
//! others.

mod process;

use super::{
    elsewhere::Elsewhere,
    stack::wrong,
    sums::{Sums, Terms},
    support::scattered,
};
use process::Process;
use std::collections::BTreeMap;

/// The fits to one hardware.
pub struct Transfer<'a> {
    elsewhere: &'a Elsewhere<'a>,
    process: Process,
    terms: Terms<'a>,
    sums: Sums,
    /// What the sums weigh beside the process.
    share: f64,
}

/// Rows beyond this add more time than knowledge.
const MOST_ROWS: usize = 160;
/// How much a model told right speaks for a share.
const SHARPNESS: f64 = 5.0;

impl<'a> Transfer<'a> {
    /// From the hardware's `own` rows among the rows `train`.
    pub fn new(elsewhere: &'a Elsewhere, values: &[f64], train: &[usize], mut own: Vec<usize>) -> Self {
        let frame = elsewhere.frame;
        own.sort_by_key(|at| (scattered(*at as u64), *at));
        own.truncate(MOST_ROWS);
        let mut models: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, at) in own.iter().enumerate() {
            models.entry(frame.model.id[*at]).or_default().push(place);
        }
        let models: Vec<Vec<usize>> = models.into_values().collect();
        let (process, process_off) = Process::new(elsewhere, values, train, &own, &models);
        let terms = Terms::new(elsewhere, &own);
        let summed = terms.of(own);
        let places: Vec<usize> = (0..summed.rows.len()).collect();
        let mut sums_off = vec![0.0; places.len()];
        for left_out in &models {
            let chosen: Vec<usize> = places.iter().copied().filter(|place| !left_out.contains(place)).collect();
            let sums = Sums::new(elsewhere, values, &summed, &chosen);
            for place in left_out {
                sums_off[*place] = values[summed.rows[*place]] - sums.answer(elsewhere, &summed, *place);
            }
        }
        let share = share(&process_off, &sums_off, &models);
        let sums = Sums::new(elsewhere, values, &summed, &places);
        Self { elsewhere, process, terms, sums, share }
    }

    /// The expected values of rows on this hardware.
    pub fn answers(&self, asked: Vec<usize>) -> Vec<f64> {
        let summed = self.terms.of(asked);
        let answer = |(place, at): (usize, &usize)| {
            let process = self.process.answer(self.elsewhere, *at);
            process + self.share * (self.sums.answer(self.elsewhere, &summed, place) - process)
        };
        summed.rows.iter().enumerate().map(answer).collect()
    }
}

/// The second view's share: the mean of all, weighed by the models that each tells right.
fn share(first: &[f64], second: &[f64], models: &[Vec<usize>]) -> f64 {
    let wrong = |share: f64| -> f64 {
        let of_row = |row: &usize| wrong(first[*row] + share * (second[*row] - first[*row]));
        models.iter().map(|own| own.iter().map(of_row).sum::<f64>() / own.len() as f64).sum()
    };
    let shares: Vec<(f64, f64)> =
        (0..=10).map(|step| f64::from(step) / 10.0).map(|share| (share, wrong(share))).collect();
    let least = shares.iter().map(|(_, wrong)| *wrong).fold(f64::INFINITY, f64::min);
    let weights = shares.iter().map(|(share, wrong)| (share, (SHARPNESS * (least - wrong)).exp()));
    let (sum, all) = weights.fold((0.0, 0.0), |(sum, all), (share, weight)| (sum + share * weight, all + weight));
    sum / all
}
