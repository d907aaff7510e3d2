//! The model types that transformers 5.23 knows, each with its default configuration: what can be searched, built or
//! generated for with no network. Written by transformers itself
//! (Apache-2.0); `types.jsonl.gz` holds one JSON object a line, in which an infinite limit is written 1e300.

mod aliases;

pub use aliases::aliases;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    sync::LazyLock,
};

/// One model type.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelType {
    /// The word in a configuration's `model_type`.
    pub model_type: String,
    pub config_class: String,
    /// Every auto-class mapping that lists the type (`FOR_CAUSAL_LM`), with the class it gives; `""` is the base model.
    pub heads: BTreeMap<String, OneOrMore>,
    /// The default configuration; empty where transformers could not make one.
    #[serde(default)]
    pub config: Map<String, Value>,
    #[serde(default)]
    pub is_encoder_decoder: bool,
    /// Class of the base model; none where transformers could not build one from the default configuration.
    pub base_class: Option<String>,
    /// Exact number of the base model's parameters at the default configuration.
    pub parameters: Option<u64>,
    /// Why there is no count, in transformers' words.
    pub error: Option<String>,
    pub main_input: Option<OneOrMore>,
    #[serde(default)]
    pub forward_args: Vec<String>,
}

impl ModelType {
    /// The default configuration of a class as config.json has it; what is null by default is left out.
    pub fn config_text(&self, class: &str) -> String {
        let mut config = self.config.clone();
        config.retain(|_, value| !value.is_null());
        config.insert("architectures".to_owned(), Value::from(vec![class]));
        config.insert("model_type".to_owned(), Value::from(self.model_type.as_str()));
        serde_json::to_string_pretty(&config).expect("a map of JSON values is JSON")
    }
}

/// Transformers writes one name as a string and several as a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::More(names) => names,
        }
    }
}

static TYPES: LazyLock<Vec<ModelType>> = LazyLock::new(|| {
    let mut text = String::new();
    let mut packed = GzDecoder::new(include_bytes!("types.jsonl.gz").as_slice());
    packed.read_to_string(&mut text).expect("the list that ships is gzip of UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line of the list that ships is a model type"))
        .collect()
});

static BY_NAME: LazyLock<HashMap<&str, &ModelType>> =
    LazyLock::new(|| TYPES.iter().map(|known| (known.model_type.as_str(), known)).collect());

/// All of them, by name. The first call unpacks the list.
pub fn all() -> &'static [ModelType] {
    &TYPES
}

pub fn find(model_type: &str) -> Option<&'static ModelType> {
    BY_NAME.get(model_type).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_ships_is_whole() {
        assert_eq!(all().len(), 804);
        assert_eq!(all().iter().filter(|known| known.parameters.is_some()).count(), 569);
        let clip = find("clip").unwrap();
        assert_eq!((clip.base_class.as_deref(), clip.parameters), (Some("CLIPModel"), Some(151_277_313)));
        assert!(all().iter().all(|known| known.parameters.is_some() || known.error.is_some()));
        assert!(find("no_such_type").is_none());
    }
}
