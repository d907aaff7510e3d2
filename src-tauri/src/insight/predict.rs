//! The matrix's empty cells, predicted on demand: each model in its usual work, on the usual setting of each device.

use super::{Insight, Known, made};
use contract::*;
use insight::{
    recommend::{Candidate, Evidence, Setting, Survey},
    table::Measurement,
};
use std::collections::HashMap;
use store::{KnownRun, Store};

impl Insight {
    /// Fills the cells without a figure that results of others speak for. A figure stays as it is.
    pub fn predict(&self, store: &Store, machine: &Machine, matrix: &mut Matrix) -> Result<(), Failure> {
        let Some(read) = figure_of(matrix.metric) else { return Ok(()) };
        let known = self.known(store)?;
        let usual: Vec<Option<Setting>> =
            matrix.columns.iter().map(|column| usual_setting(&known, column, machine)).collect();
        let expected: Vec<Option<String>> =
            usual.iter().map(|usual| usual.as_ref().map(|usual| known.expected(usual))).collect();
        let models: Vec<String> = matrix.rows.iter().map(|row| row.model.clone()).collect();
        let surveys = self.predicted.try_of(&known, (models.clone(), usual.clone()), || {
            let names: Vec<&str> = models.iter().map(String::as_str).collect();
            let wanted = |setting: &Setting| usual.iter().flatten().any(|usual| same(usual, setting));
            let surveys = known.surveys(&names, &wanted);
            made::keep(store, &known, &surveys)?;
            Ok::<_, Failure>(surveys)
        })?;
        let by_model: HashMap<&str, &Survey> = surveys.iter().map(|survey| (survey.model.as_str(), survey)).collect();
        for row in &mut matrix.rows {
            let Some(survey) = by_model.get(row.model.as_str()) else { continue };
            let samples: Vec<(Fed, PerSample)> =
                row.cells.iter().filter_map(|cell| cell.fed().zip(cell.per_sample())).collect();
            let all_experts = known.all_experts(&row.model);
            for (cell, (usual, expected)) in row.cells.iter_mut().zip(usual.iter().zip(&expected)) {
                let empty = matches!(cell, MatrixCell::Open | MatrixCell::Impossible { .. });
                let Some((usual, expected)) = usual.as_ref().zip(expected.as_ref()).filter(|_| empty) else { continue };
                let predicted = survey
                    .candidates
                    .iter()
                    .find(|candidate| candidate.evidence == Evidence::Predicted && same(&candidate.setting, usual));
                let filled = predicted.and_then(|candidate| {
                    let ran = ran_text(expected, None, None, all_experts);
                    filled(&known, survey, candidate, ran, read, &samples)
                });
                if let Some(filled) = filled {
                    *cell = filled;
                }
            }
        }
        Ok(())
    }
}

/// The models of a matrix, and the usual setting of each of its columns.
pub type Cells = (Vec<String>, Vec<Option<Setting>>);

type Read = fn(&Candidate) -> Option<Interval>;

/// How a candidate tells the metric; none for what is not predicted.
fn figure_of(metric: Metric) -> Option<Read> {
    match metric {
        Metric::Latency => Some(|candidate| Some(candidate.latency_ms)),
        // The longest time is the lowest rate.
        Metric::Throughput => Some(|candidate| {
            let (rate, time) = (candidate.samples_per_second, candidate.latency_ms);
            Some(Interval { value: rate, low: rate * time.value / time.high, high: rate * time.value / time.low })
        }),
        Metric::Memory => Some(|candidate| candidate.peak_memory_mb),
        Metric::FirstResult | Metric::Speedup | Metric::TokenRate | Metric::FirstToken | Metric::TokenTime => None,
    }
}

/// In the unit of its task, where a figure of the same sizes tells what one sample is.
fn filled(
    known: &Known,
    survey: &Survey,
    candidate: &Candidate,
    precision: String,
    read: Read,
    samples: &[(Fed, PerSample)],
) -> Option<MatrixCell> {
    let Interval { value, low, high } = read(candidate)?;
    let (size, dims) = (survey.size.map(|size| size as u32), known.dims(&survey.model));
    let same = samples.iter().find(|(fed, _)| (fed.size, &fed.dims) == (size, &dims));
    let per_sample = same.map(|(_, sample)| *sample);
    let each = per_sample.map_or(1.0, |sample| sample.count);
    Some(MatrixCell::Predicted {
        value: value * each,
        low: low * each,
        high: high * each,
        per_sample,
        precision,
        engine: EngineId(candidate.setting.runtime.clone()),
        mode: Mode::from_key(&survey.mode).unwrap_or(Mode::Inference),
        batch: survey.batch.map(|batch| batch as u32),
        size,
        size_unit: known.size_unit(&survey.model),
        dims,
        told: candidate.note.clone(),
    })
}

/// The setting that most results of a column's device have.
fn usual_setting(known: &Known, column: &MatrixColumn, machine: &Machine) -> Option<Setting> {
    let device = column.device.as_ref()?;
    let foreign = !column.availability.is_ready();
    let of_column = |run: &KnownRun| {
        run.platform == column.platform
            && run.device == *device
            && (run.machine.as_ref() == Some(&machine.id)) != foreign
    };
    let mut counts: HashMap<[&str; 3], (usize, &Measurement)> = HashMap::new();
    for (_, row) in known.runs.iter().zip(&known.rows).filter(|(run, _)| of_column(run)) {
        counts.entry([&row.runtime, &row.precision, &row.software]).or_insert((0, row)).0 += 1;
    }
    let (_, row) = counts.into_iter().max_by(|(a, (of_a, _)), (b, (of_b, _))| of_a.cmp(of_b).then(b.cmp(a)))?.1;
    Some(Setting {
        hardware: row.hardware.clone(),
        runtime: row.runtime.clone(),
        precision: row.precision.clone(),
        devices: row.devices,
        threads: row.threads,
        software: row.software.clone(),
    })
}

/// Apart from the version: a survey takes each setting in its usual one.
fn same(one: &Setting, other: &Setting) -> bool {
    Setting { software: String::new(), ..one.clone() } == Setting { software: String::new(), ..other.clone() }
}
