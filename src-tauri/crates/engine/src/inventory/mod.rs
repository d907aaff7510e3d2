//! What this machine can do: its platforms, devices, engines and browsers, each from its own source.

mod adapters;
mod browsers;
mod changes;
pub(crate) mod command;
pub(crate) mod cpu;
mod cuda;
mod engines;
mod found;
mod graphics;
mod hip;
pub(crate) mod host;
mod kfd;
mod pci;
mod platforms;
mod sizes;
mod webview;

pub(crate) use adapters::{block_on, find as find_adapter};
pub use changes::changes;
pub(crate) use cuda::address as cuda_address;
pub(crate) use platforms::is_adapter;
pub(crate) use sizes::binary_size;
pub use webview::merge_webview;

use crate::{Libraries, Program};
use contract::{Availability, Machine};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Asks everything at once; about as long as the slowest engine takes to load.
///
/// Measured peaks, the WebView's answer and the changes since the last start are not part of a scan.
pub fn scan(libraries: &Libraries, program: &Program) -> Machine {
    let mut machine = machine_of(found::gather(libraries, program));
    locate(&mut machine, libraries);
    machine
}

/// Says in each remedy where the libraries folder is that it sends a person to.
fn locate(machine: &mut Machine, libraries: &Libraries) {
    let engines = machine.engines.iter_mut().flat_map(|engine| {
        let targets = engine.targets.iter_mut().map(|target| &mut target.availability);
        targets.chain([&mut engine.availability])
    });
    let platforms = machine.platforms.iter_mut().map(|status| &mut status.availability);
    for availability in platforms.chain(engines) {
        if let Availability::Missing { remedy, .. } = availability {
            *remedy = libraries.located(remedy);
        }
    }
}

fn machine_of(mut found: found::Found) -> Machine {
    platforms::rank_no_software(&mut found);
    let platforms = platforms::all(&found);
    platforms::name_targets(&platforms, &mut found.engines);
    let logical_cores = found.cpu.logical_cores.unwrap_or(1);
    let memory_bytes = found.host.usable_memory_bytes();
    Machine {
        platforms,
        id: found.host.id,
        name: found.host.name,
        os: found.host.os,
        cpu: found.cpu.name,
        physical_cores: found.cpu.physical_cores.unwrap_or(logical_cores),
        logical_cores,
        memory_bytes,
        engines: found.engines,
        browsers: found.browsers,
        webview: None,
        peaks: Vec::new(),
        peaks_left_out: Vec::new(),
        scanned_at: Timestamp::now(),
        changes: Vec::new(),
    }
}

/// A source that is asked in a worker, because its driver may crash or hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    Adapters,
    Cuda,
    Hip,
}

/// The worker's side of a probe.
pub(crate) fn answer(probe: &Probe) -> serde_json::Value {
    let told = match probe {
        Probe::Adapters => serde_json::to_value(adapters::list()),
        Probe::Cuda => serde_json::to_value(cuda::read()),
        Probe::Hip => serde_json::to_value(hip::read()),
    };
    told.expect("plain records of text and numbers become JSON")
}
