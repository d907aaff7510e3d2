//! The times of every work on every configuration as a few hidden traits of the work times a few of the configuration.
//!
//! y[r, c] = mean + b[c] + z[r] · l[c], fitted to the cells that were measured by expectation maximisation
//! (probabilistic principal components with missing cells: Tipping & Bishop 1999).
//! What is known about works and configurations gives the traits their prior means, so that a work or a configuration
//! with few or no cells falls back on those like it.

use super::linear::{Cholesky, ridge};
use std::ops::Range;

/// Measured cells, and what is known about the rows (works) and the columns (configurations) they lie in.
pub struct Cells<'a> {
    pub row: &'a [u32],
    pub column: &'a [u32],
    pub value: &'a [f64],
    /// The model of each row: rows of one model are alike.
    pub kin: &'a [u32],
    /// rows × `row_width`, row-major, the first being 1.
    pub row_features: &'a [f64],
    pub row_width: usize,
    /// columns × `column_width`, row-major, the first being 1.
    pub column_features: &'a [f64],
    pub column_width: usize,
}

#[derive(Clone)]
pub struct Factors {
    rank: usize,
    mean: f64,
    /// rows × rank.
    pub traits: Vec<f64>,
    /// rows × rank: what is known of each row says of its traits.
    said: Vec<f64>,
    /// rows × rank × rank.
    spread: Vec<f64>,
    /// columns × (1 + rank): the offset and the loadings.
    pub loadings: Vec<f64>,
    /// Variance of a cell around the fit, for each column.
    noise: Vec<f64>,
    /// Of rows without kin, and of those with.
    row_spread: [Vec<f64>; 2],
    loading_spread: Vec<f64>,
}

/// Cells further off than a few standard deviations count less: Student's t with this many degrees of freedom.
const TAIL: f64 = 4.0;
/// A model's other rows are believed as if this many more said nothing.
const KIN_PULL: f64 = 0.3;

impl Factors {
    /// Fits `rank` traits in `rounds` rounds; `start` spares most of them.
    pub fn fit(cells: &Cells, rank: usize, rounds: usize, start: Option<&Factors>) -> Self {
        let rows = cells.row_features.len() / cells.row_width;
        let columns = cells.column_features.len() / cells.column_width;
        let mut factors = match start {
            Some(start) => start.clone(),
            None => Self::start(cells, rank, rows, columns),
        };
        let mut weight = vec![1.0; cells.value.len()];
        for round in 0..rounds {
            // The first rounds of a warm start must forget what the start knew of the cells left out now.
            factors.fit_rows(cells, &weight, rows);
            factors.fit_columns(cells, &weight, columns);
            factors.fit_noise(cells, &mut weight, columns, round);
        }
        factors.fit_rows(cells, &weight, rows);
        factors
    }

    fn start(cells: &Cells, rank: usize, rows: usize, columns: usize) -> Self {
        let count = cells.value.len().max(1) as f64;
        let mean = cells.value.iter().sum::<f64>() / count;
        let (mut of_row, mut of_column) = (vec![0.0; rows], vec![0.0; columns]);
        for _ in 0..10 {
            of_row = shrunken_means(cells.row, rows, 0.1, |at| {
                cells.value[at] - mean - of_column[cells.column[at] as usize]
            });
            of_column = shrunken_means(cells.column, columns, 1.0, |at| {
                cells.value[at] - mean - of_row[cells.row[at] as usize]
            });
        }
        let scale = (of_row.iter().map(|a| a * a).sum::<f64>() / rows.max(1) as f64).sqrt().max(1e-3);
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let mut traits = vec![0.0; rows * rank];
        let mut loadings = vec![0.0; columns * (rank + 1)];
        for row in 0..rows {
            traits[row * rank] = of_row[row] / scale;
            for k in 1..rank {
                traits[row * rank + k] = 0.3 * noise.next();
            }
        }
        for column in 0..columns {
            let own = &mut loadings[column * (rank + 1)..(column + 1) * (rank + 1)];
            own[0] = of_column[column];
            own[1] = scale;
            for loading in &mut own[2..] {
                *loading = 0.1 * noise.next();
            }
        }
        Self {
            rank,
            mean,
            traits,
            said: vec![0.0; rows * rank],
            spread: vec![0.0; rows * rank * rank],
            loadings,
            noise: vec![0.09; columns],
            row_spread: [identity(rank, 1.0), identity(rank, 0.3)],
            loading_spread: identity(rank + 1, 0.3),
        }
    }

    /// The posterior of every row's traits given its cells, then their prior given the rows' features.
    fn fit_rows(&mut self, cells: &Cells, weight: &[f64], rows: usize) {
        let rank = self.rank;
        let width = cells.row_width;
        let mut seen = vec![0.0_f64; rows];
        for row in cells.row {
            seen[*row as usize] = 1.0;
        }
        let prior = ridge(cells.row_features, width, &self.traits, rank, &seen, 1.0);
        let mut centre = vec![0.0; rows * rank];
        for row in 0..rows {
            let features = &cells.row_features[row * width..(row + 1) * width];
            for (i, x) in features.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                for k in 0..rank {
                    centre[row * rank + k] += x * prior[i * rank + k];
                }
            }
        }
        // What a model's other rows have beyond their features, each row being told by the others only.
        let models = cells.kin.iter().max().map_or(0, |most| *most as usize + 1);
        let (mut of_model, mut rows_of) = (vec![0.0; models * rank], vec![0.0; models]);
        for row in (0..rows).filter(|row| seen[*row] > 0.0) {
            let model = cells.kin[row] as usize;
            rows_of[model] += 1.0;
            for k in 0..rank {
                of_model[model * rank + k] += self.traits[row * rank + k] - centre[row * rank + k];
            }
        }
        let mut has_kin = vec![0; rows];
        self.said.clone_from(&centre);
        for row in 0..rows {
            let model = cells.kin[row] as usize;
            let others = rows_of[model] - seen[row];
            if others > 0.0 {
                has_kin[row] = 1;
                for k in 0..rank {
                    let own = seen[row] * (self.traits[row * rank + k] - self.said[row * rank + k]);
                    centre[row * rank + k] += (of_model[model * rank + k] - own) / (others + KIN_PULL);
                }
            }
        }
        let precision = [0, 1].map(|kin: usize| Cholesky::new(self.row_spread[kin].clone(), rank).inverse());
        let mut information = vec![0.0; rows * rank * rank];
        let mut score = vec![0.0; rows * rank];
        for (at, weight) in weight.iter().enumerate() {
            let (row, column) = (cells.row[at] as usize, cells.column[at] as usize);
            let own = &self.loadings[column * (rank + 1)..(column + 1) * (rank + 1)];
            let w = weight / self.noise[column];
            let rest = cells.value[at] - self.mean - own[0];
            for i in 0..rank {
                score[row * rank + i] += w * rest * own[1 + i];
                for j in 0..rank {
                    information[(row * rank + i) * rank + j] += w * own[1 + i] * own[1 + j];
                }
            }
        }
        let mut around = [vec![0.0; rank * rank], vec![0.0; rank * rank]];
        let mut counts = [0.0; 2];
        for row in 0..rows {
            let centre = &centre[row * rank..(row + 1) * rank];
            let precision = &precision[has_kin[row]];
            let mut own: Vec<f64> = information[row * rank * rank..(row + 1) * rank * rank].to_vec();
            let mut mean: Vec<f64> = score[row * rank..(row + 1) * rank].to_vec();
            for i in 0..rank {
                for j in 0..rank {
                    own[i * rank + j] += precision[i * rank + j];
                    mean[i] += precision[i * rank + j] * centre[j];
                }
            }
            let solver = Cholesky::new(own, rank);
            solver.solve(&mut mean);
            let spread = solver.inverse();
            if seen[row] > 0.0 {
                counts[has_kin[row]] += 1.0;
                for i in 0..rank {
                    for j in 0..rank {
                        around[has_kin[row]][i * rank + j] +=
                            (mean[i] - centre[i]) * (mean[j] - centre[j]) + spread[i * rank + j];
                    }
                }
            }
            self.traits[row * rank..(row + 1) * rank].copy_from_slice(&mean);
            self.spread[row * rank * rank..(row + 1) * rank * rank].copy_from_slice(&spread);
        }
        for kin in 0..2 {
            // With few rows of a kind, what was assumed at first still counts.
            let assumed = identity(rank, if kin == 0 { 1.0 } else { 0.3 });
            for i in 0..rank * rank {
                let floor = if i % (rank + 1) == 0 { 1e-4 } else { 0.0 };
                self.row_spread[kin][i] = (around[kin][i] + 2.0 * assumed[i]) / (counts[kin] + 2.0) + floor;
            }
        }
    }

    /// Offsets and loadings of every column given its cells, around what configurations like it have.
    fn fit_columns(&mut self, cells: &Cells, weight: &[f64], columns: usize) {
        let rank = self.rank;
        let size = rank + 1;
        let width = cells.column_width;
        let mut information = vec![0.0; columns * size * size];
        let mut score = vec![0.0; columns * size];
        let mut cells_of = vec![0.0; columns];
        let mut x = vec![1.0; size];
        for (at, weight) in weight.iter().enumerate() {
            let (row, column) = (cells.row[at] as usize, cells.column[at] as usize);
            cells_of[column] += 1.0;
            let w = weight / self.noise[column];
            x[1..].copy_from_slice(&self.traits[row * rank..(row + 1) * rank]);
            let spread = &self.spread[row * rank * rank..(row + 1) * rank * rank];
            let rest = cells.value[at] - self.mean;
            for i in 0..size {
                score[column * size + i] += w * rest * x[i];
                for j in 0..size {
                    let mut second = x[i] * x[j];
                    if i > 0 && j > 0 {
                        second += spread[(i - 1) * rank + j - 1];
                    }
                    information[(column * size + i) * size + j] += w * second;
                }
            }
        }
        // A column with many cells says more about columns like it than one with few.
        let trust: Vec<f64> = cells_of.iter().map(|n: &f64| n / (n + 10.0)).collect();
        let prior = ridge(cells.column_features, width, &self.loadings, size, &trust, 0.3);
        let precision = Cholesky::new(self.loading_spread.clone(), size).inverse();
        let mut around = vec![0.0; size * size];
        for column in 0..columns {
            let features = &cells.column_features[column * width..(column + 1) * width];
            let mut centre = vec![0.0; size];
            for (i, x) in features.iter().enumerate().filter(|(_, x)| **x != 0.0) {
                for k in 0..size {
                    centre[k] += x * prior[i * size + k];
                }
            }
            let mut own = information[column * size * size..(column + 1) * size * size].to_vec();
            let mut mean = score[column * size..(column + 1) * size].to_vec();
            for i in 0..size {
                for j in 0..size {
                    own[i * size + j] += precision[i * size + j];
                    mean[i] += precision[i * size + j] * centre[j];
                }
            }
            let solver = Cholesky::new(own, size);
            solver.solve(&mut mean);
            let spread = solver.inverse();
            if cells_of[column] > 0.0 {
                for i in 0..size {
                    for j in 0..size {
                        around[i * size + j] += (mean[i] - centre[i]) * (mean[j] - centre[j]) + spread[i * size + j];
                    }
                }
            }
            self.loadings[column * size..(column + 1) * size].copy_from_slice(&mean);
        }
        let count = cells_of.iter().filter(|n| **n > 0.0).count().max(1) as f64;
        for i in 0..size {
            for j in 0..size {
                let floor = if i == j { 1e-4 } else { 0.0 };
                self.loading_spread[i * size + j] = around[i * size + j] / (count + 1.0) + floor;
            }
        }
    }

    /// How far cells lie from the fit in each column, and how much each cell counts next time.
    fn fit_noise(&mut self, cells: &Cells, weight: &mut [f64], columns: usize, round: usize) {
        let mut sums = vec![0.0; columns];
        let mut counts = vec![0.0; columns];
        let mut squares = vec![0.0; cells.value.len()];
        for at in 0..cells.value.len() {
            let (row, column) = (cells.row[at], cells.column[at]);
            let rest = cells.value[at] - self.value(row, column);
            squares[at] = rest * rest + self.trait_variance(row, column);
            sums[column as usize] += weight[at] * squares[at];
            counts[column as usize] += 1.0;
        }
        let all = (sums.iter().sum::<f64>() / cells.value.len().max(1) as f64).max(1e-6);
        for column in 0..columns {
            self.noise[column] = ((sums[column] + 10.0 * all) / (counts[column] + 10.0)).max(1e-6);
        }
        if round >= 2 {
            for at in 0..cells.value.len() {
                weight[at] = (TAIL + 1.0) / (TAIL + squares[at] / self.noise[cells.column[at] as usize]);
            }
        }
    }

    /// The expected value of a cell.
    pub fn value(&self, row: u32, column: u32) -> f64 {
        self.value_with(column, self.traits[self.of_row(row)].iter().copied())
    }

    /// What a row's traits are beyond what is known of it.
    pub fn beyond(&self, row: u32) -> Vec<f64> {
        let own = self.of_row(row);
        self.traits[own.clone()].iter().zip(&self.said[own]).map(|(z, said)| z - said).collect()
    }

    /// The expected value of a cell if the row's traits were `beyond` what is known of it.
    pub fn value_beyond(&self, row: u32, column: u32, beyond: &[f64]) -> f64 {
        let said = &self.said[self.of_row(row)];
        self.value_with(column, said.iter().zip(beyond).map(|(said, beyond)| said + beyond))
    }

    /// The expected value of a cell of the column whose row has these traits.
    fn value_with(&self, column: u32, traits: impl Iterator<Item = f64>) -> f64 {
        let size = self.rank + 1;
        let own = &self.loadings[column as usize * size..(column as usize + 1) * size];
        self.mean + own[0] + own[1..].iter().zip(traits).map(|(l, z)| l * z).sum::<f64>()
    }

    /// Where the traits of a row are.
    fn of_row(&self, row: u32) -> Range<usize> {
        row as usize * self.rank..(row as usize + 1) * self.rank
    }

    fn trait_variance(&self, row: u32, column: u32) -> f64 {
        let rank = self.rank;
        let own = &self.loadings[column as usize * (rank + 1) + 1..(column as usize + 1) * (rank + 1)];
        let spread = &self.spread[row as usize * rank * rank..(row as usize + 1) * rank * rank];
        let mut sum = 0.0;
        for i in 0..rank {
            for j in 0..rank {
                sum += own[i] * spread[i * rank + j] * own[j];
            }
        }
        sum.max(0.0)
    }

    /// The variance of a cell around its expected value.
    pub fn variance(&self, row: u32, column: u32) -> f64 {
        self.trait_variance(row, column) + self.noise[column as usize]
    }

    pub fn rank(&self) -> usize {
        self.rank
    }
}

fn shrunken_means(groups: &[u32], count: usize, pull: f64, value: impl Fn(usize) -> f64) -> Vec<f64> {
    let (mut sums, mut counts) = (vec![0.0; count], vec![pull; count]);
    for (at, group) in groups.iter().enumerate() {
        sums[*group as usize] += value(at);
        counts[*group as usize] += 1.0;
    }
    sums.iter().zip(&counts).map(|(sum, n)| sum / n).collect()
}

fn identity(size: usize, value: f64) -> Vec<f64> {
    let mut matrix = vec![0.0; size * size];
    for i in 0..size {
        matrix[i * size + i] = value;
    }
    matrix
}

/// Evenly spread values of unit variance, always the same: the start needs only to be unequal.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 12f64.sqrt()
    }
}
