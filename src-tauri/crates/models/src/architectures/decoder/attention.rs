//! How queries, keys and values are had from a vector: three products, or one that holds all of them.

use crate::{
    blocks::{Attention, Heads, Past, Stored, linear, rms_norm},
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
    Latent(Latent),
}

/// Keys and values out of one narrow vector, and the part of a key that is turned, which all heads share; queries out of a
/// narrow vector too where `query_rank` says how wide (DeepSeek-AI 2024, arXiv 2405.04434, section 2.1).
#[derive(Clone, Copy)]
pub struct Latent {
    pub query_rank: Option<usize>,
    pub rank: usize,
    /// Numbers of a head that are turned; the others come before them.
    pub turned: usize,
    pub bias: bool,
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
        let [query, key, value] = self.parts(b, attention, x);
        let mixed = attention.attend(b, &query, &key, &value);
        self.output(b, attention, &mixed)
    }

    /// Of tokens that come after `past`; gives what the next token's `past` is as well.
    pub fn attend_cached(
        &self,
        b: &mut GraphBuilder,
        attention: &Attention,
        x: &Var,
        past: Option<&Past>,
    ) -> (Var, Past) {
        let [query, key, value] = self.parts(b, attention, x);
        let (mixed, present) = attention.attend_cached(b, &query, &key, &value, past);
        (self.output(b, attention, &mixed), present)
    }

    /// Queries, keys and values, each `[batch, sequence, heads, …]`.
    fn parts(&self, b: &mut GraphBuilder, attention: &Attention, x: &Var) -> [Var; 3] {
        match self {
            Self::Apart { modules, bias } => Attention { modules: *modules, bias: *bias, ..*attention }.project(b, x),
            Self::Fused(fused) => fused.parts(b, attention.heads, x),
            Self::Latent(latent) => latent.parts(b, attention.heads, x),
        }
    }

    fn output(&self, b: &mut GraphBuilder, attention: &Attention, mixed: &Var) -> Var {
        let heads = attention.heads;
        let (module, bias, stored) = match self {
            Self::Apart { modules, bias } => (modules[3], bias[3], Stored::OutputsFirst),
            Self::Fused(fused) => (fused.modules[1], fused.bias[1], fused.stored),
            Self::Latent(latent) => ("o_proj", latent.bias, Stored::OutputsFirst),
        };
        stored.linear(&mut b.at(module), mixed, heads.mixed_width(), heads.width, bias)
    }
}

impl Latent {
    /// Queries, keys and values, each `[batch, sequence, heads, …]`, the turned numbers first: their order is nothing to
    /// the products of queries and keys.
    fn parts(&self, b: &mut GraphBuilder, heads: Heads, x: &Var) -> [Var; 3] {
        const EPSILON: f64 = 1e-6;
        let Heads { width, count, head_width, value_width, .. } = heads;
        let (turned, kept) = (self.turned, head_width - self.turned);
        let queries = match self.query_rank {
            None => linear(&mut b.at("q_proj"), x, width, heads.query_width(), false),
            Some(rank) => {
                let narrow = linear(&mut b.at("q_a_proj"), x, width, rank, self.bias);
                let narrow = rms_norm(&mut b.at("q_a_layernorm"), &narrow, rank, EPSILON);
                linear(&mut b.at("q_b_proj"), &narrow, rank, heads.query_width(), false)
            }
        };
        let queries = b.reshape(&queries, &[0, 0, count as i64, head_width as i64]);
        let parts = b.split(&queries, &[kept, turned], -1);
        let query = b.concat(&[&parts[1], &parts[0]], -1);

        let both = linear(&mut b.at("kv_a_proj_with_mqa"), x, width, self.rank + turned, self.bias);
        let narrow = b.split(&both, &[self.rank, turned], -1);
        let latent = rms_norm(&mut b.at("kv_a_layernorm"), &narrow[0], self.rank, EPSILON);
        let wide = linear(&mut b.at("kv_b_proj"), &latent, self.rank, count * (kept + value_width), false);
        let wide = b.reshape(&wide, &[0, 0, count as i64, (kept + value_width) as i64]);
        let parts = b.split(&wide, &[kept, value_width], -1);
        let shared = b.unsqueeze(&narrow[1], 2);
        let (batch, length) = (b.size_of(x, 0), b.size_of(x, 1));
        let rest = b.ints(&[count as i64, turned as i64]);
        let shape = b.concat(&[&batch, &length, &rest], 0);
        let shared = b.expand(&shared, &shape);
        [query, b.concat(&[&shared, &parts[0]], -1), parts[1].clone()]
    }
}

impl Fused {
    /// Queries, keys and values out of the one product: each `[batch, sequence, heads, head width]`.
    fn parts(&self, b: &mut GraphBuilder, heads: Heads, x: &Var) -> [Var; 3] {
        let Heads { width, count, key_value_count, head_width, .. } = heads;
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
}
