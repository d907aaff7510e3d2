use crate::graphs::{branching, free, node, small, value, weight};
use contract::Precision;
use models::{Attribute, Dimension, Element, Graph, Model, Tensor};
use std::collections::BTreeMap;

fn sizes(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
}

#[test]
fn a_product_costs_rows_times_inner_times_columns() {
    let costs = small().costs(&sizes(&[("batch", 5)])).unwrap();
    assert_eq!(costs.macs, Some(5 * 4 * 3));
    assert_eq!(costs.activations, Some(2 * 5 * 3));
    assert_eq!(costs.weight_bytes, 48);
    assert_eq!(costs.parameters, Some(12));
    // Weights, the input, and both results, which overlap in time.
    assert_eq!(costs.peak_memory_bytes, 48 + 4 * (5 * 4 + 5 * 3 + 5 * 3));
    assert_eq!(costs.node_macs, [60, 0]);
}

#[test]
fn a_convolution_costs_its_kernel_for_each_output() {
    let graph = Graph {
        name: "conv".into(),
        opset: 17,
        inputs: vec![value("x", Element::F32, &[free("n"), Dimension::Fixed(3), free("h"), free("w")])],
        outputs: vec![value("y", Element::F32, &[free("n"), Dimension::Fixed(8), free("a"), free("b")])],
        nodes: vec![node(
            "Conv",
            &["x", "k"],
            "y",
            &[("strides", Attribute::Ints(vec![2, 2])), ("pads", Attribute::Ints(vec![1, 1, 1, 1]))],
        )],
        initializers: vec![weight(Tensor::from_f32s("k", &[8, 3, 3, 3], &[0.5; 216]))],
        ..Graph::default()
    };
    let dims = sizes(&[("n", 2), ("h", 224), ("w", 225)]);
    assert_eq!(graph.shapes(&dims).unwrap()["y"], [2, 8, 112, 113]);
    assert_eq!(graph.costs(&dims).unwrap().macs, Some(2 * 8 * 112 * 113 * 27));
}

#[test]
fn shape_arithmetic_is_followed_to_the_reshape() {
    // Reshape(x, Concat(Shape(x)[0:1] * 2, [-1])).
    let graph = Graph {
        name: "arithmetic".into(),
        opset: 17,
        inputs: vec![value("x", Element::F32, &[free("batch"), Dimension::Fixed(6)])],
        outputs: vec![value("y", Element::F32, &[free("twice"), Dimension::Fixed(3)])],
        nodes: vec![
            node("Shape", &["x"], "shape", &[]),
            node("Gather", &["shape", "zero"], "first", &[]),
            node("Mul", &["first", "two"], "double", &[]),
            node("Concat", &["double", "rest"], "target", &[("axis", Attribute::Int(0))]),
            node("Reshape", &["x", "target"], "y", &[]),
        ],
        initializers: vec![
            weight(Tensor::from_i64s("zero", &[1], &[0])),
            weight(Tensor::from_i64s("two", &[1], &[2])),
            weight(Tensor::from_i64s("rest", &[1], &[-1])),
        ],
        ..Graph::default()
    };
    assert_eq!(graph.shapes(&sizes(&[("batch", 7)])).unwrap()["y"], [14, 3]);
}

#[test]
fn what_an_unknown_operator_hides_is_not_guessed() {
    let mut graph = small();
    graph.nodes[1].op = "NonMaxSuppression".into();
    assert_eq!(graph.costs(&sizes(&[("batch", 1)])).unwrap().macs, None);
    assert_eq!(branching().costs(&sizes(&[("batch", 1)])).unwrap().macs, None);
}

#[test]
fn a_missing_size_is_named() {
    let error = small().costs(&BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("batch"), "{error}");
}

#[test]
fn bert_base_costs_what_its_matrices_say() {
    let model = Model::preset(&"preset:bert-base-uncased".into()).unwrap();
    let (batch, length, width, inner) = (2, 128, 768, 3072);
    let dims = model.dims_for(batch, Some(length), &BTreeMap::new()).unwrap();
    let (batch, length) = (u64::from(batch), u64::from(length));
    let layer = 4 * length * width * width + 2 * length * length * width + 2 * length * width * inner;
    let costs = model.costs(&dims).unwrap();
    assert_eq!(costs.macs, Some(batch * (12 * layer + width * width)));
    assert_eq!(costs.parameters, Some(109_482_240));
}

#[test]
fn a_graph_that_is_alike_in_both_halves_costs_the_same_in_them() {
    let mut alike = Vec::new();
    for preset in Model::presets() {
        let model = Model::preset(&preset.id()).unwrap();
        let dims = model.dims_for(1, None, &BTreeMap::new()).unwrap();
        let [f16, bf16] =
            [Precision::F16, Precision::Bf16].map(|half| model.costs_and_disk_bytes(half, &dims).unwrap());
        assert!(f16 == bf16 || !model.halves_alike(), "{}", preset.name);
        alike.extend(model.halves_alike().then_some(preset.name));
    }
    assert!(alike.contains(&"gpt2") && !alike.contains(&"resnet-50"), "{alike:?}");
}
