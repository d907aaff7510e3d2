//! Learning one quantity from the known rows and answering the asked ones, each kind of question on its own.

use super::{
    boost::{Booster, Features, Trees},
    describe::{self, Basis, Fit},
    echo::{Echo, Source},
    frame::Frame,
    keying::{Keying, Layout},
    kin::Kin,
    support::{Coverage, Fold, Support},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// An answer on the logarithmic scale, with the half-width of its 90 % interval.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub value: f64,
    pub half_width: f64,
    /// Whether the interval was checked on rows asked the same way.
    pub checked: bool,
}

/// What is learned from.
pub struct Lesson<'a> {
    pub frame: &'a Frame,
    /// Logarithms, NaN where unknown; as long as the frame.
    pub values: &'a [f64],
    pub coverage: &'a Coverage,
    pub twins: &'a [u32],
    pub kin: &'a Kin,
}

/// Where nothing could be checked, a factor of ten either way.
const UNCHECKED_HALF_WIDTH: f64 = std::f64::consts::LN_10;
/// Fewer pieces of hardware left out in turn than this say nothing about the next one.
const LEAST_HARDWARE: usize = 3;

/// Answers the rows `asked` (places in the frame); what cannot be answered is left out.
pub fn answer(lesson: &Lesson, asked: &[usize]) -> BTreeMap<usize, Answer> {
    let Lesson { frame, values, coverage, twins, .. } = *lesson;
    let train: Vec<usize> = (0..frame.known).filter(|at| values[*at].is_finite()).collect();
    let mut answers = BTreeMap::new();
    if train.is_empty() {
        return answers;
    }
    let keyings: Vec<Keying> = [Layout::Sized, Layout::Batched, Layout::Bare]
        .iter()
        .filter_map(|layout| Keying::new(frame, *layout))
        .collect();
    let mut bases = vec![Basis { keying: 0, rank: 6 }, Basis { keying: 0, rank: 2 }];
    bases.extend((1..keyings.len()).map(|keying| Basis { keying, rank: 4 }));
    let full = Fit::new(frame, &keyings, &bases, values, &train, None);
    let school = School { lesson, keyings: &keyings, bases: &bases, full: &full };
    let mut kinds: BTreeMap<Support, Vec<usize>> = BTreeMap::new();
    for at in asked {
        kinds.entry(coverage.of(frame, *at)).or_default().push(*at);
    }
    for (support, asked) in kinds {
        let known =
            |rows: Vec<usize>| -> Vec<usize> { rows.into_iter().filter(|at| values[*at].is_finite()).collect() };
        let folds: Vec<Fold> = coverage
            .folds(frame, support, twins)
            .into_iter()
            .map(|fold| Fold { train: known(fold.train), asked: known(fold.asked) })
            .filter(|fold| !fold.asked.is_empty() && fold.train.len() >= 10)
            .collect();
        match support {
            Support::Nothing => {}
            Support::NewHardware if folds.len() < LEAST_HARDWARE => {}
            _ if folds.len() < 2 => answers.extend(asked.iter().map(|at| {
                let value = full.answers(&keyings, &bases, *at)[1];
                (*at, Answer { value, half_width: UNCHECKED_HALF_WIDTH, checked: false })
            })),
            _ => answers.extend(school.answer(support, &folds, &asked)),
        }
    }
    answers
}

/// Rows whose answer is known, asked as the folds ask them.
struct Practice {
    fold: Vec<usize>,
    truth: Vec<f64>,
    centre: Vec<f64>,
    features: Features,
}

/// The fits to all known rows, which questions of every kind start from.
struct School<'a> {
    lesson: &'a Lesson<'a>,
    keyings: &'a [Keying],
    bases: &'a [Basis],
    full: &'a Fit,
}

impl School<'_> {
    /// Answers questions of one kind, after practice on `folds` that ask the same kind.
    fn answer(&self, support: Support, folds: &[Fold], asked: &[usize]) -> Vec<(usize, Answer)> {
        let School { keyings, bases, full, .. } = *self;
        let Lesson { frame, values, kin, .. } = *self.lesson;
        let fits: Vec<Fit> =
            folds.par_iter().map(|fold| Fit::new(frame, keyings, bases, values, &fold.train, Some(full))).collect();
        let practised = || folds.iter().zip(&fits).flat_map(|(fold, fit)| fold.asked.iter().map(move |at| (*at, fit)));
        let truth: Vec<f64> = practised().map(|(at, _)| values[at]).collect();
        let answers: Vec<Vec<f64>> = practised().map(|(at, fit)| fit.answers(keyings, bases, at)).collect();
        let weights = stack_weights(&answers, &truth);
        let centre_of = |answers: &[f64]| answers.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>();
        let keying = &keyings[bases[0].keying];
        let mut fold_of = Vec::new();
        let mut sources = Vec::new();
        for (place, fold) in folds.iter().enumerate() {
            for at in &fold.asked {
                fold_of.push(place);
                sources.push(Source { at: *at, traits: fits[place].traits(keyings, bases, *at) });
            }
        }
        let centres: Vec<f64> = answers.iter().map(|answers| centre_of(answers)).collect();
        let errors: Vec<f64> = truth.iter().zip(&centres).map(|(y, c)| y - c).collect();
        // On a hardware that is hardly known, practice would hear errors that nobody has when the question is real.
        let heard = if support.knows_hardware() { &sources[..] } else { &[] };
        let echo = Echo::new(frame, keying, kin, heard, &errors);
        let describe = |fit: &Fit, source: &Source, centre: f64, into: &mut Vec<f32>| {
            fit.describe(frame, keyings, bases, source.at, centre, into);
            echo.describe(frame, keying, source, into);
        };
        let described: Vec<Vec<f32>> = (0..sources.len())
            .into_par_iter()
            .fold(Vec::new, |mut rows, row| {
                describe(&fits[fold_of[row]], &sources[row], centres[row], &mut rows);
                rows
            })
            .collect();
        let mut features = describe::features(bases);
        features.values = described.concat();
        let practice = Practice { fold: fold_of, truth, centre: centres, features };
        let mut question = describe::features(bases);
        let mut centre = Vec::new();
        for at in asked {
            let own = centre_of(&full.answers(keyings, bases, *at));
            describe(full, &Source { at: *at, traits: full.traits(keyings, bases, *at) }, own, &mut question.values);
            centre.push(own);
        }
        asked.iter().copied().zip(finish(&practice, &question, &centre)).collect()
    }
}

/// Non-negative weights of about sum 1 with the least absolute error over the practice rows.
fn stack_weights(answers: &[Vec<f64>], truth: &[f64]) -> Vec<f64> {
    let count = answers.first().map_or(1, Vec::len);
    let mut weights = vec![1.0 / count as f64; count];
    // Iteratively reweighted least squares by multiplicative steps keeps the weights non-negative.
    for _ in 0..60 {
        let mut gain = vec![0.0; count];
        for (answer, truth) in answers.iter().zip(truth) {
            let rest = truth - answer.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>();
            let mean = answer.iter().sum::<f64>() / count as f64;
            let step = rest / (rest.abs() + 0.05);
            for (gain, a) in gain.iter_mut().zip(answer.iter()) {
                *gain += step * (a - mean);
            }
        }
        let scale = 20.0 / truth.len().max(1) as f64;
        for (weight, gain) in weights.iter_mut().zip(&gain) {
            *weight *= (scale * gain).clamp(-0.5, 0.5).exp();
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

/// Practice errors beyond this say that a row is odd, not how far to correct.
const MOST_CORRECTION: f64 = 0.7;

fn finish(practice: &Practice, question: &Features, centre: &[f64]) -> Vec<Answer> {
    let trees = Trees { rounds: 200, depth: 6, rate: 0.06, least_in_leaf: 5, clip: 0.2 };
    let target: Vec<f64> = practice
        .truth
        .iter()
        .zip(&practice.centre)
        .map(|(y, c)| (y - c).clamp(-MOST_CORRECTION, MOST_CORRECTION))
        .collect();
    let fold_count = practice.fold.iter().max().map_or(0, |f| f + 1);
    let groups = fold_count.min(3);
    // Corrections of the practice rows by trees that did not see them.
    let (corrected, asked_correction) = cross_fitted(&trees, practice, question, &target, groups);
    // How much of the correction helps, learned where it was not fitted.
    let share = (0..=10)
        .map(|step| f64::from(step) / 10.0)
        .min_by(|a, b| {
            let loss = |share: f64| -> f64 {
                (0..target.len())
                    .map(|r| {
                        let e = (practice.truth[r] - practice.centre[r] - share * corrected[r]).abs();
                        e / (e + 0.15)
                    })
                    .sum()
            };
            loss(*a).total_cmp(&loss(*b))
        })
        .unwrap_or(0.0);
    let error: Vec<f64> =
        (0..target.len()).map(|r| practice.truth[r] - practice.centre[r] - share * corrected[r]).collect();
    let (local, asked_local) = local_scale(practice, question, &error);
    let mut scores: Vec<f64> = error.iter().zip(&local).map(|(e, s)| e.abs() / s).collect();
    scores.sort_by(f64::total_cmp);
    let rank = ((scores.len() + 1) as f64 * 0.91).ceil() as usize;
    let quantile = scores[rank.clamp(1, scores.len()) - 1];
    centre
        .iter()
        .zip(&asked_correction)
        .zip(asked_local)
        .map(|((centre, correction), local)| Answer {
            value: centre + share * correction,
            half_width: quantile * local,
            checked: true,
        })
        .collect()
}

/// How large errors are about each practice row and each question.
fn local_scale(practice: &Practice, question: &Features, error: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let trees = Trees { rounds: 60, depth: 4, rate: 0.08, least_in_leaf: 20, clip: f64::INFINITY };
    let target: Vec<f64> = error.iter().map(|e| (e.abs() + 0.01).ln()).collect();
    let (local, asked) = cross_fitted(&trees, practice, question, &target, 2);
    let scale = |log: &f64| log.exp() + 0.005;
    (local.iter().map(scale).collect(), asked.iter().map(scale).collect())
}

/// `target` as the trees predict it: of the practice rows, each from the groups of folds that it is not in, and of the
/// questions, from all rows. Zeros where there is too little to learn from.
fn cross_fitted(
    trees: &Trees,
    practice: &Practice,
    question: &Features,
    target: &[f64],
    groups: usize,
) -> (Vec<f64>, Vec<f64>) {
    let of_group = |group: usize| -> (Vec<usize>, Vec<f64>) {
        let (train, held): (Vec<usize>, Vec<usize>) =
            (0..target.len()).partition(|row| practice.fold[*row] % groups != group);
        let own: Vec<f64> = train.iter().map(|row| target[*row]).collect();
        let learned = if groups < 2 { None } else { trees.learn(&practice.features.selected(&train), &own) };
        let predicted = learned.map_or(vec![0.0; held.len()], |l| l.predict(&practice.features.selected(&held)));
        (held, predicted)
    };
    let (parts, asked) = rayon::join(
        || (0..groups).into_par_iter().map(of_group).collect::<Vec<_>>(),
        || trees.learn(&practice.features, target).map_or(vec![0.0; question.rows()], |l| l.predict(question)),
    );
    let mut fitted = vec![0.0; target.len()];
    for (held, predicted) in &parts {
        for (row, value) in held.iter().zip(predicted) {
            fitted[*row] = *value;
        }
    }
    (fitted, asked)
}
