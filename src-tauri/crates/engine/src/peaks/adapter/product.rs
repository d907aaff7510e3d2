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
const TILE: u32 = 64;

pub fn measure(order: &AdapterOrder, gpu: &Gpu, precision: Precision) -> Result<Peak, GpuError> {
    let half = precision == Precision::F16;
    if half && !gpu.has_f16() {
        return Err(GpuError::NoF16);
    }
    // The largest product of which one takes no longer than a tenth of the step; a slow device stays with the smallest.
    let longest = Duration::from_secs_f64(order.step_secs / 10.0);
    let mut product = Product::seeded(gpu, 256, half)?;
    for n in [512, 1024, 2048, 4096] {
        let once = product.time_once(gpu)?;
        if once * 8 > longest || fits(gpu, n, half).is_none() {
            break;
        }
        product = Product::seeded(gpu, n, half)?;
    }
    product.run(gpu, 1)?;
    product.check(gpu)?;
    let seconds = sampler::seconds(order.step_secs, |count| product.run(gpu, count))?;
    let n = product.n;
    let method = format!("a tiled product in WGSL, {n}×{n}×{n}, checked against the processor{}", order.caveat());
    let how = How { precision: Some(precision), threads: None, method };
    Ok(order.subject.rate(PeakKind::MatrixRate, operations(n), &seconds, how))
}

fn fits(gpu: &Gpu, n: usize, half: bool) -> Option<()> {
    let bytes = (n * n) as u64 * if half { 2 } else { 4 };
    (bytes <= gpu.largest_buffer()).then_some(())
}

struct Product {
    n: usize,
    half: bool,
    left: Vec<f32>,
    right: Vec<f32>,
    result: wgpu::Buffer,
    kernel: super::gpu::Kernel,
}

impl Product {
    fn seeded(gpu: &Gpu, n: usize, half: bool) -> Result<Self, GpuError> {
        let mut numbers = Numbers::seeded(3);
        let (left, right) = (numbers.units(n * n), numbers.units(n * n));
        let result = gpu.empty((n * n * if half { 2 } else { 4 }) as u64)?;
        let edge = gpu.filled(&(n as u32).to_le_bytes())?;
        let number = if half { "f16" } else { "f32" };
        let shader = format!("{}{}", if half { "enable f16;\n" } else { "" }, SHADER.replace("NUMBER", number));
        let buffers = [&result, &gpu.filled(&encode(&left, half))?, &gpu.filled(&encode(&right, half))?, &edge];
        let kernel = gpu.kernel(&shader, &buffers)?;
        Ok(Self { n, half, left, right, result, kernel })
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
        let values = decode(&gpu.read(&self.result)?, self.half);
        let at = |matrix: &[f32], row: usize, column: usize| f64::from(matrix[row * n + column]);
        // In f16 the sums themselves are kept in half precision.
        let tolerance = if self.half { 0.1 } else { 1e-3 };
        check_product(
            n,
            tolerance,
            |r, k| at(&self.left, r, k),
            |k, c| at(&self.right, k, c),
            |r, c| at(&values, r, c),
        )?;
        Ok(())
    }
}

fn encode(values: &[f32], half: bool) -> Vec<u8> {
    match half {
        true => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
        false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn decode(bytes: &[u8], half: bool) -> Vec<f32> {
    match half {
        true => bytes.as_chunks::<2>().0.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f32()).collect(),
        false => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
    }
}
