//! What the shell tells the window without being asked.

use crate::{
    Failure, Fetch, FilesDone, ImportProgress, Live, LiveComparison, PeakProgress, Queue, RunId, TrialsProgress,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    Queue(Queue),
    Live(Live),
    Comparison(Box<LiveComparison>),
    /// A result was stored.
    Stored(RunId),
    /// Results were imported, deleted or brought back.
    ResultsChanged,
    /// The inventory was scanned again or its peaks were measured.
    MachineChanged,
    Peaks(PeakProgress),
    PeaksEnded {
        failure: Option<Failure>,
    },
    ModelsChanged,
    /// How far what is being fetched from Hugging Face is, and how it ended.
    Fetch(Box<Fetch>),
    /// How far what is being imported is; none once it has ended.
    Import(Option<ImportProgress>),
    /// How far the impact or the generation that is under way is.
    Making(FilesDone),
    /// What making the Python environment is at, in a line.
    Python(String),
    PythonEnded {
        failure: Option<Failure>,
    },
    Trials(TrialsProgress),
    /// Files were dropped on the window.
    Dropped(Vec<String>),
    /// A sentence for the person.
    Notice(Notice),
    /// The person asked to quit while something that takes long is not finished.
    QuitAsked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    Info,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: NoticeKind,
    pub text: String,
}
