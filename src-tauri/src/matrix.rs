//! The matrix: the store's best figures set into this machine's columns, so that what is missing has its sentence.

use contract::*;
use std::collections::BTreeMap;
use store::{BestCell, MatrixBest};

/// This machine's columns come first, then those of other machines; each in the order of `Platform`.
pub fn of(machine: &Machine, best: MatrixBest, filter: &Filter) -> Matrix {
    let metric = best.metric;
    let mut columns = own_columns(machine, filter);
    for cell in &best.cells {
        let place = Place::of(cell, machine);
        if !columns.iter().any(|column| column.place == place) {
            columns.push(Column::foreign(place, cell));
        }
    }
    // Stable: within a platform the order of appearance stays.
    columns.sort_by_key(|column| (column.is_foreign, column.place.platform));

    let mut rows: BTreeMap<String, (String, Vec<BestCell>)> = BTreeMap::new();
    for cell in best.cells {
        rows.entry(cell.model.clone()).or_insert_with(|| (cell.family.clone(), Vec::new())).1.push(cell);
    }
    let rows = rows
        .into_iter()
        .map(|(model, (family, cells))| {
            let cells = columns.iter().map(|column| column.cell(machine, &cells)).collect();
            MatrixRow { model, family, cells }
        })
        .collect();
    Matrix { metric, columns: columns.into_iter().map(Column::shown).collect(), rows }
}

/// What tells columns apart. Two machines may both have a `cpu`.
#[derive(Clone, PartialEq)]
struct Place {
    platform: Platform,
    device: Option<DeviceId>,
    /// Another machine than this one; none for this one and for imported results.
    elsewhere: Option<MachineId>,
}

impl Place {
    fn of(cell: &BestCell, machine: &Machine) -> Self {
        let elsewhere = cell.machine.clone().filter(|id| *id != machine.id);
        Self { platform: cell.platform, device: Some(cell.device.clone()), elsewhere }
    }
}

struct Column {
    place: Place,
    /// Known from results alone: no device of this machine.
    is_foreign: bool,
    label: String,
    availability: Availability,
}

/// A column for each device that an engine here can use; one that says why not for each platform without.
fn own_columns(machine: &Machine, filter: &Filter) -> Vec<Column> {
    let wanted = |platform: &Platform| filter.platforms.is_empty() || filter.platforms.contains(platform);
    let mut columns: Vec<Column> = Vec::new();
    for status in machine.platforms.iter().filter(|status| wanted(&status.platform)) {
        let platform = status.platform;
        let before = columns.len();
        for target in machine.targets().filter(|target| target.platform == platform && target.availability.is_ready()) {
            let place = Place { platform, device: Some(target.device.clone()), elsewhere: None };
            if !columns.iter().any(|column| column.place == place) {
                columns.push(Column {
                    place,
                    is_foreign: false,
                    label: target.device_name.clone(),
                    availability: Availability::Ready,
                });
            }
        }
        if columns.len() == before {
            columns.push(Column::without_device(status, machine));
        }
    }
    columns
}

impl Column {
    /// Where the platform itself is there, what is missing is told by the engine that could measure on it; first by a build
    /// that was put there for it, which is the nearest.
    fn without_device(status: &PlatformStatus, machine: &Machine) -> Self {
        let platform = status.platform;
        let engines = machine.targets().filter(|target| target.platform == platform);
        let nearest = engines.min_by_key(|target| target.engine.without_build() == target.engine.0);
        let availability = match (&status.availability, nearest) {
            (Availability::Missing { .. }, _) => status.availability.clone(),
            (Availability::Ready, Some(target)) => target.availability.clone(),
            (Availability::Ready, None) => Availability::missing(
                format!("{platform} is there, but no engine of this version measures on it"),
                "Import measurements made elsewhere to see figures here",
            ),
        };
        let place = Place { platform, device: None, elsewhere: None };
        Self { place, is_foreign: false, label: platform.label().into(), availability }
    }

    fn foreign(place: Place, cell: &BestCell) -> Self {
        let availability = Availability::missing(
            format!("{} is not a device of this machine", cell.device_name),
            "Measure there and import the table",
        );
        Self { place, is_foreign: true, label: cell.device_name.clone(), availability }
    }

    fn cell(&self, machine: &Machine, cells: &[BestCell]) -> MatrixCell {
        match cells.iter().find(|cell| Place::of(cell, machine) == self.place) {
            Some(cell) => figure(cell),
            None => match &self.availability {
                Availability::Ready => MatrixCell::Open,
                Availability::Missing { reason, remedy } => {
                    MatrixCell::Impossible { reason: reason.clone(), remedy: remedy.clone() }
                }
            },
        }
    }

    fn shown(self) -> MatrixColumn {
        let Place { platform, device, .. } = self.place;
        MatrixColumn { device, platform, label: self.label, availability: self.availability }
    }
}

fn figure(cell: &BestCell) -> MatrixCell {
    match (&cell.best, &cell.failed) {
        (Some(best), _) => MatrixCell::Figure {
            value: best.value,
            low: best.low,
            high: best.high,
            per_sample: best.per_sample,
            precision: best.precision,
            effective_precision: best.effective_precision,
            device_share: best.device_share,
            all_experts: best.all_experts,
            engine: best.engine.clone(),
            evidence: best.evidence,
            mode: best.mode,
            run: best.run.clone(),
            runs: cell.runs,
            batch: best.batch,
            size: best.size,
            size_unit: best.size_unit,
            dims: best.dims.clone(),
            noise: best.noise,
        },
        (None, Some(failed)) => {
            MatrixCell::Failed { reason: failed.reason.clone(), runs: cell.runs, run: failed.run.clone() }
        }
        (None, None) => MatrixCell::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn machine(targets: Vec<Target>) -> Machine {
        let engine = EngineStatus {
            id: "onnxruntime".into(),
            name: "ONNX Runtime".into(),
            version: None,
            availability: Availability::Ready,
            library: None,
            offers: Vec::new(),
            targets,
        };
        let webgpu = PlatformStatus {
            platform: Platform::WebGpu,
            availability: Availability::Ready,
            devices: Vec::new(),
            facts: Vec::new(),
        };
        Machine {
            id: "here".into(),
            name: String::new(),
            os: String::new(),
            cpu: String::new(),
            physical_cores: 1,
            logical_cores: 1,
            memory_bytes: 1,
            platforms: vec![webgpu],
            engines: vec![engine],
            browsers: Vec::new(),
            webview: None,
            peaks: Vec::new(),
            peaks_left_out: Vec::new(),
            scanned_at: Timestamp::UNIX_EPOCH,
            changes: Vec::new(),
        }
    }

    #[test]
    fn a_platform_that_is_there_says_what_its_engines_lack() {
        let target = |engine: &str, reason: &str| Target {
            engine: engine.into(),
            device: "webgpu:0".into(),
            platform: Platform::WebGpu,
            device_name: "WebGPU 0".into(),
            availability: Availability::missing(reason, "put it there"),
            precisions: Vec::new(),
            not_ranked: None,
        };
        let told = |targets: Vec<Target>| {
            let columns = own_columns(&machine(targets), &Filter::default());
            match &columns[0].availability {
                Availability::Missing { reason, remedy } => (reason.clone(), remedy.clone()),
                Availability::Ready => panic!("no engine is ready"),
            }
        };
        let plain = target("onnxruntime", "this build does not offer WebGPU");
        let special = target("onnxruntime-webgpu", "no adapter answers");
        assert_eq!(told(vec![plain.clone()]).0, "this build does not offer WebGPU");
        assert_eq!(told(vec![plain, special]), ("no adapter answers".into(), "put it there".into()));
        assert!(told(Vec::new()).0.contains("no engine of this version measures on it"));
    }
}
