//! How the fits erred on questions like this one: on models alike in name, and on works alike in their traits.

use super::{frame::Frame, keying::Keying, kin::Kin, kriging, support::scattered};
use std::collections::HashMap;

/// Errors of the practice rows, each asked as the real questions are.
pub struct Echo<'a> {
    kin: &'a Kin,
    of_cell: HashMap<(u32, u32), (f64, f64)>,
    of_pair: HashMap<(u32, u32), (f64, f64)>,
    by_column: Vec<Vec<Heard>>,
}

struct Heard {
    model: u32,
    error: f64,
    traits: Vec<f64>,
    costs: [f64; 4],
}

/// A row that echoes are looked up for, or come from.
pub struct Source<'a> {
    pub at: usize,
    pub traits: &'a [f64],
}

/// Rows of one column looked at for the nearest ones.
const MOST_HEARD: usize = 800;
const NEAREST: usize = 24;
/// The share of what errors have in common that goes by names.
const NAMES: f64 = 0.6;
/// How fast the rest falls with squared distances, in deviations of a trait and in factors of e of a cost.
const TRAITS: f64 = 0.25;
const COSTS: f64 = 0.15;
/// The share of errors that nothing near explains.
const LEFT_OPEN: f64 = 0.15;
/// How many numbers [`Echo::describe`] appends.
pub const WIDTH: usize = 4;

impl<'a> Echo<'a> {
    pub fn new(frame: &Frame, keying: &Keying, kin: &'a Kin, sources: &[Source], errors: &[f64]) -> Self {
        let columns = keying.column_features.len() / keying.column_width;
        let (mut of_cell, mut of_pair) = (HashMap::new(), HashMap::new());
        let mut by_column: Vec<Vec<Heard>> = (0..columns).map(|_| Vec::new()).collect();
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|row| scattered(sources[*row].at as u64));
        for row in order {
            let (Source { at, traits }, error) = (&sources[row], errors[row].clamp(-0.7, 0.7));
            let (model, column) = (frame.model.id[*at], keying.column[*at]);
            for (sums, key) in [(&mut of_cell, (model, column)), (&mut of_pair, (model, frame.hardware.id[*at]))] {
                let sum: &mut (f64, f64) = sums.entry(key).or_default();
                sum.0 += error;
                sum.1 += 1.0;
            }
            let heard = &mut by_column[column as usize];
            if heard.len() < MOST_HEARD {
                heard.push(Heard { model, error, traits: traits.to_vec(), costs: costs_of(frame, *at) });
            }
        }
        Self { kin, of_cell, of_pair, by_column }
    }

    /// Appends what was heard near a row, its own model apart.
    pub fn describe(&self, frame: &Frame, keying: &Keying, source: &Source, into: &mut Vec<f32>) {
        let (model, column, hardware) =
            (frame.model.id[source.at], keying.column[source.at], frame.hardware.id[source.at]);
        for (sums, place) in [(&self.of_cell, column), (&self.of_pair, hardware)] {
            let (mut sum, mut weight) = (0.0, 0.0);
            for (other, likeness) in self.kin.of(model) {
                if let Some((error, count)) = sums.get(&(*other, place)) {
                    let w = likeness.powi(3);
                    sum += w * error / count;
                    weight += w;
                }
            }
            into.push((sum / (weight + 0.05)) as f32);
            into.push(weight as f32);
        }
    }

    /// The error to expect of a row: kriged from those of other models in its configuration, by their names, traits and
    /// costs.
    pub fn expected(&self, frame: &Frame, keying: &Keying, source: &Source) -> f64 {
        let (model, column) = (frame.model.id[source.at], keying.column[source.at]);
        let likeness = self.kin.likenesses(model);
        let costs = costs_of(frame, source.at);
        let mut near: Vec<(f64, &Heard)> = self.by_column[column as usize]
            .iter()
            .filter(|heard| heard.model != model)
            .map(|heard| {
                let (traits, costs) = (apart(&heard.traits, source.traits), apart(&heard.costs, &costs));
                (nearness(likeness[heard.model as usize], traits, costs), heard)
            })
            .collect();
        if near.len() > NEAREST {
            near.select_nth_unstable_by(NEAREST, |a, b| b.0.total_cmp(&a.0));
            near.truncate(NEAREST);
        }
        let between = |i: usize, j: usize| {
            let (a, b) = (near[i].1, near[j].1);
            let likeness = if a.model == b.model { 1.0 } else { self.kin.likeness(a.model, b.model) };
            nearness(likeness, apart(&a.traits, &b.traits), apart(&a.costs, &b.costs))
        };
        let weights = kriging::weights(near.iter().map(|(nearness, _)| *nearness).collect(), between, LEFT_OPEN);
        weights.iter().zip(&near).map(|(weight, (_, heard))| weight * heard.error).sum()
    }
}

/// How much two works' errors have in common: by the likeness of their names, and by how far their traits and costs are
/// apart.
fn nearness(likeness: f64, traits: f64, costs: f64) -> f64 {
    NAMES * likeness + (1.0 - NAMES) * (-TRAITS * traits - COSTS * costs).exp()
}

fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// What a work costs, on the logarithmic scale; where that is blank all are alike.
fn costs_of(frame: &Frame, at: usize) -> [f64; 4] {
    [&frame.parameters, &frame.macs, &frame.activations, &frame.size]
        .map(|values| if values[at].is_nan() { 0.0 } else { values[at] })
}
