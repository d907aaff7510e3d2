//! A product of two square matrices as a model, on engines of this machine, in real worker processes.

#![allow(dead_code, reason = "each test file uses its own part")]

use contract::{
    Availability, DeviceId, EngineId, Mode, OUTPUT, Platform, Precision, RunModel, Setting, Target, TargetChoice,
};
use engine::{Control, Job, Libraries, Limits, Program, Writing, backend::LoadRequest};
use models::{Dimension, Element, Format, Generation, Graph, Model, Node, Texts, Value};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let matrix = |name: &str| {
            let edge = || Dimension::Free("edge".to_owned());
            Value { name: name.to_owned(), element: Element::F32, shape: vec![edge(), edge()] }
        };
        let product = Node {
            name: "product".to_owned(),
            op: "MatMul".to_owned(),
            inputs: vec!["a".to_owned(), "b".to_owned()],
            outputs: vec!["y".to_owned()],
            ..Node::default()
        };
        let graph = Graph {
            name: "product".to_owned(),
            opset: 17,
            inputs: vec![matrix("a"), matrix("b")],
            outputs: vec![matrix("y")],
            nodes: vec![product],
            ..Graph::default()
        };
        graph.write(&bench.onnx()).unwrap();
        bench
    }

    pub fn onnx(&self) -> PathBuf {
        self.folder.path().join("product.onnx")
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A described model in a precision, as the app would have it measured at one sample of eight tokens.
    pub fn model_job(&self, model: &Model, precision: Precision, engine: &str, references: &[&str]) -> Job {
        let weights = self.path().join("weights");
        let mut go_on = |_, _| ControlFlow::Continue(());
        let format = self.format(model, precision, engine);
        let mut job = self.job(engine, 1, references);
        job.onnx = model.materialize(&weights, format, 3, &mut go_on).unwrap().onnx;
        job.reference_onnx = Some(model.materialize(&weights, Precision::F32, 3, &mut go_on).unwrap().onnx);
        job.dims = model.dims_for(1, Some(8), &BTreeMap::new()).unwrap();
        job.scores = model.scores().map(str::to_owned);
        job.setting.precision = precision;
        job.target.precisions.push(precision);
        job.model.macs = None;
        job.setting.budget_secs = 0.2;
        job
    }

    /// Texts written by a described model, as the app would have them measured.
    pub fn writing_job(
        &self,
        model: &Model,
        precision: Precision,
        engine: &str,
        references: &[&str],
        texts: Texts,
    ) -> Job {
        self.stages_job(&model.generation().unwrap().unwrap(), precision, engine, references, texts)
    }

    /// The same of a model's two graphs.
    pub fn stages_job(
        &self,
        stages: &Generation,
        precision: Precision,
        engine: &str,
        references: &[&str],
        texts: Texts,
    ) -> Job {
        let weights = self.path().join("weights");
        let mut go_on = |_, _| ControlFlow::Continue(());
        let format = self.format(&stages.prefill, precision, engine);
        let own = stages.materialize(&weights, format, 3, &mut go_on).unwrap();
        let exact = stages.materialize(&weights, Precision::F32, 3, &mut go_on).unwrap();
        let sizes = stages.sizes(texts).unwrap();
        let [_, decode_dims] = sizes.steps;
        let mut job = self.job(engine, 1, references);
        job.onnx = own.prefill.onnx;
        job.reference_onnx = Some(exact.prefill.onnx);
        job.dims = sizes.prompt;
        job.writing = Some(Writing {
            texts,
            decode: own.decode,
            reference_decode: exact.decode,
            decode_dims,
            whole: sizes.whole,
            manner: stages.manner,
            cache: stages.cache.clone(),
        });
        job.setting.mode = Mode::Generation;
        job.setting.batch = texts.batch;
        job.setting.size = Some(texts.prompt);
        job.setting.dims = BTreeMap::from([(OUTPUT.to_owned(), texts.output)]);
        job.setting.precision = precision;
        job.setting.budget_secs = 0.2;
        job.target.precisions.push(precision);
        job.model.macs = None;
        job
    }

    /// What an engine is given for a precision; int8 static is calibrated by candle.
    fn format(&self, model: &Model, precision: Precision, engine: &str) -> Format {
        let format = Format::from(precision).with_dynamic(engine::dynamic_form(&engine.into()));
        if precision != Precision::Int8Static {
            return format;
        }
        let weights = self.path().join("weights");
        let calibration = model.calibration(&weights, 3, &mut |_, _| ControlFlow::Continue(())).unwrap();
        let engines = [(TargetChoice { engine: "candle".into(), device: "cpu".into() }, None)];
        let limits = Limits { memory_bytes: 4 << 30, timeout: Duration::from_secs(120) };
        let ranges = engine::calibrate(&program(), &calibration, 3, &engines, &limits, &Control::default());
        format.with_ranges(ranges.unwrap())
    }

    /// A product of `edge` × `edge` matrices on an engine's CPU, checked against the engines in `references`.
    pub fn job(&self, engine: &str, edge: u64, references: &[&str]) -> Job {
        let references = references.iter().map(|engine| {
            let choice = TargetChoice { engine: EngineId::from(*engine), device: DeviceId::from("cpu") };
            (choice, library(engine))
        });
        Job {
            run: "run".into(),
            setting: Setting {
                model: "product".into(),
                engine: engine.into(),
                device: "cpu".into(),
                precision: Precision::F32,
                mode: Mode::Inference,
                batch: 1,
                size: None,
                dims: BTreeMap::new(),
                threads: Some(1),
                seed: 3,
                budget_secs: 3.0,
            },
            target: Target {
                engine: engine.into(),
                device: "cpu".into(),
                platform: Platform::Cpu,
                device_name: "the processor".to_owned(),
                availability: Availability::Ready,
                precisions: vec![Precision::F32],
                not_ranked: None,
            },
            driver: Some("0.1".to_owned()),
            library: library(engine),
            model: RunModel { macs: Some(edge * edge * edge), ..RunModel::default() },
            onnx: self.onnx(),
            files: Vec::new(),
            dims: BTreeMap::from([("edge".to_owned(), edge)]),
            references: references.collect(),
            reference_onnx: Some(self.onnx()),
            f32_left_out: None,
            scores: None,
            writing: None,
            peaks: Vec::new(),
            limits: Limits { memory_bytes: 4 << 30, timeout: Duration::from_secs(120) },
            acquire_ms: None,
            scratch: self.path().join("scratch"),
        }
    }
}

/// Puts another whole file in the place of an ONNX file, as a program does that saves it anew. Windows lets nobody do so
/// while it is mapped.
#[cfg(unix)]
pub fn rewrite(onnx: &Path) {
    let mut graph = Graph::read(onnx).unwrap();
    graph.name.push_str(", saved anew");
    let other = onnx.with_extension("other");
    graph.write(&other).unwrap();
    std::fs::rename(&other, onnx).unwrap();
}

pub fn load_request(job: &Job) -> LoadRequest {
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

pub fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_engine-worker").into(), args: Vec::new() }
}

/// The plain build of an engine that comes as a library.
pub fn library(engine: &str) -> Option<PathBuf> {
    let builds = Libraries::find(&[]).builds(engine);
    builds.into_iter().find(|build| build.engine.0 == engine).map(|build| build.library)
}

/// Says in the test's output what was left out because a library is not installed.
pub fn installed(engine: &str) -> bool {
    let installed = library(engine).is_some();
    if !installed {
        println!("skipped: {engine} is not installed here");
    }
    installed
}
