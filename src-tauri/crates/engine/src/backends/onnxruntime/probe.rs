//! Whether a provider can really be used here: a small model is run on it, and its answer compared.

use super::{
    native::{Model, Prepared},
    options,
    provider::{Place, Provider},
    reason,
    runtime::Runtime,
};
use contract::Precision;
use half::{bf16, f16};
use models::{Attribute, Content, Dimension, Element, Graph, Initializer, Node, Tensor, Value};
use ort::{logging::LogLevel, session::builder::SessionBuilder};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Of the matrices; as many rows as share a scale in 4 bits.
const SIDE: usize = 32;
/// What a number may be off where activations are rounded to 256 steps of their range.
const STEP: f32 = 0.08;
/// What a number may be off where f32 is computed in f16, as on Qualcomm's HTP: the distance of two numbers of f16 at 8,
/// the largest here.
const F16_STEP: f32 = 1.0 / 128.0;

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
        let builder = options(runtime, place, threads)?;
        let mut prepared = match place.provider {
            Provider::Qnn => prepared_on_qnn(runtime, builder, &path)?,
            _ => Model::read(&runtime.environment, builder, &path)?.prepare()?,
        };
        let feed = prepared.feed(&[tensor("x", element, &values())])?;
        prepared.run(&feed)?;
        prepared.results()
    };
    let outputs = ran().map_err(|error| reason(&error))?;
    if outputs.first().is_some_and(|output| is_right(&output.f32s(), tolerance(place.provider, precision))) {
        Ok(())
    } else {
        Err("a product of two small matrices came out wrong".to_owned())
    }
}

fn tolerance(provider: Provider, precision: Precision) -> f32 {
    match provider {
        _ if precision.is_quantised() => STEP,
        Provider::Qnn => F16_STEP,
        _ => 0.0,
    }
}

fn is_right(numbers: &[f32], tolerance: f32) -> bool {
    let wanted = values();
    numbers.len() == wanted.len() && numbers.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() <= tolerance)
}

/// The model on QNN, which leaves to the processor what it cannot run, all of it where it does not start at all, and which
/// says why in its log alone.
///
/// # Errors
/// Where the product was left to the processor: what the log said first.
fn prepared_on_qnn(runtime: &Runtime, builder: SessionBuilder, path: &Path) -> Result<Prepared, ort::Error> {
    let complaint = Arc::new(Mutex::new(None::<String>));
    let heard = Arc::clone(&complaint);
    let hear = move |level: LogLevel, _: &str, _: &str, _: &str, message: &str| {
        if level >= LogLevel::Error {
            heard.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| message.to_owned());
        }
    };
    let builder =
        builder.with_logger(Arc::new(hear))?.with_config_entry("session.record_ep_graph_assignment_info", "1")?;
    let prepared = Model::read(&runtime.environment, builder, path)?.prepare()?;
    let assigned = prepared.assignments()?;
    if assigned.iter().any(|node| node.provider == Provider::Qnn.name() && node.operator.starts_with("MatMul")) {
        return Ok(prepared);
    }
    let said = complaint.lock().unwrap_or_else(PoisonError::into_inner).take();
    Err(ort::Error::new(said.unwrap_or_else(|| format!("{} left the product to the processor", Provider::Qnn.label()))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_htp_and_integers_may_be_off() {
        let off = |by: f32| values().iter().map(|value| value + by).collect::<Vec<f32>>();
        let passes = |by, provider, precision| is_right(&off(by), tolerance(provider, precision));
        assert!(passes(0.0, Provider::Cuda, Precision::F32));
        assert!(!passes(1e-3, Provider::Cuda, Precision::F32));
        assert!(passes(1e-3, Provider::Qnn, Precision::F32));
        assert!(!passes(1e-2, Provider::Qnn, Precision::F32));
        assert!(passes(0.05, Provider::Cpu, Precision::Int8) && !passes(0.1, Provider::Cpu, Precision::Int8));
        assert!(!is_right(&[], 1.0), "no number is no answer");
        assert!(!passes(f32::NAN, Provider::Qnn, Precision::Int4));
    }
}
