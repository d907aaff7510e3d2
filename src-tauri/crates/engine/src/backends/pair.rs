//! Writing text with two sessions of one engine: keys and values that a call leaves go into the next as they are.

use super::Prepare;
use crate::backend::{BackendError, LoadRequest, LoadedWriter, Session, SessionFacts, Writer, WriterRequest};
use contract::{DeviceId, Placement};
use models::{CacheEntry, Manner, Tensor};

const SCORES: &str = "logits";

/// A session that takes its inputs, and gives its outputs, as values that stay where the engine has them.
pub(super) trait Passing: Session {
    type Value;

    /// As the graph names and orders them.
    fn input_names(&self) -> Vec<String>;

    fn output_names(&self) -> Vec<String>;

    fn give(&self, tensor: &Tensor) -> Result<Self::Value, BackendError>;

    /// One call, complete when it returns. Values that went in are not touched.
    fn pass(&mut self, inputs: &[&Self::Value]) -> Result<Vec<Self::Value>, BackendError>;

    /// A copy of an output on the host.
    fn take(&self, name: &str, value: &Self::Value) -> Result<Tensor, BackendError>;
}

/// Two graphs of one engine that were read.
pub(super) struct ReadPair<R> {
    engine: &'static str,
    prefill: R,
    decode: R,
    manner: Manner,
    cache: Vec<CacheEntry>,
}

impl<R> ReadPair<R> {
    /// Reads both with `open`.
    pub fn open(
        engine: &'static str,
        request: &WriterRequest,
        open: impl Fn(&LoadRequest) -> Result<R, BackendError>,
    ) -> Result<Self, BackendError> {
        let (prefill, decode) = (open(&request.prefill)?, open(&request.decode)?);
        Ok(Self { engine, prefill, decode, manner: request.manner, cache: request.cache.clone() })
    }
}

impl<R: Prepare<Session: Passing>> LoadedWriter for ReadPair<R> {
    fn compile(self: Box<Self>) -> Result<Box<dyn Writer>, BackendError> {
        let Self { engine, prefill, decode, manner, cache } = *self;
        Ok(Box::new(Pair::new(engine, [prefill.prepare()?, decode.prepare()?], manner, cache)?))
    }
}

/// A session with the places of its outputs among what is kept: the entries of the cache, and the scores after them.
struct Stage<S> {
    session: S,
    outputs: Vec<Option<usize>>,
}

impl<S: Passing> Stage<S> {
    fn new(session: S, cache: &[CacheEntry]) -> Self {
        let place = |name: &String| match name.as_str() {
            SCORES => Some(cache.len()),
            other => cache.iter().position(|entry| entry.output == other),
        };
        let outputs = session.output_names().iter().map(place).collect();
        Self { session, outputs }
    }

    fn gives(&self, place: usize) -> bool {
        self.outputs.contains(&Some(place))
    }

    /// One call: what is to be kept of its outputs, each with its place.
    fn call(&mut self, inputs: &[&S::Value]) -> Result<Vec<(usize, S::Value)>, BackendError> {
        let made = self.session.pass(inputs)?;
        Ok(self.outputs.iter().zip(made).filter_map(|(place, value)| Some(((*place)?, value))).collect())
    }
}

/// What an input of the decode graph is filled with.
enum Filled {
    /// The token that each text goes on with.
    Token,
    /// 1 for every token that was read.
    Mask,
    /// An entry of the cache.
    Cache(usize),
    /// What the prefill graph was given, by its place there.
    Prompt(usize),
}

struct Pair<S: Passing> {
    engine: &'static str,
    manner: Manner,
    cache: Vec<CacheEntry>,
    /// The cache's entries in order, and the scores after them; empty before the first call. Given back before the
    /// sessions are, as what the prefill graph was given.
    kept: Vec<S::Value>,
    prompt: Vec<S::Value>,
    prefill: Stage<S>,
    decode: Stage<S>,
    /// Inputs of the prefill graph.
    prompts: Vec<String>,
    /// Inputs of the decode graph.
    steps: Vec<(String, Filled)>,
    /// `[batch, tokens]` that were read since the last prompt began.
    read: [usize; 2],
}

impl<S: Passing> Pair<S> {
    fn new(
        engine: &'static str,
        [prefill, decode]: [S; 2],
        manner: Manner,
        cache: Vec<CacheEntry>,
    ) -> Result<Self, BackendError> {
        let unsupported = |reason: String| BackendError::Unsupported { engine: engine.to_owned(), reason };
        let [prefill, decode] = [prefill, decode].map(|session| Stage::new(session, &cache));
        if !(0..=cache.len()).all(|place| prefill.gives(place)) || !decode.gives(cache.len()) {
            return Err(unsupported("one of its graphs gives no scores, or not the whole cache".to_owned()));
        }
        let prompts = prefill.session.input_names();
        let fill = |name: String| {
            let cached = || cache.iter().position(|entry| entry.input == name).map(Filled::Cache);
            let given = || prompts.iter().position(|prompt| *prompt == name).map(Filled::Prompt);
            let filled = match name.as_str() {
                token if token == manner.tokens() => Some(Filled::Token),
                mask if Some(mask) == manner.mask() => Some(Filled::Mask),
                _ => cached().or_else(given),
            };
            let unknown = || unsupported(format!("{name} of its graphs is neither tokens nor prompt nor cache"));
            let filled = filled.ok_or_else(unknown)?;
            Ok((name, filled))
        };
        let steps = decode.session.input_names().into_iter().map(fill).collect::<Result<_, BackendError>>()?;
        let (kept, prompt, read) = (Vec::new(), Vec::new(), [0, 0]);
        Ok(Self { engine, manner, cache, kept, prompt, prefill, decode, prompts, steps, read })
    }

    fn failed(&self, reason: String) -> BackendError {
        BackendError::Failed { engine: self.engine.to_owned(), doing: "writing text", reason }
    }

    fn nothing_read(&self) -> BackendError {
        self.failed("no prompt was read yet".to_owned())
    }

    fn given<'a>(&self, prompts: &'a [Tensor], name: &str) -> Result<&'a Tensor, BackendError> {
        let found = prompts.iter().find(|tensor| tensor.name == name);
        found.ok_or_else(|| self.failed(format!("no values were given for the input {name}")))
    }

    fn token(&self, tokens: &[i64]) -> Tensor {
        Tensor::from_i64s(self.manner.tokens(), &[tokens.len(), 1], tokens)
    }

    /// Ones for all that was read, where the graphs want them.
    fn mask(&self) -> Option<Tensor> {
        let count = self.read.iter().product();
        self.manner.mask().map(|name| Tensor::from_i64s(name, &self.read, &vec![1; count]))
    }

    /// The inputs of the next call of the decode graph as tensors on the host.
    fn step_on_host(&mut self, prompts: &[Tensor]) -> Result<Vec<Tensor>, BackendError> {
        self.read[1] += 1;
        let (token, mask) = (self.token(&vec![0; self.read[0]]), self.mask());
        let filled = self.steps.iter().map(|(name, filled)| match filled {
            Filled::Token => Ok(token.clone()),
            Filled::Mask => Ok(mask.clone().expect(HAS_MASK)),
            Filled::Prompt(_) => self.given(prompts, name).cloned(),
            Filled::Cache(entry) => {
                let tensor = self.prefill.session.take(&self.cache[*entry].output, &self.kept[*entry])?;
                Ok(Tensor { name: name.clone(), ..tensor })
            }
        });
        filled.collect()
    }
}

const HAS_MASK: &str = "an input is a mask where the manner of writing has one";

impl<S: Passing> Writer for Pair<S> {
    fn prefill(&mut self, prompts: &[Tensor]) -> Result<(), BackendError> {
        self.kept.clear();
        let tokens = self.given(prompts, self.manner.tokens())?;
        let [batch, length] = tokens.shape[..] else {
            return Err(self.failed("its tokens are no batch of texts".to_owned()));
        };
        self.read = [batch, length];
        let given = self.prompts.iter().map(|name| self.prefill.session.give(self.given(prompts, name)?));
        self.prompt = given.collect::<Result<_, _>>()?;
        let mut made = self.prefill.call(&self.prompt.iter().collect::<Vec<_>>())?;
        made.sort_unstable_by_key(|(place, _)| *place);
        self.kept = made.into_iter().map(|(_, value)| value).collect();
        Ok(())
    }

    fn decode(&mut self, tokens: &[i64]) -> Result<(), BackendError> {
        if self.kept.is_empty() {
            return Err(self.nothing_read());
        }
        self.read[1] += 1;
        let session = &self.decode.session;
        let token = session.give(&self.token(tokens))?;
        let mask = self.mask().map(|mask| session.give(&mask)).transpose()?;
        let inputs: Vec<&S::Value> = self
            .steps
            .iter()
            .map(|(_, filled)| match filled {
                Filled::Token => &token,
                Filled::Mask => mask.as_ref().expect(HAS_MASK),
                Filled::Cache(entry) => &self.kept[*entry],
                Filled::Prompt(place) => &self.prompt[*place],
            })
            .collect();
        for (place, value) in self.decode.call(&inputs)? {
            self.kept[place] = value;
        }
        Ok(())
    }

    fn scores(&mut self) -> Result<Tensor, BackendError> {
        let scores = self.kept.last().ok_or_else(|| self.nothing_read())?;
        self.decode.session.take(SCORES, scores)
    }

    /// Those of the graph that is called for every token.
    fn facts(&self) -> SessionFacts {
        self.decode.session.facts()
    }

    fn placement(&mut self, prompts: &[Tensor]) -> Result<Option<Placement>, BackendError> {
        self.prefill(prompts)?;
        let step = self.step_on_host(prompts)?;
        // What an engine lends as output may be gone once it prepares the graph anew.
        self.kept.clear();
        let mut placements = Vec::new();
        for (stage, inputs) in [(&mut self.prefill, prompts.to_vec()), (&mut self.decode, step)] {
            stage.session.set_inputs(vec![inputs])?;
            placements.extend(stage.session.placement()?);
        }
        Ok(placements.into_iter().min_by(|a, b| a.node_share.total_cmp(&b.node_share)))
    }
}

/// Where keys and values would go through the host's memory with every token, their time would not be the device's.
pub(super) fn on_cpu_only(engine: &str, device: &DeviceId) -> Result<(), BackendError> {
    if device.0 == "cpu" {
        return Ok(());
    }
    let reason = format!(
        "it generates text on the CPU only in this version of Assay, for on {device} its cache would be copied with every token"
    );
    Err(BackendError::Unsupported { engine: engine.to_owned(), reason })
}
