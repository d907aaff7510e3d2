//! Calls in turn, timed: warm-up by time and stability, then samples until their median is known well enough.
//!
//! The clock is read right before and right after a call and nothing else happens in between. Statistics, the sentinel
//! kernel and the talk with the parent come between batches of calls.

use crate::statistics;
use contract::StopReason;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// A call on one of the input variants.
pub(crate) type Call<'a, E> = &'a mut dyn FnMut(usize) -> Result<(), E>;

/// With fewer, sampling goes on whatever the budget.
pub const MIN_SAMPLES: usize = 10;
const MIN_TIME: Duration = Duration::from_secs(1);
/// Half the width of the interval, relative to the median, that is narrow enough.
const NARROW: f64 = 0.02;
/// The parent hears of new samples this often; seldom enough not to disturb what is measured.
const BATCH: Duration = Duration::from_millis(200);
/// The first figure is told as soon as this many samples carry it.
const FIRST_BATCH: usize = 3;
pub(crate) const BETWEEN_SENTINELS: Duration = Duration::from_millis(500);
/// Of calls shorter than 0.1 ms only some are timed: ten thousand samples a second tell all that can be told.
const SPACING: Duration = Duration::from_micros(100);
/// A shorter call than this may still find the caches as another process left them.
const COLD: Duration = Duration::from_millis(20);

const SHORTEST_WARM_UP: Duration = Duration::from_millis(300);
const LONGEST_WARM_UP: Duration = Duration::from_secs(3);
/// Warm-up ends when two stretches in a row have medians this close.
const STEADY: f64 = 0.05;

/// What sampling needs besides the call.
pub(crate) struct Sampling {
    pub variants: usize,
    pub budget: Duration,
    /// Seeds the bootstrap.
    pub seed: u64,
}

/// What sampling tells while it goes on.
pub(crate) enum Told<'a> {
    Samples(&'a [f64]),
    Sentinel(f64),
}

/// What a warm-up found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WarmUp {
    pub calls: u32,
    /// Typical time of a call at its end, in milliseconds.
    pub call_ms: f64,
    /// Whether the times had settled when it ended.
    pub steady: bool,
}

/// Calls until the times have settled: at least 0.3 s and three calls, at most 3 s or three calls.
pub(crate) fn warm_up<E>(variants: usize, call: Call<E>, stop: &dyn Fn() -> bool) -> Result<WarmUp, E> {
    let start = Instant::now();
    let mut stretch_before: Option<f64> = None;
    let mut calls = 0;
    loop {
        let stretch = stretch(variants, &mut calls, call, stop)?;
        let steady = stretch_before.is_some_and(|before| (stretch / before - 1.0).abs() < STEADY);
        let elapsed = start.elapsed();
        if stop() || (steady && elapsed >= SHORTEST_WARM_UP) || elapsed >= LONGEST_WARM_UP {
            return Ok(WarmUp { calls, call_ms: stretch, steady });
        }
        stretch_before = Some(stretch);
    }
}

/// The median time of at least three calls and 0.1 s of them.
fn stretch<E>(variants: usize, calls: &mut u32, call: Call<E>, stop: &dyn Fn() -> bool) -> Result<f64, E> {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || start.elapsed() < Duration::from_millis(100) {
        times.push(timed(*calls as usize % variants, call)?);
        *calls += 1;
        if stop() {
            break;
        }
    }
    Ok(statistics::median(&times).expect("at least one call was made"))
}

/// One call in milliseconds.
#[inline]
fn timed<E>(variant: usize, call: Call<E>) -> Result<f64, E> {
    let start = Instant::now();
    call(variant)?;
    Ok(start.elapsed().as_nanos() as f64 / 1e6)
}

/// Calls on the variants in turn. Of calls that are very short only some are timed.
pub(crate) struct Calls {
    variants: usize,
    /// Calls before each that is timed.
    untimed: usize,
    /// Whether the first call after a pause is another than those that follow.
    cold: bool,
    /// Samples that a block holds at least.
    fewest: usize,
    made: usize,
}

impl Calls {
    /// `call_ms` is what a call took at the end of the warm-up.
    pub fn new(variants: usize, call_ms: f64) -> Self {
        let untimed = (SPACING.as_secs_f64() * 1e3 / call_ms.max(1e-5)) as usize;
        let cold_ms = COLD.as_secs_f64() * 1e3;
        // On a busy machine some calls are interrupted; a median of several does not mind. Long calls are interrupted alike.
        let fewest = (2.0 * cold_ms / call_ms.max(1e-5)).clamp(3.0, 5.0) as usize;
        Self { variants, untimed, cold: call_ms < cold_ms, fewest, made: 0 }
    }

    fn next_variant(&mut self) -> usize {
        self.made += 1;
        (self.made - 1) % self.variants
    }

    /// The next sample, in milliseconds.
    fn sample<E>(&mut self, call: Call<E>) -> Result<f64, E> {
        for _ in 0..self.untimed {
            call(self.next_variant())?;
        }
        timed(self.next_variant(), call)
    }

    /// Samples for so long and at least a few, after a pause in which another process had the caches.
    pub fn block<E>(&mut self, length: Duration, call: Call<E>) -> Result<Vec<f64>, E> {
        if self.cold {
            call(self.next_variant())?;
        }
        let start = Instant::now();
        let mut samples = Vec::new();
        while samples.len() < self.fewest || start.elapsed() < length {
            samples.push(self.sample(call)?);
        }
        Ok(samples)
    }
}

/// Samples until the interval of the median is narrow, the budget is spent, or the person stops it.
///
/// Ten samples are taken even where that needs more than the budget. `call_ms` is what a call took at the end of the
/// warm-up. Every sample is handed to `tell`, in the order taken.
pub(crate) fn sample<E>(
    sampling: &Sampling,
    call_ms: f64,
    call: Call<E>,
    stop: &dyn Fn() -> bool,
    sentinel: &mut dyn FnMut() -> f64,
    tell: &mut dyn FnMut(Told),
) -> Result<StopReason, E> {
    let mut calls = Calls::new(sampling.variants, call_ms);
    let mut samples: Vec<f64> = Vec::with_capacity(1 << 14);
    tell(Told::Sentinel(sentinel()));
    let start = Instant::now();
    let (mut last_sentinel, mut told) = (start, 0);
    let reason = loop {
        let batch = Instant::now();
        let wanted = if told == 0 { FIRST_BATCH } else { usize::MAX };
        while !stop() && samples.len() - told < wanted && batch.elapsed() < BATCH {
            samples.push(calls.sample(call)?);
        }
        tell(Told::Samples(&samples[told..]));
        told = samples.len();
        if stop() {
            break StopReason::Stopped;
        }
        let elapsed = start.elapsed();
        if samples.len() >= MIN_SAMPLES {
            if elapsed >= MIN_TIME && narrow(&samples, sampling.seed) {
                break StopReason::Stable;
            }
            if elapsed >= sampling.budget {
                break StopReason::Budget;
            }
        }
        if last_sentinel.elapsed() >= BETWEEN_SENTINELS {
            tell(Told::Sentinel(sentinel()));
            last_sentinel = Instant::now();
        }
    };
    tell(Told::Sentinel(sentinel()));
    Ok(reason)
}

fn narrow(samples: &[f64], seed: u64) -> bool {
    let sorted = statistics::sorted(samples);
    let figures = statistics::median_of_sorted(&sorted).zip(statistics::median_interval_of_sorted(&sorted, seed));
    figures.is_some_and(|(median, interval)| interval.relative_half_width(median) < NARROW)
}

/// What the loop itself adds to a call, in milliseconds: the median time of a call that does nothing.
pub(crate) fn harness_ms() -> f64 {
    let mut nothing = |variant: usize| {
        black_box(variant);
        Ok::<(), std::convert::Infallible>(())
    };
    let call: Call<_> = black_box(&mut nothing);
    let times: Vec<f64> = (0..10_000)
        .map(|i| match timed(i % 4, call) {
            Ok(ms) => ms,
            Err(never) => match never {},
        })
        .collect();
    statistics::median(&times).expect("ten thousand calls were timed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, thread::sleep};

    fn run(
        budget: Duration,
        call: Call<&'static str>,
        stop: &dyn Fn() -> bool,
    ) -> (Result<StopReason, &'static str>, Vec<f64>, usize) {
        let (mut samples, mut sentinels) = (Vec::new(), 0);
        let sampling = Sampling { variants: 4, budget, seed: 1 };
        let reason = sample(&sampling, 1.0, call, stop, &mut || 5.0, &mut |told| match told {
            Told::Samples(new) => samples.extend_from_slice(new),
            Told::Sentinel(_) => sentinels += 1,
        });
        (reason, samples, sentinels)
    }

    #[test]
    fn steady_calls_stop_after_a_second() {
        let start = Instant::now();
        let mut call = |_| {
            sleep(Duration::from_millis(5));
            Ok(())
        };
        let (reason, samples, sentinels) = run(Duration::from_secs(20), &mut call, &|| false);
        assert_eq!(reason, Ok(StopReason::Stable));
        assert!(samples.len() >= MIN_SAMPLES && sentinels >= 3);
        assert!(start.elapsed() >= MIN_TIME);
        assert!(samples.iter().all(|ms| *ms >= 5.0));
    }

    #[test]
    fn erratic_calls_use_the_budget() {
        let mut i = 0_u64;
        let mut call = |_| {
            i += 1;
            sleep(Duration::from_millis(if i.is_multiple_of(2) { 1 } else { 30 }));
            Ok(())
        };
        let (reason, samples, _) = run(Duration::from_millis(1500), &mut call, &|| false);
        assert_eq!(reason, Ok(StopReason::Budget));
        assert!(samples.len() >= MIN_SAMPLES);
    }

    #[test]
    fn ten_samples_are_taken_whatever_the_budget() {
        let mut call = |_| {
            sleep(Duration::from_millis(20));
            Ok(())
        };
        let (reason, samples, _) = run(Duration::ZERO, &mut call, &|| false);
        assert_eq!(reason, Ok(StopReason::Budget));
        assert!(samples.len() >= MIN_SAMPLES);
    }

    #[test]
    fn stopping_keeps_what_was_sampled() {
        let calls = Cell::new(0);
        let mut call = |_| {
            calls.set(calls.get() + 1);
            sleep(Duration::from_millis(2));
            Ok(())
        };
        let (reason, samples, _) = run(Duration::from_secs(20), &mut call, &|| calls.get() >= 20);
        assert_eq!(reason, Ok(StopReason::Stopped));
        assert_eq!(samples.len(), 20);
    }

    #[test]
    fn the_variants_are_called_in_turn() {
        let mut seen = Vec::new();
        let mut call = |variant| {
            seen.push(variant);
            sleep(Duration::from_millis(20));
            Ok(())
        };
        run(Duration::ZERO, &mut call, &|| false).0.unwrap();
        assert!(seen.iter().enumerate().all(|(i, variant)| *variant == i % 4));
    }

    #[test]
    fn a_block_goes_on_with_the_variants_and_does_not_time_its_first_call() {
        let mut seen = Vec::new();
        let mut calls = Calls::new(3, 5.0);
        let mut call = |variant| {
            seen.push(variant);
            sleep(Duration::from_millis(5));
            Ok::<_, &str>(())
        };
        let samples =
            calls.block(Duration::ZERO, &mut call).unwrap().len() + calls.block(COLD, &mut call).unwrap().len();
        assert_eq!(seen.len(), samples + 2);
        assert!(seen.iter().enumerate().all(|(i, variant)| *variant == i % 3), "{seen:?}");
    }

    #[test]
    fn a_failing_call_ends_the_sampling() {
        let mut call = |_| Err("the device is gone");
        assert_eq!(run(Duration::from_secs(1), &mut call, &|| false).0, Err("the device is gone"));
    }

    #[test]
    fn the_first_figure_comes_after_three_calls() {
        let mut first = None;
        let mut call = |_| {
            sleep(Duration::from_millis(30));
            Ok::<_, &str>(())
        };
        let sampling = Sampling { variants: 1, budget: Duration::ZERO, seed: 1 };
        sample(&sampling, 30.0, &mut call, &|| false, &mut || 5.0, &mut |told| {
            if let Told::Samples(new) = told {
                first.get_or_insert(new.len());
            }
        })
        .unwrap();
        assert_eq!(first, Some(FIRST_BATCH));
    }

    #[test]
    fn warming_up_ends_once_the_times_settle() {
        let mut call = |_| {
            sleep(Duration::from_millis(10));
            Ok::<_, &str>(())
        };
        let warm = warm_up(4, &mut call, &|| false).unwrap();
        assert!(warm.steady && warm.call_ms >= 10.0, "{warm:?}");
    }

    #[test]
    fn the_harness_adds_less_than_two_microseconds() {
        assert!(harness_ms() < 0.002);
    }
}
