//! DeBERTa: encoders whose attention also scores how far a token is from another, by what either of them is about
//! (He et al. 2020, arXiv 2006.03654; 2021, arXiv 2111.09543).

use super::{Architecture, Class, Text};
use crate::{
    Element, ModelError,
    blocks::{
        Activation, Buckets, Convolution, Disentangled, Heads, Places, embedding, feed_forward, layer_norm, linear,
        pair_mask, tied_head, vector_at,
    },
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};

/// One of the model types.
pub struct Deberta {
    model_type: &'static str,
    classes: &'static [Class],
    products: Products,
}

/// How queries, keys and values are had from a vector.
#[derive(Clone, Copy, PartialEq)]
enum Products {
    /// One product for each head's query, key and value, and biases apart.
    Together,
    Apart,
}

macro_rules! classes {
    ($prefix:literal) => {
        &[
            Class { name: concat!($prefix, "Model"), about: "Reads text and gives a vector for each token" },
            Class { name: concat!($prefix, "ForMaskedLM"), about: "Reads text and scores every word for each token" },
            Class {
                name: concat!($prefix, "ForSequenceClassification"),
                about: "Reads text and sorts it into classes",
            },
            Class {
                name: concat!($prefix, "ForTokenClassification"),
                about: "Reads text and sorts each token into classes",
            },
            Class {
                name: concat!($prefix, "ForQuestionAnswering"),
                about: "Reads a question with a text and marks the answer in it",
            },
        ]
    };
}

pub const DEBERTA: Deberta =
    Deberta { model_type: "deberta", classes: classes!("Deberta"), products: Products::Together };

pub const DEBERTA_V2: Deberta =
    Deberta { model_type: "deberta-v2", classes: classes!("DebertaV2"), products: Products::Apart };

/// What a configuration says.
struct Options {
    products: Products,
    width: usize,
    /// Width of the word table.
    narrow: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    vocabulary: usize,
    positions: usize,
    /// Kinds of text, where the model tells them apart.
    segments: Option<usize>,
    /// Whether places are in the vectors too.
    placed: bool,
    relative: Option<Relative>,
    /// Terms that the scores are the sum of.
    terms: usize,
    convolution: Option<(Convolution, Activation)>,
}

/// How distances count.
struct Relative {
    buckets: Buckets,
    /// Whether a token's query meets the distance of the other, and the distance's query the other's key.
    meets: [bool; 2],
    /// Modules of the products that distances go through as keys and as queries, and which have biases.
    modules: [(&'static str, bool); 2],
    norm: bool,
}

impl Options {
    fn read(config: &Config, products: Products) -> Result<Self, ModelError> {
        let width = config.needed("hidden_size")?;
        let count = config.needed("num_attention_heads")?;
        let even = config.divides("hidden_size", width, "num_attention_heads", count)?;
        let apart = products == Products::Apart;
        let head_width = if apart { config.size("attention_head_size", even)? } else { even };
        config.must_be_off("talking_head", "mixing of heads")?;
        let positions = config.needed("max_position_embeddings")?;
        let meets = meetings(config)?;
        let epsilon = config.positive("layer_norm_eps", 1e-7)?;
        let convolution = match config.size_or_none("conv_kernel_size")?.filter(|_| apart) {
            None => None,
            Some(kernel) if kernel % 2 == 1 => {
                let groups = config.size("conv_groups", 1)?;
                config.divides("hidden_size", width, "conv_groups", groups)?;
                let convolution = Convolution::line(width, width, kernel).pad(kernel / 2).groups(groups);
                Some((convolution, Activation::read(config, "conv_act", "tanh")?))
            }
            Some(_) => {
                return Err(config.refuse("conv_kernel_size", "an even kernel shortens the text", "Make it odd"));
            }
        };
        let relative = config.flag("relative_attention", false)?;
        Ok(Self {
            products,
            width,
            narrow: config.size("embedding_size", width)?,
            inner: config.needed("intermediate_size")?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads: Heads { width, count, key_value_count: count, head_width, value_width: head_width },
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon,
            vocabulary: config.needed("vocab_size")?,
            positions,
            segments: config.size_or_none("type_vocab_size")?,
            placed: config.flag("position_biased_input", true)?,
            relative: relative.then(|| Relative::read(config, products, meets, positions)).transpose()?,
            terms: 1 + meets.iter().filter(|meets| **meets).count(),
            convolution,
        })
    }
}

/// As `pos_att_type` says: a list, or a text of names with `|` between.
fn meetings(config: &Config) -> Result<[bool; 2], ModelError> {
    const KEY: &str = "pos_att_type";
    let names = config.names(KEY)?;
    if let Some(name) = names.iter().find(|name| !["c2p", "p2c"].contains(&name.as_str())) {
        return Err(config.refuse(KEY, format!("{name:?} is not built"), "Known are c2p and p2c"));
    }
    Ok(["c2p", "p2c"].map(|name| names.iter().any(|known| known == name)))
}

impl Relative {
    fn read(config: &Config, products: Products, meets: [bool; 2], positions: usize) -> Result<Self, ModelError> {
        let apart = products == Products::Apart;
        let most = config.size_or_all("max_relative_positions")?.unwrap_or(positions);
        let buckets = config.size_or_all("position_buckets")?.filter(|_| apart);
        Ok(Self {
            buckets: Buckets::read(config, buckets, most)?,
            meets,
            modules: match products {
                Products::Together => [("pos_proj", false), ("pos_q_proj", true)],
                // Those of the words.
                Products::Apart if config.flag("share_att_key", false)? => [("key_proj", true), ("query_proj", true)],
                Products::Apart => [("pos_key_proj", true), ("pos_query_proj", true)],
            },
            norm: apart && config.text("norm_rel_ebd", "none")?.to_lowercase().contains("layer_norm"),
        })
    }
}

impl Architecture for Deberta {
    fn model_type(&self) -> &'static str {
        self.model_type
    }

    fn classes(&self) -> &'static [Class] {
        self.classes
    }

    fn base(&self) -> &'static str {
        "deberta"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let config = &config.over_defaults(self.model_type, &["pooler_hidden_size"]);
        let options = Options::read(config, self.products)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let text = Text::declare(&mut b, Some(options.positions));
        let segments = options.segments.map(|_| {
            let shape = text.numbers();
            b.input("token_type_ids", Element::I64, &shape)
        });
        let module = if class == self.classes[0].name { "" } else { self.base() };
        let (table, hidden) = encode(&mut b.at(module), &options, &text, segments.as_ref());
        draw_head(&mut b, config, &options, class, &text, [&table, &hidden])
    }
}

/// The word table and the vector of each token.
fn encode(b: &mut GraphBuilder, options: &Options, text: &Text, segments: Option<&Var>) -> (Var, Var) {
    let real = b.cast_float(&text.mask);
    let real = b.unsqueeze(&real, 2);
    let (table, embedded) = embed(&mut b.at("embeddings"), options, text, segments, &real);
    let mask = pair_mask(b, &text.mask);
    let mut b = b.at("encoder");
    let encoder = Encoder::over(&mut b, options, &text.ids, Some(mask));
    let mut hidden = embedded.clone();
    for index in 0..options.layers {
        hidden = encoder.layer(&mut b.at(format_args!("layer.{index}")), &hidden);
        if let (0, Some((convolution, activation))) = (index, &options.convolution) {
            hidden = convolved(&mut b.at("conv"), convolution, *activation, options, [&embedded, &hidden, &real]);
        }
    }
    (table, hidden)
}

/// The layers of the second version over vectors of anything that comes one after the other.
pub struct Layers(Options);

impl Layers {
    /// `config` is over the defaults of its type.
    pub fn read(config: &Config) -> Result<Self, ModelError> {
        let options = Options::read(config, Products::Apart)?;
        if options.convolution.is_some() {
            let remedy = "Remove the key, and the convolution's weights with it";
            return Err(config.refuse("conv_kernel_size", "a convolution after the first layer is not built", remedy));
        }
        Ok(Self(options))
    }

    /// `[batch, length, width]` to the same.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let encoder = Encoder::over(b, &self.0, x, None);
        let mut hidden = x.clone();
        for index in 0..self.0.layers {
            hidden = encoder.layer(&mut b.at(format_args!("layer.{index}")), &hidden);
        }
        hidden
    }
}

/// What all layers have.
struct Encoder<'a> {
    options: &'a Options,
    /// Added to the scores, where some of what is read is padding; see `mask`.
    mask: Option<Var>,
    distances: Option<Distances<'a>>,
}

impl<'a> Encoder<'a> {
    /// Over a sequence `[batch, length, …]`.
    fn over(b: &mut GraphBuilder, options: &'a Options, sequence: &Var, mask: Option<Var>) -> Self {
        let distances = options.relative.as_ref().map(|relative| relative.distances(b, options, sequence));
        Self { options, mask, distances }
    }

    fn layer(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let Options { width, inner, heads, activation, epsilon, .. } = *self.options;
        let mixed = self.attend(&mut b.at("attention.self"), x);
        let mut out = b.at("attention.output");
        let made = linear(&mut out.at("dense"), &mixed, heads.query_width(), width, true);
        let sum = out.add(&made, x);
        let x = layer_norm(&mut out.at("LayerNorm"), &sum, width, epsilon);
        let modules = ["intermediate.dense", "output.dense"];
        let made = feed_forward(b, &x, modules, [width, inner], activation, true);
        let sum = b.add(&made, &x);
        layer_norm(&mut b.at("output.LayerNorm"), &sum, width, epsilon)
    }

    fn attend(&self, b: &mut GraphBuilder, x: &Var) -> Var {
        let Options { heads, products, terms, .. } = *self.options;
        let [query, key, value] = match products {
            Products::Together => together(b, heads, x),
            Products::Apart => PRODUCTS.map(|module| {
                let all = linear(&mut b.at(module), x, heads.width, heads.query_width(), true);
                b.reshape(&all, &[0, 0, heads.count as i64, heads.head_width as i64])
            }),
        };
        let distances = self.distances.as_ref();
        let [keys, queries] = distances.map_or([None, None], |distances| distances.project(b, heads));
        let attention = Disentangled {
            heads,
            terms,
            mask: self.mask.as_ref(),
            places: distances.map(|distances| &distances.places),
            keys: keys.as_ref(),
            queries: queries.as_ref(),
        };
        attention.apply(b, [&query, &key, &value])
    }
}

const PRODUCTS: [&str; 3] = ["query_proj", "key_proj", "value_proj"];

/// One product; queries and values have biases.
fn together(b: &mut GraphBuilder, heads: Heads, x: &Var) -> [Var; 3] {
    let Heads { width, count, head_width, .. } = heads;
    let all = linear(&mut b.at("in_proj"), x, width, 3 * heads.query_width(), false);
    let all = b.reshape(&all, &[0, 0, count as i64, 3 * head_width as i64]);
    let parts = b.split(&all, &[head_width; 3], -1);
    let mut biased = |part: &Var, name: &str| {
        let bias = b.weight(name, &[heads.query_width()], Fill::Bias);
        let bias = b.reshape(&bias, &[count as i64, head_width as i64]);
        b.add(part, &bias)
    };
    [biased(&parts[0], "q_bias"), parts[1].clone(), biased(&parts[2], "v_bias")]
}

/// A vector for each distance, and which of them belongs to each pair of tokens.
struct Distances<'a> {
    relative: &'a Relative,
    /// `[distances, width]`.
    vectors: Var,
    /// `[batch, heads, query, key]`.
    places: Var,
}

impl Relative {
    /// Of a sequence `[batch, length, …]`.
    fn distances(&self, b: &mut GraphBuilder, options: &Options, sequence: &Var) -> Distances<'_> {
        let (width, count) = (options.width, options.heads.count);
        let length = b.size_of(sequence, 1);
        let places = Places::new(b, &length);
        let rows = 2 * self.buckets.span();
        let mut vectors = b.at("rel_embeddings").weight("weight", &[rows, width], Fill::Matrix);
        if self.norm {
            vectors = layer_norm(&mut b.at("LayerNorm"), &vectors, width, options.epsilon);
        }
        let (vectors, found) = self.buckets.apply(b, &vectors, &places);
        let (batch, length) = (b.size_of(sequence, 0), b.size_of(sequence, 1));
        let heads = b.ints(&[count as i64]);
        let shape = b.concat(&[&batch, &heads, &length, &length], 0);
        Distances { relative: self, vectors, places: b.expand(&found, &shape) }
    }
}

impl Distances<'_> {
    /// Keys of the distances `[1, heads, head width, distances]`, and their queries `[1, heads, distances, head width]`.
    fn project(&self, b: &mut GraphBuilder, heads: Heads) -> [Option<Var>; 2] {
        let Heads { width, count, head_width, .. } = heads;
        let Relative { meets, modules, .. } = *self.relative;
        let mut made = |place: usize, order: &[i64]| {
            let (module, bias) = modules[place];
            let all = linear(&mut b.at(module), &self.vectors, width, heads.query_width(), bias);
            let all = b.reshape(&all, &[1, -1, count as i64, head_width as i64]);
            b.transpose(&all, order)
        };
        [meets[0].then(|| made(0, &[0, 2, 3, 1])), meets[1].then(|| made(1, &[0, 2, 1, 3]))]
    }
}

/// Words, places and kinds of text together; padding is nothing.
fn embed(b: &mut GraphBuilder, options: &Options, text: &Text, segments: Option<&Var>, real: &Var) -> (Var, Var) {
    let narrow = options.narrow;
    let (table, mut sum) = embedding(&mut b.at("word_embeddings"), &text.ids, options.vocabulary, narrow);
    if options.placed {
        let mut e = b.at("position_embeddings");
        let places = e.weight("weight", &[options.positions, narrow], Fill::Matrix);
        let length = e.size_of(&text.ids, 1);
        let places = e.first_rows(&places, &length);
        sum = b.add(&sum, &places);
    }
    if let (Some(kinds), Some(segments)) = (options.segments, segments) {
        let (_, kinds) = embedding(&mut b.at("token_type_embeddings"), segments, kinds, narrow);
        sum = b.add(&sum, &kinds);
    }
    if narrow != options.width {
        sum = linear(&mut b.at("embed_proj"), &sum, narrow, options.width, false);
    }
    b.hint(&sum, options.width);
    let normal = layer_norm(&mut b.at("LayerNorm"), &sum, options.width, options.epsilon);
    (table, b.mul(&normal, real))
}

/// Neighbours of the first vectors, added to those of the first layer; padding is nothing.
fn convolved(
    b: &mut GraphBuilder,
    convolution: &Convolution,
    activation: Activation,
    options: &Options,
    [first, hidden, real]: [&Var; 3],
) -> Var {
    let turned = b.transpose(first, &[0, 2, 1]);
    let mixed = convolution.apply(&mut b.at("conv"), &turned);
    let mixed = b.transpose(&mixed, &[0, 2, 1]);
    let mixed = b.mul(&mixed, real);
    let mixed = activation.apply(b, &mixed);
    let sum = b.add(hidden, &mixed);
    let normal = layer_norm(&mut b.at("LayerNorm"), &sum, options.width, options.epsilon);
    b.mul(&normal, real)
}

fn draw_head(
    b: &mut GraphBuilder,
    config: &Config,
    options: &Options,
    class: &str,
    text: &Text,
    [table, hidden]: [&Var; 2],
) -> Result<(), ModelError> {
    let Options { width, vocabulary, .. } = *options;
    if class.ends_with("ForMaskedLM") {
        let scores = word_scores(b, config, options, table, hidden)?;
        b.output("logits", &scores, &text.vectors(vocabulary));
    } else if class.ends_with("ForSequenceClassification") {
        let labels = config.labels()?;
        let inner = config.size("pooler_hidden_size", width)?;
        if inner != width {
            let reason = format!("the vectors that it reads are {width} wide");
            return Err(config.refuse("pooler_hidden_size", reason, "Make it the same as hidden_size"));
        }
        let first = vector_at(b, hidden, 0);
        let dense = linear(&mut b.at("pooler.dense"), &first, width, width, true);
        let whole = Activation::read(config, "pooler_hidden_act", "gelu")?.apply(b, &dense);
        let scores = linear(&mut b.at("classifier"), &whole, width, labels, true);
        b.output("logits", &scores, &text.vector(labels));
    } else if class.ends_with("ForTokenClassification") {
        let labels = config.labels()?;
        let scores = linear(&mut b.at("classifier"), hidden, width, labels, true);
        b.output("logits", &scores, &text.vectors(labels));
    } else if class.ends_with("ForQuestionAnswering") {
        text.mark_answer(b, "qa_outputs", hidden, width);
    } else {
        b.output("last_hidden_state", hidden, &text.vectors(width));
    }
    Ok(())
}

/// A score for each word at each token.
fn word_scores(
    b: &mut GraphBuilder,
    config: &Config,
    options: &Options,
    table: &Var,
    hidden: &Var,
) -> Result<Var, ModelError> {
    let Options { width, narrow, vocabulary, epsilon, activation, .. } = *options;
    let legacy = config.flag("legacy", true)?;
    let (scope, transform) = if legacy { ("cls.predictions", "transform") } else { ("lm_predictions.lm_head", "") };
    if !legacy && narrow != width {
        let reason = format!("the head is {width} wide and the word table {narrow}");
        return Err(config.refuse("legacy", reason, "Set legacy to true"));
    }
    let mut b = b.at(scope);
    let normal = {
        let mut b = b.at(transform);
        let dense = linear(&mut b.at("dense"), hidden, width, narrow, true);
        let active = activation.apply(&mut b, &dense);
        layer_norm(&mut b.at("LayerNorm"), &active, narrow, epsilon)
    };
    let scores = if !legacy || config.flag("tie_word_embeddings", true)? {
        tied_head(&mut b, &normal, table, narrow, vocabulary)
    } else {
        linear(&mut b.at("decoder"), &normal, narrow, vocabulary, false)
    };
    let bias = b.weight("bias", &[vocabulary], Fill::Bias);
    Ok(b.add(&scores, &bias))
}
