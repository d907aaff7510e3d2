//! Old measurements say less: drivers, engines and systems change what a setting takes.

use super::{frame::Frame, middle::middle_variance};
use crate::{moment::seconds, table::Measurement};
use std::collections::HashMap;

/// When each row was measured, and how fast times drift.
pub struct Age {
    /// Years since 1970, NaN where the table does not say.
    years: Vec<f64>,
    /// Of each hardware and runtime.
    newest_of: HashMap<(u32, u32), f64>,
    newest: f64,
    /// Standard deviation of a logarithm after one year, growing with the square root of time.
    drift: f64,
}

const SECONDS_IN_YEAR: f64 = 31_556_952.0;
/// Where a table tells no drift of its own: the middle one of 3,500 pairs of results of edge devices (Qualcomm AI Hub
/// Models 0.3 to 0.35), five to ten weeks apart.
const USUAL_DRIFT: f64 = 0.05;
const LEAST_PAIRS: usize = 30;
/// Results closer than a month tell noise rather than drift.
const LEAST_YEARS: f64 = 1.0 / 12.0;
/// Half-width of a 90 % interval in standard deviations.
const DEVIATIONS: f64 = 1.645;

impl Age {
    /// `values` are logarithms of times, NaN where unknown.
    pub fn new(frame: &Frame, rows: &[&Measurement], values: &[f64]) -> Self {
        let year = |row: &&Measurement| seconds(&row.measured_at).map_or(f64::NAN, |seconds| seconds / SECONDS_IN_YEAR);
        let years: Vec<f64> = rows.iter().map(year).collect();
        let mut newest_of: HashMap<(u32, u32), f64> = HashMap::new();
        let mut newest = f64::NAN;
        for at in (0..frame.known).filter(|at| years[*at].is_finite()) {
            let own = newest_of.entry((frame.hardware.id[at], frame.runtime.id[at])).or_insert(f64::NAN);
            *own = own.max(years[at]);
            newest = newest.max(years[at]);
        }
        let drift = drift(frame, &years, values).unwrap_or(USUAL_DRIFT);
        Self { years, newest_of, newest, drift }
    }

    /// Years between the question and the newest result on its hardware and runtime. A question without a time is one of
    /// the time of the table's newest result.
    pub fn of(&self, frame: &Frame, at: usize) -> f64 {
        let asked = if self.years[at].is_nan() { self.newest } else { self.years[at] };
        let newest = self.newest_of.get(&(frame.hardware.id[at], frame.runtime.id[at])).copied().unwrap_or(f64::NAN);
        (asked - newest).max(0.0)
    }

    /// The half-width of an interval that was checked on results of one time, for a question of another.
    pub fn widened(&self, frame: &Frame, at: usize, half_width: f64) -> f64 {
        half_width.hypot(DEVIATIONS * self.drift * self.of(frame, at).sqrt())
    }
}

/// From the same setting measured at different times: the middle squared change over the time between.
fn drift(frame: &Frame, years: &[f64], values: &[f64]) -> Option<f64> {
    let mut of_cell: HashMap<u32, Vec<(f64, f64)>> = HashMap::new();
    for at in (0..frame.known).filter(|at| years[*at].is_finite() && values[*at].is_finite()) {
        of_cell.entry(frame.cell[at]).or_default().push((years[at], values[at]));
    }
    let mut rates = Vec::new();
    for mut results in of_cell.into_values() {
        results.sort_by(|a, b| a.0.total_cmp(&b.0));
        let apart = results.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1));
        rates.extend(apart.filter(|(years, _)| *years >= LEAST_YEARS).map(|(years, change)| change * change / years));
    }
    if rates.len() < LEAST_PAIRS {
        return None;
    }
    Some(middle_variance(&mut rates).sqrt())
}
