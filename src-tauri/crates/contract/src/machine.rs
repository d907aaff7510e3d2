//! What this machine can do: platforms, devices, engines, browsers, measured peaks.

use crate::{DeviceId, EngineId, MachineId, Platform, Precision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A missing thing is a sentence with its remedy, never a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Availability {
    Ready,
    Missing { reason: String, remedy: String },
}

impl Availability {
    pub fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Missing { reason: reason.into(), remedy: remedy.into() }
    }

    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    Cpu,
    IntegratedGpu,
    DiscreteGpu,
    Npu,
    /// A GPU interface drawn by the CPU (llvmpipe, SwiftShader): right answers, meaningless speed.
    Software,
    /// A simulator of a device (the QNN HTP emulator): its times say nothing about the device.
    Emulator,
}

/// One thing known about a device, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

impl Fact {
    pub fn new(label: impl Into<String>, value: impl ToString) -> Self {
        Self { label: label.into(), value: value.to_string() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub id: DeviceId,
    /// Names that engines have for it besides: `webgpu:0` of the adapter `vulkan:0`.
    #[serde(default)]
    pub aliases: Vec<DeviceId>,
    pub platform: Platform,
    pub name: String,
    pub kind: DeviceKind,
    /// Memory the device can use, in bytes.
    pub memory_bytes: Option<u64>,
    pub driver: Option<String>,
    pub facts: Vec<Fact>,
    /// Compute features in the vendor's words: `avx512f`, `amx-bf16`, `shader-f16`.
    pub features: Vec<String>,
}

impl Device {
    pub fn is_called(&self, id: &DeviceId) -> bool {
        self.id == *id || self.aliases.contains(id)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlatformStatus {
    pub platform: Platform,
    pub availability: Availability,
    pub devices: Vec<Device>,
    pub facts: Vec<Fact>,
}

/// An engine on a device: what a run can be started on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub engine: EngineId,
    pub device: DeviceId,
    pub platform: Platform,
    pub device_name: String,
    pub availability: Availability,
    /// Precisions this engine can be asked for on this device.
    pub precisions: Vec<Precision>,
    /// Set where times from here must never be shown as speed (software adapters, emulators): says why.
    pub not_ranked: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    pub id: EngineId,
    pub name: String,
    pub version: Option<String>,
    pub availability: Availability,
    /// File of the library that was loaded, where there is one.
    pub library: Option<String>,
    /// Providers or devices the library itself offers.
    pub offers: Vec<String>,
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Browser {
    pub name: String,
    pub version: Option<String>,
    pub path: String,
}

/// What the WebView says of itself, sent by the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WebViewFacts {
    pub user_agent: String,
    pub cross_origin_isolated: bool,
    /// `navigator.gpu` gave an adapter: its description, limits and features.
    pub webgpu: Option<WebGpuFacts>,
    /// Why there is no WebGPU, in the WebView's words.
    pub webgpu_missing: Option<String>,
    /// `navigator.ml` exists: operator names with their data types.
    pub webnn: Option<Vec<Fact>>,
    pub webnn_missing: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WebGpuFacts {
    pub vendor: String,
    pub architecture: String,
    pub description: String,
    pub is_fallback: bool,
    pub features: Vec<String>,
    pub limits: Vec<Fact>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeakKind {
    /// Bytes per second, read and written together.
    MemoryBandwidth,
    /// Operations per second of a matrix product; a multiply-accumulate counts as two.
    MatrixRate,
    /// Seconds from the call to the return of an empty launch.
    LaunchOverhead,
}

/// A measured ceiling of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    pub device: DeviceId,
    pub device_name: String,
    pub platform: Platform,
    pub kind: PeakKind,
    pub precision: Option<Precision>,
    /// Threads used, for the CPU.
    pub threads: Option<u32>,
    /// Best of the samples, in the unit of `kind`.
    pub best: f64,
    pub median: f64,
    /// 95 % bootstrap interval of the median.
    pub low: f64,
    pub high: f64,
    pub samples: u32,
    /// How it was measured: `gemm, 1024×1024, 2 threads`.
    pub method: String,
    pub measured_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub id: MachineId,
    pub name: String,
    pub os: String,
    pub cpu: String,
    pub physical_cores: u32,
    pub logical_cores: u32,
    pub memory_bytes: u64,
    /// All eight, in the order of `Platform::LISTED`.
    pub platforms: Vec<PlatformStatus>,
    pub engines: Vec<EngineStatus>,
    pub browsers: Vec<Browser>,
    pub webview: Option<WebViewFacts>,
    pub peaks: Vec<Peak>,
    /// What was left out when the peaks were measured, a sentence each with its reason.
    #[serde(default)]
    pub peaks_left_out: Vec<String>,
    pub scanned_at: Timestamp,
    /// What is different from the last start, a sentence each.
    pub changes: Vec<String>,
}

impl Machine {
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.engines.iter().flat_map(|engine| &engine.targets)
    }

    pub fn target(&self, engine: &EngineId, device: &DeviceId) -> Option<&Target> {
        self.targets().find(|t| &t.engine == engine && &t.device == device)
    }

    /// The device that a target computes on, as its platform knows it.
    pub fn device_of(&self, target: &Target) -> Option<&Device> {
        let status = self.platforms.iter().find(|status| status.platform == target.platform)?;
        status.devices.iter().find(|device| device.is_called(&target.device))
    }
}
