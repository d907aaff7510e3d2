//! T5 and its successors: an encoder that reads a text and a decoder that answers it, with relative positions.

use super::{Answer, Architecture, Class, Marks, Standing, Text, Turn, Writer, Written};
use crate::{
    ModelError,
    blocks::{
        Activation, Attention, Heads, Places, RelativeBias, Scale, embedding, gated_feed_forward, linear,
        padding_mask_under_bias, rms_norm, word_scores,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
    weights::Checkpoint,
};

/// One of the types that are this network with other defaults.
pub struct T5 {
    model_type: &'static str,
    classes: &'static [Class; 3],
    /// Defaults of `vocab_size`, `d_ff`, `num_layers` and `num_heads`.
    sizes: [usize; 4],
    /// Default of `feed_forward_proj`.
    feed_forward: &'static str,
    /// Every layer has relative positions of its own, not only the first.
    own_bias: bool,
    /// Which answers are divided by √width before they meet the word table.
    scaled: Scaled,
}

#[derive(Clone, Copy)]
enum Scaled {
    Always,
    Never,
    /// Where `scale_decoder_outputs` says so, else where the head is the word table itself.
    Tied,
}

macro_rules! classes {
    ($prefix:literal) => {
        &[
            Class {
                name: concat!($prefix, "Model"),
                about: "Reads a text and gives a vector for each token of its answer",
            },
            Class { name: concat!($prefix, "EncoderModel"), about: "Reads text and gives a vector for each token" },
            Class {
                name: concat!($prefix, "ForConditionalGeneration"),
                about: "Reads a text and scores every word as the next one of its answer",
            },
        ]
    };
}

pub const T5: T5 = T5 {
    model_type: "t5",
    classes: classes!("T5"),
    sizes: [32_128, 2048, 6, 8],
    feed_forward: "relu",
    own_bias: false,
    scaled: Scaled::Tied,
};

pub const MT5: T5 = T5 {
    model_type: "mt5",
    classes: classes!("MT5"),
    sizes: [250_112, 1024, 8, 6],
    feed_forward: "gated-gelu",
    own_bias: false,
    scaled: Scaled::Never,
};

pub const UMT5: T5 =
    T5 { model_type: "umt5", classes: classes!("UMT5"), own_bias: true, scaled: Scaled::Always, ..MT5 };

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    decoder_layers: usize,
    heads: Heads,
    bias: RelativeBias,
    own_bias: bool,
    activation: Activation,
    gated: bool,
    epsilon: f64,
    vocabulary: usize,
    tied: bool,
    /// See [`T5::scaled`].
    scaled: bool,
}

impl Options {
    fn read(config: &Config, kind: &T5) -> Result<Self, ModelError> {
        config.must_be_off("is_decoder", "T5 as a decoder alone")?;
        let [vocabulary, inner, layers, count] = kind.sizes;
        let width = config.size("d_model", 512)?;
        let count = config.size("num_heads", count)?;
        let layers = config.layers("num_layers", layers)?;
        let feed_forward = config.text("feed_forward_proj", kind.feed_forward)?;
        let (gated, activation) = match feed_forward.strip_prefix("gated-") {
            Some("gelu") => (true, "gelu_new"),
            Some(activation) => (true, activation),
            None => (false, feed_forward),
        };
        Ok(Self {
            width,
            inner: config.size("d_ff", inner)?,
            layers,
            decoder_layers: config.layers("num_decoder_layers", layers)?,
            heads: {
                let each = config.size("d_kv", 64)?;
                Heads { width, count, key_value_count: count, head_width: each, value_width: each }
            },
            bias: RelativeBias::read(config, count)?,
            own_bias: kind.own_bias,
            activation: Activation::named(config, "feed_forward_proj", activation)?,
            gated,
            epsilon: config.positive("layer_norm_epsilon", 1e-6)?,
            vocabulary: config.size("vocab_size", vocabulary)?,
            tied: config.flag("tie_word_embeddings", true)?,
            scaled: kind.scales(config)?,
        })
    }
}

impl T5 {
    fn scales(&self, config: &Config) -> Result<bool, ModelError> {
        match self.scaled {
            Scaled::Always => Ok(true),
            Scaled::Never => Ok(false),
            Scaled::Tied => config.flag("scale_decoder_outputs", config.flag("tie_word_embeddings", true)?),
        }
    }
}

impl Architecture for T5 {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "transformer"
    }

    /// Transformers from version 5 on writes of every T5 that its head is the word table, and goes by the tensors when it
    /// reads one.
    fn corrected(&self, config: Config, checkpoint: &Checkpoint) -> Result<Config, ModelError> {
        if !checkpoint.differ(["shared.weight", "lm_head.weight"])? {
            return Ok(config);
        }
        let scaled = self.scales(&config)?;
        Ok(config.with_flag("tie_word_embeddings", false).with_flag("scale_decoder_outputs", scaled))
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        b.deviation(0.02 * config.positive("initializer_factor", 1.0)?);
        let Options { width, vocabulary, .. } = options;
        let text = Text::declare(&mut b, None);
        let (_, words) = embedding(&mut b.at("shared"), &text.ids, vocabulary, width);
        let mask = padding_mask_under_bias(&mut b, &text.mask);
        let seen = encode(&mut b.at("encoder"), &options, &words, &mask);
        if class == self.classes[1].name {
            b.output("last_hidden_state", &seen, &text.vectors(width));
            return Ok(());
        }

        let written = Written::declare(&mut b, &text.batch, None);
        b.tokens(&written.batch, &written.sequence);
        let (table, words) = embedding(&mut b.at("shared"), &written.ids, vocabulary, width);
        let answer = decode(&mut b.at("decoder"), &options, &words, &mut Answer::whole(&seen), &mask);
        if class == self.classes[0].name {
            b.output("last_hidden_state", &answer, &written.vectors(width));
        } else {
            let scores = score(&mut b, &options, &answer, &table);
            b.output("logits", &scores, &written.vectors(vocabulary));
        }
        b.output("encoder_last_hidden_state", &seen, &text.vectors(width));
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class == self.classes[2].name
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        b.deviation(0.02 * config.positive("initializer_factor", 1.0)?);
        let Options { width, vocabulary, heads, decoder_layers: layers, .. } = options;
        let writer = Writer { layers, heads, vocabulary, positions: None };
        let marks = Marks::read(config, Marks { start: 0, padding: 0 }, vocabulary)?;
        let (mut turn, mask) = Turn::on_text(&mut b, stage, writer, marks, |b, text, mask| {
            let (_, words) = embedding(&mut b.at("shared"), &text.ids, vocabulary, width);
            encode(&mut b.at("encoder"), &options, &words, mask)
        });
        b.tokens(&turn.batch, &turn.length);
        let (table, words) = embedding(&mut b.at("shared"), &turn.ids, vocabulary, width);
        let hidden = decode(&mut b.at("decoder"), &options, &words, &mut turn.answer, &mask);
        turn.finish(&mut b, &hidden, |b, hidden| score(b, &options, hidden, &table));
        Ok(())
    }
}

fn encode(b: &mut GraphBuilder, options: &Options, words: &Var, mask: &Var) -> Var {
    let length = b.size_of(words, 1);
    let places = Places::new(b, &length);
    let mut biases = Biases::new(options, options.bias, places, Some(mask));
    let mut hidden = words.clone();
    for index in 0..options.layers {
        let mut block = b.at(format_args!("block.{index}"));
        let mask = biases.of(&mut block.at("layer.0.SelfAttention"));
        hidden = attend(&mut block.at("layer.0"), "SelfAttention", options, &hidden, &mask, |b, attention, x| {
            attention.apply(b, x)
        });
        hidden = think(&mut block.at("layer.1"), options, &hidden);
    }
    rms_norm(&mut b.at("final_layer_norm"), &hidden, options.width, options.epsilon)
}

/// Each token of the answer sees those before it, and all of the text that was read.
fn decode(b: &mut GraphBuilder, options: &Options, words: &Var, answer: &mut Answer, seen_mask: &Var) -> Var {
    let standing = Standing::of(b, words, answer.after());
    let (places, mask) = standing.among(b);
    let bias = RelativeBias { both_ways: false, ..options.bias };
    let mut biases = Biases::new(options, bias, places, mask.as_ref());
    let mut hidden = words.clone();
    for index in 0..options.decoder_layers {
        let mut block = b.at(format_args!("block.{index}"));
        let mask = biases.of(&mut block.at("layer.0.SelfAttention"));
        hidden = attend(&mut block.at("layer.0"), "SelfAttention", options, &hidden, &mask, |b, attention, x| {
            answer.attend_itself(b, index, attention, x)
        });
        hidden = attend(&mut block.at("layer.1"), "EncDecAttention", options, &hidden, seen_mask, |b, attention, x| {
            answer.attend_read(b, index, attention, x)
        });
        hidden = think(&mut block.at("layer.2"), options, &hidden);
    }
    rms_norm(&mut b.at("final_layer_norm"), &hidden, options.width, options.epsilon)
}

/// Scores of every word: `[batch, sequence, vocabulary]`.
fn score(b: &mut GraphBuilder, options: &Options, answer: &Var, table: &Var) -> Var {
    let Options { width, vocabulary, scaled, .. } = *options;
    let answer = if scaled {
        let factor = b.scalar((width as f64).powf(-0.5));
        b.mul(answer, &factor)
    } else {
        answer.clone()
    };
    word_scores(&mut b.at("lm_head"), &answer, options.tied.then_some(table), [width, vocabulary], false)
}

/// The relative bias of each layer, in the mask where there is one.
struct Biases<'a> {
    bias: RelativeBias,
    places: Places,
    mask: Option<&'a Var>,
    own: bool,
    /// The first layer's, where all share it.
    shared: Option<Var>,
}

impl<'a> Biases<'a> {
    fn new(options: &Options, bias: RelativeBias, places: Places, mask: Option<&'a Var>) -> Self {
        Self { bias, places, mask, own: options.own_bias, shared: None }
    }

    fn of(&mut self, attention: &mut GraphBuilder) -> Var {
        if let Some(shared) = &self.shared {
            return shared.clone();
        }
        let bias = self.bias.apply(&mut attention.at("relative_attention_bias"), &self.places);
        let mask = match self.mask {
            Some(mask) => attention.add(&bias, mask),
            None => bias,
        };
        self.shared = (!self.own).then(|| mask.clone());
        mask
    }
}

fn attend(
    layer: &mut GraphBuilder,
    module: &str,
    options: &Options,
    x: &Var,
    mask: &Var,
    apply: impl FnOnce(&mut GraphBuilder, &Attention, &Var) -> Var,
) -> Var {
    let attention = Attention {
        bias: [false; 4],
        scale: Scale::None,
        mask: Some(mask),
        ..Attention::new(options.heads, ["q", "k", "v", "o"])
    };
    let normal = rms_norm(&mut layer.at("layer_norm"), x, options.width, options.epsilon);
    let attended = apply(&mut layer.at(module), &attention, &normal);
    layer.add(x, &attended)
}

fn think(layer: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    let Options { width, inner, activation, .. } = *options;
    let normal = rms_norm(&mut layer.at("layer_norm"), x, width, options.epsilon);
    let mut dense = layer.at("DenseReluDense");
    let thought = if options.gated {
        gated_feed_forward(&mut dense, &normal, ["wi_0", "wi_1", "wo"], [width, inner], activation, false)
    } else {
        let up = linear(&mut dense.at("wi"), &normal, width, inner, false);
        let active = activation.apply(&mut dense, &up);
        linear(&mut dense.at("wo"), &active, inner, width, false)
    };
    layer.add(x, &thought)
}
