//! Attention masks as numbers to be added to the scores: 0 where a position is seen, the lowest number where it is not.

use crate::{
    Element,
    builder::{GraphBuilder, Var},
};

/// Of an attention mask `[batch, sequence]` of ones and zeros: `[batch, 1, 1, sequence]`.
pub fn padding_mask(b: &mut GraphBuilder, attention_mask: &Var) -> Var {
    let mask = b.unsqueeze(attention_mask, 1);
    let mask = b.unsqueeze(&mask, 2);
    let mask = b.cast_float(&mask);
    let (one, lowest) = (b.scalar(1.0), lowest(b));
    let hidden = b.sub(&one, &mask);
    b.mul(&hidden, &lowest)
}

/// Each position sees itself and what came before, unless that is padding: `[batch, 1, sequence, sequence]`.
pub fn causal_mask(b: &mut GraphBuilder, attention_mask: &Var, sequence: &Var) -> Var {
    let positions = b.count_up(sequence);
    let (keys, queries) = (b.unsqueeze(&positions, 0), b.unsqueeze(&positions, 1));
    let before = b.less_or_equal(&keys, &queries);
    let real = b.cast(attention_mask, Element::Bool);
    let real = b.unsqueeze(&real, 1);
    let real = b.unsqueeze(&real, 1);
    let seen = b.both(&before, &real);
    let (zero, lowest) = (b.scalar(0.0), lowest(b));
    b.choose(&seen, &zero, &lowest)
}

/// The most negative number of the activations' element.
fn lowest(b: &mut GraphBuilder) -> Var {
    let value = match b.float() {
        Element::F16 => half::f16::MIN.to_f64(),
        Element::Bf16 => half::bf16::MIN.to_f64(),
        _ => f64::from(f32::MIN),
    };
    b.scalar(value)
}
