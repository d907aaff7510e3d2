//! Everything the probes brought back, each its own source, before it is told platform by platform.

use super::{
    Probe,
    adapters::AdapterFacts,
    browsers,
    cpu::{self, Cpu},
    cuda::{CudaAbsence, CudaFacts},
    engines, graphics,
    hip::{HipAbsence, HipFacts},
    host::{self, Host},
    kfd::{self, KfdGpu},
    pci::{self, Card},
};
use crate::{
    Libraries, Program,
    worker::{self, Order},
};
use contract::{Browser, EngineStatus};
use serde::de::DeserializeOwned;
use std::{path::Path, thread, time::Duration};

/// A probe that hangs is ended, and its platform says so. Far above what a healthy one needs, even on a cold disk.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

pub struct Found {
    pub host: Host,
    pub cpu: Cpu,
    /// None where the system does not show its bus.
    pub cards: Option<Vec<Card>>,
    pub engines: Vec<EngineStatus>,
    /// The reason why the worker that asked gave no answer, where it gave none.
    pub adapters: Result<Vec<AdapterFacts>, String>,
    pub cuda: Result<Result<CudaFacts, CudaAbsence>, String>,
    pub hip: Result<Result<HipFacts, HipAbsence>, String>,
    /// None where AMD's compute driver is not loaded.
    pub kfd: Option<Vec<KfdGpu>>,
    /// Apple's GPUs; empty elsewhere.
    pub apple_gpus: Vec<graphics::AppleGpu>,
    pub browsers: Vec<Browser>,
}

/// Asks every source at the same time.
pub fn gather(libraries: &Libraries, program: &Program) -> Found {
    const UNBROKEN: &str = "a probe thread reports what went wrong and does not panic";
    thread::scope(|scope| {
        let engines = scope.spawn(|| engines::probe(libraries, program));
        let adapters = scope.spawn(|| ask(program, Probe::Adapters));
        let cuda = scope.spawn(|| ask(program, Probe::Cuda));
        let hip = scope.spawn(|| ask(program, Probe::Hip));
        let browsers = scope.spawn(browsers::installed);
        let apple_gpus = scope.spawn(graphics::apple_gpus);
        Found {
            host: host::read(),
            cpu: cpu::read(),
            cards: pci::cards(),
            kfd: kfd::read(Path::new(kfd::TOPOLOGY)),
            engines: engines.join().expect(UNBROKEN),
            adapters: adapters.join().expect(UNBROKEN),
            cuda: cuda.join().expect(UNBROKEN),
            hip: hip.join().expect(UNBROKEN),
            apple_gpus: apple_gpus.join().expect(UNBROKEN),
            browsers: browsers.join().expect(UNBROKEN),
        }
    })
}

fn ask<T: DeserializeOwned>(program: &Program, probe: Probe) -> Result<T, String> {
    worker::ask(program, &Order::Inventory(probe), PROBE_LIMIT).map_err(|error| error.to_string())
}
