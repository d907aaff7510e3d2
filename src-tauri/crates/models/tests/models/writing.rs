use contract::Precision;
use models::{Graph, Initializer, Model, Tensor, safetensors};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

const CONFIG: &str = r#"{"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 4,
    "intermediate_size": 64, "vocab_size": 100, "max_position_embeddings": 16}"#;

fn small() -> Model {
    Model::from_config_text("small", CONFIG).unwrap()
}

fn go(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden").join(name)
}

fn entries(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_finished_folder_is_used_again_and_a_damaged_one_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let model = small();
    let first = model.materialize(dir.path(), Precision::F32, 1, &mut go).unwrap();
    let weights = first.folder.join("weights.bin");
    let whole = fs::read(&weights).unwrap();
    assert_eq!(whole.len() as u64, model.disk_bytes(Precision::F32));
    let mut calls = 0;
    let mut count = |_, _| {
        calls += 1;
        ControlFlow::Continue(())
    };
    assert_eq!(model.materialize(dir.path(), Precision::F32, 1, &mut count).unwrap(), first);
    assert_eq!(calls, 0);

    fs::write(&weights, &whole[..whole.len() - 1]).unwrap();
    model.materialize(dir.path(), Precision::F32, 1, &mut go).unwrap();
    assert_eq!(fs::read(&weights).unwrap(), whole);
    assert_eq!(entries(dir.path()).len(), 1);
}

#[test]
fn seed_and_precision_have_folders_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let model = small();
    let weights = |precision, seed| {
        let files = model.materialize(dir.path(), precision, seed, &mut go).unwrap();
        fs::read(files.folder.join("weights.bin")).unwrap()
    };
    assert_ne!(weights(Precision::F32, 1), weights(Precision::F32, 2));
    assert!(weights(Precision::F16, 1).len() < weights(Precision::F32, 1).len());
    weights(Precision::Bf16, 1);
    assert_eq!(entries(dir.path()).len(), 4);
}

#[test]
fn a_cancelled_write_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let stopped = small().materialize(dir.path(), Precision::F32, 1, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(models::ModelError::Cancelled)));
    assert!(entries(dir.path()).is_empty());
}

#[test]
fn progress_reaches_the_whole_and_norms_begin_at_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = (0, 0);
    let mut note = |done, total| {
        last = (done, total);
        ControlFlow::Continue(())
    };
    let files = small().materialize(dir.path(), Precision::F32, 1, &mut note).unwrap();
    let graph = Graph::read(&files.onnx).unwrap();
    let numbers = |name: &str| graph.initializer(name).unwrap().tensor().unwrap().f32s();
    assert!(numbers("embeddings.LayerNorm.weight").iter().all(|number| *number == 1.0));
    assert!(numbers("embeddings.LayerNorm.bias").iter().any(|number| *number != 0.0));
    // What is written is the weights; gaps between them are not counted.
    let parameters = small().info().parameters.unwrap();
    assert_eq!(last.0, 4 * parameters);
    assert!(last.0 <= last.1);
}

#[test]
fn shared_weights_take_little_more_than_the_largest_in_every_precision() {
    let (dir, model) = (tempfile::tempdir().unwrap(), small());
    for precision in [Precision::F32, Precision::F16, Precision::Bf16, Precision::Int8, Precision::Int4] {
        let onnx = dir.path().join(format!("{precision}.onnx"));
        let files = model.export_shared(&onnx, precision, 1, &mut go).unwrap();
        let bytes = fs::metadata(onnx.with_extension("weights.bin")).unwrap().len();
        assert_eq!((bytes, files.onnx), (model.pool_bytes(precision), onnx.clone()));
        let graph = Graph::read(&onnx).unwrap();
        let largest = graph.initializers.iter().map(Initializer::byte_len).max().unwrap();
        assert!((largest..largest + 4096).contains(&bytes), "{precision}: {largest} {bytes}");
        assert!(bytes < model.disk_bytes(precision), "{precision}");
        // Wherever a weight ends, its scales are there.
        let scales = graph.initializers.iter().filter(|one| one.name.ends_with(":scale"));
        assert!(scales.flat_map(|one| one.tensor().unwrap().f32s()).all(|scale| scale != 0.0), "{precision}");
    }
}

#[test]
fn weights_of_a_kind_are_the_same_numbers_and_the_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let shared = |name: &str, seed| {
        let onnx = dir.path().join(name);
        small().export_shared(&onnx, Precision::F32, seed, &mut go).unwrap();
        (Graph::read(&onnx).unwrap(), Model::open(&onnx).unwrap())
    };
    let (graph, model) = shared("one.onnx", 1);
    let numbers = |graph: &Graph, name: &str| graph.initializer(name).unwrap().tensor().unwrap().f32s();
    let [query, key] = ["query", "key"].map(|of| format!("encoder.layer.0.attention.self.{of}.weight.T"));
    assert_eq!(numbers(&graph, &query), numbers(&graph, &key));
    assert_ne!(numbers(&graph, &query), numbers(&shared("two.onnx", 2).0, &query));
    assert!(numbers(&graph, "embeddings.LayerNorm.weight").iter().all(|number| *number == 1.0));
    assert!(graph.shared_weights && model.graph().shared_weights && model.info().random_weights);
    assert!(model.info().about.ends_with("its times are predictions"), "{}", model.info().about);

    let whole = small().materialize(dir.path(), Precision::F32, 1, &mut go).unwrap();
    assert!(!Graph::read(&whole.onnx).unwrap().shared_weights);
    let trained = Model::open(&golden("bert")).unwrap();
    let refused = trained.export_shared(&dir.path().join("trained.onnx"), Precision::F32, 1, &mut go).unwrap_err();
    assert!(refused.to_string().contains("only random ones can"), "{refused}");
}

/// A copy of a golden case with its tensors changed.
fn changed(name: &str, change: impl Fn(&mut Vec<Tensor>)) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let mut tensors = safetensors::read(&golden(name).join("model.safetensors")).unwrap();
    change(&mut tensors);
    safetensors::write(&path, &tensors).unwrap();
    fs::copy(golden(name).join("config.json"), dir.path().join("config.json")).unwrap();
    (dir, path)
}

#[test]
fn numbers_that_came_after_the_model_was_opened_are_not_written_as_its_own() {
    let (dir, path) = changed("bert", |_| {});
    let model = Model::open(&path).unwrap();
    let weights = dir.path().join("weights");
    model.materialize(&weights, Precision::F32, 0, &mut go).unwrap();
    let mut tensors = safetensors::read(&path).unwrap();
    tensors.iter_mut().for_each(|tensor| tensor.bytes.fill(0x3c));
    safetensors::write(&path, &tensors).unwrap();
    let error = model.materialize(&weights, Precision::F32, 0, &mut go).unwrap_err().to_string();
    assert!(error.contains("others than when the model was opened. Add the model again"), "{error}");
}

/// Windows lets nobody replace a file that is being read.
#[cfg(unix)]
#[test]
fn numbers_that_are_rewritten_while_they_are_copied_are_not_kept() {
    let (dir, path) = changed("bert", |_| {});
    let model = Model::open(&path).unwrap();
    let weights = dir.path().join("weights");
    let mut rewrite = |_, _| {
        // Put in its place as a whole: every number is still where it was.
        let other = dir.path().join("other");
        let bytes = fs::read(&path).unwrap();
        fs::write(&other, [bytes.as_slice(), &[0]].concat()).unwrap();
        fs::rename(&other, &path).unwrap();
        ControlFlow::Continue(())
    };
    let error = model.materialize(&weights, Precision::F32, 0, &mut rewrite).unwrap_err();
    assert!(matches!(&error, models::ModelError::Rewritten { path: named } if *named == path), "{error}");
    assert!(error.to_string().ends_with("Try again once it is completely written"), "{error}");
    assert_eq!(entries(&weights).len(), 0, "nothing is found there by the next one");
}

#[test]
fn a_checkpoint_that_is_cut_short_while_it_is_copied_is_an_error_that_names_it() {
    // A table of many pieces, most of which are still to be read when the first is written.
    let words = 200_000;
    let (dir, path) = changed("bert", |tensors| {
        let table = tensors.iter_mut().find(|tensor| tensor.name == "embeddings.word_embeddings.weight").unwrap();
        *table = Tensor::from_f32s(table.name.as_str(), &[words, 32], &vec![0.5; words * 32]);
    });
    let config = fs::read_to_string(dir.path().join("config.json")).unwrap();
    let config = config.replace(r#""vocab_size": 99"#, &format!(r#""vocab_size": {words}"#));
    fs::write(dir.path().join("config.json"), config).unwrap();
    let model = Model::open(&path).unwrap();
    let weights = dir.path().join("weights");
    let mut cut = |_, _| {
        fs::File::options().write(true).open(&path).unwrap().set_len(4096).unwrap();
        ControlFlow::Continue(())
    };
    let error = model.materialize(&weights, Precision::F32, 0, &mut cut).unwrap_err();
    assert!(matches!(&error, models::ModelError::Rewritten { path: named } if *named == path), "{error}");
    assert_eq!(entries(&weights).len(), 0, "nothing is found there by the next one");
}

#[test]
fn a_checkpoints_names_may_have_the_base_model_in_front_or_not() {
    let added = changed("bert", |tensors| {
        tensors.iter_mut().for_each(|tensor| {
            tensor.name = format!("bert.{}", tensor.name).replace("LayerNorm.weight", "LayerNorm.gamma")
        });
    });
    assert!(Model::open(&added.1).is_ok());
    let removed = changed("opt", |tensors| {
        tensors.iter_mut().for_each(|tensor| tensor.name = tensor.name.trim_start_matches("model.").to_owned());
    });
    assert!(Model::open(&removed.1).is_ok());
}

#[test]
fn a_t5_whose_checkpoint_has_a_head_of_its_own_uses_it_whatever_its_configuration_says() {
    let with_head = |change: f32| {
        changed("t5", |tensors| {
            let table = tensors.iter().find(|tensor| tensor.name == "shared.weight").unwrap();
            let numbers: Vec<f32> = table.f32s().iter().map(|number| number + change).collect();
            let head = Tensor::from_f32s("lm_head.weight", &table.shape, &numbers);
            tensors.push(head);
        })
    };
    let tied = Model::open(&golden("t5")).unwrap();
    let (_same_dir, same) = with_head(0.0);
    assert_eq!(Model::open(&same).unwrap().info().parameters, tied.info().parameters);
    let (_dir, apart) = with_head(0.5);
    let apart = Model::open(&apart).unwrap();
    assert_eq!(apart.info().parameters, tied.info().parameters.map(|parameters| parameters + 99 * 32));
    assert!(!apart.info().about.contains("not used"), "{}", apart.info().about);
    // The configuration says that what it writes is scaled, head or not.
    let muls = |model: &Model| model.graph().nodes.iter().filter(|node| node.op == "Mul").count();
    assert_eq!(muls(&apart), muls(&tied));
    assert!(apart.generation().unwrap().is_some());
}

#[test]
fn what_only_training_reads_may_be_missing_and_a_normalised_weight_may_have_its_old_names() {
    let (_dir, path) = changed("wav2vec2", |tensors| {
        tensors.retain(|tensor| !tensor.name.ends_with("masked_spec_embed"));
        tensors.iter_mut().for_each(|tensor| {
            let name = tensor.name.replace("parametrizations.weight.original0", "weight_g");
            tensor.name = name.replace("parametrizations.weight.original1", "weight_v");
        });
    });
    let model = Model::open(&path).unwrap();
    assert_eq!(model.info().parameters, Model::open(&golden("wav2vec2")).unwrap().info().parameters);
    assert!(!model.info().about.contains("not used"), "{}", model.info().about);
}

#[test]
fn missing_mis_shaped_and_unused_tensors_are_named() {
    let error = |change: &dyn Fn(&mut Vec<Tensor>)| {
        let (_dir, path) = changed("vit", change);
        Model::open(&path).err().unwrap().to_string()
    };
    let missing = error(&|tensors| tensors.retain(|tensor| tensor.name != "classifier.bias"));
    assert!(
        missing.contains("1 weight are missing: classifier.bias") || missing.contains("classifier.bias"),
        "{missing}"
    );
    let shape = error(&|tensors| {
        tensors
            .iter_mut()
            .filter(|tensor| tensor.name == "classifier.weight")
            .for_each(|tensor| tensor.shape = vec![32, 5])
    });
    assert!(shape.contains("[32, 5]") && shape.contains("[5, 32]"), "{shape}");
    let (_dir, path) = changed("vit", |tensors| tensors.push(Tensor::from_f32s("spare", &[1], &[1.0])));
    assert!(Model::open(&path).unwrap().info().about.contains("spare"));
}

#[test]
fn a_checkpoint_in_shards_equals_the_one_in_a_single_file() {
    let dir = tempfile::tempdir().unwrap();
    let tensors = safetensors::read(&golden("llama").join("model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    for (index, part) in tensors.chunks(8).enumerate() {
        let file = format!("model-{index}.safetensors");
        safetensors::write(&dir.path().join(&file), part).unwrap();
        part.iter().for_each(|tensor| drop(map.insert(tensor.name.clone(), file.clone().into())));
    }
    let index = dir.path().join("model.safetensors.index.json");
    fs::write(&index, serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    fs::copy(golden("llama").join("config.json"), dir.path().join("config.json")).unwrap();
    let (shards, single) = (Model::open(dir.path()).unwrap(), Model::open(&golden("llama")).unwrap());
    assert_eq!(shards.info().id, single.info().id);
    let named: Vec<_> = shards.files().iter().map(|file| file.path.file_name().unwrap().to_owned()).collect();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(named.contains(&name), "{name:?} is a part of it");
    }

    fs::write(&index, r#"{"weight_map": {"a": "../../secret.safetensors"}}"#).unwrap();
    assert!(matches!(Model::open(&index), Err(models::ModelError::Unsafe { .. })));
}
