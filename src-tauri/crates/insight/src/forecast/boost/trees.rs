//! Boosted regression trees over binned features, on Huber's loss (Friedman 2001; bins as in LightGBM, Ke et al. 2017).
//!
//! Written here rather than taken from a crate: learning in the app needs these lines only, and the crates that are kept
//! well bring a C compiler or tens of thousands of lines along.

use super::{Booster, Features, Learned};

#[derive(Clone, Copy, Debug)]
pub struct Trees {
    pub rounds: usize,
    pub depth: usize,
    /// The share of each tree's answer that is kept.
    pub rate: f64,
    pub least_in_leaf: usize,
    /// Errors beyond this pull no harder (Huber's loss).
    pub clip: f64,
}

/// Bin 0 holds blanks.
const BINS: usize = 64;
/// Pulls the answers of small leaves towards nothing.
const PENALTY: f64 = 2.0;
/// The share of rows and of features that a tree sees.
const ROW_SHARE: f64 = 0.7;
const FEATURE_SHARE: f64 = 0.5;
const LEAST_ROWS: usize = 30;

impl Booster for Trees {
    fn learn(&self, features: &Features, targets: &[f64]) -> Option<Box<dyn Learned>> {
        let rows = features.rows();
        if rows < LEAST_ROWS {
            return None;
        }
        let cuts: Vec<Vec<f32>> = (0..features.width).map(|feature| cuts(features, feature)).collect();
        let binned: Vec<Vec<u8>> = cuts
            .iter()
            .enumerate()
            .map(|(at, cuts)| (0..rows).map(|row| bin(cuts, features.row(row)[at])).collect())
            .collect();
        let usable: Vec<usize> = (0..features.width).filter(|feature| !cuts[*feature].is_empty()).collect();
        let base = targets.iter().sum::<f64>() / rows as f64;
        let mut forest = Forest { base, trees: Vec::new(), cuts };
        let mut rest: Vec<f64> = targets.iter().map(|target| target - base).collect();
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for _ in 0..self.rounds {
            let drawn: Vec<u32> = (0..rows as u32).filter(|_| random.next() < ROW_SHARE).collect();
            let mut looked_at: Vec<usize> = usable.iter().copied().filter(|_| random.next() < FEATURE_SHARE).collect();
            if looked_at.is_empty() {
                looked_at.clone_from(&usable);
            }
            let pull: Vec<f64> = rest.iter().map(|rest| rest.clamp(-self.clip, self.clip)).collect();
            let mut growth =
                Growth { trees: self, binned: &binned, rest: &pull, looked_at: &looked_at, nodes: Vec::new() };
            let bins = growth.bins(&drawn);
            growth.grow(drawn, bins, self.depth);
            let tree = Tree { nodes: growth.nodes };
            for (row, rest) in rest.iter_mut().enumerate() {
                *rest -= tree.answer(|feature| binned[feature][row]);
            }
            forest.trees.push(tree);
        }
        Some(Box::new(forest))
    }
}

/// Upper edges of the bins, so that each holds about as many rows; empty where nothing varies.
fn cuts(features: &Features, feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> =
        (0..features.rows()).map(|row| features.row(row)[feature]).filter(|value| !value.is_nan()).collect();
    let blanks = values.len() < features.rows();
    values.sort_by(f32::total_cmp);
    let Some(last) = values.last().copied() else { return Vec::new() };
    let mut distinct = values.clone();
    distinct.dedup();
    let edges = BINS - 2;
    let mut cuts: Vec<f32> = if distinct.len() <= edges {
        distinct.windows(2).map(|pair| f32::midpoint(pair[0], pair[1])).collect()
    } else {
        (1..=edges).map(|edge| values[edge * values.len() / (edges + 1)]).filter(|cut| *cut < last).collect()
    };
    cuts.dedup();
    if cuts.is_empty() && blanks {
        cuts.push(last);
    }
    cuts
}

fn bin(cuts: &[f32], value: f32) -> u8 {
    if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| *cut < value) as u8 }
}

struct Forest {
    base: f64,
    trees: Vec<Tree>,
    cuts: Vec<Vec<f32>>,
}

impl Learned for Forest {
    fn predict(&self, features: &Features) -> Vec<f64> {
        let mut bins = vec![0; features.width];
        (0..features.rows())
            .map(|row| {
                for ((own, cuts), value) in bins.iter_mut().zip(&self.cuts).zip(features.row(row)) {
                    *own = bin(cuts, *value);
                }
                self.base + self.trees.iter().map(|tree| tree.answer(|feature| bins[feature])).sum::<f64>()
            })
            .collect()
    }
}

struct Tree {
    nodes: Vec<Node>,
}

enum Node {
    Leaf(f64),
    Split { feature: u32, most: u8, blanks_left: bool, left: u32, right: u32 },
}

impl Tree {
    fn answer(&self, bin: impl Fn(usize) -> u8) -> f64 {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf(answer) => return *answer,
                Node::Split { feature, most, blanks_left, left, right } => {
                    let bin = bin(*feature as usize);
                    let goes_left = if bin == 0 { *blanks_left } else { bin <= *most };
                    at = if goes_left { *left } else { *right } as usize;
                }
            }
        }
    }
}

struct Growth<'a> {
    trees: &'a Trees,
    binned: &'a [Vec<u8>],
    rest: &'a [f64],
    looked_at: &'a [usize],
    nodes: Vec<Node>,
}

#[derive(Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    most: u8,
    blanks_left: bool,
}

/// Sum and count of what falls into each bin, one feature looked at after the other.
type Bins = Vec<[(f64, f64); BINS]>;

impl Growth<'_> {
    /// Grows the tree below a node that holds `rows`, and returns the node's place.
    fn grow(&mut self, rows: Vec<u32>, bins: Bins, depth: usize) -> u32 {
        let place = self.nodes.len() as u32;
        let sum: f64 = rows.iter().map(|row| self.rest[*row as usize]).sum();
        self.nodes.push(Node::Leaf(self.trees.rate * sum / (rows.len() as f64 + PENALTY)));
        if !self.may_split(&rows, depth) {
            return place;
        }
        if let Some(Split { feature, most, blanks_left, .. }) = self.best_split(&bins, rows.len(), sum) {
            let of_feature = &self.binned[feature];
            let (left, right): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|row| {
                let bin = of_feature[*row as usize];
                if bin == 0 { blanks_left } else { bin <= most }
            });
            let [of_left, of_right] = self.divided(bins, &left, &right, depth - 1);
            let left = self.grow(left, of_left, depth - 1);
            let right = self.grow(right, of_right, depth - 1);
            self.nodes[place as usize] = Node::Split { feature: feature as u32, most, blanks_left, left, right };
        }
        place
    }

    fn may_split(&self, rows: &[u32], depth: usize) -> bool {
        depth > 0 && rows.len() >= 2 * self.trees.least_in_leaf
    }

    /// A node's bins divided among its sides: the smaller is counted, the other is what remains.
    fn divided(&self, mut bins: Bins, left: &[u32], right: &[u32], depth: usize) -> [Bins; 2] {
        let larger = if left.len() < right.len() { right } else { left };
        if !self.may_split(larger, depth) {
            return [Bins::new(), Bins::new()];
        }
        let smaller = self.bins(if left.len() < right.len() { left } else { right });
        for (bins, smaller) in bins.iter_mut().zip(&smaller) {
            for (rest, part) in bins.iter_mut().zip(smaller) {
                *rest = (rest.0 - part.0, rest.1 - part.1);
            }
        }
        if left.len() < right.len() { [smaller, bins] } else { [bins, smaller] }
    }

    fn bins(&self, rows: &[u32]) -> Bins {
        let pulls: Vec<f64> = rows.iter().map(|row| self.rest[*row as usize]).collect();
        let of_feature = |feature: &usize| {
            let binned = &self.binned[*feature];
            let mut bins = [(0.0, 0.0); BINS];
            for (row, pull) in rows.iter().zip(&pulls) {
                let bin = &mut bins[(binned[*row as usize] as usize) & (BINS - 1)];
                *bin = (bin.0 + pull, bin.1 + 1.0);
            }
            bins
        };
        self.looked_at.iter().map(of_feature).collect()
    }

    fn best_split(&self, bins: &Bins, rows: usize, sum: f64) -> Option<Split> {
        let count = rows as f64;
        let least = self.trees.least_in_leaf as f64;
        let worth = |sum: f64, count: f64| sum * sum / (count + PENALTY);
        let without = worth(sum, count);
        let mut best: Option<Split> = None;
        for (bins, &feature) in bins.iter().zip(self.looked_at) {
            let blank = bins[0];
            let choices: &[bool] = if blank.1 > 0.0 { &[true, false] } else { &[false] };
            for &blanks_left in choices {
                let (mut left, mut left_count) = if blanks_left { blank } else { (0.0, 0.0) };
                for (most, (sum_in, count_in)) in bins.iter().enumerate().skip(1).filter(|(_, bin)| bin.1 > 0.0) {
                    left += sum_in;
                    left_count += count_in;
                    if left_count < least || count - left_count < least {
                        continue;
                    }
                    let gain = worth(left, left_count) + worth(sum - left, count - left_count) - without;
                    if gain > 1e-9 && best.is_none_or(|best| gain > best.gain) {
                        best = Some(Split { gain, feature, most: most as u8, blanks_left });
                    }
                }
            }
        }
        best
    }
}

/// Always the same numbers (xorshift64), so that the same table gives the same forecast.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, row: impl Fn(usize) -> Vec<f32>) -> Features {
        let values: Vec<Vec<f32>> = (0..rows).map(row).collect();
        Features { width: values[0].len(), values: values.concat() }
    }

    #[test]
    fn an_interaction_is_learned() {
        let features = table(800, |i| vec![(i % 20) as f32, (i / 20 % 40) as f32, (i * 7 % 13) as f32]);
        let target = |row: &[f32]| if (row[0] < 10.0) == (row[1] < 20.0) { 1.0 } else { -1.0 };
        let targets: Vec<f64> = (0..800).map(|row| target(features.row(row))).collect();
        let trees = Trees { rounds: 120, depth: 4, rate: 0.1, least_in_leaf: 5, clip: f64::INFINITY };
        let learned = trees.learn(&features, &targets).unwrap();
        let error = learned.predict(&features).iter().zip(&targets).map(|(a, b)| (a - b).abs()).sum::<f64>() / 800.0;
        assert!(error < 0.1, "mean error {error}");
    }

    #[test]
    fn a_blank_is_a_value_of_its_own() {
        let features = table(200, |i| vec![if i % 2 == 0 { f32::NAN } else { 1.0 }]);
        let targets: Vec<f64> = (0..200).map(|i| if i % 2 == 0 { 5.0 } else { 1.0 }).collect();
        let learned = Trees { rounds: 80, depth: 2, rate: 0.2, least_in_leaf: 5, clip: f64::INFINITY }
            .learn(&features, &targets)
            .unwrap();
        let answers = learned.predict(&features);
        assert!((answers[0] - 5.0).abs() < 0.1 && (answers[1] - 1.0).abs() < 0.1, "{} {}", answers[0], answers[1]);
    }

    #[test]
    fn a_few_rows_teach_nothing() {
        assert!(
            Trees { rounds: 5, depth: 2, rate: 0.1, least_in_leaf: 1, clip: f64::INFINITY }
                .learn(&table(5, |i| vec![i as f32]), &[1.0; 5])
                .is_none()
        );
    }
}
