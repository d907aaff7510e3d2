//! A small configuration of a model type, made from its default: two layers, small widths, and valid for that type.
//!
//! Every rule only lowers numbers that are there, so that what a type leaves out stays out, and what it ties together
//! stays tied. A rule goes by the name of a key (`keys`), by lists that have an entry a layer (`layers`), by the ids of
//! special tokens (`tokens`) or by what rotary embeddings ask for (`rotary`). What no rule can know about one type is
//! written down in `exceptions`.

mod exceptions;
mod keys;
mod layers;
mod rotary;
mod tokens;

use layers::Layers;
use models::transformers::{self, ModelType};
use serde_json::{Map, Value};
use tokens::Tokens;

/// Entries of a configuration that say how it was stored, not what the model is.
const STORED: [&str; 11] = [
    "architectures",
    "_name_or_path",
    "chunk_size_feed_forward",
    "dtype",
    "id2label",
    "label2id",
    "is_encoder_decoder",
    "output_attentions",
    "output_hidden_states",
    "problem_type",
    "return_dict",
];

pub(super) struct Tiny {
    /// The small configuration, whole.
    pub whole: Map<String, Value>,
    /// What of it differs from the default, nested configurations likewise.
    pub options: Map<String, Value>,
    /// Token ids from here on are special or out of the vocabulary.
    pub first_special: u64,
}

pub(super) fn tiny(known: &ModelType) -> Tiny {
    let tokens = Tokens::of(&known.config);
    let mut whole = smaller(&known.config, &tokens);
    if known.is_encoder_decoder {
        tokens::add_start(&mut whole);
    }
    exceptions::apply(&known.model_type, &mut whole);
    let options = differing(&whole, &known.config);
    Tiny { whole, options, first_special: tokens::FIRST }
}

fn smaller(config: &Map<String, Value>, tokens: &Tokens) -> Map<String, Value> {
    let layers = Layers::of(config);
    let staged = keys::is_staged(config);
    let mut small = Map::new();
    for (key, value) in config.iter().filter(|(key, _)| !STORED.contains(&key.as_str())) {
        let value = match value {
            Value::Object(nested) if rotary::KEYS.contains(&key.as_str()) => {
                Value::Object(rotary::smaller(nested, config))
            }
            Value::Object(nested) => {
                let nested = layers.settings(nested).as_ref().unwrap_or(nested).clone();
                Value::Object(smaller(&nested, tokens))
            }
            value if tokens::is_special(key) => tokens.smaller(value),
            Value::Array(items) => Value::Array(layers.list(key, items, config)),
            Value::Number(number) => match (number.as_u64(), layers.number(key, value.as_u64())) {
                (Some(_), Some(layers)) => layers.into(),
                (Some(number), None) if tokens::is_vocabulary(key) => tokens.vocabulary(key, number).into(),
                (Some(number), None) if !staged || keys::is_free(key) => keys::number(key, number, config).into(),
                _ => value.clone(),
            },
            value => value.clone(),
        };
        small.insert(key.clone(), value);
    }
    small
}

/// What a person would have to write to get `small`. Where a nested configuration names its own type, it starts from
/// the defaults of that type rather than from those of the type around it.
fn differing(small: &Map<String, Value>, default: &Map<String, Value>) -> Map<String, Value> {
    let mut differing = Map::new();
    for (key, value) in small {
        match (value, default.get(key)) {
            (value, Some(same)) if value == same => {}
            (Value::Object(value), was) => {
                let named = value.get("model_type").and_then(Value::as_str);
                let own = named.and_then(transformers::find).map(|known| &known.config).filter(|own| !own.is_empty());
                let mut nested = match (named, own, was) {
                    (Some(_), Some(own), _) => self::differing(value, own),
                    // Rotary parameters and configurations of unlisted types are taken as they are written.
                    _ => value.clone(),
                };
                if let Some(named) = named {
                    nested.insert("model_type".to_owned(), named.into());
                }
                differing.insert(key.clone(), Value::Object(nested));
            }
            (value, _) => drop(differing.insert(key.clone(), value.clone())),
        }
    }
    differing.remove("model_type");
    differing
}
