//! How long a model of many layers would take, from runs of it with only a few.

use crate::student;
use contract::{LayerRun, LayerTimes, MedianTime, TokenTimes};

/// Fewer points than these say nothing of how straight the line is.
const LEAST_POINTS: usize = 3;
/// Of a normal distribution: an interval of 95 % reaches so many deviations to each side.
const REACH: f64 = 1.96;
/// What the interval leaves out on both sides together.
const OUTSIDE: f64 = 0.05;

/// Which layers the runs have fewer of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Varied {
    /// Those that every call goes through.
    All,
    /// None that writes a further token: an encoder's, where the decoder has all of its layers in each run.
    BeforeFurtherTokens,
}

/// What all layers would take: each time by itself goes on as a straight line in the number of layers, so that the time
/// of a text stays the sum of those of its tokens as far as medians add up. Where no varied layer writes a further token,
/// its time is that of the runs.
///
/// None for fewer than three different numbers of layers, and where more layers took no longer.
pub fn extrapolate(runs: &[LayerRun], layers: u32, varied: Varied) -> Option<LayerTimes> {
    let mut different: Vec<u32> = runs.iter().map(|run| run.layers).collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < LEAST_POINTS {
        return None;
    }
    let points = |of: &dyn Fn(&LayerTimes) -> Option<MedianTime>| -> Option<Vec<Point>> {
        runs.iter().map(|run| Some(Point { layers: run.layers.into(), time: of(&run.times)? })).collect()
    };
    let layers = f64::from(layers);
    let first = points(&|times| Some(times.tokens?.first));
    let further = points(&|times| Some(times.tokens?.further));
    let tokens = match first.zip(further) {
        None => None,
        Some((first, further)) => Some(TokenTimes {
            first: line(&first, layers)?,
            further: match varied {
                Varied::All => line(&further, layers)?,
                Varied::BeforeFurtherTokens => level(&further),
            },
        }),
    };
    Some(LayerTimes { call: line(&points(&|times| Some(times.call))?, layers)?, tokens })
}

/// A time at some number of layers.
struct Point {
    layers: f64,
    time: MedianTime,
}

/// The straight line of ordinary least squares at so many layers; none where it does not rise.
fn line(points: &[Point], layers: f64) -> Option<MedianTime> {
    let mean = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (mean_x, mean_y) = (mean(&|point| point.layers), mean(&|point| point.time.ms));
    let spread = points.iter().map(|point| (point.layers - mean_x).powi(2)).sum::<f64>();
    let together = points.iter().map(|point| (point.layers - mean_x) * (point.time.ms - mean_y)).sum::<f64>();
    let slope = together / spread;
    let at = |layers: f64| mean_y + slope * (layers - mean_x);
    let farther = (layers - mean_x).powi(2) / spread;
    (slope > 0.0).then(|| further_observation(points, &at, layers, 2.0, farther))
}

/// The mean, where the number of layers changes nothing.
fn level(points: &[Point]) -> MedianTime {
    let mean = points.iter().map(|point| point.time.ms).sum::<f64>() / points.len() as f64;
    further_observation(points, &|_| mean, 0.0, 1.0, 0.0)
}

/// What `at` gives at so many layers, with the interval of one further observation in ordinary least squares,
/// `s √(1 + 1/n + (x − x̄)² / Σ(xᵢ − x̄)²)` times Student's quantile at n − `fitted` degrees of freedom, where `s` is never
/// taken below the runs' own uncertainty. `farther` is the last term under the root.
fn further_observation(
    points: &[Point],
    at: &dyn Fn(f64) -> f64,
    layers: f64,
    fitted: f64,
    farther: f64,
) -> MedianTime {
    let n = points.len() as f64;
    let left = points.iter().map(|point| (point.time.ms - at(point.layers)).powi(2)).sum::<f64>() / (n - fitted);
    let own = points.iter().map(|point| ((point.time.high_ms - point.time.low_ms) / 2.0 / REACH).powi(2));
    let own = own.sum::<f64>() / n;
    let error = (left.max(own) * (1.0 + 1.0 / n + farther)).sqrt();
    let reach = student::quantile(OUTSIDE, n - fitted) * error;
    let ms = at(layers);
    MedianTime { ms, low_ms: (ms - reach).max(0.0), high_ms: ms + reach }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(ms: f64, half: f64) -> MedianTime {
        MedianTime { ms, low_ms: ms - half, high_ms: ms + half }
    }

    fn run(layers: u32, ms: f64, half: f64) -> LayerRun {
        LayerRun { layers, times: LayerTimes { call: time(ms, half), tokens: None } }
    }

    fn whole(runs: &[LayerRun], layers: u32) -> Option<MedianTime> {
        extrapolate(runs, layers, Varied::All).map(|times| times.call)
    }

    #[test]
    fn a_straight_line_goes_on_within_what_the_runs_are_sure_of() {
        let runs: Vec<LayerRun> = (1..=4).map(|layers| run(layers, 2.0 + 3.0 * f64::from(layers), 0.1)).collect();
        let forecast = whole(&runs, 24).unwrap();
        assert!((forecast.ms - 74.0).abs() < 1e-9);
        // t at 2 degrees of freedom is 4.303, the sum under the root 1 + 1/4 + 21.5² / 5.
        let reach = 4.3027 * (0.1 / 1.96) * (1.25f64 + 21.5 * 21.5 / 5.0).sqrt();
        assert!((forecast.high_ms - forecast.ms - reach).abs() < 1e-3, "{forecast:?} {reach}");
    }

    #[test]
    fn a_bent_line_is_less_sure() {
        let straight: Vec<LayerRun> = (1..=4).map(|layers| run(layers, 3.0 * f64::from(layers), 0.01)).collect();
        let mut bent = straight.clone();
        bent[1].times.call.ms += 0.5;
        let width = |runs: &[LayerRun]| whole(runs, 12).map(|forecast| forecast.high_ms - forecast.low_ms).unwrap();
        assert!(width(&bent) > 5.0 * width(&straight));
    }

    #[test]
    fn too_few_or_shrinking_runs_predict_nothing() {
        assert_eq!(whole(&[run(1, 3.0, 0.1), run(2, 6.0, 0.1), run(2, 6.1, 0.1)], 12), None);
        assert_eq!(whole(&[run(1, 3.0, 0.1), run(2, 2.0, 0.1), run(4, 1.0, 0.1)], 12), None);
    }

    /// Of 32 tokens: the first after `first`, each further one after `further`.
    fn text(layers: u32, first: f64, further: f64) -> LayerRun {
        let tokens = TokenTimes { first: time(first, 0.2), further: time(further, 0.01) };
        LayerRun { layers, times: LayerTimes { call: time(first + 31.0 * further, 0.5), tokens: Some(tokens) } }
    }

    #[test]
    fn the_first_token_and_each_further_one_go_on_by_themselves_and_add_up_to_the_text() {
        // Neither line is quite straight.
        let bends = [0.03, -0.02, 0.01, 0.02];
        let bent = |layers: u32| bends[layers as usize - 1];
        let of = |layers: u32| {
            let many = f64::from(layers);
            text(layers, 5.0 + 20.0 * many + bent(layers), 1.0 + 2.0 * many - bent(layers))
        };
        let runs: Vec<LayerRun> = (1..=4).map(of).collect();
        let LayerTimes { call, tokens } = extrapolate(&runs, 32, Varied::All).unwrap();
        let TokenTimes { first, further } = tokens.unwrap();
        for (found, true_ms) in [(first, 645.0), (further, 65.0), (call, 645.0 + 31.0 * 65.0)] {
            assert!(found.low_ms < true_ms && true_ms < found.high_ms, "{found:?} {true_ms}");
            assert!((found.ms / true_ms - 1.0).abs() < 0.01, "{found:?} {true_ms}");
        }
        assert!((call.ms - first.ms - 31.0 * further.ms).abs() < 1e-6, "{call:?} {first:?} {further:?}");
        let shrinking = [text(1, 5.0, 3.0), text(2, 9.0, 2.9), text(3, 13.0, 2.8)];
        assert_eq!(extrapolate(&shrinking, 32, Varied::All), None);
    }

    #[test]
    fn a_decoder_that_is_whole_in_each_run_takes_as_long_for_a_token_as_it_did() {
        let runs = [text(1, 20.0, 4.0), text(2, 40.0, 4.1), text(3, 60.0, 3.9), text(4, 80.0, 4.0)];
        let times = extrapolate(&runs, 32, Varied::BeforeFurtherTokens).unwrap();
        let TokenTimes { first, further } = times.tokens.unwrap();
        assert!((first.ms - 640.0).abs() < 1e-6 && (further.ms - 4.0).abs() < 1e-9, "{times:?}");
        // t at 3 degrees of freedom is 3.182; what is left is ±0.1 twice, the sum under the root 1 + 1/4.
        let reach = 3.1824 * (0.02f64 / 3.0 * 1.25).sqrt();
        assert!((further.high_ms - further.ms - reach).abs() < 1e-3, "{further:?} {reach}");
    }
}
