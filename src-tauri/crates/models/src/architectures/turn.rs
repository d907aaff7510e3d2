//! The two graphs that a model of an encoder and a decoder writes with: one reads text or sound and begins the answer,
//! the other goes on with it token by token.

use super::{Answer, Text, Written};
use crate::{
    Dimension, Element, Filling, ModelError,
    blocks::{Heads, Past, padding_mask},
    builder::{GraphBuilder, Var},
    config::Config,
    generation::{Manner, Stage},
    graph::fixed,
};
use contract::DimRole;

const PARTS: [&str; 2] = ["key", "value"];

/// The sizes of a decoder that writes answers.
#[derive(Clone, Copy)]
pub struct Writer {
    pub layers: usize,
    pub heads: Heads,
    pub vocabulary: usize,
    /// How many tokens an answer may have, where there is a limit.
    pub positions: Option<usize>,
}

/// The token that an answer begins with, and the one that stands for nothing.
#[derive(Clone, Copy)]
pub struct Marks {
    pub start: usize,
    pub padding: usize,
}

impl Marks {
    /// As `decoder_start_token_id` and `pad_token_id` say; the last word where a vocabulary ends before them.
    pub fn read(config: &Config, defaults: Self, vocabulary: usize) -> Result<Self, ModelError> {
        let last = vocabulary - 1;
        Ok(Self {
            start: config.index("decoder_start_token_id", defaults.start)?.min(last),
            padding: config.index("pad_token_id", defaults.padding)?.min(last),
        })
    }
}

/// One of the two graphs, its tokens declared.
pub struct Turn {
    pub batch: Dimension,
    /// Of the tokens at hand.
    pub length: Dimension,
    /// `[batch, length]`.
    pub ids: Var,
    pub answer: Answer,
    writer: Writer,
    /// Length of what was read.
    read: Dimension,
    /// Length of the answer, these tokens included.
    written: Dimension,
}

impl Turn {
    /// The first tokens of an answer to what `states` are the vectors of, `[batch, read, width]`.
    pub fn first(
        b: &mut GraphBuilder,
        [batch, read]: [&Dimension; 2],
        states: &Var,
        writer: Writer,
        Marks { start, padding }: Marks,
    ) -> Self {
        let Written { batch, sequence, ids } = Written::declare(b, batch, writer.positions);
        let [start, padding, below] = [start, padding, writer.vocabulary].map(|id| id as u64);
        b.filling(Manner::Answers.tokens(), Filling::Answer { start, padding, below });
        let (read, written) = (read.clone(), sequence.clone());
        Self { batch, length: sequence, ids, answer: Answer::begins(states), writer, read, written }
    }

    /// One more token, after those whose keys and values are inputs.
    pub fn next(b: &mut GraphBuilder, [batch, read]: [&Dimension; 2], writer: Writer) -> Self {
        let most = writer.positions.map(|most| (most as u32).saturating_sub(1).max(1));
        let past = b.free("past", DimRole::Other, "How many tokens of the answer are there?", 16, most);
        let (batch, length) = (batch.clone(), fixed(1));
        let ids = b.input(Manner::Answers.tokens(), Element::I64, &[batch.clone(), length.clone()]);
        let float = b.float();
        let mut pasts = Vec::with_capacity(writer.layers);
        for layer in 0..writer.layers {
            pasts.push([("decoder", &past), ("encoder", read)].map(|(side, length)| {
                let shape = writer.kept_shape(&batch, length);
                let [key, value] =
                    PARTS.map(|part| b.input(&format!("past_key_values.{layer}.{side}.{part}"), float, &shape));
                Past { key, value }
            }));
        }
        let answer = Answer::goes_on(b, pasts);
        let written = Dimension::Free("past + 1".to_owned());
        Self { batch, length, ids, answer, writer, read: read.clone(), written }
    }

    /// Of an answer to a text, with the text's mask as attention adds it. `encode` gives the vectors of the text's tokens.
    pub fn on_text(
        b: &mut GraphBuilder,
        stage: Stage,
        writer: Writer,
        marks: Marks,
        encode: impl FnOnce(&mut GraphBuilder, &Text, &Var) -> Var,
    ) -> (Self, Var) {
        match stage {
            Stage::Prefill => {
                let text = Text::declare(b, writer.positions);
                let mask = padding_mask(b, &text.mask);
                let states = encode(b, &text, &mask);
                (Self::first(b, [&text.batch, &text.sequence], &states, writer, marks), mask)
            }
            Stage::Decode => {
                let ([batch, read], mask) = Text::read_before(b, writer.positions);
                let mask = padding_mask(b, &mask);
                (Self::next(b, [&batch, &read], writer), mask)
            }
        }
    }

    /// Declares the outputs: `logits` of the last token, `[batch, 1, vocabulary]`, and what the decoder keeps of each
    /// layer, `[batch, heads, tokens, head width]` in the element of the weights. `score` is given `[batch, 1, width]`.
    pub fn finish(self, b: &mut GraphBuilder, hidden: &Var, score: impl FnOnce(&mut GraphBuilder, &Var) -> Var) {
        let last = b.ints(&[-1]);
        let last = b.gather(hidden, &last, 1);
        let scores = score(b, &last);
        let Self { batch, answer, writer, read, written, .. } = self;
        b.output("logits", &scores, &[batch.clone(), fixed(1), fixed(writer.vocabulary)]);
        for (kept, (side, length)) in answer.kept.iter().zip([("decoder", written), ("encoder", read)]) {
            let shape = writer.kept_shape(&batch, &length);
            for (layer, Past { key, value }) in kept.iter().enumerate() {
                for (part, value) in PARTS.iter().zip([key, value]) {
                    b.output_kept(&format!("present.{layer}.{side}.{part}"), value, &shape);
                }
            }
        }
    }
}

impl Writer {
    /// Of the keys, or the values, of so many tokens in one layer.
    fn kept_shape(&self, batch: &Dimension, length: &Dimension) -> [Dimension; 4] {
        [batch.clone(), fixed(self.heads.key_value_count), length.clone(), fixed(self.heads.head_width)]
    }
}
