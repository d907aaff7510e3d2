//! What a sample is, of models of every kind.

use crate::{
    architectures::{default_of, opened, shallow},
    images::golden,
};
use contract::TaskUnit::{self, Frames, Images, SoundSeconds, Tokens};
use models::{Model, UNKNOWN_FAMILY, per_sample, per_sample_of};
use std::collections::BTreeMap;

fn preset(name: &str) -> Model {
    Model::preset(&format!("preset:{name}").into()).unwrap()
}

/// With few layers and all else as transformers has it.
fn few_layers(model_type: &str, class: &str) -> Model {
    opened(&shallow(default_of(model_type, class)))
}

/// At these sizes, in a batch that must not count.
fn at(model: &Model, asked: &[(&str, u32)]) -> Option<(TaskUnit, f64)> {
    let asked: BTreeMap<String, u32> = asked.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    let sizes = model.dims_for(4, None, &asked).unwrap();
    per_sample(model.info(), &sizes).map(|sample| (sample.unit, sample.count))
}

#[test]
fn a_text_is_the_tokens_that_are_read() {
    assert_eq!(at(&preset("bert-tiny"), &[("sequence", 64)]), Some((Tokens, 64.0)));
    assert_eq!(at(&preset("t5-small"), &[("sequence", 100), ("decoder_sequence", 7)]), Some((Tokens, 100.0)));
    let model = preset("bert-tiny");
    let sizes = model.dims_for(1, Some(32), &BTreeMap::new()).unwrap();
    assert_eq!(per_sample(model.info(), &sizes).unwrap().count, 32.0, "the size of a setting");
    assert_eq!(at(&model, &[("sequence", 64), ("padding", 25)]), Some((Tokens, 48.0)), "padding is no text");
}

#[test]
fn an_image_is_an_image_alone_and_beside_texts() {
    for model in [preset("vit-base-patch16-224"), preset("clip-vit-base-patch32"), golden("vae")] {
        assert_eq!(at(&model, &[]), Some((Images, 1.0)), "{}", model.info().name);
    }
    assert_eq!(at(&golden("unet"), &[]), None, "a step is a part of an image");
}

#[test]
fn sound_is_counted_in_seconds() {
    assert_eq!(at(&preset("wav2vec2-base"), &[("samples", 48_000)]), Some((SoundSeconds, 3.0)));
    assert_eq!(at(&preset("whisper-tiny"), &[("sequence", 5)]), Some((SoundSeconds, 30.0)));
    assert_eq!(at(&few_layers("audio-spectrogram-transformer", "ASTModel"), &[]), Some((SoundSeconds, 10.24)));
    assert_eq!(at(&few_layers("voxtral_encoder", "VoxtralEncoder"), &[]), Some((SoundSeconds, 30.0)));
    assert_eq!(at(&preset("clap-htsat-unfused"), &[]), Some((SoundSeconds, 10.0)), "1001 frames");
    assert_eq!(at(&golden("clap"), &[("frames", 251)]), Some((SoundSeconds, 2.5)));
}

#[test]
fn a_video_is_its_frames() {
    assert_eq!(at(&few_layers("videomae", "VideoMAEModel"), &[]), Some((Frames, 16.0)));
    assert_eq!(at(&few_layers("vivit", "VivitModel"), &[]), Some((Frames, 32.0)));
    assert!(matches!(at(&golden("xclip"), &[]), Some((Frames, count)) if count > 1.0));
}

#[test]
fn an_image_within_a_text_is_some_of_its_tokens() {
    assert_eq!(at(&golden("llava"), &[("sequence", 40)]), Some((Tokens, 40.0)));
}

#[test]
fn of_a_file_of_unknown_family_only_plain_names_tell() {
    let unknown = |name: &str| {
        let model = preset(name);
        let sizes = model.dims_for(1, None, &BTreeMap::new()).unwrap();
        let mut info = model.info().clone();
        info.family = UNKNOWN_FAMILY.to_owned();
        per_sample(&info, &sizes).map(|sample| sample.unit)
    };
    assert_eq!(unknown("bert-tiny"), Some(Tokens));
    assert_eq!(unknown("vit-base-patch16-224"), Some(Images));
    assert_eq!(unknown("clip-vit-base-patch32"), None);
    assert_eq!(unknown("whisper-tiny"), None);
}

#[test]
fn shapes_alone_tell_where_there_is_one_medium() {
    let of = |model_type: &str, inputs: &[(&str, &[u32])]| {
        let inputs = inputs.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect();
        per_sample_of(model_type, &inputs).map(|sample| (sample.unit, sample.count))
    };
    let text: (&str, &[u32]) = ("input_ids", &[2, 12]);
    let image: (&str, &[u32]) = ("pixel_values", &[2, 3, 64, 64]);
    assert_eq!(of("bert", &[text, ("attention_mask", &[2, 12])]), Some((Tokens, 12.0)));
    assert_eq!(of("vit", &[image]), Some((Images, 1.0)));
    assert_eq!(of("clip", &[text, image]), None);
    assert_eq!(of("timesformer", &[("pixel_values", &[1, 8, 3, 224, 224])]), Some((Frames, 8.0)));
    assert_eq!(of("superglue", &[("pixel_values", &[1, 2, 3, 480, 640])]), Some((Images, 2.0)), "no video");
    let heard: [(&str, &[u32]); 2] = [("input_features", &[1, 80, 3000]), ("decoder_input_ids", &[1, 8])];
    assert_eq!(of("whisper", &heard), Some((SoundSeconds, 30.0)));
    let codes: [(&str, &[u32]); 2] = [("input_ids", &[1, 8, 33]), ("attention_mask", &[1, 8])];
    assert_eq!(of("kyutai_speech_to_text", &codes), None, "codes of sound are no text");
    assert_eq!(of("speech_to_text", &heard), None, "how long a frame lasts is not known");
}
