//! How time grows over a sweep of one quantity: what it is made of, and where growing stops paying.
//!
//! A call on a batch takes a fixed time and some for each sample; on a text some for each token and for each pair of
//! tokens (attention); on threads a part that is shared and one that is not (Amdahl 1967, "Validity of the single
//! processor approach"). Each is a sum of known shapes, fitted by least squares of relative errors, because short and
//! long times are measured equally well in percent.

use crate::{forecast::linear::Cholesky, student};
use contract::{Knee, Run, ScaleOver, Scaling, ScalingTerm};

/// Of the rate that could be reached at most; beyond it a larger batch hardly pays.
const MOST_OF_IT: f64 = 0.9;
/// A doubling of threads that gains less than this hardly pays.
const LEAST_GAIN: f64 = 1.1;
const CONFIDENCE: f64 = 0.95;

/// A point of a sweep: the quantity and the time of a call in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: f64,
    pub ms: f64,
}

/// The scaling of results that differ in one quantity only; none where they differ in more, or are too few.
pub fn of_runs(runs: &[Run]) -> Option<Scaling> {
    let first = runs.first()?;
    let over = [ScaleOver::Batch, ScaleOver::Size, ScaleOver::Threads].into_iter().find(|over| {
        let others_agree = runs.iter().all(|run| rest(run, *over) == rest(first, *over));
        others_agree && runs.iter().any(|run| quantity(run, *over) != quantity(first, *over))
    })?;
    let unit = first.model.size_unit.filter(|_| over == ScaleOver::Size);
    let secs = |size: u32| unit.and_then(|unit| unit.secs(size));
    let points: Option<Vec<Point>> = runs
        .iter()
        .map(|run| {
            let quantity = quantity(run, over)?;
            let at = secs(quantity).unwrap_or_else(|| f64::from(quantity));
            Some(Point { at, ms: run.timing.as_ref()?.median_ms })
        })
        .collect();
    let scaling = fit(over, &points?)?;
    Some(if secs(0).is_some() { of_sound(scaling) } else { scaling })
}

/// The same where sizes are seconds of sound.
fn of_sound(mut scaling: Scaling) -> Scaling {
    let told = |text: &str| text.replace("tokens", "seconds of sound").replace("token", "second of sound");
    for term in &mut scaling.terms {
        term.name = told(&term.name);
    }
    if let Some(knee) = &mut scaling.knee {
        knee.meaning = told(&knee.meaning);
    }
    scaling
}

fn quantity(run: &Run, over: ScaleOver) -> Option<u32> {
    match over {
        ScaleOver::Batch => Some(run.setting.batch),
        ScaleOver::Size => run.setting.size,
        ScaleOver::Threads => run.effective.threads,
    }
}

/// All that must be the same over a sweep.
fn rest(run: &Run, over: ScaleOver) -> impl PartialEq {
    let other = |this: ScaleOver| if this == over { None } else { quantity(run, this) };
    (
        (run.model.name.clone(), run.setting.engine.clone(), run.setting.device.clone(), run.setting.mode),
        (run.effective.precision, run.effective.engine_version.clone(), run.environment.machine.clone()),
        [other(ScaleOver::Batch), other(ScaleOver::Size), other(ScaleOver::Threads)],
        run.setting.dims.clone(),
    )
}

/// None with fewer than three different quantities, or fewer than the terms need.
pub fn fit(over: ScaleOver, points: &[Point]) -> Option<Scaling> {
    let mut different: Vec<f64> = points.iter().map(|point| point.at).collect();
    different.sort_unstable_by(f64::total_cmp);
    different.dedup();
    let names: &[&str] = match over {
        ScaleOver::Batch => &["fixed", "for each sample"],
        ScaleOver::Threads => &["not shared", "shared among threads"],
        // A fixed part, a part for each token and one for each pair cannot be told apart by three sizes.
        ScaleOver::Size if different.len() > 3 => &["fixed", "for each token", "for each pair of tokens"],
        ScaleOver::Size => &["fixed", "for each token"],
    };
    if different.len() < 3 || points.len() < names.len() {
        return None;
    }
    let shape = |at: f64| match over {
        ScaleOver::Batch => vec![1.0, at],
        ScaleOver::Threads => vec![1.0, 1.0 / at],
        ScaleOver::Size => [1.0, at, at * at][..names.len()].to_vec(),
    };
    let fitted = least_squares(points, &shape);
    let misfit = |point: &Point| {
        let told: f64 = shape(point.at).iter().zip(&fitted).map(|(shape, term)| shape * term.0).sum();
        (told / point.ms - 1.0).abs()
    };
    Some(Scaling {
        over,
        worst_misfit: points.iter().map(misfit).fold(0.0, f64::max),
        knee: knee(over, &fitted),
        terms: names
            .iter()
            .zip(&fitted)
            .map(|(name, (ms, half))| ScalingTerm {
                name: (*name).to_owned(),
                ms: *ms,
                low_ms: half.map(|half| ms - half),
                high_ms: half.map(|half| ms + half),
            })
            .collect(),
    })
}

/// Each coefficient with half its interval, for errors relative to the times.
fn least_squares(points: &[Point], shape: &dyn Fn(f64) -> Vec<f64>) -> Vec<(f64, Option<f64>)> {
    let rows: Vec<Vec<f64>> =
        points.iter().map(|point| shape(point.at).iter().map(|value| value / point.ms).collect()).collect();
    let width = rows[0].len();
    // Columns of one size keep the squares of sizes from drowning the rest.
    let scale: Vec<f64> = (0..width).map(|j| rows.iter().map(|row| row[j] * row[j]).sum::<f64>().sqrt()).collect();
    let scaled: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().zip(&scale).map(|(value, scale)| value / scale).collect()).collect();
    let mut normal = vec![0.0; width * width];
    let mut right = vec![0.0; width];
    for row in &scaled {
        for i in 0..width {
            right[i] += row[i];
            for j in 0..width {
                normal[i * width + j] += row[i] * row[j];
            }
        }
    }
    let factor = Cholesky::new(normal, width);
    factor.solve(&mut right);
    let inverse = factor.inverse();
    let freedom = points.len() - width;
    let squares: f64 =
        scaled.iter().map(|row| (1.0 - row.iter().zip(&right).map(|(a, b)| a * b).sum::<f64>()).powi(2)).sum();
    (0..width)
        .map(|j| {
            let half = (freedom > 0).then(|| {
                let error = (squares / freedom as f64 * inverse[j * width + j]).max(0.0).sqrt();
                student::quantile(1.0 - CONFIDENCE, freedom as f64) * error / scale[j]
            });
            (right[j] / scale[j], half)
        })
        .collect()
}

/// Where it stops paying, with the interval that those of the terms allow.
fn knee(over: ScaleOver, terms: &[(f64, Option<f64>)]) -> Option<Knee> {
    let end = |ms: f64, half: Option<f64>, sign: f64| Some((ms + sign * half?).max(0.0));
    let (fixed, half_fixed) = terms[0];
    let (each, half_each) = terms[1];
    let of = |place: &dyn Fn(f64, f64) -> f64, first: (f64, Option<f64>), second: (f64, Option<f64>)| {
        let at = place(first.0, second.0);
        let bound = |sign: f64| {
            let end = place(end(first.0, first.1, sign)?, end(second.0, second.1, -sign)?);
            end.is_finite().then_some(end)
        };
        (at.is_finite() && at > 0.0).then(|| (at, bound(-1.0), bound(1.0)))
    };
    let (found, meaning) = match over {
        // samples per ms = b / (fixed + each·b) reaches its share s at b = s/(1 − s) · fixed/each.
        ScaleOver::Batch => (
            of(&|fixed, each| MOST_OF_IT / (1.0 - MOST_OF_IT) * fixed / each, (fixed, half_fixed), (each, half_each)),
            "from here on a larger batch gains at most a tenth more samples a second",
        ),
        // (alone + shared/p) / (alone + shared/2p) falls to g at p = shared·(1 − g/2) / (alone·(g − 1)).
        ScaleOver::Threads => (
            of(
                &|shared, alone| shared * (1.0 - LEAST_GAIN / 2.0) / (alone * (LEAST_GAIN - 1.0)),
                (each, half_each),
                (fixed, half_fixed),
            ),
            "from here on twice the threads gain less than a tenth",
        ),
        ScaleOver::Size => {
            let (pair, half_pair) = *terms.get(2)?;
            (
                of(&|each, pair| each / pair, (each, half_each), (pair, half_pair)),
                "from here on the pairs of tokens take longer than the tokens themselves",
            )
        }
    };
    let (at, low, high) = found?;
    Some(Knee { at, low, high, meaning: meaning.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(ats: &[f64], ms: impl Fn(f64) -> f64) -> Vec<Point> {
        ats.iter().map(|at| Point { at: *at, ms: ms(*at) }).collect()
    }

    proptest! {
        #[test]
        fn the_terms_of_a_batch_are_found(fixed in 0.01..10.0_f64, each in 0.01..10.0_f64) {
            let scaling = fit(ScaleOver::Batch, &points(&[1.0, 2.0, 4.0, 8.0], |b| fixed + each * b)).unwrap();
            prop_assert!((scaling.terms[0].ms / fixed - 1.0).abs() < 1e-6);
            prop_assert!((scaling.terms[1].ms / each - 1.0).abs() < 1e-6);
            prop_assert!(scaling.worst_misfit < 1e-9);
            let knee = scaling.knee.unwrap();
            let rate = knee.at / (fixed + each * knee.at) * each;
            prop_assert!((rate - 0.9).abs() < 1e-6, "{}", rate);
        }

        #[test]
        fn the_knee_of_threads_is_where_doubling_gains_a_tenth(alone in 0.1..10.0_f64, shared in 0.1..100.0_f64) {
            let time = |p: f64| alone + shared / p;
            let knee = fit(ScaleOver::Threads, &points(&[1.0, 2.0, 4.0], time)).unwrap().knee.unwrap();
            prop_assert!((time(knee.at) / time(2.0 * knee.at) - 1.1).abs() < 1e-6);
        }
    }

    #[test]
    fn attention_shows_from_four_sizes_on() {
        let time = |n: f64| 1.0 + 0.1 * n + 0.001 * n * n;
        let scaling = fit(ScaleOver::Size, &points(&[16.0, 32.0, 64.0, 128.0, 256.0], time)).unwrap();
        assert!((scaling.terms[2].ms / 0.001 - 1.0).abs() < 1e-6);
        assert!((scaling.knee.unwrap().at / 100.0 - 1.0).abs() < 1e-6);
        assert_eq!(fit(ScaleOver::Size, &points(&[16.0, 32.0, 64.0], time)).unwrap().terms.len(), 2);
    }

    #[test]
    fn sound_is_told_in_seconds() {
        let time = |secs: f64| 5.0 + 2.0 * secs + 0.1 * secs * secs;
        let scaling = of_sound(fit(ScaleOver::Size, &points(&[1.0, 5.0, 10.0, 30.0], time)).unwrap());
        let names: Vec<&str> = scaling.terms.iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names, ["fixed", "for each second of sound", "for each pair of seconds of sound"]);
        let knee = scaling.knee.unwrap();
        assert!((knee.at / 20.0 - 1.0).abs() < 1e-6);
        assert!(knee.meaning.contains("pairs of seconds of sound take longer"), "{}", knee.meaning);
    }

    #[test]
    fn an_interval_holds_the_truth_when_times_are_off_by_a_percent() {
        let off = [1.01, 0.99, 1.005, 0.995, 1.01, 0.99];
        let ats = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        let noisy: Vec<Point> =
            ats.iter().zip(off).map(|(at, off)| Point { at: *at, ms: (5.0 + 2.0 * at) * off }).collect();
        let term = &fit(ScaleOver::Batch, &noisy).unwrap().terms[1];
        assert!(term.low_ms.unwrap() < 2.0 && 2.0 < term.high_ms.unwrap(), "{term:?}");
    }

    #[test]
    fn two_points_are_no_sweep() {
        assert_eq!(fit(ScaleOver::Batch, &points(&[1.0, 2.0], |b| b)), None);
    }
}
