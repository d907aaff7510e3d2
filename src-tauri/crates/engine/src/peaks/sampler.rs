//! Times of a piece of work, taken until its time is up.

use std::time::{Duration, Instant};

/// A sample this long is not shortened by the clock's resolution or by one interruption.
const SHORTEST_SAMPLE: f64 = 0.01;

const MOST_SAMPLES: usize = 200;
const FEWEST_SAMPLES: usize = 3;

/// Seconds of one repetition, a sample each. `work(n)` repeats the work n times and returns when the last is complete.
///
/// The first tenth of the time warms up: pages are touched, code is compiled, clocks rise.
pub fn seconds<E>(budget_secs: f64, mut work: impl FnMut(u32) -> Result<(), E>) -> Result<Vec<f64>, E> {
    let mut timed = |count: u32| -> Result<f64, E> {
        let begun = Instant::now();
        work(count)?;
        Ok(begun.elapsed().as_secs_f64() / f64::from(count))
    };
    let begun = Instant::now();
    let mut once = timed(1)?;
    while begun.elapsed().as_secs_f64() < budget_secs / 10.0 {
        // An interrupted repetition must not make the samples short.
        once = once.min(timed(1)?);
    }
    let count = (SHORTEST_SAMPLE / once.max(1e-9)).ceil().clamp(1.0, 100_000.0) as u32;
    let end = Instant::now() + Duration::from_secs_f64(budget_secs * 0.9);
    let mut samples = Vec::new();
    while samples.len() < FEWEST_SAMPLES || (samples.len() < MOST_SAMPLES && Instant::now() < end) {
        samples.push(timed(count)?);
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_repeated_within_a_sample() {
        let mut most = 0;
        let samples = seconds::<()>(0.1, |count| {
            most = most.max(count);
            for _ in 0..count {
                std::hint::black_box((0..50).sum::<u32>());
            }
            Ok(())
        });
        let samples = samples.unwrap();
        assert!(most > 100, "repeated {most} times");
        assert!(samples.len() >= 3 && samples.iter().all(|secs| *secs > 0.0 && *secs < 1e-3));
    }

    #[test]
    fn long_work_still_gives_three_samples() {
        let samples = seconds::<()>(0.01, |_| {
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        });
        assert_eq!(samples.unwrap().len(), 3);
    }

    #[test]
    fn a_failure_ends_the_sampling() {
        assert_eq!(seconds(0.1, |_| Err("the device is lost")), Err("the device is lost"));
    }
}
