//! Simple predictors, to tell what forecasts add to them.

use super::{
    boost::{Booster, Features, Trees},
    frame::Frame,
    linear::non_negative,
    samples,
};
use crate::table::Measurement;
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// The geometric mean of the family's times per sample in the same configuration.
    FamilyMean,
    /// The model's time in the configuration most like the one asked, scaled by their usual ratio; where the model was
    /// never measured, the time of the model nearest in costs.
    Nearest,
    /// The sum of times proportional to operations, to elements moved and to nothing, fitted in each configuration.
    Roofline,
    /// Boosted trees on names, numbers and costs.
    Boosting,
}

impl Baseline {
    pub const ALL: [Self; 4] = [Self::FamilyMean, Self::Nearest, Self::Roofline, Self::Boosting];

    /// Times of one batch in the order asked; `None` where the method has nothing to say.
    pub fn answers(self, known: &[&Measurement], asked: &[&Measurement]) -> Vec<Option<f64>> {
        let table = Table::new(known, asked);
        let logs = match self {
            Self::FamilyMean => table.family_mean(),
            Self::Nearest => table.nearest(),
            Self::Roofline => table.roofline(),
            Self::Boosting => table.boosting(),
        };
        let batches = samples(&table.frame);
        let asked = logs.into_iter().zip(&batches[known.len()..]);
        asked.map(|(log, samples)| Some((log + samples).exp()).filter(|ms| ms.is_finite() && *ms > 0.0)).collect()
    }
}

/// Rows with the logarithm of their time per sample (NaN for asked ones), and the configuration each ran in.
struct Table {
    frame: Frame,
    family: Vec<String>,
    log: Vec<f64>,
    configuration: Vec<usize>,
}

impl Table {
    fn new(known: &[&Measurement], asked: &[&Measurement]) -> Self {
        let frame = Frame::new(known, asked);
        let rows = || known.iter().chain(asked);
        let log = rows()
            .zip(samples(&frame))
            .enumerate()
            .map(|(at, (row, samples))| {
                row.latency_ms.filter(|_| at < known.len()).map_or(f64::NAN, |ms| ms.ln() - samples)
            })
            .collect();
        // Where the table has one family only, the letters that a name begins with tell more.
        let by_name = frame.family.count < 2;
        let family = rows().map(|row| if by_name { letters(&row.model) } else { row.family.clone() }).collect();
        let mut configurations = HashMap::new();
        let configuration = (0..frame.rows())
            .map(|at| {
                let names = [&frame.hardware, &frame.runtime, &frame.precision, &frame.mode].map(|names| names.id[at]);
                let next = configurations.len();
                *configurations.entry((names, frame.devices[at].to_bits())).or_insert(next)
            })
            .collect();
        Self { frame, family, log, configuration }
    }

    fn asked(&self) -> std::ops::Range<usize> {
        self.frame.known..self.frame.rows()
    }

    fn known(&self) -> impl Iterator<Item = usize> {
        (0..self.frame.known).filter(|at| self.log[*at].is_finite())
    }

    fn family_mean(&self) -> Vec<f64> {
        let of_family = means(self.known().map(|at| ((self.configuration[at], &self.family[at]), self.log[at])));
        let of_all = means(self.known().map(|at| (self.configuration[at], self.log[at])));
        let answer = |at: usize| {
            let own = of_family.get(&(self.configuration[at], &self.family[at]));
            own.or_else(|| of_all.get(&self.configuration[at])).copied().unwrap_or(f64::NAN)
        };
        self.asked().map(answer).collect()
    }

    fn nearest(&self) -> Vec<f64> {
        let work = |at: usize| (self.frame.model.id[at], self.frame.size[at].to_bits());
        let cells = means(self.known().map(|at| ((work(at), self.configuration[at]), self.log[at])));
        let mut of_work: HashMap<_, Vec<(usize, f64)>> = HashMap::new();
        let mut in_configuration: HashMap<usize, BTreeMap<_, f64>> = HashMap::new();
        for ((work, configuration), log) in &cells {
            of_work.entry(*work).or_default().push((*configuration, *log));
            in_configuration.entry(*configuration).or_default().insert(*work, *log);
        }
        let mut ratios: HashMap<(usize, usize), Option<(f64, f64)>> = HashMap::new();
        let mut ratio = |to: usize, from: usize| {
            *ratios.entry((to, from)).or_insert_with(|| {
                let (to, from) = (in_configuration.get(&to)?, in_configuration.get(&from)?);
                let mut apart: Vec<f64> = to.iter().filter_map(|(work, log)| Some(log - from.get(work)?)).collect();
                apart.sort_by(f64::total_cmp);
                let middle = *apart.get(apart.len() / 2)?;
                let spread = apart.iter().map(|own| (own - middle).abs()).sum::<f64>() / apart.len() as f64;
                Some((middle, spread + 0.3 / apart.len() as f64))
            })
        };
        let costs = |at: usize| [&self.frame.parameters, &self.frame.macs, &self.frame.size].map(|of| of[at]);
        let near = |at: usize, other: usize| -> f64 {
            let pairs = costs(at).into_iter().zip(costs(other));
            pairs.map(|(a, b)| if a.is_nan() || b.is_nan() { 1.0 } else { (a - b).powi(2) }).sum()
        };
        self.asked()
            .map(|at| {
                let to = self.configuration[at];
                let elsewhere = of_work.get(&work(at)).into_iter().flatten();
                let scaled = elsewhere.filter_map(|(from, log)| {
                    if *from == to {
                        Some((0.0, *log))
                    } else {
                        ratio(to, *from).map(|(step, spread)| (spread, log + step))
                    }
                });
                let best = scaled.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, log)| log);
                best.unwrap_or_else(|| {
                    let same = self.known().filter(|other| self.configuration[*other] == to);
                    same.min_by(|a, b| near(at, *a).total_cmp(&near(at, *b))).map_or(f64::NAN, |other| self.log[other])
                })
            })
            .collect()
    }

    fn roofline(&self) -> Vec<f64> {
        let terms = |at: usize| {
            [1.0, self.frame.macs[at].exp(), self.frame.parameters[at].exp(), self.frame.activations[at].exp()]
        };
        let mut rows_of: HashMap<usize, Vec<usize>> = HashMap::new();
        for at in self.known().filter(|at| terms(*at).iter().all(|term| term.is_finite())) {
            rows_of.entry(self.configuration[at]).or_default().push(at);
        }
        let rates: HashMap<usize, [f64; 4]> = rows_of
            .into_iter()
            .filter(|(_, rows)| rows.len() >= 8)
            .map(|(configuration, rows)| {
                (configuration, rates(rows.iter().map(|at| (terms(*at), self.log[*at].exp()))))
            })
            .collect();
        let answer = |at: usize| {
            let rates = rates.get(&self.configuration[at])?;
            Some(terms(at).iter().zip(rates).map(|(term, rate)| term * rate).sum::<f64>().ln())
        };
        self.asked().map(|at| answer(at).unwrap_or(f64::NAN)).collect()
    }

    fn boosting(&self) -> Vec<f64> {
        let frame = &self.frame;
        let names = [
            &frame.model,
            &frame.family,
            &frame.hardware,
            &frame.runtime,
            &frame.precision,
            &frame.mode,
            &frame.software,
        ];
        let numbers = frame.numbers();
        let features = |rows: &mut dyn Iterator<Item = usize>| {
            let mut features = Features::new(names.len() + numbers.len());
            for at in rows {
                features.values.extend(names.iter().map(|names| names.id[at] as f32));
                features.values.extend(numbers.iter().map(|values| values[at] as f32));
            }
            features
        };
        let trees = Trees { rounds: 300, depth: 8, rate: 0.1, least_in_leaf: 3, clip: f64::INFINITY };
        let targets: Vec<f64> = self.known().map(|at| self.log[at]).collect();
        let learned = trees.learn(&features(&mut self.known()), &targets);
        let asked = features(&mut self.asked());
        learned.map_or(vec![f64::NAN; self.asked().len()], |learned| learned.predict(&asked))
    }
}

/// Non-negative rates with the least squared relative error.
fn rates(rows: impl Iterator<Item = ([f64; 4], f64)>) -> [f64; 4] {
    let rows: Vec<([f64; 4], f64)> = rows.collect();
    let scale: [f64; 4] =
        std::array::from_fn(|k| rows.iter().map(|(terms, _)| terms[k]).sum::<f64>() / rows.len() as f64);
    let (mut gram, mut moment) = (vec![0.0; 16], vec![0.0; 4]);
    for (terms, ms) in &rows {
        let share = |k: usize| terms[k] / scale[k] / ms;
        for i in 0..4 {
            moment[i] += share(i);
            (0..4).for_each(|j| gram[i * 4 + j] += share(i) * share(j));
        }
    }
    // Terms that are the same in all rows would leave the rates open.
    (0..4).for_each(|i| gram[i * 4 + i] += 1e-6);
    let found = non_negative(&gram, &moment);
    std::array::from_fn(|k| found[k] / scale[k])
}

/// In the order of the keys, so that the nearest is the same one each time where two are as near.
fn means<K: Ord>(values: impl Iterator<Item = (K, f64)>) -> BTreeMap<K, f64> {
    let mut sums: BTreeMap<K, (f64, f64)> = BTreeMap::new();
    for (key, value) in values {
        let sum = sums.entry(key).or_default();
        sum.0 += value;
        sum.1 += 1.0;
    }
    sums.into_iter().map(|(key, (sum, count))| (key, sum / count)).collect()
}

fn letters(name: &str) -> String {
    name.chars().take_while(|c| c.is_alphabetic()).collect()
}
