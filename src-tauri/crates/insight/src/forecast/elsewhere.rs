//! What a hardware's works take on the other hardware, in the settings most like its own.

use super::{describe::Fit, frame::Frame, keying::Keying};
use std::collections::{BTreeMap, HashMap};

pub struct Elsewhere<'a> {
    pub frame: &'a Frame,
    pub keying: &'a Keying,
    fit: &'a Fit,
    /// For each column of the hardware, the column of each other hardware whose setting is most like it.
    nearest: HashMap<u32, Vec<u32>>,
    others: usize,
}

/// Hardware with fewer rows than this many others says little that they do not.
const MOST_OTHERS: usize = 14;

impl<'a> Elsewhere<'a> {
    /// `None` where the rows `train`, which `fit` was fitted to, know no other hardware.
    pub fn new(frame: &'a Frame, keying: &'a Keying, fit: &'a Fit, train: &[usize], hardware: u32) -> Option<Self> {
        let mut of_hardware: BTreeMap<u32, (usize, BTreeMap<u32, usize>)> = BTreeMap::new();
        for at in train.iter().copied().filter(|at| frame.hardware.id[*at] != hardware) {
            let (rows, columns) = of_hardware.entry(frame.hardware.id[at]).or_default();
            *rows += 1;
            columns.entry(keying.column[at]).or_insert(at);
        }
        let mut others: Vec<(usize, BTreeMap<u32, usize>)> = of_hardware.into_values().collect();
        others.sort_by_key(|(rows, _)| std::cmp::Reverse(*rows));
        others.truncate(MOST_OTHERS);
        if others.is_empty() {
            return None;
        }
        let mut nearest: HashMap<u32, Vec<u32>> = HashMap::new();
        for at in (0..frame.rows()).filter(|at| frame.hardware.id[*at] == hardware) {
            nearest.entry(keying.column[at]).or_insert_with(|| {
                let most_alike = |columns: &BTreeMap<u32, usize>| {
                    let likeness = |(column, row): (&u32, &usize)| (alike(frame, *row, at), std::cmp::Reverse(*column));
                    let best = columns.iter().max_by_key(|own| likeness(*own));
                    *best.expect("every other hardware has a column").0
                };
                others.iter().map(|(_, columns)| most_alike(columns)).collect()
            });
        }
        Some(Self { frame, keying, fit, nearest, others: others.len() })
    }

    /// How many times [`Self::times`] returns.
    pub fn count(&self) -> usize {
        self.others
    }

    /// Log times of the work of row `at` on each other hardware, where this hardware would run it as row `like` ran.
    pub fn times(&self, at: usize, like: usize) -> impl Iterator<Item = f64> {
        let Self { frame, keying, fit, nearest, .. } = self;
        nearest[&keying.column[like]].iter().map(move |column| fit.taken(keying.row[at], *column, frame.batch[at]))
    }
}

/// How much two rows' settings agree, the hardware apart.
fn alike(frame: &Frame, a: usize, b: usize) -> u32 {
    let same = |names: &super::frame::Names| u32::from(names.id[a] == names.id[b]);
    4 * same(&frame.precision)
        + 4 * same(&frame.mode)
        + 3 * same(&frame.runtime)
        + 3 * u32::from(frame.devices[a].to_bits() == frame.devices[b].to_bits())
        + u32::from(frame.threads[a].to_bits() == frame.threads[b].to_bits())
        + same(&frame.software)
}
