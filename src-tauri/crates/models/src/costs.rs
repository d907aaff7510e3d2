//! What one call of a graph costs: multiply-accumulates, activations, bytes.

use crate::{
    Graph, Initializer, ModelError, Node,
    shapes::{self, Infos},
};
use std::collections::{BTreeMap, HashMap};

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
    /// Multiply-accumulates of each node that has any, by node name.
    pub node_macs: BTreeMap<String, u64>,
}

impl Graph {
    /// The shape of every value of the outermost graph that follows from these sizes.
    pub fn shapes(&self, dims: &BTreeMap<String, u64>) -> Result<BTreeMap<String, Vec<u64>>, ModelError> {
        let infos = shapes::infer(self, dims)?;
        Ok(infos.into_iter().filter_map(|(name, info)| Some((name.to_owned(), info.shape?))).collect())
    }

    /// Multiply-accumulates of one call with these sizes; see [`Costs::macs`].
    pub(crate) fn macs(&self, dims: &BTreeMap<String, u64>) -> Result<Option<u64>, ModelError> {
        let infos = shapes::infer(self, dims)?;
        Ok(self.nodes.iter().try_fold(0u64, |total, node| total.checked_add(macs_of(node, &infos)?)))
    }

    /// Costs of one call with these sizes, by shape inference over the operators.
    pub fn costs(&self, dims: &BTreeMap<String, u64>) -> Result<Costs, ModelError> {
        let infos = shapes::infer(self, dims)?;
        let mut node_macs = BTreeMap::new();
        let mut total = Some(0u64);
        for node in &self.nodes {
            let macs = macs_of(node, &infos);
            total = total.zip(macs).and_then(|(total, macs)| total.checked_add(macs));
            if let Some(macs) = macs.filter(|macs| *macs > 0) {
                node_macs.insert(node.name.clone(), macs);
            }
        }
        let weight_bytes = self.initializers.iter().map(Initializer::byte_len).sum::<u64>();
        Ok(Costs {
            macs: total,
            activations: activations(self, &infos),
            weight_bytes,
            parameters: Some(self.parameters()),
            peak_memory_bytes: weight_bytes.saturating_add(largest_live_bytes(self, &infos)),
            node_macs,
        })
    }
}

/// Multiply-accumulates of one node; none where they cannot be known.
fn macs_of(node: &Node, infos: &Infos) -> Option<u64> {
    let input = |index: usize| node.input(index).and_then(|name| infos.get(name));
    let shape = |index: usize| input(index)?.shape.as_deref();
    let output = || infos.get(node.outputs.first()?.as_str())?.len();
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

fn activations(graph: &Graph, infos: &Infos) -> Option<u64> {
    let made = graph.nodes.iter().filter(|node| !is_view(node) && node.op != "Constant");
    let outputs = made.flat_map(|node| node.outputs.iter().filter(|output| !output.is_empty()));
    outputs.map(|output| infos.get(output.as_str())?.len()).try_fold(0u64, |sum, length| sum.checked_add(length?))
}

/// The largest sum of bytes of results that are still needed at the same moment. Unknown shapes count nothing.
fn largest_live_bytes(graph: &Graph, infos: &Infos) -> u64 {
    // A view keeps the value alive that it shows.
    let mut shown: HashMap<&str, &str> = HashMap::new();
    let mut last_use: HashMap<&str, usize> = HashMap::new();
    for (step, node) in graph.nodes.iter().enumerate() {
        if let (true, Some(input), Some(output)) = (is_view(node), node.input(0), node.outputs.first()) {
            let root = shown.get(input).copied().unwrap_or(input);
            shown.insert(output, root);
        }
        for name in node.inputs.iter().chain(&node.outputs) {
            last_use.insert(shown.get(name.as_str()).copied().unwrap_or(name), step);
        }
    }
    for value in graph.outputs.iter().chain(&graph.inputs) {
        last_use.insert(shown.get(value.name.as_str()).copied().unwrap_or(&value.name), graph.nodes.len());
    }
    let bytes = |name: &str| {
        let info = infos.get(name)?;
        info.element?.bytes_of(info.len()?)
    };
    let mut live: u64 = graph.inputs.iter().filter_map(|input| bytes(&input.name)).fold(0, u64::saturating_add);
    let mut ends = vec![0u64; graph.nodes.len() + 1];
    let mut largest = live;
    for (step, node) in graph.nodes.iter().enumerate() {
        if !is_view(node) {
            for output in &node.outputs {
                let size = bytes(output).unwrap_or(0);
                live = live.saturating_add(size);
                let end = last_use.get(output.as_str()).copied().unwrap_or(step);
                ends[end] = ends[end].saturating_add(size);
            }
        }
        largest = largest.max(live);
        live = live.saturating_sub(ends[step]);
    }
    largest
}
