//! What boosting sees of a cell: the fits' answers and how they came about, never the cell's own value.

use super::{
    boost::Features,
    echo,
    factors::{Cells, Factors},
    frame::Frame,
    keying::Keying,
    relatives,
};
use rayon::prelude::*;
use std::collections::HashMap;

/// One layout with one number of traits.
pub struct Basis {
    pub keying: usize,
    pub rank: usize,
}

/// All bases fitted to some of the known rows, and where those leave them.
pub struct Fit {
    factors: Vec<Factors>,
    /// Rows fitted to, in each column of the first layout.
    in_column: Vec<u32>,
    /// Rows fitted to, in each row of the first layout.
    in_row: Vec<u32>,
    /// Their mean logarithm of batch.
    batch: Vec<f64>,
    /// Sum and count of what is left, by model and hardware.
    of_pair: HashMap<(u32, u32), (f64, f64)>,
    of_cell: HashMap<(u32, u32), (f64, f64)>,
    /// The same of values, by work, configuration and batch.
    at_batch: HashMap<(u32, u32, u64), (f64, f64)>,
    models_on: Vec<u32>,
}

impl Fit {
    pub fn new(
        frame: &Frame,
        keyings: &[Keying],
        bases: &[Basis],
        values: &[f64],
        train: &[usize],
        rounds: usize,
        start: Option<&Fit>,
    ) -> Self {
        let factors: Vec<Factors> = bases
            .par_iter()
            .enumerate()
            .map(|(at, basis)| {
                let keying = &keyings[basis.keying];
                let pick = |ids: &[u32]| -> Vec<u32> { train.iter().map(|row| ids[*row]).collect() };
                let value: Vec<f64> = train.iter().map(|row| values[*row]).collect();
                let (row, column) = (pick(&keying.row), pick(&keying.column));
                let cells = Cells {
                    row: &row,
                    column: &column,
                    value: &value,
                    kin: &keying.kin,
                    row_features: &keying.row_features,
                    row_width: keying.row_width,
                    column_features: &keying.column_features,
                    column_width: keying.column_width,
                };
                Factors::fit(&cells, basis.rank, rounds, start.map(|start| &start.factors[at]))
            })
            .collect();
        let first = &keyings[bases[0].keying];
        let columns = first.column_features.len() / first.column_width;
        let rows = first.row_features.len() / first.row_width;
        let mut in_column = vec![0; columns];
        let mut in_row = vec![0; rows];
        let (mut batch, mut batches) = (vec![0.0; rows], vec![0.0; rows]);
        let (mut of_pair, mut of_cell) = (HashMap::new(), HashMap::new());
        let mut at_batch: HashMap<_, (f64, f64)> = HashMap::new();
        let mut pairs = std::collections::HashSet::new();
        let mut models_on = vec![0; frame.hardware.count];
        for &at in train {
            let (row, column) = (first.row[at], first.column[at]);
            in_column[column as usize] += 1;
            let rest = values[at] - factors[0].value(row, column);
            in_row[row as usize] += 1;
            if frame.batch[at].is_finite() {
                batch[row as usize] += frame.batch[at];
                batches[row as usize] += 1.0;
            }
            let sum = at_batch.entry((row, column, frame.batch[at].to_bits())).or_default();
            *sum = (sum.0 + values[at], sum.1 + 1.0);
            let pair = (frame.model.id[at], frame.hardware.id[at]);
            if pairs.insert(pair) {
                models_on[pair.1 as usize] += 1;
            }
            for (sums, key) in [(&mut of_pair, pair), (&mut of_cell, (row, column))] {
                let sum: &mut (f64, f64) = sums.entry(key).or_default();
                sum.0 += rest;
                sum.1 += 1.0;
            }
        }
        for (sum, count) in batch.iter_mut().zip(&batches) {
            *sum /= count;
        }
        Self { factors, in_column, in_row, batch, of_pair, of_cell, at_batch, models_on }
    }

    /// Every basis' answer for a row.
    pub fn answers(&self, keyings: &[Keying], bases: &[Basis], at: usize) -> Vec<f64> {
        self.factors
            .iter()
            .zip(bases)
            .map(|(factors, basis)| factors.value(keyings[basis.keying].row[at], keyings[basis.keying].column[at]))
            .collect()
    }

    /// Appends the features of one row; `centre` is the stacked answer that the target is measured from.
    pub fn describe(
        &self,
        frame: &Frame,
        keyings: &[Keying],
        bases: &[Basis],
        at: usize,
        centre: f64,
        into: &mut Vec<f32>,
    ) {
        let first = &keyings[bases[0].keying];
        let (row, column) = (first.row[at], first.column[at]);
        let own = &self.factors[0];
        let answers = self.answers(keyings, bases, at);
        for (answer, (factors, basis)) in answers.iter().zip(self.factors.iter().zip(bases)) {
            into.push((answer - centre) as f32);
            let keying = &keyings[basis.keying];
            into.push(factors.variance(keying.row[at], keying.column[at]).ln() as f32);
        }
        into.push(centre as f32);
        let rank = own.rank();
        into.extend(own.traits[row as usize * rank..][..rank.min(4)].iter().map(|z| *z as f32));
        into.extend(own.loadings[column as usize * (rank + 1)..][..(rank + 1).min(4)].iter().map(|l| *l as f32));
        into.extend(frame.numbers().iter().map(|values| values[at] as f32));
        into.push((frame.macs[at] - frame.activations[at]) as f32);
        into.push((frame.parameters[at] - frame.macs[at]) as f32);
        into.push((frame.batch[at] - self.batch[row as usize]) as f32);
        for names in [&frame.hardware, &frame.runtime, &frame.precision, &frame.mode, &frame.software, &frame.family] {
            into.push(names.id[at] as f32);
        }
        into.push(self.in_row[row as usize] as f32);
        into.push(self.in_column[column as usize] as f32);
        into.push(self.models_on[frame.hardware.id[at] as usize] as f32);
        let mean = |sums: &HashMap<(u32, u32), (f64, f64)>, key| {
            sums.get(&key).map_or(f32::NAN, |(sum, count)| (sum / count) as f32)
        };
        into.push(mean(&self.of_pair, (frame.model.id[at], frame.hardware.id[at])));
        into.push(mean(&self.of_cell, (row, column)));
    }

    /// What a work takes in a configuration of the first layout: as measured at this batch, else at any, else as expected.
    pub fn taken(&self, row: u32, column: u32, batch: f64) -> f64 {
        let at_batch = self.at_batch.get(&(row, column, batch.to_bits())).map(|(sum, count)| sum / count);
        at_batch.unwrap_or_else(|| {
            let rest = self.of_cell.get(&(row, column)).map_or(0.0, |(sum, count)| sum / count);
            self.first(row, column) + rest
        })
    }

    /// The first basis' value of a cell.
    pub fn first(&self, row: u32, column: u32) -> f64 {
        self.factors[0].value(row, column)
    }

    /// What the first basis' traits of a work are beyond what is known of it.
    pub fn beyond(&self, row: u32) -> Vec<f64> {
        self.factors[0].beyond(row)
    }

    /// The first basis' value of a cell if the work's traits were `beyond` what is known of it.
    pub fn of_traits(&self, row: u32, column: u32, beyond: &[f64]) -> f64 {
        self.factors[0].value_beyond(row, column, beyond)
    }

    /// How many traits the first basis has.
    pub fn rank(&self) -> usize {
        self.factors[0].rank()
    }

    /// The traits of a row's work in the first basis.
    pub fn traits(&self, keyings: &[Keying], bases: &[Basis], at: usize) -> &[f64] {
        let row = keyings[bases[0].keying].row[at] as usize;
        let rank = self.factors[0].rank();
        &self.factors[0].traits[row * rank..(row + 1) * rank]
    }
}

/// Answers beside those of the bases, of which boosting sees how far they are from the stacked one.
pub const MOST_BESIDE: usize = relatives::WAYS;

/// An empty table of features for these bases.
pub fn features(bases: &[Basis]) -> Features {
    let rank = bases[0].rank;
    Features::new(
        2 * bases.len() + 1 + rank.min(4) + (rank + 1).min(4) + 7 + 3 + 6 + 3 + 2 + echo::WIDTH + 1 + MOST_BESIDE,
    )
}
