//! Matrix rate as an engine reaches it: one product in a graph of its own, called as any model is.

use super::{
    inside::Teller,
    matrices::{Numbers, WrongProduct, check_product, operations},
    sampler,
    subject::{How, Subject},
};
use crate::{
    backend::{Backend, BackendError, LoadRequest, Session},
    backends,
};
use bytes::Bytes;
use contract::{EngineId, Peak, PeakKind, Precision};
use models::{Content, Dimension, Element, Graph, Initializer, ModelError, Node, Tensor, Value};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineOrder {
    pub subject: Subject,
    pub engine: EngineId,
    pub engine_name: String,
    pub library: Option<PathBuf>,
    /// For the graphs; the parent removes it.
    pub folder: PathBuf,
    pub on_cpu: bool,
    pub cases: Vec<Case>,
    pub step_secs: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub precision: Precision,
    /// None on devices that have no threads to choose.
    pub threads: Option<u32>,
}

impl Case {
    fn words(self) -> String {
        match self.threads {
            Some(1) => format!("{} matrix rate, one thread", self.precision),
            Some(n) => format!("{} matrix rate, {n} threads", self.precision),
            None => format!("{} matrix rate", self.precision),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EngineRateError {
    #[error("this version of Assay has no engine called {0}")]
    Unknown(EngineId),
    #[error(transparent)]
    Engine(#[from] BackendError),
    #[error(transparent)]
    Graph(#[from] ModelError),
    #[error("{0} gave no output")]
    NoOutput(EngineId),
    #[error(transparent)]
    Wrong(#[from] WrongProduct),
}

pub fn measure(order: &EngineOrder, teller: &mut Teller) -> Result<(), EngineRateError> {
    let backend = backends::find(&order.engine).ok_or_else(|| EngineRateError::Unknown(order.engine.clone()))?;
    backend.prepare(order.library.as_deref())?;
    for case in &order.cases {
        let what = case.words();
        teller.doing(format!("{what}, through {}", order.engine_name));
        teller.outcome(&what, rate(order, backend, *case));
    }
    Ok(())
}

fn rate(order: &EngineOrder, backend: &dyn Backend, case: Case) -> Result<Peak, EngineRateError> {
    let n = edge(order.on_cpu, case.threads);
    let product = Product::seeded(n, case.precision);
    let model = order.folder.join(format!("{}-{}-{n}.onnx", order.engine, case.precision.key()));
    product.graph().write(&model)?;
    let request = LoadRequest {
        engine: order.engine.clone(),
        device: order.subject.device.clone(),
        library: order.library.clone(),
        model,
        // The integer product says itself what it computes in; engines take it within a graph of floats.
        precision: if case.precision == Precision::Int8 { Precision::F32 } else { case.precision },
        threads: case.threads,
        dims: BTreeMap::new(),
    };
    let mut session = backend.load(&request)?.compile()?;
    session.set_inputs(vec![vec![product.input()]])?;
    session.call(0)?;
    let outputs = session.outputs()?;
    let output = outputs.first().ok_or_else(|| EngineRateError::NoOutput(order.engine.clone()))?;
    product.check(output)?;
    let seconds = sampler::seconds(order.step_secs, |count| (0..count).try_for_each(|_| session.call(0)))?;
    let precision = effective(&mut *session, case.precision)?;
    let version = session.facts().engine_version;
    let asked = if precision == case.precision { String::new() } else { format!(", asked for in {}", case.precision) };
    let threads = case.threads.map(|n| if n == 1 { ", one thread".to_owned() } else { format!(", {n} threads") });
    let method = format!("{} {version}, {n}×{n}×{n}{asked}{}", order.engine_name, threads.unwrap_or_default());
    let how = How { precision: Some(precision), threads: case.threads, method };
    Ok(order.subject.rate(PeakKind::MatrixRate, operations(n), &seconds, how))
}

/// What the engine computed in, which some only tell when they are asked where nodes ran.
fn effective(session: &mut dyn Session, asked: Precision) -> Result<Precision, BackendError> {
    if asked == Precision::Int8 {
        return Ok(asked);
    }
    session.placement()?;
    Ok(session.facts().precision.unwrap_or(asked))
}

fn edge(on_cpu: bool, threads: Option<u32>) -> usize {
    match (on_cpu, threads.unwrap_or(1)) {
        (true, 0..=4) => 1024,
        (true, 5..=32) => 2048,
        _ => 4096,
    }
}

/// An n × n product whose right factor is a weight, so that an engine may arrange it beforehand as it does in models.
struct Product {
    n: usize,
    precision: Precision,
    left: Vec<f64>,
    right: Vec<f64>,
}

impl Product {
    fn seeded(n: usize, precision: Precision) -> Self {
        let mut numbers = Numbers::seeded(2);
        let (left, right) = if precision == Precision::Int8 {
            // Seven bits on the left: older processors add pairs of products in 16 bits, which must not overflow.
            let left = numbers.bytes(n * n).into_iter().map(|byte| f64::from(byte >> 1)).collect();
            let right = numbers.bytes(n * n).into_iter().map(|byte| f64::from(byte.cast_signed())).collect();
            (left, right)
        } else {
            let mut units = || numbers.units(n * n).into_iter().map(f64::from).collect();
            (units(), units())
        };
        Self { n, precision, left, right }
    }

    fn elements(&self) -> (Element, Element, Element) {
        match self.precision {
            Precision::F16 => (Element::F16, Element::F16, Element::F16),
            Precision::Bf16 => (Element::Bf16, Element::Bf16, Element::Bf16),
            Precision::Int8 => (Element::U8, Element::I8, Element::I32),
            Precision::F32 | Precision::Int8Static | Precision::Int4 => (Element::F32, Element::F32, Element::F32),
        }
    }

    fn graph(&self) -> Graph {
        let (left, right, product) = self.elements();
        let value = |name: &str, element| {
            let edge = Dimension::Fixed(self.n as u64);
            Value { name: name.to_owned(), element, shape: vec![edge.clone(), edge] }
        };
        let op = if self.precision == Precision::Int8 { "MatMulInteger" } else { "MatMul" };
        Graph {
            name: "product".to_owned(),
            opset: 17,
            inputs: vec![value("left", left)],
            outputs: vec![value("product", product)],
            nodes: vec![Node {
                name: "multiply".to_owned(),
                op: op.to_owned(),
                inputs: vec!["left".to_owned(), "right".to_owned()],
                outputs: vec!["product".to_owned()],
                ..Node::default()
            }],
            initializers: vec![Initializer {
                name: "right".to_owned(),
                element: right,
                shape: vec![self.n, self.n],
                content: Content::Ready(Bytes::from(encode(right, &self.right))),
            }],
            ..Graph::default()
        }
    }

    fn input(&self) -> Tensor {
        let (element, ..) = self.elements();
        Tensor { name: "left".to_owned(), element, shape: vec![self.n, self.n], bytes: encode(element, &self.left) }
    }

    fn check(&self, output: &Tensor) -> Result<(), WrongProduct> {
        let tolerance = match self.precision {
            // TF32, which some engines use for f32 on GPUs, keeps ten bits of mantissa.
            Precision::F32 => 5e-3,
            Precision::F16 => 0.1,
            Precision::Bf16 => 0.1,
            Precision::Int8 | Precision::Int8Static | Precision::Int4 => 1e-6,
        };
        let n = self.n;
        let values = output.f64s();
        let at = |row: usize, column: usize| values.get(row * n + column).copied().unwrap_or(f64::NAN);
        check_product(n, tolerance, |r, k| self.left[r * n + k], |k, c| self.right[k * n + c], at)
    }
}

/// Little-endian. The numbers are made so that each format holds them exactly.
fn encode(element: Element, values: &[f64]) -> Vec<u8> {
    match element {
        Element::F16 => values.iter().flat_map(|v| half::f16::from_f64(*v).to_le_bytes()).collect(),
        Element::Bf16 => values.iter().flat_map(|v| half::bf16::from_f64(*v).to_le_bytes()).collect(),
        Element::U8 => values.iter().map(|v| *v as u8).collect(),
        Element::I8 => values.iter().map(|v| (*v as i8).cast_unsigned()).collect(),
        _ => values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_product_passes_and_zeros_do_not() {
        for precision in [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8] {
            let product = Product::seeded(24, precision);
            let n = product.n;
            let entry =
                |place: usize| (0..n).map(|k| product.left[place / n * n + k] * product.right[k * n + place % n]).sum();
            let values: Vec<f64> = (0..n * n).map(entry).collect();
            let (.., element) = product.elements();
            let bytes = match element {
                Element::I32 => values.iter().flat_map(|v| (*v as i32).to_le_bytes()).collect(),
                element => encode(element, &values),
            };
            let output = Tensor { name: "product".into(), element, shape: vec![n, n], bytes };
            product.check(&output).unwrap_or_else(|wrong| panic!("{precision}: {wrong}"));
            let zeros = Tensor { bytes: vec![0; output.bytes.len()], ..output };
            assert!(product.check(&zeros).is_err(), "{precision}: zeros pass");
        }
    }

    #[test]
    fn the_graph_is_a_file_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        for precision in [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8] {
            let path = folder.path().join(format!("{}.onnx", precision.key()));
            Product::seeded(8, precision).graph().write(&path).unwrap();
            let graph = Graph::read(&path).unwrap();
            assert_eq!(graph.nodes.len(), 1);
            assert_eq!(graph.inputs[0].name, "left");
        }
    }
}
