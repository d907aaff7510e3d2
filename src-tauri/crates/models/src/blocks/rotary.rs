//! Rotary position embedding: queries and keys are turned by an angle that grows with their position.

use super::rotation::{Frequencies, Rotation};
use crate::{
    Element,
    builder::{GraphBuilder, Var},
};

/// Cosines and sines of all positions, made once for the layers that share them.
pub struct Rotary {
    /// `[…, sequence, 2 · pairs]`, the pairs twice one after the other.
    cos: Var,
    sin: Var,
    pairs: usize,
    /// Whether neighbouring numbers are a pair, rather than one from each half.
    interleaved: bool,
}

impl Rotary {
    /// `positions` is a vector, the place of each token. The angles are computed in f32, since f16 has too few digits for
    /// late positions.
    pub fn new(b: &mut GraphBuilder, rotation: &Rotation, positions: &Var) -> Self {
        let pairs = rotation.pairs();
        let table = match &rotation.frequencies {
            Frequencies::Fixed(frequencies) => b.table("inv_freq", &[1, pairs], frequencies),
            Frequencies::ByLength { short, long, limit } => {
                let short = b.table("inv_freq", &[1, pairs], short);
                let long = b.table("long_inv_freq", &[1, pairs], long);
                let last = b.ints(&[-1]);
                let last = b.gather(positions, &last, 0);
                let limit = b.int(*limit as i64);
                let within = b.less(&last, &limit);
                b.choose(&within, &short, &long)
            }
        };
        let positions = b.cast(positions, Element::F32);
        let positions = b.unsqueeze(&positions, 1);
        let angles = b.mul(&positions, &table);
        Self::of_angles(b, &angles, rotation)
    }

    /// Of angles in f32, whatever positions they come from: `[…, sequence, pairs]`, stretched to
    /// `[batch, heads, sequence, pairs]`.
    pub fn of_angles(b: &mut GraphBuilder, angles: &Var, rotation: &Rotation) -> Self {
        let angles = b.concat(&[angles, angles], -1);
        let [cos, sin] = ["Cos", "Sin"].map(|op| {
            let wave = b.unary(op, &angles);
            let wave = if rotation.factor == 1.0 {
                wave
            } else {
                let factor = b.scalar_as(Element::F32, rotation.factor);
                b.mul(&wave, &factor)
            };
            b.cast_float(&wave)
        });
        Self { cos, sin, pairs: rotation.pairs(), interleaved: rotation.interleaved }
    }

    /// Turns the first `2 · pairs` numbers of each head: `[batch, heads, sequence, head width]`.
    ///
    /// Neighbouring pairs come out with their halves apart; queries and keys alike, so that their products stay the same.
    pub fn turn(&self, b: &mut GraphBuilder, x: &Var, head_width: usize) -> Var {
        let turned = 2 * self.pairs;
        if turned == head_width {
            return self.turn_all(b, x);
        }
        let parts = b.split(x, &[turned, head_width - turned], -1);
        let front = self.turn_all(b, &parts[0]);
        b.concat(&[&front, &parts[1]], -1)
    }

    fn turn_all(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let pairs = self.pairs as i64;
        let x = if self.interleaved {
            let apart = b.reshape(x, &[0, 0, -1, pairs, 2]);
            let apart = b.transpose(&apart, &[0, 1, 2, 4, 3]);
            b.reshape(&apart, &[0, 0, -1, 2 * pairs])
        } else {
            x.clone()
        };
        let halves = b.split(&x, &[self.pairs, self.pairs], -1);
        let negative = b.unary("Neg", &halves[1]);
        let quarter_turn = b.concat(&[&negative, &halves[0]], -1);
        let along = b.mul(&x, &self.cos);
        let across = b.mul(&quarter_turn, &self.sin);
        b.add(&along, &across)
    }
}
