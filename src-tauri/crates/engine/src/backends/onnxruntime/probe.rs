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
use models::{Attribute, Content, Dimension, Element, Graph, Initializer, Node, Tensor, Value};

/// Of the matrices; as many rows as share a scale in 4 bits.
const SIDE: usize = 32;
/// What a number may be off where activations are rounded to 256 steps of their range.
const STEP: f32 = 0.08;

/// The precisions in which a matrix product runs and comes out right; the library's words where not even f32 does.
pub(super) fn precisions(runtime: &Runtime, place: &Place) -> Result<Vec<Precision>, String> {
    run(runtime, place, Precision::F32)?;
    let able = |precision: &&Precision| run(runtime, place, **precision).is_ok();
    let others = Precision::ALL.iter().filter(|precision| **precision != Precision::F32);
    Ok([Precision::F32].into_iter().chain(others.filter(able).copied()).collect())
}

/// Runs x · I and expects x.
fn run(runtime: &Runtime, place: &Place, precision: Precision) -> Result<(), String> {
    let element = Element::of(precision).unwrap_or(Element::F32);
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let path = folder.path().join("probe.onnx");
    let ran = || -> Result<Vec<Tensor>, ort::Error> {
        product(precision).write(&path).map_err(ort::Error::wrap)?;
        let threads = (place.provider == Provider::Cpu).then_some(1);
        let model = Model::read(&runtime.environment, options(runtime, place, threads)?, &path)?;
        let mut prepared = model.prepare()?;
        let feed = prepared.feed(&[tensor("x", element, &values())])?;
        prepared.run(&feed)?;
        prepared.results()
    };
    let outputs = ran().map_err(|error| reason(&error))?;
    let near = |output: &Tensor| output.f32s().iter().zip(values()).all(|(got, wanted)| (got - wanted).abs() <= STEP);
    let exact = |output: &Tensor| output.f32s() == values();
    if outputs.first().is_some_and(|output| if precision.is_quantised() { near(output) } else { exact(output) }) {
        Ok(())
    } else {
        Err("a product of two small matrices came out wrong".to_owned())
    }
}

/// Numbers that every format of floating-point numbers holds exactly.
fn values() -> Vec<f32> {
    (0..SIDE * SIDE).map(|i| (i % 16) as f32 - 7.0).collect()
}

fn product(precision: Precision) -> Graph {
    let element = Element::of(precision).unwrap_or(Element::F32);
    let value = |name: &str| Value {
        name: name.to_owned(),
        element,
        shape: vec![Dimension::Fixed(SIDE as u64), Dimension::Fixed(SIDE as u64)],
    };
    let (nodes, initializers) = match precision {
        Precision::F32 | Precision::F16 | Precision::Bf16 => {
            let bytes = tensor("identity", element, &identity()).bytes;
            (
                vec![node("MatMul", &["x", "identity"], &["y"], &[])],
                vec![constant("identity", element, &[SIDE, SIDE], bytes)],
            )
        }
        Precision::Int8 | Precision::Int8Static | Precision::Int4 => quantised(precision),
    };
    Graph {
        name: "probe".to_owned(),
        opset: 21,
        inputs: vec![value("x")],
        outputs: vec![value("y")],
        nodes,
        initializers,
        ..Graph::default()
    }
}

/// The same product in the operators that quantised models are written with.
fn quantised(precision: Precision) -> (Vec<Node>, Vec<Initializer>) {
    let to_f32 = ("to", Attribute::Int(Element::F32.onnx_code().into()));
    let columns = [("axis", Attribute::Int(1))];
    let blocks = [("axis", Attribute::Int(0)), ("block_size", Attribute::Int(SIDE as i64))];
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let ones = floats(&[1.0; SIDE]);
    let bytes: Vec<u8> = identity().into_iter().map(|value| value as u8).collect();
    let in_8 = constant("identity", Element::I8, &[SIDE, SIDE], bytes.clone());
    match precision {
        Precision::Int8 => {
            let nodes = vec![
                node("DynamicQuantizeLinear", &["x"], &["q", "step", "zero"], &[]),
                node("MatMulInteger", &["q", "identity", "zero"], &["sums"], &[]),
                node("Cast", &["sums"], &["wide"], &[to_f32]),
                node("Mul", &["wide", "step"], &["y"], &[]),
            ];
            (nodes, vec![in_8])
        }
        Precision::Int4 => {
            let nodes = vec![
                node("DequantizeLinear", &["identity", "ones"], &["wide"], &blocks),
                node("MatMul", &["x", "wide"], &["y"], &[]),
            ];
            let pairs = bytes.chunks(2).map(|pair| pair[0] | pair[1] << 4).collect();
            let in_4 = constant("identity", Element::I4, &[SIDE, SIDE], pairs);
            (nodes, vec![in_4, constant("ones", Element::F32, &[1, SIDE], ones)])
        }
        _ => {
            let nodes = vec![
                node("QuantizeLinear", &["x", "step", "zero"], &["q"], &[]),
                node("DequantizeLinear", &["q", "step", "zero"], &["rounded"], &[]),
                node("DequantizeLinear", &["identity", "ones"], &["wide"], &columns),
                node("MatMul", &["rounded", "wide"], &["y"], &[]),
            ];
            let step = constant("step", Element::F32, &[], floats(&[STEP]));
            (
                nodes,
                vec![
                    in_8,
                    constant("ones", Element::F32, &[SIDE], ones),
                    step,
                    constant("zero", Element::U8, &[], vec![100]),
                ],
            )
        }
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, Attribute)]) -> Node {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Node {
        name: outputs[0].to_owned(),
        op: op.to_owned(),
        domain: String::new(),
        inputs: owned(inputs),
        outputs: owned(outputs),
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    }
}

fn constant(name: &str, element: Element, shape: &[usize], bytes: Vec<u8>) -> Initializer {
    Initializer { name: name.to_owned(), element, shape: shape.to_vec(), content: Content::Ready(bytes.into()) }
}

fn identity() -> Vec<f32> {
    (0..SIDE * SIDE).map(|i| if i % (SIDE + 1) == 0 { 1.0 } else { 0.0 }).collect()
}

fn tensor(name: &str, element: Element, values: &[f32]) -> Tensor {
    let bytes = match element {
        Element::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        Element::Bf16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    Tensor { name: name.to_owned(), element, shape: vec![SIDE, SIDE], bytes }
}
