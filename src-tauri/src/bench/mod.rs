//! One measurement from its setting to its result: weights, references, limits, then the engine's worker.

mod acquire;
mod not_run;
mod sizes;
mod targets;

pub use acquire::{calibration_failed, ranges};
pub use not_run::{failed_run, not_started};
pub use sizes::Sizes;
pub use targets::{fits_memory, memory_limit, usable_target};

use crate::{catalogue::Listed, place::Place, weights::Weights};
use acquire::Acquire;
use contract::*;
use engine::{CalibrateError, Control, Job, Libraries, Limits, Program, Writing};
use jiff::Timestamp;
use sizes::written;
use std::time::{Duration, Instant};
use targets::{library, references};

/// Where the figures of a file come from whose weights share one pool.
const POOLED: &str = "timed on weights that share one pool: caches and memory differ from real use";

/// What measurements on this machine share.
#[derive(Clone)]
pub struct Bench {
    pub program: Program,
    pub libraries: Libraries,
    pub weights: Weights,
}

/// This program's own file: a worker is another start of it.
pub fn own_program() -> Result<Program, Failure> {
    Program::this().map_err(|e| Failure::broken("finding the program's own file", e))
}

/// One thing to measure, with what it is measured on.
pub struct Order<'a> {
    pub run: RunId,
    pub setting: &'a Setting,
    pub model: &'a Listed,
    pub machine: &'a Machine,
    pub settings: &'a Settings,
}

/// Why nothing was started, in the words of a failed result.
#[derive(Debug)]
pub struct Stopped {
    kind: FailureKind,
    failure: Failure,
}

impl Stopped {
    pub fn refused(failure: impl Into<Failure>) -> Self {
        Self { kind: FailureKind::Refused, failure: failure.into() }
    }

    pub fn cancelled() -> Self {
        Self { kind: FailureKind::Cancelled, failure: Failure::Cancelled }
    }

    fn of_calibration(error: CalibrateError) -> Self {
        match error {
            CalibrateError::Worker(error) if error.kind() == FailureKind::Cancelled => Self::cancelled(),
            error => Self::refused(calibration_failed(error)),
        }
    }
}

impl Bench {
    /// With the libraries and the weights of a place.
    pub fn at(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            program: own_program()?,
            libraries: Libraries::find(&[place.libraries()]),
            weights: Weights::at(place.weights()),
        })
    }

    /// Never fails: what goes wrong is a result with its phase and reason.
    pub fn measure(&self, order: &Order, control: &Control, on: &mut dyn FnMut(Live)) -> Run {
        let started_at = Timestamp::now();
        let job = match self.prepare(order, control, on) {
            Ok(job) => job,
            Err(stopped) => return not_started(order, started_at, stopped),
        };
        let mut run = engine::measure(&self.program, &job, control, on);
        run.started_at = started_at;
        if order.model.model.graph().shared_weights {
            (run.evidence, run.source) = (Evidence::Predicted, Some(POOLED.to_owned()));
        }
        run
    }

    /// Weights, references and limits, so that a worker can begin.
    pub fn prepare(&self, order: &Order, control: &Control, on: &mut dyn FnMut(Live)) -> Result<Job, Stopped> {
        let Order { setting, model, machine, settings, .. } = order;
        let target = usable_target(machine, setting).map_err(Stopped::refused)?;
        let texts = written(&model.model, setting).map_err(Stopped::refused)?;
        let sizes = Sizes::with(&model.model, setting, texts.as_ref()).map_err(Stopped::refused)?;
        let stages = texts.as_ref().map(|(_, stages)| stages);
        let limit = memory_limit(settings, machine);
        fits_memory(&model.info.name, sizes.memory_bytes, limit).map_err(Stopped::refused)?;

        let mut acquire = Acquire { bench: self, order, control, on, began: Instant::now() };
        let format = acquire.format(stages, limit)?;
        let own = acquire.weights(stages, format)?;
        let acquire_ms = acquire.began.elapsed().as_secs_f64() * 1e3;
        let references = references(machine, setting);
        let reference = if references.is_empty() || setting.precision == Precision::F32 {
            Some(own.clone())
        } else if model.info.precisions.contains(&Precision::F32) {
            Some(acquire.weights(stages, Precision::F32.into())?)
        } else {
            None
        };
        let reference_decode = reference.as_ref().and_then(|reference| reference.decode.clone());
        let writing = match (&texts, own.decode.clone().zip(reference_decode)) {
            (Some((texts, stages)), Some((decode, reference_decode))) => {
                let sizes = stages.sizes(*texts).map_err(Stopped::refused)?;
                let [_, decode_dims] = sizes.steps;
                Some(Writing {
                    texts: *texts,
                    decode,
                    reference_decode,
                    decode_dims,
                    whole: sizes.whole,
                    manner: stages.manner,
                    cache: stages.cache.clone(),
                })
            }
            _ => None,
        };

        let info = &model.info;
        let outputs = self.weights.outputs_of(&info.id);
        let folders = [&own.folder, &outputs].into_iter().chain(reference.as_ref().map(|reference| &reference.folder));
        folders.for_each(|folder| self.weights.touch(folder));
        Ok(Job {
            run: order.run.clone(),
            setting: Setting { threads: setting.threads.or(settings.threads), ..(*setting).clone() },
            library: library(machine, &target.engine),
            target,
            model: RunModel {
                id: info.id.clone(),
                name: info.name.clone(),
                family: info.family.clone(),
                graph_hash: info.graph_hash.clone(),
                parameters: info.parameters,
                macs: sizes.macs,
                activations: sizes.activations,
                weight_bytes: Some(sizes.weight_bytes),
            },
            onnx: own.onnx,
            dims: sizes.dims,
            references,
            reference_onnx: reference.map(|reference| reference.onnx),
            scores: model.model.scores().map(str::to_owned),
            writing,
            peaks: machine.peaks.clone(),
            limits: Limits { memory_bytes: limit, timeout: Duration::from_secs_f64(settings.timeout_secs) },
            acquire_ms: Some(acquire_ms),
            scratch: outputs,
        })
    }
}
