//! Writing text with two sessions of one engine: keys and values that a call leaves go into the next as they are.

use super::Prepare;
use crate::backend::{BackendError, LoadRequest, LoadedWriter, Session, SessionFacts, Writer, WriterRequest};
use contract::{DeviceId, Placement};
use models::{CacheEntry, Tensor};

const TOKENS: &str = "input_ids";
const MASK: &str = "attention_mask";
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
        Ok(Self { engine, prefill, decode, cache: request.cache.clone() })
    }
}

impl<R: Prepare<Session: Passing>> LoadedWriter for ReadPair<R> {
    fn compile(self: Box<Self>) -> Result<Box<dyn Writer>, BackendError> {
        let Self { engine, prefill, decode, cache } = *self;
        Ok(Box::new(Pair::new(engine, [prefill.prepare()?, decode.prepare()?], cache)?))
    }
}

/// What an input of a graph is filled with.
enum Filled {
    Tokens,
    /// 1 for every token that was read.
    Mask,
    /// An entry of the cache.
    Cache(usize),
}

/// A session with the places of what goes in and comes out.
struct Stage<S> {
    session: S,
    inputs: Vec<(String, Filled)>,
    /// Place of each output in what is kept: the entries of the cache, and the scores after them.
    outputs: Vec<Option<usize>>,
}

impl<S: Passing> Stage<S> {
    fn new(engine: &str, session: S, cache: &[CacheEntry]) -> Result<Self, BackendError> {
        let unknown = |name: &str| BackendError::Unsupported {
            engine: engine.to_owned(),
            reason: format!("{name} of its graphs is neither tokens nor scores nor cache"),
        };
        let fill = |name: &String| match name.as_str() {
            TOKENS => Ok(Filled::Tokens),
            MASK => Ok(Filled::Mask),
            other => {
                cache.iter().position(|entry| entry.input == other).map(Filled::Cache).ok_or_else(|| unknown(name))
            }
        };
        let inputs = session.input_names().into_iter().map(|name| Ok((name.clone(), fill(&name)?)));
        let inputs = inputs.collect::<Result<_, BackendError>>()?;
        let place = |name: &String| match name.as_str() {
            SCORES => Some(cache.len()),
            other => cache.iter().position(|entry| entry.output == other),
        };
        let outputs = session.output_names().iter().map(place).collect();
        Ok(Self { session, inputs, outputs })
    }

    /// The inputs of a call as tensors on the host.
    fn on_host(&self, tokens: &Tensor, mask: &Tensor, cache: &[Tensor]) -> Vec<Tensor> {
        let filled = self.inputs.iter().map(|(name, filled)| {
            let tensor = match filled {
                Filled::Tokens => tokens,
                Filled::Mask => mask,
                Filled::Cache(entry) => &cache[*entry],
            };
            Tensor { name: name.clone(), ..tensor.clone() }
        });
        filled.collect()
    }
}

struct Pair<S: Passing> {
    engine: &'static str,
    /// The cache's entries in order, and the scores after them; empty before the first call. Given back before the
    /// sessions are.
    kept: Vec<S::Value>,
    prefill: Stage<S>,
    decode: Stage<S>,
    cache: Vec<CacheEntry>,
    /// `[batch, tokens]` that were read since the last prompt began.
    read: [usize; 2],
}

impl<S: Passing> Pair<S> {
    fn new(engine: &'static str, [prefill, decode]: [S; 2], cache: Vec<CacheEntry>) -> Result<Self, BackendError> {
        Ok(Self {
            engine,
            prefill: Stage::new(engine, prefill, &cache)?,
            decode: Stage::new(engine, decode, &cache)?,
            cache,
            kept: Vec::new(),
            read: [0, 0],
        })
    }

    /// One call of a stage; what it leaves takes the place of what was kept.
    fn call(&mut self, of: impl FnOnce(&mut Self) -> &mut Stage<S>, tokens: &Tensor) -> Result<(), BackendError> {
        let mask = ones(&self.read);
        let kept = std::mem::take(&mut self.kept);
        let engine = self.engine;
        let entries = self.cache.len();
        let stage = of(self);
        let (tokens, mask) = (stage.session.give(tokens)?, stage.session.give(&mask)?);
        let inputs: Vec<&S::Value> = stage
            .inputs
            .iter()
            .map(|(_, filled)| match filled {
                Filled::Tokens => &tokens,
                Filled::Mask => &mask,
                Filled::Cache(entry) => &kept[*entry],
            })
            .collect();
        let mut made: Vec<Option<S::Value>> = (0..=entries).map(|_| None).collect();
        for (place, value) in stage.outputs.iter().zip(stage.session.pass(&inputs)?) {
            if let Some(place) = place {
                made[*place] = Some(value);
            }
        }
        let whole: Option<Vec<S::Value>> = made.into_iter().collect();
        self.kept = whole.ok_or_else(|| BackendError::Unsupported {
            engine: engine.to_owned(),
            reason: "one of its graphs gives no scores, or not the whole cache".to_owned(),
        })?;
        Ok(())
    }

    fn nothing_read(&self) -> BackendError {
        BackendError::Failed {
            engine: self.engine.to_owned(),
            doing: "writing text",
            reason: "no prompt was read yet".to_owned(),
        }
    }

    /// Where the nodes of both graphs ran, in calls of their own.
    fn placements(&mut self) -> Result<[Option<Placement>; 2], BackendError> {
        let [batch, read] = self.read;
        let cached = self.cache.iter().zip(&self.kept);
        let cached = cached.map(|(entry, value)| self.decode.session.take(&entry.output, value));
        let cached = cached.collect::<Result<Vec<_>, _>>()?;
        let tokens = |count: usize| Tensor::from_i64s(TOKENS, &[batch, count], &vec![0; batch * count]);
        let prompt = self.prefill.on_host(&tokens(read), &ones(&[batch, read]), &[]);
        let step = self.decode.on_host(&tokens(1), &ones(&[batch, read + 1]), &cached);
        // What an engine lends as output may be gone once it prepares the graph anew.
        self.kept.clear();
        let mut placements = [None, None];
        for (place, (stage, inputs)) in [(&mut self.prefill, prompt), (&mut self.decode, step)].into_iter().enumerate()
        {
            stage.session.set_inputs(vec![inputs])?;
            placements[place] = stage.session.placement()?;
        }
        Ok(placements)
    }
}

impl<S: Passing> Writer for Pair<S> {
    fn prefill(&mut self, prompts: &Tensor) -> Result<(), BackendError> {
        let [batch, tokens] = prompts.shape[..] else { return Err(self.nothing_read()) };
        self.kept.clear();
        self.read = [batch, tokens];
        self.call(|pair| &mut pair.prefill, prompts)
    }

    fn decode(&mut self, tokens: &[i64]) -> Result<(), BackendError> {
        if self.kept.is_empty() {
            return Err(self.nothing_read());
        }
        self.read[1] += 1;
        self.call(|pair| &mut pair.decode, &Tensor::from_i64s(TOKENS, &[tokens.len(), 1], tokens))
    }

    fn scores(&mut self) -> Result<Tensor, BackendError> {
        let scores = self.kept.last().ok_or_else(|| self.nothing_read())?;
        self.decode.session.take(SCORES, scores)
    }

    /// Those of the graph that is called for every token.
    fn facts(&self) -> SessionFacts {
        self.decode.session.facts()
    }

    fn placement(&mut self) -> Result<Option<Placement>, BackendError> {
        let all = self.placements()?.into_iter().flatten();
        Ok(all.min_by(|a, b| a.node_share.total_cmp(&b.node_share)))
    }
}

fn ones(shape: &[usize; 2]) -> Tensor {
    Tensor::from_i64s(MASK, shape, &vec![1; shape[0] * shape[1]])
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
