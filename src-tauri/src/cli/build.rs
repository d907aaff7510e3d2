//! `assay build`: a model's configuration as an ONNX file.

use super::{
    interrupt::interruption,
    inventory,
    named::{Named, precision},
    output::{Output, Stop, progress},
    reach::absolute,
};
use crate::{
    bench::{calibration_failed, memory_limit, ranges, worker_program},
    disk::free_bytes,
    place::Place,
};
use clap::Args;
use contract::{Failure, Precision, Settings};
use engine::{Control, Limits};
use models::{Format, Model, Progress};
use serde::Serialize;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

/// Write a model as an ONNX file.
///
/// The weights lie beside it, in a file of the same name that ends in .weights.bin: those of a checkpoint where one is
/// given or lies beside the config.json, else seeded random numbers.
#[derive(Args)]
pub struct Build {
    #[command(flatten)]
    model: Named,
    /// The ONNX file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// f32, f16, bf16, int8, int8-static (calibrated here on generated inputs) or int4.
    #[arg(long, default_value = "f32", value_parser = precision)]
    precision: Precision,
    /// The engine that int8 is meant for: each quantises activations by its own operators.
    #[arg(long, default_value = "onnxruntime")]
    engine: String,
    /// For random weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Let random weights share one pool of numbers, little larger than the largest of them: a model of any size is
    /// written in seconds, to be looked at. What is timed on it is kept as a prediction, never as a measurement.
    #[arg(long)]
    shared_weights: bool,
    /// Print what was written as one JSON document.
    #[arg(long)]
    json: bool,
}

/// What was written.
#[derive(Serialize)]
struct Built {
    model: String,
    #[serde(rename = "type")]
    family: String,
    class: Option<&'static str>,
    precision: Precision,
    parameters: Option<u64>,
    random_weights: bool,
    shared_weights: bool,
    onnx: PathBuf,
    weights: PathBuf,
    bytes: u64,
}

impl Build {
    pub fn run(self, output: &mut Output) -> Result<(), Stop> {
        let weights = self.out.with_extension("weights.bin");
        free(&self.out)?;
        free(&weights)?;
        let model = self.model.open()?;
        let info = model.info();
        let needed_bytes = match self.shared_weights {
            true => model.pool_bytes(self.precision),
            false => model.disk_bytes(self.precision),
        };
        enough_space(&self.out, &info.name, needed_bytes)?;

        let stop = interruption()?;
        let mut told = |done: u64, all: u64| {
            progress(&format!("{} of {} MB", done / 1_000_000, all / 1_000_000));
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let format = self.format(&model, &mut told)?;
        let files = match self.shared_weights {
            true => model.export_shared(&self.out, format, self.seed, &mut told),
            false => model.export(&self.out, format, self.seed, &mut told),
        };
        progress("");
        let files = files?;
        let built = Built {
            model: info.name.clone(),
            family: info.family.clone(),
            class: model.class(),
            precision: self.precision,
            parameters: info.parameters,
            random_weights: info.random_weights,
            shared_weights: self.shared_weights,
            onnx: files.onnx,
            weights,
            bytes: files.bytes,
        };
        if self.shared_weights {
            eprintln!(
                "assay: what is timed on this file is a prediction: its caches and memory are not those of real use"
            );
        }
        if self.json {
            return output.json(&built);
        }
        let numbers = match (built.random_weights, built.shared_weights) {
            (_, true) => "random weights that share one pool",
            (true, false) => "random weights",
            (false, false) => "the checkpoint's weights",
        };
        output.lines([
            format!("{}: {} in {} with {numbers}", built.model, built.family, built.precision.label()),
            format!("{}, weights in {}, {} bytes", built.onnx.display(), built.weights.display(), built.bytes),
        ])
    }
}

impl Build {
    /// The precision with what it needs beside it: the operators of an engine, calibrated ranges.
    fn format(&self, model: &Model, told: &mut Progress) -> Result<Format, Failure> {
        let format = Format::from(self.precision).with_dynamic(engine::dynamic_form(&self.engine.as_str().into()));
        if self.precision != Precision::Int8Static {
            return Ok(format);
        }
        if self.shared_weights {
            let reason = "int8 static is calibrated on the weights of the whole model";
            return Err(
                Failure::bad_input("--shared-weights", reason).remedy("Choose int8, which needs no calibration")
            );
        }
        let place = Place::find()?;
        let machine = inventory::scan(&place)?;
        let weights = place.weights();
        enough_space(&weights, &model.info().name, model.disk_bytes(Precision::F32))?;
        let calibration = model.calibration(&weights, self.seed, told)?;
        progress("Calibrating");
        let settings = Settings::default();
        let limits = Limits {
            memory_bytes: memory_limit(&settings, &machine),
            timeout: Duration::from_secs_f64(settings.timeout_secs),
        };
        let ranges = ranges(&worker_program()?, &calibration, self.seed, &machine, &limits, &Control::default());
        Ok(format.with_ranges(ranges.map_err(calibration_failed)?))
    }
}

fn free(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::bad_input(path.display().to_string(), "there is a file of this name already")
            .remedy("Choose another name, or remove the file"));
    }
    Ok(())
}

/// Refuses what the disk cannot hold before anything is written.
fn enough_space(out: &Path, model: &str, needed_bytes: u64) -> Result<(), Failure> {
    let available_bytes = free_bytes(&absolute(out)?);
    if needed_bytes <= available_bytes {
        return Ok(());
    }
    Err(Failure::TooBig {
        subject: format!("the weights of {model}"),
        resource: "disk space".to_owned(),
        needed_bytes,
        available_bytes,
    })
}
