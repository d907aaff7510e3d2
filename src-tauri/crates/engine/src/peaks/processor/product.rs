//! Matrix rate of the processor with the gemm crate, which is candle's own.

use super::{ProcessorOrder, Threads};
use crate::peaks::{
    matrices::{Numbers, WrongProduct, check_product, operations},
    sampler,
    subject::How,
};
use contract::{Peak, PeakKind, Precision};
use gemm::Parallelism;

/// Numbers that the gemm crate multiplies.
pub trait Number: Copy + Send + Sync + 'static {
    fn of(value: f32) -> Self;
    fn value(self) -> f64;
    /// See [`check_product`].
    const TOLERANCE: f64;
}

impl Number for f32 {
    fn of(value: f32) -> Self {
        value
    }

    fn value(self) -> f64 {
        self.into()
    }

    const TOLERANCE: f64 = 1e-3;
}

impl Number for half::f16 {
    fn of(value: f32) -> Self {
        Self::from_f32(value)
    }

    fn value(self) -> f64 {
        self.to_f64()
    }

    const TOLERANCE: f64 = 0.1;
}

pub fn measure<T: Number>(
    order: &ProcessorOrder,
    threads: &Threads,
    precision: Precision,
) -> Result<Peak, WrongProduct> {
    let n = edge(threads.count);
    let mut numbers = Numbers::seeded(1);
    let mut matrix = || -> Vec<T> { numbers.units(n * n).into_iter().map(T::of).collect() };
    let (left, right, mut product) = (matrix(), matrix(), vec![T::of(0.0); n * n]);
    let parallelism = if threads.count > 1 { Parallelism::Rayon(threads.count as usize) } else { Parallelism::None };
    let Ok(seconds) = threads.pool.install(|| {
        sampler::seconds::<std::convert::Infallible>(order.step_secs, |count| {
            for _ in 0..count {
                multiply(n, &left, &right, &mut product, parallelism);
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

fn multiply<T: Number>(n: usize, left: &[T], right: &[T], product: &mut [T], parallelism: Parallelism) {
    assert!([left.len(), right.len(), product.len()].iter().all(|len| *len == n * n), "three n × n matrices");
    let (row, column) = (n as isize, 1);
    let (zero, one) = (T::of(0.0), T::of(1.0));
    // SAFETY: the matrices are n × n in row-major order, as asserted, and the product is borrowed mutably.
    unsafe {
        gemm::gemm(
            n,
            n,
            n,
            product.as_mut_ptr(),
            column,
            row,
            false,
            left.as_ptr(),
            column,
            row,
            right.as_ptr(),
            column,
            row,
            zero,
            one,
            false,
            false,
            false,
            parallelism,
        );
    }
}
