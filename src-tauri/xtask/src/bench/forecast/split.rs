//! Splits of a table into what a forecast may learn from and what it is asked, those of `split_measurements.py`.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;

use insight::{forecast::twins, table::Measurement};

use super::shuffle::Random;

/// What a split hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A fifth of the rows.
    Cell,
    /// All rows of a fifth of the pairs of model and hardware.
    Combination,
    /// All rows of a fifth of the models.
    Model,
    /// Each hardware in turn, but for the rows of [`ANCHORS`] models; its twins are left out together with it.
    EachHardware,
}

/// Places of rows, in the table's order.
#[derive(Debug, PartialEq)]
pub struct Split {
    pub known: Vec<usize>,
    pub asked: Vec<usize>,
}

/// The share of keys hidden.
const SHARE: f64 = 0.2;
pub const ANCHORS: usize = 20;

impl Kind {
    pub const ALL: [Self; 4] = [Self::Cell, Self::Combination, Self::Model, Self::EachHardware];

    pub fn name(self) -> &'static str {
        match self {
            Self::Cell => "by cell",
            Self::Combination => "by combination",
            Self::Model => "by model",
            Self::EachHardware => "each hardware, 20 anchors",
        }
    }

    /// The splits that a seed makes; scores are averaged over them.
    pub fn splits(self, rows: &[&Measurement], seed: u64) -> Vec<Split> {
        match self {
            Self::Cell => vec![hidden(rows, seed, |at| at)],
            Self::Combination => vec![hidden(rows, seed, |at| (&rows[at].model, &rows[at].hardware))],
            Self::Model => vec![hidden(rows, seed, |at| &rows[at].model)],
            Self::EachHardware => each_hardware(rows, seed),
        }
    }
}

fn hidden<K: Eq + Hash + Clone>(rows: &[&Measurement], seed: u64, key: impl Fn(usize) -> K) -> Split {
    let mut seen = HashSet::new();
    let mut keys: Vec<K> = (0..rows.len()).map(&key).filter(|key| seen.insert(key.clone())).collect();
    Random::new(seed).shuffle(&mut keys);
    let count = ((SHARE * keys.len() as f64).round_ties_even() as usize).max(1);
    let hidden: HashSet<K> = keys.into_iter().take(count).collect();
    let (asked, known) = (0..rows.len()).partition(|at| hidden.contains(&key(*at)));
    Split { known, asked }
}

fn each_hardware(rows: &[&Measurement], seed: u64) -> Vec<Split> {
    let twins = twins(rows);
    let names: BTreeSet<&str> = rows.iter().map(|row| row.hardware.as_str()).collect();
    let mut random = Random::new(seed);
    names
        .into_iter()
        .map(|hardware| {
            let own: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].hardware == hardware).collect();
            let models: BTreeSet<&str> = own.iter().map(|at| rows[*at].model.as_str()).collect();
            let mut models: Vec<&str> = models.into_iter().collect();
            random.shuffle(&mut models);
            models.truncate(ANCHORS);
            let (anchors, asked): (Vec<usize>, Vec<usize>) =
                own.iter().partition(|at| models.contains(&rows[**at].model.as_str()));
            let mut known: Vec<usize> = (0..rows.len()).filter(|at| twins[*at] != twins[own[0]]).collect();
            known.extend(anchors);
            known.sort_unstable();
            Split { known, asked }
        })
        .filter(|split| !split.asked.is_empty())
        .collect()
}
