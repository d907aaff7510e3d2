//! Graphics adapters as wgpu sees them. Drivers can crash while they are asked, so this runs in a worker.

use contract::DeviceKind;
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// One adapter through one graphics interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterFacts {
    /// `vulkan:0`: the interface, and the place among its adapters.
    pub id: String,
    pub name: String,
    /// `Vulkan`, `Metal`, `Direct3D 12`, `OpenGL`.
    pub interface: String,
    pub kind: DeviceKind,
    pub driver: String,
    pub shader_f16: bool,
    pub features: Vec<String>,
    pub max_buffer_bytes: u64,
    pub max_workgroup_invocations: u32,
    pub max_workgroup_storage_bytes: u32,
    pub subgroup_sizes: (u32, u32),
    /// Other interfaces that lead to the same adapter.
    pub also_through: Vec<String>,
}

/// Every adapter, one entry each: what two interfaces offer is listed under the one that comes first on this system.
pub fn list() -> Vec<AdapterFacts> {
    merge(open().into_iter().map(|(id, adapter)| facts(id, &adapter)).collect())
}

/// The adapter with this id, to be measured.
pub fn find(id: &str) -> Option<wgpu::Adapter> {
    open().into_iter().find(|(known, _)| known == id).map(|(_, adapter)| adapter)
}

/// Interfaces in the order in which engines prefer them.
const INTERFACES: [(wgpu::Backends, &str); 4] = [
    (wgpu::Backends::METAL, "metal"),
    (
        if cfg!(windows) { wgpu::Backends::DX12 } else { wgpu::Backends::VULKAN },
        if cfg!(windows) { "dx12" } else { "vulkan" },
    ),
    (
        if cfg!(windows) { wgpu::Backends::VULKAN } else { wgpu::Backends::DX12 },
        if cfg!(windows) { "vulkan" } else { "dx12" },
    ),
    (wgpu::Backends::GL, "gl"),
];

fn open() -> Vec<(String, wgpu::Adapter)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let offered = |(backends, key): (wgpu::Backends, &'static str)| {
        let adapters = block_on(instance.enumerate_adapters(backends));
        adapters.into_iter().enumerate().map(move |(n, adapter)| (format!("{key}:{n}"), adapter))
    };
    let computes = |(_, adapter): &(String, wgpu::Adapter)| {
        adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
    };
    INTERFACES.into_iter().flat_map(offered).filter(computes).collect()
}

fn facts(id: String, adapter: &wgpu::Adapter) -> AdapterFacts {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu | wgpu::DeviceType::VirtualGpu => DeviceKind::DiscreteGpu,
        wgpu::DeviceType::Cpu => DeviceKind::Software,
        // OpenGL does not tell; its software renderers name themselves.
        wgpu::DeviceType::Other | wgpu::DeviceType::IntegratedGpu if software(&info.name) => DeviceKind::Software,
        wgpu::DeviceType::Other | wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
    };
    let interface = match info.backend {
        wgpu::Backend::Vulkan => "Vulkan",
        wgpu::Backend::Metal => "Metal",
        wgpu::Backend::Dx12 => "Direct3D 12",
        wgpu::Backend::Gl => "OpenGL",
        wgpu::Backend::BrowserWebGpu | wgpu::Backend::Noop => "WebGPU",
    };
    let known = [
        (wgpu::Features::SHADER_F16, "shader-f16"),
        (wgpu::Features::SHADER_F64, "shader-f64"),
        (wgpu::Features::SHADER_INT64, "shader-int64"),
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
        (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative-matrix"),
    ];
    let driver = [info.driver.trim(), info.driver_info.trim()].into_iter().filter(|text| !text.is_empty());
    AdapterFacts {
        id,
        name: info.name.trim().to_owned(),
        interface: interface.to_owned(),
        kind,
        driver: driver.collect::<Vec<_>>().join(" "),
        shader_f16: features.contains(wgpu::Features::SHADER_F16),
        features: known
            .iter()
            .filter(|(flag, _)| features.contains(*flag))
            .map(|(_, name)| (*name).to_owned())
            .collect(),
        max_buffer_bytes: limits.max_buffer_size,
        max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
        max_workgroup_storage_bytes: limits.max_compute_workgroup_storage_size,
        subgroup_sizes: (info.subgroup_min_size, info.subgroup_max_size),
        also_through: Vec::new(),
    }
}

fn software(name: &str) -> bool {
    let name = name.to_lowercase();
    ["llvmpipe", "lavapipe", "swiftshader", "softpipe", "basic render", "warp"].iter().any(|word| name.contains(word))
}

/// Two cards of one name stay two entries; one card through two interfaces becomes one.
fn merge(listed: Vec<AdapterFacts>) -> Vec<AdapterFacts> {
    let mut merged: Vec<AdapterFacts> = Vec::new();
    for adapter in listed {
        let same = |known: &&mut AdapterFacts| {
            plain_name(&known.name) == plain_name(&adapter.name) && known.interface != adapter.interface
        };
        match merged.iter_mut().find(same) {
            Some(known) if !known.also_through.contains(&adapter.interface) => {
                known.also_through.push(adapter.interface)
            }
            Some(_) => {}
            None => merged.push(adapter),
        }
    }
    merged
}

/// OpenGL adds bus and driver to the name: `NVIDIA GeForce RTX 3080/PCIe/SSE2`, `AMD Radeon … (radeonsi, …)`.
fn plain_name(name: &str) -> String {
    let name = name.split(['/', '(']).next().unwrap_or(name).to_lowercase();
    name.replace("mesa ", "").replace("(r)", "").trim().to_owned()
}

/// Native adapters and devices are there when asked; their futures are ready at the first poll.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(id: &str, name: &str, interface: &str) -> AdapterFacts {
        AdapterFacts {
            id: id.to_owned(),
            name: name.to_owned(),
            interface: interface.to_owned(),
            kind: DeviceKind::DiscreteGpu,
            driver: String::new(),
            shader_f16: false,
            features: Vec::new(),
            max_buffer_bytes: 0,
            max_workgroup_invocations: 0,
            max_workgroup_storage_bytes: 0,
            subgroup_sizes: (0, 0),
            also_through: Vec::new(),
        }
    }

    #[test]
    fn a_card_is_listed_once_however_many_interfaces_lead_to_it() {
        let merged = merge(vec![
            adapter("vulkan:0", "NVIDIA GeForce RTX 3080", "Vulkan"),
            adapter("vulkan:1", "NVIDIA GeForce RTX 3080", "Vulkan"),
            adapter("gl:0", "NVIDIA GeForce RTX 3080/PCIe/SSE2", "OpenGL"),
        ]);
        assert_eq!(merged.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["vulkan:0", "vulkan:1"]);
        assert_eq!(merged[0].also_through, ["OpenGL"]);
    }

    #[test]
    fn software_renderers_are_known_by_name() {
        assert!(software("llvmpipe (LLVM 15.0.6, 256 bits)"));
        assert!(software("Microsoft Basic Render Driver"));
        assert!(!software("AMD Radeon RX 7900 XTX"));
    }
}
