//! The ONNX operators that the executor knows, each turned into a kernel that calls candle.

mod convolution;
mod direct;
mod elementwise;
mod indexing;
mod logic;
mod matrix;
mod normalization;
mod quantised;
mod recurrent;
mod reduction;
mod resize;
mod shape;

use candle_core::{DType, Device, Error, Result, Tensor};
use models::{Attribute, Graph, Node};

/// One node, its attributes already read.
pub(super) type Kernel = Box<dyn Fn(&Inputs) -> Result<Vec<Tensor>>>;

/// Makes the kernel of a node, or says which variant of the operator is not supported.
type Builder = fn(&Node, i64) -> std::result::Result<Kernel, String>;

/// The tensors a node reads; an optional input that was left out is none.
pub(super) struct Inputs<'a> {
    pub tensors: &'a [Option<&'a Tensor>],
    /// Where constants made by the node belong.
    pub device: &'a Device,
}

impl Inputs<'_> {
    fn get(&self, index: usize) -> Result<&Tensor> {
        self.optional(index).ok_or_else(|| Error::Msg(format!("input {index} is missing")))
    }

    fn optional(&self, index: usize) -> Option<&Tensor> {
        self.tensors.get(index).copied().flatten()
    }

    /// All inputs of a variadic operator.
    fn all(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.iter().flatten().copied()
    }

    /// A small tensor of shapes or axes.
    pub fn ints(&self, index: usize) -> Result<Vec<i64>> {
        ints(self.get(index)?)
    }

    /// Axes and the like, which older operator versions have as an attribute and newer ones as an input.
    fn ints_or(&self, index: usize, attribute: Option<&[i64]>) -> Result<Option<Vec<i64>>> {
        match self.optional(index) {
            Some(tensor) => ints(tensor).map(Some),
            None => Ok(attribute.map(<[i64]>::to_vec)),
        }
    }
}

/// The kernel of a node. `opset` is the version of the operators, which some change their meaning with.
pub(super) fn kernel(node: &Node, opset: i64) -> std::result::Result<Kernel, String> {
    builder(node).ok_or_else(|| format!("the operator {}", full_name(node)))?(node, opset)
        .map_err(|variant| format!("{variant} in the operator {}", full_name(node)))
}

/// Says why a node of a graph cannot be run.
pub(super) fn check(node: &Node, graph: &Graph) -> std::result::Result<(), String> {
    drop(kernel(node, graph.opset)?);
    quantised::check(node, graph).map_err(|variant| format!("{variant} in the operator {}", full_name(node)))
}

fn full_name(node: &Node) -> String {
    if node.domain.is_empty() { node.op.clone() } else { format!("{}.{}", node.domain, node.op) }
}

fn builder(node: &Node) -> Option<Builder> {
    match node.domain.as_str() {
        "" | "ai.onnx" => elementwise::builder(&node.op)
            .or_else(|| logic::builder(&node.op))
            .or_else(|| shape::builder(&node.op))
            .or_else(|| indexing::builder(&node.op))
            .or_else(|| reduction::builder(&node.op))
            .or_else(|| matrix::builder(&node.op))
            .or_else(|| quantised::builder(&node.op))
            .or_else(|| normalization::builder(&node.op))
            .or_else(|| convolution::builder(&node.op))
            .or_else(|| recurrent::builder(&node.op))
            .or_else(|| resize::builder(&node.op)),
        "com.microsoft" => elementwise::contributed(&node.op).or_else(|| normalization::contributed(&node.op)),
        super::fuse::INTERNAL if node.op == super::fuse::SILU => Some(|_, _| one(|x| x.get(0)?.silu())),
        _ => None,
    }
}

/// A kernel with one result.
fn one(run: impl Fn(&Inputs) -> Result<Tensor> + 'static) -> std::result::Result<Kernel, String> {
    Ok(Box::new(move |inputs| Ok(vec![run(inputs)?])))
}

fn is_int(tensor: &Tensor) -> bool {
    tensor.dtype() == DType::I64
}

/// What kernels of our own take in place of candle's: on the host, and exact in f32.
fn is_ours(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16)
}

/// Numbers of an integer or boolean tensor, in row-major order.
fn ints(tensor: &Tensor) -> Result<Vec<i64>> {
    tensor.to_dtype(DType::I64)?.flatten_all()?.to_vec1()
}

fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}

fn bail<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Msg(message.into()))
}

/// Applies a function that candle does not have, number by number, on the host.
fn map_floats(tensor: &Tensor, apply: impl Fn(f32) -> f32) -> Result<Tensor> {
    let values = floats(tensor)?.into_iter().map(apply).collect();
    Tensor::from_vec(values, tensor.dims(), tensor.device())?.to_dtype(tensor.dtype())
}

fn map_ints(tensor: &Tensor, apply: impl Fn(i64) -> i64) -> Result<Tensor> {
    let values = ints(tensor)?.into_iter().map(apply).collect::<Vec<_>>();
    Tensor::from_vec(values, tensor.dims(), tensor.device())
}

/// An axis counted from the front.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    if (0..rank as i64).contains(&counted) {
        Ok(counted as usize)
    } else {
        bail(format!("axis {axis} of a tensor with {rank} dimensions"))
    }
}

fn axes(listed: &[i64], rank: usize) -> Result<Vec<usize>> {
    listed.iter().map(|listed| axis(*listed, rank)).collect()
}

/// The shape two operands spread to.
fn broadcast_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |dims: &[usize], place: usize| (place + dims.len()).checked_sub(rank).map_or(1, |index| dims[index]);
    (0..rank)
        .map(|place| match (size(a, place), size(b, place)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => bail(format!("shapes {a:?} and {b:?} do not go together")),
        })
        .collect()
}

/// Spreads a tensor to a shape it fits, without copying.
fn spread(tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if tensor.dims() == shape { Ok(tensor.clone()) } else { tensor.broadcast_as(shape) }
}

fn int_or(node: &Node, attribute: &str, default: i64) -> i64 {
    node.int(attribute).unwrap_or(default)
}

fn float_or(node: &Node, attribute: &str, default: f32) -> f64 {
    node.float(attribute).unwrap_or(default).into()
}

fn ints_of(node: &Node, attribute: &str) -> Option<Vec<i64>> {
    node.ints(attribute).map(<[i64]>::to_vec)
}

fn has(node: &Node, attribute: &str) -> bool {
    node.attributes.contains_key(attribute)
}

fn tensor_of<'a>(node: &'a Node, attribute: &str) -> Option<&'a models::Tensor> {
    match node.attributes.get(attribute) {
        Some(Attribute::Tensor(tensor)) => Some(tensor),
        _ => None,
    }
}

/// Operators whose further outputs are only made in training.
fn only_first_output(node: &Node) -> std::result::Result<(), String> {
    match node.outputs.iter().skip(1).find(|name| !name.is_empty()) {
        Some(name) => Err(format!("the further output {name}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
