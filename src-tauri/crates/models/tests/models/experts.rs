//! Mixtures of experts: what they cost, and checkpoints that hold the matrices of all experts in one tensor.

use contract::{Experts, Precision};
use models::{Element, Graph, Model, Tensor, Texts};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

const WIDTH: usize = 16;
const INNER: usize = 12;
const EXPERTS: usize = 5;

fn config(model_type: &str, class: &str) -> Value {
    json!({
        "model_type": model_type, "architectures": [class], "vocab_size": 40, "hidden_size": WIDTH,
        "intermediate_size": INNER, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "num_local_experts": EXPERTS, "num_experts_per_tok": 2, "max_position_embeddings": 32
    })
}

#[test]
fn a_mixture_costs_what_all_of_its_experts_do() {
    let text = config("mixtral", "MixtralModel").to_string();
    let model = Model::from_config_text("config.json", &text).unwrap();
    let (batch, length) = (3, 9);
    let dims = model.dims_for(batch, Some(length), &BTreeMap::new()).unwrap();
    let (width, inner, experts, length) = (WIDTH as u64, INNER as u64, EXPERTS as u64, u64::from(length));
    let attention = 4 * width * width + 2 * length * width;
    let token = attention + width * experts + experts * 3 * width * inner;
    let costs = model.costs(&dims).unwrap();
    assert_eq!(costs.macs, Some(u64::from(batch) * length * 2 * token));
    assert!(model.info().about.contains("every expert is computed"));
    // Of five experts a token goes through two.
    let chosen = attention + width * experts + 2 * 3 * width * inner;
    assert_eq!(model.chosen_macs(&costs), Some(u64::from(batch) * length * 2 * chosen));
    assert_eq!(model.info().experts, Some(Experts { count: EXPERTS as u32, chosen: 2 }));
}

#[test]
fn texts_of_a_mixture_cost_less_with_the_chosen_experts_alone() {
    let text = config("mixtral", "MixtralForCausalLM").to_string();
    let stages = Model::from_config_text("config.json", &text).unwrap().generation().unwrap().unwrap();
    let costs = stages.costs_in(Precision::F32, Texts { batch: 1, prompt: 8, output: 5 }).unwrap();
    let of_one = 3 * (WIDTH * INNER) as u64;
    // Eight tokens of the prompt and four more, in two layers, each through two experts of five.
    assert_eq!(costs.macs.unwrap() - costs.chosen_macs.unwrap(), (8 + 4) * 2 * 3 * of_one);
}

#[test]
fn a_model_without_experts_computes_all_that_it_has() {
    let plain = json!({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1});
    let model = Model::from_config_text("config.json", &plain.to_string()).unwrap();
    let dims = model.dims_for(1, Some(4), &BTreeMap::new()).unwrap();
    assert_eq!((model.info().experts, model.chosen_macs(&model.costs(&dims).unwrap())), (None, None));
}

fn initializers(model: &Model, folder: &Path) -> Vec<Tensor> {
    let files = model.materialize(folder, Precision::F32, 1, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let graph = Graph::read(&files.onnx).unwrap();
    let weights = graph.initializers.iter().filter(|one| one.element == Element::F32 && !one.shape.is_empty());
    weights
        .filter(|one| one.name.ends_with("weight") || one.name.contains("weight."))
        .filter_map(|one| one.tensor())
        .collect()
}

/// The rows of a matrix as its columns.
fn swapped(matrix: &Tensor) -> Tensor {
    let [rows, columns] = <[usize; 2]>::try_from(matrix.shape.as_slice()).unwrap();
    let numbers = matrix.f32s();
    let turned: Vec<f32> = (0..rows * columns).map(|place| numbers[place % rows * columns + place / rows]).collect();
    Tensor::from_f32s(&matrix.name, &[columns, rows], &turned)
}

#[test]
fn the_matrices_of_a_stacked_tensor_come_to_their_experts() {
    let text = config("granitemoe", "GraniteMoeModel").to_string();
    let folder = tempfile::tempdir().unwrap();
    let made = initializers(&Model::from_config_text("config.json", &text).unwrap(), &folder.path().join("random"));
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    for initializer in &made {
        let tensor = match initializer.name.strip_suffix(".T") {
            Some(name) => Tensor { name: name.to_owned(), ..swapped(initializer) },
            None => initializer.clone(),
        };
        match tensor.name.rsplit_once(".weight.") {
            None => drop(tensors.insert(tensor.name.clone(), (tensor.shape.clone(), tensor.f32s()))),
            // The experts of a layer are drawn in their order.
            Some((stack, place)) => {
                let stacked = tensors.entry(format!("{stack}.weight")).or_insert_with(|| (vec![0], Vec::new()));
                assert_eq!(stacked.0[0].to_string(), place);
                stacked.0 = [&[stacked.0[0] + 1], tensor.shape.as_slice()].concat();
                stacked.1.extend(tensor.f32s());
            }
        }
    }
    let stack = &tensors["layers.1.block_sparse_moe.input_linear.weight"];
    assert_eq!(stack.0, [EXPERTS, 2 * INNER, WIDTH]);

    let bytes: BTreeMap<String, (Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, (shape, numbers))| {
            (name, (shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()))
        })
        .collect();
    let views = bytes.iter().map(|(name, (shape, bytes))| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap())
    });
    fs::write(folder.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(folder.path().join("config.json"), &text).unwrap();
    let read = initializers(&Model::open(folder.path()).unwrap(), &folder.path().join("read"));
    assert_eq!(read.len(), made.len());
    for (read, made) in read.iter().zip(&made) {
        assert_eq!((&read.name, read.f32s()), (&made.name, made.f32s()));
    }
}
