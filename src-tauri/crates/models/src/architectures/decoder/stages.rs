//! The two graphs that text is generated with: one reads the prompt, the other one token after another.

use super::{Cache, Decoder, Reading, Text};
use crate::{
    Dimension, Element, Filling, Length,
    blocks::{Past, Places, Rotary},
    builder::{GraphBuilder, Var},
    generation::Stage,
    graph::fixed,
};
use contract::DimRole;

/// A text as a decoder read it.
pub struct ReadText {
    /// How many texts, and how many tokens each has so far.
    pub sizes: [Dimension; 2],
    pub table: Var,
    /// The vector of each token that was read: `[batch, tokens, width]`.
    pub hidden: Var,
    /// Keys and values of each layer; empty where none are kept.
    pub presents: Vec<Past>,
}

/// What a text with an image in it is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// For itself.
    OnePass,
    /// For more to be written after it.
    Prompt,
}

impl Goal {
    pub fn cache(self) -> Cache {
        match self {
            Self::OnePass => Cache::Off,
            Self::Prompt => Cache::Begins,
        }
    }

    /// Of the text's ids: words, and a run of the token that stands for the image.
    pub fn filling(self, token: usize, vocabulary: usize, run: Length) -> Filling {
        let [token, below] = [token, vocabulary].map(|id| id as u64);
        match self {
            Self::OnePass => Filling::Text { token, below, run },
            Self::Prompt => Filling::Prompt { token, below, run },
        }
    }
}

impl Decoder {
    /// `module` is the decoder's own in the class that scores words, below where `b` stands.
    ///
    /// The outputs are those of [`Decoder::finish_stage`].
    pub fn draw_stage(&self, b: &mut GraphBuilder, module: &str, stage: Stage) {
        match stage {
            Stage::Prefill => {
                let batch = Text::count(b);
                let most = Some(self.positions as u32);
                let length = b.free("sequence", DimRole::Sequence, "How many tokens in the prompt?", 128, most);
                b.tokens(&batch, &length);
                let sizes = [batch, length];
                let ids = b.input("input_ids", Element::I64, &sizes);
                let mask = b.input("attention_mask", Element::I64, &sizes);
                let reading = Reading { cache: Cache::Begins, ..Reading::whole(b, &mask) };
                let text = self.read_words(&mut b.at(module), &ids, &reading, sizes);
                self.finish_stage(b, &text);
            }
            Stage::Decode => self.draw_next(b, module, |_, _, _| None),
        }
    }

    /// The graph that reads one token. `turned` gives what turns queries and keys in place of the decoder's own rotation;
    /// it is told how many texts there are, and where the token stands among those before it.
    pub fn draw_next(
        &self,
        b: &mut GraphBuilder,
        module: &str,
        turned: impl FnOnce(&mut GraphBuilder, &Dimension, &Reading) -> Option<Rotary>,
    ) {
        let batch = Text::count(b);
        let most = Some((self.positions as u32).saturating_sub(1).max(1));
        let past = b.free("past", DimRole::Sequence, "How many tokens were read before?", 128, most);
        let one = fixed(1);
        let length = Dimension::Free("past + 1".to_owned());
        b.tokens(&batch, &one);
        let ids = b.input("input_ids", Element::I64, &[batch.clone(), one]);
        let mask = b.input("attention_mask", Element::I64, &[batch.clone(), length.clone()]);
        let pasts: Vec<Past> = (0..self.layers.len())
            .map(|layer| {
                let [key, value] = self.cache_shapes(&batch, &past);
                let mut part = |part, shape: &[Dimension]| {
                    let element = b.float();
                    b.input(&format!("past_key_values.{layer}.{part}"), element, shape)
                };
                Past { key: part("key", &key), value: part("value", &value) }
            })
            .collect();
        let (before, own) = (b.size_of(&pasts[0].key, 2), b.ints(&[1]));
        let places = Places::after(b, &before, &own);
        let mut reading = Reading { attention_mask: &mask, places, rotary: None, cache: Cache::Holds(pasts) };
        reading.rotary = turned(b, &batch, &reading);
        let text = self.read_words(&mut b.at(module), &ids, &reading, [batch, length]);
        self.finish_stage(b, &text);
    }

    /// Words alone, without anything else among them.
    pub fn read_words(&self, b: &mut GraphBuilder, ids: &Var, reading: &Reading, sizes: [Dimension; 2]) -> ReadText {
        let (table, vectors) = self.embed(b, ids, reading);
        let (hidden, presents) = self.read(b, &vectors, reading);
        ReadText { sizes, table, hidden, presents }
    }

    /// Declares what a class gives of a whole text: the vector of each token where it is the base model, else scores of
    /// every word by the module `scorer`.
    pub fn finish_pass(&self, b: &mut GraphBuilder, class: &str, scorer: &str, text: ReadText) {
        let ReadText { sizes: [batch, sequence], table, hidden, .. } = text;
        if class.ends_with("Model") {
            b.output("last_hidden_state", &hidden, &[batch, sequence, fixed(self.vector_width())]);
        } else {
            let scores = self.score(&mut b.at(scorer), &hidden, &table);
            b.output("logits", &scores, &[batch, sequence, fixed(self.vocabulary)]);
        }
    }

    /// Declares what a stage gives: `logits` of the last token, `[batch, 1, vocabulary]`, and each layer's `present.N.key`
    /// and `present.N.value`, `[batch, key and value heads, tokens, head width]`, in the element of the weights.
    pub fn finish_stage(&self, b: &mut GraphBuilder, text: &ReadText) {
        let ReadText { sizes: [batch, length], table, hidden, presents } = text;
        let last = b.ints(&[-1]);
        let last = b.gather(hidden, &last, 1);
        let scores = self.score(b, &last, table);
        b.output("logits", &scores, &[batch.clone(), fixed(1), fixed(self.vocabulary)]);
        let [key, value] = self.cache_shapes(batch, length);
        for (layer, present) in presents.iter().enumerate() {
            b.output_kept(&format!("present.{layer}.key"), &present.key, &key);
            b.output_kept(&format!("present.{layer}.value"), &present.value, &value);
        }
    }

    /// Of keys and of values.
    fn cache_shapes(&self, batch: &Dimension, length: &Dimension) -> [[Dimension; 4]; 2] {
        [self.heads.head_width, self.heads.value_width]
            .map(|width| [batch.clone(), fixed(self.heads.key_value_count), length.clone(), fixed(width)])
    }
}
