//! Learned vectors that join a sequence, and taking vectors out of one.

use crate::{
    Attribute, Element,
    builder::{GraphBuilder, Var},
};

/// Puts vectors `[1, count, width]`, the same for every sample, in front of `[batch, sequence, width]`.
pub fn with_tokens(b: &mut GraphBuilder, tokens: &[&Var], x: &Var) -> Var {
    let spread: Vec<Var> = tokens.iter().map(|token| for_each_sample(b, token, 3, x)).collect();
    let all: Vec<&Var> = spread.iter().chain([x]).collect();
    b.concat(&all, 1)
}

/// A value `[1, …]` of so many axes once for each sample of another.
pub fn for_each_sample(b: &mut GraphBuilder, token: &Var, rank: usize, x: &Var) -> Var {
    let batch = b.size_of(x, 0);
    let rest = b.ints(&vec![1; rank - 1]);
    let shape = b.concat(&[&batch, &rest], 0);
    b.expand(token, &shape)
}

/// The vector at one place of each sequence: `[batch, width]`.
pub fn vector_at(b: &mut GraphBuilder, x: &Var, place: i64) -> Var {
    let index = b.int(place);
    b.gather(x, &index, 1)
}

/// The vector at a place of its own in each sequence: places `[batch]`, result `[batch, width]`.
pub fn vector_at_each(b: &mut GraphBuilder, x: &Var, places: &Var, width: usize) -> Var {
    let (batch, length) = (b.size_of(x, 0), b.size_of(x, 1));
    let samples = b.count_up(&batch);
    let starts = b.mul(&samples, &length);
    let rows = b.add(&starts, places);
    let flat = b.reshape(x, &[-1, width as i64]);
    b.gather(&flat, &rows, 0)
}

/// Where the largest number of each row is, the first of equals: `[batch, sequence]` to `[batch]`.
pub fn place_of_largest(b: &mut GraphBuilder, x: &Var) -> Var {
    // Engines search 32-bit numbers, not all of them 64-bit ones.
    let x = b.cast(x, Element::I32);
    b.node("ArgMax", &[&x], Element::I64, &[("axis", Attribute::Int(-1)), ("keepdims", Attribute::Int(0))])
}

/// Brought to length 1 over the last axis.
pub fn unit_length(b: &mut GraphBuilder, x: &Var) -> Var {
    let length = b.length(x, &[-1]);
    b.div(x, &length)
}
