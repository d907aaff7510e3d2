//! Memory of an NVIDIA GPU that the calling process takes, as the driver tells.

use crate::inventory::cuda_address;
use contract::DeviceId;
use cudarc::driver::{result, sys};
use nvml_wrapper::{Nvml, enums::device::UsedGpuMemory};
use std::{ffi::c_int, panic::catch_unwind};

/// The most that this process has held of a CUDA device, its context included. To be asked once an engine has computed
/// there, and outside of any timing: the engines' arenas keep what they once took.
///
/// None for other devices, and where the driver does not count by process, as Windows' graphics driver does not.
pub(crate) fn device_peak_bytes(device: &DeviceId) -> Option<u64> {
    let ordinal = ["cuda:", "tensorrt:"].iter().find_map(|kind| device.0.strip_prefix(kind))?.parse().ok()?;
    // The bindings panic where an older driver lacks a function, which must stay an answer.
    catch_unwind(|| held(ordinal)).unwrap_or_default()
}

fn held(ordinal: c_int) -> Option<u64> {
    // SAFETY: the engine that computed on the device has loaded the library already.
    if !unsafe { sys::is_culib_present() } {
        return None;
    }
    result::init().ok()?;
    let nvml = Nvml::init().ok()?;
    let gpu = nvml.device_by_pci_bus_id(cuda_address(ordinal).ok()?).ok()?;
    let processes = gpu.running_compute_processes().ok()?;
    let listed: Vec<(u32, Option<u64>)> =
        processes.iter().map(|process| (process.pid, bytes(&process.used_gpu_memory))).collect();
    Some(own(&listed, std::process::id())? + given_back(ordinal).unwrap_or_default())
}

fn bytes(used: &UsedGpuMemory) -> Option<u64> {
    match used {
        UsedGpuMemory::Used(bytes) => Some(*bytes),
        UsedGpuMemory::Unavailable => None,
    }
}

/// Of the processes that compute on a GPU this one's bytes. In a container it is listed under an id that it does not know;
/// where it is the only one, it is that one.
fn own(listed: &[(u32, Option<u64>)], pid: u32) -> Option<u64> {
    match (listed.iter().find(|(known, _)| *known == pid), listed) {
        (Some((_, bytes)), _) | (None, [(_, bytes)]) => *bytes,
        _ => None,
    }
}

/// What the driver's own pool held at most, beyond what it holds now: candle gives memory back to it between calls.
fn given_back(ordinal: c_int) -> Option<u64> {
    use sys::CUmemPool_attribute_enum::{CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH};
    let device = result::device::get(ordinal).ok()?;
    let mut pool = std::ptr::null_mut();
    // SAFETY: the driver writes one handle, of a pool that lives as long as the device.
    unsafe { sys::cuDeviceGetDefaultMemPool(&raw mut pool, device) }.result().ok()?;
    let reserved = |which| {
        let mut bytes = 0_u64;
        // SAFETY: of these attributes the driver writes 64 bits.
        unsafe { sys::cuMemPoolGetAttribute(pool, which, (&raw mut bytes).cast()) }.result().ok().map(|()| bytes)
    };
    Some(reserved(CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH)?.saturating_sub(reserved(CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_by_its_id_or_by_being_the_only_one() {
        assert_eq!(own(&[(7, Some(100)), (8, Some(200))], 8), Some(200));
        assert_eq!(own(&[(7, Some(100))], 8), Some(100), "a container's ids are not the driver's");
        assert_eq!(own(&[(7, Some(100)), (9, Some(200))], 8), None);
        assert_eq!(own(&[(8, None)], 8), None, "the driver does not count by process");
        assert_eq!(own(&[], 8), None);
    }

    #[test]
    fn a_device_without_such_a_driver_tells_nothing() {
        for device in ["cpu", "webgpu:0", "openvino:GPU", "cuda:none", "cuda:4000"] {
            assert_eq!(device_peak_bytes(&device.into()), None, "{device}");
        }
    }
}
