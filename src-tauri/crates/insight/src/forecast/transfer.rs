//! What a hardware that is hardly known would take: its few measured works, seen beside their times on other hardware.
//!
//! Gaussian process regression (Rasmussen and Williams 2006) of the logarithm of time on what the same work takes on
//! each other hardware and on what the work costs. Cells far off count less (Student's t, by reweighting), and kernels
//! of several scales are averaged, weighted by how well each tells the works of a model from those of the others.

use super::{describe::Fit, frame::Frame, keying::Keying, linear::Cholesky, support::scattered};
use std::collections::{BTreeMap, HashMap};

/// The fits to one hardware.
pub struct Transfer {
    space: Space,
    known: Vec<Point>,
    mean: f64,
    members: Vec<Member>,
}

/// One kernel's fit.
struct Member {
    kernel: Kernel,
    weight: f64,
    /// (K + N)⁻¹ y.
    pull: Vec<f64>,
}

/// A row's place among the works: log times elsewhere, then costs, scaled.
struct Point {
    elsewhere: Vec<f64>,
    costs: Vec<f64>,
    setting: Setting,
}

type Setting = ([u32; 3], u64);

#[derive(Clone, Copy)]
struct Kernel {
    /// Prior variances, in squared logarithms: of slopes, of bends.
    slope: f64,
    bend: f64,
    /// What a cost weighs beside a time elsewhere.
    cost: f64,
    noise: f64,
}

/// Rows beyond this add more time than knowledge.
const MOST_ROWS: usize = 160;
const LEAST_ROWS: usize = 5;
const MOST_OTHERS: usize = 14;
/// Works that say what is a usual time elsewhere.
const SAMPLED: usize = 400;
const SLOPES: [f64; 3] = [0.1, 0.3, 1.0];
const BENDS: [f64; 3] = [0.0, 0.02, 0.1];
const COSTS: [f64; 2] = [0.1, 0.5];
const NOISES: [f64; 2] = [0.002, 0.008];
/// Of the hardware's level, and of a setting's on it.
const LEVEL: f64 = 4.0;
const SETTING_LEVEL: f64 = 1.0;
/// How much slopes and bends differ between settings.
const SETTING_SLOPE: f64 = 0.03;
const SETTING_BEND: f64 = 0.3;
const TAIL: f64 = 4.0;
const REWEIGHTINGS: usize = 3;
/// Densities of left-out models are correlated; their full product would trust one kernel too much.
const TEMPER: f64 = 0.1;

impl Transfer {
    /// From the rows `train`, those of `hardware` among them. `None` where too few are, or no other hardware is known.
    pub fn new(
        frame: &Frame,
        keying: &Keying,
        fit: &Fit,
        values: &[f64],
        train: &[usize],
        hardware: u32,
    ) -> Option<Self> {
        let mut own: Vec<usize> = train.iter().copied().filter(|at| frame.hardware.id[*at] == hardware).collect();
        own.sort_by_key(|at| (scattered(*at as u64), *at));
        own.truncate(MOST_ROWS);
        let space = Space::new(frame, keying, fit, values, train, &own, hardware)?;
        if own.len() < LEAST_ROWS {
            return None;
        }
        let known: Vec<Point> = own.iter().map(|at| space.point(frame, keying, fit, *at)).collect();
        let mut times: Vec<f64> = own.iter().map(|at| values[*at]).collect();
        times.sort_by(f64::total_cmp);
        let mean = times[times.len() / 2];
        let rest: Vec<f64> = own.iter().map(|at| values[*at] - mean).collect();
        let mut models: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, at) in own.iter().enumerate() {
            models.entry(frame.model.id[*at]).or_default().push(place);
        }
        let mut members = Vec::new();
        for (slope, bend) in SLOPES.iter().flat_map(|slope| BENDS.map(|bend| (*slope, bend))) {
            for (cost, noise) in COSTS.iter().flat_map(|cost| NOISES.map(|noise| (*cost, noise))) {
                let kernel = Kernel { slope, bend, cost, noise };
                let (pull, density) = kernel.fit(&known, &rest, models.values());
                members.push((density, Member { kernel, weight: 0.0, pull }));
            }
        }
        let best = members.iter().map(|(density, _)| *density).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = members.iter().map(|(density, _)| (TEMPER * (density - best)).exp()).sum();
        let members = members
            .into_iter()
            .map(|(density, member)| Member { weight: (TEMPER * (density - best)).exp() / sum, ..member })
            .filter(|member| member.weight > 1e-3)
            .collect();
        Some(Self { space, known, mean, members })
    }

    /// The expected value of a row on this hardware.
    pub fn answer(&self, frame: &Frame, keying: &Keying, fit: &Fit, at: usize) -> f64 {
        let point = self.space.point(frame, keying, fit, at);
        let near: Vec<Nearness> = self.known.iter().map(|known| Nearness::new(&point, known)).collect();
        let (mut sum, mut weights) = (0.0, 0.0);
        for Member { kernel, weight, pull } in &self.members {
            sum += weight * near.iter().zip(pull).map(|(near, pull)| kernel.value(near) * pull).sum::<f64>();
            weights += weight;
        }
        self.mean + sum / weights
    }
}

/// The other hardware, and the scale of times and costs.
struct Space {
    /// For each other hardware, its columns of the layout.
    others: Vec<Vec<usize>>,
    /// A row for each column, to compare its setting.
    of_column: HashMap<usize, usize>,
    /// Sum and count of the values of a work in a column, at a batch.
    measured: HashMap<(u32, u32, u64), (f64, f64)>,
    usual: Vec<f64>,
    deviation: f64,
    /// Mean and deviation of each cost; those that never vary are left out.
    costs: Vec<Option<(f64, f64)>>,
}

impl Space {
    fn new(
        frame: &Frame,
        keying: &Keying,
        fit: &Fit,
        values: &[f64],
        train: &[usize],
        own: &[usize],
        hardware: u32,
    ) -> Option<Self> {
        let mut of_column = HashMap::new();
        let mut measured: HashMap<_, (f64, f64)> = HashMap::new();
        let mut columns: BTreeMap<u32, (usize, Vec<usize>)> = BTreeMap::new();
        for at in train.iter().copied().filter(|at| frame.hardware.id[*at] != hardware && values[*at].is_finite()) {
            let column = keying.column[at] as usize;
            let (rows, of_hardware) = columns.entry(frame.hardware.id[at]).or_default();
            *rows += 1;
            let sum = measured.entry((keying.row[at], column as u32, frame.batch[at].to_bits())).or_default();
            *sum = (sum.0 + values[at], sum.1 + 1.0);
            if of_column.insert(column, at).is_none() {
                of_hardware.push(column);
            }
        }
        let mut others: Vec<(usize, Vec<usize>)> = columns.into_values().collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        others.truncate(MOST_OTHERS);
        if others.is_empty() || own.is_empty() {
            return None;
        }
        let others: Vec<Vec<usize>> = others.into_iter().map(|(_, columns)| columns).collect();
        let usual = vec![0.0; others.len()];
        let mut space = Self { others, of_column, measured, usual, deviation: 1.0, costs: Vec::new() };
        let step = (train.len() / SAMPLED).max(1);
        let sampled: Vec<usize> = train.iter().copied().step_by(step).chain(own.iter().copied()).collect();
        let elsewhere: Vec<Vec<f64>> = sampled
            .iter()
            .enumerate()
            .map(|(place, at)| space.elsewhere(frame, keying, fit, *at, own[place % own.len()]))
            .collect();
        let count = sampled.len() as f64;
        for (place, usual) in space.usual.iter_mut().enumerate() {
            *usual = elsewhere.iter().map(|times| times[place]).sum::<f64>() / count;
        }
        let away = elsewhere.iter().flat_map(|times| times.iter().zip(&space.usual).map(|(t, u)| (t - u).powi(2)));
        space.deviation = (away.sum::<f64>() / (count * space.usual.len() as f64)).sqrt().max(1e-3);
        space.costs = costs(frame)
            .iter()
            .map(|values| {
                let known: Vec<f64> = sampled.iter().map(|at| values[*at]).filter(|value| value.is_finite()).collect();
                let mean = known.iter().sum::<f64>() / known.len() as f64;
                let square = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len() as f64;
                (square > 1e-6).then(|| (mean, square.sqrt()))
            })
            .collect();
        Some(space)
    }

    /// What the work of row `at` takes on each other hardware, in the setting most like that of row `like`: as measured
    /// where it was, else as the fit tells.
    fn elsewhere(&self, frame: &Frame, keying: &Keying, fit: &Fit, at: usize, like: usize) -> Vec<f64> {
        let row = keying.row[at];
        let nearest = |columns: &Vec<usize>| {
            let likeness = |column: &usize| alike(frame, self.of_column[column], like);
            let best = columns.iter().copied().reduce(|a, b| if likeness(&b) > likeness(&a) { b } else { a });
            let column = best.expect("every other hardware has a column") as u32;
            let at_batch = self.measured.get(&(row, column, frame.batch[at].to_bits())).map(|(sum, count)| sum / count);
            at_batch.or_else(|| fit.measured(row, column)).unwrap_or_else(|| fit.first(row, column))
        };
        self.others.iter().map(nearest).collect()
    }

    fn point(&self, frame: &Frame, keying: &Keying, fit: &Fit, at: usize) -> Point {
        let times = self.elsewhere(frame, keying, fit, at, at);
        let scale = self.deviation * (self.others.len() as f64).sqrt();
        let elsewhere = times.iter().zip(&self.usual).map(|(time, usual)| (time - usual) / scale).collect();
        let varying = self.costs.iter().flatten().count().max(1) as f64;
        let scaled = |(values, scale): (&&[f64], &Option<(f64, f64)>)| {
            let (mean, deviation) = (*scale)?;
            let value = values[at];
            Some(if value.is_nan() { 0.0 } else { (value - mean) / deviation / varying.sqrt() })
        };
        let costs = costs(frame).iter().zip(&self.costs).filter_map(scaled).collect();
        let names = [frame.runtime.id[at], frame.precision.id[at], frame.mode.id[at]];
        Point { elsewhere, costs, setting: (names, frame.devices[at].to_bits()) }
    }
}

fn costs(frame: &Frame) -> [&[f64]; 6] {
    [&frame.parameters, &frame.macs, &frame.activations, &frame.size, &frame.batch, &frame.devices]
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

/// What kernels need of two points.
struct Nearness {
    times: f64,
    costs: f64,
    times_apart: f64,
    costs_apart: f64,
    same_setting: f64,
}

impl Nearness {
    fn new(a: &Point, b: &Point) -> Self {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        Self {
            times: dot(&a.elsewhere, &b.elsewhere),
            costs: dot(&a.costs, &b.costs),
            times_apart: apart(&a.elsewhere, &b.elsewhere),
            costs_apart: apart(&a.costs, &b.costs),
            same_setting: f64::from(u8::from(a.setting == b.setting)),
        }
    }
}

impl Kernel {
    fn value(&self, near: &Nearness) -> f64 {
        let same = near.same_setting;
        let line = self.slope * (near.times + self.cost * near.costs) * (1.0 + SETTING_SLOPE * same);
        let bend = if self.bend > 0.0 {
            let apart = near.times_apart + self.cost * near.costs_apart;
            self.bend * (-0.5 * apart).exp() * (1.0 - SETTING_BEND + SETTING_BEND * same)
        } else {
            0.0
        };
        LEVEL + SETTING_LEVEL * same + line + bend
    }

    /// The pull of each known point, and the logarithmic density of each model's points given the others'.
    fn fit<'a>(&self, known: &[Point], rest: &[f64], models: impl Iterator<Item = &'a Vec<usize>>) -> (Vec<f64>, f64) {
        let n = known.len();
        let mut covariance = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let value = self.value(&Nearness::new(&known[i], &known[j]));
                covariance[i * n + j] = value;
                covariance[j * n + i] = value;
            }
        }
        let mut noise = vec![self.noise; n];
        let solve = |noise: &[f64]| {
            let mut noisy = covariance.clone();
            noise.iter().enumerate().for_each(|(i, noise)| noisy[i * n + i] += noise);
            let inverse = Cholesky::new(noisy, n).inverse();
            let pull: Vec<f64> =
                inverse.chunks(n).map(|row| row.iter().zip(rest).map(|(k, y)| k * y).sum::<f64>()).collect();
            (inverse, pull)
        };
        for _ in 0..REWEIGHTINGS {
            let (inverse, pull) = solve(&noise);
            for (i, noise) in noise.iter_mut().enumerate() {
                let off = *noise * pull[i];
                let spread = (*noise - noise.powi(2) * inverse[i * n + i]).max(0.0);
                *noise = self.noise * (TAIL + (off * off + spread) / self.noise) / (TAIL + 1.0);
            }
        }
        let (inverse, pull) = solve(&noise);
        let mut density = 0.0;
        for own in models {
            let m = own.len();
            let block: Vec<f64> =
                own.iter().flat_map(|i| own.iter().map(|j| inverse[i * n + j]).collect::<Vec<_>>()).collect();
            let block = Cholesky::new(block, m).inverse();
            for i in 0..m {
                let off: f64 = (0..m).map(|j| block[i * m + j] * pull[own[j]]).sum();
                let variance = (block[i * m + i] - noise[own[i]]).max(0.0) + self.noise;
                density -= 0.5 * (TAIL + 1.0) * (off * off / variance / TAIL).ln_1p() + 0.5 * variance.ln();
            }
        }
        (pull, density)
    }
}
