//! Disentangled attention: beside query and key, each of them meets a vector for the distance between the two tokens
//! (He et al. 2020, arXiv 2006.03654).

use super::{Heads, Places};
use crate::{
    ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
};

/// Attention of a sequence to itself.
#[derive(Clone, Copy)]
pub struct Disentangled<'a> {
    pub heads: Heads,
    /// Terms that the scores are the sum of, each as large as the others.
    pub terms: usize,
    /// Added to the scores, where some tokens are padding; see `mask`.
    pub mask: Option<&'a Var>,
    /// Which distance each pair of tokens has: `[batch, heads, query, key]`.
    pub places: Option<&'a Var>,
    /// Of distances, for the queries of the tokens: `[1, heads, head width, distances]`.
    pub keys: Option<&'a Var>,
    /// Of distances, for the keys of the tokens: `[1, heads, distances, head width]`.
    pub queries: Option<&'a Var>,
}

impl Disentangled<'_> {
    /// Of queries, keys and values, each `[batch, sequence, heads, head width]`: `[batch, sequence, heads · head width]`.
    pub fn apply(&self, b: &mut GraphBuilder, [query, key, value]: [&Var; 3]) -> Var {
        let query = b.transpose(query, &[0, 2, 1, 3]);
        let key = b.transpose(key, &[0, 2, 3, 1]);
        let value = b.transpose(value, &[0, 2, 1, 3]);
        let mut scores = b.matmul(&query, &key);
        if let (Some(places), Some(keys)) = (self.places, self.keys) {
            let met = b.matmul(&query, keys);
            let met = b.gather_elements(&met, places, -1);
            scores = b.add(&scores, &met);
        }
        if let (Some(places), Some(queries)) = (self.places, self.queries) {
            let met = b.matmul(queries, &key);
            let met = b.gather_elements(&met, places, -2);
            scores = b.add(&scores, &met);
        }
        let root = b.scalar(((self.heads.head_width * self.terms) as f64).sqrt());
        let mut scores = b.div(&scores, &root);
        if let Some(mask) = self.mask {
            scores = b.add(&scores, mask);
        }
        let weights = b.softmax_last(&scores);
        let mixed = b.matmul(&weights, &value);
        let mixed = b.transpose(&mixed, &[0, 2, 1, 3]);
        b.reshape(&mixed, &[0, 0, self.heads.query_width() as i64])
    }
}

/// Which distances share a vector. There are as many for keys before the query as for those after it.
#[derive(Clone, Copy, Debug)]
pub enum Buckets {
    /// Each distance below this has its own, all others share the last.
    Each(usize),
    /// So many each way: near distances have their own, far ones share, the more the farther, up to `furthest`.
    Shared { count: usize, furthest: usize },
}

impl Buckets {
    /// `count` buckets each way, or one for each of the `most` distances.
    pub fn read(config: &Config, count: Option<usize>, most: usize) -> Result<Self, ModelError> {
        const MOST: usize = 1 << 16;
        const KEY: &str = "position_buckets";
        let Some(count) = count else { return Ok(Self::Each(most)) };
        if count < 4 || count / 2 + 1 >= most || most > MOST {
            let reason = format!("this should be at least 4, and half of it well below {most}, the furthest distance");
            return Err(config.refuse(KEY, reason, "Usual are 256 buckets for distances up to 512"));
        }
        Ok(Self::Shared { count, furthest: most })
    }

    /// Buckets each way.
    pub fn span(self) -> usize {
        match self {
            Self::Each(most) => most,
            Self::Shared { count, .. } => count,
        }
    }

    /// Of the vectors of all distances those that can occur, and the place of each pair's among them: `[query, key]`.
    pub fn apply(self, b: &mut GraphBuilder, vectors: &Var, places: &Places) -> (Var, Var) {
        let (keys, queries) = places.crossed(b);
        let distance = b.sub(&queries, &keys);
        match self {
            Self::Each(most) => {
                // Text this long has no distance beyond its own length.
                let most = b.ints(&[most as i64]);
                let length = b.size_of(&places.keys, 0);
                let span = b.smaller(&length, &most);
                let (start, end) = (b.sub(&most, &span), b.add(&most, &span));
                let vectors = b.slice_between(vectors, &start, &end, 0);
                let (zero, one) = (b.ints(&[0]), b.ints(&[1]));
                let twice = b.add(&span, &span);
                let last = b.sub(&twice, &one);
                let place = b.add(&distance, &span);
                let place = b.larger(&place, &zero);
                (vectors, b.smaller(&place, &last))
            }
            Self::Shared { furthest, .. } => {
                let furthest = furthest as i64;
                let table: Vec<i64> = (-furthest..=furthest).map(|distance| self.place(distance)).collect();
                let table = b.index_table("buckets", &[table.len()], &table);
                let (least, most) = (b.int(-furthest), b.int(furthest));
                let distance = b.larger(&distance, &least);
                let distance = b.smaller(&distance, &most);
                let row = b.add(&distance, &most);
                (vectors.clone(), b.gather(&table, &row, 0))
            }
        }
    }

    /// The place of a query so many tokens behind its key.
    ///
    /// Computed in f32 as torch does, so that distances on the edge of two buckets fall on the same side.
    fn place(self, distance: i64) -> i64 {
        let span = self.span() as i64;
        let bucket = match self {
            Self::Each(_) => distance,
            Self::Shared { count, furthest } => {
                let middle = (count / 2) as i64;
                if distance.abs() <= middle {
                    distance
                } else {
                    let reach = ((furthest - 1) as f32 / middle as f32).ln();
                    let beyond = (distance.abs() as f32 / middle as f32).ln() / reach * (middle - 1) as f32;
                    distance.signum() * (beyond.ceil() as i64 + middle)
                }
            }
        };
        (bucket + span).clamp(0, 2 * span - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_buckets_of_their_own_and_far_ones_share() {
        let buckets = Buckets::Shared { count: 256, furthest: 512 };
        let found =
            [-600, -512, -511, -300, -129, -128, -1, 0, 1, 128, 129, 300, 511, 512].map(|one| buckets.place(one));
        assert_eq!(found, [0, 0, 1, 49, 127, 128, 255, 256, 257, 384, 385, 463, 511, 511]);
    }
}
