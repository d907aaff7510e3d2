//! Seeded inputs for a graph: never zeros, and ids that stay inside the table they index.

use crate::{Element, Graph, ModelError, Tensor, Value, filling, padding, seed::Stream, tensor};
use std::collections::{BTreeMap, HashMap};

/// Inputs above this size are refused rather than tried.
const LARGEST_INPUT_BYTES: u64 = 8 << 30;

/// Inputs of one variant, in the order of the graph's inputs. Where the sizes name a share of padding, the attention mask
/// of a text hides so much of it.
///
/// Variants of the same seed differ from each other; the same seed and variant give the same numbers on every machine.
pub fn make_inputs(
    graph: &Graph,
    dims: &BTreeMap<String, u64>,
    seed: u64,
    variant: u32,
) -> Result<Vec<Tensor>, ModelError> {
    filling::check(graph, dims)?;
    let percent = padding::percent(graph, dims);
    let tables = indexed_tables(graph);
    graph
        .inputs
        .iter()
        .map(|input| {
            let shape = sized(input, input.shape_for(dims)?)?;
            let count: usize = shape.iter().product();
            let stream = Stream::new(seed, &format!("{}/{variant}", input.name));
            if let Some(filling) = graph.fillings.get(&input.name) {
                let numbers = filling.numbers(&shape, dims, stream)?;
                let bytes = whole(input.element, numbers.into_iter());
                return Ok(Tensor { name: input.name.clone(), element: input.element, shape, bytes });
            }
            let bytes = match meaning(input, tables.get(input.name.as_str()).copied()) {
                Meaning::Numbers => tensor::floats(input.element, (0..count as u64).map(|place| stream.bell(place))),
                Meaning::Mask => match shape[..] {
                    [texts, length] if percent > 0 && input.name == padding::MASK => {
                        whole(input.element, padding::mask(percent, [texts as u64, length as u64], stream))
                    }
                    _ => whole(input.element, (0..count).map(|_| 1)),
                },
                Meaning::Positions => {
                    let last = shape.last().copied().unwrap_or(1).max(1);
                    whole(input.element, (0..count).map(|place| (place % last) as u64))
                }
                Meaning::Ids { end } => whole(input.element, (0..count).map(|place| stream.below(place as u64, end))),
            };
            Ok(Tensor { name: input.name.clone(), element: input.element, shape, bytes })
        })
        .collect()
}

/// What the numbers of an input stand for.
enum Meaning {
    Numbers,
    /// Nothing is masked out, unless it is the padding of a text.
    Mask,
    /// 0, 1, 2, … along the last dimension.
    Positions,
    /// Any number below `end`.
    Ids {
        end: u64,
    },
}

fn meaning(input: &Value, table_rows: Option<u64>) -> Meaning {
    let name = input.name.to_lowercase();
    if name.contains("mask") {
        return Meaning::Mask;
    }
    if input.element.is_float() {
        return Meaning::Numbers;
    }
    match table_rows {
        _ if input.element == Element::Bool => Meaning::Mask,
        _ if name.contains("position") => Meaning::Positions,
        Some(rows) => Meaning::Ids { end: rows.max(1) },
        None => Meaning::Ids { end: 2 },
    }
}

/// For each input that is used as an index: the rows of the smallest table it looks into.
fn indexed_tables(graph: &Graph) -> HashMap<&str, u64> {
    let rows: HashMap<&str, &[usize]> = graph
        .initializers
        .iter()
        .map(|initializer| (initializer.name.as_str(), initializer.shape.as_slice()))
        .collect();
    // Follows an input through the operators that keep its values.
    let mut source: HashMap<&str, &str> =
        graph.inputs.iter().map(|input| (input.name.as_str(), input.name.as_str())).collect();
    let mut smallest: HashMap<&str, u64> = HashMap::new();
    for node in &graph.nodes {
        let first = node.input(0);
        match node.op.as_str() {
            "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Expand" | "Transpose"
            | "Slice" => {
                if let (Some(origin), Some(output)) =
                    (first.and_then(|name| source.get(name).copied()), node.outputs.first())
                {
                    source.insert(output, origin);
                }
            }
            "Gather" | "GatherElements" => {
                let origin = node.input(1).and_then(|indices| source.get(indices).copied());
                let table = first.and_then(|table| rows.get(table).copied());
                if let (Some(origin), Some(shape)) = (origin, table) {
                    let axis = node.int("axis").unwrap_or(0);
                    let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
                    if let Some(size) = usize::try_from(axis).ok().and_then(|axis| shape.get(axis)) {
                        let least = smallest.entry(origin).or_insert(*size as u64);
                        *least = (*least).min(*size as u64);
                    }
                }
            }
            _ => {}
        }
    }
    smallest
}

/// The shape in the machine's own size, refused where nothing could hold it.
fn sized(input: &Value, shape: Vec<u64>) -> Result<Vec<usize>, ModelError> {
    let bytes = shape.iter().try_fold(input.element.size() as u64, |bytes, size| bytes.checked_mul(*size));
    match bytes {
        Some(bytes) if bytes <= LARGEST_INPUT_BYTES => Ok(shape.into_iter().map(|size| size as usize).collect()),
        _ => {
            let largest = shape.iter().copied().max().unwrap_or_default();
            let reason = format!(
                "the input {} would be larger than {LARGEST_INPUT_BYTES} bytes; choose smaller sizes",
                input.name
            );
            Err(ModelError::bad_size("the largest dimension", largest, reason))
        }
    }
}

/// Small whole numbers in any element, floating-point ones included (a mask may be given so).
fn whole(element: Element, values: impl Iterator<Item = u64>) -> Vec<u8> {
    match element {
        Element::F32 | Element::F64 | Element::F16 | Element::Bf16 => {
            tensor::floats(element, values.map(|value| value as f32))
        }
        Element::Bool => values.map(|value| u8::from(value != 0)).collect(),
        Element::I8 | Element::U8 => values.map(|value| value.min(127) as u8).collect(),
        Element::I4 => {
            let nibbles: Vec<u8> = values.map(|value| value.min(7) as u8).collect();
            nibbles.chunks(2).map(|pair| pair[0] | pair.get(1).unwrap_or(&0) << 4).collect()
        }
        Element::I16 | Element::U16 => values.flat_map(|value| (value.min(32_767) as u16).to_le_bytes()).collect(),
        Element::I32 | Element::U32 => values.flat_map(|value| (value as u32).to_le_bytes()).collect(),
        Element::I64 | Element::U64 => values.flat_map(u64::to_le_bytes).collect(),
    }
}
