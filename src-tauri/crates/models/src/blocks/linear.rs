//! Products with a weight matrix.

use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// x · Wᵀ + b over the last axis, with the module's `weight` and `bias`.
pub fn linear(b: &mut GraphBuilder, x: &Var, inputs: usize, outputs: usize, bias: bool) -> Var {
    let weight = b.linear_weight("weight", inputs, outputs);
    let product = b.matmul(x, &weight);
    if !bias {
        return product;
    }
    let bias = b.weight("bias", &[outputs], Fill::Bias);
    b.add(&product, &bias)
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
