//! A described graph in integers: the weights of its matrix products in 8 or 4 bits with scales, and what multiplies
//! them.
//!
//! Only products of activations with a weight matrix are quantised. Tables that are looked up, a table that also scores
//! words, convolutions, norms and the products inside attention stay in f32.

mod calibration;
mod products;
mod ranges;

pub use calibration::{Calibration, activations, graph as calibration_graph, known_ranges};
pub use ranges::Ranges;

use crate::{Content, Element, Graph, Initializer, ModelError, Node, builder::Description};
use contract::Precision;
use products::Products;
use rustc_hash::{FxHashMap, FxHashSet};

/// Rows of a weight matrix that share a scale in 4 bits.
pub const BLOCK: usize = 32;
/// Below this share of the numbers that products read, a quantised graph would be quantised in name only.
const LEAST_SHARE: f64 = 0.5;

/// How the products are quantised.
#[derive(Clone, Copy, Debug)]
pub enum Scheme<'a> {
    /// 8 bits; activations are quantised in each call, by the range they have in it.
    Dynamic,
    /// 8 bits for the weights alone; an engine may quantise the activations by itself.
    Weights,
    /// 8 bits; activations by ranges that were calibrated.
    Static(&'a Ranges),
    /// 4 bits for the weights alone, with a scale for each [`BLOCK`] of rows.
    Blocks,
}

impl Scheme<'_> {
    fn packing(self) -> Packing {
        match self {
            Self::Blocks => Packing::Blocks,
            Self::Dynamic | Self::Weights | Self::Static(_) => Packing::Columns,
        }
    }

    fn quantises_activations(self) -> bool {
        matches!(self, Self::Dynamic | Self::Static(_))
    }
}

/// How a weight matrix `[in, out]` is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// int8 with a scale for each column.
    Columns,
    /// int4 with a scale for each [`BLOCK`] of rows of each column.
    Blocks,
}

impl Packing {
    pub fn element(self) -> Element {
        match self {
            Self::Columns => Element::I8,
            Self::Blocks => Element::I4,
        }
    }

    /// Shape of the scales of a matrix.
    fn scales(self, [rows, columns]: [usize; 2]) -> Vec<usize> {
        match self {
            Self::Columns => vec![columns],
            Self::Blocks => vec![rows / BLOCK, columns],
        }
    }

    fn suits(self, [rows, _]: [usize; 2]) -> bool {
        self == Self::Columns || rows.is_multiple_of(BLOCK)
    }
}

/// Names of the initializers that a packed weight becomes: its integers and its scales.
pub fn parts(weight: &str) -> [String; 2] {
    [format!("{weight}:q"), format!("{weight}:scale")]
}

/// The description with its products quantised.
///
/// # Errors
/// Where too little of the model would be quantised, or a range is missing.
pub fn quantise(mut description: Description, scheme: Scheme) -> Result<Description, ModelError> {
    let chosen = quantise_graph(&mut description.graph, scheme)?;
    description.packed = chosen.into_iter().map(|name| (name, scheme.packing())).collect();
    Ok(description)
}

/// The same for the graph alone; gives the names of the weights that were packed.
pub fn quantise_graph(graph: &mut Graph, scheme: Scheme) -> Result<FxHashSet<String>, ModelError> {
    let packing = scheme.packing();
    let uses = Uses::of(graph);
    uses.refuse_little(&graph.name, packing)?;
    let chosen = uses.quantised(packing);
    let wholes = if scheme.quantises_activations() { wholes(graph, &chosen) } else { FxHashMap::default() };
    let initializers = std::mem::take(&mut graph.initializers);
    let stored = |one: Initializer| if chosen.contains(&one.name) { packed(one, packing) } else { vec![one] };
    graph.initializers = initializers.into_iter().flat_map(stored).collect();
    let nodes = std::mem::take(&mut graph.nodes);
    let mut products = Products::new(scheme, &chosen, wholes, graph);
    nodes.into_iter().try_for_each(|node| products.add(node))?;
    if packing == Packing::Blocks {
        to_opset_21(graph);
    }
    Ok(chosen)
}

/// The quantised precisions that enough of the graph can be had in for it to be called so.
pub fn offered(graph: &Graph) -> &'static [Precision] {
    let uses = Uses::of(graph);
    let suits = |packing| uses.refuse_little(&graph.name, packing).is_ok();
    match (suits(Packing::Columns), suits(Packing::Blocks)) {
        (false, _) => &[],
        (true, false) => &[Precision::Int8, Precision::Int8Static],
        (true, true) => &[Precision::Int8, Precision::Int8Static, Precision::Int4],
    }
}

/// What a graph does with each of its weights, by name.
struct Uses<'a>(FxHashMap<&'a str, Use>);

struct Use {
    numbers: u64,
    /// Shape of a matrix that nothing but products read, as their right side.
    matrix: Option<[usize; 2]>,
    /// Whether a product or a convolution reads it as its right side.
    read: bool,
}

impl<'a> Uses<'a> {
    fn of(graph: &'a Graph) -> Self {
        let unread = |weight: &Initializer| Use {
            numbers: weight.len(),
            matrix: matrix(&weight.shape).filter(|_| matches!(weight.content, Content::Described)),
            read: false,
        };
        let mut uses: FxHashMap<&str, Use> =
            graph.initializers.iter().map(|weight| (weight.name.as_str(), unread(weight))).collect();
        for node in &graph.nodes {
            for (place, name) in node.inputs.iter().enumerate() {
                let Some(weight) = uses.get_mut(name.as_str()) else { continue };
                if !(node.op == "MatMul" && place == 1) {
                    weight.matrix = None;
                }
                weight.read |= place == 1 && matches!(node.op.as_str(), "MatMul" | "Gemm" | "Conv");
            }
        }
        Self(uses)
    }

    fn suiting(&self, packing: Packing) -> impl Iterator<Item = (&'a str, &Use)> {
        let suits = move |weight: &Use| weight.matrix.is_some_and(|shape| packing.suits(shape));
        self.0.iter().filter(move |(_, weight)| suits(weight)).map(|(name, weight)| (*name, weight))
    }

    /// The weights that are stored so.
    fn quantised(&self, packing: Packing) -> FxHashSet<String> {
        self.suiting(packing).map(|(name, _)| name.to_owned()).collect()
    }

    fn refuse_little(&self, graph: &str, packing: Packing) -> Result<(), ModelError> {
        let all: u64 = self.0.values().filter(|weight| weight.read).map(|weight| weight.numbers).sum();
        let quantised: u64 = self.suiting(packing).map(|(_, weight)| weight.numbers).sum();
        let share = quantised as f64 / all.max(1) as f64;
        if share >= LEAST_SHARE {
            return Ok(());
        }
        let percent = (share * 100.0).round();
        Err(ModelError::unsupported(
            graph,
            "its products",
            format!("only {percent} % of the weights that they read are matrices that Assay quantises"),
            "Choose f32, f16 or bf16",
        ))
    }
}

fn matrix(shape: &[usize]) -> Option<[usize; 2]> {
    <[usize; 2]>::try_from(shape).ok()
}

/// What a weight matrix is stored as: its integers and their scales. Anything else stays as it is.
pub fn packed(weight: Initializer, packing: Packing) -> Vec<Initializer> {
    let Some(shape) = matrix(&weight.shape) else { return vec![weight] };
    let [integers, scales] = parts(&weight.name);
    let described = |name: String, element, shape| Initializer { name, element, shape, content: Content::Described };
    vec![described(integers, packing.element(), weight.shape), described(scales, Element::F32, packing.scales(shape))]
}

/// Blocks of scales came with opset 21. Of the operators drawn here only reductions changed on the way: their axes became
/// an input.
fn to_opset_21(graph: &mut Graph) {
    graph.opset = 21;
    let mut known = FxHashSet::default();
    for node in graph.nodes.iter_mut().filter(|node| node.op.starts_with("Reduce")) {
        let Some(axes) = node.ints("axes").map(<[i64]>::to_vec) else { continue };
        node.attributes.remove("axes");
        let name = format!("axes{axes:?}");
        node.inputs.push(name.clone());
        if known.insert(name.clone()) {
            let bytes: Vec<u8> = axes.iter().flat_map(|axis| axis.to_le_bytes()).collect();
            let content = Content::Ready(bytes.into());
            graph.initializers.push(Initializer { name, element: Element::I64, shape: vec![axes.len()], content });
        }
    }
}

/// The value that each part belongs to, by the part's name, where a value is cut at sizes that only the numbers tell and
/// nothing but products with these weights read its parts: the rows of a mixture's experts. Such a value is quantised
/// whole, for a part may be empty and then has no range.
fn wholes(graph: &Graph, chosen: &FxHashSet<String>) -> FxHashMap<String, String> {
    let made: FxHashSet<&String> = graph.nodes.iter().flat_map(|node| &node.outputs).collect();
    let read_otherwise: FxHashSet<&String> =
        graph.nodes.iter().flat_map(|node| node.inputs.iter().skip(usize::from(is_product(node, chosen)))).collect();
    let is_cut = |node: &&Node| {
        let counted = node.op == "Split" && node.inputs.get(1).is_some_and(|sizes| made.contains(sizes));
        counted && !node.outputs.iter().any(|part| read_otherwise.contains(part))
    };
    let cut = graph.nodes.iter().filter(is_cut);
    cut.flat_map(|node| node.outputs.iter().map(move |part| (part.clone(), node.inputs[0].clone()))).collect()
}

/// Whether a node multiplies activations with one of these weights.
fn is_product(node: &Node, chosen: &FxHashSet<String>) -> bool {
    node.op == "MatMul" && node.input(1).is_some_and(|weight| chosen.contains(weight))
}
