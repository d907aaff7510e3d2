//! The two graphs that text is generated with: one reads the prompt, the other one token after another.

use super::{Cache, Decoder, Reading};
use crate::{
    Dimension, Element,
    blocks::{Past, Places},
    builder::{GraphBuilder, Var},
    generation::Stage,
    graph::fixed,
};
use contract::DimRole;

impl Decoder {
    /// `module` is the decoder's own in the class that scores words.
    ///
    /// The outputs are `logits` of the last token, `[batch, 1, vocabulary]`, and each layer's `present.N.key` and
    /// `present.N.value`, `[batch, key and value heads, tokens, head width]`, in the element of the weights.
    pub fn draw_stage(&self, b: &mut GraphBuilder, module: &str, stage: Stage) {
        b.deviation(self.deviation);
        let batch = b.free("batch", DimRole::Batch, "How many texts at once?", 1, None);
        let most = self.positions as u32;
        match stage {
            Stage::Prefill => {
                let length = b.free("sequence", DimRole::Sequence, "How many tokens in the prompt?", 128, Some(most));
                b.tokens(&batch, &length);
                let text = [batch.clone(), length.clone()];
                let ids = b.input("input_ids", Element::I64, &text);
                let mask = b.input("attention_mask", Element::I64, &text);
                let reading = Reading { cache: Cache::Begins, ..Reading::whole(b, &mask) };
                self.finish_stage(b, module, &ids, &reading, [&batch, &length]);
            }
            Stage::Decode => {
                let most = Some(most.saturating_sub(1).max(1));
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
                let reading = Reading { attention_mask: &mask, places, rotary: None, cache: Cache::Holds(pasts) };
                self.finish_stage(b, module, &ids, &reading, [&batch, &length]);
            }
        }
    }

    fn finish_stage(
        &self,
        b: &mut GraphBuilder,
        module: &str,
        ids: &Var,
        reading: &Reading,
        [batch, length]: [&Dimension; 2],
    ) {
        let mut inner = b.at(module);
        let (table, vectors) = self.embed(&mut inner, ids, reading);
        let (hidden, presents) = self.read(&mut inner, &vectors, reading);
        let last = b.ints(&[-1]);
        let last = b.gather(&hidden, &last, 1);
        let scores = self.score(b, &last, &table);
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
