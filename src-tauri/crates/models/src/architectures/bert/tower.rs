//! An encoder of this family as the part of a larger model that reads text.

use super::{Kind, Options, Text, body, heads};
use crate::{
    ModelError,
    builder::{GraphBuilder, Var},
    config::Config,
};

pub struct Tower {
    kind: &'static Kind,
    options: Options,
}

impl Tower {
    pub fn read(kind: &'static Kind, config: &Config) -> Result<Self, ModelError> {
        Ok(Self { kind, options: Options::read(config, kind)? })
    }

    pub fn width(&self) -> usize {
        self.options.width
    }

    /// How many tokens there are positions for.
    pub fn longest(&self) -> usize {
        self.options.longest(self.kind)
    }

    /// The whole text's vector: `[batch, width]`.
    pub fn draw(&self, b: &mut GraphBuilder, text: &Text) -> Var {
        let (_, hidden) = body::encode(b, self.kind, &self.options, text, None);
        heads::pooled(&mut b.at("pooler.dense"), &hidden, self.options.width)
    }
}
