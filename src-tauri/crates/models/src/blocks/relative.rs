//! T5's relative positions: a bias for each head that depends on how far the key is from the query.

use super::Places;
use crate::{
    ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};

/// Distances share buckets, the wider the farther (Raffel et al. 2020, section 2.1).
#[derive(Clone, Copy, Debug)]
pub struct RelativeBias {
    pub heads: usize,
    pub buckets: usize,
    /// From this distance on all share the last bucket.
    pub furthest: usize,
    /// Whether keys behind the query have buckets of their own.
    pub both_ways: bool,
}

impl RelativeBias {
    /// As `relative_attention_num_buckets` and `relative_attention_max_distance` say, which must leave room for near and
    /// far distances.
    pub fn read(config: &Config, heads: usize) -> Result<Self, ModelError> {
        const MOST: usize = 1 << 16;
        let (buckets_key, furthest_key) = ("relative_attention_num_buckets", "relative_attention_max_distance");
        let buckets = config.size(buckets_key, 32)?;
        let furthest = config.size(furthest_key, 128)?;
        if buckets < 4 {
            return Err(config.refuse(buckets_key, "this should be at least 4", "Usual is 32"));
        }
        if furthest > MOST {
            return Err(config.refuse(furthest_key, format!("this should be at most {MOST}"), "Usual is 128"));
        }
        if furthest <= buckets / 2 {
            let reason = format!("half of them is not below the furthest distance ({furthest_key}), {furthest}");
            return Err(config.refuse(buckets_key, reason, "Usual are 32 buckets for distances up to 128"));
        }
        Ok(Self { heads, buckets, furthest, both_ways: true })
    }

    /// The module's `weight`, `[buckets, heads]`, spread to `[1, heads, query, key]`.
    pub fn apply(&self, b: &mut GraphBuilder, places: &Places) -> Var {
        let weight = b.weight("weight", &[self.buckets, self.heads], Fill::Matrix);
        // The bias of each distance is looked up once: engines fold it into one small table.
        let furthest = self.furthest as i64;
        let buckets: Vec<i64> = (-furthest..=furthest).map(|distance| self.bucket(distance)).collect();
        let buckets = b.index_table("buckets", &[buckets.len()], &buckets);
        let by_distance = b.gather(&weight, &buckets, 0);

        let (keys, queries) = places.crossed(b);
        let distance = b.sub(&keys, &queries);
        let (near, far, middle) = (b.int(-furthest), b.int(furthest), b.int(furthest));
        let distance = b.larger(&distance, &near);
        let distance = b.smaller(&distance, &far);
        let row = b.add(&distance, &middle);
        let bias = b.gather(&by_distance, &row, 0);
        let bias = b.transpose(&bias, &[2, 0, 1]);
        b.unsqueeze(&bias, 0)
    }

    /// The bucket of a key so many places after its query.
    ///
    /// Computed in f32 as torch does, so that distances on the edge of two buckets fall on the same side.
    fn bucket(&self, distance: i64) -> i64 {
        let (count, first, distance) = if self.both_ways {
            let half = self.buckets as i64 / 2;
            (half, if distance > 0 { half } else { 0 }, distance.abs())
        } else {
            (self.buckets as i64, 0, (-distance).max(0))
        };
        let exact = count / 2;
        if distance < exact {
            return first + distance;
        }
        let span = (self.furthest as f64 / exact as f64).ln() as f32;
        let beyond = (distance as f32 / exact as f32).ln() / span * (count - exact) as f32;
        first + (exact + beyond as i64).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_buckets_of_their_own_and_far_ones_share() {
        let both_ways = RelativeBias { heads: 1, buckets: 32, furthest: 128, both_ways: true };
        let found: Vec<i64> = [-200, -128, -16, -8, -7, -1, 0, 1, 7, 8, 11, 12, 16, 64, 91, 127, 200]
            .into_iter()
            .map(|distance| both_ways.bucket(distance))
            .collect();
        assert_eq!(found, [15, 15, 10, 8, 7, 1, 0, 17, 23, 24, 24, 25, 26, 30, 31, 31, 31]);
        let back = RelativeBias { both_ways: false, ..both_ways };
        let found: Vec<i64> = [5, 0, -1, -15, -16, -32, -64, -128].map(|distance| back.bucket(distance)).into();
        assert_eq!(found, [0, 0, 1, 15, 16, 21, 26, 31]);
    }
}
