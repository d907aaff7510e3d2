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
