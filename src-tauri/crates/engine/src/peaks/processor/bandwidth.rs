//! Memory bandwidth: three kernels over arrays far larger than the caches; the fastest one counts.

use super::{ProcessorOrder, Threads, bandwidth_peak};
use crate::{
    inventory::binary_size,
    peaks::{envelope, sampler},
};
use contract::Peak;
use std::convert::Infallible;

/// Numbers in each of the three arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub numbers: usize,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "arrays of {} would be read from {} of cache, and larger ones would take too much memory",
    binary_size(*array_bytes),
    binary_size(*cache_bytes)
)]
pub struct WithinCache {
    array_bytes: u64,
    cache_bytes: u64,
}

impl Sizes {
    /// Each array is four times the last-level cache, so that at most a small part of a pass can come from it; all three
    /// together take no more than an eighth of the memory.
    ///
    /// # Errors
    /// Where that leaves an array, which is all that the sum reads, less than twice the cache.
    pub fn beyond(cache_bytes: Option<u64>, memory_bytes: u64) -> Result<Self, WithinCache> {
        const SMALLEST: u64 = 64 << 20;
        const LARGEST: u64 = 2 << 30;
        let wanted = cache_bytes.unwrap_or(SMALLEST).saturating_mul(4).clamp(SMALLEST, LARGEST);
        let bytes = wanted.min(memory_bytes / 24);
        match cache_bytes.filter(|cache| bytes / 2 < *cache) {
            Some(cache_bytes) => Err(WithinCache { array_bytes: bytes, cache_bytes }),
            None => Ok(Self { numbers: usize::try_from(bytes / 8).unwrap_or(usize::MAX) }),
        }
    }

    fn bytes(self) -> f64 {
        self.numbers as f64 * 8.0
    }
}

pub fn measure(order: &ProcessorOrder, threads: &Threads, sizes: Sizes) -> Peak {
    let mut arrays = Arrays::touched_by(threads, sizes);
    let secs = order.step_secs / 3.0;
    let words = |kernel: &str, counted: &str| {
        let each = binary_size(sizes.bytes() as u64);
        format!("{kernel} over arrays of {each}, {}; {counted} counted", threads.words())
    };
    let Ok(triad) = sampler::seconds::<Infallible>(secs, |count| arrays.repeat(threads, count, triad));
    let Ok(copy) = sampler::seconds::<Infallible>(secs, |count| arrays.repeat(threads, count, copy));
    let Ok(read) = sampler::seconds::<Infallible>(secs, |count| arrays.repeat(threads, count, read));
    let measured = vec![
        bandwidth_peak(
            order,
            threads,
            3.0 * sizes.bytes(),
            &triad,
            words("a triad (a = b + s·c)", "two reads and a write"),
        ),
        bandwidth_peak(order, threads, 2.0 * sizes.bytes(), &copy, words("a copy", "a read and a write")),
        bandwidth_peak(order, threads, sizes.bytes(), &read, words("a sum", "the read")),
    ];
    envelope::best_of(measured).swap_remove(0)
}

struct Arrays {
    /// A part for each thread: the thread that uses it has touched it first, so it lies in the memory nearest to it.
    parts: Vec<Part>,
}

struct Part {
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
}

impl Arrays {
    fn touched_by(threads: &Threads, sizes: Sizes) -> Self {
        let len = (sizes.numbers / threads.count as usize).next_multiple_of(8);
        let parts = threads.pool.broadcast(|_| Part { a: vec![1.0; len], b: vec![2.0; len], c: vec![0.5; len] });
        Self { parts }
    }

    fn repeat(&mut self, threads: &Threads, count: u32, kernel: fn(&mut Part)) -> Result<(), Infallible> {
        for _ in 0..count {
            threads.pool.scope(|scope| {
                for part in &mut self.parts {
                    scope.spawn(move |_| kernel(part));
                }
            });
        }
        Ok(())
    }
}

/// STREAM's triad (McCalpin 1995). The read that a cache makes of a line before writing it is not counted.
fn triad(part: &mut Part) {
    let scale = std::hint::black_box(3.0);
    let (a, b, c) = (part.a.as_chunks_mut::<8>().0, part.b.as_chunks::<8>().0, part.c.as_chunks::<8>().0);
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = std::array::from_fn(|lane| b[lane] + scale * c[lane]);
    }
    std::hint::black_box(a);
}

fn copy(part: &mut Part) {
    part.a.copy_from_slice(&part.b);
    std::hint::black_box(&part.a);
}

/// Eight sums at once: one alone would wait for each addition.
fn read(part: &mut Part) {
    let mut sums = [0.0; 8];
    for numbers in part.b.as_chunks::<8>().0 {
        sums = std::array::from_fn(|lane| sums[lane] + numbers[lane]);
    }
    std::hint::black_box(sums);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_exceed_the_cache_and_leave_the_memory_free() {
        let bytes =
            |cache_bytes, memory_bytes| Sizes::beyond(cache_bytes, memory_bytes).map(|sizes| sizes.numbers as u64 * 8);
        assert_eq!(bytes(Some(32 << 20), 24 << 30), Ok(128 << 20));
        assert_eq!(bytes(None, 24 << 30), Ok(256 << 20));
        assert_eq!(bytes(Some(64 << 20), 3 << 30), Ok(128 << 20));
        let refusal = bytes(Some(256 << 20), 6 << 30).unwrap_err().to_string();
        assert!(refusal.contains("256 MiB of cache"), "{refusal}");
    }

    #[test]
    fn the_kernels_do_what_they_count() {
        let mut part = Part { a: vec![0.0; 16], b: vec![2.0; 16], c: vec![0.5; 16] };
        triad(&mut part);
        assert_eq!(part.a, [3.5; 16]);
        copy(&mut part);
        assert_eq!(part.a, [2.0; 16]);
    }
}
