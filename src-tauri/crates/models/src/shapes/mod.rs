//! The shape of every value in a graph once its free sizes are chosen.
//!
//! Shape arithmetic (Shape, Gather, Concat, … feeding Reshape) is computed along the way. What cannot be known stays
//! unknown: nothing is guessed but the equal shares of a graph that says so.

mod rules;
mod values;

pub use rules::einsum;

use crate::{Attribute, Element, Graph, Initializer, ModelError, Node, tensor};
use rustc_hash::FxBuildHasher;
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
};

/// More values than this are no shape arithmetic and are not followed.
const MOST_VALUES: usize = 4096;
/// Products of sizes beyond this only come from broken files.
const LARGEST: u64 = 1 << 48;
/// Shapes of more axes only come from broken files: a Gather can double them, and so can the next one.
const MOST_AXES: usize = 32;

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

/// A graph with a number for each value: names are looked up once, however often something is asked of their values.
pub struct Numbered<'a> {
    pub graph: &'a Graph,
    /// In the order of their numbers.
    pub names: Vec<&'a str>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    initializers: Vec<usize>,
    /// What each node reads and then what it writes, one node after the other.
    operands: Vec<usize>,
}

/// The number of the empty name: an optional input that is left out, or an output that nobody wants.
pub const OMITTED: usize = 0;

/// A node with the numbers of its values.
pub struct Step<'a> {
    pub node: &'a Node,
    pub inputs: &'a [usize],
    pub outputs: &'a [usize],
}

impl Step<'_> {
    /// An input; none where it is left out.
    pub fn input(&self, index: usize) -> Option<usize> {
        self.inputs.get(index).copied().filter(|number| *number != OMITTED)
    }
}

impl<'a> Numbered<'a> {
    pub fn of(graph: &'a Graph) -> Self {
        Self::hashed_by::<RandomState>(graph)
    }

    /// A graph that Assay drew, whose names nobody chose so that their hashes collide.
    pub fn of_drawn(graph: &'a Graph) -> Self {
        Self::hashed_by::<FxBuildHasher>(graph)
    }

    fn hashed_by<S: BuildHasher + Default>(graph: &'a Graph) -> Self {
        let most = 1 + graph.initializers.len() + graph.nodes.len();
        let (mut numbers, mut names) = (HashMap::with_capacity_and_hasher(most, S::default()), vec![""]);
        numbers.insert("", OMITTED);
        let mut number = |name: &'a String| {
            *numbers.entry(name.as_str()).or_insert_with(|| {
                names.push(name.as_str());
                names.len() - 1
            })
        };
        let initializers = graph.initializers.iter().map(|one| number(&one.name)).collect();
        let inputs = graph.inputs.iter().map(|input| number(&input.name)).collect();
        let operands = graph.nodes.iter().flat_map(|node| node.inputs.iter().chain(&node.outputs));
        let operands = operands.map(&mut number).collect();
        let outputs = graph.outputs.iter().map(|output| number(&output.name)).collect();
        Self { graph, names, inputs, outputs, initializers, operands }
    }

    /// The nodes in running order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let mut left = self.operands.as_slice();
        self.graph.nodes.iter().map(move |node| {
            let (inputs, after) = left.split_at(node.inputs.len());
            let (outputs, after) = after.split_at(node.outputs.len());
            left = after;
            Step { node, inputs, outputs }
        })
    }

    pub fn infer(&self, dims: &BTreeMap<String, u64>) -> Result<Infos, ModelError> {
        let mut infos = Infos(vec![None; self.names.len()]);
        for (initializer, number) in self.graph.initializers.iter().zip(&self.initializers) {
            infos.0[*number] = Some(of_initializer(initializer));
        }
        for (input, number) in self.graph.inputs.iter().zip(&self.inputs) {
            let shape = Some(input.shape_for(dims)?);
            infos.0[*number] = Some(Info { element: Some(input.element), shape, values: None });
        }
        for step in self.steps() {
            for (number, info) in step.outputs.iter().zip(of_node(self.graph, &step, &infos)) {
                infos.0[*number] = Some(info);
            }
        }
        Ok(infos)
    }
}

/// What is known of each value, by its number.
pub struct Infos(Vec<Option<Info>>);

impl Infos {
    pub fn get(&self, number: usize) -> Option<&Info> {
        self.0[number].as_ref()
    }

    pub fn input(&self, step: &Step, index: usize) -> Option<&Info> {
        self.get(step.input(index)?)
    }
}

fn of_initializer(initializer: &Initializer) -> Info {
    let few = initializer.len() <= MOST_VALUES as u64;
    let values = initializer.bytes().filter(|_| few).map(|bytes| tensor::f64s(initializer.element, bytes));
    let shape = Some(initializer.shape.iter().map(|size| *size as u64).collect());
    Info { element: Some(initializer.element), shape, values }
}

/// One info for each output of the node.
fn of_node(graph: &Graph, step: &Step, infos: &Infos) -> Vec<Info> {
    let node = step.node;
    let inputs: Vec<Option<&Info>> = (0..node.inputs.len()).map(|index| infos.input(step, index)).collect();
    let known = rules::shapes(graph.opset, node, &inputs);
    let shared = || rules::equal_shares(node, &inputs).filter(|_| graph.equal_shares);
    let known = known.or_else(shared).unwrap_or_default();
    let usual = |shape: &Vec<u64>| shape.len() <= MOST_AXES && count(shape).is_some();
    let mut shapes: Vec<Option<Vec<u64>>> = known.into_iter().map(|shape| Some(shape).filter(usual)).collect();
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
