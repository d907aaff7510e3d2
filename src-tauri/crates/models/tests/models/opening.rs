use crate::graphs::{branching, free, node, small, value, weight, written};
use contract::{DimRole, Failure, Precision};
use models::{Attribute, Dimension, Element, Graph, Model, ModelError, Tensor, make_inputs};
use std::{collections::BTreeMap, fs, path::Path};

fn refusal(path: &Path) -> ModelError {
    match Model::open(path) {
        Ok(_) => panic!("{} was taken", path.display()),
        Err(error) => error,
    }
}

/// Writes the graph, expects it to be refused, and gives the sentence.
fn refused(graph: &Graph) -> String {
    let folder = tempfile::tempdir().unwrap();
    refusal(&written(graph, folder.path())).to_string()
}

#[test]
fn a_graph_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    for graph in [small(), branching()] {
        let read = Graph::read(&written(&graph, folder.path())).unwrap();
        assert_eq!(read.inputs, graph.inputs);
        assert_eq!(read.outputs, graph.outputs);
        assert_eq!(read.initializers[0].tensor(), graph.initializers[0].tensor());
        let operators = |graph: &Graph| graph.nodes.iter().map(|node| node.op.clone()).collect::<Vec<_>>();
        assert_eq!(operators(&read), operators(&graph));
    }
}

#[test]
fn a_weight_kept_in_a_node_is_a_weight() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    let tensor = graph.initializers.remove(0).tensor().unwrap();
    graph.nodes.insert(0, node("Constant", &[], "w", &[("value", Attribute::Tensor(tensor))]));
    let read = Graph::read(&written(&graph, folder.path())).unwrap();
    assert_eq!((read.parameters(), read.nodes.len()), (12, 2));
    assert_eq!(read.initializers[0].tensor(), small().initializers[0].tensor());
}

#[test]
fn nodes_in_the_wrong_order_are_sorted_and_circles_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    graph.nodes.reverse();
    let read = Graph::read(&written(&graph, folder.path())).unwrap();
    assert_eq!(read.nodes[0].op, "MatMul");

    let mut circle = small();
    circle.nodes[0].inputs[0] = "y".into();
    assert!(refused(&circle).contains("depend on its own output"));
}

#[test]
fn an_input_from_nowhere_is_named() {
    let mut graph = small();
    graph.nodes[1].inputs[0] = "lost".into();
    let error = refused(&graph);
    assert!(error.contains("\"lost\" comes from nowhere") && error.contains("Relu:y"), "{error}");
    let mut graph = small();
    graph.initializers.clear();
    assert!(refused(&graph).contains("\"w\" comes from nowhere"));
    let mut graph = small();
    graph.outputs[0].name = "z".into();
    assert!(refused(&graph).contains("no node computes it"));
}

#[test]
fn custom_operators_and_old_ones_are_refused_with_a_remedy() {
    let mut graph = small();
    graph.nodes[1].domain = "my.company".into();
    graph.domains.insert("my.company".into(), 1);
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&written(&graph, folder.path()));
    assert!(matches!(error, ModelError::Unsafe { .. }) && error.to_string().contains("my.company.Relu"), "{error}");
    let mut graph = small();
    graph.opset = 6;
    let error = refused(&graph);
    assert!(error.contains("opset 6") && error.contains("2018") && error.contains("Ask whoever exported"), "{error}");
}

#[test]
fn a_file_of_2018_is_read_and_its_costs_follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    graph.opset = 7;
    let columns = [("starts", 1), ("ends", 3), ("axes", 1)].map(|(name, place)| (name, Attribute::Ints(vec![place])));
    graph.nodes[1] = node("Slice", &["h"], "cut", &columns);
    let scales = Attribute::Floats(vec![1.0, 2.0]);
    graph.nodes.push(node("Upsample", &["cut"], "wide", &[("scales", scales)]));
    graph.nodes.push(node("Dropout", &["wide"], "y", &[("ratio", Attribute::Float(0.5))]));
    graph.outputs[0].shape[1] = Dimension::Fixed(4);
    let model = Model::open(&written(&graph, folder.path())).unwrap();
    let dims = model.dims_for(5, None, &BTreeMap::new()).unwrap();
    let costs = model.costs(&dims).unwrap();
    // 5 rows of a product of 4 × 3, then 3, 2, 4 and 4 columns of each.
    assert_eq!((costs.macs, costs.activations), (Some(5 * 4 * 3), Some(5 * (3 + 2 + 4 + 4))));
    assert!(model.info().about.contains("opset 7"), "{}", model.info().about);
}

#[test]
fn weights_in_another_file_are_read_only_from_the_models_folder() {
    // A described preset is written with its weights outside the graph.
    let root = tempfile::tempdir().unwrap();
    let model = Model::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden/bert")).unwrap();
    let files =
        model.materialize(root.path(), Precision::F32, 0, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(Graph::read(&files.onnx).is_ok());
    let opened = Model::open(&files.onnx).unwrap();
    let read: Vec<_> = opened.files().iter().map(|file| file.path.clone()).collect();
    assert_eq!(read, [files.onnx.clone(), files.folder.join("weights.bin")]);

    let bytes = fs::read(&files.onnx).unwrap();
    // Names of the same length, so that the protobuf around them stays whole.
    for location in ["../wght.bin", "/etc/passwd", "..\\wght.bin"] {
        let mut changed = bytes.clone();
        for start in 0..changed.len() - location.len() {
            if changed[start..].starts_with(b"weights.bin") {
                changed[start..start + location.len()].copy_from_slice(location.as_bytes());
            }
        }
        let path = files.folder.join("changed.onnx");
        fs::write(&path, changed).unwrap();
        fs::write(root.path().join("wght.bin"), vec![0; 1 << 20]).unwrap();
        let error = refusal(&path);
        assert!(matches!(error, ModelError::Unsafe { .. }), "{location}: {error}");
    }

    let weights = files.folder.join("weights.bin");
    let length = fs::metadata(&weights).unwrap().len();
    fs::File::options().write(true).open(&weights).unwrap().set_len(length / 2).unwrap();
    let error = refusal(&files.onnx).to_string();
    assert!(error.contains("weights.bin is damaged at byte"), "{error}");
}

#[test]
fn what_is_no_model_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 8] = [
        ("a.onnx", b"", "empty"),
        ("b.onnx", b"PK\x03\x04rest", "zip"),
        ("c.onnx", b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        ("d.bin", b"\x80\x02", "pickle"),
        ("e.pt", b"PK", "pickle"),
        ("f.gguf", b"GGUF", "config.json"),
        ("g.safetensors", b"12345678", "config.json"),
        ("h.json", b"[1, 2]", "object"),
    ];
    for (name, bytes, word) in cases {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = refusal(&path).to_string();
        assert!(error.contains(word) && error.contains(name), "{name}: {error}");
    }
    assert!(matches!(refusal(&folder.path().join("none.onnx")), ModelError::Unreadable { .. }));
    assert!(refusal(folder.path()).to_string().contains("ONNX files"));
}

#[test]
fn a_refusal_reaches_the_window_with_place_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.onnx");
    fs::write(&path, [0x3a, 100]).unwrap();
    match Failure::from(refusal(&path)) {
        Failure::BadInput { subject, place: Some(place), remedy: Some(_), .. } => {
            assert_eq!(subject, "x.onnx");
            assert!(place.contains("byte 0"), "{place}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pickled_weights_beside_a_config_are_not_passed_over_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), r#"{"model_type": "bert", "num_hidden_layers": 1}"#).unwrap();
    assert!(Model::open(folder.path()).unwrap().info().random_weights);
    fs::write(folder.path().join("pytorch_model.bin"), "x").unwrap();
    assert!(matches!(refusal(folder.path()), ModelError::Unsafe { .. }));
}

#[test]
fn weights_beside_a_config_are_found_by_each_name_that_they_go_by() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden/unet");
    for name in models::WEIGHT_FILES {
        let folder = tempfile::tempdir().unwrap();
        let copy = |from: &str, to: &str| fs::copy(golden.join(from), folder.path().join(to)).unwrap();
        copy("config.json", "config.json");
        if models::is_weight_index(name) {
            copy("model.safetensors", "part.safetensors");
            fs::write(folder.path().join(name), r#"{"weight_map": {"conv_in.weight": "part.safetensors"}}"#).unwrap();
        } else {
            copy("model.safetensors", name);
        }
        let model = Model::open(folder.path()).unwrap();
        let called = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!((model.info().random_weights, &model.info().name), (false, &called), "{name}");
    }
}

#[test]
fn free_sizes_are_asked_for_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    let text = [free("N"), free("text_length")];
    graph.inputs.push(value("ids", Element::I64, &text));
    graph.inputs.push(value("mask", Element::I64, &[free("N"), free("past_length + text_length")]));
    graph.inputs.push(value("picture", Element::F32, &[free("N"), Dimension::Fixed(3), free("H"), free("W")]));
    graph.inputs.push(value("past", Element::F32, &[free("N"), free("past_length")]));
    let model = Model::open(&written(&graph, folder.path())).unwrap();
    let roles: BTreeMap<&str, DimRole> = model.info().dims.iter().map(|dim| (dim.name.as_str(), dim.role)).collect();
    assert_eq!(
        roles,
        BTreeMap::from([
            ("batch", DimRole::Batch),
            ("N", DimRole::Batch),
            ("text_length", DimRole::Sequence),
            ("H", DimRole::ImageSize),
            ("W", DimRole::ImageSize),
            ("past_length", DimRole::Other),
        ])
    );
    let own = BTreeMap::from([("past_length".to_owned(), 10), ("text_length".to_owned(), 7)]);
    let dims = model.dims_for(2, Some(64), &own).unwrap();
    assert_eq!((dims["N"], dims["H"], dims["text_length"], dims["past_length + text_length"]), (2, 64, 7, 17));
}

#[test]
fn a_fixed_number_of_samples_is_said_when_another_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    graph.inputs[0].shape[0] = Dimension::Fixed(4);
    let model = Model::open(&written(&graph, folder.path())).unwrap();
    assert!(model.dims_for(4, None, &BTreeMap::new()).is_ok());
    let error = model.dims_for(1, None, &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("fixes the number of samples at 4"), "{error}");
}

#[test]
fn the_files_own_precision_is_the_one_it_offers() {
    let folder = tempfile::tempdir().unwrap();
    let mut graph = small();
    let half = Tensor { name: "w".into(), element: Element::F16, shape: vec![4, 3], bytes: vec![0; 24] };
    graph.initializers[0] = weight(half);
    let model = Model::open(&written(&graph, folder.path())).unwrap();
    assert_eq!(model.info().precisions, [Precision::F16]);
    let mut go = |_, _| std::ops::ControlFlow::Continue(());
    assert!(model.materialize(folder.path(), Precision::F32, 0, &mut go).is_err());
    let files = model.materialize(folder.path(), Precision::F16, 0, &mut go).unwrap();
    assert_eq!((files.bytes, model.disk_bytes(Precision::F16)), (0, 0));
    assert!(files.onnx.ends_with("model.onnx"));
    assert!(model.info().lowered().is_empty());
}

#[test]
fn a_file_in_f32_is_given_as_it_is_to_an_engine_that_lowers_it_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::open(&written(&small(), folder.path())).unwrap();
    assert_eq!(model.info().precisions, [Precision::F32]);
    let offered = |engine: &str| {
        let runs = |precision: &&Precision| model.info().runs_in(**precision, &engine.into());
        Precision::ALL.iter().filter(runs).copied().collect::<Vec<_>>()
    };
    assert_eq!(offered("openvino"), [Precision::F32, Precision::F16, Precision::Bf16]);
    assert_eq!((offered("onnxruntime"), offered("candle")), (vec![Precision::F32], vec![Precision::F32]));

    let mut go = |_, _| std::ops::ControlFlow::Continue(());
    let lowered = model.materialize(folder.path(), Precision::Bf16, 0, &mut go).unwrap();
    assert_eq!((lowered.onnx, model.disk_bytes(Precision::Bf16)), (folder.path().join("model.onnx"), 0));
    let refused = model.materialize(folder.path(), Precision::Int8, 0, &mut go).err().unwrap().to_string();
    assert!(refused.contains("Choose f32"), "{refused}");
    let dims = model.dims_for(1, None, &BTreeMap::new()).unwrap();
    let [exact, half] = [Precision::F32, Precision::F16].map(|one| model.costs_in(one, &dims).unwrap());
    assert_eq!((exact.weight_bytes, half.weight_bytes), (48, 24));
    assert_eq!(exact.peak_memory_bytes, half.peak_memory_bytes, "the file is read as it is");
}

#[test]
fn padding_is_masked_out_of_a_text_and_of_nothing_else() {
    let mut graph = small();
    let text = [free("batch"), free("length")];
    let names = ["input_ids", "attention_mask", "decoder_attention_mask"];
    graph.inputs = names.iter().map(|name| value(name, Element::I64, &text)).collect();
    let mut dims = BTreeMap::from([("batch".to_owned(), 4), ("length".to_owned(), 20)]);
    let whole = make_inputs(&graph, &dims, 7, 0).unwrap();
    dims.insert("padding".to_owned(), 25);
    let made = make_inputs(&graph, &dims, 7, 0).unwrap();
    assert_eq!((&made[0], &made[2]), (&whole[0], &whole[2]));
    let mask = made[1].i64s();
    assert_eq!((mask.len(), mask.iter().sum::<i64>()), (80, 60));
    assert!(mask.chunks(20).all(|text| text[0] == 1 && text.windows(2).all(|pair| pair[0] >= pair[1])), "{mask:?}");
    assert_ne!(mask, make_inputs(&graph, &dims, 7, 1).unwrap()[1].i64s(), "other texts have other lengths");
    graph.inputs.push(value("x", Element::F32, &[free("padding")]));
    assert_eq!(make_inputs(&graph, &dims, 7, 0).unwrap()[1], whole[1], "a size of that name is no share");
}

#[test]
fn inputs_stay_inside_the_tables_they_index() {
    let mut graph = small();
    let ids = [free("batch"), free("length")];
    graph.inputs = vec![value("ids", Element::I64, &ids), value("attention_mask", Element::I64, &ids)];
    graph.inputs.push(value("x", Element::F32, &[free("batch"), Dimension::Fixed(4)]));
    graph.nodes.push(node("Cast", &["ids"], "cast", &[("to", Attribute::Int(7))]));
    graph.nodes.push(node("Gather", &["table", "cast"], "rows", &[]));
    graph.initializers.push(weight(Tensor::from_f32s("table", &[5, 2], &[0.0; 10])));
    let dims = BTreeMap::from([("batch".to_owned(), 3), ("length".to_owned(), 200)]);
    let first = make_inputs(&graph, &dims, 7, 0).unwrap();
    assert_eq!(first, make_inputs(&graph, &dims, 7, 0).unwrap());
    assert_ne!(first, make_inputs(&graph, &dims, 7, 1).unwrap());
    assert_ne!(first, make_inputs(&graph, &dims, 8, 0).unwrap());
    let ids = first[0].i64s();
    assert!(ids.iter().all(|id| (0..5).contains(id)) && (0..5).all(|id| ids.contains(&id)));
    assert!(first[1].i64s().iter().all(|mask| *mask == 1));
    assert!(first[2].f32s().iter().all(|number| *number != 0.0 && number.is_finite()));
    let dims = BTreeMap::from([("batch".to_owned(), 1 << 30), ("length".to_owned(), 1 << 30)]);
    assert!(make_inputs(&graph, &dims, 7, 0).is_err());
}
