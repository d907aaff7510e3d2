//! Classes that do something else than the base model, held against transformers 5.23, which counted them itself.

use crate::{
    architectures::{default_of, opened, shallow},
    each::none_is_wrong,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Parameters at the default configuration of the type.
const PARAMETERS: [(&str, &str, u64); 13] = [
    ("clip_text_model", "CLIPTextModelWithProjection", 63_428_096),
    ("clip_vision_model", "CLIPVisionModelWithProjection", 87_849_216),
    ("dpt", "DPTForDepthEstimation", 110_878_081),
    ("dpt", "DPTForSemanticSegmentation", 111_727_812),
    ("glpn", "GLPNForDepthEstimation", 3_664_839),
    ("segformer", "SegformerForSemanticSegmentation", 3_714_658),
    ("sew", "SEWForCTC", 93_221_024),
    ("sew", "SEWForSequenceClassification", 93_393_794),
    ("sew-d", "SEWDForCTC", 93_614_240),
    ("sew-d", "SEWDForSequenceClassification", 93_787_010),
    ("swin", "SwinForMaskedImageModeling", 29_881_818),
    ("timesformer", "TimesformerForVideoClassification", 121_260_290),
    ("vit", "ViTForMaskedImageModeling", 86_390_016),
];

/// Parameters that decoders which sort texts, and those which sort tokens, have beside those of the base model; 0 where
/// there is no such class.
const SORTERS: [(&str, [u64; 2]); 42] = [
    ("arcee", [5_120, 5_122]),
    ("biogpt", [2_048, 2_050]),
    ("bloom", [128, 130]),
    ("deepseek_v3", [14_336, 14_338]),
    ("exaone4", [8_192, 8_194]),
    ("falcon", [9_088, 9_090]),
    ("gemma", [6_144, 6_146]),
    ("gemma2", [4_608, 4_610]),
    ("gemma3_text", [4_608, 0]),
    ("glm", [8_192, 8_194]),
    ("glm4", [8_192, 8_194]),
    ("gpt-sw3", [1_536, 1_538]),
    ("gpt2", [1_536, 1_538]),
    ("gpt_bigcode", [1_536, 1_538]),
    ("gpt_neo", [4_096, 4_098]),
    ("gpt_neox", [12_288, 12_290]),
    ("gpt_oss", [5_760, 5_762]),
    ("gptj", [8_192, 0]),
    ("helium", [5_120, 5_122]),
    ("llama", [8_192, 8_194]),
    ("ministral", [8_192, 8_194]),
    ("mistral", [8_192, 8_194]),
    ("mixtral", [8_192, 8_194]),
    ("mpt", [4_096, 4_098]),
    ("nemotron", [12_288, 12_290]),
    ("olmo", [8_192, 0]),
    ("olmo2", [8_192, 0]),
    ("olmo3", [8_192, 0]),
    ("openai-gpt", [1_536, 0]),
    ("opt", [1_536, 0]),
    ("persimmon", [8_192, 8_194]),
    ("phi", [4_096, 4_098]),
    ("phi3", [6_144, 6_146]),
    ("phimoe", [8_192, 0]),
    ("qwen2", [8_192, 8_194]),
    ("qwen2_moe", [4_096, 4_098]),
    ("qwen3", [8_192, 8_194]),
    ("qwen3_moe", [4_096, 4_098]),
    ("seed_oss", [8_192, 8_194]),
    ("smollm3", [4_096, 4_098]),
    ("stablelm", [5_120, 5_122]),
    ("starcoder2", [6_144, 6_146]),
];

const SORTING: [&str; 2] = ["ForSequenceClassification", "ForTokenClassification"];

fn parameters(config: &serde_json::Value) -> u64 {
    opened(config).info().parameters.unwrap()
}

fn classes_of(model_type: &str) -> Vec<&'static str> {
    let (_, classes) = models::built().find(|(name, _)| *name == model_type).unwrap();
    classes.iter().map(|class| class.name).collect()
}

#[test]
fn other_classes_have_the_parameters_of_transformers() {
    none_is_wrong(PARAMETERS, |(model_type, class, expected)| {
        let ours = parameters(&default_of(model_type, class));
        let wrong = (ours != *expected).then(|| format!("{class}: {ours}, in transformers {expected}"));
        wrong.into_iter().collect()
    });
    for (attention, expected) in [("joint_space_time", 85_804_800), ("space_only", 85_798_656)] {
        let config = json!({"model_type": "timesformer", "attention_type": attention});
        assert_eq!(parameters(&config), expected, "{attention}");
    }
}

#[test]
fn decoders_that_sort_have_the_parameters_of_transformers() {
    none_is_wrong(SORTERS, |(model_type, expected)| {
        let classes = classes_of(model_type);
        let of = |class: &str| parameters(&shallow(default_of(model_type, class)));
        let base = of(classes[0]);
        let added = SORTING.map(|kind| {
            let class = classes.iter().find(|class| class.ends_with(kind));
            class.map_or(0, |class| of(class) - base)
        });
        let wrong = (added != *expected).then(|| format!("{model_type}: {added:?}, in transformers {expected:?}"));
        wrong.into_iter().collect()
    });
}

#[test]
fn every_decoder_that_sorts_was_counted_by_transformers() {
    for (model_type, classes) in models::built() {
        let writes = classes
            .get(1)
            .is_some_and(|class| ["ForCausalLM", "LMHeadModel"].iter().any(|end| class.name.ends_with(end)));
        let sorts = classes.iter().any(|class| SORTING.iter().any(|kind| class.name.ends_with(kind)));
        if writes && sorts {
            assert!(SORTERS.iter().any(|(known, _)| *known == model_type), "{model_type}");
        }
    }
}

#[test]
fn a_decoder_that_sorts_writes_no_text_and_names_the_class_that_does() {
    for kind in SORTING {
        let model = opened(&shallow(default_of("llama", &format!("Llama{kind}"))));
        assert!(model.generation().unwrap().is_none(), "{kind}");
        assert_eq!(model.generating_class(), Some("LlamaForCausalLM"));
    }
}

/// Only images whose edges halve evenly can be doubled again to what they were.
#[test]
fn depths_are_as_large_as_an_image_in_steps_that_halve_evenly() {
    let model = opened(&default_of("glpn", "GLPNForDepthEstimation"));
    let steps = BTreeMap::from([("height_steps".to_owned(), 15), ("width_steps".to_owned(), 20)]);
    let dims = model.dims_for(2, None, &steps).unwrap();
    let graph = model.graph();
    assert_eq!(graph.inputs[0].shape_for(&dims).unwrap(), [2, 3, 480, 640]);
    assert_eq!(graph.outputs[0].shape_for(&dims).unwrap(), [2, 480, 640]);
    assert_eq!(graph.shapes(&dims).unwrap()["predicted_depth"], [2, 480, 640]);
}
