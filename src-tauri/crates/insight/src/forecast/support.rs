//! What a question rests on, and inner splits that ask the same kind of question of rows whose answer is known.

use super::{Support, frame::Frame};
use std::collections::{HashMap, HashSet};

/// Training rows and the rows asked of them, both as places in the frame.
pub struct Fold {
    pub train: Vec<usize>,
    pub asked: Vec<usize>,
}

/// A kind of question, which is practised on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub support: Support,
    /// Whether the very same was measured before, so that what is asked is a repeat of it.
    pub repeat: bool,
}

/// What the known rows that have a value cover.
pub struct Coverage {
    /// Their places in the frame.
    pub rows: Vec<usize>,
    cells: HashSet<u32>,
    pairs: HashSet<(u32, u32)>,
    models: Vec<HashSet<u32>>,
    model_known: Vec<bool>,
    /// Models on the middle hardware.
    middle: usize,
}

/// Below this share of what the middle hardware has, a hardware has few models;
const FEW_SHARE: f64 = 0.4;
/// below this one if there are no more of them than a calibration would measure.
const FEW_SHARE_CALIBRATED: f64 = 0.7;
const CALIBRATED: usize = 30;
const FOLDS: usize = 5;
/// More hardware than this is not left out one after the other.
const MOST_LEFT_OUT: usize = 12;

impl Coverage {
    /// `values` are logarithms, NaN where unknown.
    pub fn new(frame: &Frame, values: &[f64]) -> Self {
        let rows: Vec<usize> = (0..frame.known).filter(|at| values[*at].is_finite()).collect();
        let mut models = vec![HashSet::new(); frame.hardware.count];
        let mut model_known = vec![false; frame.model.count];
        let (mut cells, mut pairs) = (HashSet::new(), HashSet::new());
        for &at in &rows {
            cells.insert(frame.cell[at]);
            let (model, hardware) = (frame.model.id[at], frame.hardware.id[at]);
            models[hardware as usize].insert(model);
            model_known[model as usize] = true;
            pairs.insert((model, hardware));
        }
        let mut counts: Vec<usize> = models.iter().map(HashSet::len).filter(|n| *n > 0).collect();
        counts.sort_unstable();
        let middle = counts.get(counts.len() / 2).copied().unwrap_or(0);
        Self { rows, cells, pairs, models, model_known, middle }
    }

    pub fn kind(&self, frame: &Frame, at: usize) -> Kind {
        Kind { support: self.of(frame, at), repeat: self.cells.contains(&frame.cell[at]) }
    }

    pub fn of(&self, frame: &Frame, at: usize) -> Support {
        let (model, hardware) = (frame.model.id[at], frame.hardware.id[at]);
        let on_hardware = self.models[hardware as usize].len();
        match (self.model_known[model as usize], on_hardware) {
            (false, 0) => Support::Nothing,
            (true, 0) => Support::NewHardware,
            (false, _) => Support::NewModel,
            (true, _) if self.pairs.contains(&(model, hardware)) => Support::Setting,
            (true, n) if self.is_few(n) => Support::FewOnHardware,
            (true, _) => Support::Combination,
        }
    }

    fn is_few(&self, models: usize) -> bool {
        let share = models as f64 / self.middle.max(1) as f64;
        share < FEW_SHARE || models <= CALIBRATED && share < FEW_SHARE_CALIBRATED
    }

    /// Inner splits that ask questions of one kind. Empty where the known rows are too few for any.
    pub fn folds(&self, frame: &Frame, kind: Kind, twins: &[u32]) -> Vec<Fold> {
        let Kind { support, repeat } = kind;
        match support {
            Support::Setting if repeat => self.grouped(|at| at as u64),
            // With its repeats left among the known, a cell would answer for itself.
            Support::Setting => self.grouped(|at| u64::from(frame.cell[at])),
            Support::Combination => {
                self.grouped(|at| u64::from(frame.model.id[at]) << 32 | u64::from(frame.hardware.id[at]))
            }
            Support::NewModel => self.grouped(|at| u64::from(frame.model.id[at])),
            Support::FewOnHardware | Support::NewHardware => {
                let few = if support == Support::NewHardware { vec![0] } else { self.few_counts() };
                let most = few.last().copied().unwrap_or(0);
                let mut able: Vec<u32> = (0..frame.hardware.count as u32)
                    .filter(|h| self.models[*h as usize].len() >= (3 * most / 2).max(5))
                    .collect();
                able.sort_by_key(|h| scattered(u64::from(*h)));
                able.truncate(MOST_LEFT_OUT);
                let mut folds: Vec<Fold> = Vec::new();
                for (place, hardware) in able.into_iter().enumerate() {
                    let kept = few[place % few.len()];
                    let mut models: Vec<u32> = self.models[hardware as usize].iter().copied().collect();
                    models.sort_by_key(|m| scattered(u64::from(*m) << 20 | u64::from(hardware)));
                    let kept: HashSet<u32> = models.into_iter().take(kept).collect();
                    let mut fold = Fold { train: Vec::new(), asked: Vec::new() };
                    for &at in &self.rows {
                        let own = frame.hardware.id[at];
                        if own == hardware && !kept.contains(&frame.model.id[at]) {
                            fold.asked.push(at);
                        } else if own == hardware || twins[own as usize] != twins[hardware as usize] {
                            fold.train.push(at);
                        }
                    }
                    // What is left must still say something about other hardware.
                    if fold.train.len() >= 20 && fold.train.iter().any(|at| frame.hardware.id[*at] != hardware) {
                        folds.push(fold);
                    }
                }
                folds
            }
            Support::Nothing => Vec::new(),
        }
    }

    /// How many models each hardware with few models has, in ascending order; never empty.
    fn few_counts(&self) -> Vec<usize> {
        let mut counts: Vec<usize> =
            self.models.iter().map(HashSet::len).filter(|n| *n > 0 && self.is_few(*n)).collect();
        counts.sort_unstable();
        if counts.is_empty() { vec![1] } else { counts }
    }

    /// Folds of whole groups, of about equal numbers of groups.
    fn grouped(&self, group: impl Fn(usize) -> u64) -> Vec<Fold> {
        let mut groups: HashMap<u64, usize> = self.rows.iter().map(|at| (group(*at), 0)).collect();
        let mut order: Vec<u64> = groups.keys().copied().collect();
        order.sort_by_key(|key| (scattered(*key), *key));
        if order.len() < 2 * FOLDS {
            return Vec::new();
        }
        for (place, key) in order.iter().enumerate() {
            groups.insert(*key, place % FOLDS);
        }
        let mut folds: Vec<Fold> = (0..FOLDS).map(|_| Fold { train: Vec::new(), asked: Vec::new() }).collect();
        for &at in &self.rows {
            let own = groups[&group(at)];
            for (place, fold) in folds.iter_mut().enumerate() {
                if place == own { fold.asked.push(at) } else { fold.train.push(at) }
            }
        }
        folds
    }
}

/// The same order on every machine, without a pattern (splitmix64).
pub fn scattered(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
