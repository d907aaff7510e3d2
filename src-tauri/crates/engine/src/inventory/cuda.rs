//! NVIDIA GPUs as their driver describes them: the CUDA driver interface, and NVML for the driver's own version.
//! Both are loaded when asked, in a worker, so that a machine without them and a machine with a broken driver both answer.

use cudarc::driver::{DriverError, result, sys};
use nvml_wrapper::{Nvml, enum_wrappers::device::Clock};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CudaFacts {
    /// `580.159.03`
    pub driver: Option<String>,
    /// The newest CUDA the driver runs: `13.0`.
    pub cuda: Option<String>,
    pub gpus: Vec<CudaGpu>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CudaGpu {
    /// The number by which CUDA programs address it.
    pub ordinal: u32,
    pub name: String,
    pub memory_bytes: u64,
    pub compute_capability: (u32, u32),
    pub multiprocessors: u32,
    pub l2_bytes: Option<u64>,
    pub bus_bits: Option<u32>,
    pub max_mhz: Option<u32>,
    pub power_limit_watts: Option<u32>,
    pub shares_host_memory: bool,
    /// `00000000:01:00.0`
    pub pci_address: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum CudaAbsence {
    #[error("no NVIDIA driver is installed")]
    NoDriver,
    #[error("the NVIDIA driver is installed but does not start ({reason})")]
    Broken { reason: String },
}

/// Runs inside a worker: a driver that aborts takes only the worker with it.
pub fn read() -> Result<CudaFacts, CudaAbsence> {
    // SAFETY: loading runs the library's initialisers; a worker process is there to bear what they do.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaAbsence::NoDriver);
    }
    let broken = |error: DriverError| CudaAbsence::Broken { reason: words(error) };
    result::init().map_err(broken)?;
    let nvml = Nvml::init().ok();
    let count = result::device::get_count().map_err(broken)?;
    let gpus = (0..count).map(|ordinal| gpu(ordinal, nvml.as_ref())).collect::<Result<_, _>>().map_err(broken)?;
    Ok(CudaFacts {
        driver: nvml.as_ref().and_then(|nvml| nvml.sys_driver_version().ok()),
        cuda: driver_version().map(|version| format!("{}.{}", version / 1000, version % 1000 / 10)),
        gpus,
    })
}

fn driver_version() -> Option<i32> {
    let mut version = 0;
    // SAFETY: the driver writes one integer.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().ok().map(|()| version)
}

/// Where the GPU is on the bus, by which NVML knows it: `00000000:01:00.0`. The driver must have been initialised.
pub fn address(ordinal: i32) -> Result<String, DriverError> {
    use sys::CUdevice_attribute as Ask;
    let device = result::device::get(ordinal)?;
    // SAFETY: `device` was just handed out by the driver.
    let number = |ask: Ask| unsafe { result::device::get_attribute(device, ask) };
    let (domain, bus, slot) = (
        number(Ask::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?,
        number(Ask::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?,
        number(Ask::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?,
    );
    Ok(format!("{domain:08x}:{bus:02x}:{slot:02x}.0"))
}

fn gpu(ordinal: i32, nvml: Option<&Nvml>) -> Result<CudaGpu, DriverError> {
    use sys::CUdevice_attribute as Ask;
    let device = result::device::get(ordinal)?;
    // SAFETY: `device` was just handed out by the driver.
    let attribute = |ask: Ask| unsafe { result::device::get_attribute(device, ask) };
    let number = |ask: Ask| attribute(ask).map(|value| u32::try_from(value).unwrap_or(0));
    let optional = |ask: Ask| number(ask).ok().filter(|value| *value > 0);
    let pci_address = address(ordinal)?;
    let managed = nvml.and_then(|nvml| nvml.device_by_pci_bus_id(pci_address.as_str()).ok());
    Ok(CudaGpu {
        ordinal: ordinal.unsigned_abs(),
        name: result::device::get_name(device)?,
        // SAFETY: as above.
        memory_bytes: unsafe { result::device::total_mem(device)? } as u64,
        compute_capability: (
            number(Ask::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            number(Ask::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ),
        multiprocessors: number(Ask::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        l2_bytes: optional(Ask::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE).map(u64::from),
        bus_bits: optional(Ask::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH),
        max_mhz: managed.as_ref().and_then(|gpu| gpu.max_clock_info(Clock::SM).ok()),
        power_limit_watts: managed.as_ref().and_then(|gpu| gpu.power_management_limit().ok()).map(|mw| mw / 1000),
        shares_host_memory: optional(Ask::CU_DEVICE_ATTRIBUTE_INTEGRATED).is_some(),
        pci_address,
    })
}

fn words(error: DriverError) -> String {
    match error.error_string() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => format!("{:?}", error.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_answers_with_gpus_or_with_a_reason() {
        match read() {
            Ok(facts) => assert!(facts.gpus.iter().all(|gpu| gpu.memory_bytes > 0 && gpu.multiprocessors > 0)),
            Err(absence) => assert!(absence.to_string().contains("NVIDIA driver")),
        }
    }
}
