//! Nonsense under any key of any type's configuration: refused with a sentence that names a key, or of no consequence.

use crate::architectures::{default_of, shallow};
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
                Content::Described => None,
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
    let mut wrong = Vec::new();
    for (model_type, classes) in models::built() {
        let sound = shallow(default_of(model_type, classes[0].name));
        let keys: Vec<String> = sound.as_object().unwrap().keys().cloned().collect();
        for (key, value) in keys.iter().flat_map(|key| nonsense().map(|value| (key, value))) {
            let mut config = sound.clone();
            config[key.as_str()] = value;
            wrong.extend(judge(model_type, &config, key).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_width_of_a_million_million_is_refused_or_not_read_at_all() {
    for (model_type, classes) in models::built() {
        if models::transformers::find(model_type).is_none() {
            continue;
        }
        let mut config = default_of(model_type, classes[0].name);
        let widths = ["hidden_size", "d_model", "dim", "n_embd", "embed_dim", "hidden_sizes", "embedding_size"];
        let Some(width) = widths.into_iter().find(|key| config.get(key).is_some()) else { continue };
        let sound = Model::from_config_text("config.json", &config.to_string()).unwrap();
        config[width] = json!(1_000_000_000_000u64);
        match Model::from_config_text("config.json", &config.to_string()) {
            // Some types keep their widths in the objects of their parts.
            Ok(model) => assert_eq!(model.info().graph_hash, sound.info().graph_hash, "{model_type} read {width}"),
            Err(error) => assert!(error.to_string().contains(width), "{model_type}: {error}"),
        }
    }
}
