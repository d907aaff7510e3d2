//! BART and the translators, summarisers and chatbots built like it: an encoder that reads a text, a decoder that answers.

use super::{Answer, Architecture, Class, Marks, Standing, Text, Turn, Writer, Written, bert::places_after_padding};
use crate::{
    Element, ModelError,
    blocks::{Activation, Attention, Heads, Places, embedding, feed_forward, layer_norm, padding_mask, word_scores},
    builder::{GraphBuilder, Var},
    config::Config,
    generation::Stage,
    weights::Fill,
};

/// A model type of this family.
#[derive(Clone, Copy)]
pub struct Bart {
    model_type: &'static str,
    classes: &'static [Class; 2],
    defaults: Defaults,
    positions: Positions,
    embedding_norm: EmbeddingNorm,
    /// Norms come before each step and once more at the end, rather than after each step.
    norm_first: bool,
    /// Checkpoints keep a bias of the answer's words that is not trained.
    word_bias: bool,
    /// Options that would change the network and are not built.
    off: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy)]
struct Defaults {
    vocabulary: usize,
    width: usize,
    /// Of the encoder and of the decoder.
    layers: [usize; 2],
    inner: usize,
    heads: usize,
    positions: usize,
    activation: &'static str,
    scaled: bool,
    marks: Marks,
}

#[derive(Clone, Copy, PartialEq)]
enum Positions {
    /// A table that begins with so many rows of no use.
    Learned { offset: usize },
    /// Sines and cosines of the place; checkpoints may keep them, and they count as parameters.
    Waves,
    /// The same of the place among words that are not padding, with a slightly different scale.
    WavesAfterPadding,
}

#[derive(Clone, Copy, PartialEq)]
enum EmbeddingNorm {
    None,
    AfterPositions,
    /// The decoder's positions are added behind its norm.
    BeforePositionsInDecoder,
}

macro_rules! classes {
    ($prefix:literal) => {
        classes!($prefix, "ForConditionalGeneration")
    };
    ($prefix:literal, $head:literal) => {
        &[
            Class {
                name: concat!($prefix, "Model"),
                about: "Reads a text and gives a vector for each token of its answer",
            },
            Class {
                name: concat!($prefix, $head),
                about: "Reads a text and scores every word as the next one of its answer",
            },
        ]
    };
}

pub const BART: Bart = Bart {
    model_type: "bart",
    classes: classes!("Bart"),
    defaults: Defaults {
        vocabulary: 50_265,
        width: 1024,
        layers: [12, 12],
        inner: 4096,
        heads: 16,
        positions: 1024,
        activation: "gelu",
        scaled: false,
        marks: Marks { start: 2, padding: 1 },
    },
    positions: Positions::Learned { offset: 2 },
    embedding_norm: EmbeddingNorm::AfterPositions,
    norm_first: false,
    word_bias: true,
    off: &[],
};

pub const MBART: Bart = Bart {
    model_type: "mbart",
    classes: classes!("MBart"),
    defaults: Defaults { marks: Marks { start: 0, padding: 1 }, ..BART.defaults },
    norm_first: true,
    ..BART
};

pub const MVP: Bart = Bart {
    model_type: "mvp",
    classes: classes!("Mvp"),
    defaults: Defaults { vocabulary: 50_267, ..BART.defaults },
    off: &[("use_prompt", "a prompt that is learned")],
    ..BART
};

pub const PLBART: Bart = Bart {
    model_type: "plbart",
    classes: classes!("PLBart"),
    defaults: Defaults {
        vocabulary: 50_005,
        width: 768,
        layers: [6, 6],
        inner: 3072,
        heads: 12,
        scaled: true,
        marks: Marks { start: 0, padding: 1 },
        ..BART.defaults
    },
    ..BART
};

pub const PEGASUS: Bart = Bart {
    model_type: "pegasus",
    classes: classes!("Pegasus"),
    defaults: Defaults { marks: Marks { start: 0, padding: 0 }, ..BART.defaults },
    positions: Positions::Waves,
    embedding_norm: EmbeddingNorm::None,
    norm_first: true,
    ..BART
};

pub const MARIAN: Bart = Bart {
    model_type: "marian",
    classes: classes!("Marian", "MTModel"),
    defaults: Defaults { vocabulary: 58_101, marks: Marks { start: 58_100, padding: 58_100 }, ..BART.defaults },
    norm_first: false,
    ..PEGASUS
};

pub const M2M_100: Bart = Bart {
    model_type: "m2m_100",
    classes: classes!("M2M100"),
    defaults: Defaults { vocabulary: 128_112, activation: "relu", scaled: true, ..BART.defaults },
    positions: Positions::WavesAfterPadding,
    embedding_norm: EmbeddingNorm::None,
    norm_first: true,
    word_bias: false,
    ..BART
};

pub const BLENDERBOT: Bart = Bart {
    model_type: "blenderbot",
    classes: classes!("Blenderbot"),
    defaults: Defaults {
        vocabulary: 8008,
        width: 2560,
        layers: [2, 24],
        inner: 10_240,
        heads: 32,
        positions: 128,
        marks: Marks { start: 1, padding: 0 },
        ..BART.defaults
    },
    positions: Positions::Learned { offset: 0 },
    embedding_norm: EmbeddingNorm::None,
    norm_first: true,
    ..BART
};

pub const BLENDERBOT_SMALL: Bart = Bart {
    model_type: "blenderbot-small",
    classes: classes!("BlenderbotSmall"),
    defaults: Defaults {
        width: 512,
        layers: [8, 8],
        inner: 2048,
        positions: 512,
        marks: Marks { start: 1, padding: 0 },
        ..BART.defaults
    },
    positions: Positions::Learned { offset: 0 },
    embedding_norm: EmbeddingNorm::BeforePositionsInDecoder,
    ..BART
};

/// The epsilon of torch's LayerNorm, which these leave as it is.
const EPSILON: f64 = 1e-5;

/// The encoder, or the decoder.
struct Side {
    layers: usize,
    inner: usize,
    heads: Heads,
    decodes: bool,
}

struct Options {
    kind: Bart,
    width: usize,
    vocabulary: usize,
    positions: usize,
    padding: usize,
    activation: Activation,
    /// What words are multiplied by.
    scale: f64,
    encoder: Side,
    decoder: Side,
    tied: bool,
}

impl Options {
    fn read(config: &Config, kind: &Bart) -> Result<Self, ModelError> {
        config.must_be_off("is_decoder", "the decoder alone")?;
        for (key, what) in kind.off {
            config.must_be_off(key, what)?;
        }
        let defaults = kind.defaults;
        let width = config.size("d_model", defaults.width)?;
        let vocabulary = config.size("vocab_size", defaults.vocabulary)?;
        if !config.flag("share_encoder_decoder_embeddings", true)? {
            let reason = "separate word tables for both sides are not built";
            return Err(config.refuse("share_encoder_decoder_embeddings", reason, "Set it to true"));
        }
        if config.size("decoder_vocab_size", vocabulary)? != vocabulary {
            let reason = format!("both sides share one table of {vocabulary} words (vocab_size)");
            return Err(config.refuse("decoder_vocab_size", reason, "Make both equal"));
        }
        if kind.positions != (Positions::Learned { offset: 0 }) && (width < 4 || !width.is_multiple_of(2)) {
            return Err(config.refuse("d_model", "positions need an even width of at least 4", "Choose an even width"));
        }
        let side = |name: &str, layers: usize, decodes: bool| {
            let heads_key = format!("{name}_attention_heads");
            let heads = config.size(&heads_key, defaults.heads)?;
            config.divides("d_model", width, &heads_key, heads)?;
            Ok::<Side, ModelError>(Side {
                layers: config.layers(&format!("{name}_layers"), layers)?,
                inner: config.size(&format!("{name}_ffn_dim"), defaults.inner)?,
                heads: Heads::even(width, heads),
                decodes,
            })
        };
        Ok(Self {
            kind: *kind,
            width,
            vocabulary,
            positions: config.size("max_position_embeddings", defaults.positions)?,
            padding: config.index("pad_token_id", defaults.marks.padding)?,
            activation: Activation::read(config, "activation_function", defaults.activation)?,
            scale: if config.flag("scale_embedding", defaults.scaled)? { (width as f64).sqrt() } else { 1.0 },
            encoder: side("encoder", defaults.layers[0], false)?,
            decoder: side("decoder", defaults.layers[1], true)?,
            tied: config.flag("tie_word_embeddings", true)?,
        })
    }
}

impl Architecture for Bart {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "model"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        b.deviation(config.positive("init_std", 0.02)?);
        let Options { width, vocabulary, positions, .. } = options;
        let is_base = class == self.classes[0].name;
        let text = Text::declare(&mut b, Some(positions));
        let written = Written::declare(&mut b, &text.batch, Some(positions));
        let mask = padding_mask(&mut b, &text.mask);

        let mut model = b.at(if is_base { "" } else { self.base() });
        let (_, words) = embedding(&mut model.at("shared"), &text.ids, vocabulary, width);
        let seen = read(&mut model.at("encoder"), &options, &text.ids, &words, &mask);
        model.tokens(&written.batch, &written.sequence);
        let (table, words) = embedding(&mut model.at("shared"), &written.ids, vocabulary, width);
        let mut answer = Answer::whole(&seen);
        let hidden = write(&mut model.at("decoder"), &options, &written.ids, &words, &mut answer, &mask);

        if is_base {
            b.output("last_hidden_state", &hidden, &written.vectors(width));
        } else {
            let scores = score(&mut b, &options, &hidden, &table);
            b.output("logits", &scores, &written.vectors(vocabulary));
        }
        b.output("encoder_last_hidden_state", &seen, &text.vectors(width));
        Ok(())
    }

    fn generates(&self, class: &str) -> bool {
        class == self.classes[1].name
    }

    fn draw_stage(&self, config: &Config, _class: &str, stage: Stage, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config, self)?;
        b.deviation(config.positive("init_std", 0.02)?);
        let Options { width, vocabulary, positions, decoder: Side { layers, heads, .. }, .. } = options;
        let writer = Writer { layers, heads, vocabulary, positions: Some(positions) };
        let marks = Marks::read(config, self.defaults.marks, vocabulary)?;
        let (mut turn, mask) = Turn::on_text(&mut b, stage, writer, marks, |b, text, mask| {
            let mut model = b.at(self.base());
            let (_, words) = embedding(&mut model.at("shared"), &text.ids, vocabulary, width);
            read(&mut model.at("encoder"), &options, &text.ids, &words, mask)
        });
        b.tokens(&turn.batch, &turn.length);
        let mut model = b.at(self.base());
        let (table, words) = embedding(&mut model.at("shared"), &turn.ids, vocabulary, width);
        let hidden = write(&mut model.at("decoder"), &options, &turn.ids, &words, &mut turn.answer, &mask);
        turn.finish(&mut b, &hidden, |b, hidden| score(b, &options, hidden, &table));
        Ok(())
    }
}

fn read(b: &mut GraphBuilder, options: &Options, ids: &Var, words: &Var, mask: &Var) -> Var {
    let side = &options.encoder;
    let mut hidden = embed(b, options, side, ids, words, None);
    for index in 0..side.layers {
        let mut layer = b.at(format_args!("layers.{index}"));
        hidden = attend(&mut layer, options, side, "self_attn", &hidden, Some(mask), |b, attention, x| {
            attention.apply(b, x)
        });
        hidden = think(&mut layer, options, side, &hidden);
    }
    last_norm(b, options, &hidden)
}

/// Each token of the answer sees those before it, and all of the text that was read.
fn write(b: &mut GraphBuilder, options: &Options, ids: &Var, words: &Var, answer: &mut Answer, seen_mask: &Var) -> Var {
    let side = &options.decoder;
    let mut hidden = embed(b, options, side, ids, words, answer.after());
    let standing = Standing::of(b, ids, answer.after());
    let (_, mask) = standing.among(b);
    for index in 0..side.layers {
        let mut layer = b.at(format_args!("layers.{index}"));
        hidden = attend(&mut layer, options, side, "self_attn", &hidden, mask.as_ref(), |b, attention, x| {
            answer.attend_itself(b, index, attention, x)
        });
        hidden = attend(&mut layer, options, side, "encoder_attn", &hidden, Some(seen_mask), |b, attention, x| {
            answer.attend_read(b, index, attention, x)
        });
        hidden = think(&mut layer, options, side, &hidden);
    }
    last_norm(b, options, &hidden)
}

/// Scores of every word: `[batch, sequence, vocabulary]`.
fn score(b: &mut GraphBuilder, options: &Options, hidden: &Var, table: &Var) -> Var {
    let Options { width, vocabulary, .. } = *options;
    let tied = options.tied.then_some(table);
    let scores = word_scores(&mut b.at("lm_head"), hidden, tied, [width, vocabulary], false);
    if !options.kind.word_bias {
        return scores;
    }
    let bias = b.buffer("final_logits_bias", &[1, vocabulary], Fill::Bias);
    b.add(&scores, &bias)
}

/// Words and positions together.
fn embed(b: &mut GraphBuilder, options: &Options, side: &Side, ids: &Var, words: &Var, after: Option<&Places>) -> Var {
    let words = if options.scale == 1.0 {
        words.clone()
    } else {
        let scale = b.scalar(options.scale);
        b.mul(words, &scale)
    };
    let places = positions(&mut b.at("embed_positions"), options, ids, after);
    let norm = |b: &mut GraphBuilder, x: &Var| layer_norm(&mut b.at("layernorm_embedding"), x, options.width, EPSILON);
    match options.kind.embedding_norm {
        EmbeddingNorm::BeforePositionsInDecoder if side.decodes => {
            b.hint(&words, options.width);
            let words = norm(b, &words);
            b.add(&words, &places)
        }
        EmbeddingNorm::None => {
            let sum = b.add(&words, &places);
            b.hint(&sum, options.width);
            sum
        }
        _ => {
            let sum = b.add(&words, &places);
            b.hint(&sum, options.width);
            norm(b, &sum)
        }
    }
}

/// The vectors of the places: `[sequence, width]`, or `[batch, sequence, width]`.
fn positions(b: &mut GraphBuilder, options: &Options, ids: &Var, after: Option<&Places>) -> Var {
    let Options { width, positions, .. } = *options;
    let standing = Standing::of(b, ids, after);
    match options.kind.positions {
        Positions::Learned { offset: 0 } => {
            let table = b.weight("weight", &[positions, width], Fill::Matrix);
            standing.rows(b, &table)
        }
        Positions::Learned { offset } => {
            let table = b.weight("weight", &[positions + offset, width], Fill::Matrix);
            let places = standing.places(b);
            let offset = b.int(offset as i64);
            let places = b.add(&places, &offset);
            b.gather(&table, &places, 0)
        }
        Positions::Waves => {
            b.unread("weight", &[positions, width]);
            let places = standing.places(b);
            let frequencies = (0..width / 2).map(|pair| 10_000f64.powf(-((2 * pair) as f64) / width as f64));
            waves(b, &places, &frequencies.collect::<Vec<_>>())
        }
        Positions::WavesAfterPadding => {
            let padding = b.int(options.padding as i64);
            let places = match &standing {
                Standing::First(_) => places_after_padding(b, ids, &padding),
                // As transformers counts them: all that came before are words.
                Standing::After(places) => {
                    let offset = b.int(options.padding as i64 + 1);
                    b.add(&places.queries, &offset)
                }
            };
            let step = 10_000f64.ln() / (width / 2 - 1) as f64;
            let frequencies: Vec<f64> = (0..width / 2).map(|pair| (-step * pair as f64).exp()).collect();
            let vectors = waves(b, &places, &frequencies);
            let is_padding = b.equal(ids, &padding);
            let is_padding = b.unsqueeze(&is_padding, -1);
            let zero = b.scalar(0.0);
            b.choose(&is_padding, &zero, &vectors)
        }
    }
}

/// The sines of all frequencies, then the cosines; angles are computed in f32, since f16 has too few digits for them.
fn waves(b: &mut GraphBuilder, places: &Var, frequencies: &[f64]) -> Var {
    let table = b.table("frequencies", &[frequencies.len()], frequencies);
    let places = b.cast(places, Element::F32);
    let places = b.unsqueeze(&places, -1);
    let angles = b.mul(&places, &table);
    let (sine, cosine) = (b.unary("Sin", &angles), b.unary("Cos", &angles));
    let vectors = b.concat(&[&sine, &cosine], -1);
    b.cast_float(&vectors)
}

fn attend(
    layer: &mut GraphBuilder,
    options: &Options,
    side: &Side,
    module: &str,
    x: &Var,
    mask: Option<&Var>,
    apply: impl FnOnce(&mut GraphBuilder, &Attention, &Var) -> Var,
) -> Var {
    let attention = Attention { mask, ..Attention::new(side.heads, ["q_proj", "k_proj", "v_proj", "out_proj"]) };
    let norm = format!("{module}_layer_norm");
    step(layer, options, &norm, x, |layer, x| apply(&mut layer.at(module), &attention, x))
}

fn think(layer: &mut GraphBuilder, options: &Options, side: &Side, x: &Var) -> Var {
    let sizes = [options.width, side.inner];
    step(layer, options, "final_layer_norm", x, |layer, x| {
        feed_forward(layer, x, ["fc1", "fc2"], sizes, options.activation, true)
    })
}

/// One step with its residual and its norm.
fn step(
    layer: &mut GraphBuilder,
    options: &Options,
    norm: &str,
    x: &Var,
    apply: impl FnOnce(&mut GraphBuilder, &Var) -> Var,
) -> Var {
    if options.kind.norm_first {
        let normal = layer_norm(&mut layer.at(norm), x, options.width, EPSILON);
        let stepped = apply(layer, &normal);
        layer.add(&stepped, x)
    } else {
        let stepped = apply(layer, x);
        let sum = layer.add(&stepped, x);
        layer_norm(&mut layer.at(norm), &sum, options.width, EPSILON)
    }
}

fn last_norm(b: &mut GraphBuilder, options: &Options, x: &Var) -> Var {
    if options.kind.norm_first { layer_norm(&mut b.at("layer_norm"), x, options.width, EPSILON) } else { x.clone() }
}
