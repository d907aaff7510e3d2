//! What models that read text have in common: the text that goes in, and the one that a decoder has written so far.

use crate::{
    Dimension, Element,
    blocks::linear,
    builder::{GraphBuilder, Var},
    generation::Manner,
    graph::fixed,
};
use contract::DimRole;

/// Tokens of a text unless chosen otherwise.
const USUAL: usize = 128;

/// A text to read: `input_ids` and `attention_mask`, `[batch, sequence]` each.
pub struct Text {
    pub batch: Dimension,
    pub sequence: Dimension,
    pub ids: Var,
    pub mask: Var,
}

impl Text {
    /// Declares the inputs; `most` is how many tokens the model has positions for.
    pub fn declare(b: &mut GraphBuilder, most: Option<usize>) -> Self {
        let batch = Self::count(b);
        let text = Self::beside(b, &batch, USUAL, most);
        b.tokens(&text.batch, &text.sequence);
        text
    }

    /// The same in a batch that counts other things as well; `usual` is how long a text is unless chosen otherwise.
    pub fn beside(b: &mut GraphBuilder, batch: &Dimension, usual: usize, most: Option<usize>) -> Self {
        let sequence = Self::length(b, usual, most);
        let shape = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &shape);
        let mask = b.input("attention_mask", Element::I64, &shape);
        Self { batch: batch.clone(), sequence, ids, mask }
    }

    /// The sizes and the mask of a text that was read before.
    pub fn read_before(b: &mut GraphBuilder, most: Option<usize>) -> ([Dimension; 2], Var) {
        let sizes = [Self::count(b), Self::length(b, USUAL, most)];
        let mask = b.input("attention_mask", Element::I64, &sizes);
        (sizes, mask)
    }

    pub fn count(b: &mut GraphBuilder) -> Dimension {
        b.free("batch", DimRole::Batch, "How many texts at once?", 1, None)
    }

    fn length(b: &mut GraphBuilder, usual: usize, most: Option<usize>) -> Dimension {
        let most = most.map(|most| most as u32);
        b.free("sequence", DimRole::Sequence, "How many tokens of text?", usual as u32, most)
    }

    /// One number for each token.
    pub fn numbers(&self) -> [Dimension; 2] {
        [self.batch.clone(), self.sequence.clone()]
    }

    /// One vector for each token.
    pub fn vectors(&self, width: usize) -> [Dimension; 3] {
        [self.batch.clone(), self.sequence.clone(), fixed(width)]
    }

    /// One vector for the whole text.
    pub fn vector(&self, width: usize) -> [Dimension; 2] {
        [self.batch.clone(), fixed(width)]
    }

    /// Scores each token as the first and as the last one of an answer in the text, by the module's product over the
    /// tokens' vectors, and makes both scores outputs.
    pub fn mark_answer(&self, b: &mut GraphBuilder, module: &str, vectors: &Var, width: usize) {
        let ends = linear(&mut b.at(module), vectors, width, 2, true);
        let ends = b.split(&ends, &[1, 1], -1);
        for (name, end) in ["start_logits", "end_logits"].into_iter().zip(&ends) {
            let end = b.squeeze(end, -1);
            b.output(name, &end, &self.numbers());
        }
    }
}

/// What a decoder has written so far: `decoder_input_ids`, `[batch, decoder_sequence]`.
pub struct Written {
    pub batch: Dimension,
    pub sequence: Dimension,
    pub ids: Var,
}

impl Written {
    pub fn declare(b: &mut GraphBuilder, batch: &Dimension, most: Option<usize>) -> Self {
        let most = most.map(|most| most as u32);
        let question = "How many tokens of the answer at once?";
        let sequence = b.free("decoder_sequence", DimRole::Other, question, 16, most);
        let ids = b.input(Manner::Answers.tokens(), Element::I64, &[batch.clone(), sequence.clone()]);
        Self { batch: batch.clone(), sequence, ids }
    }

    /// One vector for each token.
    pub fn vectors(&self, width: usize) -> [Dimension; 3] {
        [self.batch.clone(), self.sequence.clone(), fixed(width)]
    }
}
