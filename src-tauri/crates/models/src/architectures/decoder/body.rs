//! The one body of all text decoders: layers of attention and feed-forward, in which a token sees only what came before.

use super::{attention::Projection, feed_forward::FeedForward, words::Words};
use crate::{
    blocks::{
        Activation, Attention, HeadNorm, Heads, Norm, Past, Places, Rotary, Rotation, Scale, alibi, capped,
        causal_mask, linear, word_scores,
    },
    builder::{GraphBuilder, Var},
};
use std::collections::HashMap;

/// A decoder as its configuration describes it.
#[derive(Clone)]
pub struct Decoder {
    /// Width of the vectors between layers.
    pub width: usize,
    pub vocabulary: usize,
    /// Tokens of the longest text.
    pub positions: usize,
    pub words: Words,
    pub modules: Modules,
    pub heads: Heads,
    pub projection: Projection,
    pub scale: Scale,
    /// Bound of the attention scores.
    pub cap: Option<f64>,
    pub head_norm: Option<HeadNorm<'static>>,
    /// See [`Attention::sinks`].
    pub sinks: Option<&'static str>,
    pub rotations: Vec<Rotation>,
    /// How much less a head sees of a token one place further away, for each head.
    pub slopes: Option<Vec<f64>>,
    pub norm: Norm,
    pub steps: Steps,
    /// What each step adds is multiplied by it.
    pub step_factor: f64,
    pub layers: Vec<Layer>,
    pub head: Head,
    /// Standard deviation of random weights.
    pub deviation: f64,
}

#[derive(Clone, Copy)]
pub struct Modules {
    /// Each layer is one below it, by its number.
    pub layers: &'static str,
    /// Inside a layer.
    pub attention: &'static str,
    /// Inside a layer.
    pub feed_forward: &'static str,
    /// After the last layer.
    pub final_norm: Option<&'static str>,
}

/// What a layer has of its own.
#[derive(Clone)]
pub struct Layer {
    /// How many tokens it sees, itself being one of them; all before it where there is none.
    pub window: Option<usize>,
    /// Which of the decoder's rotations it uses.
    pub rotation: Option<usize>,
    pub feed_forward: FeedForward,
}

/// How the two steps of a layer, attention and feed-forward, are normalised and added. Names are modules of norms.
#[derive(Clone, Copy)]
pub enum Steps {
    /// x + step(norm(x)).
    NormBefore([&'static str; 2]),
    /// The same, but the first layer's attention reads x, which was normalised already.
    NormBeforeButFirst([&'static str; 2]),
    /// x + norm(step(x)).
    NormBehind([&'static str; 2]),
    /// norm(x + step(x)).
    NormAfter([&'static str; 2]),
    /// x + norm(step(norm(x))): before and behind attention, before and behind feed-forward.
    NormAround([&'static str; 4]),
    /// x + attention(norm(x)) + feed_forward(norm(x)); one norm serves both where the names are the same.
    Parallel([&'static str; 2]),
}

/// How words are scored.
#[derive(Clone, Copy)]
pub struct Head {
    pub module: &'static str,
    pub before: Option<BeforeHead>,
    pub bias: bool,
    /// Whether the word table is the matrix of the scores.
    pub tied: bool,
    /// The scores are multiplied by it.
    pub factor: f64,
    /// Bound of the scores.
    pub cap: Option<f64>,
}

/// norm(activation(layer(x))), which the scores are made of.
#[derive(Clone, Copy)]
pub struct BeforeHead {
    /// Of the layer and of the norm.
    pub modules: [&'static str; 2],
    pub activation: Activation,
    pub bias: bool,
}

/// What the layers read beside the vectors.
pub struct Reading<'a> {
    /// Ones for real tokens, `[batch, key]`.
    pub attention_mask: &'a Var,
    pub places: Places,
    /// Turns queries and keys of every layer in place of the decoder's own rotation.
    pub rotary: Option<Rotary>,
    pub cache: Cache,
}

/// Keys and values of tokens read before.
pub enum Cache {
    /// Neither read nor kept.
    Off,
    /// Kept from here on.
    Begins,
    /// Of each layer.
    Holds(Vec<Past>),
}

impl<'a> Reading<'a> {
    /// Of a whole text `[batch, sequence]` at once.
    pub fn whole(b: &mut GraphBuilder, attention_mask: &'a Var) -> Self {
        let length = b.size_of(attention_mask, 1);
        let places = Places::new(b, &length);
        Self { attention_mask, places, rotary: None, cache: Cache::Off }
    }
}

impl Decoder {
    /// The word table and the vector of each token: `[batch, sequence, width]`.
    pub fn embed(&self, b: &mut GraphBuilder, ids: &Var, reading: &Reading) -> (Var, Var) {
        self.words.embed(b, ids, [self.vocabulary, self.width], reading)
    }

    /// All layers and the norm after them.
    pub fn read(&self, b: &mut GraphBuilder, vectors: &Var, reading: &Reading) -> (Var, Vec<Past>) {
        self.read_with(b, vectors, reading, &mut |_, _, hidden| hidden)
    }

    /// The same, with something done to the vectors after each layer.
    pub fn read_with(
        &self,
        b: &mut GraphBuilder,
        vectors: &Var,
        reading: &Reading,
        after_layer: &mut dyn FnMut(&mut GraphBuilder, usize, Var) -> Var,
    ) -> (Var, Vec<Past>) {
        let mut shared = Shared::default();
        let mut presents = Vec::new();
        let mut hidden = vectors.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            shared.prepare(b, self, layer, reading);
            let mut b = b.at(format_args!("{}.{index}", self.modules.layers));
            let (stepped, present) = self.layer(&mut b, index, layer, &hidden, reading, &shared);
            presents.extend(present);
            hidden = after_layer(&mut b, index, stepped);
        }
        if let Some(module) = self.modules.final_norm {
            hidden = self.norm.apply(&mut b.at(module), &hidden, self.width);
        }
        if let Some((narrow, [_, outwards])) = self.words.narrow {
            hidden = linear(&mut b.at(outwards), &hidden, self.width, narrow, false);
        }
        (hidden, presents)
    }

    fn layer(
        &self,
        b: &mut GraphBuilder,
        index: usize,
        layer: &Layer,
        x: &Var,
        reading: &Reading,
        shared: &Shared,
    ) -> (Var, Option<Past>) {
        let mut present = None;
        let rotary = reading.rotary.as_ref().or_else(|| shared.rotaries.get(&layer.rotation?));
        let attention = Attention {
            scale: self.scale,
            cap: self.cap,
            mask: shared.masks.get(&layer.window),
            rotary: rotary.filter(|_| layer.rotation.is_some()),
            norm: self.head_norm,
            sinks: self.sinks,
            ..Attention::new(self.heads, ["", "", "", ""])
        };
        let mut attend = |b: &mut GraphBuilder, x: &Var| {
            let mut b = b.at(self.modules.attention);
            let past = match &reading.cache {
                Cache::Off => return self.projection.attend(&mut b, &attention, x),
                Cache::Begins => None,
                Cache::Holds(pasts) => pasts.get(index),
            };
            let (mixed, kept) = self.projection.attend_cached(&mut b, &attention, x, past);
            present = Some(kept);
            mixed
        };
        let think = |b: &mut GraphBuilder, x: &Var| {
            let mut b = b.at(self.modules.feed_forward);
            layer.feed_forward.apply(&mut b, x, self.width)
        };
        let norm = |b: &mut GraphBuilder, module: &str, x: &Var| self.norm.apply(&mut b.at(module), x, self.width);
        let add = |b: &mut GraphBuilder, x: &Var, step: &Var| {
            let step = self.scaled(b, step, self.step_factor);
            b.add(&step, x)
        };
        let hidden = match self.steps {
            Steps::NormBefore(modules) | Steps::NormBeforeButFirst(modules) => {
                let bare = index == 0 && matches!(self.steps, Steps::NormBeforeButFirst(_));
                let normal = if bare { x.clone() } else { norm(b, modules[0], x) };
                let attended = attend(b, &normal);
                let x = add(b, x, &attended);
                let normal = norm(b, modules[1], &x);
                let thought = think(b, &normal);
                add(b, &x, &thought)
            }
            Steps::NormBehind(modules) => {
                let attended = attend(b, x);
                let normal = norm(b, modules[0], &attended);
                let x = add(b, x, &normal);
                let thought = think(b, &x);
                let normal = norm(b, modules[1], &thought);
                add(b, &x, &normal)
            }
            Steps::NormAfter(modules) => {
                let attended = attend(b, x);
                let sum = add(b, x, &attended);
                let x = norm(b, modules[0], &sum);
                let thought = think(b, &x);
                let sum = add(b, &x, &thought);
                norm(b, modules[1], &sum)
            }
            Steps::NormAround(modules) => {
                let normal = norm(b, modules[0], x);
                let attended = attend(b, &normal);
                let attended = norm(b, modules[1], &attended);
                let x = add(b, x, &attended);
                let normal = norm(b, modules[2], &x);
                let thought = think(b, &normal);
                let thought = norm(b, modules[3], &thought);
                add(b, &x, &thought)
            }
            Steps::Parallel(modules) => {
                let normal = norm(b, modules[0], x);
                let attended = attend(b, &normal);
                let normal = if modules[0] == modules[1] { normal } else { norm(b, modules[1], x) };
                let thought = think(b, &normal);
                let both = b.add(&attended, &thought);
                add(b, x, &both)
            }
        };
        (hidden, present)
    }

    /// Scores of every word: `[batch, sequence, vocabulary]`.
    pub fn score(&self, b: &mut GraphBuilder, hidden: &Var, table: &Var) -> Var {
        let Head { module, before, bias, tied, factor, cap } = self.head;
        let (width, vocabulary) = (self.vector_width(), self.vocabulary);
        let prepared = before.map(|before| {
            let dense = linear(&mut b.at(before.modules[0]), hidden, width, width, before.bias);
            let active = before.activation.apply(&mut b.at(before.modules[0]), &dense);
            self.norm.apply(&mut b.at(before.modules[1]), &active, width)
        });
        let hidden = prepared.as_ref().unwrap_or(hidden);
        let mut b = b.at(module);
        let scores = word_scores(&mut b, hidden, tied.then_some(table), [width, vocabulary], bias);
        let scores = self.scaled(&mut b, &scores, factor);
        match cap {
            None => scores,
            Some(cap) => capped(&mut b, &scores, cap),
        }
    }

    fn scaled(&self, b: &mut GraphBuilder, x: &Var, factor: f64) -> Var {
        if factor == 1.0 {
            return x.clone();
        }
        let factor = b.scalar(factor);
        b.mul(x, &factor)
    }

    /// Width of the vectors that come out.
    pub fn vector_width(&self) -> usize {
        self.words.width(self.width)
    }
}

/// Masks and rotary angles that layers share, made when the first layer needs them.
#[derive(Default)]
struct Shared {
    masks: HashMap<Option<usize>, Var>,
    rotaries: HashMap<usize, Rotary>,
}

impl Shared {
    fn prepare(&mut self, b: &mut GraphBuilder, decoder: &Decoder, layer: &Layer, reading: &Reading) {
        self.masks.entry(layer.window).or_insert_with(|| {
            let mask = causal_mask(b, reading.attention_mask, &reading.places, layer.window);
            match &decoder.slopes {
                None => mask,
                Some(slopes) => {
                    let bias = alibi(b, slopes, &reading.places);
                    b.add(&mask, &bias)
                }
            }
        });
        let Some(index) = layer.rotation.filter(|_| reading.rotary.is_none()) else { return };
        self.rotaries.entry(index).or_insert_with(|| {
            let module = if index == 0 { "rotary_emb".to_owned() } else { format!("rotary_emb_{index}") };
            Rotary::new(&mut b.at(module), &decoder.rotations[index], &reading.places.queries)
        });
    }
}
