//! Hardware names that stand for the same chip: their times agree wherever both were measured.

use super::{frame::Frame, keying::bucket, middle::middle};
use std::collections::HashMap;

/// Settings that two pieces of hardware must share before they can be called twins.
const LEAST_SHARED: usize = 10;
/// The middle difference below which times count as the same.
const SAME: f64 = 0.02;

/// A label for each hardware; twins share theirs. `values` are logarithms of times, NaN where unknown.
pub fn twins(frame: &Frame, values: &[f64]) -> Vec<u32> {
    let mut cells: HashMap<[i64; 8], Vec<(u32, f64)>> = HashMap::new();
    for at in (0..frame.known).filter(|at| values[*at].is_finite()) {
        let cell = cells
            .entry([
                i64::from(frame.model.id[at]),
                i64::from(frame.runtime.id[at]),
                i64::from(frame.precision.id[at]),
                i64::from(frame.mode.id[at]),
                bucket(frame.batch[at]),
                bucket(frame.size[at]),
                bucket(frame.devices[at]),
                bucket(frame.threads[at]),
            ])
            .or_default();
        if cell.iter().all(|(hardware, _)| *hardware != frame.hardware.id[at]) {
            cell.push((frame.hardware.id[at], values[at]));
        }
    }
    let mut differences: HashMap<(u32, u32), Vec<f64>> = HashMap::new();
    for cell in cells.values() {
        for (place, (a, x)) in cell.iter().enumerate() {
            for (b, y) in &cell[place + 1..] {
                differences.entry((*a.min(b), *a.max(b))).or_default().push((x - y).abs());
            }
        }
    }
    let mut label: Vec<u32> = (0..frame.hardware.count as u32).collect();
    for ((a, b), mut differences) in differences {
        if differences.len() < LEAST_SHARED {
            continue;
        }
        if middle(&mut differences) < SAME {
            let (from, to) = (label[a.max(b) as usize], label[a.min(b) as usize]);
            label.iter_mut().filter(|l| **l == from).for_each(|l| *l = to);
        }
    }
    label
}
