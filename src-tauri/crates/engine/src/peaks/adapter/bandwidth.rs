//! Bandwidth of a GPU's memory: a triad and a sum over buffers larger than its caches; the faster one counts.

use super::{
    AdapterOrder,
    gpu::{Gpu, GpuError},
};
use crate::{
    inventory::binary_size,
    peaks::{envelope, sampler, subject::How},
};
use contract::{Peak, PeakKind};

const INVOCATIONS: u32 = 256;

/// Four numbers each for one invocation.
const TRIAD: &str = "
@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> c: array<vec4<f32>>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.y * groups.x * 256u + id.x;
    a[i] = b[i] + 3.0 * c[i];
}";

/// Each invocation reads sixteen places, neighbours beside each other, and the sum decides whether it writes at all.
const SUM: &str = "
@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let first = (id.y * groups.x + id.x / 256u) * 4096u + id.x % 256u;
    var sum = vec4<f32>(0.0);
    for (var k = 0u; k < 16u; k++) { sum += b[first + k * 256u]; }
    if (sum.x < 0.0) { a[first] = sum; }
}";

pub fn measure(order: &AdapterOrder, gpu: &Gpu) -> Result<Peak, GpuError> {
    let wanted: u64 = if order.software { 64 << 20 } else { 256 << 20 };
    // A power of two divides into workgroups and their grid without a rest.
    let bytes = 1u64 << wanted.min(gpu.largest_buffer()).ilog2();
    let content: Vec<u8> =
        [1.5_f32, 0.25, 2.0, 3.0].repeat(bytes as usize / 16).iter().flat_map(|x| x.to_le_bytes()).collect();
    let (a, b, c) = (gpu.empty(bytes)?, gpu.filled(&content)?, gpu.filled(&content)?);
    let places = u32::try_from(bytes / 16).unwrap_or(u32::MAX);
    let words = |kernel: &str, counted: &str| {
        let size = binary_size(bytes);
        let method = format!("{kernel} in WGSL over buffers of {size}; {counted} counted{}", order.caveat());
        How { method, ..How::default() }
    };
    let triad = gpu.kernel(TRIAD, &[&a, &b, &c])?;
    let triad = times(order, gpu, &triad, grid(places / INVOCATIONS))?;
    let sum = gpu.kernel(SUM, &[&a, &b])?;
    let sum = times(order, gpu, &sum, grid(places / INVOCATIONS / 16))?;
    let rate = |amount: f64, seconds: &[f64], how| order.subject.rate(PeakKind::MemoryBandwidth, amount, seconds, how);
    let measured = vec![
        rate(3.0 * bytes as f64, &triad, words("a triad (a = b + s·c)", "two reads and a write")),
        rate(bytes as f64, &sum, words("a sum", "the read")),
    ];
    Ok(envelope::best_of(measured).swap_remove(0))
}

fn times(order: &AdapterOrder, gpu: &Gpu, kernel: &super::gpu::Kernel, grid: (u32, u32)) -> Result<Vec<f64>, GpuError> {
    sampler::seconds(order.step_secs / 2.0, |count| {
        gpu.run(kernel, grid, count)?;
        gpu.wait()
    })
}

/// No more than 65,535 workgroups fit into one dimension.
fn grid(workgroups: u32) -> (u32, u32) {
    const WIDEST: u32 = 1 << 15;
    (workgroups.clamp(1, WIDEST), workgroups.div_ceil(WIDEST).max(1))
}
