//! The shape of every value in a graph once its free sizes are chosen.
//!
//! Shape arithmetic (Shape, Gather, Concat, … feeding Reshape) is computed along the way. What cannot be known stays
//! unknown: nothing is guessed.

mod rules;
mod values;

pub use rules::einsum;

use crate::{Attribute, Element, Graph, Initializer, ModelError, Node, tensor};
use std::collections::{BTreeMap, HashMap};

/// More values than this are no shape arithmetic and are not followed.
const MOST_VALUES: usize = 4096;
/// Products of sizes beyond this only come from broken files.
const LARGEST: u64 = 1 << 48;

/// What is known of a value.
#[derive(Clone, Debug, Default)]
pub struct Info {
    pub element: Option<Element>,
    pub shape: Option<Vec<u64>>,
    /// The numbers themselves where they are few and follow from shapes and constants. f64 holds every size exactly.
    pub values: Option<Vec<f64>>,
}

impl Info {
    /// Product of the shape.
    pub fn len(&self) -> Option<u64> {
        count(self.shape.as_ref()?)
    }
}

/// Elements of a shape, none where they are beyond any machine.
pub fn count(shape: &[u64]) -> Option<u64> {
    let product = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))?;
    (product <= LARGEST).then_some(product)
}

/// The values of a graph by name.
pub type Infos<'a> = HashMap<&'a str, Info>;

pub fn infer<'a>(graph: &'a Graph, dims: &BTreeMap<String, u64>) -> Result<Infos<'a>, ModelError> {
    let mut infos: Infos = HashMap::new();
    for initializer in &graph.initializers {
        infos.insert(&initializer.name, of_initializer(initializer));
    }
    for input in &graph.inputs {
        let shape = Some(input.shape_for(dims)?);
        infos.insert(&input.name, Info { element: Some(input.element), shape, values: None });
    }
    for node in &graph.nodes {
        let outputs = of_node(graph.opset, node, &infos);
        infos.extend(node.outputs.iter().map(String::as_str).zip(outputs));
    }
    Ok(infos)
}

fn of_initializer(initializer: &Initializer) -> Info {
    let few = initializer.len() <= MOST_VALUES as u64;
    let values = initializer.bytes().filter(|_| few).map(|bytes| tensor::f64s(initializer.element, bytes));
    let shape = Some(initializer.shape.iter().map(|size| *size as u64).collect());
    Info { element: Some(initializer.element), shape, values }
}

/// One info for each output of the node.
fn of_node(opset: i64, node: &Node, infos: &Infos) -> Vec<Info> {
    let inputs: Vec<Option<&Info>> = (0..node.inputs.len()).map(|index| infos.get(node.input(index)?)).collect();
    let known = rules::shapes(opset, node, &inputs).unwrap_or_default();
    let mut shapes: Vec<Option<Vec<u64>>> =
        known.into_iter().map(|shape| Some(shape).filter(|shape| count(shape).is_some())).collect();
    shapes.resize(node.outputs.len(), None);
    let element = element(node, &inputs);
    let values = values::of(node, &inputs, shapes.first().and_then(Option::as_deref), element);
    let mut infos: Vec<Info> = shapes.into_iter().map(|shape| Info { element, shape, values: None }).collect();
    if let Some(first) = infos.first_mut() {
        first.values = values.filter(|values| first.len() == Some(values.len() as u64));
    }
    infos
}

/// The element of a node's first output.
fn element(node: &Node, inputs: &[Option<&Info>]) -> Option<Element> {
    let of = |index: usize| inputs.get(index).copied().flatten().and_then(|info| info.element);
    match node.op.as_str() {
        "Cast" => Element::from_onnx_code(i32::try_from(node.int("to")?).ok()?),
        "Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero" => Some(Element::I64),
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" | "Xor" | "Not" | "IsNaN"
        | "IsInf" => Some(Element::Bool),
        "Where" | "CastLike" | "DequantizeLinear" => of(1),
        "QuantizeLinear" => of(2).or(Some(Element::U8)),
        "DynamicQuantizeLinear" => Some(Element::U8),
        "OneHot" => of(2),
        "MatMulInteger" | "ConvInteger" => Some(Element::I32),
        "Constant" => match node.attributes.values().next()? {
            Attribute::Tensor(tensor) => Some(tensor.element),
            Attribute::Int(_) | Attribute::Ints(_) => Some(Element::I64),
            _ => Some(Element::F32),
        },
        "ConstantOfShape" => match node.attributes.get("value") {
            Some(Attribute::Tensor(tensor)) => Some(tensor.element),
            _ => Some(Element::F32),
        },
        _ => of(0),
    }
}
