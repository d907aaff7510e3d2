//! What each of several answers weighs, learned where they can be checked.

use super::Support;
use std::collections::BTreeMap;

/// Weights of answers, of sum 1.
pub struct Stack {
    weights: Vec<f64>,
    /// Where a hardware has rows enough to say so, its own.
    of_hardware: BTreeMap<u32, Vec<f64>>,
}

/// Rows answered in several ways, with the truth.
pub struct Checked<'a> {
    pub answers: &'a [Vec<f64>],
    pub truth: &'a [f64],
    pub hardware: &'a [u32],
    /// Rows of each fold, one after the other.
    pub counts: &'a [usize],
}

/// What all hardware says counts as so many rows beside those of one.
const PULL: f64 = 300.0;
/// Practice on few pieces of hardware says little about the next one; what is told of it from elsewhere, which stands
/// last, is favoured as if this many more had spoken for it.
const SPEAKING_FOR_TRANSFER: f64 = 6.0;
/// Errors beyond this say that an answer does not fit, not how badly.
const WRONG: f64 = 0.15;

impl Stack {
    pub fn new(support: Support, checked: &Checked) -> Self {
        let Checked { answers, truth, hardware, counts } = checked;
        let mut weights = weights(answers, truth, counts);
        let mut of_hardware = BTreeMap::new();
        match support {
            Support::FewOnHardware => favour_last(&mut weights, counts.len()),
            Support::Setting | Support::Combination => {
                let mut rows: BTreeMap<u32, (Vec<Vec<f64>>, Vec<f64>)> = BTreeMap::new();
                for ((answers, truth), hardware) in answers.iter().zip(*truth).zip(*hardware) {
                    let own = rows.entry(*hardware).or_default();
                    own.0.push(answers.clone());
                    own.1.push(*truth);
                }
                for (hardware, (answers, truth)) in rows {
                    let n = truth.len() as f64;
                    let own = self::weights(&answers, &truth, &[truth.len()]);
                    let pulled = own.iter().zip(&weights).map(|(own, all)| (n * own + PULL * all) / (n + PULL));
                    of_hardware.insert(hardware, pulled.collect());
                }
            }
            Support::NewModel | Support::NewHardware | Support::Nothing => {}
        }
        Self { weights, of_hardware }
    }

    pub fn value(&self, hardware: u32, answers: &[f64]) -> f64 {
        let weights = self.of_hardware.get(&hardware).unwrap_or(&self.weights);
        answers.iter().zip(weights).map(|(answer, weight)| answer * weight).sum()
    }
}

/// How wrong an error is, between 0 and 1.
pub fn wrong(error: f64) -> f64 {
    error.abs() / (error.abs() + WRONG)
}

/// The share of the corrections that leaves the least wrong, in tenths.
pub fn best_share(errors: &[f64], corrections: &[f64]) -> f64 {
    let left = |share: f64| -> f64 {
        errors.iter().zip(corrections).map(|(error, correction)| wrong(error - share * correction)).sum()
    };
    let shares = (0..=10).map(|step| f64::from(step) / 10.0);
    shares.min_by(|a, b| left(*a).total_cmp(&left(*b))).expect("there are shares")
}

/// Non-negative weights of sum 1 with about the least absolute error over the practice rows; folds of `counts` rows, one
/// after the other, weigh the same.
fn weights(answers: &[Vec<f64>], truth: &[f64], counts: &[usize]) -> Vec<f64> {
    let count = answers.first().map_or(1, Vec::len);
    let mut weights = vec![1.0 / count as f64; count];
    let share: Vec<f64> = counts.iter().flat_map(|rows| vec![1.0 / (rows * counts.len()) as f64; *rows]).collect();
    // Iteratively reweighted least squares by multiplicative steps keeps the weights non-negative.
    for _ in 0..60 {
        let mut gain = vec![0.0; count];
        for ((answer, truth), share) in answers.iter().zip(truth).zip(&share) {
            let rest = truth - answer.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>();
            let mean = answer.iter().sum::<f64>() / count as f64;
            let step = share * rest / (rest.abs() + 0.05);
            for (gain, a) in gain.iter_mut().zip(answer.iter()) {
                *gain += step * (a - mean);
            }
        }
        for (weight, gain) in weights.iter_mut().zip(&gain) {
            *weight *= (20.0 * gain).clamp(-0.5, 0.5).exp();
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

fn favour_last(weights: &mut [f64], spoken: usize) {
    let share = spoken as f64 / (spoken as f64 + SPEAKING_FOR_TRANSFER);
    weights.iter_mut().for_each(|weight| *weight *= share);
    if let Some(last) = weights.last_mut() {
        *last += 1.0 - share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_of_many_rows_has_weights_of_its_own() {
        // The first answer is right on hardware 0, the second on hardware 1.
        let rows = 4000_u32;
        let hardware: Vec<u32> = (0..rows).map(|row| row % 2).collect();
        let off = |row: u32| f64::from(row % 5) / 4.0 - 0.5;
        let answers: Vec<Vec<f64>> =
            (0..rows).map(|row| if row % 2 == 0 { vec![0.0, off(row)] } else { vec![off(row), 0.0] }).collect();
        let truth = vec![0.0; rows as usize];
        let checked = Checked { answers: &answers, truth: &truth, hardware: &hardware, counts: &[rows as usize] };
        let weight = |support: Support, of: u32| Stack::new(support, &checked).value(of, &[1.0, 0.0]);
        assert!(weight(Support::Combination, 0) > 0.8 && weight(Support::Combination, 1) < 0.2);
        assert!((weight(Support::NewModel, 0) - 0.5).abs() < 0.05);
    }

    #[test]
    fn of_a_correction_twice_too_large_half_is_taken() {
        assert_eq!(best_share(&[0.1, -0.2, 0.3], &[0.2, -0.4, 0.6]), 0.5);
        assert_eq!(best_share(&[0.1, -0.2, 0.3], &[-0.2, 0.4, -0.6]), 0.0);
    }
}
