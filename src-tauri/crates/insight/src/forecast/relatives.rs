//! What models alike in name take, beyond what their costs say: the best there is to say of a model that was never run.

use super::{describe::Fit, frame::Frame, keying::Keying, kin::Kin, kriging};
use std::collections::HashMap;

/// The traits of the known models.
pub struct Relatives<'a> {
    kin: &'a Kin,
    fit: &'a Fit,
    /// Of each model, the mean over its works of what their traits are beyond what is known of them.
    beyond: HashMap<u32, Vec<f64>>,
}

/// How many answers there are to each question.
pub const WAYS: usize = 3;
/// How much of what sets models apart their names leave open: little where names are systematic, much where they are not.
const LEFT_OPEN: [f64; 2] = [0.02, 0.3];
/// The third way is the mean, in which the most alike weigh so much more,
const SHARPNESS: i32 = 3;
/// and a model like any other as much as a relative of this weight.
const PULL: f64 = 0.02;

impl<'a> Relatives<'a> {
    /// Of the models of the rows `train`, which `fit` was fitted to.
    pub fn new(frame: &Frame, keying: &Keying, kin: &'a Kin, fit: &'a Fit, train: &[usize]) -> Self {
        let mut works: Vec<(u32, u32)> = train.iter().map(|at| (frame.model.id[*at], keying.row[*at])).collect();
        works.sort_unstable();
        works.dedup();
        let of_model = |own: &[(u32, u32)]| {
            let all: Vec<Vec<f64>> = own.iter().map(|(_, row)| fit.beyond(*row)).collect();
            let mean = |k: usize| all.iter().map(|traits| traits[k]).sum::<f64>() / all.len() as f64;
            (own[0].0, (0..all[0].len()).map(mean).collect())
        };
        Self { kin, fit, beyond: works.chunk_by(|a, b| a.0 == b.0).map(of_model).collect() }
    }

    /// Values of the rows `asked`, in each way.
    pub fn answers(&self, frame: &Frame, keying: &Keying, asked: &[usize]) -> Vec<[f64; WAYS]> {
        let mut of_model: HashMap<u32, [Vec<f64>; WAYS]> = HashMap::new();
        let answer = |at: &usize| {
            let traits = of_model.entry(frame.model.id[*at]).or_insert_with_key(|model| self.traits(*model));
            traits.each_ref().map(|traits| self.fit.of_traits(keying.row[*at], keying.column[*at], traits))
        };
        asked.iter().map(answer).collect()
    }

    fn traits(&self, model: u32) -> [Vec<f64>; WAYS] {
        let known = |(other, likeness): &(u32, f64)| Some((*other, *likeness, self.beyond.get(other)?));
        let kin: Vec<(u32, f64, &Vec<f64>)> = self.kin.of(model).iter().filter_map(known).collect();
        let likeness: Vec<f64> = kin.iter().map(|(_, likeness, _)| *likeness).collect();
        let between = |i: usize, j: usize| self.kin.likeness(kin[i].0, kin[j].0);
        let [systematic, loose] = LEFT_OPEN.map(|left_open| kriging::weights(likeness.clone(), between, left_open));
        let sharp: Vec<f64> = likeness.iter().map(|likeness| likeness.powi(SHARPNESS)).collect();
        let sum = sharp.iter().sum::<f64>() + PULL;
        let mean = sharp.iter().map(|weight| weight / sum).collect();
        [systematic, loose, mean].map(|weights| {
            let mut traits = vec![0.0; self.fit.rank()];
            for (weight, (.., beyond)) in weights.iter().zip(&kin) {
                traits.iter_mut().zip(*beyond).for_each(|(sum, own)| *sum += weight * own);
            }
            traits
        })
    }
}
