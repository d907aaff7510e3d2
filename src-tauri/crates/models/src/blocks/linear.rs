//! Products with a weight matrix.

use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// x · Wᵀ + b over the last axis, with the module's `weight` and `bias`.
pub fn linear(b: &mut GraphBuilder, x: &Var, inputs: usize, outputs: usize, bias: bool) -> Var {
    Stored::OutputsFirst.linear(b, x, inputs, outputs, bias)
}

/// x plus the module's `bias` along the last axis.
fn add_bias(b: &mut GraphBuilder, x: &Var, width: usize) -> Var {
    let bias = b.weight("bias", &[width], Fill::Bias);
    b.add(x, &bias)
}

/// Scores for each entry of a table, the table being an embedding's own: `[batch, sequence, width]` to
/// `[batch, sequence, entries]` without a second copy of the table.
pub fn tied_head(b: &mut GraphBuilder, x: &Var, table: &Var, width: usize, entries: usize) -> Var {
    let rows = b.reshape(x, &[-1, width as i64]);
    let scores = b.matmul_transposed(&rows, table);
    let (batch, sequence) = (b.size_of(x, 0), b.size_of(x, 1));
    let entries = b.ints(&[entries as i64]);
    let shape = b.concat(&[&batch, &sequence, &entries], 0);
    b.reshape_to(&scores, &shape)
}

/// Scores of every word, `[batch, sequence, width]` to `[batch, sequence, words]`, by the word table where the head is tied
/// to it, else by the module's own `weight`; with the module's `bias` or without.
pub fn word_scores(b: &mut GraphBuilder, x: &Var, tied: Option<&Var>, [width, words]: [usize; 2], bias: bool) -> Var {
    let Some(table) = tied else { return linear(b, x, width, words, bias) };
    let scores = tied_head(b, x, table, width, words);
    if bias { add_bias(b, &scores, words) } else { scores }
}

/// Which side of a weight matrix a checkpoint stores first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// `[out, in]`, as torch's Linear.
    OutputsFirst,
    /// `[in, out]`, as GPT-2's Conv1D.
    InputsFirst,
}

impl Stored {
    /// The weight of this name, `[inputs, outputs]` in the graph.
    pub fn weight(self, b: &mut GraphBuilder, name: &str, inputs: usize, outputs: usize) -> Var {
        match self {
            Self::OutputsFirst => b.linear_weight(name, inputs, outputs),
            Self::InputsFirst => b.weight(name, &[inputs, outputs], Fill::Matrix),
        }
    }

    /// A product with the module's `weight` and `bias` over the last axis.
    pub fn linear(self, b: &mut GraphBuilder, x: &Var, inputs: usize, outputs: usize, bias: bool) -> Var {
        let weight = self.weight(b, "weight", inputs, outputs);
        let product = b.matmul(x, &weight);
        if bias { add_bias(b, &product, outputs) } else { product }
    }
}
