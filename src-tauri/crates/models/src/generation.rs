//! Generating text: a model as the graph that reads the prompt and the graph that reads one token after another.

use crate::{Dimension, Model, Value};

/// Which of the two graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reads the whole prompt: its outputs are the scores of the next word and the keys and values to keep.
    Prefill,
    /// Reads one token; keys and values of those before come in and go out longer by one.
    Decode,
}

impl Stage {
    pub fn label(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Decode => "decode",
        }
    }
}

/// The two graphs of a model that generates text.
pub struct Generation {
    pub prefill: Model,
    pub decode: Model,
    /// Keys and values of each layer, in order.
    pub cache: Vec<CacheEntry>,
}

/// One tensor of the key and value cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// Input of the decode graph.
    pub input: String,
    /// Output of both graphs, which is the next token's input.
    pub output: String,
    /// Numbers of one token in one text.
    pub width: u64,
}

impl Generation {
    pub(crate) fn new(prefill: Model, decode: Model) -> Self {
        const BEFORE: &str = "past_key_values.";
        let entry = |input: &Value| {
            let part = input.name.strip_prefix(BEFORE)?;
            // Batch and tokens are free, heads and their width are not.
            let sizes = input.shape.iter().map(|dimension| match dimension {
                Dimension::Fixed(size) => *size,
                Dimension::Free(_) => 1,
            });
            Some(CacheEntry { input: input.name.clone(), output: format!("present.{part}"), width: sizes.product() })
        };
        let cache = decode.graph().inputs.iter().filter_map(entry).collect();
        Self { prefill, decode, cache }
    }

    /// Bytes of the cache after so many tokens in each of so many texts, at so many bytes a number.
    pub fn cache_bytes(&self, texts: u64, tokens: u64, element_bytes: u64) -> u64 {
        let numbers: u64 = self.cache.iter().map(|entry| entry.width).sum();
        [texts, tokens, element_bytes].iter().fold(numbers, |bytes, factor| bytes.saturating_mul(*factor))
    }
}
