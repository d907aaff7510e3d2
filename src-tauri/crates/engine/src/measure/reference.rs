//! What the output is checked against: the same inputs through another engine, in a worker of its own.
//!
//! Inputs and outputs are kept in the job's scratch folder, named for everything they follow from.

use super::{Failure, compare, live::Feed, record::Record, remaining};
use crate::{
    Control, Job, Program,
    backend::LoadRequest,
    worker::{self, Heard, Order, WorkerError},
};
use contract::{EngineId, FailureKind, PhaseName, Precision, TargetChoice};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Instant, UNIX_EPOCH},
};

/// Distinct inputs that are called in turn, so that no engine can answer from what it has just computed.
const VARIANTS: u32 = 4;
/// Variants whose outputs are compared: the second tells whether the engine reads its inputs anew.
const CHECKED: usize = 2;

/// Where text is generated, the inputs are whole texts that begin with the prompt, and outputs the scores that each is
/// checked by, one file each.
pub(super) struct Reference {
    /// One file for each variant.
    pub inputs: Vec<PathBuf>,
    /// Another engine's outputs of the same graph for the first variants; empty where no other engine could run it.
    pub outputs: Vec<PathBuf>,
    /// The engine they come from, or why there is none.
    pub against: Result<EngineId, String>,
    /// Outputs of the graph in f32, where another precision is measured and another engine could run it.
    pub exact: Vec<PathBuf>,
    /// The engine these come from.
    pub exact_by: Option<EngineId>,
}

impl Reference {
    /// A graph of floating-point numbers is checked against f32 itself. A quantised one, and one that cannot be had or run
    /// in f32, is checked against another engine that runs the same file: what its rounding costs is no fault of the
    /// engine.
    ///
    /// # Errors
    /// Where the inputs cannot be made, or the person cancels. An engine that cannot run the model is no error: the
    /// next is tried, and without any the output stays unchecked.
    pub fn prepare(
        program: &Program,
        job: &Job,
        control: &Control,
        record: &mut Record,
        feed: &mut Feed,
    ) -> Result<Self, Failure> {
        let preparing = Preparing { program, job, control, started: Instant::now() };
        feed.phase(PhaseName::Reference);
        // The inputs follow from the graph, so a file that cannot be read shows here first.
        record.enter(PhaseName::Load);
        let inputs = preparing.inputs(&job.onnx, feed)?;
        record.enter(PhaseName::Reference);
        let asked = job.setting.precision;
        let in_f32 = match (&job.reference_onnx, &job.f32_left_out) {
            (Some(onnx), _) => preparing.first(onnx, Precision::F32, record, feed)?,
            (None, Some(reason)) => {
                record.note(reason);
                Err(reason.clone())
            }
            (None, None) => Err("the model cannot be had in f32".to_owned()),
        };
        let never_had = job.reference_onnx.is_none() && job.f32_left_out.is_none();
        let in_asked = if asked.is_quantised() {
            preparing.first(&job.onnx, asked, record, feed)?
        } else if never_had {
            // The other engine computes the file's own numbers in f32, so that nothing is rounded.
            preparing.first(&job.onnx, Precision::F32, record, feed)?
        } else if asked == Precision::F32 || in_f32.is_ok() || preparing.is_late() {
            in_f32.clone()
        } else {
            let given = preparing.first(&job.onnx, asked, record, feed)?;
            if let Ok((_, engine)) = &given {
                record.note(&format!("the output is held against {engine}'s in {asked}, as there is none in f32"));
            }
            given
        };
        let (outputs, against) = match in_asked {
            Ok((outputs, engine)) => (outputs, Ok(engine)),
            Err(reason) => (Vec::new(), Err(reason)),
        };
        let (exact, exact_by) = match in_f32 {
            Ok((outputs, engine)) if asked != Precision::F32 => (outputs, Some(engine)),
            _ => (Vec::new(), None),
        };
        Ok(Self { inputs, outputs, against, exact, exact_by })
    }
}

/// What the measured engine is given.
pub(super) fn load_request(job: &Job) -> LoadRequest {
    LoadRequest {
        engine: job.setting.engine.clone(),
        device: job.setting.device.clone(),
        library: job.library.clone(),
        model: job.onnx.clone(),
        precision: job.setting.precision,
        threads: job.setting.threads,
        dims: job.dims.clone(),
    }
}

struct Preparing<'a> {
    program: &'a Program,
    job: &'a Job,
    control: &'a Control,
    started: Instant,
}

/// Files of outputs with the engine that gave them, or why no engine could.
type Given = Result<(Vec<PathBuf>, EngineId), String>;

impl Preparing<'_> {
    /// The outputs of the first engine that can run the graph.
    fn first(&self, onnx: &Path, precision: Precision, record: &mut Record, feed: &mut Feed) -> Result<Given, Failure> {
        let mut reasons = Vec::new();
        let job = self.job;
        for (choice, library) in job.references.iter().filter(|(choice, _)| choice.engine != job.setting.engine) {
            match self.outputs(choice, library.as_deref(), (onnx, precision), feed) {
                Ok(outputs) => return Ok(Ok((outputs, choice.engine.clone()))),
                Err(failure) if failure.kind == FailureKind::Cancelled => return Err(failure),
                Err(Failure { message, .. }) => reasons.push(format!("{}: {message}", choice.engine)),
            }
            record.note(&format!("no reference output from {}", reasons.last().expect("one was just pushed")));
        }
        Ok(Err(match &reasons[..] {
            [] => "no other engine is ready here".to_owned(),
            reasons => format!("no other engine could run it ({})", reasons.join("; ")),
        }))
    }

    fn inputs(&self, onnx: &Path, feed: &mut Feed) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.folder("inputs", onnx, &[])?;
        let files: Vec<PathBuf> = (0..VARIANTS).map(|i| folder.join(format!("{i}.safetensors"))).collect();
        if !files.iter().all(|file| file.is_file()) {
            let dims = self.job.writing.as_ref().map_or(&self.job.dims, |writing| &writing.whole).clone();
            let seed = self.job.setting.seed;
            self.order(&Order::Inputs { onnx: onnx.to_owned(), dims, seed, files: files.clone() }, feed)?;
        }
        Ok(files)
    }

    fn outputs(
        &self,
        choice: &TargetChoice,
        library: Option<&Path>,
        (onnx, precision): (&Path, Precision),
        feed: &mut Feed,
    ) -> Result<Vec<PathBuf>, Failure> {
        let job = self.job;
        let library_stamp = library.map(stamp).unwrap_or_default();
        let by = [choice.engine.0.as_str(), &choice.device.0, &library_stamp, precision.key()];
        let folder = self.folder("outputs", onnx, &by)?;
        let each = job.writing.as_ref().map_or(1, |writing| worker::scores_of(writing.texts));
        let outputs: Vec<PathBuf> = (0..CHECKED * each).map(|i| folder.join(format!("{i}.safetensors"))).collect();
        if !outputs.iter().all(|file| file.is_file()) {
            let load = LoadRequest {
                engine: choice.engine.clone(),
                device: choice.device.clone(),
                library: library.map(Path::to_owned),
                model: onnx.to_owned(),
                precision,
                threads: job.setting.threads,
                dims: job.dims.clone(),
            };
            let mut inputs = self.inputs(onnx, feed)?;
            inputs.truncate(CHECKED);
            let order = match &job.writing {
                None => Order::Reference { load, inputs, outputs: outputs.clone() },
                Some(writing) => {
                    let decode = if onnx == job.onnx { &writing.decode } else { &writing.reference_decode };
                    let writer = writing.request(load, decode);
                    Order::Scores { writer, texts: writing.texts, inputs, outputs: outputs.clone() }
                }
            };
            self.order(&order, feed)?;
        }
        for file in &outputs {
            let tensors = models::safetensors::read(file).map_err(|error| broken(error.to_string()))?;
            if let Some(fault) = compare::not_finite(&tensors) {
                return Err(broken(format!("its own output is no reference: {fault}")));
            }
        }
        Ok(outputs)
    }

    /// Whether an engine hung: trying all of them once more would leave little time for the one that is measured.
    fn is_late(&self) -> bool {
        self.started.elapsed() >= self.job.limits.timeout / 2
    }

    fn order(&self, order: &Order, feed: &mut Feed) -> Result<(), Failure> {
        if !self.control.goes_on() {
            return Err(WorkerError::Cancelled.into());
        }
        let mut limits = remaining(self.job, self.started);
        // An engine that hangs as the reference must leave time for the one that is measured.
        limits.timeout /= 2;
        let report = worker::converse(self.program, order, &limits, self.control, &mut |heard| {
            // Its phases are not those of what is measured.
            if matches!(heard, Heard::Pulse(_)) {
                feed.hear(&heard);
            }
        });
        report.answer?;
        Ok(())
    }

    /// A folder named for the model, its file, the sizes, the seed, this version of Assay and `by`.
    fn folder(&self, kind: &str, onnx: &Path, by: &[&str]) -> Result<PathBuf, Failure> {
        let Job { model, dims, setting, scratch, .. } = self.job;
        let mut hash = Sha256::new();
        let onnx = stamp(onnx);
        let texts = format!("{:?}", self.job.writing.as_ref().map(|writing| writing.texts));
        let sizes = format!("{dims:?} {}", setting.seed);
        let parts = [env!("CARGO_PKG_VERSION"), &model.id.0, &model.graph_hash, &onnx, &sizes, &texts];
        for part in parts.iter().chain(by) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let name: String = hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        let folder = scratch.join(format!("{kind}-{name}"));
        let unwritable = |error| broken(format!("could not write to {}: {error}", folder.display()));
        fs::create_dir_all(&folder).map_err(unwritable)?;
        Ok(folder)
    }
}

/// Tells a file from what stood under its name before.
fn stamp(file: &Path) -> String {
    let metadata = fs::metadata(file).ok();
    let modified = metadata.as_ref().and_then(|found| found.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let length = metadata.map(|found| found.len());
    format!("{} {length:?} {modified:?}", file.display())
}

fn broken(message: String) -> Failure {
    Failure { kind: FailureKind::EngineError, message, remedy: None }
}
