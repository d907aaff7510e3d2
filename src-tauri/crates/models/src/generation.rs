//! Generating text: a model as the graph that reads the prompt and the graph that reads one token after another.

use crate::{Dimension, Files, Format, Model, ModelError, Value};
use contract::Precision;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// Input of the decode graph.
    pub input: String,
    /// Output of both graphs, which is the next token's input.
    pub output: String,
    /// Numbers of one token in one text.
    pub width: u64,
}

/// Texts to be written: so many at once, each so many tokens after a prompt of so many.
///
/// The last token is chosen and not read, so the longest context is one token shorter than prompt and output together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    pub batch: u32,
    pub prompt: u32,
    pub output: u32,
}

impl Texts {
    /// Tokens that are read in all.
    pub fn read(&self) -> u32 {
        self.prompt.saturating_add(self.output).saturating_sub(1)
    }
}

/// The sizes of the two graphs while texts are written.
pub struct TextSizes {
    /// Of the prefill graph at the prompt.
    pub prompt: BTreeMap<String, u64>,
    /// Of the prefill graph at all tokens that are read.
    pub whole: BTreeMap<String, u64>,
    /// Of the decode graph at the first token after the prompt and at the last.
    pub steps: [BTreeMap<String, u64>; 2],
}

/// What writing texts costs, all of it together but for the batch.
pub struct TextCosts {
    /// Of one text, multiply-accumulates.
    pub macs: Option<u64>,
    /// Of one text, elements of all intermediate results.
    pub activations: Option<u64>,
    /// Of one graph; both have the same weights.
    pub weight_bytes: u64,
    /// Of both graphs at once, with the whole batch and its cache; an estimate.
    pub peak_memory_bytes: u64,
}

/// Both graphs on disk, over one file of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationFiles {
    pub prefill: Files,
    pub decode: PathBuf,
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

    /// What both graphs are called with while texts are written.
    ///
    /// # Errors
    /// Where the output is shorter than two tokens, or prompt and output are longer than the model reads.
    pub fn sizes(&self, texts: Texts) -> Result<TextSizes, ModelError> {
        let Texts { batch, prompt, output } = texts;
        if output < 2 {
            let reason = "the time of a token is taken from the second on; choose at least two";
            return Err(ModelError::bad_size("output", u64::from(output), reason));
        }
        let longest = self.prefill.info().dims.iter().filter_map(|dim| dim.max).min();
        if let Some(longest) = longest.filter(|longest| texts.read() > *longest) {
            let reason =
                format!("after a prompt of {prompt} tokens that is too long: the model reads at most {longest} tokens");
            return Err(ModelError::bad_size("output", u64::from(output), reason));
        }
        let prefill = |tokens: u32| self.prefill.dims_for(batch, Some(tokens), &BTreeMap::new());
        let decode = |tokens: u32| self.decode.dims_for(batch, Some(tokens), &BTreeMap::new());
        Ok(TextSizes {
            prompt: prefill(prompt)?,
            whole: prefill(texts.read())?,
            steps: [decode(prompt)?, decode(texts.read() - 1)?],
        })
    }

    /// What it costs to write these texts in a precision the model can be had in.
    pub fn costs_in(&self, precision: Precision, texts: Texts) -> Result<TextCosts, ModelError> {
        let one = self.sizes(Texts { batch: 1, ..texts })?;
        let prompt = self.prefill.costs(&one.prompt)?;
        let [first, last] = [self.decode.costs(&one.steps[0])?, self.decode.costs(&one.steps[1])?];
        // Each token costs the same amount more than the one before, for it sees one more.
        let steps = u64::from(texts.output - 1);
        let all =
            |prompt: Option<u64>, first: Option<u64>, last: Option<u64>| Some(prompt? + (first? + last?) * steps / 2);
        let sizes = self.sizes(texts)?;
        let prefill = self.prefill.costs_in(precision, &sizes.prompt)?;
        let decode = self.decode.costs_in(precision, &sizes.steps[1])?;
        Ok(TextCosts {
            macs: all(prompt.macs, first.macs, last.macs),
            activations: all(prompt.activations, first.activations, last.activations),
            weight_bytes: prefill.weight_bytes,
            peak_memory_bytes: prefill.peak_memory_bytes.saturating_add(decode.peak_memory_bytes),
        })
    }

    /// Writes (or finds) both ONNX files over one file of weights, in a folder of their own under `dir`.
    pub fn materialize(
        &self,
        dir: &Path,
        format: impl Into<Format>,
        seed: u64,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<GenerationFiles, ModelError> {
        let format = format.into();
        let prefill = self.prefill.materialize(dir, format.clone(), seed, progress)?;
        let decode = self.decode.materialize_beside(&self.prefill, &format, &prefill.folder, "decode.onnx")?;
        Ok(GenerationFiles { prefill, decode })
    }
}
