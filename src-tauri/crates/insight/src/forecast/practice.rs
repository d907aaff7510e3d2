//! From stacked answers to corrected ones with an interval, as far as practice bears it out.

use super::{
    boost::{Booster, Features, Trees},
    conformal,
    learn::Answer,
    stack::best_share,
};
use rayon::prelude::*;

/// Rows whose answer is known, asked as the folds ask them.
pub struct Practice {
    pub fold: Vec<usize>,
    /// Rows whose errors are alike, such as those of one model where the model is unknown.
    pub group: Vec<usize>,
    /// Whether the scale of errors may mislead, as where it is learned on other models than those asked.
    pub doubtful_scale: bool,
    pub truth: Vec<f64>,
    pub centre: Vec<f64>,
    pub features: Features,
}

/// Practice errors beyond this say that a row is odd, not how far to correct.
const MOST_CORRECTION: f64 = 0.7;

impl Practice {
    /// Answers questions whose stacked answers are `centre`.
    pub fn answer(&self, question: &Features, centre: &[f64]) -> Vec<Answer> {
        let trees = Trees { rounds: 100, depth: 6, rate: 0.1, least_in_leaf: 5, clip: 0.2 };
        let uncorrected: Vec<f64> = self.truth.iter().zip(&self.centre).map(|(y, c)| y - c).collect();
        let target: Vec<f64> = uncorrected.iter().map(|e| e.clamp(-MOST_CORRECTION, MOST_CORRECTION)).collect();
        let fold_count = self.fold.iter().max().map_or(0, |f| f + 1);
        let groups = fold_count.min(3);
        // Corrections of the practice rows by trees that did not see them.
        let (corrected, asked_correction) = cross_fitted(&trees, self, question, &target, groups);
        // How much of the correction helps, learned where it was not fitted.
        let share = best_share(&uncorrected, &corrected);
        let error: Vec<f64> = uncorrected.iter().zip(&corrected).map(|(e, c)| e - share * c).collect();
        let (local, asked_local) = local_scale(self, question, &error);
        let (power, quantile) = self.width(&error, &local);
        centre
            .iter()
            .zip(&asked_correction)
            .zip(asked_local)
            .map(|((centre, correction), local)| Answer {
                value: centre + share * correction,
                half_width: quantile * local.powf(power),
                checked: true,
            })
            .collect()
    }

    /// The power of the local scale, and what to multiply it by, that cover with the least middle width: where errors
    /// are not as the scale foretells, one row far out would widen all intervals.
    fn width(&self, error: &[f64], local: &[f64]) -> (f64, f64) {
        let mean_log = local.iter().map(|scale| scale.ln()).sum::<f64>() / local.len().max(1) as f64;
        let of_power = |power: f64| {
            let scores: Vec<f64> = error.iter().zip(local).map(|(e, s)| e.abs() / s.powf(power)).collect();
            (power, conformal::quantile(&scores, &self.group))
        };
        let log_width = |(power, quantile): &(f64, f64)| quantile.ln() + power * mean_log;
        let powers = if self.doubtful_scale { &POWERS[..] } else { &POWERS[2..] };
        let widths = powers.iter().map(|power| of_power(*power));
        widths.min_by(|a, b| log_width(a).total_cmp(&log_width(b))).expect("there are powers")
    }
}

/// How far the local scale is believed; wholly where it is not in doubt.
const POWERS: [f64; 3] = [0.0, 0.5, 1.0];

/// How large errors are about each practice row and each question.
fn local_scale(practice: &Practice, question: &Features, error: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let trees = Trees { rounds: 60, depth: 4, rate: 0.08, least_in_leaf: 20, clip: f64::INFINITY };
    let target: Vec<f64> = error.iter().map(|e| (e.abs() + 0.01).ln()).collect();
    let (local, asked) = cross_fitted(&trees, practice, question, &target, 2);
    let scale = |log: &f64| log.exp() + 0.005;
    (local.iter().map(scale).collect(), asked.iter().map(scale).collect())
}

/// `target` as the trees predict it: of the practice rows, each from the groups of folds that it is not in, and of the
/// questions, the mean over the groups. Zeros where there is too little to learn from.
fn cross_fitted(
    trees: &Trees,
    practice: &Practice,
    question: &Features,
    target: &[f64],
    groups: usize,
) -> (Vec<f64>, Vec<f64>) {
    let of_group = |group: usize| -> (Vec<usize>, Vec<f64>, Vec<f64>) {
        let (train, held): (Vec<usize>, Vec<usize>) =
            (0..target.len()).partition(|row| practice.fold[*row] % groups != group);
        let own: Vec<f64> = train.iter().map(|row| target[*row]).collect();
        let learned = if groups < 2 { None } else { trees.learn(&practice.features.selected(&train), &own) };
        let predict = |features: &Features| {
            learned.as_ref().map_or_else(|| vec![0.0; features.rows()], |learned| learned.predict(features))
        };
        let of_held = predict(&practice.features.selected(&held));
        (held, of_held, predict(question))
    };
    let parts: Vec<_> = (0..groups).into_par_iter().map(of_group).collect();
    let mut fitted = vec![0.0; target.len()];
    let mut asked = vec![0.0; question.rows()];
    for (held, of_held, of_asked) in &parts {
        held.iter().zip(of_held).for_each(|(row, value)| fitted[*row] = *value);
        asked.iter_mut().zip(of_asked).for_each(|(sum, value)| *sum += value / groups as f64);
    }
    (fitted, asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn practice(rows: usize) -> Practice {
        Practice {
            fold: (0..rows).map(|row| row % 2).collect(),
            group: (0..rows).collect(),
            doubtful_scale: true,
            truth: vec![0.0; rows],
            centre: vec![0.0; rows],
            features: Features::new(1),
        }
    }

    #[test]
    fn a_scale_that_foretells_errors_is_believed_and_one_that_misleads_is_not() {
        let noise = |row: usize| 0.5 + (row * 7 % 100) as f64 / 100.0;
        let scale = |row: usize| if row.is_multiple_of(2) { 0.01 } else { 0.2 };
        let local: Vec<f64> = (0..400).map(scale).collect();
        let as_foretold: Vec<f64> = (0..400).map(|row| scale(row) * noise(row)).collect();
        assert_eq!(practice(400).width(&as_foretold, &local).0, 1.0);
        let the_other_way: Vec<f64> = (0..400).map(|row| scale(row + 1) * noise(row)).collect();
        assert_eq!(practice(400).width(&the_other_way, &local).0, 0.0);
    }
}
