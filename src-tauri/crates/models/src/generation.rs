//! Generating text: a model as the graph that reads the prompt and the graph that reads one token after another.

use crate::{Dimension, Files, Format, Model, ModelError, Progress, Value};
use contract::Precision;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Which of the two graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reads the whole prompt: its outputs are the scores of the next word and the keys and values to keep.
    Prefill,
    /// Reads one token; keys and values of those before come in and go out longer by one. Those of what an encoder read
    /// come in alone, for they stay as they are.
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

/// How a model comes to its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// It goes on where the prompt ends: a decoder. Where it sees an image, the image's tokens are part of the prompt.
    Continues,
    /// It reads the prompt, a text or sound, with an encoder, and its decoder begins an answer with a token for that.
    Answers,
}

impl Manner {
    /// The input of both graphs that takes the tokens of the text that is written.
    pub fn tokens(self) -> &'static str {
        match self {
            Self::Continues => "input_ids",
            Self::Answers => "decoder_input_ids",
        }
    }

    /// The input that is 1 for each of these tokens, where the graphs have one.
    pub fn mask(self) -> Option<&'static str> {
        match self {
            Self::Continues => Some("attention_mask"),
            Self::Answers => None,
        }
    }

    /// The size of the prefill graph that counts these tokens.
    pub(crate) fn length(self) -> &'static str {
        match self {
            Self::Continues => "sequence",
            Self::Answers => "decoder_sequence",
        }
    }

    /// How many of these tokens the prefill graph reads, before the first is chosen.
    pub fn given(self, texts: Texts) -> u32 {
        match self {
            Self::Continues => texts.prompt,
            Self::Answers => 1,
        }
    }

    /// How many of these tokens are read in all: the last one is chosen and not read.
    pub fn read(self, texts: Texts) -> u32 {
        self.given(texts).saturating_add(texts.output).saturating_sub(1)
    }
}

/// The two graphs of a model that generates text.
pub struct Generation {
    pub prefill: Model,
    pub decode: Model,
    pub manner: Manner,
    /// Keys and values of each layer, in order.
    pub cache: Vec<CacheEntry>,
    /// Sizes of the image in each prompt that are not the usual ones.
    image: BTreeMap<String, u32>,
}

/// One tensor of the key and value cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheEntry {
    /// Input of the decode graph.
    pub input: String,
    /// Output of the prefill graph, and of the decode graph where it grows with each token: the next token's input.
    pub output: String,
}

/// Texts to be written: so many at once, each so many tokens to a prompt of so many tokens, those of its image included,
/// or frames of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    pub batch: u32,
    pub prompt: u32,
    pub output: u32,
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
    /// Of the prefill graph, which has all weights.
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

/// How the names of the cache's tensors begin, as inputs and as outputs.
const BEFORE: &str = "past_key_values.";
const AFTER: &str = "present.";

impl Generation {
    pub(crate) fn new(prefill: Model, decode: Model) -> Self {
        let entry = |input: &Value| {
            let part = input.name.strip_prefix(BEFORE)?;
            Some(CacheEntry { input: input.name.clone(), output: format!("{AFTER}{part}") })
        };
        let inputs = &decode.graph().inputs;
        let answers = inputs.iter().any(|input| input.name == Manner::Answers.tokens());
        let manner = if answers { Manner::Answers } else { Manner::Continues };
        let cache = inputs.iter().filter_map(entry).collect();
        Self { prefill, decode, manner, cache, image: BTreeMap::new() }
    }

    /// With an image of other sizes in each prompt, such as `image_rows`, where the model sees one; `size` gives those that
    /// were asked for.
    pub fn with_image(self, size: impl Fn(&str) -> Option<u32>) -> Self {
        let asked = self.prefill.image_dims().filter_map(|dim| Some((dim.name.clone(), size(&dim.name)?)));
        let image = asked.collect();
        Self { image, ..self }
    }

    /// Whether both graphs can be had in a precision.
    pub fn offers(&self, precision: Precision) -> bool {
        [&self.prefill, &self.decode].iter().all(|model| model.info().precisions.contains(&precision))
    }

    /// Bytes of the cache that the prefill graph leaves, or the decode graph is given, at these sizes of it and at so many
    /// bytes a number.
    ///
    /// # Errors
    /// Where a size is missing.
    pub fn cache_bytes(
        &self,
        stage: Stage,
        sizes: &BTreeMap<String, u64>,
        element_bytes: u64,
    ) -> Result<u64, ModelError> {
        let (values, cached) = match stage {
            Stage::Prefill => (&self.prefill.graph().outputs, AFTER),
            Stage::Decode => (&self.decode.graph().inputs, BEFORE),
        };
        let cached = values.iter().filter(|value| value.name.starts_with(cached));
        cached.map(|value| value.shape_for(sizes)).try_fold(0u64, |bytes, shape| {
            Ok(bytes.saturating_add(shape?.iter().fold(element_bytes, |bytes, size| bytes.saturating_mul(*size))))
        })
    }

    /// What both graphs are called with while texts are written.
    ///
    /// # Errors
    /// Where the output is shorter than two tokens, or prompt or output are longer than the model reads and writes.
    pub fn sizes(&self, texts: Texts) -> Result<TextSizes, ModelError> {
        let Texts { batch, prompt, output } = texts;
        if output < 2 {
            let reason = "the time of a token is taken from the second on; choose at least two";
            return Err(ModelError::bad_size("output", u64::from(output), reason));
        }
        let (given, read) = (self.manner.given(texts), self.manner.read(texts));
        let longest = self.prefill.dim(self.manner.length()).and_then(|dim| dim.max);
        if let Some(longest) = longest.filter(|longest| read > *longest) {
            let reason = match self.manner {
                Manner::Continues => format!(
                    "after a prompt of {prompt} tokens that is too long: the model reads at most {longest} tokens"
                ),
                Manner::Answers => format!("that is too long: the model writes at most {longest} tokens"),
            };
            return Err(ModelError::bad_size("output", u64::from(output), reason));
        }
        let [prefill, decode] = [Stage::Prefill, Stage::Decode]
            .map(|stage| move |tokens: u32| self.sizes_of(stage, [batch, prompt, tokens]));
        Ok(TextSizes { prompt: prefill(given)?, whole: prefill(read)?, steps: [decode(given)?, decode(read - 1)?] })
    }

    /// Sizes of one graph for so many texts, each with so long a prompt, and so many tokens: those that the prefill graph
    /// reads at once, or those that were read before the decode graph's.
    ///
    /// # Errors
    /// Where the model cannot be called with them.
    pub fn sizes_of(
        &self,
        stage: Stage,
        [batch, prompt, tokens]: [u32; 3],
    ) -> Result<BTreeMap<String, u64>, ModelError> {
        let (model, counted) = match stage {
            Stage::Prefill => (&self.prefill, self.manner.length()),
            Stage::Decode => (&self.decode, "past"),
        };
        let size = match (self.manner, self.prefill.prompt()) {
            (Manner::Continues, _) => None,
            (Manner::Answers, Some(Dimension::Fixed(length))) if *length == u64::from(prompt) => None,
            (Manner::Answers, Some(Dimension::Fixed(length))) => {
                let reason = format!("the model always hears {length} frames; leave the length of the prompt to it");
                return Err(ModelError::bad_size("prompt", u64::from(prompt), reason));
            }
            (Manner::Answers, _) => Some(prompt),
        };
        let mut dims = self.image.clone();
        dims.insert(counted.to_owned(), tokens);
        model.dims_for(batch, size, &dims)
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
        progress: &mut Progress,
    ) -> Result<GenerationFiles, ModelError> {
        let format = format.into();
        let prefill = self.prefill.materialize(dir, format.clone(), seed, progress)?;
        let decode = self.decode.materialize_beside(&self.prefill, &format, &prefill.folder, "decode.onnx")?;
        Ok(GenerationFiles { prefill, decode })
    }
}
