//! Where a decoder's vectors begin: the word table, and places where they are learned.

use super::Reading;
use crate::{
    blocks::{Norm, embedding, linear},
    builder::{GraphBuilder, Var},
    weights::Fill,
};

#[derive(Clone)]
pub struct Words {
    /// Module of the word table.
    pub module: &'static str,
    /// Word vectors are multiplied by it.
    pub factor: f64,
    /// Width of the word table where it is narrower than the model, with the modules of the products in and out.
    pub narrow: Option<(usize, [&'static str; 2])>,
    pub places: Places,
    /// Over the sum of both.
    pub norm: Option<(&'static str, Norm)>,
}

#[derive(Clone)]
pub enum Places {
    /// Not in the vectors.
    None,
    /// A table with `before` rows before the first place.
    Learned {
        module: &'static str,
        rows: usize,
        before: usize,
        /// Whether padding does not count as a place.
        counted: bool,
    },
    /// Numbers that are part of the architecture: a row for each place.
    Fixed { rows: usize, values: Vec<f64> },
}

impl Words {
    /// A word table as wide as the model and nothing more.
    pub fn plain(module: &'static str) -> Self {
        Self { module, factor: 1.0, narrow: None, places: Places::None, norm: None }
    }

    /// Whether a token's vector is its row of the table and nothing more.
    pub fn is_plain(&self) -> bool {
        self.factor == 1.0 && self.narrow.is_none() && self.norm.is_none() && matches!(self.places, Places::None)
    }

    /// Width of the word table, and of the vectors that words are scored by.
    pub fn width(&self, width: usize) -> usize {
        self.narrow.map_or(width, |(narrow, _)| narrow)
    }

    /// The table and a vector for each token, without their places.
    pub fn look_up(&self, b: &mut GraphBuilder, ids: &Var, [entries, width]: [usize; 2]) -> (Var, Var) {
        let own = self.width(width);
        let (table, mut words) = embedding(&mut b.at(self.module), ids, entries, own);
        if self.factor != 1.0 {
            let factor = b.scalar(self.factor);
            words = b.mul(&words, &factor);
        }
        if let Some((narrow, [inwards, _])) = self.narrow {
            words = linear(&mut b.at(inwards), &words, narrow, width, false);
        }
        (table, words)
    }

    /// The table and a vector for each token in its place.
    pub fn embed(&self, b: &mut GraphBuilder, ids: &Var, sizes: [usize; 2], reading: &Reading) -> (Var, Var) {
        let (table, mut words) = self.look_up(b, ids, sizes);
        if let Some(places) = self.placed(b, sizes[1], reading) {
            words = b.add(&words, &places);
        }
        if let Some((module, norm)) = self.norm {
            words = norm.apply(&mut b.at(module), &words, sizes[1]);
        }
        (table, words)
    }

    fn placed(&self, b: &mut GraphBuilder, width: usize, reading: &Reading) -> Option<Var> {
        match &self.places {
            Places::None => None,
            Places::Fixed { rows, values } => {
                let table = b.table("places", &[*rows, width], values);
                let table = b.cast_float(&table);
                Some(b.gather(&table, &reading.places.queries, 0))
            }
            Places::Learned { module, rows, before, counted } => {
                let mut b = b.at(module);
                let table = b.weight("weight", &[rows + before, width], Fill::Matrix);
                let indices = if *counted {
                    // The first real token has the place 1, padding 0.
                    let counts = b.cumulative_sum(reading.attention_mask, 1);
                    let counts = b.mul(&counts, reading.attention_mask);
                    let own = match reading.cache {
                        super::Cache::Holds(_) => b.gather(&counts, &reading.places.queries, 1),
                        _ => counts,
                    };
                    let offset = b.int(*before as i64 - 1);
                    b.add(&own, &offset)
                } else if *before == 0 {
                    reading.places.queries.clone()
                } else {
                    let offset = b.int(*before as i64);
                    b.add(&reading.places.queries, &offset)
                };
                Some(b.gather(&table, &indices, 0))
            }
        }
    }
}
