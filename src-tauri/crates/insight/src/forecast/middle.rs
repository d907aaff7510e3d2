//! The middle of numbers, which those far out do not move.

/// The middle of a squared standard normal.
const MIDDLE_SQUARE: f64 = 0.455;

/// The middle one of at least one value, the upper of two; the values change places.
pub fn middle(values: &mut [f64]) -> f64 {
    let place = values.len() / 2;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The variance of deviations whose squares these are, told by the middle one; they change places.
pub fn middle_variance(squares: &mut [f64]) -> f64 {
    middle(squares) / MIDDLE_SQUARE
}
