//! A fixed piece of work whose time should never change: how much it does grades the noise of a session.

use crate::statistics;
use contract::{Noise, NoiseGrade};
use std::{hint::black_box, time::Instant};

/// Chosen for 5 to 10 ms on the processors of 2015 to 2025. The spread of its times grades a session; their size is
/// compared only between sessions on one machine.
const ROUNDS: u32 = 4_000_000;

/// One time of the sentinel kernel, in milliseconds: integer and floating-point work on one thread that stays in
/// registers, so that only the processor's speed and what interrupts it show.
pub(crate) fn sentinel_ms() -> f64 {
    let start = Instant::now();
    black_box(work(black_box(ROUNDS)));
    start.elapsed().as_secs_f64() * 1e3
}

/// Each round waits for the one before, so the compiler can neither drop nor reorder it.
#[inline(never)]
fn work(rounds: u32) -> (u64, f64) {
    let (mut bits, mut sum) = (0x2545_F491_4F6C_DD1D_u64, 1.0_f64);
    for _ in 0..rounds {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        sum = sum * 0.999_999 + (bits >> 63) as f64;
    }
    (bits, sum)
}

/// None with fewer than two times: one says nothing about change.
pub fn grade(sentinel_ms: &[f64]) -> Option<Noise> {
    let sorted = statistics::sorted(sentinel_ms);
    let [smallest, .., largest] = sorted[..] else { return None };
    let spread = (largest - smallest) / statistics::median_of_sorted(&sorted)?;
    Some(Noise { grade: NoiseGrade::of_spread(spread), sentinel_ms: sentinel_ms.to_vec(), spread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_work_gives_the_same_answer() {
        assert_eq!(work(1000), work(1000));
        assert_ne!(work(1000).0, work(1001).0);
    }

    #[test]
    fn the_grade_follows_the_spread() {
        assert_eq!(grade(&[5.0]), None);
        assert_eq!(grade(&[5.0, 5.05, 5.1]).unwrap().grade, NoiseGrade::A);
        assert_eq!(grade(&[5.0, 5.3, 5.1]).unwrap().grade, NoiseGrade::B);
        assert_eq!(grade(&[5.0, 9.0, 5.1]).unwrap().grade, NoiseGrade::D);
    }
}
