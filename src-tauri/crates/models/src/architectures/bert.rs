//! BERT: a bidirectional text encoder, normalised after each block.

use super::{Architecture, Class};
use crate::{
    Dimension, Element, ModelError,
    blocks::{Activation, Attention, Heads, embedding, feed_forward, layer_norm, linear, padding_mask, tied_head},
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};
use contract::DimRole;

pub struct Bert;

const CLASSES: [Class; 7] = [
    Class { name: "BertModel", about: "Reads text and gives a vector for each token and one for the whole" },
    Class { name: "BertForMaskedLM", about: "Reads text and scores every word for each token" },
    Class {
        name: "BertForPreTraining",
        about: "Reads two texts, scores every word and whether they follow each other",
    },
    Class { name: "BertForNextSentencePrediction", about: "Reads two texts and scores whether they follow each other" },
    Class { name: "BertForSequenceClassification", about: "Reads text and sorts it into classes" },
    Class { name: "BertForTokenClassification", about: "Reads text and sorts each token into classes" },
    Class { name: "BertForQuestionAnswering", about: "Reads a question with a text and marks the answer in it" },
];

struct Options {
    width: usize,
    inner: usize,
    layers: usize,
    heads: Heads,
    activation: Activation,
    epsilon: f64,
    vocabulary: usize,
    positions: usize,
    segments: usize,
}

impl Options {
    fn read(config: &Config) -> Result<Self, ModelError> {
        config.must_be_off("is_decoder", "BERT as a decoder")?;
        config.must_be_off("add_cross_attention", "BERT with cross-attention")?;
        if config.text("position_embedding_type", "absolute")? != "absolute" {
            return Err(config.refuse("position_embedding_type", "only absolute positions are built", "Use absolute"));
        }
        let width = config.size("hidden_size", 768)?;
        let heads = config.size("num_attention_heads", 12)?;
        config.divides("hidden_size", width, "num_attention_heads", heads)?;
        Ok(Self {
            width,
            inner: config.size("intermediate_size", 3072)?,
            layers: config.layers("num_hidden_layers", 12)?,
            heads: Heads::even(width, heads),
            activation: Activation::read(config, "hidden_act", "gelu")?,
            epsilon: config.positive("layer_norm_eps", 1e-12)?,
            vocabulary: config.size("vocab_size", 30_522)?,
            positions: config.size("max_position_embeddings", 512)?,
            segments: config.size("type_vocab_size", 2)?,
        })
    }
}

impl Architecture for Bert {
    fn model_type(&self) -> &'static str {
        "bert"
    }

    fn classes(&self) -> &'static [Class] {
        &CLASSES
    }

    fn base(&self) -> &'static str {
        "bert"
    }

    fn draw(&self, config: &Config, class: &str, mut b: GraphBuilder) -> Result<(), ModelError> {
        let options = Options::read(config)?;
        b.deviation(config.positive("initializer_range", 0.02)?);
        let batch = b.free("batch", DimRole::Batch, "How many texts at once?", 1, None);
        let most = Some(options.positions as u32);
        let sequence = b.free("sequence", DimRole::Sequence, "How many tokens of text?", 128, most);
        b.tokens(&batch, &sequence);
        let text = [batch.clone(), sequence.clone()];
        let ids = b.input("input_ids", Element::I64, &text);
        let mask = b.input("attention_mask", Element::I64, &text);
        let segments = b.input("token_type_ids", Element::I64, &text);

        let width = options.width;
        let (table, hidden) = match class {
            "BertModel" => encode(&mut b, &options, &ids, &mask, &segments),
            _ => encode(&mut b.at("bert"), &options, &ids, &mask, &segments),
        };
        let pool = |b: &mut GraphBuilder| pooled(b, &hidden, width);
        let vectors = |last: usize| [batch.clone(), sequence.clone(), Dimension::Fixed(last as u64)];
        let vector = |last: usize| [batch.clone(), Dimension::Fixed(last as u64)];
        match class {
            "BertForMaskedLM" => {
                let scores = word_scores(&mut b.at("cls.predictions"), config, &options, &hidden, &table)?;
                b.output("logits", &scores, &vectors(options.vocabulary));
            }
            "BertForPreTraining" => {
                let scores = word_scores(&mut b.at("cls.predictions"), config, &options, &hidden, &table)?;
                let pooled = pool(&mut b.at("bert"));
                let follows = linear(&mut b.at("cls.seq_relationship"), &pooled, width, 2, true);
                b.output("prediction_logits", &scores, &vectors(options.vocabulary));
                b.output("seq_relationship_logits", &follows, &vector(2));
            }
            "BertForNextSentencePrediction" => {
                let pooled = pool(&mut b.at("bert"));
                let follows = linear(&mut b.at("cls.seq_relationship"), &pooled, width, 2, true);
                b.output("logits", &follows, &vector(2));
            }
            "BertForSequenceClassification" => {
                let labels = config.labels()?;
                let pooled = pool(&mut b.at("bert"));
                let scores = linear(&mut b.at("classifier"), &pooled, width, labels, true);
                b.output("logits", &scores, &vector(labels));
            }
            "BertForTokenClassification" => {
                let labels = config.labels()?;
                let scores = linear(&mut b.at("classifier"), &hidden, width, labels, true);
                b.output("logits", &scores, &vectors(labels));
            }
            "BertForQuestionAnswering" => {
                let ends = linear(&mut b.at("qa_outputs"), &hidden, width, 2, true);
                let ends = b.split(&ends, &[1, 1], -1);
                for (name, end) in ["start_logits", "end_logits"].into_iter().zip(&ends) {
                    let end = b.squeeze(end, -1);
                    b.output(name, &end, &text);
                }
            }
            _ => {
                let pooled = pool(&mut b);
                b.output("last_hidden_state", &hidden, &vectors(width));
                b.output("pooler_output", &pooled, &vector(width));
            }
        }
        Ok(())
    }
}

/// The word table and the vector of each token.
fn encode(b: &mut GraphBuilder, options: &Options, ids: &Var, mask: &Var, segments: &Var) -> (Var, Var) {
    let Options { width, epsilon, .. } = *options;
    let mut e = b.at("embeddings");
    let (table, words) = embedding(&mut e.at("word_embeddings"), ids, options.vocabulary, width);
    let (_, kinds) = embedding(&mut e.at("token_type_embeddings"), segments, options.segments, width);
    let places = e.at("position_embeddings").weight("weight", &[options.positions, width], Fill::Matrix);
    let sequence = e.size_of(ids, 1);
    let places = e.first_rows(&places, &sequence);
    let sum = e.add(&words, &kinds);
    let sum = e.add(&sum, &places);
    e.hint(&sum, width);
    let mut hidden = layer_norm(&mut e.at("LayerNorm"), &sum, width, epsilon);

    let mask = padding_mask(b, mask);
    for index in 0..options.layers {
        let mut layer = b.at(format_args!("encoder.layer.{index}"));
        let attention = Attention {
            mask: Some(&mask),
            ..Attention::new(options.heads, ["self.query", "self.key", "self.value", "output.dense"])
        };
        let attended = attention.apply(&mut layer.at("attention"), &hidden);
        let sum = layer.add(&attended, &hidden);
        hidden = layer_norm(&mut layer.at("attention.output.LayerNorm"), &sum, width, epsilon);
        let modules = ["intermediate.dense", "output.dense"];
        let thought = feed_forward(&mut layer, &hidden, modules, [width, options.inner], options.activation, true);
        let sum = layer.add(&thought, &hidden);
        hidden = layer_norm(&mut layer.at("output.LayerNorm"), &sum, width, epsilon);
    }
    (table, hidden)
}

/// The first token's vector through a dense layer: `[batch, width]`.
fn pooled(b: &mut GraphBuilder, hidden: &Var, width: usize) -> Var {
    let mut b = b.at("pooler.dense");
    let index = b.int(0);
    let first = b.gather(hidden, &index, 1);
    let dense = linear(&mut b, &first, width, width, true);
    b.unary("Tanh", &dense)
}

/// The masked-word head: `[batch, sequence, vocabulary]`.
fn word_scores(
    b: &mut GraphBuilder,
    config: &Config,
    options: &Options,
    hidden: &Var,
    table: &Var,
) -> Result<Var, ModelError> {
    let (width, vocabulary) = (options.width, options.vocabulary);
    let dense = linear(&mut b.at("transform.dense"), hidden, width, width, true);
    let active = options.activation.apply(b, &dense);
    let normal = layer_norm(&mut b.at("transform.LayerNorm"), &active, width, options.epsilon);
    let scores = if config.flag("tie_word_embeddings", true)? {
        tied_head(b, &normal, table, width, vocabulary)
    } else {
        linear(&mut b.at("decoder"), &normal, width, vocabulary, false)
    };
    let bias = b.weight("bias", &[vocabulary], Fill::Bias);
    Ok(b.add(&scores, &bias))
}
