//! Matrix rate of the processor with the gemm crate, which is candle's own.

use super::{ProcessorOrder, Threads};
use crate::{
    peaks::{
        matrices::{Numbers, WrongProduct, check_product, operations},
        sampler,
        subject::How,
    },
    product::{Number, Rows, multiply, parallelism},
};
use contract::{Peak, PeakKind, Precision};

/// Numbers whose rate is measured.
pub(crate) trait Rated: Number {
    /// See [`check_product`].
    const TOLERANCE: f64;
}

impl Rated for f32 {
    const TOLERANCE: f64 = 1e-3;
}

impl Rated for half::f16 {
    const TOLERANCE: f64 = 0.1;
}

pub fn measure<T: Rated>(
    order: &ProcessorOrder,
    threads: &Threads,
    precision: Precision,
) -> Result<Peak, WrongProduct> {
    let n = edge(threads.count);
    let mut numbers = Numbers::seeded(1);
    let mut matrix = || -> Vec<T> { numbers.units(n * n).into_iter().map(T::of).collect() };
    let (left, right, mut product) = (matrix(), matrix(), vec![T::of(0.0); n * n]);
    let Ok(seconds) = threads.pool.install(|| {
        let parallelism = parallelism();
        sampler::seconds::<std::convert::Infallible>(order.step_secs, |count| {
            for _ in 0..count {
                let square = |numbers| Rows::dense(numbers, n, n);
                multiply(square(&left[..]), square(&right[..]), Rows::dense(&mut product[..], n, n), parallelism);
            }
            Ok(())
        })
    });
    let at = |matrix: &[T], row: usize, column: usize| matrix[row * n + column].value();
    check_product(n, T::TOLERANCE, |r, k| at(&left, r, k), |k, c| at(&right, k, c), |r, c| at(&product, r, c))?;
    let method = format!("the gemm crate, {n}×{n}×{n}, {}", threads.words());
    let how = How { precision: Some(precision), threads: Some(threads.count), method };
    Ok(order.subject.rate(PeakKind::MatrixRate, operations(n), &seconds, how))
}

/// Large enough to keep every thread busy, small enough for several samples within a second.
fn edge(threads: u32) -> usize {
    match threads {
        0..=4 => 1024,
        5..=16 => 2048,
        17..=64 => 3072,
        _ => 4096,
    }
}
