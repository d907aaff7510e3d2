//! Calibrating int8 static: the f32 graph runs on seeded inputs and tells the ranges of its activations.

use crate::{
    Control, Limits, Program,
    backend::LoadRequest,
    worker::{self, Order, WorkerError},
};
use contract::{Precision, TargetChoice};
use models::{Calibration, ModelError, Ranges, safetensors};
use std::{io, path::PathBuf};

/// Inputs that the ranges are taken from.
const SAMPLES: usize = 8;
/// Added to the seed: what is calibrated with is not what the output's error is measured on.
const OTHER_INPUTS: u64 = 0x9e37_79b9;

#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    #[error("no engine could run the model in f32 to calibrate it ({})", .0.join("; "))]
    NoEngine(Vec<String>),
    #[error("there is no room for calibration data: {0}")]
    NoRoom(#[from] io::Error),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The ranges of the activations, by the first of these engines that can run the model. Each runs in a worker.
pub fn calibrate(
    program: &Program,
    calibration: &Calibration,
    seed: u64,
    engines: &[(TargetChoice, Option<PathBuf>)],
    limits: &Limits,
    control: &Control,
) -> Result<Ranges, CalibrateError> {
    let scratch = tempfile::tempdir()?;
    let files = |kind: &str| -> Vec<PathBuf> {
        (0..SAMPLES).map(|sample| scratch.path().join(format!("{kind}-{sample}.safetensors"))).collect()
    };
    let (inputs, outputs) = (files("inputs"), files("outputs"));
    let order = |order: &Order| worker::converse(program, order, limits, control, &mut |_| {}).answer.map(drop);
    let (onnx, dims) = (calibration.onnx.clone(), calibration.dims.clone());
    let seed = seed.wrapping_add(OTHER_INPUTS);
    order(&Order::Inputs { onnx: onnx.clone(), dims: dims.clone(), seed, files: inputs.clone() })?;
    let mut reasons = Vec::new();
    for (target, library) in engines {
        let load = LoadRequest {
            engine: target.engine.clone(),
            device: target.device.clone(),
            library: library.clone(),
            model: onnx.clone(),
            precision: Precision::F32,
            threads: None,
            dims: dims.clone(),
        };
        match order(&Order::Reference { load, inputs: inputs.clone(), outputs: outputs.clone() }) {
            Ok(()) => {
                let seen = outputs.iter().map(|file| safetensors::read(file)).collect::<Result<Vec<_>, _>>()?;
                return Ok(calibration.learn(&seen)?);
            }
            Err(WorkerError::Cancelled) => return Err(WorkerError::Cancelled.into()),
            Err(error) => reasons.push(format!("{}: {error}", target.engine)),
        }
    }
    Err(CalibrateError::NoEngine(reasons))
}
