//! How queries, keys and values are had from a vector: three products, or one that holds all of them.

use crate::{
    blocks::{Attention, Heads, Past, Stored},
    builder::{GraphBuilder, Var},
};

#[derive(Clone, Copy)]
pub enum Projection {
    /// Modules of query, key, value and output, and which have biases.
    Apart {
        modules: [&'static str; 4],
        bias: [bool; 4],
    },
    Fused(Fused),
}

/// One product for queries, keys and values, and one for the output.
#[derive(Clone, Copy)]
pub struct Fused {
    pub modules: [&'static str; 2],
    pub bias: [bool; 2],
    pub layout: Layout,
    pub stored: Stored,
}

/// The order of rows in a product of queries, keys and values.
#[derive(Clone, Copy)]
pub enum Layout {
    /// All queries, all keys, all values.
    Blocks,
    /// For each key: the queries it serves, the key, the value.
    Groups,
    /// So many times: a share of the queries, of the values, of the keys.
    Shards(usize),
}

impl Projection {
    pub fn attend(&self, b: &mut GraphBuilder, attention: &Attention, x: &Var) -> Var {
        match self {
            Self::Apart { modules, bias } => Attention { modules: *modules, bias: *bias, ..*attention }.apply(b, x),
            Self::Fused(fused) => {
                let [query, key, value] = fused.parts(b, attention.heads, x);
                let mixed = attention.attend(b, &query, &key, &value);
                fused.output(b, attention.heads, &mixed)
            }
        }
    }

    /// Of tokens that come after `past`; gives what the next token's `past` is as well.
    pub fn attend_cached(
        &self,
        b: &mut GraphBuilder,
        attention: &Attention,
        x: &Var,
        past: Option<&Past>,
    ) -> (Var, Past) {
        match self {
            Self::Apart { modules, bias } => {
                Attention { modules: *modules, bias: *bias, ..*attention }.apply_cached(b, x, past)
            }
            Self::Fused(fused) => {
                let [query, key, value] = fused.parts(b, attention.heads, x);
                let (mixed, present) = attention.attend_cached(b, &query, &key, &value, past);
                (fused.output(b, attention.heads, &mixed), present)
            }
        }
    }
}

impl Fused {
    /// Queries, keys and values out of the one product: each `[batch, sequence, heads, head width]`.
    fn parts(&self, b: &mut GraphBuilder, heads: Heads, x: &Var) -> [Var; 3] {
        let Heads { width, count, key_value_count, head_width } = heads;
        let (queries, keys) = (heads.query_width(), heads.key_value_width());
        let mut b = b.at(self.modules[0]);
        let all = self.stored.linear(&mut b, x, width, queries + 2 * keys, self.bias[0]);
        let apart =
            |b: &mut GraphBuilder, part: &Var, heads: usize| b.reshape(part, &[0, 0, heads as i64, head_width as i64]);
        match self.layout {
            Layout::Blocks => {
                let parts = b.split(&all, &[queries, keys, keys], -1);
                let heads = [count, key_value_count, key_value_count];
                std::array::from_fn(|index| apart(&mut b, &parts[index], heads[index]))
            }
            Layout::Groups => {
                let served = count / key_value_count;
                let groups = b.reshape(&all, &[0, 0, key_value_count as i64, ((served + 2) * head_width) as i64]);
                let parts = b.split(&groups, &[served * head_width, head_width, head_width], -1);
                [apart(&mut b, &parts[0], count), parts[1].clone(), parts[2].clone()]
            }
            Layout::Shards(shards) => {
                let share = queries / shards;
                let sharded = b.reshape(&all, &[0, 0, shards as i64, (3 * share) as i64]);
                let parts = b.split(&sharded, &[share, share, share], -1);
                [0, 2, 1].map(|index: usize| apart(&mut b, &parts[index], count))
            }
        }
    }

    fn output(&self, b: &mut GraphBuilder, heads: Heads, mixed: &Var) -> Var {
        self.stored.linear(&mut b.at(self.modules[1]), mixed, heads.query_width(), heads.width, self.bias[1])
    }
}
