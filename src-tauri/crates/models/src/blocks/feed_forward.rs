//! The position-wise networks between attentions.

use super::{Activation, linear};
use crate::builder::{GraphBuilder, Var};

/// Out of the narrow width, through the activation, and back, in two modules of these names.
pub fn feed_forward(
    b: &mut GraphBuilder,
    x: &Var,
    [up, down]: [&str; 2],
    [width, inner]: [usize; 2],
    activation: Activation,
    bias: bool,
) -> Var {
    let wide = linear(&mut b.at(up), x, width, inner, bias);
    let active = activation.apply(&mut b.at(up), &wide);
    linear(&mut b.at(down), &active, inner, width, bias)
}

/// The usual modules of a gated network.
pub const GATED: [&str; 3] = ["gate_proj", "up_proj", "down_proj"];

/// down(activation(gate(x)) · up(x)), in three modules of these names.
pub fn gated_feed_forward(
    b: &mut GraphBuilder,
    x: &Var,
    [gate, up, down]: [&str; 3],
    [width, inner]: [usize; 2],
    activation: Activation,
    bias: bool,
) -> Var {
    let gate = linear(&mut b.at(gate), x, width, inner, bias);
    let gate = activation.apply(b, &gate);
    let up = linear(&mut b.at(up), x, width, inner, bias);
    let product = b.mul(&gate, &up);
    linear(&mut b.at(down), &product, inner, width, bias)
}

/// The same with one product for gate and up, in this order, in two modules of these names.
pub fn gated_together(
    b: &mut GraphBuilder,
    x: &Var,
    [both, down]: [&str; 2],
    [width, inner]: [usize; 2],
    activation: Activation,
    bias: bool,
) -> Var {
    let both = linear(&mut b.at(both), x, width, 2 * inner, bias);
    let product = gated_halves(b, &both, inner, activation);
    linear(&mut b.at(down), &product, inner, width, bias)
}

/// activation(gate) · up, the two being the halves of `[…, 2 · inner]`.
pub fn gated_halves(b: &mut GraphBuilder, both: &Var, inner: usize, activation: Activation) -> Var {
    let halves = b.split(both, &[inner, inner], -1);
    let gate = activation.apply(b, &halves[0]);
    b.mul(&gate, &halves[1])
}
