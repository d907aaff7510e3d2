//! Inputs of models that read images within a text.

use contract::Precision;
use models::{Graph, Model, Tensor, make_inputs};
use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

/// The token that stands for an image in the golden cases.
const IMAGE: i64 = 97;

pub fn golden(case: &str) -> Model {
    Model::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden").join(case)).unwrap()
}

fn sizes(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
}

/// Inputs by name, made from the file that an engine gets.
fn inputs(model: &Model, batch: u32, asked: &[(&str, u32)]) -> BTreeMap<String, Tensor> {
    let folder = tempfile::tempdir().unwrap();
    let mut go = |_, _| ControlFlow::Continue(());
    let files = model.materialize(folder.path(), Precision::F32, 0, &mut go).unwrap();
    let dims = model.dims_for(batch, None, &sizes(asked)).unwrap();
    let made = make_inputs(&Graph::read(&files.onnx).unwrap(), &dims, 7, 0).unwrap();
    made.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()
}

fn image_tokens(ids: &Tensor) -> usize {
    ids.i64s().iter().filter(|id| **id == IMAGE).count()
}

#[test]
fn every_text_has_the_tokens_of_its_image() {
    let made = inputs(&golden("llava"), 3, &[("sequence", 40)]);
    assert_eq!(image_tokens(&made["input_ids"]), 3 * 16);
    assert!(made["input_ids"].i64s().iter().all(|id| (0..99).contains(id)));
}

#[test]
fn a_grid_says_the_size_of_the_patches_that_come_with_it() {
    let made = inputs(&golden("qwen2_vl"), 2, &[("sequence", 30), ("image_rows", 3), ("image_columns", 5)]);
    assert_eq!(made["image_grid_thw"].i64s(), [1, 6, 10, 1, 6, 10]);
    assert_eq!(made["pixel_values"].shape, [2 * 6 * 10, 96]);
    let (ids, kinds) = (made["input_ids"].i64s(), made["mm_token_type_ids"].i64s());
    assert_eq!(image_tokens(&made["input_ids"]), 2 * 3 * 5);
    assert!(ids.iter().zip(&kinds).all(|(id, kind)| (*id == IMAGE) == (*kind == 1)));
}

#[test]
fn a_file_that_was_written_is_measured_at_its_usual_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let mut go = |_, _| ControlFlow::Continue(());
    let files = golden("qwen3_vl").materialize(folder.path(), Precision::F32, 0, &mut go).unwrap();
    let model = Model::open(&files.onnx).unwrap();
    let made = make_inputs(model.graph(), &model.dims_for(1, None, &BTreeMap::new()).unwrap(), 7, 0).unwrap();
    let ids = made.iter().find(|tensor| tensor.name == "input_ids").unwrap();
    assert_eq!((ids.shape.as_slice(), image_tokens(ids)), (&[1, 128][..], 8 * 8));
}

#[test]
fn the_frames_of_a_video_are_one_run_of_tokens_or_stand_apart() {
    let asked = [("sequence", 40), ("image_rows", 2), ("image_columns", 3), ("image_frames", 3)];
    for (case, runs) in [("qwen2_vl", vec![18]), ("qwen3_vl", vec![6; 3])] {
        let made = inputs(&golden(case), 2, &asked);
        assert_eq!(made["image_grid_thw"].i64s(), [1, 4, 6].repeat(2 * 3), "{case}");
        assert_eq!(made["pixel_values"].shape, [2 * 3 * 4 * 6, 96], "{case}");
        let (ids, kinds) = (made["input_ids"].i64s(), made["mm_token_type_ids"].i64s());
        assert!(ids.iter().zip(&kinds).all(|(id, kind)| (*id == IMAGE) == (*kind == 1)), "{case}");
        for text in kinds.chunks_exact(40) {
            let found = text.split(|kind| *kind == 0).map(<[i64]>::len).filter(|tokens| *tokens > 0);
            assert_eq!(found.collect::<Vec<_>>(), runs, "{case}: {text:?}");
        }
    }
}

#[test]
fn tiles_make_an_image_of_their_size_and_its_tokens() {
    let made = inputs(&golden("llava_next"), 1, &[("sequence", 60), ("tile_rows", 2), ("tile_columns", 1)]);
    assert_eq!(made["image_sizes"].i64s(), [64, 32]);
    assert_eq!(made["pixel_values"].shape, [1, 3, 3, 32, 32]);
    // The whole image, then eight rows of four patches with an end each.
    assert_eq!(image_tokens(&made["input_ids"]), 16 + 8 * 5);
}

#[test]
fn a_text_shorter_than_its_image_is_refused_with_the_length_it_needs() {
    let error = golden("llava").dims_for(1, Some(15), &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("sequence = 15") && error.contains("16 tokens"), "{error}");
}

#[test]
fn tiles_that_the_model_does_not_know_are_refused_with_those_it_knows() {
    let asked = sizes(&[("tile_rows", 2), ("tile_columns", 2)]);
    let error = golden("llava_next").dims_for(1, None, &asked).unwrap_err().to_string();
    assert!(error.contains("1 × 2, 2 × 1"), "{error}");
}

#[test]
fn what_does_not_fit_together_is_named_with_its_key() {
    let refused = |change: &str, key: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/golden");
        let (case, change) = change.split_once(' ').unwrap();
        let mut config: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join(case).join("config.json")).unwrap()).unwrap();
        let changes: serde_json::Value = serde_json::from_str(change).unwrap();
        for (part, value) in changes.as_object().unwrap() {
            match (value.as_object(), config[part].as_object_mut()) {
                (Some(inner), Some(known)) => known.extend(inner.clone()),
                _ => config[part] = value.clone(),
            }
        }
        let error = match Model::from_config_text("config.json", &config.to_string()) {
            Ok(_) => panic!("{change} was taken"),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(key), "{change}: {error}");
    };
    refused(r#"llava {"vision_feature_layer": -9}"#, "vision_feature_layer");
    refused(r#"llava {"vision_feature_select_strategy": "some"}"#, "vision_feature_select_strategy");
    refused(r#"llava {"vision_config": {"model_type": "pixtral"}}"#, "vision_config.model_type");
    refused(r#"llava {"text_config": {"model_type": "no_such"}}"#, "text_config.model_type");
    refused(r#"llava_next {"image_grid_pinpoints": [[32, 40]]}"#, "image_grid_pinpoints");
    refused(r#"llava_next {"image_grid_pinpoints": 5}"#, "image_grid_pinpoints");
    refused(r#"llava_onevision {"vision_aspect_ratio": "square"}"#, "vision_aspect_ratio");
    refused(r#"qwen2_vl {"text_config": {"rope_parameters": {"mrope_section": [1, 1, 1]}}}"#, "mrope_section");
    refused(r#"qwen3_vl {"vision_config": {"deepstack_visual_indexes": [0, 7]}}"#, "deepstack_visual_indexes");
    refused(r#"qwen3_vl {"vision_config": {"num_heads": 3}}"#, "hidden_size");
}
