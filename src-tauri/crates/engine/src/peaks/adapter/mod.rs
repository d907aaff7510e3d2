//! A graphics adapter through wgpu: compute shaders in WGSL for bandwidth, matrix rate and the cost of a launch.

mod bandwidth;
mod gpu;
mod product;

use super::{
    inside::Teller,
    sampler,
    subject::{How, Subject},
};
use crate::inventory;
use contract::{DeviceId, Peak, Precision};
use gpu::{Gpu, GpuError};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdapterOrder {
    pub subject: Subject,
    /// Drawn by the processor: smaller pieces of work, and figures that say nothing about a GPU.
    pub software: bool,
    pub step_secs: f64,
}

impl AdapterOrder {
    pub const STEPS: u32 = 2 + PRECISIONS.len() as u32;
}

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::F16, Precision::Int8];

#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    #[error("the adapter {0} is no longer there")]
    Gone(DeviceId),
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

pub fn measure(order: &AdapterOrder, teller: &mut Teller) -> Result<(), AdapterError> {
    let device = &order.subject.device;
    let adapter = inventory::find_adapter(&device.0).ok_or_else(|| AdapterError::Gone(device.clone()))?;
    let gpu = Gpu::open(&adapter)?;
    let what = "memory bandwidth";
    teller.doing(what);
    teller.outcome(what, bandwidth::measure(order, &gpu));
    for precision in PRECISIONS {
        let what = format!("{precision} matrix rate");
        teller.doing(&what);
        teller.outcome(&what, product::measure(order, &gpu, precision));
    }
    let what = "launch overhead";
    teller.doing(what);
    teller.outcome(what, launch(order, &gpu));
    Ok(())
}

/// A shader that does nothing, from handing it over to knowing that it is done.
fn launch(order: &AdapterOrder, gpu: &Gpu) -> Result<Peak, GpuError> {
    let shader = "@group(0) @binding(0) var<storage, read_write> one: array<u32>;\n\
                  @compute @workgroup_size(1) fn main() { one[0] = 1u; }";
    let kernel = gpu.kernel(shader, &[&gpu.empty(4)?])?;
    let seconds = sampler::seconds(order.step_secs, |count| {
        (0..count).try_for_each(|_| {
            gpu.run(&kernel, (1, 1), 1)?;
            gpu.wait()
        })
    })?;
    let method = format!("one workgroup of one invocation, submitted and waited for{}", order.caveat());
    Ok(order.subject.overhead(&seconds, How { method, ..How::default() }))
}

impl AdapterOrder {
    fn caveat(&self) -> &'static str {
        if self.software { "; a software adapter, computed by the processor" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inventory::Probe, peaks::inside::Told};
    use contract::{PeakKind, Platform};

    /// Every adapter of the machine that runs the tests; a software adapter suffices. Says so where there is none.
    #[test]
    fn an_adapter_is_measured_and_its_products_are_right() {
        let adapters = inventory::answer(&Probe::Adapters);
        let Some(adapter) = adapters.as_array().and_then(|adapters| adapters.first()) else {
            println!("skipped: no graphics adapter is here");
            return;
        };
        let id = adapter["id"].as_str().unwrap();
        let subject = Subject { device: id.into(), name: id.to_owned(), platform: Platform::WebGpu };
        let order = AdapterOrder { subject, software: adapter["kind"] == "software", step_secs: 0.2 };
        let mut told = Vec::new();
        let mut hear = |value| told.push(serde_json::from_value::<Told>(value).unwrap());
        measure(&order, &mut Teller(&mut hear)).unwrap();
        let peaks: Vec<&Peak> =
            told.iter().filter_map(|told| if let Told::Peak(peak) = told { Some(peak) } else { None }).collect();
        for precision in [Precision::F32, Precision::Int8] {
            let rate = peaks.iter().find(|peak| peak.precision == Some(precision));
            assert!(rate.is_some_and(|peak| peak.best > 1e8), "{precision}: {told:?}");
        }
        for kind in [PeakKind::MemoryBandwidth, PeakKind::LaunchOverhead] {
            assert!(peaks.iter().any(|peak| peak.kind == kind && peak.best > 0.0), "{kind:?}: {told:?}");
        }
        if adapter["shader_f16"] == true {
            assert!(peaks.iter().any(|peak| peak.precision == Some(Precision::F16)), "{told:?}");
        }
    }
}
