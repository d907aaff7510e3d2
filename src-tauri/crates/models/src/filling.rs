//! Inputs for which random numbers would mean nothing: a text with the tokens of an image in it, the grid of an image.
//!
//! A video is an image of several frames.
//!
//! The architecture says how they are filled; the ONNX file carries that along in its metadata.

use crate::{Graph, ModelError, dims, seed::Stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The key of the metadata in an ONNX file.
pub const METADATA_KEY: &str = "assay.inputs";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filling {
    /// Any ids below `below`, with a run of `token`, or one for each frame, in the middle of each row.
    Text { token: u64, below: u64, run: Length },
    /// The same at the beginning of each row: a prompt that more is written after, which can be cut anywhere behind its
    /// image.
    Prompt { token: u64, below: u64, run: Length },
    /// 1 where a text has that token, 0 elsewhere.
    Marks { run: Length },
    /// The same whole numbers in every row.
    Rows(Vec<String>),
    /// Any ids below `below` but `padding`; each row begins with `start`.
    Answer { start: u64, padding: u64, below: u64 },
}

/// How many tokens stand for an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Length {
    /// A size, such as `image_rows * image_columns`.
    Size(String),
    /// For each choice of these sizes; there are no other choices.
    Choice { sizes: Vec<String>, lengths: Vec<(Vec<u64>, u64)> },
    /// For each of so many frames a size, with so many words between one frame and the next.
    Frames { frames: String, each: String, gap: u64 },
}

/// The tokens of an image as they lie in a text: for each frame so many, with a gap of words between one and the next.
struct Run {
    frames: u64,
    each: u64,
    gap: u64,
}

impl Run {
    /// From the first to the last, with the words in between.
    fn tokens(&self) -> u64 {
        let words = self.frames.saturating_sub(1).saturating_mul(self.gap);
        self.frames.saturating_mul(self.each).saturating_add(words)
    }

    /// Whether what stands so far behind the first is of the image.
    fn has(&self, place: u64) -> bool {
        place < self.tokens() && place % self.each.saturating_add(self.gap) < self.each
    }
}

impl Length {
    fn run(&self, dims: &BTreeMap<String, u64>) -> Result<Run, ModelError> {
        let still = |each: u64| Run { frames: 1, each, gap: 0 };
        let (sizes, lengths) = match self {
            Self::Size(size) => return dims::value(size, dims).map(still),
            Self::Choice { sizes, lengths } => (sizes, lengths),
            Self::Frames { frames, each, gap } => {
                return Ok(Run { frames: dims::value(frames, dims)?, each: dims::value(each, dims)?, gap: *gap });
            }
        };
        let chosen = sizes.iter().map(|size| dims::value(size, dims)).collect::<Result<Vec<_>, _>>()?;
        lengths.iter().find(|known| known.0 == chosen).map(|known| still(known.1)).ok_or_else(|| {
            let told = |values: &[u64]| values.iter().map(u64::to_string).collect::<Vec<_>>().join(" × ");
            let known: Vec<String> = lengths.iter().map(|known| told(&known.0)).collect();
            let reason = format!("{} is none of the model's choices: {}", told(&chosen), known.join(", "));
            ModelError::bad_size(&sizes.join(" × "), chosen.first().copied().unwrap_or_default(), reason)
        })
    }
}

/// Refuses sizes that no input can have: a text too short for its image.
pub fn check(graph: &Graph, dims: &BTreeMap<String, u64>) -> Result<(), ModelError> {
    for input in &graph.inputs {
        let filling = graph.fillings.get(&input.name);
        let Some(Filling::Text { run, .. } | Filling::Prompt { run, .. } | Filling::Marks { run }) = filling else {
            continue;
        };
        let run = run.run(dims)?;
        let tokens = run.tokens();
        let length = input.shape_for(dims)?.last().copied().unwrap_or_default();
        if length < tokens {
            let reason = match run.frames {
                1 => format!("the image alone is {tokens} tokens; choose at least so many, or a smaller image"),
                frames => {
                    let words = if run.gap > 0 { " and the words between them" } else { "" };
                    format!(
                        "with its {frames} frames{words} the image alone is {tokens} tokens; choose at least so many, \
                         fewer frames, or a smaller image"
                    )
                }
            };
            let name = input.shape.last().map_or_else(|| input.name.clone(), ToString::to_string);
            return Err(ModelError::bad_size(&name, length, reason));
        }
    }
    Ok(())
}

impl Filling {
    /// The numbers of an input of this shape, row by row.
    pub fn numbers(
        &self,
        shape: &[usize],
        dims: &BTreeMap<String, u64>,
        stream: Stream,
    ) -> Result<Vec<u64>, ModelError> {
        let count: usize = shape.iter().product();
        let length = shape.last().copied().unwrap_or(1).max(1);
        let in_run = |run: &Length| -> Result<_, ModelError> {
            let run = run.run(dims)?;
            let words = (length as u64).saturating_sub(run.tokens());
            let start = if matches!(self, Self::Prompt { .. }) { 0 } else { words / 2 };
            Ok(move |place: usize| ((place % length) as u64).checked_sub(start).is_some_and(|place| run.has(place)))
        };
        let word = |place: usize, below: u64, but: u64| match stream.below(place as u64, below.max(2)) {
            same if same == but => (same + 1) % below.max(2),
            other => other,
        };
        Ok(match self {
            Self::Text { token, below, run } | Self::Prompt { token, below, run } => {
                let in_run = in_run(run)?;
                // A token of an image where none is would ask for a vector that is not there.
                let word = |place: usize| if in_run(place) { *token } else { word(place, *below, *token) };
                (0..count).map(word).collect()
            }
            Self::Marks { run } => {
                let in_run = in_run(run)?;
                (0..count).map(|place| u64::from(in_run(place))).collect()
            }
            Self::Rows(sizes) => {
                let row = sizes.iter().map(|size| dims::value(size, dims)).collect::<Result<Vec<_>, _>>()?;
                (0..count).map(|place| row.get(place % length).copied().unwrap_or_default()).collect()
            }
            Self::Answer { start, padding, below } => {
                // What comes after padding stands elsewhere for some models when it is read step by step.
                let word =
                    |place: usize| if place.is_multiple_of(length) { *start } else { word(place, *below, *padding) };
                (0..count).map(word).collect()
            }
        })
    }
}
