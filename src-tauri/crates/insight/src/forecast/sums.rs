//! Times on one hardware as sums: of shares of the times on other hardware, of what a work costs, and of an overhead.
//!
//! The roofline's terms with whole machines beside the costs: what limits a work on one of them limits it on machines
//! like it. Shares are not negative, so that a sum holds far from where it was fitted, and they are fitted to logarithms
//! with Student's t, by least squares reweighted.

use super::{
    elsewhere::Elsewhere,
    frame::{Frame, Setting},
    linear::non_negative,
    middle::middle_variance,
};
use std::collections::{BTreeMap, HashMap};

/// The terms of the sums of one hardware.
pub struct Terms<'a> {
    elsewhere: &'a Elsewhere<'a>,
    /// Mean logarithm of each cost on the hardware; `None` where it does not vary.
    usual: [Option<f64>; 3],
}

/// What each term weighs.
pub struct Sums {
    pooled: Vec<f64>,
    of_setting: HashMap<Setting, Vec<f64>>,
    of_column: HashMap<u32, Vec<f64>>,
}

/// Rows of one hardware with their terms.
pub struct Summed {
    pub rows: Vec<usize>,
    terms: Vec<f64>,
    width: usize,
}

/// What is known before, in rows: of shares at all, of a setting's beside those of the hardware, and of a column's beside
/// those of the setting, where columns differ in version only.
const PULL: f64 = 0.02;
const SETTING_PULL: f64 = 0.2;
const COLUMN_PULL: f64 = 3.0;
const REWEIGHTINGS: usize = 6;
const TAIL: f64 = 4.0;
/// Of a share's sum beside the time, so that its logarithm exists.
const LEAST: f64 = 1e-9;

/// What the rows `asked` of one hardware take, told by its `own` known rows.
pub fn answers(elsewhere: &Elsewhere, values: &[f64], own: Vec<usize>, asked: Vec<usize>) -> Vec<f64> {
    let terms = Terms::new(elsewhere, &own);
    let known = terms.of(own);
    let sums = Sums::new(elsewhere, values, &known, &(0..known.rows.len()).collect::<Vec<_>>());
    let asked = terms.of(asked);
    (0..asked.rows.len()).map(|place| sums.answer(elsewhere, &asked, place)).collect()
}

impl<'a> Terms<'a> {
    pub fn new(elsewhere: &'a Elsewhere, rows: &[usize]) -> Self {
        let usual = costs(elsewhere.frame).map(|values| {
            let known: Vec<f64> = rows.iter().map(|at| values[*at]).filter(|value| value.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            known.iter().any(|value| (value - mean).abs() > 1e-3).then_some(mean)
        });
        Self { elsewhere, usual }
    }

    /// The terms of each row.
    pub fn of(&self, rows: Vec<usize>) -> Summed {
        let frame = self.elsewhere.frame;
        let width = self.elsewhere.count() + self.usual.iter().flatten().count() + 1;
        let mut terms = Vec::with_capacity(rows.len() * width);
        for at in &rows {
            terms.extend(self.elsewhere.times(*at, *at).map(f64::exp));
            let varying =
                costs(frame).into_iter().zip(self.usual).filter_map(|(values, usual)| Some((values[*at], usual?)));
            terms.extend(varying.map(|(cost, usual)| if cost.is_nan() { usual } else { cost }.exp()));
            // An overhead is of a batch, and times are per sample.
            terms.push(if frame.batch[*at].is_nan() { 1.0 } else { (-frame.batch[*at]).exp() });
        }
        Summed { rows, terms, width }
    }
}

fn costs(frame: &Frame) -> [&[f64]; 3] {
    [&frame.parameters, &frame.macs, &frame.activations]
}

impl Sums {
    /// From those rows of `summed` whose places are `chosen`.
    pub fn new(elsewhere: &Elsewhere, values: &[f64], summed: &Summed, chosen: &[usize]) -> Self {
        let Elsewhere { frame, keying, .. } = elsewhere;
        let pooled = summed.weights(values, chosen, None, PULL);
        let mut settings: BTreeMap<Setting, Vec<usize>> = BTreeMap::new();
        for place in chosen {
            settings.entry(frame.setting(summed.rows[*place])).or_default().push(*place);
        }
        let (mut of_setting, mut of_column) = (HashMap::new(), HashMap::new());
        for (setting, places) in settings {
            let of_all = summed.weights(values, &places, Some(&pooled), SETTING_PULL);
            let mut columns: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for place in places {
                columns.entry(keying.column[summed.rows[place]]).or_default().push(place);
            }
            if columns.len() > 1 {
                for (column, places) in columns {
                    of_column.insert(column, summed.weights(values, &places, Some(&of_all), COLUMN_PULL));
                }
            }
            of_setting.insert(setting, of_all);
        }
        Self { pooled, of_setting, of_column }
    }

    /// The logarithm of the sum of one row of `summed`.
    pub fn answer(&self, elsewhere: &Elsewhere, summed: &Summed, place: usize) -> f64 {
        let Elsewhere { frame, keying, .. } = elsewhere;
        let at = summed.rows[place];
        let of_setting = || self.of_setting.get(&frame.setting(at));
        let weights = self.of_column.get(&keying.column[at]).or_else(of_setting).unwrap_or(&self.pooled);
        summed
            .terms_of(place)
            .iter()
            .zip(weights)
            .map(|(term, weight)| term * weight)
            .sum::<f64>()
            .max(f64::MIN_POSITIVE)
            .ln()
    }
}

impl Summed {
    fn terms_of(&self, place: usize) -> &[f64] {
        &self.terms[place * self.width..(place + 1) * self.width]
    }

    /// The weights that bring the sums of the rows `places` nearest to their `values`, held towards `before` as if `pull`
    /// more rows said it for each term.
    fn weights(&self, values: &[f64], places: &[usize], before: Option<&[f64]>, pull: f64) -> Vec<f64> {
        let width = self.width;
        // Each term beside the time it is a part of, of middle size 1 over the rows.
        let mut parts: Vec<f64> = Vec::with_capacity(places.len() * width);
        for place in places {
            let time = values[self.rows[*place]].exp();
            parts.extend(self.terms_of(*place).iter().map(|term| term / time));
        }
        let mut scale = vec![0.0; width];
        for row in parts.chunks(width) {
            scale.iter_mut().zip(row).for_each(|(scale, part)| *scale += part.max(LEAST).ln() / places.len() as f64);
        }
        scale.iter_mut().for_each(|scale| *scale = scale.exp());
        for row in parts.chunks_mut(width) {
            row.iter_mut().zip(&scale).for_each(|(part, scale)| *part /= scale);
        }
        let before: Vec<f64> = match before {
            Some(before) => before.iter().zip(&scale).map(|(weight, scale)| weight * scale).collect(),
            None => vec![1.0 / width as f64; width],
        };
        let mut weights = before.clone();
        let mut trust = vec![1.0; places.len()];
        for round in 0..REWEIGHTINGS {
            if round > 0 {
                let sums: Vec<f64> = parts
                    .chunks(width)
                    .map(|row| row.iter().zip(&weights).map(|(part, weight)| part * weight).sum::<f64>().max(LEAST))
                    .collect();
                let mut squares: Vec<f64> = sums.iter().map(|sum| sum.ln().powi(2)).collect();
                let variance = middle_variance(&mut squares).max(1e-4);
                for (trust, sum) in trust.iter_mut().zip(&sums) {
                    let (log, off) = (sum.ln(), sum - 1.0);
                    // As if the error were of the logarithm.
                    let bent = if off.abs() < 1e-6 { 1.0 } else { (log / off).powi(2) };
                    *trust = bent * (TAIL + 1.0) / (TAIL + log * log / variance);
                }
            }
            let mut gram = vec![0.0; width * width];
            let mut moment: Vec<f64> = before.iter().map(|weight| pull * weight).collect();
            for (row, trust) in parts.chunks(width).zip(&trust) {
                for i in 0..width {
                    let scaled = trust * row[i];
                    moment[i] += scaled;
                    for j in 0..=i {
                        gram[i * width + j] += scaled * row[j];
                    }
                }
            }
            for i in 0..width {
                gram[i * width + i] += pull;
                for j in 0..i {
                    gram[j * width + i] = gram[i * width + j];
                }
            }
            weights = non_negative(&gram, &moment);
        }
        weights.iter_mut().zip(&scale).for_each(|(weight, scale)| *weight /= scale);
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_sum_are_found_among_rows_far_off() {
        let terms: Vec<[f64; 3]> =
            (0..40_i32).map(|row| [1.0 + f64::from(row % 7), 0.5 * 1.2_f64.powi(row % 11), 1.0]).collect();
        let time = |row: usize| 0.3 * terms[row][0] + 2.0 * terms[row][1];
        let values: Vec<f64> = (0..40).map(|row| time(row).ln() + if row % 8 == 0 { 1.5 } else { 0.0 }).collect();
        let summed = Summed { rows: (0..40).collect(), terms: terms.concat(), width: 3 };
        let weights = summed.weights(&values, &summed.rows, None, 1e-6);
        assert!((weights[0] - 0.3).abs() < 0.05 && (weights[1] - 2.0).abs() < 0.1 && weights[2] < 0.1, "{weights:?}");
    }

    #[test]
    fn without_rows_that_say_otherwise_the_shares_are_those_known_before() {
        let summed = Summed { rows: vec![0], terms: vec![2.0, 4.0], width: 2 };
        let weights = summed.weights(&[(0.4_f64 * 2.0 + 0.1 * 4.0).ln()], &[0], Some(&[0.4, 0.1]), 3.0);
        assert!((weights[0] - 0.4).abs() < 1e-6 && (weights[1] - 0.1).abs() < 1e-6, "{weights:?}");
    }
}
