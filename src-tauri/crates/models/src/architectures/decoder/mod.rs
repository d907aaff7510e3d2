//! Text decoders: one body, and for each model type the choices that make it.

mod attention;
mod body;
mod experts;
mod feed_forward;
mod gpt;
mod llama;
mod opt;
mod read;
mod stages;
mod variants;
mod words;

pub use body::{Cache, Decoder, Reading};
pub use read::sliding;
pub use variants::{VARIANTS, Variant};

use super::{Architecture, Class, Text};
use crate::{
    ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
};

impl Decoder {
    /// As a configuration of a model type describes it; none where the type is no text decoder.
    pub fn read_config(config: &Config, model_type: &str) -> Result<Option<Self>, ModelError> {
        let variant = VARIANTS.iter().find(|known| known.model_type == model_type);
        variant.map(|known| known.decoder(config)).transpose()
    }

    /// The language model inside a model of several parts, which puts vectors of its own among those of the words.
    pub fn inside(config: &Config, model_type: &str) -> Result<Self, ModelError> {
        let refuse =
            |reason: &str| Err(config.refuse("model_type", reason, "Known are llama, mistral, qwen2 and others"));
        let Some(decoder) = Self::read_config(config, model_type)? else {
            return refuse("this language model is not built");
        };
        // What is done to the words before the first layer would have to be done to the other vectors as well.
        if !decoder.words.is_plain() {
            return refuse("this language model is not built as a part of another");
        }
        Ok(decoder)
    }
}

impl Variant {
    fn decoder(&self, config: &Config) -> Result<Decoder, ModelError> {
        (self.read)(&config.over_defaults(self.model_type, self.derived))
    }

    /// Module of the decoder in the class that scores words.
    fn module(&self) -> String {
        if self.inner.is_empty() { self.base.to_owned() } else { format!("{}.{}", self.base, self.inner) }
    }
}

impl Architecture for Variant {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        self.base
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let decoder = self.decoder(config)?;
        b.deviation(decoder.deviation);
        let text = Text::declare(&mut b, Some(decoder.positions));
        if class == self.classes[0].name {
            let (_, hidden) = read(&mut b.at(self.inner), &decoder, &text);
            b.output("last_hidden_state", &hidden, &text.vectors(decoder.vector_width()));
        } else {
            let (table, hidden) = read(&mut b.at(self.module()), &decoder, &text);
            let scores = decoder.score(&mut b, &hidden, &table);
            b.output("logits", &scores, &text.vectors(decoder.vocabulary));
        }
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class != self.classes[0].name
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        self.decoder(config)?.draw_stage(&mut b, &self.module(), stage);
        Ok(())
    }
}

/// The word table and the vector of each token of a whole text.
fn read(b: &mut GraphBuilder, decoder: &Decoder, text: &Text) -> (Var, Var) {
    let reading = Reading::whole(b, &text.mask);
    let (table, vectors) = decoder.embed(b, &text.ids, &reading);
    let (hidden, _) = decoder.read(b, &vectors, &reading);
    (table, hidden)
}
