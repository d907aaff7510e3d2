//! The weights that a measurement reads: found where an earlier one left them, else written.

use super::{
    Bench, Order, Room, Stopped,
    room::{DISK, is_calibrated},
    targets::in_f32,
};
use crate::disk::free_bytes;
use contract::*;
use engine::{CalibrateError, Control, Limits, Program};
use models::{Calibration, Format, Generation, ModelError, Progress, Ranges};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Graphs with their weights.
#[derive(Clone)]
pub struct OnDisk {
    pub onnx: PathBuf,
    /// The graph that reads one token, where text is generated.
    pub decode: Option<PathBuf>,
    pub folder: PathBuf,
}

/// Writing or finding weights, shown as a phase of the run.
pub struct Acquire<'a> {
    pub bench: &'a Bench,
    pub order: &'a Order<'a>,
    pub control: &'a Control,
    pub on: &'a mut dyn FnMut(Live),
    pub began: Instant,
}

impl Acquire<'_> {
    /// What the engine is given for the precision asked for; calibrates where that is needed and was not done before.
    ///
    /// Where text is generated, a further token goes through products of the graph that reads the prompt, so that one
    /// is calibrated.
    pub fn format(&mut self, stages: Option<&Generation>, memory_bytes: u64) -> Result<Format, Stopped> {
        let Order { model, setting, machine, settings, .. } = self.order;
        let format = Format::from(setting.precision).with_dynamic(engine::dynamic_form(&setting.engine));
        if !is_calibrated(&model.model, setting.precision) {
            return Ok(format);
        }
        let limits = Limits { memory_bytes, timeout: Duration::from_secs_f64(settings.timeout_secs) };
        let control = self.control.clone();
        let root = self.bench.weights.root().to_owned();
        let calibrated = stages.map_or(&model.model, |stages| &stages.prefill);
        let calibration =
            self.writing(Precision::F32, |progress| calibrated.calibration(&root, setting.seed, progress))?;
        self.bench.weights.touch(calibration.folder());
        self.report("Calibrating the ranges of the activations".to_owned());
        let program = &self.bench.program;
        let ranges = ranges(program, &calibration, setting.seed, machine, &limits, &control);
        Ok(format.with_ranges(ranges.map_err(Stopped::of_calibration)?))
    }

    /// The model's graph, or the two that text is generated with.
    pub fn weights(&mut self, stages: Option<&Generation>, format: Format) -> Result<OnDisk, Stopped> {
        let Order { model, setting, .. } = self.order;
        let root = self.bench.weights.root().to_owned();
        self.writing(format.precision, |progress| match stages {
            Some(stages) => {
                let files = stages.materialize(&root, format.clone(), setting.seed, progress)?;
                Ok(OnDisk { onnx: files.prefill.onnx, decode: Some(files.decode), folder: files.prefill.folder })
            }
            None => {
                let files = model.model.materialize(&root, format.clone(), setting.seed, progress)?;
                Ok(OnDisk { onnx: files.onnx, decode: None, folder: files.folder })
            }
        })
    }

    /// The model in f32, which its output is checked by, or why it is left out, in a sentence for the log. `needed` is
    /// what it takes of the room there is.
    pub fn in_f32(
        &mut self,
        stages: Option<&Generation>,
        needed: Room,
        there: Room,
    ) -> Result<Result<OnDisk, String>, Stopped> {
        let asked = self.order.setting.precision;
        let fits = needed.check(&self.order.model.info.name, there).map_err(Stopped::refused);
        match fits.and_then(|()| self.weights(stages, Precision::F32.into())) {
            Err(Stopped { failure: failure @ Failure::TooBig { .. }, .. }) => Ok(Err(format!(
                "f32 was left out: {failure}. The output is checked by another engine that runs the same file in \
                 {asked}; how far it lies from f32 is not known"
            ))),
            written => written.map(Ok),
        }
    }

    /// Lets weights be written and shows how far that is. What the disk cannot hold is refused before much is written.
    fn writing<T>(
        &mut self,
        precision: Precision,
        write: impl FnOnce(&mut Progress) -> Result<T, ModelError>,
    ) -> Result<T, Stopped> {
        let model = self.order.model;
        let free = free_bytes(self.bench.weights.root());
        self.report(format!("Preparing the weights in {precision}"));
        let (mut shown, mut lacking) = (Instant::now(), None);
        let mut progress = |done: u64, total: u64| {
            // Weights from an earlier time are found without any progress.
            lacking = (total > free).then_some(total);
            if lacking.is_some() || self.control.is_cancelled() {
                return ControlFlow::Break(());
            }
            if shown.elapsed() > Duration::from_millis(150) {
                shown = Instant::now();
                self.report(format!("Weights in {precision}: {} of {} MB", done / 1_000_000, total / 1_000_000));
            }
            ControlFlow::Continue(())
        };
        let error = match write(&mut progress) {
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        match error {
            ModelError::Cancelled if lacking.is_none() => return Err(Stopped::cancelled()),
            ModelError::Rewritten { .. } => return Err(Stopped::rewritten(error)),
            ModelError::Cancelled | ModelError::Unwritable { .. } => {}
            // A full disk has no part in it.
            _ => return Err(Stopped::refused(error)),
        }
        let needed_bytes = lacking.unwrap_or_else(|| model.model.disk_bytes(precision));
        if needed_bytes <= free {
            return Err(Stopped::refused(error));
        }
        let subject = format!("the weights of {}", model.info.name);
        let resource = DISK.to_owned();
        Err(Stopped::refused(Failure::TooBig { subject, resource, needed_bytes, available_bytes: free }))
    }

    fn report(&mut self, line: String) {
        (self.on)(Live {
            job: JobId(self.order.run.0.clone()),
            run: self.order.run.clone(),
            phase: PhaseName::Acquire,
            elapsed_secs: self.began.elapsed().as_secs_f64(),
            phases: Vec::new(),
            recent_ms: Vec::new(),
            samples: 0,
            median_ms: None,
            low_ms: None,
            high_ms: None,
            generating: None,
            noise: None,
            cpu_cores: None,
            memory_bytes: None,
            log: vec![line],
        });
    }
}

/// Why a model cannot be had in int8 static.
pub fn calibration_failed(error: CalibrateError) -> Failure {
    Failure::bad_input("int8 static", error.to_string()).remedy("Choose int8, which needs no calibration")
}

/// The ranges of an earlier calibration of the same weights, or new ones.
pub fn ranges(
    program: &Program,
    calibration: &Calibration,
    seed: u64,
    machine: &Machine,
    limits: &Limits,
    control: &Control,
) -> Result<Ranges, CalibrateError> {
    match calibration.known() {
        Some(ranges) => Ok(ranges),
        None => engine::calibrate(program, calibration, seed, &in_f32(machine), limits, control),
    }
}
