//! What one call of a graph costs: multiply-accumulates, activations, bytes.

use crate::{
    Graph, Initializer, ModelError, Node,
    shapes::{self, Infos, Numbered, OMITTED, Step},
};
use std::collections::BTreeMap;

/// Exact for the graph at the sizes asked for. What an unknown operator hides is none, never an underestimate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Costs {
    /// Multiply-accumulates of products, convolutions and recurrences; element-wise work does not count.
    pub macs: Option<u64>,
    /// Elements of all intermediate results. Views of another result (Reshape and the like) do not count.
    pub activations: Option<u64>,
    /// Bytes of all weights as stored.
    pub weight_bytes: u64,
    pub parameters: Option<u64>,
    /// Estimate: the weights and the largest sum of results that live at the same time. Engines add buffers of their own.
    pub peak_memory_bytes: u64,
    /// Multiply-accumulates of each node, in the graph's order; 0 where they are not known. Nodes that share rows as the
    /// graph runs have equal shares here, whose sum is exact.
    pub node_macs: Vec<u64>,
}

impl Graph {
    /// The shape of every value of the outermost graph that follows from these sizes.
    pub fn shapes(&self, dims: &BTreeMap<String, u64>) -> Result<BTreeMap<String, Vec<u64>>, ModelError> {
        let numbered = Numbered::of(self);
        let infos = numbered.infer(dims)?;
        let names = numbered.names.iter().enumerate();
        Ok(names.filter_map(|(number, name)| Some(((*name).to_owned(), infos.get(number)?.shape.clone()?))).collect())
    }

    /// Costs of one call with these sizes, by shape inference over the operators.
    pub fn costs(&self, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        Numbered::of(self).costs(dims)
    }
}

impl Numbered<'_> {
    /// See [`Graph::costs`].
    pub fn costs(&self, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        let infos = self.infer(dims)?;
        let macs: Vec<Option<u64>> = self.steps().map(|step| macs_of(&step, &infos)).collect();
        let weight_bytes = self.graph.initializers.iter().map(Initializer::byte_len).sum::<u64>();
        Ok(Costs {
            macs: macs.iter().try_fold(0u64, |total, macs| total.checked_add((*macs)?)),
            activations: activations(self, &infos),
            weight_bytes,
            parameters: Some(self.graph.parameters()),
            peak_memory_bytes: weight_bytes.saturating_add(largest_live_bytes(self, &infos)),
            node_macs: macs.into_iter().map(Option::unwrap_or_default).collect(),
        })
    }
}

/// Multiply-accumulates of one node; none where they cannot be known.
fn macs_of(step: &Step, infos: &Infos) -> Option<u64> {
    let node = step.node;
    let input = |index: usize| infos.input(step, index);
    let shape = |index: usize| input(index)?.shape.as_deref();
    let output = || infos.get(*step.outputs.first()?)?.len();
    // Control flow runs its body an unknown number of times, or not at all.
    if matches!(node.op.as_str(), "If" | "Loop" | "Scan") {
        return None;
    }
    match node.op.as_str() {
        "MatMul" | "MatMulInteger" | "QLinearMatMul" => output()?.checked_mul(*shape(0)?.last()?),
        "FusedMatMul" => {
            let a = shape(0)?;
            let swapped = node.int("transA").unwrap_or(0) != 0;
            let inner = if swapped { a.iter().rev().nth(1)? } else { a.last()? };
            output()?.checked_mul(*inner)
        }
        "Gemm" => {
            let inner = if node.int("transA").unwrap_or(0) != 0 { 0 } else { 1 };
            output()?.checked_mul(*shape(0)?.get(inner)?)
        }
        "Conv" | "ConvInteger" | "QLinearConv" => {
            let kernel = shape(if node.op == "QLinearConv" { 3 } else { 1 })?;
            output()?.checked_mul(shapes::count(kernel.get(1..)?)?)
        }
        "ConvTranspose" => input(0)?.len()?.checked_mul(shapes::count(shape(1)?.get(1..)?)?),
        "Einsum" => {
            let inputs: Vec<_> = (0..node.inputs.len()).map(input).collect();
            Some(shapes::einsum(node, &inputs)?.1)
        }
        "LSTM" | "GRU" | "RNN" => {
            // Each step multiplies the input by W and the state by R.
            let [steps, batch, _] = *<&[u64; 3]>::try_from(shape(0)?).ok()?;
            let weights = shapes::count(shape(1)?)?.checked_add(shapes::count(shape(2)?)?)?;
            steps.checked_mul(batch)?.checked_mul(weights)
        }
        "Attention" => {
            let (query, value) = (shape(0)?, shape(2)?);
            let [batch, heads, length, width] = *<&[u64; 4]>::try_from(query).ok()?;
            let keys = *value.get(2)?;
            let pairs = batch.checked_mul(heads)?.checked_mul(length)?.checked_mul(keys)?;
            pairs.checked_mul(width.checked_add(*value.get(3)?)?)
        }
        // An operator whose shapes are known is known to multiply nothing that counts.
        _ => output().map(|_| 0),
    }
}

/// Whether a node's output is its first input seen another way.
fn is_view(node: &Node) -> bool {
    matches!(node.op.as_str(), "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Identity")
}

fn activations(numbered: &Numbered, infos: &Infos) -> Option<u64> {
    let made = numbered.steps().filter(|step| !is_view(step.node) && step.node.op != "Constant");
    let mut outputs = made.flat_map(|step| step.outputs.iter().copied().filter(|output| *output != OMITTED));
    outputs.try_fold(0u64, |sum, output| sum.checked_add(infos.get(output)?.len()?))
}

/// The largest sum of bytes of results that are still needed at the same moment. Unknown shapes count nothing.
fn largest_live_bytes(numbered: &Numbered, infos: &Infos) -> u64 {
    let nodes = numbered.graph.nodes.len();
    // A view keeps the value alive that it shows.
    let mut shown: Vec<usize> = (0..numbered.names.len()).collect();
    let mut last_use = vec![0; shown.len()];
    for (at, step) in numbered.steps().enumerate() {
        if let (true, Some(input), Some(output)) = (is_view(step.node), step.input(0), step.outputs.first()) {
            shown[*output] = shown[input];
        }
        for value in step.inputs.iter().chain(step.outputs) {
            last_use[shown[*value]] = at;
        }
    }
    for value in numbered.outputs.iter().chain(&numbered.inputs) {
        last_use[shown[*value]] = nodes;
    }
    let bytes = |value: usize| {
        let info = infos.get(value)?;
        info.element?.bytes_of(info.len()?)
    };
    let mut live: u64 = numbered.inputs.iter().filter_map(|input| bytes(*input)).fold(0, u64::saturating_add);
    let mut ends = vec![0u64; nodes + 1];
    let mut largest = live;
    for (at, step) in numbered.steps().enumerate() {
        if !is_view(step.node) {
            for output in step.outputs {
                let size = bytes(*output).unwrap_or(0);
                live = live.saturating_add(size);
                let end = last_use[*output].max(at);
                ends[end] = ends[end].saturating_add(size);
            }
        }
        largest = largest.max(live);
        live = live.saturating_sub(ends[at]);
    }
    largest
}
