//! The golden cases without an engine: names, shapes, counts and every weight in its place.

use contract::Precision;
use models::{Dimension, Element, Graph, Model, Tensor, safetensors};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Ends of names of tensors that a checkpoint has and a graph does not: what only training reads, counters, and tables
/// that follow from the configuration.
const UNREAD: [&str; 6] = [
    "logit_scale_t",
    "masked_spec_embed",
    "num_batches_tracked",
    "position_ids",
    "relative_position_index",
    "token_type_ids",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden")
}

fn cases() -> Vec<Value> {
    let index = std::fs::read_to_string(folder().join("index.json")).unwrap();
    serde_json::from_str::<Value>(&index).unwrap()["cases"].as_array().unwrap().clone()
}

/// The free sizes that the recorded inputs have, and those that the case says they follow from.
fn sizes(case: &Value, graph: &Graph, io: &[Tensor]) -> BTreeMap<String, u32> {
    let said = case["sizes"].as_object().into_iter().flatten();
    let mut sizes: BTreeMap<String, u32> =
        said.map(|(name, size)| (name.clone(), size.as_u64().unwrap() as u32)).collect();
    for input in &graph.inputs {
        let Some(recorded) = io.iter().find(|tensor| tensor.name == format!("in.{}", input.name)) else { continue };
        for (dimension, size) in input.shape.iter().zip(&recorded.shape) {
            if let Dimension::Free(name) = dimension {
                sizes.insert(name.clone(), *size as u32);
            }
        }
    }
    sizes
}

#[test]
fn inputs_outputs_and_parameters_are_those_of_transformers() {
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let model = Model::open(&folder().join(name)).unwrap();
        let info = model.info();
        assert_eq!(info.parameters, case["parameters"].as_u64(), "{name}");
        assert!(!info.random_weights);
        let io = safetensors::read(&folder().join(name).join("io.safetensors")).unwrap();
        let dims = model.dims_for(1, None, &sizes(&case, model.graph(), &io)).unwrap();
        for (prefix, values) in [("in.", &model.graph().inputs), ("out.", &model.graph().outputs)] {
            let recorded: BTreeMap<&str, Vec<u64>> = io
                .iter()
                .filter_map(|tensor| Some((tensor.name.strip_prefix(prefix)?, tensor)))
                .map(|(name, tensor)| (name, tensor.shape.iter().map(|size| *size as u64).collect()))
                .collect();
            let ours: BTreeMap<&str, Vec<u64>> =
                values.iter().map(|value| (value.name.as_str(), value.shape_for(&dims).unwrap())).collect();
            assert_eq!(ours, recorded, "{name} {prefix}");
        }
    }
}

#[test]
fn every_weight_of_a_checkpoint_is_written_in_its_place() {
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let model = Model::open(&folder().join(name)).unwrap();
        let weights = safetensors::read(&folder().join(name).join("model.safetensors")).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 1e-3), (Precision::Bf16, 8e-3)] {
            let files = model.materialize(scratch.path(), precision, 0, &mut |_, _| ControlFlow::Continue(())).unwrap();
            let graph = Graph::read(&files.onnx).unwrap();
            for weight in &weights {
                let swapped = graph.initializer(&format!("{}.T", weight.name));
                let Some(initializer) = swapped.or_else(|| graph.initializer(&weight.name)) else {
                    let said = case["unread"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    let unread = UNREAD.iter().any(|end| weight.name.ends_with(end))
                        || said.into_iter().any(|start| weight.name.starts_with(start));
                    assert!(unread, "{name} {}", weight.name);
                    continue;
                };
                let written = initializer.tensor().unwrap();
                assert_eq!(written.element, Element::of(precision).unwrap());
                let (expected, got) = (weight.f32s(), written.f32s());
                for (index, value) in expected.iter().enumerate() {
                    let place = match (swapped, weight.shape.as_slice()) {
                        (Some(_), [outputs, inputs]) => index % inputs * outputs + index / inputs,
                        _ => index,
                    };
                    let close = (value - got[place]).abs() <= tolerance * value.abs() + tolerance * 1e-3;
                    assert!(close, "{name} {precision} {} {index}: {value} {}", weight.name, got[place]);
                }
            }
        }
    }
}
