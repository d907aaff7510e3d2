//! One measurement from its setting to its result: weights, references, limits, then the engine's worker.

mod acquire;
mod kept;
mod not_run;
mod room;
mod sizes;
mod targets;

pub use acquire::{calibration_failed, ranges};
pub use kept::{Kept, form};
pub use not_run::{failed_run, not_started};
pub use room::{Needs, Room};
pub use sizes::Sizes;
pub use targets::{memory_limit, references, usable_target};

use crate::{catalogue::Listed, nearest, place::Place, weights::Weights};
use acquire::Acquire;
use contract::*;
use engine::{CalibrateError, Control, Job, Libraries, Limits, Program, Writing};
use jiff::Timestamp;
use models::ModelError;
use sizes::written;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use targets::library;

/// Where the figures of a file come from whose weights share one pool.
const POOLED: &str = "timed on weights that share one pool: caches and memory differ from real use";

/// What measurements on this machine share.
#[derive(Clone)]
pub struct Bench {
    pub program: Program,
    /// Folders of engine libraries beside the usual ones and the person's own.
    pub extra_libraries: Vec<PathBuf>,
    pub own_libraries: PathBuf,
    pub weights: Weights,
}

/// The program that measures and renders, beside this one.
pub fn worker_program() -> Result<Program, Failure> {
    Program::worker().map_err(|e| Failure::broken("finding the program's own file", e))
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
    /// What to do, where the failure does not say it itself.
    remedy: Option<Box<str>>,
}

impl Stopped {
    pub fn refused(failure: impl Into<Failure>) -> Self {
        Self { kind: FailureKind::Refused, failure: failure.into(), remedy: None }
    }

    /// What was read is of nobody knows which of two.
    fn rewritten(error: ModelError) -> Self {
        Self { kind: FailureKind::ModelChanged, failure: error.into(), remedy: None }
    }

    pub fn cancelled() -> Self {
        Self { kind: FailureKind::Cancelled, failure: Failure::Cancelled, remedy: None }
    }

    /// With what would fit, where something does not; `choices` is told the room there is.
    fn offering(self, there: Room, choices: impl FnOnce(Room) -> String) -> Self {
        let Failure::TooBig { resource, available_bytes, .. } = &self.failure else { return self };
        let disk_bytes = if resource == room::DISK { *available_bytes } else { there.disk_bytes };
        Self { remedy: Some(choices(Room { disk_bytes, ..there }).into()), ..self }
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
            program: worker_program()?,
            extra_libraries: Vec::new(),
            own_libraries: place.libraries(),
            weights: Weights::at(place.weights()),
        })
    }

    /// The engine libraries that are there now: a person may have put some there since the last look.
    pub fn libraries(&self) -> Libraries {
        Libraries::with_own(&self.extra_libraries, &self.own_libraries)
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
        let target = usable_target(machine, model.model.info(), setting).map_err(Stopped::refused)?;
        let texts = written(&model.model, setting).map_err(Stopped::refused)?;
        let kept = Kept::of(&self.weights);
        let needs = Needs::with(&model.model, setting, texts.as_ref(), &kept).map_err(Stopped::refused)?;
        let stages = texts.as_ref().map(|(_, stages)| stages);
        let limit = memory_limit(settings, machine);
        let there = Room::here(&self.weights, limit);
        let offering =
            |stopped: Stopped| stopped.offering(there, |room| nearest::choices(model, &target, setting, room, &kept));
        needs.own.check(&model.info.name, there).map_err(|failure| offering(Stopped::refused(failure)))?;

        let mut acquire = Acquire { bench: self, order, control, on, began: Instant::now() };
        let format = acquire.format(stages, limit).map_err(offering)?;
        let own = acquire.weights(stages, format).map_err(offering)?;
        let acquire_ms = acquire.began.elapsed().as_secs_f64() * 1e3;
        let references = references(machine, setting);
        let (reference, f32_left_out) = match needs.in_f32 {
            _ if references.is_empty() || setting.precision == Precision::F32 => (Some(own.clone()), None),
            None => (None, None),
            Some(needed) => match acquire.in_f32(stages, needed, there)? {
                Ok(reference) => (Some(reference), None),
                Err(left_out) => (None, Some(left_out)),
            },
        };
        let sizes = needs.sizes;
        let writing = match (&texts, own.decode.clone()) {
            (Some((texts, stages)), Some(decode)) => {
                let reference_decode = reference.as_ref().and_then(|reference| reference.decode.clone());
                let sizes = stages.sizes(*texts).map_err(Stopped::refused)?;
                let [_, decode_dims] = sizes.steps;
                Some(Writing {
                    texts: *texts,
                    reference_decode: reference_decode.unwrap_or_else(|| decode.clone()),
                    decode,
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
            driver: machine.device_of(&target).and_then(|device| device.driver.clone()),
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
                per_sample: sizes.per_sample,
                size_unit: model.size_unit(setting.mode),
            },
            onnx: own.onnx,
            files: model.model.files_in_place().to_vec(),
            dims: sizes.dims,
            references,
            reference_onnx: reference.map(|reference| reference.onnx),
            f32_left_out,
            scores: model.model.scores().map(str::to_owned),
            writing,
            peaks: machine.peaks.clone(),
            limits: Limits { memory_bytes: limit, timeout: Duration::from_secs_f64(settings.timeout_secs) },
            acquire_ms: Some(acquire_ms),
            scratch: outputs,
        })
    }
}

/// One sample in f32 with candle on the CPU; tests say what is other about theirs.
#[cfg(test)]
pub fn plain_setting() -> Setting {
    Setting {
        model: "mine".into(),
        engine: "candle".into(),
        device: "cpu".into(),
        precision: Precision::F32,
        mode: Mode::Inference,
        batch: 1,
        size: None,
        dims: Default::default(),
        threads: None,
        seed: 0,
        budget_secs: 1.0,
    }
}
