//! Matrix rate of a GPU through a tiled product in WGSL, checked against the processor before it is published.

use super::{
    AdapterOrder,
    gpu::{Gpu, GpuError},
};
use crate::peaks::{
    matrices::{Numbers, check_product, operations},
    sampler,
    subject::How,
};
use contract::{Peak, PeakKind, Precision};
use std::time::{Duration, Instant};

const SHADER: &str = include_str!("product.wgsl");
const INTEGER_SHADER: &str = include_str!("integer_product.wgsl");
const TILE: u32 = 64;

pub fn measure(order: &AdapterOrder, gpu: &Gpu, precision: Precision) -> Result<Peak, GpuError> {
    let format = Format::of(precision);
    if format == Format::Half && !gpu.has_f16() {
        return Err(GpuError::NoF16);
    }
    // The largest product of which one takes no longer than a tenth of the step; a slow device stays with the smallest.
    let longest = Duration::from_secs_f64(order.step_secs / 10.0);
    let mut product = Product::seeded(gpu, 256, format)?;
    for n in [512, 1024, 2048, 4096] {
        let once = product.time_once(gpu)?;
        if once * 8 > longest || !format.fits(gpu, n) {
            break;
        }
        product = Product::seeded(gpu, n, format)?;
    }
    product.run(gpu, 1)?;
    product.check(gpu)?;
    let seconds = sampler::seconds(order.step_secs, |count| product.run(gpu, count))?;
    let n = product.n;
    let method = format!("{}, {n}×{n}×{n}, checked against the processor{}", format.words(), order.caveat());
    let how = How { precision: Some(precision), threads: None, method };
    Ok(order.subject.rate(PeakKind::MatrixRate, operations(n), &seconds, how))
}

/// What the factors are made of, and the numbers they sum up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Single,
    Half,
    /// Signed bytes, which sum up in 32 bits.
    Bytes,
}

impl Format {
    fn of(precision: Precision) -> Self {
        match precision {
            Precision::F16 => Self::Half,
            Precision::Int8 | Precision::Int8Static | Precision::Int4 => Self::Bytes,
            Precision::F32 | Precision::Bf16 => Self::Single,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Single | Self::Half => "a tiled product in WGSL",
            Self::Bytes => "a tiled product in WGSL with dot4I8Packed",
        }
    }

    fn shader(self) -> String {
        match self {
            Self::Single => SHADER.replace("NUMBER", "f32"),
            Self::Half => format!("enable f16;\n{}", SHADER.replace("NUMBER", "f16")),
            Self::Bytes => INTEGER_SHADER.to_owned(),
        }
    }

    /// Of the product; an entry of a factor takes no more.
    fn entry_bytes(self) -> usize {
        if self == Self::Half { 2 } else { 4 }
    }

    fn fits(self, gpu: &Gpu, n: usize) -> bool {
        (n * n * self.entry_bytes()) as u64 <= gpu.largest_buffer()
    }

    /// The numbers are multiples of 1/128: as bytes they go from −128 to 127.
    fn scale(self) -> f32 {
        if self == Self::Bytes { 128.0 } else { 1.0 }
    }

    /// In f16 the sums themselves are kept in half precision.
    fn tolerance(self) -> f64 {
        match self {
            Self::Single => 1e-3,
            Self::Half => 0.1,
            Self::Bytes => 1e-6,
        }
    }

    fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::Single => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Half => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
            Self::Bytes => values.iter().map(|value| (*value as i8).cast_unsigned()).collect(),
        }
    }

    /// The right factor; of bytes it lies column by column.
    fn encode_right(self, values: &[f32], n: usize) -> Vec<u8> {
        match self {
            Self::Single | Self::Half => self.encode(values),
            Self::Bytes => {
                let columns = (0..n * n).map(|place| values[place % n * n + place / n]);
                self.encode(&columns.collect::<Vec<f32>>())
            }
        }
    }

    fn decode(self, product: &[u8]) -> Vec<f64> {
        let whole = product.as_chunks::<4>().0;
        match self {
            Self::Single => whole.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect(),
            Self::Half => {
                product.as_chunks::<2>().0.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f64()).collect()
            }
            Self::Bytes => whole.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect(),
        }
    }
}

struct Product {
    n: usize,
    format: Format,
    /// Both row by row.
    left: Vec<f32>,
    right: Vec<f32>,
    result: wgpu::Buffer,
    kernel: super::gpu::Kernel,
}

impl Product {
    fn seeded(gpu: &Gpu, n: usize, format: Format) -> Result<Self, GpuError> {
        let mut numbers = Numbers::seeded(3);
        let mut matrix = || -> Vec<f32> { numbers.units(n * n).into_iter().map(|x| x * format.scale()).collect() };
        let (left, right) = (matrix(), matrix());
        let result = gpu.empty((n * n * format.entry_bytes()) as u64)?;
        let edge = gpu.filled(&(n as u32).to_le_bytes())?;
        let factors = [gpu.filled(&format.encode(&left))?, gpu.filled(&format.encode_right(&right, n))?];
        let kernel = gpu.kernel(&format.shader(), &[&result, &factors[0], &factors[1], &edge])?;
        Ok(Self { n, format, left, right, result, kernel })
    }

    fn run(&self, gpu: &Gpu, times: u32) -> Result<(), GpuError> {
        let tiles = self.n as u32 / TILE;
        gpu.run(&self.kernel, (tiles, tiles), times)?;
        gpu.wait()
    }

    /// The second run: the first may still compile.
    fn time_once(&self, gpu: &Gpu) -> Result<Duration, GpuError> {
        self.run(gpu, 1)?;
        let begun = Instant::now();
        self.run(gpu, 1)?;
        Ok(begun.elapsed())
    }

    fn check(&self, gpu: &Gpu) -> Result<(), GpuError> {
        let n = self.n;
        let values = self.format.decode(&gpu.read(&self.result)?);
        let at = |matrix: &[f32], row: usize, column: usize| f64::from(matrix[row * n + column]);
        check_product(
            n,
            self.format.tolerance(),
            |r, k| at(&self.left, r, k),
            |k, c| at(&self.right, k, c),
            |r, c| values[r * n + c],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_factor_of_bytes_lies_column_by_column() {
        let rows = [1.0, 2.0, -3.0, -128.0];
        assert_eq!(Format::Bytes.encode(&rows), [1, 2, 253, 128]);
        assert_eq!(Format::Bytes.encode_right(&rows, 2), [1, 253, 2, 128]);
        assert_eq!(Format::Half.encode_right(&rows, 2), Format::Half.encode(&rows));
    }

    #[test]
    fn every_product_is_read_as_it_was_written() {
        let sums = [-1.5f32, 0.25];
        let bytes = |format: Format| format.encode(&sums);
        assert_eq!(Format::Single.decode(&bytes(Format::Single)), [-1.5, 0.25]);
        assert_eq!(Format::Half.decode(&bytes(Format::Half)), [-1.5, 0.25]);
        let integers: Vec<u8> = [-70_000i32, 9].into_iter().flat_map(i32::to_le_bytes).collect();
        assert_eq!(Format::Bytes.decode(&integers), [-70_000.0, 9.0]);
    }
}
