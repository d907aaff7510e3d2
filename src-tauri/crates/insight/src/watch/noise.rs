//! How far repeats spread, whatever steps and spikes lie among them.

/// Relative differences below this are not told apart: clocks and printed digits are no finer.
pub const RESOLUTION: f64 = 1e-4;

/// A normal distribution's standard deviation over its median absolute deviation.
const SIGMA_OF_MAD: f64 = 1.4826;

/// The median of at least one value.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

/// Robust standard deviation around the median; 0 with fewer than two values.
pub fn of(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = median(values);
    let away: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    SIGMA_OF_MAD * median(&away)
}

/// Robust standard deviation from each point to the next, which steps between levels hardly touch.
pub fn of_differences(values: &[f64]) -> f64 {
    if values.len() < 3 {
        return 0.0;
    }
    let away: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    SIGMA_OF_MAD * median(&away) / std::f64::consts::SQRT_2
}
