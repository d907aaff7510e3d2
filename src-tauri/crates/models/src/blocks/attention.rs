//! Scaled dot-product attention over several heads, with shared keys and values where there are fewer of them.

use super::{Rotary, linear};
use crate::builder::{GraphBuilder, Var};

#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Width of what goes in and comes out.
    pub width: usize,
    pub count: usize,
    /// Heads of keys and values; each serves `count / key_value_count` query heads.
    pub key_value_count: usize,
    /// Numbers per head.
    pub head_width: usize,
}

impl Heads {
    /// As many keys and values as queries, which split the width among them.
    pub fn even(width: usize, count: usize) -> Self {
        Self { width, count, key_value_count: count, head_width: width / count }
    }
}

/// Attention of a sequence to itself: `[batch, sequence, width]` to the same.
pub struct Attention<'a> {
    pub heads: Heads,
    /// Modules of the four products: query, key, value, output.
    pub modules: [&'a str; 4],
    /// Whether query, key and value have biases.
    pub bias: bool,
    pub output_bias: bool,
    /// Added to the scores; see `mask`.
    pub mask: Option<&'a Var>,
    pub rotary: Option<&'a Rotary>,
}

impl Attention<'_> {
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let Heads { width, count, key_value_count, head_width } = self.heads;
        let [query, key, value, output] = self.modules;
        let project = |b: &mut GraphBuilder, module: &str, heads: usize| {
            let mut b = b.at(module);
            let all = linear(&mut b, x, width, heads * head_width, self.bias);
            b.reshape(&all, &[0, 0, heads as i64, head_width as i64])
        };
        let query = project(b, query, count);
        let key = project(b, key, key_value_count);
        let value = project(b, value, key_value_count);

        let query = b.transpose(&query, &[0, 2, 1, 3]);
        let value = b.transpose(&value, &[0, 2, 1, 3]);
        let (query, key) = match self.rotary {
            // One transposition puts the keys as the product wants them.
            None => (query, b.transpose(&key, &[0, 2, 3, 1])),
            Some(rotary) => {
                let key = b.transpose(&key, &[0, 2, 1, 3]);
                let (query, key) = (rotary.turn(b, &query), rotary.turn(b, &key));
                (query, b.transpose(&key, &[0, 1, 3, 2]))
            }
        };
        let mixed = if count == key_value_count {
            self.mix(b, &query, &key, &value)
        } else {
            self.mix_grouped(b, &query, &key, &value)
        };
        let mixed = b.transpose(&mixed, &[0, 2, 1, 3]);
        let mixed = b.reshape(&mixed, &[0, 0, (count * head_width) as i64]);
        linear(&mut b.at(output), &mixed, count * head_width, width, self.output_bias)
    }

    /// Queries and values `[batch, heads, sequence, head width]`, keys with the last two axes swapped.
    fn mix(&self, b: &mut GraphBuilder, query: &Var, key: &Var, value: &Var) -> Var {
        let scores = b.matmul(query, key);
        let weights = self.weigh(b, &scores);
        b.matmul(&weights, value)
    }

    /// The query heads that share a key are stacked along the sequence, so that keys and values are never repeated and
    /// each product is a large one.
    fn mix_grouped(&self, b: &mut GraphBuilder, query: &Var, key: &Var, value: &Var) -> Var {
        let (groups, width) = (self.heads.key_value_count as i64, self.heads.head_width as i64);
        let sequence = b.size_of(query, 2);
        let stacked = b.reshape(query, &[0, groups, -1, width]);
        let scores = b.matmul(&stacked, key);
        let (keep, rest) = (b.ints(&[0]), b.ints(&[-1]));
        let (heads, groups) = (b.ints(&[self.heads.count as i64]), b.ints(&[groups]));
        let apart = b.concat(&[&keep, &heads, &rest, &sequence], 0);
        let together = b.concat(&[&keep, &groups, &rest, &sequence], 0);
        let scores = b.reshape_to(&scores, &apart);
        let weights = self.weigh(b, &scores);
        let weights = b.reshape_to(&weights, &together);
        let mixed = b.matmul(&weights, value);
        let mixed = b.reshape(&mixed, &[0, self.heads.count as i64, -1, width]);
        b.hint_heads(&mixed, self.heads.count, self.heads.head_width);
        mixed
    }

    fn weigh(&self, b: &mut GraphBuilder, scores: &Var) -> Var {
        let root = b.scalar((self.heads.head_width as f64).sqrt());
        let scores = b.div(scores, &root);
        let scores = match self.mask {
            Some(mask) => b.add(&scores, mask),
            None => scores,
        };
        b.softmax_last(&scores)
    }
}
