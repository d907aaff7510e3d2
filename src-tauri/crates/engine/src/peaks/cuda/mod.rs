//! An NVIDIA GPU through its driver: bandwidth and launches with kernels in PTX, which the driver itself compiles, and
//! matrix rates with cuBLAS where it is installed.

mod bandwidth;
mod blas;
mod kernels;
mod product;

use super::{
    inside::Teller,
    sampler,
    subject::{How, Subject},
};
use contract::{Peak, Precision};
use cudarc::driver::{CudaContext, CudaStream, DriverError, LaunchConfig, sys};
use kernels::Kernels;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CudaOrder {
    pub subject: Subject,
    /// Where cuBLAS may lie beside the system's own: the folders of the engines' libraries.
    pub folders: Vec<PathBuf>,
    pub step_secs: f64,
}

impl CudaOrder {
    pub const STEPS: u32 = 2 + PRECISIONS.len() as u32;
}

const PRECISIONS: [Precision; 4] = [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8];

#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    #[error("{0} is not the id of a CUDA device")]
    NoOrdinal(String),
    #[error("the NVIDIA driver is not installed")]
    NoDriver,
    #[error("the NVIDIA driver refused: {}", words(.0))]
    Driver(#[from] DriverError),
    #[error(transparent)]
    Blas(#[from] blas::BlasError),
    #[error("the copy is wrong: {got} where {expected} is right")]
    WrongTriad { got: f32, expected: f32 },
    #[error(transparent)]
    WrongProduct(#[from] super::matrices::WrongProduct),
}

fn words(error: &DriverError) -> String {
    error.error_string().map_or_else(|_| format!("{:?}", error.0), |text| text.to_string_lossy().into_owned())
}

/// A device with a stream of its own.
pub struct Gpu {
    pub stream: Arc<CudaStream>,
    pub kernels: Kernels,
    pub free_bytes: u64,
}

impl Gpu {
    fn open(order: &CudaOrder) -> Result<Self, CudaError> {
        let id = &order.subject.device.0;
        let ordinal =
            id.strip_prefix("cuda:").and_then(|n| n.parse().ok()).ok_or_else(|| CudaError::NoOrdinal(id.clone()))?;
        // SAFETY: loading runs the library's initialisers; this worker process is there to bear what they do.
        if !unsafe { sys::is_culib_present() } {
            return Err(CudaError::NoDriver);
        }
        let context = CudaContext::new(ordinal)?;
        let kernels = Kernels::compile(&context)?;
        let (free, _) = context.mem_get_info()?;
        Ok(Self { stream: context.new_stream()?, kernels, free_bytes: free as u64 })
    }

    pub fn wait(&self) -> Result<(), CudaError> {
        Ok(self.stream.synchronize()?)
    }
}

pub fn measure(order: &CudaOrder, teller: &mut Teller) -> Result<(), CudaError> {
    let gpu = Gpu::open(order)?;
    let what = "memory bandwidth";
    teller.doing(what);
    teller.outcome(what, bandwidth::measure(order, &gpu));

    let blas = blas::Blas::open(&order.folders, &gpu.stream);
    for precision in PRECISIONS {
        let what = format!("{precision} matrix rate");
        teller.doing(&what);
        match &blas {
            Ok(blas) => teller.outcome(&what, product::measure(order, &gpu, blas, precision)),
            Err(missing) => teller.outcome(&what, Err(missing)),
        }
    }

    let what = "launch overhead";
    teller.doing(what);
    teller.outcome(what, launch(order, &gpu));
    Ok(())
}

/// An empty kernel, from handing it over to knowing that it is done.
fn launch(order: &CudaOrder, gpu: &Gpu) -> Result<Peak, CudaError> {
    let one = LaunchConfig { grid_dim: (1, 1, 1), block_dim: (1, 1, 1), shared_mem_bytes: 0 };
    let seconds = sampler::seconds(order.step_secs, |count| {
        (0..count).try_for_each(|_| {
            // SAFETY: the kernel takes no arguments and touches nothing.
            unsafe { gpu.stream.launch_builder(&gpu.kernels.nothing).launch(one)? };
            gpu.wait()
        })
    })?;
    let method = "an empty kernel of one thread, launched and waited for".to_owned();
    Ok(order.subject.overhead(&seconds, How { method, ..How::default() }))
}
