//! Checks every engine against outputs that were computed elsewhere: a folder for each case, with `config.json`,
//! `model.safetensors` and `io.safetensors` (`in.*` what goes in, `out.*` what has to come out).

use crate::{
    Libraries, Program,
    backend::LoadRequest,
    backends,
    worker::{self, Order, WorkerError},
};
use contract::{Availability, EngineId, EngineStatus, Precision, Target};
use models::{Dimension, Graph, Model, Tensor, safetensors};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

/// What one engine made of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoldenResult {
    pub case: String,
    pub engine: EngineId,
    /// The largest absolute difference over all outputs; none where there is an error.
    pub largest_difference: Option<f64>,
    pub error: Option<String>,
}

/// Long enough for a case of any size that is kept as a file.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every case in `dir` (or `dir` itself) on the first ready device of every engine, each in a worker of its own.
pub fn check_golden(program: &Program, libraries: &Libraries, dir: &Path) -> Vec<GoldenResult> {
    let engines = engines(program, libraries);
    let cases = match cases(dir) {
        Ok(cases) => cases,
        Err(error) => return failures(&dir.display().to_string(), &engines, &error.to_string()),
    };
    cases.iter().flat_map(|case| check_case(program, &engines, case)).collect()
}

#[derive(Debug, thiserror::Error)]
enum GoldenError {
    #[error("there is no case in {0}: a case is a folder with config.json, model.safetensors and io.safetensors")]
    NoCase(PathBuf),
    #[error("{place} cannot be read or written: {source}")]
    Unreadable { place: PathBuf, source: io::Error },
    #[error(transparent)]
    Model(#[from] models::ModelError),
    #[error(transparent)]
    Worker(#[from] WorkerError),
    #[error("{engine} is not ready: {reason}. {remedy}")]
    NotReady { engine: EngineId, reason: String, remedy: String },
    #[error("the output {0} is missing")]
    Missing(String),
    #[error("the output {name} has the shape {shape:?} instead of {expected:?}")]
    Shape { name: String, shape: Vec<usize>, expected: Vec<usize> },
    #[error("the output {0} holds something that is not a number")]
    NotANumber(String),
}

/// An engine with what it needs to be started, or why it cannot be.
struct Engine {
    id: EngineId,
    library: Option<PathBuf>,
    target: Result<Target, String>,
}

fn engines(program: &Program, libraries: &Libraries) -> Vec<Engine> {
    let mut engines = Vec::new();
    for backend in backends::ALL {
        let builds = libraries.builds(backend.key()).into_iter().map(|build| (build.engine, Some(build.library)));
        let mut builds: Vec<(EngineId, Option<PathBuf>)> = builds.collect();
        if builds.is_empty() {
            builds.push((backend.key().into(), None));
        }
        for (id, library) in builds {
            let order = Order::Probe { engine: id.clone(), library: library.clone() };
            let status: Result<EngineStatus, WorkerError> = worker::ask(program, &order, PATIENCE);
            let target = status.map_err(GoldenError::Worker).and_then(first_ready);
            engines.push(Engine { id, library, target: target.map_err(|error| error.to_string()) });
        }
    }
    engines
}

fn first_ready(status: EngineStatus) -> Result<Target, GoldenError> {
    let ready = status.targets.iter().find(|target| target.availability.is_ready());
    ready.cloned().ok_or_else(|| {
        let missing = status.targets.into_iter().map(|target| target.availability);
        let first = [status.availability].into_iter().chain(missing).find(|availability| !availability.is_ready());
        let (reason, remedy) = match first {
            Some(Availability::Missing { reason, remedy }) => (reason, remedy),
            _ => ("it lists no device".to_owned(), String::new()),
        };
        GoldenError::NotReady { engine: status.id, reason, remedy }
    })
}

fn cases(dir: &Path) -> Result<Vec<PathBuf>, GoldenError> {
    let is_case = |folder: &Path| folder.join("config.json").is_file() && folder.join("io.safetensors").is_file();
    if is_case(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let listed = std::fs::read_dir(dir).map_err(|source| GoldenError::Unreadable { place: dir.to_owned(), source })?;
    let mut cases: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).filter(|folder| is_case(folder)).collect();
    cases.sort();
    if cases.is_empty() { Err(GoldenError::NoCase(dir.to_owned())) } else { Ok(cases) }
}

fn check_case(program: &Program, engines: &[Engine], folder: &Path) -> Vec<GoldenResult> {
    let name =
        folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned());
    let case = match Case::prepare(folder) {
        Ok(case) => case,
        Err(error) => return failures(&name, engines, &error.to_string()),
    };
    let result = |engine: &Engine| {
        let outcome = case.run(program, engine);
        GoldenResult {
            case: name.clone(),
            engine: engine.id.clone(),
            largest_difference: outcome.as_ref().ok().copied(),
            error: outcome.err(),
        }
    };
    engines.iter().map(result).collect()
}

fn failures(case: &str, engines: &[Engine], error: &str) -> Vec<GoldenResult> {
    let result = |engine: &Engine| GoldenResult {
        case: case.to_owned(),
        engine: engine.id.clone(),
        largest_difference: None,
        error: Some(error.to_owned()),
    };
    engines.iter().map(result).collect()
}

/// A case made ready for engines: the model written as ONNX, its inputs in a file.
struct Case {
    scratch: tempfile::TempDir,
    onnx: PathBuf,
    dims: BTreeMap<String, u64>,
    inputs: PathBuf,
    expected: Vec<Tensor>,
}

impl Case {
    fn prepare(folder: &Path) -> Result<Self, GoldenError> {
        let scratch = tempfile::tempdir();
        let scratch = scratch.map_err(|source| GoldenError::Unreadable { place: std::env::temp_dir(), source })?;
        let (given, expected) = given_and_expected(&folder.join("io.safetensors"))?;
        let model = Model::open(&folder.join("config.json"))?;
        let files = model.materialize(scratch.path(), Precision::F32, 0, &mut |_, _| ControlFlow::Continue(()))?;
        let dims = dims_of(model.graph(), &given);
        let inputs = scratch.path().join("inputs.safetensors");
        safetensors::write(&inputs, &given)?;
        Ok(Self { onnx: files.onnx, dims, inputs, expected, scratch })
    }

    fn run(&self, program: &Program, engine: &Engine) -> Result<f64, String> {
        let target = engine.target.as_ref().map_err(Clone::clone)?;
        let outputs = self.scratch.path().join(format!("{}.safetensors", engine.id));
        let load = self.request(engine, target);
        let order = Order::Reference { load, inputs: vec![self.inputs.clone()], outputs: vec![outputs.clone()] };
        let compared = || -> Result<f64, GoldenError> {
            worker::ask::<serde_json::Value>(program, &order, PATIENCE)?;
            largest_difference(&self.expected, &safetensors::read(&outputs)?)
        };
        compared().map_err(|error| error.to_string())
    }

    fn request(&self, engine: &Engine, target: &Target) -> LoadRequest {
        LoadRequest {
            engine: engine.id.clone(),
            device: target.device.clone(),
            library: engine.library.clone(),
            model: self.onnx.clone(),
            precision: Precision::F32,
            threads: Some(1),
            dims: self.dims.clone(),
        }
    }
}

fn given_and_expected(file: &Path) -> Result<(Vec<Tensor>, Vec<Tensor>), GoldenError> {
    let tensors = safetensors::read(file)?;
    let with = |prefix: &str| {
        let named = tensors.iter().filter_map(|tensor| Some((tensor.name.strip_prefix(prefix)?, tensor)));
        named.map(|(name, tensor)| Tensor { name: name.to_owned(), ..tensor.clone() }).collect::<Vec<_>>()
    };
    Ok((with("in."), with("out.")))
}

/// The free sizes that the given inputs have.
fn dims_of(graph: &Graph, given: &[Tensor]) -> BTreeMap<String, u64> {
    let pairs =
        graph.inputs.iter().filter_map(|input| Some((input, given.iter().find(|tensor| tensor.name == input.name)?)));
    let sizes = pairs.flat_map(|(input, tensor)| input.shape.iter().zip(&tensor.shape));
    sizes
        .filter_map(|(dimension, size)| match dimension {
            Dimension::Free(name) => Some((name.clone(), *size as u64)),
            Dimension::Fixed(_) => None,
        })
        .collect()
}

/// Over all expected outputs; every one has to be there.
fn largest_difference(expected: &[Tensor], made: &[Tensor]) -> Result<f64, GoldenError> {
    let mut largest: f64 = 0.0;
    for wanted in expected {
        let name = || wanted.name.clone();
        let tensor =
            made.iter().find(|tensor| tensor.name == wanted.name).ok_or_else(|| GoldenError::Missing(name()))?;
        if tensor.shape != wanted.shape {
            let (shape, expected) = (tensor.shape.clone(), wanted.shape.clone());
            return Err(GoldenError::Shape { name: name(), shape, expected });
        }
        for (a, b) in tensor.f64s().into_iter().zip(wanted.f64s()) {
            let difference = (a - b).abs();
            if difference.is_nan() {
                return Err(GoldenError::NotANumber(name()));
            }
            largest = largest.max(difference);
        }
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
    }

    /// Runs a case in this process: the worker is the root package's program, which is not built for these tests.
    fn difference_here(case: &Case, engine: &EngineId, library: Option<&Path>) -> Result<f64, String> {
        let backend = backends::find(engine).unwrap();
        let status = backend.status(engine, library);
        let target = first_ready(status).map_err(|error| error.to_string())?;
        let target_of = Engine { id: engine.clone(), library: library.map(Path::to_owned), target: Ok(target.clone()) };
        let ran = || {
            // candle's pool is the process's, and other tests may have made it.
            let request = LoadRequest { threads: None, ..case.request(&target_of, &target) };
            let mut session = backend.load(&request)?.compile()?;
            session.set_inputs(vec![safetensors::read(&case.inputs).unwrap()])?;
            session.call(0)?;
            session.outputs()
        };
        let outputs = ran().map_err(|error| error.to_string())?;
        largest_difference(&case.expected, &outputs).map_err(|error| error.to_string())
    }

    #[test]
    fn every_engine_reproduces_the_golden_outputs() {
        let libraries = Libraries::find(&[]);
        let mut compared = 0;
        for folder in cases(&golden()).unwrap() {
            let case = Case::prepare(&folder).unwrap();
            for backend in backends::ALL {
                let engine = EngineId::from(backend.key());
                let build = libraries.builds(backend.key()).into_iter().find(|build| build.engine == engine);
                if build.is_none() && engine.0 != "candle" {
                    println!("skipped: {engine} has no library here");
                    continue;
                }
                let difference = difference_here(&case, &engine, build.as_ref().map(|build| build.library.as_path()));
                println!("{} {engine} {difference:?}", folder.display());
                assert!(difference.unwrap() <= 1e-4);
                compared += 1;
            }
        }
        assert!(compared >= 4, "candle needs no library and runs every case");
    }

    #[test]
    fn a_text_is_in_the_same_class_whatever_stands_at_its_padding() {
        let case = Case::prepare(&golden().join("llama_sequence")).unwrap();
        let mut given = safetensors::read(&case.inputs).unwrap();
        let numbers = |name: &str| given.iter().find(|input| input.name == name).unwrap().i64s();
        let (ids, mask) = (numbers("input_ids"), numbers("attention_mask"));
        let others: Vec<i64> = ids.iter().zip(mask).map(|(id, real)| if real == 0 { 50 } else { *id }).collect();
        assert_ne!(others, ids, "the case has padding");
        let input = given.iter_mut().find(|input| input.name == "input_ids").unwrap();
        *input = Tensor::from_i64s("input_ids", &input.shape.clone(), &others);
        safetensors::write(&case.inputs, &given).unwrap();
        assert!(difference_here(&case, &EngineId::from("candle"), None).unwrap() <= 1e-4);
    }

    #[test]
    fn a_folder_without_cases_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(cases(folder.path()).unwrap_err().to_string().contains("there is no case in"));
        assert!(cases(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_wrong_shape_a_missing_output_and_nan_are_errors() {
        let wanted = [Tensor::from_f32s("y", &[2], &[1.0, 2.0])];
        let made = |tensor: Tensor| largest_difference(&wanted, &[tensor]).map_err(|error| error.to_string());
        assert_eq!(made(Tensor::from_f32s("y", &[2], &[1.0, 2.5])).unwrap(), 0.5);
        assert!(made(Tensor::from_f32s("z", &[2], &[1.0, 2.0])).unwrap_err().contains("y is missing"));
        assert!(made(Tensor::from_f32s("y", &[1, 2], &[1.0, 2.0])).unwrap_err().contains("instead of [2]"));
        assert!(made(Tensor::from_f32s("y", &[2], &[f32::NAN, 2.0])).unwrap_err().contains("not a number"));
    }
}
