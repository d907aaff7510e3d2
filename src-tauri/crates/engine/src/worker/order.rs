//! What is said between the app and a worker.

use super::errand::Errand;
use crate::{
    backend::{LoadRequest, SessionFacts, WriterRequest},
    inventory, peaks,
};
use contract::{EngineId, FailureKind, Phase, PhaseName, Placement, StopReason};
use models::Texts;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// Nothing that is said is longer, in bytes. An order may name some files for each token of long texts.
pub(super) const LONGEST_MESSAGE: u64 = 64 << 20;

/// The line that opens a conversation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Opening {
    /// Resident memory the worker may use; its own limits follow from it.
    pub memory_bytes: u64,
    pub order: Order,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", content = "with", rename_all = "snake_case")]
pub enum Order {
    /// Answers an `EngineStatus`.
    Probe { engine: EngineId, library: Option<PathBuf> },
    /// Writes the inputs of each variant as safetensors, one file each. Answers nothing.
    Inputs { onnx: PathBuf, dims: BTreeMap<String, u64>, seed: u64, files: Vec<PathBuf> },
    /// Calls the engine once for each file of inputs and writes its outputs. Answers the `SessionFacts`.
    Reference { load: LoadRequest, inputs: Vec<PathBuf>, outputs: Vec<PathBuf> },
    /// Reads a prompt and then token after token of each file of texts, and writes the scores of the next token after
    /// each, then those of one pass over the whole text. Answers the `SessionFacts`.
    Scores { writer: WriterRequest, texts: Texts, inputs: Vec<PathBuf>, outputs: Vec<PathBuf> },
    /// Measures; tells its phases and samples as they come and answers nothing.
    Run(RunOrder),
    /// Measures how text is generated, and tells and answers as `Run` does.
    Write(WriteOrder),
    /// One part of the inventory that calls foreign libraries.
    Inventory(inventory::Probe),
    /// The ceilings of one device; tells them as they are measured and answers nothing.
    Peaks(peaks::PeakOrder),
    /// Another program; tells its lines of JSON as they come and answers how it ended, where not well.
    Errand(Errand),
}

/// One measurement, in a worker's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunOrder {
    pub load: LoadRequest,
    /// Files of inputs, one for each variant; called in turn.
    pub inputs: Vec<PathBuf>,
    /// Another engine's outputs of the same graph for the first variants; empty where no other engine could run it.
    pub references: Vec<PathBuf>,
    /// Another engine's outputs of the graph in f32, for what a lower precision costs; empty for f32 itself.
    pub exact: Vec<PathBuf>,
    /// The output that scores the next word, where the model has one.
    pub scores: Option<String>,
    /// Seeds the bootstrap.
    pub seed: u64,
    pub pace: Pace,
}

/// By how many scores a text is checked: those after its prompt and after every further token, and once more those of its
/// last token, from one pass over the whole text.
pub fn scores_of(texts: Texts) -> usize {
    texts.output as usize + 1
}

/// One measurement of generating text, in a worker's words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteOrder {
    pub writer: WriterRequest,
    pub texts: Texts,
    /// Files of whole texts, one for each variant: the prompts begin them.
    pub inputs: Vec<PathBuf>,
    /// Another engine's scores of the first variants, as many of each as [`scores_of`] says; empty where no other engine
    /// could run it.
    pub references: Vec<PathBuf>,
    /// The same in f32, for what a lower precision costs; empty for f32 itself.
    pub exact: Vec<PathBuf>,
    /// Seeds the bootstrap.
    pub seed: u64,
    pub budget_secs: f64,
}

/// Who decides when the warm samples are taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// The worker, until their median is known well enough and for at most so long.
    Alone { budget_secs: f64 },
    /// The parent, which asks for each block of calls in turn with another worker's.
    InTurn,
}

/// What the parent says to a worker at work, a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End the sampling and tell what there is.
    Stop,
    /// Take one block of calls, for so long and at least a few.
    Block(Duration),
}

impl Wish {
    pub fn of(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            None => (line == "stop").then_some(Self::Stop),
            Some(("block", micros)) => micros.parse().ok().map(|micros| Self::Block(Duration::from_micros(micros))),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stop => f.write_str("stop"),
            Self::Block(length) => write!(f, "block {}", length.as_micros()),
        }
    }
}

/// What a worker tells. `Answer` and `Failed` end the conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", content = "with", rename_all = "snake_case")]
pub enum Event {
    /// The engine's library is loaded; `Start` ends here.
    Ready {
        resident_bytes: Option<u64>,
    },
    PhaseStarted(PhaseName),
    PhaseEnded(Phase),
    Facts(SessionFacts),
    Placement(Placement),
    /// How the outputs compare with the reference's.
    Checked(Checked),
    /// What an empty call takes in the same loop, in milliseconds.
    Harness(f64),
    /// One time of the sentinel kernel, in milliseconds.
    Sentinel(f64),
    /// Warm, and waiting to be asked for blocks.
    Held,
    /// Warm samples in the order taken, in milliseconds. One event is the whole of a block that was asked for.
    Samples(Vec<f64>),
    /// Warm texts in the order written: of each the time to its first token and then of every further one, in
    /// milliseconds.
    Texts(Vec<Vec<f64>>),
    /// How many tokens of the text that is being written are there; told now and then.
    Token(u32),
    /// How far the scores of the last token with the cache lie from those of one pass over the whole text, relative to
    /// the largest.
    FullPass(f64),
    SamplingEnded(StopReason),
    /// The highest memory of the worker, and of the device where the engine tells.
    Memory {
        peak_bytes: Option<u64>,
        device_peak_bytes: Option<u64>,
    },
    /// A sentence for the run's log.
    Note(String),
    Progress(serde_json::Value),
    Answer(serde_json::Value),
    Failed {
        kind: FailureKind,
        message: String,
        remedy: Option<String>,
    },
}

/// What the check of the outputs found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// None where there was nothing to compare with.
    pub comparison: Option<Comparison>,
    /// Largest difference that still agrees, relative to the largest reference value.
    pub tolerance: f64,
    /// Why the outputs are wrong whatever the tolerance: not finite, another shape, a missing output.
    pub fault: Option<String>,
    /// How far the outputs lie from those in f32.
    pub deviation: Option<Deviation>,
}

/// The figures of a [`contract::OutputError`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    pub cosine: f64,
    pub largest_difference: f64,
    pub relative_difference: f64,
    pub divergence_nats: Option<f64>,
}

impl Checked {
    /// What is wrong with the outputs, in a sentence.
    pub fn wrong(&self) -> Option<String> {
        let too_far = self.comparison.as_ref().filter(|found| found.largest_difference > self.tolerance);
        self.fault.clone().or_else(|| {
            too_far.map(|found| {
                let (difference, tolerance) = (percent(found.largest_difference), percent(self.tolerance));
                let output = &found.output;
                format!(
                    "{output} differs from the reference by {difference} of its largest value; {tolerance} is tolerated"
                )
            })
        })
    }
}

/// With as many digits as tell a difference from a tolerance.
fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 10.0 => format!("{percent:.0} %"),
        percent => format!("{percent:.2} %"),
    }
}

/// Outputs of two engines on the same inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The output that differs most.
    pub output: String,
    /// Its largest difference, relative to the largest value of the reference. Only finite values are compared.
    pub largest_difference: f64,
}
