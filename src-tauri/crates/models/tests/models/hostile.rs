//! Whatever the bytes, opening ends with a model or a sentence: no panic, no hang, no unbounded memory.

use crate::graphs::{branching, node, value, written};
use models::{Dimension, Element, Graph, Model, make_inputs, safetensors};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

fn golden(file: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden").join(file)).unwrap()
}

/// A graph with a subgraph, and one of a whole architecture without its weights.
static GRAPHS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let branching = fs::read(written(&branching(), folder.path())).unwrap();
    let config = r#"{"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 8, "vocab_size": 16, "max_position_embeddings": 8}"#;
    let model = Model::from_config_text("llama", config).unwrap();
    let files = model
        .materialize(folder.path(), contract::Precision::F32, 0, &mut |_, _| std::ops::ControlFlow::Continue(()))
        .unwrap();
    let graph = Graph::read(&files.onnx).unwrap();
    [branching, fs::read(written(&graph, folder.path())).unwrap()]
});

/// Opens the bytes as a file of this name and uses what comes of them.
fn try_open(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    if name.ends_with(".safetensors") {
        let _ = safetensors::read(&path);
        fs::write(folder.path().join("config.json"), golden("bert/config.json")).unwrap();
    }
    match Model::open(&path) {
        Err(error) => assert!(!contract::Failure::from(error).to_string().is_empty()),
        Ok(model) => {
            let Ok(dims) = model.dims_for(1, Some(8), &BTreeMap::new()) else { return };
            let _ = model.costs(&dims);
            // Sizes in the file may ask for gigabytes of input, which is refused or made; small ones are made here.
            let elements = model.graph().inputs.iter().map(|input| {
                input.shape_for(&dims).unwrap().iter().try_fold(1u64, |product, size| product.checked_mul(*size))
            });
            if elements.into_iter().all(|count| count.is_some_and(|count| count < 1 << 20)) {
                let _ = make_inputs(model.graph(), &dims, 1, 0);
            }
        }
    }
}

/// Replaces bytes at places given as shares of the length.
fn damage(bytes: &[u8], changes: &[(f64, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (share, byte) in changes {
        let place = ((bytes.len() - 1) as f64 * share) as usize;
        bytes[place] = *byte;
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(f64, u8)>> {
    prop::collection::vec((0.0..1.0, prop_oneof![any::<u8>(), Just(0xff), Just(0x7f), Just(0)]), 1..8)
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for graph in GRAPHS.iter() {
        for length in (0..graph.len()).step_by(23) {
            try_open("model.onnx", &graph[..length]);
        }
    }
    let weights = golden("bert/model.safetensors");
    for length in (0..weights.len()).step_by(997).chain(0..200) {
        try_open("model.safetensors", &weights[..length]);
    }
    let config = golden("bert/config.json");
    for length in 0..config.len() {
        try_open("config.json", &config[..length]);
    }
}

#[test]
fn shapes_of_more_axes_than_any_model_has_are_not_known() {
    let name = |step: usize| format!("y{step}");
    let doubled = |step: usize| node("Gather", &[&name(step - 1), &name(step - 1)], &name(step), &[]);
    let graph = Graph {
        opset: 17,
        inputs: vec![value("y0", Element::I64, &[Dimension::Fixed(1), Dimension::Fixed(1)])],
        nodes: (1..=12).map(doubled).collect(),
        ..Graph::default()
    };
    let shapes = graph.shapes(&BTreeMap::new()).unwrap();
    let axes: Vec<usize> = (0..=12).map_while(|step| Some(shapes.get(&name(step))?.len())).collect();
    assert_eq!(axes, [2, 3, 5, 9, 17]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_graph_never_brings_the_app_down(which in 0..2usize, changes in changes()) {
        try_open("model.onnx", &damage(&GRAPHS[which], &changes));
    }

    #[test]
    fn arbitrary_bytes_are_no_graph(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        try_open("model.onnx", &bytes);
    }

    #[test]
    fn damaged_weights_never_bring_the_app_down(changes in changes(), in_header in any::<bool>()) {
        let weights = golden("bert/model.safetensors");
        let header = 4000.min(weights.len());
        let damaged = if in_header {
            [damage(&weights[..header], &changes), weights[header..].to_vec()].concat()
        } else {
            damage(&weights, &changes)
        };
        try_open("model.safetensors", &damaged);
    }

    #[test]
    fn a_damaged_configuration_never_brings_the_app_down(case in 0..4usize, changes in changes()) {
        let config = golden(["bert/config.json", "vit/config.json", "opt/config.json", "llama/config.json"][case]);
        try_open("config.json", &damage(&config, &changes));
    }

    #[test]
    fn a_configuration_with_any_value_under_any_key_is_built_or_refused(
        case in 0..4usize,
        key in any::<prop::sample::Index>(),
        value in prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            (0..5000i64).prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            any::<bool>().prop_map(serde_json::Value::from),
            ".{0,12}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
            Just(serde_json::json!([])),
            Just(serde_json::json!({})),
        ],
    ) {
        let text = golden(["bert/config.json", "vit/config.json", "opt/config.json", "llama/config.json"][case]);
        let mut config: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&text).unwrap();
        let keys: Vec<String> = config.keys().cloned().collect();
        config.insert(key.get(&keys).clone(), value);
        try_open("config.json", serde_json::to_string(&config).unwrap().as_bytes());
    }
}
