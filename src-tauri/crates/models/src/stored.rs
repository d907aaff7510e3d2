//! The precision of an ONNX file, which is used as it is.

use crate::{Element, Graph, Initializer, Node};
use contract::Precision;
use std::collections::{HashMap, HashSet};

/// What most numbers of its matrices are in. Tables that are only looked up, such as embeddings, count where there are no
/// others: they go through no product.
pub fn precision(graph: &Graph) -> Precision {
    let matrices = matrices(graph);
    match most(graph, |one| matrices.contains(one.name.as_str())).or_else(|| most(graph, |_| true)) {
        Some(Precision::Int8) if graph.nodes.iter().any(has_fixed_range) => Precision::Int8Static,
        found => found.unwrap_or(Precision::F32),
    }
}

/// Weights of two dimensions or more that some node does more with than look a row up.
fn matrices(graph: &Graph) -> HashSet<&str> {
    let tables = |node: &Node| usize::from(node.op == "Gather");
    let read = graph.nodes.iter().flat_map(|node| node.inputs.iter().skip(tables(node)));
    let used: HashSet<&str> = read.map(String::as_str).collect();
    let has_rows = |one: &&Initializer| one.shape.len() >= 2 && used.contains(one.name.as_str());
    graph.initializers.iter().filter(has_rows).map(|one| one.name.as_str()).collect()
}

/// The precision of most numbers among these; the first to have as many. None where none of them has one.
fn most(graph: &Graph, counts: impl Fn(&Initializer) -> bool) -> Option<Precision> {
    let halves: HashSet<&str> = graph.nodes.iter().filter_map(of_half_bytes).collect();
    let mut numbers: HashMap<Precision, u64> = HashMap::new();
    for one in graph.initializers.iter().filter(|one| counts(one)) {
        let (precision, count) = match one.element {
            Element::F32 | Element::F64 => (Precision::F32, one.len()),
            Element::F16 => (Precision::F16, one.len()),
            Element::Bf16 => (Precision::Bf16, one.len()),
            Element::U8 if halves.contains(one.name.as_str()) => (Precision::Int4, 2 * one.len()),
            Element::I8 | Element::U8 => (Precision::Int8, one.len()),
            Element::I4 => (Precision::Int4, one.len()),
            _ => continue,
        };
        *numbers.entry(precision).or_default() += count;
    }
    let most = numbers.values().max()?;
    Precision::ALL.iter().copied().find(|precision| numbers.get(precision) == Some(most))
}

/// The weight of ONNX Runtime's product over blocks of integers, where two of these share a byte.
fn of_half_bytes(node: &Node) -> Option<&str> {
    let is_half = node.op == "MatMulNBits" && node.int("bits").unwrap_or(4) == 4;
    node.inputs.get(1).filter(|_| is_half).map(String::as_str)
}

/// Whether it rounds activations by a range that was known beforehand.
fn has_fixed_range(node: &Node) -> bool {
    node.op == "QuantizeLinear" || node.op.starts_with("QLinear")
}

#[cfg(test)]
mod tests {
    use super::precision;
    use crate::{Attribute, Content, Element, Graph, Initializer, Node};
    use contract::Precision;

    fn graph(weights: &[(&str, Element, &[usize])], nodes: &[(&str, &[&str])]) -> Graph {
        let weight = |(name, element, shape): &(&str, Element, &[usize])| Initializer {
            name: (*name).to_owned(),
            element: *element,
            shape: shape.to_vec(),
            content: Content::Described,
        };
        let node = |(op, inputs): &(&str, &[&str])| Node {
            op: (*op).to_owned(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            ..Node::default()
        };
        Graph {
            initializers: weights.iter().map(weight).collect(),
            nodes: nodes.iter().map(node).collect(),
            ..Graph::default()
        }
    }

    #[test]
    fn a_file_is_in_what_its_products_read() {
        let table: (&str, Element, &[usize]) = ("table", Element::F32, &[1000, 8]);
        let look_up: (&str, &[&str]) = ("Gather", &["table", "ids"]);
        assert_eq!(precision(&graph(&[], &[])), Precision::F32);
        assert_eq!(precision(&graph(&[("table", Element::F16, &[10, 8])], &[look_up])), Precision::F16);
        let half = graph(&[table, ("w", Element::F16, &[8, 8])], &[look_up, ("MatMul", &["x", "w"])]);
        assert_eq!(precision(&half), Precision::F16);
        let integers = graph(&[table, ("w", Element::I8, &[8, 8])], &[look_up, ("MatMulInteger", &["x", "w"])]);
        assert_eq!(precision(&integers), Precision::Int8);
        let fixed = [look_up, ("QuantizeLinear", &["x", "s"][..]), ("DequantizeLinear", &["w", "s"])];
        assert_eq!(precision(&graph(&[table, ("w", Element::I8, &[8, 8])], &fixed)), Precision::Int8Static);
        let four = graph(&[table, ("w", Element::I4, &[8, 8])], &[look_up, ("DequantizeLinear", &["w", "s"])]);
        assert_eq!(precision(&four), Precision::Int4);
    }

    #[test]
    fn blocks_of_integers_say_how_many_bits_each_has() {
        let mut blocks = graph(&[("w", Element::U8, &[8, 2, 16])], &[("MatMulNBits", &["x", "w", "s"])]);
        assert_eq!(precision(&blocks), Precision::Int4);
        blocks.nodes[0].attributes.insert("bits".to_owned(), Attribute::Int(8));
        assert_eq!(precision(&blocks), Precision::Int8);
    }
}
