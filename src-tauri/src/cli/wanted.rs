//! What a command measures: a model, an engine on a device, and the sizes.

use super::{
    inventory,
    named::{AtSizes, precision, preset},
};
use crate::{catalogue::Listed, place::Place};
use clap::Args;
use contract::*;
use engine::Libraries;
use models::Model;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(Args)]
pub struct Wanted {
    /// A preset such as bert-tiny, or a file: .onnx, config.json, .safetensors, or a folder with one of these.
    #[arg(long, value_name = "FILE or PRESET")]
    pub model: String,
    /// The fastest ready one on the CPU where this is not given.
    #[arg(long)]
    pub engine: Option<String>,
    /// As `assay inventory` names it; the engine's first ready one where this is not given.
    #[arg(long)]
    pub device: Option<String>,
    /// f32 where this is not given, or the one that an ONNX file is in.
    #[arg(long, value_parser = precision)]
    pub precision: Option<Precision>,
    #[command(flatten)]
    pub at: AtSizes,
    #[command(flatten)]
    pub texts: Texts,
    /// CPU threads; all physical cores where this is not given.
    #[arg(long)]
    pub threads: Option<u32>,
    /// For weights and inputs.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// A folder with other builds of the engines' libraries, looked into before all others.
    #[arg(long, value_name = "FOLDER")]
    pub libraries: Option<PathBuf>,
}

/// Whether one pass is measured or text is generated.
#[derive(Args)]
pub struct Texts {
    /// `inference` is one pass over the inputs, `generation` writes text token by token with a key and value cache.
    #[arg(long, default_value = "inference", value_parser = mode)]
    pub mode: Mode,
    /// For generation: tokens of each prompt, those of an image in it included; 128 beside those of an image, or the
    /// longest it may be, where this is not given. A model that listens takes its own length of sound.
    #[arg(long, value_name = "TOKENS", conflicts_with = "length")]
    pub prompt: Option<u32>,
    /// For generation: tokens to write after each prompt, 32 where this is not given.
    #[arg(long, value_name = "TOKENS")]
    pub output: Option<u32>,
}

impl Texts {
    fn check(&self) -> Result<(), Failure> {
        let given = [("--prompt", self.prompt), ("--output", self.output)];
        match given.iter().find(|(_, tokens)| tokens.is_some()).filter(|_| self.mode != Mode::Generation) {
            Some((option, _)) => {
                Err(Failure::bad_input(*option, "it belongs to generation").remedy("Add --mode generation"))
            }
            None => Ok(()),
        }
    }
}

impl Wanted {
    pub fn open(&self) -> Result<Listed, Failure> {
        Ok(Listed::from(match preset(&self.model) {
            Some(preset) => preset,
            None => Model::open(Path::new(&self.model))?,
        }))
    }

    /// The machine with the libraries that this is to run on.
    pub fn scan(&self, place: &Place) -> Result<Machine, Failure> {
        let mut libraries = Libraries::with_own(&[], &place.libraries());
        if let Some(folder) = &self.libraries {
            if !folder.is_dir() {
                return Err(Failure::bad_input(folder.display().to_string(), "it is not a folder"));
            }
            libraries.folders.insert(0, folder.clone());
        }
        inventory::scan_with(&libraries)
    }

    /// # Errors
    /// Where options for generation are given for another mode.
    pub fn setting(&self, model: &ModelInfo, target: TargetChoice, budget_secs: f64) -> Result<Setting, Failure> {
        self.texts.check()?;
        let mut dims: BTreeMap<String, u32> = self.at.dims.iter().cloned().collect();
        dims.extend(self.texts.output.map(|tokens| (OUTPUT.to_owned(), tokens)));
        Ok(Setting {
            model: model.id.clone(),
            engine: target.engine,
            device: target.device,
            precision: self.precision.or_else(|| model.precisions.first().copied()).unwrap_or(Precision::F32),
            mode: self.texts.mode,
            batch: self.at.batch,
            size: self.texts.prompt.or(self.at.length),
            dims,
            threads: self.threads,
            seed: self.seed,
            budget_secs,
        })
    }

    pub fn target(&self, machine: &Machine) -> Result<TargetChoice, Failure> {
        let named = |target: &&Target| {
            self.engine.as_ref().is_none_or(|engine| target.engine.0 == *engine)
                && self.device.as_ref().is_none_or(|device| target.device.0 == *device)
        };
        if let Some(target) = preferred(machine).into_iter().find(|t| named(t) && t.availability.is_ready()) {
            self.check_library(machine, &target.engine)?;
            return Ok(TargetChoice { engine: target.engine.clone(), device: target.device.clone() });
        }
        // Named, but not usable: the measurement itself says why, as a refused result.
        match (&self.engine, &self.device) {
            (Some(engine), Some(device)) => {
                Ok(TargetChoice { engine: engine.as_str().into(), device: device.as_str().into() })
            }
            (Some(engine), None) => {
                let status = machine.engines.iter().find(|status| status.id.0 == *engine);
                Err(status.and_then(missing).unwrap_or_else(|| Failure::not_found("ready engine called", engine)))
            }
            (None, Some(device)) => Err(Failure::not_found("ready engine for the device", device)),
            (None, None) => {
                let first = machine.engines.iter().find_map(missing);
                Err(first.unwrap_or_else(|| Failure::not_found("ready engine for the device", "cpu")))
            }
        }
    }

    /// A folder that was named must hold what is used: another build must not run under its name.
    fn check_library(&self, machine: &Machine, engine: &EngineId) -> Result<(), Failure> {
        let Some(folder) = &self.libraries else { return Ok(()) };
        let status = machine.engines.iter().find(|status| &status.id == engine);
        let library = status.and_then(|status| status.library.as_ref());
        if library.is_some_and(|library| Path::new(library).starts_with(folder)) {
            return Ok(());
        }
        Err(Failure::bad_input(folder.display().to_string(), format!("it holds no library of {engine}"))
            .remedy("Name a folder with libraries such as `assay inventory` lists, and the engine"))
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    let known = [Mode::Inference, Mode::Generation];
    let found = known.into_iter().find(|mode| mode.key() == text);
    found.ok_or_else(|| known.map(Mode::key).join(" or "))
}

fn missing(status: &EngineStatus) -> Option<Failure> {
    let Availability::Missing { reason, remedy } = &status.availability else { return None };
    Some(Failure::Missing { what: status.name.clone(), reason: reason.clone(), remedy: remedy.clone() })
}

/// Targets on the CPU first, and of these the engine that is the fastest on most models.
fn preferred(machine: &Machine) -> Vec<&Target> {
    let mut targets: Vec<&Target> = machine.targets().collect();
    targets.sort_by_key(|target| (target.platform, target.engine.0 != "onnxruntime"));
    targets
}
