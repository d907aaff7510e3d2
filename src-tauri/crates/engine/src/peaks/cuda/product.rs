//! Matrix rate of a GPU with cuBLAS, in each format its tensor cores have.

use super::{
    CudaError, CudaOrder, Gpu,
    blas::{Arithmetic, Blas},
};
use crate::peaks::{
    envelope,
    matrices::{Numbers, check_product, operations},
    sampler,
    subject::How,
};
use contract::{Peak, PeakKind, Precision};
use cudarc::driver::{CudaSlice, DevicePtr, DevicePtrMut};

/// The fastest arithmetic of the precision that engines may choose counts; the others are named beside it.
pub fn measure(order: &CudaOrder, gpu: &Gpu, blas: &Blas, precision: Precision) -> Result<Peak, CudaError> {
    let kinds: &[(Arithmetic, f64)] = match precision {
        Precision::F32 => &[(Arithmetic::F32, 1e-3), (Arithmetic::TF32, 5e-3)],
        Precision::F16 => &[(Arithmetic::F16, 2e-2), (Arithmetic::F16_SUMS, 0.2)],
        Precision::Bf16 => &[(Arithmetic::BF16, 3e-2)],
        Precision::Int8 | Precision::Int8Static | Precision::Int4 => &[(Arithmetic::INT8, 1e-6)],
    };
    let n = edge(gpu.free_bytes);
    let mut product = Product::seeded(gpu, n, precision)?;
    let secs = order.step_secs / kinds.len() as f64;
    let mut peaks = Vec::new();
    for (arithmetic, tolerance) in kinds {
        let seconds = product.times(gpu, blas, *arithmetic, secs)?;
        product.check(gpu, *tolerance)?;
        let method = format!("cuBLAS {}, {n}×{n}×{n}, {}", blas.version, arithmetic.words);
        let how = How { precision: Some(precision), threads: None, method };
        peaks.push(order.subject.rate(PeakKind::MatrixRate, operations(n), &seconds, how));
    }
    let others: Vec<(f64, &str)> =
        peaks.iter().map(|peak| peak.best).zip(kinds.iter().map(|(kind, _)| kind.words)).collect();
    let mut best = envelope::best_of(peaks).swap_remove(0);
    for (rate, words) in others.into_iter().filter(|(rate, _)| *rate < best.best) {
        best.method = format!("{}; {words}: {:.3} Tops/s", best.method, rate / 1e12);
    }
    Ok(best)
}

/// Large enough to fill every multiprocessor several times over.
fn edge(free_bytes: u64) -> usize {
    match free_bytes >> 30 {
        0 => 1024,
        1..=3 => 4096,
        _ => 8192,
    }
}

/// Buffers as bytes: the same code serves every format.
struct Product {
    n: usize,
    precision: Precision,
    /// Row by row.
    left: Vec<f32>,
    /// Column by column.
    right: Vec<f32>,
    on_device: [CudaSlice<u8>; 3],
}

impl Product {
    fn seeded(gpu: &Gpu, n: usize, precision: Precision) -> Result<Self, CudaError> {
        let mut numbers = Numbers::seeded(4);
        // The numbers are multiples of 1/128: as integers they go from −128 to 127.
        let scale = if precision == Precision::Int8 { 128.0 } else { 1.0 };
        let mut matrix = || -> Vec<f32> { numbers.units(n * n).into_iter().map(|x| x * scale).collect() };
        let (left, right) = (matrix(), matrix());
        let entry = if matches!(precision, Precision::F32 | Precision::Int8) { 4 } else { 2 };
        let on_device = [
            gpu.stream.clone_htod(&encode(&left, precision))?,
            gpu.stream.clone_htod(&encode(&right, precision))?,
            gpu.stream.alloc_zeros::<u8>(n * n * entry)?,
        ];
        Ok(Self { n, precision, left, right, on_device })
    }

    fn times(&mut self, gpu: &Gpu, blas: &Blas, arithmetic: Arithmetic, secs: f64) -> Result<Vec<f64>, CudaError> {
        // Zeros again, so that a product which never ran is not mistaken for the one before it.
        gpu.stream.memset_zeros(&mut self.on_device[2])?;
        let n = self.n;
        let [left, right, product] = &mut self.on_device;
        let (left, _left_use) = left.device_ptr(&gpu.stream);
        let (right, _right_use) = right.device_ptr(&gpu.stream);
        let (product, _product_use) = product.device_ptr_mut(&gpu.stream);
        sampler::seconds(secs, |count| {
            for _ in 0..count {
                // SAFETY: n × n numbers each, in the formats that `encode` and `seeded` made for this arithmetic; waited for below.
                unsafe { blas.multiply(n, arithmetic, left, right, product)? };
            }
            gpu.wait()
        })
    }

    fn check(&self, gpu: &Gpu, tolerance: f64) -> Result<(), CudaError> {
        let n = self.n;
        let values = gpu.stream.clone_dtoh(&self.on_device[2])?;
        let left = |row: usize, k: usize| f64::from(self.left[row * n + k]);
        let right = |k: usize, column: usize| f64::from(self.right[column * n + k]);
        check_product(n, tolerance, left, right, |row, column| entry(&values, self.precision, column * n + row))?;
        Ok(())
    }
}

/// In the byte order of this machine, which is the GPU's.
fn encode(values: &[f32], precision: Precision) -> Vec<u8> {
    fn bytes<T: bytemuck::NoUninit>(values: &[f32], of: impl Fn(f32) -> T) -> Vec<u8> {
        let values: Vec<T> = values.iter().map(|value| of(*value)).collect();
        bytemuck::cast_slice(&values).to_vec()
    }
    match precision {
        Precision::F16 => bytes(values, half::f16::from_f32),
        Precision::Bf16 => bytes(values, half::bf16::from_f32),
        Precision::Int8 | Precision::Int8Static | Precision::Int4 => bytes(values, |value| value as i8),
        Precision::F32 => bytes(values, |value| value),
    }
}

/// One number of the product: int8 factors sum up in int32.
fn entry(product: &[u8], precision: Precision, place: usize) -> f64 {
    fn read<T: bytemuck::AnyBitPattern>(product: &[u8], place: usize) -> T {
        bytemuck::pod_read_unaligned(&product[place * size_of::<T>()..(place + 1) * size_of::<T>()])
    }
    match precision {
        Precision::F16 => read::<half::f16>(product, place).to_f64(),
        Precision::Bf16 => read::<half::bf16>(product, place).to_f64(),
        Precision::Int8 | Precision::Int8Static | Precision::Int4 => read::<i32>(product, place).into(),
        Precision::F32 => read::<f32>(product, place).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_holds_the_numbers_exactly() {
        let values = [-1.0, -0.5, 0.0, 0.9921875];
        for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
            let encoded = encode(&values, precision);
            let back: Vec<f64> = (0..values.len()).map(|place| entry(&encoded, precision, place)).collect();
            assert_eq!(back, values.map(f64::from), "{precision}");
        }
        assert_eq!(encode(&[-64.0, 63.0], Precision::Int8), [192, 63]);
    }
}
