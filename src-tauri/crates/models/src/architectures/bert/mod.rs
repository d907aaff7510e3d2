//! BERT and the encoders that are built like it: the same network with other names, defaults and places of its norms.

mod body;
mod heads;
mod kinds;
mod tower;

pub use body::places_after_padding;
pub use kinds::{
    ALBERT, BERT, BERT_GENERATION, CAMEMBERT, CLAP_TEXT, DATA2VEC_TEXT, DISTILBERT, DPR, ELECTRA, ERNIE, IBERT,
    MEGATRON_BERT, MPNET, REMBERT, ROBERTA, ROBERTA_PRE_LAYER_NORM, SPLINTER, XLM_ROBERTA, XLM_ROBERTA_XL,
};

pub use tower::Tower;

use super::{Architecture, Class, Text};
use crate::{
    Element, ModelError,
    blocks::{Activation, Heads, RelativeBias},
    builder::GraphBuilder,
    config::Config,
};

/// A model type of this family.
#[derive(Clone, Copy)]
pub struct Kind {
    model_type: &'static str,
    /// What the names of its classes begin with.
    prefix: &'static str,
    classes: &'static [Class],
    /// Module of the base model inside the other classes.
    base: &'static str,
    keys: Keys,
    defaults: Defaults,
    positions: Positions,
    segments: Segments,
    /// Where the word table may be narrower than the model.
    narrow: Option<Narrow>,
    norms: Norms,
    names: Names,
    /// Positions act on the scores too, as in T5.
    relative: bool,
    pooler: Option<&'static str>,
    heads: Style,
    /// Options that would change the network and are not built.
    off: &'static [(&'static str, &'static str)],
}

/// Under which keys the sizes are.
#[derive(Clone, Copy)]
struct Keys {
    width: &'static str,
    inner: &'static str,
    layers: &'static str,
    heads: &'static str,
    activation: &'static str,
}

#[derive(Clone, Copy)]
struct Defaults {
    vocabulary: usize,
    width: usize,
    inner: usize,
    layers: usize,
    heads: usize,
    positions: usize,
    segments: usize,
    activation: &'static str,
    epsilon: f64,
    padding: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Positions {
    /// 0, 1, 2, …
    Counted,
    /// Only tokens that are not padding count, and counting begins behind the id of padding.
    AfterPadding,
}

/// Which of several texts a token belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Segments {
    /// In the input `token_type_ids`.
    Told,
    /// Always the first: such models are never told.
    First,
    /// There is no table of them.
    None,
}

#[derive(Clone, Copy)]
struct Narrow {
    key: &'static str,
    default: usize,
    /// The layer that widens, from the base model.
    module: &'static str,
    /// It is there even where the widths are equal.
    always: bool,
}

/// Where the norms are, by their modules.
#[derive(Clone, Copy)]
enum Norms {
    /// After the embeddings and after each step, its residual included.
    After,
    /// Before each step and at the end; after the embeddings where `embeddings` says so.
    Before { embeddings: bool, last: &'static str },
}

/// Modules of a layer.
#[derive(Clone, Copy)]
struct Names {
    layers: Layers,
    attention: &'static str,
    /// The four products inside `attention`.
    products: [&'static str; 4],
    attention_norm: &'static str,
    feed_forward: [&'static str; 2],
    output_norm: &'static str,
}

#[derive(Clone, Copy)]
enum Layers {
    Each(&'static str),
    /// Groups of layers share their weights.
    Shared,
}

/// How the heads are made.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Bert,
    Roberta,
    DistilBert,
    Electra,
    Albert,
    RemBert,
}

/// What a configuration says.
struct Options {
    width: usize,
    narrow: usize,
    inner: usize,
    layers: usize,
    groups: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    vocabulary: usize,
    positions: usize,
    segments: usize,
    padding: usize,
    relative: Option<RelativeBias>,
}

impl Options {
    fn read(config: &Config, kind: &Kind) -> Result<Self, ModelError> {
        for (key, what) in kind.off {
            config.must_be_off(key, what)?;
        }
        if config.text("position_embedding_type", "absolute")? != "absolute" {
            return Err(config.refuse("position_embedding_type", "only absolute positions are built", "Use absolute"));
        }
        let (keys, defaults) = (kind.keys, kind.defaults);
        let width = config.size(keys.width, defaults.width)?;
        let heads = config.size(keys.heads, defaults.heads)?;
        config.divides(keys.width, width, keys.heads, heads)?;
        let layers = config.layers(keys.layers, defaults.layers)?;
        let positions = config.size("max_position_embeddings", defaults.positions)?;
        let padding = config.index("pad_token_id", defaults.padding)?;
        if kind.positions == Positions::AfterPadding && padding + 1 >= positions {
            let reason = format!("positions begin behind this, and there are {positions}");
            return Err(config.refuse("pad_token_id", reason, "Make max_position_embeddings larger"));
        }
        let groups = match kind.names.layers {
            Layers::Each(_) => layers,
            Layers::Shared => groups(config, layers)?,
        };
        Ok(Self {
            width,
            narrow: kind.narrow.map_or(Ok(width), |narrow| config.size(narrow.key, narrow.default))?,
            inner: config.size(keys.inner, defaults.inner)?,
            layers,
            groups,
            heads: Heads::even(width, heads),
            activation: Activation::read(config, keys.activation, defaults.activation)?,
            epsilon: config.positive("layer_norm_eps", defaults.epsilon)?,
            vocabulary: config.size("vocab_size", defaults.vocabulary)?,
            positions,
            segments: match kind.segments {
                Segments::None => 0,
                _ => config.size("type_vocab_size", defaults.segments)?,
            },
            padding,
            relative: kind.relative.then(|| RelativeBias::read(config, heads)).transpose()?,
        })
    }

    /// How many tokens there are positions for.
    fn longest(&self, kind: &Kind) -> usize {
        match kind.positions {
            Positions::Counted => self.positions,
            Positions::AfterPadding => self.positions - self.padding - 1,
        }
    }
}

/// Groups of layers with weights of their own.
fn groups(config: &Config, layers: usize) -> Result<usize, ModelError> {
    if config.size("inner_group_num", 1)? != 1 {
        return Err(config.refuse("inner_group_num", "only one layer in a group is built", "Set it to 1"));
    }
    let groups = config.size("num_hidden_groups", 1)?;
    if groups > layers {
        return Err(config.refuse("num_hidden_groups", format!("there are only {layers} layers"), "Make it smaller"));
    }
    Ok(groups)
}

impl Architecture for Kind {
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
        let options = Options::read(config, self)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let text = Text::declare(&mut b, Some(options.longest(self)));
        let segments = (self.segments == Segments::Told).then(|| {
            let shape = text.numbers();
            b.input("token_type_ids", Element::I64, &shape)
        });
        let purpose = class.strip_prefix(self.prefix).unwrap_or(class);
        let is_base = matches!(purpose, "Model" | "Encoder");
        let mut inside = b.at(if is_base { "" } else { self.base });
        let (table, hidden) = body::encode(&mut inside, self, &options, &text, segments.as_ref());
        heads::draw(&mut b, config, self, &options, purpose, &heads::Read { text, table, hidden })
    }
}
