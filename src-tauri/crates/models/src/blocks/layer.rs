//! A layer of a transformer encoder: attention and a position-wise network, each with its residual and its norm.

use super::{Activation, Attention, feed_forward, layer_norm};
use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

#[derive(Clone, Copy)]
pub struct Layer<'a> {
    pub attention: Attention<'a>,
    /// Modules: the attention, its norm, the network's norm.
    pub modules: [&'a str; 3],
    /// Modules of the network's two products.
    pub network: [&'a str; 2],
    pub inner: usize,
    pub activation: Activation,
    pub epsilon: f64,
    /// Whether the norms come before what they belong to, or after its residual.
    pub norm_first: bool,
    /// Weights that scale what is added by each of the two, where there are any.
    pub scales: Option<[&'a str; 2]>,
}

impl Layer<'_> {
    /// `[batch, sequence, width]` to the same.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let sizes = [self.attention.heads.width, self.inner];
        self.apply_with(b, x, |b, x| feed_forward(b, x, self.network, sizes, self.activation, true))
    }

    /// The same with another position-wise network.
    pub fn apply_with(
        &self,
        b: &mut GraphBuilder,
        x: &Var,
        network: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
    ) -> Var {
        let [attention, attention_norm, network_norm] = self.modules;
        let x = self.step(b, x, attention_norm, 0, |b, x| self.attention.apply(&mut b.at(attention), x));
        self.step(b, &x, network_norm, 1, network)
    }

    fn step(
        &self,
        b: &mut GraphBuilder,
        x: &Var,
        norm: &str,
        place: usize,
        step: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
    ) -> Var {
        let width = self.attention.heads.width;
        let normal = |b: &mut GraphBuilder, x: &Var| layer_norm(&mut b.at(norm), x, width, self.epsilon);
        let seen = if self.norm_first { normal(b, x) } else { x.clone() };
        let mut made = step(b, &seen);
        if let Some(scales) = self.scales {
            let scale = b.weight(scales[place], &[width], Fill::Ones);
            made = b.mul(&made, &scale);
        }
        let sum = b.add(&made, x);
        if self.norm_first { sum } else { normal(b, &sum) }
    }
}
