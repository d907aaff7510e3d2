//! `assay inventory`: what this machine can do.

use super::output::{Output, Stop};
use crate::{bench::worker_program, place::Place};
use clap::Args;
use contract::{Availability, EngineStatus, Failure, Machine, PlatformStatus};
use engine::Libraries;

/// List the platforms, devices and engines of this machine.
#[derive(Args)]
pub struct Inventory {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

impl Inventory {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let machine = scan(&Place::find()?)?;
        if self.json {
            return output.json(&machine);
        }
        output.line(format!(
            "{}, {}, {} cores, {:.1} GB",
            machine.cpu,
            machine.os,
            machine.physical_cores,
            gb(machine.memory_bytes)
        ))?;
        output.line("\nPlatforms")?;
        output.lines(machine.platforms.iter().flat_map(platform))?;
        output.line("\nEngines")?;
        output.lines(machine.engines.iter().flat_map(engine))
    }
}

/// Looks at the machine now.
pub fn scan(place: &Place) -> Result<Machine, Failure> {
    scan_with(&Libraries::with_own(&[], &place.libraries()))
}

/// Looks at the machine with these libraries.
pub fn scan_with(libraries: &Libraries) -> Result<Machine, Failure> {
    Ok(engine::scan(libraries, &worker_program()?))
}

fn platform(status: &PlatformStatus) -> Vec<String> {
    let mut lines = vec![format!("  {:<10} {}", status.platform.label(), sentence(&status.availability))];
    lines.extend(status.devices.iter().map(|device| {
        let memory = device.memory_bytes.map_or(String::new(), |bytes| format!(", {:.1} GB", gb(bytes)));
        format!("  {:<10}   {} ({}{memory})", "", device.name, device.id)
    }));
    lines
}

fn engine(status: &EngineStatus) -> Vec<String> {
    let version = status.version.as_deref().unwrap_or_default();
    let mut lines = vec![format!("  {:<22} {}", format!("{} {version}", status.id), sentence(&status.availability))];
    lines.extend(status.targets.iter().map(|target| {
        let precisions: Vec<&str> = target.precisions.iter().map(|p| p.label()).collect();
        let usable = match &target.availability {
            Availability::Ready => precisions.join(", "),
            missing => sentence(missing),
        };
        format!("  {:<22}   on {} ({}): {usable}", "", target.device_name, target.device)
    }));
    lines
}

fn sentence(availability: &Availability) -> String {
    match availability {
        Availability::Ready => "ready".into(),
        Availability::Missing { reason, remedy } => format!("missing: {reason}. {remedy}"),
    }
}

fn gb(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}
