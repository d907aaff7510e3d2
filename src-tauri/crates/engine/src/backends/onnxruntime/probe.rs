//! Whether a provider can really be used here: a small model is run on it, and its answer compared.

use super::{
    native::Model,
    options,
    provider::{Place, Provider},
    reason,
    runtime::Runtime,
};
use contract::Precision;
use half::{bf16, f16};
use models::{Content, Dimension, Element, Graph, Initializer, Node, Tensor, Value};

const SIDE: usize = 4;

/// The precisions in which a matrix product runs and comes out right; the library's words where not even f32 does.
pub(super) fn precisions(runtime: &Runtime, place: &Place) -> Result<Vec<Precision>, String> {
    run(runtime, place, Element::F32)?;
    let halves = [(Precision::F16, Element::F16), (Precision::Bf16, Element::Bf16)];
    let able = halves.into_iter().filter(|(_, element)| run(runtime, place, *element).is_ok());
    Ok([Precision::F32].into_iter().chain(able.map(|(precision, _)| precision)).collect())
}

/// Runs x · I and expects x.
fn run(runtime: &Runtime, place: &Place, element: Element) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let path = folder.path().join("probe.onnx");
    let ran = || -> Result<Vec<Tensor>, ort::Error> {
        product(element).write(&path).map_err(ort::Error::wrap)?;
        let threads = (place.provider == Provider::Cpu).then_some(1);
        let model = Model::read(&runtime.environment, options(runtime, place, threads)?, &path)?;
        let mut prepared = model.prepare()?;
        let feed = prepared.feed(&[tensor("x", element, &values())])?;
        prepared.run(&feed)?;
        prepared.results()
    };
    let outputs = ran().map_err(|error| reason(&error))?;
    if outputs.first().is_some_and(|output| output.f32s() == values()) {
        Ok(())
    } else {
        Err("a product of two small matrices came out wrong".to_owned())
    }
}

/// Numbers that every format holds exactly.
fn values() -> Vec<f32> {
    (0..SIDE * SIDE).map(|i| i as f32 - 7.0).collect()
}

fn product(element: Element) -> Graph {
    let identity: Vec<f32> = (0..SIDE * SIDE).map(|i| if i % (SIDE + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let value = |name: &str| Value {
        name: name.to_owned(),
        element,
        shape: vec![Dimension::Fixed(SIDE as u64), Dimension::Fixed(SIDE as u64)],
    };
    Graph {
        name: "probe".to_owned(),
        opset: 17,
        inputs: vec![value("x")],
        outputs: vec![value("y")],
        nodes: vec![Node {
            name: "product".to_owned(),
            op: "MatMul".to_owned(),
            inputs: vec!["x".to_owned(), "identity".to_owned()],
            outputs: vec!["y".to_owned()],
            ..Node::default()
        }],
        initializers: vec![Initializer {
            name: "identity".to_owned(),
            element,
            shape: vec![SIDE, SIDE],
            content: Content::Ready(tensor("identity", element, &identity).bytes.into()),
        }],
        ..Graph::default()
    }
}

fn tensor(name: &str, element: Element, values: &[f32]) -> Tensor {
    let bytes = match element {
        Element::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        Element::Bf16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    Tensor { name: name.to_owned(), element, shape: vec![SIDE, SIDE], bytes }
}
