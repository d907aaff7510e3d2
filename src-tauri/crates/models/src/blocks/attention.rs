//! Scaled dot-product attention over several heads, with shared keys and values where there are fewer of them.

use super::{Norm, Rotary, linear};
use crate::{
    builder::{GraphBuilder, Var},
    weights::Fill,
};

#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Width of what goes in and comes out.
    pub width: usize,
    pub count: usize,
    /// Heads of keys and values; each serves `count / key_value_count` query heads.
    pub key_value_count: usize,
    /// Numbers per head of queries and keys.
    pub head_width: usize,
    /// Numbers per head of values.
    pub value_width: usize,
}

impl Heads {
    /// As many keys and values as queries, which split the width among them.
    pub fn even(width: usize, count: usize) -> Self {
        Self { width, count, key_value_count: count, head_width: width / count, value_width: width / count }
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.count * self.head_width
    }

    /// Width of what all query heads mix together.
    pub fn mixed_width(&self) -> usize {
        self.count * self.value_width
    }

    /// Width of all key heads, or all value heads, together.
    pub fn key_value_width(&self) -> usize {
        self.key_value_count * self.head_width
    }
}

/// Places of queries, keys and values among the products.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// Attention of a sequence to itself or to a context: `[batch, sequence, width]` to the same.
#[derive(Clone, Copy)]
pub struct Attention<'a> {
    pub heads: Heads,
    /// Modules of the four products: query, key, value, output.
    pub modules: [&'a str; 4],
    /// Whether each of the four has a bias.
    pub bias: [bool; 4],
    pub scale: Scale,
    /// Scores are kept between ± this by a hyperbolic tangent.
    pub cap: Option<f64>,
    /// Added to the scores, and stretched to `[batch, heads, query, key]`; see `mask`. Relative biases are part of it.
    pub mask: Option<&'a Var>,
    pub rotary: Option<&'a Rotary>,
    pub norm: Option<HeadNorm<'a>>,
    pub context: Option<Context<'a>>,
    /// A weight of a score for each head that weighs against those of the keys and mixes nothing in.
    pub sinks: Option<&'a str>,
}

/// What the products of queries and keys are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// 1 / √(head width).
    Root,
    By(f64),
    None,
}

/// Queries and keys are normalised before they meet, and before they are turned.
#[derive(Clone, Copy)]
pub struct HeadNorm<'a> {
    /// Modules of the norms of queries and of keys.
    pub modules: [&'a str; 2],
    pub norm: Norm,
    /// Over all heads together rather than each by itself.
    pub whole: bool,
}

/// The sequence that keys and values come from in cross-attention.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// `[batch, keys, width]`.
    pub states: &'a Var,
    pub width: usize,
}

/// Keys and values of tokens read before, each `[batch, key and value heads, tokens, head width]`; keys are turned already.
#[derive(Clone, Debug)]
pub struct Past {
    pub key: Var,
    pub value: Var,
}

impl<'a> Attention<'a> {
    /// To itself, with biases in all four products and scores divided by the root of the head width.
    pub fn new(heads: Heads, modules: [&'a str; 4]) -> Self {
        Self {
            heads,
            modules,
            bias: [true; 4],
            scale: Scale::Root,
            cap: None,
            mask: None,
            rotary: None,
            norm: None,
            context: None,
            sinks: None,
        }
    }

    /// The four products with attention between them.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let [query, key, value] = self.project(b, x);
        let mixed = self.attend(b, &query, &key, &value);
        self.output(b, &mixed)
    }

    /// Of tokens that come after `past`; gives what the next token's `past` is as well.
    pub fn apply_cached(&self, b: &mut GraphBuilder, x: &Var, past: Option<&Past>) -> (Var, Past) {
        let [query, key, value] = self.project(b, x);
        let (mixed, present) = self.attend_cached(b, &query, &key, &value, past);
        (self.output(b, &mixed), present)
    }

    /// Of a sequence to one that was read before, of which [`Attention::apply_cached`] kept keys and values.
    pub fn apply_kept(&self, b: &mut GraphBuilder, x: &Var, kept: &Past) -> Var {
        let query = self.part(b, QUERY, x, self.heads.width);
        let query = self.normal(b, QUERY, &query);
        let query = b.transpose(&query, &[0, 2, 1, 3]);
        let key = b.transpose(&kept.key, &[0, 1, 3, 2]);
        let mixed = self.mixed(b, &query, &key, &kept.value);
        self.output(b, &mixed)
    }

    /// Queries, keys and values: each `[batch, sequence, heads, head width]`.
    pub fn project(&self, b: &mut GraphBuilder, x: &Var) -> [Var; 3] {
        let width = self.heads.width;
        let (source, source_width) = match self.context {
            Some(context) => (context.states, context.width),
            None => (x, width),
        };
        let parts = [(QUERY, x, width), (KEY, source, source_width), (VALUE, source, source_width)];
        parts.map(|(part, from, from_width)| self.part(b, part, from, from_width))
    }

    /// One of them.
    fn part(&self, b: &mut GraphBuilder, part: usize, from: &Var, from_width: usize) -> Var {
        let (heads, head_width) = (self.heads_of(part), self.heads.head_width);
        let mut module = b.at(self.modules[part]);
        let all = linear(&mut module, from, from_width, heads * head_width, self.bias[part]);
        module.reshape(&all, &[0, 0, heads as i64, head_width as i64])
    }

    fn heads_of(&self, part: usize) -> usize {
        if part == QUERY { self.heads.count } else { self.heads.key_value_count }
    }

    fn output(&self, b: &mut GraphBuilder, mixed: &Var) -> Var {
        linear(&mut b.at(self.modules[3]), mixed, self.heads.mixed_width(), self.heads.width, self.bias[3])
    }

    /// Of what was projected already, each `[batch, sequence, heads, head width]`: `[batch, sequence, heads · value width]`.
    pub fn attend(&self, b: &mut GraphBuilder, query: &Var, key: &Var, value: &Var) -> Var {
        let [query, key] = [(QUERY, query), (KEY, key)].map(|(part, x)| self.normal(b, part, x));
        let query = b.transpose(&query, &[0, 2, 1, 3]);
        let value = b.transpose(value, &[0, 2, 1, 3]);
        let (query, key) = match self.rotary {
            // One transposition puts the keys as the product wants them.
            None => (query, b.transpose(&key, &[0, 2, 3, 1])),
            Some(rotary) => {
                let key = b.transpose(&key, &[0, 2, 1, 3]);
                let [query, key] = [query, key].map(|part| rotary.turn(b, &part, self.heads.head_width));
                (query, b.transpose(&key, &[0, 1, 3, 2]))
            }
        };
        self.mixed(b, &query, &key, &value)
    }

    /// The same of a sequence to itself, its three products being one matrix of a module.
    pub fn attend_together(&self, b: &mut GraphBuilder, x: &Var, module: &str, bias: bool) -> Var {
        let Heads { width, count, head_width, .. } = self.heads;
        let all = linear(&mut b.at(module), x, width, 3 * width, bias);
        let parts = b.split(&all, &[width; 3], -1);
        let shape = [0, 0, count as i64, head_width as i64];
        let [query, key, value] = [0, 1, 2].map(|part| b.reshape(&parts[part], &shape));
        self.attend(b, &query, &key, &value)
    }

    /// The same of tokens that come after `past`.
    pub fn attend_cached(
        &self,
        b: &mut GraphBuilder,
        query: &Var,
        key: &Var,
        value: &Var,
        past: Option<&Past>,
    ) -> (Var, Past) {
        let [query, key] = [(QUERY, query), (KEY, key)].map(|(part, x)| self.normal(b, part, x));
        let [query, key, value] = [&query, &key, value].map(|part| b.transpose(part, &[0, 2, 1, 3]));
        let [query, key] = match self.rotary {
            None => [query, key],
            Some(rotary) => [query, key].map(|part| rotary.turn(b, &part, self.heads.head_width)),
        };
        let present = match past {
            None => Past { key, value },
            Some(past) => Past { key: b.concat(&[&past.key, &key], 2), value: b.concat(&[&past.value, &value], 2) },
        };
        let key = b.transpose(&present.key, &[0, 1, 3, 2]);
        let mixed = self.mixed(b, &query, &key, &present.value);
        (mixed, present)
    }

    /// Queries or keys as they meet.
    fn normal(&self, b: &mut GraphBuilder, part: usize, x: &Var) -> Var {
        let Some(HeadNorm { modules, norm, whole }) = self.norm else { return x.clone() };
        let (heads, head_width) = (self.heads_of(part), self.heads.head_width);
        let mut b = b.at(modules[part]);
        if !whole {
            return norm.apply(&mut b, x, head_width);
        }
        let all = b.reshape(x, &[0, 0, (heads * head_width) as i64]);
        let all = norm.apply(&mut b, &all, heads * head_width);
        b.reshape(&all, &[0, 0, heads as i64, head_width as i64])
    }

    /// Queries and values `[batch, heads, sequence, head width]`, keys with the last two axes swapped.
    fn mixed(&self, b: &mut GraphBuilder, query: &Var, key: &Var, value: &Var) -> Var {
        let mixed = if self.heads.count == self.heads.key_value_count {
            let scores = b.matmul(query, key);
            let weights = self.weigh(b, &scores);
            b.matmul(&weights, value)
        } else {
            self.mix_grouped(b, query, key, value)
        };
        let mixed = b.transpose(&mixed, &[0, 2, 1, 3]);
        b.reshape(&mixed, &[0, 0, self.heads.mixed_width() as i64])
    }

    /// The query heads that share a key are stacked along the sequence, so that keys and values are never repeated and
    /// each product is a large one.
    fn mix_grouped(&self, b: &mut GraphBuilder, query: &Var, key: &Var, value: &Var) -> Var {
        let (groups, width) = (self.heads.key_value_count as i64, self.heads.head_width as i64);
        let keys = b.size_of(key, 3);
        let stacked = b.reshape(query, &[0, groups, -1, width]);
        let scores = b.matmul(&stacked, key);
        let (keep, rest) = (b.ints(&[0]), b.ints(&[-1]));
        let (heads, groups) = (b.ints(&[self.heads.count as i64]), b.ints(&[groups]));
        let apart = b.concat(&[&keep, &heads, &rest, &keys], 0);
        let together = b.concat(&[&keep, &groups, &rest, &keys], 0);
        let scores = b.reshape_to(&scores, &apart);
        let weights = self.weigh(b, &scores);
        let weights = b.reshape_to(&weights, &together);
        let mixed = b.matmul(&weights, value);
        let mixed = b.reshape(&mixed, &[0, self.heads.count as i64, -1, self.heads.value_width as i64]);
        b.hint_heads(&mixed, self.heads.count, self.heads.value_width);
        mixed
    }

    fn weigh(&self, b: &mut GraphBuilder, scores: &Var) -> Var {
        let scores = match self.scale {
            Scale::None => scores.clone(),
            Scale::By(factor) => {
                let factor = b.scalar(factor);
                b.mul(scores, &factor)
            }
            Scale::Root => {
                let root = b.scalar((self.heads.head_width as f64).sqrt());
                b.div(scores, &root)
            }
        };
        let scores = match self.cap {
            None => scores,
            Some(cap) => capped(b, &scores, cap),
        };
        let scores = match self.mask {
            Some(mask) => b.add(&scores, mask),
            None => scores,
        };
        let Some(name) = self.sinks else { return b.softmax_last(&scores) };
        let sinks = b.weight(name, &[self.heads.count], Fill::Bias);
        let sinks = b.reshape(&sinks, &[1, self.heads.count as i64, 1, 1]);
        let sizes = [0, 1, 2].map(|axis| b.size_of(&scores, axis));
        let one = b.ints(&[1]);
        let shape = b.concat(&[&sizes[0], &sizes[1], &sizes[2], &one], 0);
        let sinks = b.expand(&sinks, &shape);
        let all = b.concat(&[&scores, &sinks], -1);
        let weights = b.softmax_last(&all);
        b.slice(&weights, [0, -1], -1)
    }
}

/// tanh(x / cap) · cap.
pub fn capped(b: &mut GraphBuilder, x: &Var, cap: f64) -> Var {
    let cap = b.scalar(cap);
    let small = b.div(x, &cap);
    let bent = b.unary("Tanh", &small);
    b.mul(&bent, &cap)
}
