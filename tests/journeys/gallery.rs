//! Model types in the real window: what is known of one that Assay does not build, and the way on from there.

use super::{insight::pictures, turn};
use crate::window::{Window, keys};

/// Opens a type out of the table of all.
fn open(window: &Window, model_type: &str) {
    window.type_into("models-search", model_type);
    window.click(&format!("type-{model_type}"));
    window.wait("page-model");
}

#[test]
fn a_type_that_is_not_built_says_what_it_is_and_leads_to_its_tests() {
    let _turn = turn();
    let data = tempfile::tempdir().unwrap();
    let window = Window::open(data.path());
    window.click("welcome-skip");
    window.click("nav-models");
    open(&window, "rwkv");
    window.says("kind-ability", "Templates only. Assay does not build RwkvModel yet.");
    window.says("kind-family", "Text decoder, because transformers lists it under FOR_CAUSAL_LM.");
    window.says("kind-tasks", "text-generation");
    window.says("kind-parameters", "7.19 billion");
    window.says("kind-weights-f32", "28.7");
    window.says("model-problem", "not built yet");
    assert!(!window.text("page-model").contains("appear here as soon as"), "{}", window.text("page-model"));
    pictures(&window, "gallery-1-not-built");

    window.click("model-back");
    open(&window, "aimv2_text_model");
    window.says("kind-ability", "Not yet: transformers lists no base model");
    window.says("kind-parameters", "cannot count");
    window.picture("gallery-2-not-counted");

    window.click("model-back");
    open(&window, "bert");
    window.says("kind-ability", "Can be measured: Assay builds it from its configuration, as BertModel");
    window.says("kind-family", "Text encoder, because");
    window.says("cost-parameters", "109");
    window.picture("gallery-3-built");

    window.click("model-back");
    open(&window, "rwkv");
    window.click("kind-templates");
    window.says("open-template", "test.py");
    window.says("preview", "Does rwkv work right");
    window.click("template-generate");
    window.says("generate-chosen", "rwkv");
    window.says("generate-count", "1 file");
    window.picture("gallery-4-templates");
    window.press(keys::ESCAPE);
}
