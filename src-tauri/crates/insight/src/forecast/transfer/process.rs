//! Gaussian process regression (Rasmussen and Williams 2006) of the logarithm of time on what the same work takes on each
//! other hardware and on what the work costs. Cells far off count less (Student's t, by reweighting), and kernels of
//! several scales are averaged, weighted by how well each tells the works of a model from those of the others.

use crate::forecast::{
    elsewhere::Elsewhere,
    frame::{Frame, Setting},
    linear::Cholesky,
    middle::middle,
};

/// The fits to one hardware.
pub struct Process {
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
    times: Vec<f64>,
    costs: Vec<f64>,
    setting: Setting,
}

#[derive(Clone, Copy)]
struct Kernel {
    /// Prior variances, in squared logarithms: of slopes, of bends.
    slope: f64,
    bend: f64,
    /// What a cost weighs beside a time elsewhere.
    cost: f64,
    noise: f64,
}

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

impl Process {
    /// From the rows `own` of one hardware, in groups of one model each (places in `own`), and how far each row lies from
    /// what the rows of the other models tell of it.
    pub fn new(
        elsewhere: &Elsewhere,
        values: &[f64],
        train: &[usize],
        own: &[usize],
        models: &[Vec<usize>],
    ) -> (Self, Vec<f64>) {
        let space = Space::new(elsewhere, train, own);
        let known: Vec<Point> = own.iter().map(|at| space.point(elsewhere, *at)).collect();
        let mut times: Vec<f64> = own.iter().map(|at| values[*at]).collect();
        let mean = middle(&mut times);
        let rest: Vec<f64> = own.iter().map(|at| values[*at] - mean).collect();
        let mut fits = Vec::new();
        for (slope, bend) in SLOPES.iter().flat_map(|slope| BENDS.map(|bend| (*slope, bend))) {
            for (cost, noise) in COSTS.iter().flat_map(|cost| NOISES.map(|noise| (*cost, noise))) {
                let kernel = Kernel { slope, bend, cost, noise };
                fits.push((kernel, kernel.fit(&known, &rest, models)));
            }
        }
        let best = fits.iter().map(|(_, fitted)| fitted.density).fold(f64::NEG_INFINITY, f64::max);
        let trust = |fitted: &Fitted| (TEMPER * (fitted.density - best)).exp();
        let sum: f64 = fits.iter().map(|(_, fitted)| trust(fitted)).sum();
        let (mut members, mut off) = (Vec::new(), vec![0.0; own.len()]);
        for (kernel, fitted) in fits {
            let weight = trust(&fitted) / sum;
            off.iter_mut().zip(&fitted.off).for_each(|(off, own)| *off += weight * own);
            if weight > 1e-3 {
                members.push(Member { kernel, weight, pull: fitted.pull });
            }
        }
        (Self { space, known, mean, members }, off)
    }

    /// The expected value of a row on this hardware.
    pub fn answer(&self, elsewhere: &Elsewhere, at: usize) -> f64 {
        let point = self.space.point(elsewhere, at);
        let near: Vec<Nearness> = self.known.iter().map(|known| Nearness::new(&point, known)).collect();
        let (mut sum, mut weights) = (0.0, 0.0);
        for Member { kernel, weight, pull } in &self.members {
            sum += weight * near.iter().zip(pull).map(|(near, pull)| kernel.value(near) * pull).sum::<f64>();
            weights += weight;
        }
        self.mean + sum / weights
    }
}

/// The scale of times elsewhere and of costs.
struct Space {
    usual: Vec<f64>,
    deviation: f64,
    /// Mean and deviation of each cost; those that never vary are left out.
    costs: Vec<Option<(f64, f64)>>,
}

impl Space {
    fn new(elsewhere: &Elsewhere, train: &[usize], own: &[usize]) -> Self {
        let step = (train.len() / SAMPLED).max(1);
        let sampled: Vec<usize> = train.iter().copied().step_by(step).chain(own.iter().copied()).collect();
        let times: Vec<Vec<f64>> = sampled
            .iter()
            .enumerate()
            .map(|(place, at)| elsewhere.times(*at, own[place % own.len()]).collect())
            .collect();
        let count = sampled.len() as f64;
        let usual: Vec<f64> =
            (0..elsewhere.count()).map(|place| times.iter().map(|times| times[place]).sum::<f64>() / count).collect();
        let away = times.iter().flat_map(|times| times.iter().zip(&usual).map(|(t, u)| (t - u).powi(2)));
        let deviation = (away.sum::<f64>() / (count * usual.len() as f64)).sqrt().max(1e-3);
        let costs = costs(elsewhere.frame)
            .iter()
            .map(|values| {
                let known: Vec<f64> = sampled.iter().map(|at| values[*at]).filter(|value| value.is_finite()).collect();
                let mean = known.iter().sum::<f64>() / known.len() as f64;
                let square = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len() as f64;
                (square > 1e-6).then(|| (mean, square.sqrt()))
            })
            .collect();
        Self { usual, deviation, costs }
    }

    fn point(&self, elsewhere: &Elsewhere, at: usize) -> Point {
        let frame = elsewhere.frame;
        let scale = self.deviation * (self.usual.len() as f64).sqrt();
        let times = elsewhere.times(at, at);
        let times = times.zip(&self.usual).map(|(time, usual)| (time - usual) / scale).collect();
        let varying = self.costs.iter().flatten().count().max(1) as f64;
        let scaled = |(values, scale): (&&[f64], &Option<(f64, f64)>)| {
            let (mean, deviation) = (*scale)?;
            let value = values[at];
            Some(if value.is_nan() { 0.0 } else { (value - mean) / deviation / varying.sqrt() })
        };
        let costs = costs(frame).iter().zip(&self.costs).filter_map(scaled).collect();
        Point { times, costs, setting: frame.setting(at) }
    }
}

fn costs(frame: &Frame) -> [&[f64]; 6] {
    [&frame.parameters, &frame.macs, &frame.activations, &frame.size, &frame.batch, &frame.devices]
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
            times: dot(&a.times, &b.times),
            costs: dot(&a.costs, &b.costs),
            times_apart: apart(&a.times, &b.times),
            costs_apart: apart(&a.costs, &b.costs),
            same_setting: f64::from(u8::from(a.setting == b.setting)),
        }
    }
}

/// What one kernel makes of the known points.
struct Fitted {
    /// (K + N)⁻¹ y.
    pull: Vec<f64>,
    /// How far each point lies from what the other models' points tell of it.
    off: Vec<f64>,
    /// The logarithmic density of each model's points given the others'.
    density: f64,
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

    fn fit(&self, known: &[Point], rest: &[f64], models: &[Vec<usize>]) -> Fitted {
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
        let (mut density, mut off) = (0.0, vec![0.0; n]);
        for own in models {
            let m = own.len();
            let block: Vec<f64> =
                own.iter().flat_map(|i| own.iter().map(|j| inverse[i * n + j]).collect::<Vec<_>>()).collect();
            let block = Cholesky::new(block, m).inverse();
            for i in 0..m {
                let away: f64 = (0..m).map(|j| block[i * m + j] * pull[own[j]]).sum();
                off[own[i]] = away;
                let variance = (block[i * m + i] - noise[own[i]]).max(0.0) + self.noise;
                density -= 0.5 * (TAIL + 1.0) * (away * away / variance / TAIL).ln_1p() + 0.5 * variance.ln();
            }
        }
        Fitted { pull, off, density }
    }
}
