//! Small graphs for the other tests.

use bytes::Bytes;
use models::{Attribute, Content, Dimension, Element, Graph, Initializer, Node, Tensor, Value};
use std::path::Path;

pub fn node(op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) -> Node {
    Node {
        name: format!("{op}:{output}"),
        op: op.to_owned(),
        domain: String::new(),
        inputs: inputs.iter().map(ToString::to_string).collect(),
        outputs: vec![output.to_owned()],
        attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    }
}

pub fn free(name: &str) -> Dimension {
    Dimension::Free(name.to_owned())
}

pub fn value(name: &str, element: Element, shape: &[Dimension]) -> Value {
    Value { name: name.to_owned(), element, shape: shape.to_vec() }
}

pub fn weight(tensor: Tensor) -> Initializer {
    let content = Content::Ready(Bytes::from(tensor.bytes));
    Initializer { name: tensor.name, element: tensor.element, shape: tensor.shape, content }
}

/// x: [batch, 4] times a 4×3 weight, then Relu.
pub fn small() -> Graph {
    let numbers: Vec<f32> = (0..12).map(|number| number as f32).collect();
    Graph {
        name: "small".into(),
        opset: 17,
        inputs: vec![value("x", Element::F32, &[free("batch"), Dimension::Fixed(4)])],
        outputs: vec![value("y", Element::F32, &[free("batch"), Dimension::Fixed(3)])],
        nodes: vec![node("MatMul", &["x", "w"], "h", &[]), node("Relu", &["h"], "y", &[])],
        initializers: vec![weight(Tensor::from_f32s("w", &[4, 3], &numbers))],
        ..Graph::default()
    }
}

/// The same with an If whose branches read the outer graph.
pub fn branching() -> Graph {
    let mut graph = small();
    let branch = |op: &str| Graph {
        name: op.to_lowercase(),
        opset: 17,
        outputs: vec![value("out", Element::F32, &[free("batch"), Dimension::Fixed(3)])],
        nodes: vec![node(op, &["h"], "out", &[])],
        ..Graph::default()
    };
    graph.inputs.push(value("flag", Element::Bool, &[]));
    let attributes = [
        ("then_branch", Attribute::Graph(Box::new(branch("Relu")))),
        ("else_branch", Attribute::Graph(Box::new(branch("Tanh")))),
    ];
    graph.nodes[1] = node("If", &["flag"], "y", &attributes);
    graph
}

pub fn written(graph: &Graph, folder: &Path) -> std::path::PathBuf {
    let path = folder.join("model.onnx");
    graph.write(&path).unwrap();
    path
}
