//! Models whose names and families are alike: variants of one design err alike.

use super::frame::Frame;
use crate::table::Measurement;
use std::collections::HashMap;

/// For each model, the models most like it, with a likeness between 0 and 1.
pub struct Kin {
    of: Vec<Vec<(u32, f64)>>,
    /// Of each model, the pieces of its name that others share, in ascending order.
    pieces: Vec<Vec<u32>>,
    /// Of each piece, the models whose names have it.
    sharing: Vec<Vec<u32>>,
    worth: Vec<f64>,
    /// Of each model, what all pieces of its name are worth.
    lengths: Vec<f64>,
}

const MOST_KIN: usize = 32;
const LEAST_LIKENESS: f64 = 0.15;
/// A piece of a name that more models share than this says little and costs much.
const MOST_SHARING: usize = 400;

impl Kin {
    pub fn new(frame: &Frame, rows: &[&Measurement]) -> Self {
        let mut names: Vec<Option<(&str, &str)>> = vec![None; frame.model.count];
        for (row, model) in rows.iter().zip(&frame.model.id) {
            names[*model as usize].get_or_insert((&row.model, &row.family));
        }
        let mut ids: HashMap<String, usize> = HashMap::new();
        let mut sharing: Vec<Vec<u32>> = Vec::new();
        for (model, name) in names.iter().enumerate() {
            let (name, family) = name.expect("every model has a row");
            for piece in pieces(name, family) {
                let next = sharing.len();
                let at = *ids.entry(piece).or_insert(next);
                if at == next {
                    sharing.push(Vec::new());
                }
                if sharing[at].last() != Some(&(model as u32)) {
                    sharing[at].push(model as u32);
                }
            }
        }
        let rare = |models: &Vec<u32>| (names.len() as f64 / models.len() as f64).ln().max(0.05).powi(2);
        let worth: Vec<f64> = sharing.iter().map(rare).collect();
        let mut lengths = vec![1e-9; names.len()];
        let mut pieces: Vec<Vec<u32>> = vec![Vec::new(); names.len()];
        for (piece, models) in sharing.iter().enumerate() {
            models.iter().for_each(|model| lengths[*model as usize] += worth[piece]);
            if models.len() > 1 && models.len() <= MOST_SHARING {
                models.iter().for_each(|model| pieces[*model as usize].push(piece as u32));
            }
        }
        let mut common = vec![0.0; names.len()];
        let of = (0..names.len())
            .map(|model| {
                let mut touched = Vec::new();
                for piece in &pieces[model] {
                    for other in &sharing[*piece as usize] {
                        if common[*other as usize] == 0.0 {
                            touched.push(*other);
                        }
                        common[*other as usize] += worth[*piece as usize];
                    }
                }
                let mut kin: Vec<(u32, f64)> = touched
                    .iter()
                    .map(|other| (*other, common[*other as usize] / (lengths[model] * lengths[*other as usize]).sqrt()))
                    .filter(|(other, likeness)| *other as usize != model && *likeness > LEAST_LIKENESS)
                    .collect();
                touched.iter().for_each(|other| common[*other as usize] = 0.0);
                kin.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                kin.truncate(MOST_KIN);
                kin
            })
            .collect();
        Self { of, pieces, sharing, worth, lengths }
    }

    /// The likeness of every model to one.
    pub fn likenesses(&self, model: u32) -> Vec<f64> {
        let mut likeness = vec![0.0; self.lengths.len()];
        for piece in &self.pieces[model as usize] {
            for other in &self.sharing[*piece as usize] {
                likeness[*other as usize] += self.worth[*piece as usize];
            }
        }
        let own = self.lengths[model as usize];
        likeness.iter_mut().zip(&self.lengths).for_each(|(common, length)| *common /= (own * length).sqrt());
        likeness
    }

    /// The share of two names' pieces that is common to both, by what pieces are worth.
    pub fn likeness(&self, a: u32, b: u32) -> f64 {
        let (mut own, mut other) = (self.pieces[a as usize].as_slice(), self.pieces[b as usize].as_slice());
        let mut common = 0.0;
        while let ([x, own_rest @ ..], [y, other_rest @ ..]) = (own, other) {
            if x == y {
                common += self.worth[*x as usize];
            }
            if x <= y {
                own = own_rest;
            }
            if y <= x {
                other = other_rest;
            }
        }
        common / (self.lengths[a as usize] * self.lengths[b as usize]).sqrt()
    }

    pub fn of(&self, model: u32) -> &[(u32, f64)] {
        &self.of[model as usize]
    }
}

/// Three letters at a time, the beginning, and the family.
fn pieces(name: &str, family: &str) -> Vec<String> {
    let lower: Vec<char> = name.to_lowercase().chars().take(80).collect();
    let mut pieces: Vec<String> = lower.windows(3).map(|three| three.iter().collect()).collect();
    for length in [2, 4, 6, 8] {
        if lower.len() >= length {
            pieces.push(format!("^{}", lower[..length].iter().collect::<String>()));
        }
    }
    if !family.is_empty() {
        pieces.push(format!("family {family}"));
    }
    pieces.sort();
    pieces.dedup();
    pieces
}
