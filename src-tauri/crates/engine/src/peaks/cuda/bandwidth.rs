//! Bandwidth of the GPU's memory: a triad and the driver's own copy; the faster one counts.

use super::{CudaError, CudaOrder, Gpu};
use crate::{
    inventory::binary_size,
    peaks::{envelope, sampler, subject::How},
};
use contract::{Peak, PeakKind};
use cudarc::driver::{LaunchConfig, PushKernelArg};

const THREADS: u32 = 256;

pub fn measure(order: &CudaOrder, gpu: &Gpu) -> Result<Peak, CudaError> {
    // Far beyond the largest caches (60 MB on a H200), and no more than an eighth of what is free.
    let bytes = (1_u64 << 30).min(gpu.free_bytes / 24) & !0xFFF;
    let numbers = (bytes / 4) as usize;
    let fours = (bytes / 16) as u32;
    let mut a = gpu.stream.alloc_zeros::<f32>(numbers)?;
    let b = gpu.stream.clone_htod(&vec![1.5_f32; numbers])?;
    let c = gpu.stream.clone_htod(&vec![0.25_f32; numbers])?;
    let config =
        LaunchConfig { grid_dim: (fours.div_ceil(THREADS), 1, 1), block_dim: (THREADS, 1, 1), shared_mem_bytes: 0 };

    let triad = sampler::seconds(order.step_secs / 2.0, |count| {
        for _ in 0..count {
            let mut launch = gpu.stream.launch_builder(&gpu.kernels.triad);
            launch.arg(&mut a).arg(&b).arg(&c).arg(&fours);
            // SAFETY: three buffers of `fours` × 16 bytes and their number are what the kernel takes.
            unsafe { launch.launch(config)? };
        }
        gpu.wait()
    })?;
    let last = gpu.stream.clone_dtoh(&a.slice(numbers - 1..))?;
    let expected = 1.5 + 3.0 * 0.25;
    if last != [expected] {
        return Err(CudaError::WrongTriad { got: last.first().copied().unwrap_or(f32::NAN), expected });
    }

    let copy = sampler::seconds(order.step_secs / 2.0, |count| {
        for _ in 0..count {
            gpu.stream.memcpy_dtod(&b, &mut a)?;
        }
        gpu.wait()
    })?;
    let words = |kernel: &str, counted: &str| How {
        method: format!("{kernel} over buffers of {}; {counted} counted", binary_size(bytes)),
        ..How::default()
    };
    let rate = |amount: f64, seconds: &[f64], how| order.subject.rate(PeakKind::MemoryBandwidth, amount, seconds, how);
    let measured = vec![
        rate(3.0 * bytes as f64, &triad, words("a triad (a = b + s·c)", "two reads and a write")),
        rate(2.0 * bytes as f64, &copy, words("the driver's copy", "a read and a write")),
    ];
    Ok(envelope::best_of(measured).swap_remove(0))
}
