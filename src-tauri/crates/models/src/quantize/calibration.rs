//! Calibration: the f32 graph with the smallest and largest number of every activation as its outputs.

use super::{Packing, Ranges, Uses, is_product, ranges::ENDS, wholes};
use crate::{Attribute, Element, Graph, ModelError, Node, Tensor, Value, files::unwritable};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Where the ranges lie, beside the graph.
const KEPT: &str = "ranges.json";

/// A graph to be run in f32 on some inputs, and where the ranges that it gives are kept.
pub struct Calibration {
    /// Its weights are those of the f32 model beside it.
    pub onnx: PathBuf,
    /// The sizes it is run at: the model's defaults, one sample at a time.
    pub dims: BTreeMap<String, u64>,
    kept: PathBuf,
}

impl Calibration {
    pub(crate) fn new(onnx: PathBuf, dims: BTreeMap<String, u64>) -> Self {
        Self { kept: onnx.with_file_name(KEPT), onnx, dims }
    }

    /// Where it lies; what is kept here is used again.
    pub fn folder(&self) -> &Path {
        self.onnx.parent().expect("it lies in the folder of its model")
    }

    /// The ranges of an earlier calibration of the same weights.
    pub fn known(&self) -> Option<Ranges> {
        known_ranges(self.folder())
    }

    /// Keeps the ranges in the outputs of the graph, one set for each input it was given.
    pub fn learn(&self, outputs: &[Vec<Tensor>]) -> Result<Ranges, ModelError> {
        let ranges = Ranges::seen(outputs);
        let half = self.kept.with_extension(format!("{}.half", std::process::id()));
        let text = serde_json::to_vec(&ranges).expect("names and numbers always become JSON");
        fs::write(&half, text).map_err(unwritable(&half))?;
        fs::rename(&half, &self.kept).map_err(unwritable(&self.kept))?;
        Ok(ranges)
    }
}

/// The ranges of an earlier calibration in this folder.
pub fn known_ranges(folder: &Path) -> Option<Ranges> {
    serde_json::from_slice(&fs::read(folder.join(KEPT)).ok()?).ok()
}

/// The values that products with a quantised weight read, each once; those that are quantised before they are cut, whole.
pub fn activations(graph: &Graph) -> BTreeSet<String> {
    let chosen = Uses::of(graph).quantised(Packing::Columns);
    let wholes = wholes(graph, &chosen);
    let products = graph.nodes.iter().filter(|node| is_product(node, &chosen));
    let read = products.filter_map(|node| node.inputs.first());
    read.map(|value| wholes.get(value).unwrap_or(value).clone()).collect()
}

/// The graph with the ends of each activation's range as its only outputs.
pub fn graph(whole: &Graph) -> Graph {
    let mut graph = whole.clone();
    graph.outputs.clear();
    for activation in activations(whole) {
        for (name, op) in ENDS {
            let output = format!("{name}{activation}");
            graph.nodes.push(Node {
                name: format!("{output}:node"),
                op: op.to_owned(),
                inputs: vec![activation.clone()],
                outputs: vec![output.clone()],
                attributes: BTreeMap::from([("keepdims".to_owned(), Attribute::Int(0))]),
                ..Node::default()
            });
            graph.outputs.push(Value { name: output, element: Element::F32, shape: Vec::new() });
        }
    }
    graph
}
