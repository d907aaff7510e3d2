//! Mixtures of experts: what they cost, and checkpoints that hold the matrices of all experts in one tensor.

use contract::{Experts, Precision};
use models::{Element, Graph, Model, Tensor, Texts};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, ops::ControlFlow};

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

fn mixture(config: &Value) -> Model {
    Model::from_config_text("config.json", &config.to_string()).unwrap()
}

fn graph(model: &Model, precision: Precision) -> Graph {
    let folder = tempfile::tempdir().unwrap();
    let files = model.materialize(folder.path(), precision, 1, &mut |_, _| ControlFlow::Continue(())).unwrap();
    Graph::read(&files.onnx).unwrap()
}

#[test]
fn a_mixture_costs_what_the_chosen_experts_do() {
    let model = mixture(&config("mixtral", "MixtralModel"));
    let (batch, length) = (3, 9);
    let dims = model.dims_for(batch, Some(length), &BTreeMap::new()).unwrap();
    let (width, inner, experts, length) = (WIDTH as u64, INNER as u64, EXPERTS as u64, u64::from(length));
    // Of five experts a token goes through two.
    let token = 4 * width * width + 2 * length * width + width * experts + 2 * 3 * width * inner;
    let costs = model.costs(&dims).unwrap();
    assert_eq!(costs.macs, Some(u64::from(batch) * length * 2 * token));
    assert_eq!(model.info().experts, Some(Experts { count: EXPERTS as u32, chosen: 2 }));
    assert!(model.info().about.contains("a few of many experts"));
    // The file says so much of itself that it costs the same when it is read.
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let read = graph(&model, precision).costs(&dims).unwrap();
        let drawn = model.costs_in(precision, &dims).unwrap();
        assert_eq!((read.macs, read.activations), (costs.macs, drawn.activations), "{precision}");
    }
    let unsaid = Graph { equal_shares: false, ..graph(&model, Precision::F32) };
    assert_eq!(unsaid.costs(&dims).unwrap().macs, None, "nothing is guessed of a graph that does not say it");
}

#[test]
fn an_expert_more_for_each_token_of_a_text_costs_its_matrices_more() {
    let macs = |chosen: u32| {
        let mut config = config("mixtral", "MixtralForCausalLM");
        config["num_experts_per_tok"] = json!(chosen);
        let stages = mixture(&config).generation().unwrap().unwrap();
        stages.costs_in(Precision::F32, Texts { batch: 1, prompt: 8, output: 5 }).unwrap().macs.unwrap()
    };
    // Eight tokens of the prompt and four more, in two layers.
    assert_eq!(macs(3) - macs(2), (8 + 4) * 2 * 3 * (WIDTH * INNER) as u64);
}

#[test]
fn the_rows_of_experts_are_quantised_before_they_are_cut() {
    let graph = graph(&mixture(&config("mixtral", "MixtralModel")), Precision::Int8);
    let of = |op: &str| graph.nodes.iter().filter(|node| node.op == op).collect::<Vec<_>>();
    // Of a layer: what attention reads, what it gives, what the router reads, what the experts read and what they made of it.
    assert_eq!(of("DynamicQuantizeLinear").len(), 2 * 5);
    assert_eq!(of("MatMulInteger").len(), 2 * (4 + 1 + 3 * EXPERTS));
    let quantised: Vec<&String> = of("DynamicQuantizeLinear").into_iter().map(|node| &node.outputs[0]).collect();
    let cut: Vec<_> = of("Split").into_iter().filter(|node| node.outputs.len() == EXPERTS).collect();
    assert_eq!(cut.len(), 2 * 2);
    assert!(cut.iter().all(|node| quantised.contains(&&node.inputs[0])));
}

#[test]
fn a_model_without_experts_tells_of_none() {
    let plain = json!({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1});
    let model = mixture(&plain);
    assert_eq!((model.info().experts, model.graph().equal_shares), (None, false));
}

fn initializers(model: &Model) -> Vec<Tensor> {
    let graph = graph(model, Precision::F32);
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
    let config = config("granitemoe", "GraniteMoeModel");
    let made = initializers(&mixture(&config));
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
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let read = initializers(&Model::open(folder.path()).unwrap());
    assert_eq!(read.len(), made.len());
    for (read, made) in read.iter().zip(&made) {
        assert_eq!((&read.name, read.f32s()), (&made.name, made.f32s()));
    }
}
