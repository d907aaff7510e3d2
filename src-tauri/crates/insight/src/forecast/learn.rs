//! Learning one quantity from the known rows and answering the asked ones, each kind of question on its own.

use super::{
    Support,
    describe::{self, Basis, Fit, MOST_BESIDE},
    echo::{Echo, Source},
    elsewhere::Elsewhere,
    frame::Frame,
    keying::{Keying, Layout},
    kin::Kin,
    practice::Practice,
    relatives::Relatives,
    stack::{Checked, Stack, best_share},
    sums,
    support::{Coverage, Fold, Kind},
    transfer::Transfer,
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

/// Of expectation maximisation: on all rows, on those of a fold from the start, and from the fit to all rows.
const ROUNDS: usize = 40;
const PRACTICE_ROUNDS: usize = 20;
const WARM_ROUNDS: usize = 8;
/// Where nothing could be checked, a factor of ten either way.
const UNCHECKED_HALF_WIDTH: f64 = std::f64::consts::LN_10;
/// Fewer pieces of hardware left out in turn than this say nothing about the next one.
const LEAST_HARDWARE: usize = 3;
/// Fewer rows of a hardware than this do not tell what its times have to do with those elsewhere.
const LEAST_OWN: usize = 5;

/// Answers the rows `asked` (places in the frame); what cannot be answered is left out.
pub fn answer(lesson: &Lesson, asked: &[usize]) -> BTreeMap<usize, Answer> {
    let Lesson { frame, values, coverage, twins, .. } = *lesson;
    let train = &coverage.rows;
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
    let full = Fit::new(frame, &keyings, &bases, values, train, ROUNDS, None);
    let school = School { lesson, keyings: &keyings, bases: &bases, full: &full };
    let mut kinds: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for at in asked {
        kinds.entry(coverage.kind(frame, *at)).or_default().push(*at);
    }
    for (kind, asked) in kinds {
        let mut folds = coverage.folds(frame, kind, twins);
        folds.retain(|fold| !fold.asked.is_empty() && fold.train.len() >= 10);
        match kind.support {
            Support::Nothing => {}
            Support::NewHardware if folds.len() < LEAST_HARDWARE => {}
            _ if folds.len() < 2 => answers.extend(asked.iter().map(|at| {
                let value = full.answers(&keyings, &bases, *at)[1];
                (*at, Answer { value, half_width: UNCHECKED_HALF_WIDTH, checked: false })
            })),
            _ => answers.extend(school.answer(kind, &folds, train, &asked)),
        }
    }
    answers
}

/// For each row, the answers to be stacked.
type Guesses = Vec<Vec<f64>>;

/// The fits to all known rows, which questions of every kind start from.
struct School<'a> {
    lesson: &'a Lesson<'a>,
    keyings: &'a [Keying],
    bases: &'a [Basis],
    full: &'a Fit,
}

impl School<'_> {
    /// Answers questions of one kind, after practice on `folds` that ask the same kind.
    fn answer(&self, kind: Kind, folds: &[Fold], train: &[usize], asked: &[usize]) -> Vec<(usize, Answer)> {
        let Kind { support, repeat } = kind;
        let School { keyings, bases, full, .. } = *self;
        let Lesson { frame, values, kin, .. } = *self.lesson;
        // A start from all rows would remember a hardware's traits long after its rows are hidden.
        let (rounds, start) =
            if support.knows_hardware() { (WARM_ROUNDS, Some(full)) } else { (PRACTICE_ROUNDS, None) };
        let fits: Vec<Fit> =
            folds.par_iter().map(|fold| Fit::new(frame, keyings, bases, values, &fold.train, rounds, start)).collect();
        let guesses: Vec<Guesses> = folds
            .par_iter()
            .zip(&fits)
            .map(|(fold, fit)| self.guesses(support, fit, &fold.train, &fold.asked))
            .collect();
        let truth: Vec<f64> = folds.iter().flat_map(|fold| fold.asked.iter().map(|at| values[*at])).collect();
        let answers = guesses.concat();
        let keying = &keyings[bases[0].keying];
        let mut fold_of = Vec::new();
        let mut sources = Vec::new();
        for (place, fold) in folds.iter().enumerate() {
            for at in &fold.asked {
                fold_of.push(place);
                sources.push(Source { at: *at, traits: fits[place].traits(keyings, bases, *at) });
            }
        }
        let counts: Vec<usize> = folds.iter().map(|fold| fold.asked.len()).collect();
        let hardware: Vec<u32> = sources.iter().map(|source| frame.hardware.id[source.at]).collect();
        let checked = Checked { answers: &answers, truth: &truth, hardware: &hardware, counts: &counts };
        let stack = Stack::new(support, &checked);
        let stacked: Vec<f64> =
            answers.iter().zip(&hardware).map(|(answers, hardware)| stack.value(*hardware, answers)).collect();
        let errors: Vec<f64> = truth.iter().zip(&stacked).map(|(y, c)| y - c).collect();
        // On a hardware that is hardly known, practice would hear errors that nobody has when the question is real.
        let heard = if support.knows_hardware() { &sources[..] } else { &[] };
        let echo = Echo::new(frame, keying, kin, heard, &errors);
        let expected_of = |sources: &[Source]| -> Vec<f64> {
            sources.par_iter().map(|source| echo.expected(frame, keying, source)).collect()
        };
        let expected = expected_of(&sources);
        let share = best_share(&errors, &expected);
        let centres: Vec<f64> = stacked.iter().zip(&expected).map(|(c, e)| c + share * e).collect();
        let describe =
            |fit: &Fit, source: &Source, answers: &[f64], centre: f64, expected: f64, into: &mut Vec<f32>| {
                fit.describe(frame, keyings, bases, source.at, centre, into);
                echo.describe(frame, keying, source, into);
                into.push(expected as f32);
                let beside = (bases.len()..bases.len() + MOST_BESIDE)
                    .map(|place| answers.get(place).map_or(f64::NAN, |a| a - centre));
                into.extend(beside.map(|own| own as f32));
            };
        let described: Vec<Vec<f32>> = (0..sources.len())
            .into_par_iter()
            .fold(Vec::new, |mut rows, row| {
                describe(&fits[fold_of[row]], &sources[row], &answers[row], centres[row], expected[row], &mut rows);
                rows
            })
            .collect();
        let mut features = describe::features(bases);
        features.values = described.concat();
        let group = sources
            .iter()
            .enumerate()
            .map(|(row, source)| match support {
                Support::NewModel => frame.model.id[source.at] as usize,
                Support::FewOnHardware | Support::NewHardware => fold_of[row],
                Support::Setting if repeat => row,
                Support::Setting | Support::Combination | Support::Nothing => frame.cell[source.at] as usize,
            })
            .collect();
        let doubtful_scale = support == Support::NewModel;
        let practice = Practice { fold: fold_of, group, doubtful_scale, truth, centre: centres, features };
        let mut question = describe::features(bases);
        let mut centre = Vec::new();
        let asked_of: Vec<Source> =
            asked.iter().map(|at| Source { at: *at, traits: full.traits(keyings, bases, *at) }).collect();
        let guesses = self.guesses(support, full, train, asked);
        for ((source, answers), expected) in asked_of.iter().zip(&guesses).zip(expected_of(&asked_of)) {
            let own = stack.value(frame.hardware.id[source.at], answers) + share * expected;
            describe(full, source, answers, own, expected, &mut question.values);
            centre.push(own);
        }
        asked.iter().copied().zip(practice.answer(&question, &centre)).collect()
    }

    /// Each basis' answer to each row asked; beside them, of a known model, what its times elsewhere tell, and of an
    /// unknown one, what models alike in name take.
    fn guesses(&self, support: Support, fit: &Fit, train: &[usize], asked: &[usize]) -> Guesses {
        let School { keyings, bases, .. } = *self;
        let Lesson { frame, kin, .. } = *self.lesson;
        let mut guesses: Guesses = asked.iter().map(|at| fit.answers(keyings, bases, *at)).collect();
        let keying = &keyings[bases[0].keying];
        match support {
            Support::NewModel => {
                let told = Relatives::new(frame, keying, kin, fit, train).answers(frame, keying, asked);
                guesses.iter_mut().zip(told).for_each(|(guesses, told)| guesses.extend(told));
            }
            Support::Combination | Support::FewOnHardware => {
                let told = self.told_elsewhere(support, fit, train, asked);
                for (guesses, told) in guesses.iter_mut().zip(told) {
                    guesses.push(told.unwrap_or(guesses[0]));
                }
            }
            Support::Setting | Support::NewHardware | Support::Nothing => {}
        }
        guesses
    }

    /// What the times on other hardware tell of each row asked; `None` where its own has too few rows to say how.
    fn told_elsewhere(&self, support: Support, fit: &Fit, train: &[usize], asked: &[usize]) -> Vec<Option<f64>> {
        let School { keyings, bases, .. } = *self;
        let Lesson { frame, values, .. } = *self.lesson;
        let keying = &keyings[bases[0].keying];
        let mut of_hardware: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, at) in asked.iter().enumerate() {
            of_hardware.entry(frame.hardware.id[*at]).or_default().push(place);
        }
        let answers = |(hardware, places): (u32, Vec<usize>)| {
            let own: Vec<usize> = train.iter().copied().filter(|at| frame.hardware.id[*at] == hardware).collect();
            if own.len() < LEAST_OWN {
                return None;
            }
            let elsewhere = Elsewhere::new(frame, keying, fit, train, hardware)?;
            let rows = places.iter().map(|place| asked[*place]).collect();
            let answers = if support == Support::FewOnHardware {
                Transfer::new(&elsewhere, values, train, own).answers(rows)
            } else {
                sums::answers(&elsewhere, values, own, rows)
            };
            Some((places, answers))
        };
        let mut told = vec![None; asked.len()];
        for (places, answers) in of_hardware.into_par_iter().filter_map(answers).collect::<Vec<_>>() {
            places.into_iter().zip(answers).for_each(|(place, answer)| told[place] = Some(answer));
        }
        told
    }
}
