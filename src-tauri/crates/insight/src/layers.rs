//! How long a model of many layers would take, from runs of it with only a few.

use crate::student;
use contract::LayerRun;

/// A time that was not measured, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrapolated {
    pub ms: f64,
    pub low_ms: f64,
    pub high_ms: f64,
}

/// Fewer points than these say nothing of how straight the line is.
const LEAST_POINTS: usize = 3;
/// Of a normal distribution: an interval of 95 % reaches so many deviations to each side.
const REACH: f64 = 1.96;
/// What the interval leaves out on both sides together.
const OUTSIDE: f64 = 0.05;

/// The straight line through the runs, at so many layers.
///
/// The interval is that of one further observation in ordinary least squares, `s √(1 + 1/n + (x − x̄)² / Σ(xᵢ − x̄)²)`
/// times Student's quantile at n − 2 degrees of freedom, where `s` is never taken below the runs' own uncertainty.
/// None for fewer than three different numbers of layers, and where more layers took no longer.
pub fn extrapolate(runs: &[LayerRun], layers: u32) -> Option<Extrapolated> {
    let mut different: Vec<u32> = runs.iter().map(|run| run.layers).collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < LEAST_POINTS {
        return None;
    }
    let n = runs.len() as f64;
    let mean = |of: &dyn Fn(&LayerRun) -> f64| runs.iter().map(of).sum::<f64>() / n;
    let (mean_x, mean_y) = (mean(&|run| f64::from(run.layers)), mean(&|run| run.median_ms));
    let spread = runs.iter().map(|run| (f64::from(run.layers) - mean_x).powi(2)).sum::<f64>();
    let slope =
        runs.iter().map(|run| (f64::from(run.layers) - mean_x) * (run.median_ms - mean_y)).sum::<f64>() / spread;
    if slope <= 0.0 {
        return None;
    }
    let at = |layers: f64| mean_y + slope * (layers - mean_x);
    let left = runs.iter().map(|run| (run.median_ms - at(f64::from(run.layers))).powi(2)).sum::<f64>() / (n - 2.0);
    let own = mean(&|run| ((run.high_ms - run.low_ms) / 2.0 / REACH).powi(2));
    let x = f64::from(layers);
    let error = (left.max(own) * (1.0 + 1.0 / n + (x - mean_x).powi(2) / spread)).sqrt();
    let reach = student::quantile(OUTSIDE, n - 2.0) * error;
    let ms = at(x);
    Some(Extrapolated { ms, low_ms: (ms - reach).max(0.0), high_ms: ms + reach })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(layers: u32, median_ms: f64, half: f64) -> LayerRun {
        LayerRun { layers, median_ms, low_ms: median_ms - half, high_ms: median_ms + half }
    }

    #[test]
    fn a_straight_line_goes_on_within_what_the_runs_are_sure_of() {
        let runs: Vec<LayerRun> = (1..=4).map(|layers| run(layers, 2.0 + 3.0 * f64::from(layers), 0.1)).collect();
        let forecast = extrapolate(&runs, 24).unwrap();
        assert!((forecast.ms - 74.0).abs() < 1e-9);
        // t at 2 degrees of freedom is 4.303, the sum under the root 1 + 1/4 + 21.5² / 5.
        let reach = 4.3027 * (0.1 / 1.96) * (1.25f64 + 21.5 * 21.5 / 5.0).sqrt();
        assert!((forecast.high_ms - forecast.ms - reach).abs() < 1e-3, "{forecast:?} {reach}");
    }

    #[test]
    fn a_bent_line_is_less_sure() {
        let straight: Vec<LayerRun> = (1..=4).map(|layers| run(layers, 3.0 * f64::from(layers), 0.01)).collect();
        let mut bent = straight.clone();
        bent[1].median_ms += 0.5;
        let width =
            |runs: &[LayerRun]| extrapolate(runs, 12).map(|forecast| forecast.high_ms - forecast.low_ms).unwrap();
        assert!(width(&bent) > 5.0 * width(&straight));
    }

    #[test]
    fn too_few_or_shrinking_runs_predict_nothing() {
        assert_eq!(extrapolate(&[run(1, 3.0, 0.1), run(2, 6.0, 0.1), run(2, 6.1, 0.1)], 12), None);
        assert_eq!(extrapolate(&[run(1, 3.0, 0.1), run(2, 2.0, 0.1), run(4, 1.0, 0.1)], 12), None);
    }
}
