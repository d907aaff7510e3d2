//! The position-wise networks of decoders.

use crate::{
    blocks::{Activation, Experts, GATED, Stored, gated_feed_forward, gated_together},
    builder::{GraphBuilder, Var},
};

#[derive(Clone)]
pub enum FeedForward {
    /// Out of the narrow width, through the activation, and back.
    Plain {
        modules: [&'static str; 2],
        inner: usize,
        activation: Activation,
        bias: bool,
        stored: Stored,
    },
    /// In modules `gate_proj`, `up_proj` and `down_proj`.
    Gated {
        inner: usize,
        activation: Activation,
        bias: bool,
    },
    /// One product for gate and up, in this order, and one for down, in two modules of these names.
    GatedTogether {
        modules: [&'static str; 2],
        inner: usize,
        activation: Activation,
        bias: bool,
    },
    Experts(Box<Experts>),
}

impl FeedForward {
    /// `[batch, sequence, width]` to the same.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var, width: usize) -> Var {
        match *self {
            Self::Plain { modules, inner, activation, bias, stored } => {
                let [up, down] = modules;
                let wide = stored.linear(&mut b.at(up), x, width, inner, bias);
                let active = activation.apply(&mut b.at(up), &wide);
                stored.linear(&mut b.at(down), &active, inner, width, bias)
            }
            Self::Gated { inner, activation, bias } => {
                gated_feed_forward(b, x, GATED, [width, inner], activation, bias)
            }
            Self::GatedTogether { modules, inner, activation, bias } => {
                gated_together(b, x, modules, [width, inner], activation, bias)
            }
            Self::Experts(ref experts) => experts.apply(b, x, width),
        }
    }
}
