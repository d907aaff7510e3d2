//! Models in 8 and 4 bits: what is quantised, how large it gets, what is refused.

use contract::Precision;
use models::{DynamicForm, Format, Graph, Model, Ranges};
use serde_json::json;
use std::{fs, ops::ControlFlow};

fn go(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn bert() -> Model {
    let config = json!({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4,
        "intermediate_size": 128, "vocab_size": 100, "max_position_embeddings": 16});
    Model::from_config_text("small", &config.to_string()).unwrap()
}

fn written(model: &Model, format: impl Into<Format>) -> (tempfile::TempDir, Graph, u64) {
    let dir = tempfile::tempdir().unwrap();
    let files = model.materialize(dir.path(), format, 1, &mut go).unwrap();
    let bytes = fs::metadata(files.folder.join("weights.bin")).unwrap().len();
    let graph = Graph::read(&files.onnx).unwrap();
    (dir, graph, bytes)
}

fn count(graph: &Graph, op: &str) -> usize {
    graph.nodes.iter().filter(|node| node.op == op).count()
}

/// Six products of each layer with a weight, and the pooler's; two inside attention stay.
const PRODUCTS: usize = 2 * 6 + 1;

#[test]
fn every_product_with_a_weight_is_quantised_and_no_other() {
    let model = bert();
    let (_dir, dynamic, _) = written(&model, Precision::Int8);
    assert_eq!((count(&dynamic, "MatMulInteger"), count(&dynamic, "MatMul")), (PRODUCTS, 4));
    // Query, key and value read the same numbers, which are quantised once.
    assert_eq!(count(&dynamic, "DynamicQuantizeLinear"), PRODUCTS - 2 * 2);
    let weights = Format::from(Precision::Int8).with_dynamic(DynamicForm::Weights);
    for (format, opset) in [(weights, 17), (Precision::Int4.into(), 21)] {
        let (_dir, graph, _) = written(&model, format);
        assert_eq!((count(&graph, "DequantizeLinear"), count(&graph, "MatMul")), (PRODUCTS, PRODUCTS + 4));
        assert_eq!(graph.opset, opset);
    }
}

#[test]
fn what_is_written_is_as_long_as_was_said_and_shrinks_with_the_bits() {
    let model = bert();
    let sizes = [Precision::F32, Precision::Int8, Precision::Int4].map(|precision| {
        let (_dir, graph, bytes) = written(&model, precision);
        assert_eq!(bytes, model.disk_bytes(precision), "{precision}");
        let dims = model.dims_for(1, Some(8), &Default::default()).unwrap();
        assert_eq!(graph.costs(&dims).unwrap().macs, model.costs(&dims).unwrap().macs, "{precision}");
        bytes
    });
    let of_products = (2 * (4 * 64 * 64 + 2 * 64 * 128) + 64 * 64) as u64;
    // Scales come on top, and places between tensors.
    assert!(sizes[0] - sizes[1] > of_products * 5 / 2 && sizes[0] - sizes[1] < of_products * 3, "{sizes:?}");
    assert!(sizes[1] - sizes[2] > of_products / 4 && sizes[1] - sizes[2] < of_products / 2, "{sizes:?}");
    assert!(model.disk_bytes(Precision::Int8Static) > 0);
}

#[test]
fn the_integers_times_their_scales_are_the_weights() {
    let model = bert();
    let (_dir, exact, _) = written(&model, Precision::F32);
    for (precision, step) in [(Precision::Int8, 0.5 / 64.0), (Precision::Int4, 1.0 / 8.0)] {
        let (_dir, graph, _) = written(&model, precision);
        let numbers = |graph: &Graph, name: &str| graph.initializer(name).unwrap().tensor().unwrap().f32s();
        let mut seen = 0;
        for weight in exact.initializers.iter().filter(|one| one.name.ends_with(".T")) {
            let (rows, columns) = (weight.shape[0], weight.shape[1]);
            let [wanted, integers, scales] = [
                numbers(&exact, &weight.name),
                numbers(&graph, &format!("{}:q", weight.name)),
                numbers(&graph, &format!("{}:scale", weight.name)),
            ];
            let block = rows * columns / scales.len();
            for (place, wanted) in wanted.iter().enumerate() {
                let scale = scales[place / columns / block * columns + place % columns];
                let largest = scale.abs() * if precision == Precision::Int4 { 8.0 } else { 64.0 };
                assert!((wanted - integers[place] * scale).abs() <= largest * step * 1.001, "{precision} {place}");
            }
            seen += 1;
        }
        assert_eq!(seen, PRODUCTS);
    }
}

#[test]
fn a_calibration_graph_tells_both_ends_of_every_activation() {
    let dir = tempfile::tempdir().unwrap();
    let model = bert();
    let calibration = model.calibration(dir.path(), 1, &mut go).unwrap();
    let graph = Graph::read(&calibration.onnx).unwrap();
    assert_eq!(graph.outputs.len(), 2 * (PRODUCTS - 2 * 2));
    assert_eq!(graph.inputs, model.graph().inputs);
    assert!(calibration.known().is_none());
    let missing = model.materialize(dir.path(), Precision::Int8Static, 1, &mut go).unwrap_err();
    assert!(missing.to_string().contains("not calibrated"), "{missing}");
    let none = Format::from(Precision::Int8Static).with_ranges(Ranges::default());
    let unknown = model.materialize(dir.path(), none, 1, &mut go).unwrap_err();
    assert!(unknown.to_string().contains("no finite range"), "{unknown}");
}

#[test]
fn a_model_of_convolutions_is_not_called_quantised() {
    let model = Model::from_config_text("convolutions", r#"{"model_type": "resnet"}"#).unwrap();
    assert!(model.info().precisions.iter().all(|precision| !precision.is_quantised()));
    let dir = tempfile::tempdir().unwrap();
    let refused = model.materialize(dir.path(), Precision::Int8, 1, &mut go).unwrap_err();
    assert!(refused.to_string().contains("too little") && refused.to_string().contains("bf16"), "{refused}");
}
