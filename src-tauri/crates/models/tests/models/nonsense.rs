//! Nonsense under any key of any type's configuration: refused with a sentence that names a key, or of no consequence.

use crate::{
    architectures::{default_of, opened, shallow},
    each::none_is_wrong,
};
use models::{Content, Model};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Constants that an architecture brings along stay far below; weights are described only.
const MOST_CONSTANT_BYTES: usize = 32 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

fn nonsense() -> [Value; 8] {
    let nested = (0..60).fold(json!(1), |inner, _| json!([inner]));
    [
        json!(0),
        json!(-3),
        json!(1_000_000_000_000u64),
        json!(1.5),
        json!("gibberish"),
        json!([]),
        json!({"model_type": {"a": nested}}),
        json!([1, "two", null]),
    ]
}

/// Whatever comes of a configuration comes soon and small; a refusal names one of its keys.
fn judge(model_type: &str, config: &Value, changed: &str) -> Result<(), String> {
    let started = Instant::now();
    let opened = Model::from_config_text("config.json", &config.to_string());
    let what = || format!("{model_type} with {changed} = {}", config[changed]);
    if started.elapsed() > PATIENCE {
        return Err(format!("{} took {:?}", what(), started.elapsed()));
    }
    match opened {
        Ok(model) => {
            let ready = model.graph().initializers.iter().filter_map(|one| match &one.content {
                Content::Ready(bytes) => Some(bytes.len()),
                Content::InFile(_) | Content::Described => None,
            });
            let bytes: usize = ready.sum();
            if bytes > MOST_CONSTANT_BYTES { Err(format!("{} holds {bytes} bytes", what())) } else { Ok(()) }
        }
        Err(error) => {
            let said = error.to_string();
            let keys = config.as_object().unwrap().keys();
            let names_a_key = keys.into_iter().any(|key| said.contains(&format!("key {key}")));
            if names_a_key || said.contains("its sizes") { Ok(()) } else { Err(format!("{}: {said}", what())) }
        }
    }
}

#[test]
fn nonsense_under_any_key_of_any_type_is_refused_with_a_key_or_has_no_consequence() {
    let nonsense = nonsense();
    none_is_wrong(models::built(), |(model_type, classes)| {
        let mut config = shallow(default_of(model_type, classes[0].name));
        opened(&config);
        let keys: Vec<String> = config.as_object().unwrap().keys().cloned().collect();
        let mut wrong = Vec::new();
        for key in &keys {
            let sound = config[key].take();
            for value in &nonsense {
                config[key].clone_from(value);
                wrong.extend(judge(model_type, &config, key).err());
            }
            config[key] = sound;
        }
        wrong
    });
}

#[test]
fn sizes_that_are_sound_each_and_too_much_together_are_refused_or_held_in_few_bytes() {
    const STAGED: [&str; 11] = [
        "convnext",
        "convnextv2",
        "dinov3_convnext",
        "donut-swin",
        "glpn",
        "maskformer-swin",
        "poolformer",
        "regnet",
        "resnet",
        "segformer",
        "swin",
    ];
    let deep = json!([1000, 1000, 1000, 1000]);
    let mut refused: Vec<(Value, &str)> =
        STAGED.iter().map(|model_type| (json!({"model_type": model_type, "depths": deep}), "key depths")).collect();
    let endless =
        json!({"model_type": "vivit", "image_size": 1 << 22, "num_frames": 1 << 22, "tubelet_size": [1, 1, 1]});
    refused.extend([
        (json!({"model_type": "clap", "audio_config": {"depths": deep}}), "key audio_config.depths"),
        (json!({"model_type": "videomae", "image_size": 1760}), "key image_size"),
        (endless, "key image_size"),
    ]);
    for (config, key) in refused {
        let error = Model::from_config_text("config.json", &config.to_string()).err().unwrap().to_string();
        assert!(error.contains(key), "{config}: {error}");
    }
    let config = json!({"model_type": "detr", "num_queries": 1 << 16});
    assert_eq!(judge("detr", &config, "num_queries"), Ok(()));
}

#[test]
fn a_width_of_a_million_million_is_refused_or_not_read_at_all() {
    const WIDTHS: [&str; 7] =
        ["hidden_size", "d_model", "dim", "n_embd", "embed_dim", "hidden_sizes", "embedding_size"];
    none_is_wrong(models::built(), |(model_type, classes)| {
        let sound = shallow(default_of(model_type, classes[0].name));
        let Some(width) = WIDTHS.into_iter().find(|key| sound.get(key).is_some()) else { return Vec::new() };
        let mut config = sound.clone();
        config[width] = json!(1_000_000_000_000u64);
        let wrong = match Model::from_config_text("config.json", &config.to_string()) {
            // Some types keep their widths in the objects of their parts.
            Ok(model) if model.info().graph_hash == opened(&sound).info().graph_hash => None,
            Ok(_) => Some(format!("{model_type} read {width}")),
            Err(error) => (!error.to_string().contains(width)).then(|| format!("{model_type}: {error}")),
        };
        wrong.into_iter().collect()
    });
}
