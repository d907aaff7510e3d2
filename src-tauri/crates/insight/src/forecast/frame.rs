//! Known and asked rows as columns of numbers: names become small ids, blanks become NaN.

use crate::table::Measurement;
use std::collections::HashMap;

/// A column of names: the id of each row's name.
pub struct Names {
    pub id: Vec<u32>,
    pub count: usize,
}

/// Runtime, precision, mode and devices of a row, equal where all of them are.
pub type Setting = ([u32; 3], u64);

/// All rows, the known ones first.
pub struct Frame {
    pub known: usize,
    /// Equal where the same was measured, whichever version of the software did it.
    pub cell: Vec<u32>,
    pub model: Names,
    pub family: Names,
    pub hardware: Names,
    pub runtime: Names,
    pub precision: Names,
    pub mode: Names,
    pub software: Names,
    /// Natural logarithms; NaN where the table has a blank.
    pub batch: Vec<f64>,
    pub size: Vec<f64>,
    pub devices: Vec<f64>,
    pub threads: Vec<f64>,
    pub parameters: Vec<f64>,
    pub macs: Vec<f64>,
    pub activations: Vec<f64>,
}

impl Frame {
    pub fn new(known: &[&Measurement], asked: &[&Measurement]) -> Self {
        let rows: Vec<&Measurement> = known.iter().chain(asked).copied().collect();
        let names = |of: &dyn Fn(&Measurement) -> String| {
            let mut ids: HashMap<String, u32> = HashMap::new();
            let id: Vec<u32> = rows
                .iter()
                .map(|row| {
                    let next = ids.len() as u32;
                    *ids.entry(of(row)).or_insert(next)
                })
                .collect();
            Names { id, count: ids.len() }
        };
        let logs = |of: &dyn Fn(&Measurement) -> Option<f64>| {
            rows.iter().map(|row| of(row).map_or(f64::NAN, f64::ln)).collect()
        };
        let mut frame = Self {
            known: known.len(),
            cell: Vec::new(),
            model: names(&model_name),
            family: names(&|row| row.family.clone()),
            hardware: names(&|row| row.hardware.clone()),
            runtime: names(&|row| row.runtime.clone()),
            precision: names(&|row| row.precision.clone()),
            mode: names(&|row| row.mode.clone()),
            software: names(&|row| row.software.clone()),
            batch: logs(&|row| row.batch),
            size: logs(&|row| row.size),
            devices: logs(&|row| row.devices),
            threads: logs(&|row| row.threads),
            parameters: logs(&|row| row.parameters),
            macs: logs(&|row| row.macs),
            activations: logs(&|row| row.activations),
        };
        // A model's costs are the same wherever it runs; the rows that state them speak for those that do not.
        for costs in [&mut frame.parameters, &mut frame.macs, &mut frame.activations] {
            fill(costs, &frame.model.id, &frame.size);
        }
        frame.cell = frame.cells();
        frame
    }

    fn cells(&self) -> Vec<u32> {
        let names = [&self.model, &self.hardware, &self.runtime, &self.precision, &self.mode];
        let numbers = [&self.batch, &self.size, &self.devices, &self.threads];
        let mut ids = HashMap::new();
        let cell = |at: usize| {
            let next = ids.len() as u32;
            let key = (names.map(|names| names.id[at]), numbers.map(|values| values[at].to_bits()));
            *ids.entry(key).or_insert(next)
        };
        (0..self.rows()).map(cell).collect()
    }

    pub fn rows(&self) -> usize {
        self.model.id.len()
    }

    pub fn setting(&self, at: usize) -> Setting {
        ([&self.runtime, &self.precision, &self.mode].map(|names| names.id[at]), self.devices[at].to_bits())
    }

    /// Every column of numbers.
    pub fn numbers(&self) -> [&[f64]; 7] {
        [&self.batch, &self.size, &self.devices, &self.threads, &self.parameters, &self.macs, &self.activations]
    }
}

/// Fills blanks from the same model at the same size, else at its nearest size, along the slope that models of several
/// sizes show.
fn fill(costs: &mut [f64], model: &[u32], size: &[f64]) {
    if costs.iter().all(|cost| cost.is_finite()) {
        return;
    }
    let mut stated: HashMap<u32, Vec<(f64, f64)>> = HashMap::new();
    for at in (0..costs.len()).filter(|at| costs[*at].is_finite()) {
        let own = stated.entry(model[at]).or_default();
        let of_size = |(other, _): &(f64, f64)| *other == size[at] || other.is_nan() && size[at].is_nan();
        if !own.iter().any(of_size) {
            own.push((size[at], costs[at]));
        }
    }
    let (mut moment, mut square) = (0.0, 1e-9);
    for own in stated.values().filter(|own| own.len() > 1) {
        let (from, to) = (own[0], own[own.len() - 1]);
        if from.0.is_finite() && to.0.is_finite() {
            moment += (to.0 - from.0) * (to.1 - from.1);
            square += (to.0 - from.0).powi(2);
        }
    }
    let slope = moment / square;
    for at in 0..costs.len() {
        if costs[at].is_finite() {
            continue;
        }
        let off = |other: f64| if other.is_finite() && size[at].is_finite() { size[at] - other } else { 0.0 };
        let nearest =
            stated.get(&model[at]).and_then(|own| own.iter().min_by(|a, b| off(a.0).abs().total_cmp(&off(b.0).abs())));
        if let Some((from, cost)) = nearest {
            costs[at] = cost + slope * off(*from);
        }
    }
}

/// A model without a name is told from others by what is known of it.
fn model_name(row: &Measurement) -> String {
    if row.model.is_empty() {
        format!("\u{0}{:?} {:?} {:?}", row.parameters, row.macs, row.activations)
    } else {
        row.model.clone()
    }
}
