//! What the classes make of the vectors.

use super::{Kind, Options, Style};
use crate::{
    ModelError,
    architectures::Text,
    blocks::{Activation, layer_norm, linear, tied_head, vector_at},
    builder::{GraphBuilder, Var},
    config::Config,
    weights::Fill,
};

/// A text, the word table, and the vector of each token.
pub struct Read {
    pub text: Text,
    pub table: Var,
    pub hidden: Var,
}

/// Declares the outputs of the class; `purpose` is its name without the type's prefix.
pub fn draw(
    b: &mut GraphBuilder,
    config: &Config,
    kind: &Kind,
    options: &Options,
    purpose: &str,
    Read { text, table, hidden }: &Read,
) -> Result<(), ModelError> {
    let width = options.width;
    match purpose {
        "ForMaskedLM" => {
            let scores = word_scores(b, config, kind, options, hidden, table)?;
            b.output("logits", &scores, &text.vectors(options.vocabulary));
        }
        "ForPreTraining" if kind.heads == Style::Electra => {
            let mut b = b.at("discriminator_predictions");
            let dense = linear(&mut b.at("dense"), hidden, width, width, true);
            let active = options.activation.apply(&mut b, &dense);
            let scores = linear(&mut b.at("dense_prediction"), &active, width, 1, true);
            let scores = b.squeeze(&scores, -1);
            b.output("logits", &scores, &text.numbers());
        }
        "ForPreTraining" => {
            let scores = word_scores(b, config, kind, options, hidden, table)?;
            let follows = follows(b, kind, width, hidden);
            b.output("prediction_logits", &scores, &text.vectors(options.vocabulary));
            b.output("seq_relationship_logits", &follows, &text.vector(2));
        }
        "ForNextSentencePrediction" => {
            let follows = follows(b, kind, width, hidden);
            b.output("logits", &follows, &text.vector(2));
        }
        "ForSequenceClassification" => {
            let labels = config.labels()?;
            let scores = class_scores(b, kind, options, hidden, labels);
            b.output("logits", &scores, &text.vector(labels));
        }
        "ForTokenClassification" => {
            let labels = config.labels()?;
            let scores = linear(&mut b.at("classifier"), hidden, width, labels, true);
            b.output("logits", &scores, &text.vectors(labels));
        }
        "ForQuestionAnswering" => text.mark_answer(b, "qa_outputs", hidden, width),
        // The vector of the first token stands for the whole text.
        "QuestionEncoder" => {
            let whole = vector_at(b, hidden, 0);
            b.output("pooler_output", &whole, &text.vector(width));
        }
        _ => {
            let pooled = kind.pooler.map(|module| pooled(&mut b.at(module), hidden, width));
            b.output("last_hidden_state", hidden, &text.vectors(width));
            if let Some(pooled) = pooled {
                b.output("pooler_output", &pooled, &text.vector(width));
            }
        }
    }
    Ok(())
}

/// The first token's vector through a dense layer: `[batch, width]`.
pub fn pooled(b: &mut GraphBuilder, hidden: &Var, width: usize) -> Var {
    let first = vector_at(b, hidden, 0);
    let dense = linear(b, &first, width, width, true);
    b.unary("Tanh", &dense)
}

/// Whether the second text follows the first: `[batch, 2]`.
fn follows(b: &mut GraphBuilder, kind: &Kind, width: usize, hidden: &Var) -> Var {
    let pooled = base_pooled(b, kind, width, hidden);
    linear(&mut b.at("cls.seq_relationship"), &pooled, width, 2, true)
}

/// The base model's own summary.
fn base_pooled(b: &mut GraphBuilder, kind: &Kind, width: usize, hidden: &Var) -> Var {
    let module = kind.pooler.unwrap_or("pooler.dense");
    pooled(&mut b.at(kind.base).at(module), hidden, width)
}

/// `[batch, labels]`.
fn class_scores(b: &mut GraphBuilder, kind: &Kind, options: &Options, hidden: &Var, labels: usize) -> Var {
    let width = options.width;
    let mut dense = |module: &str, activation: Activation| {
        let first = vector_at(b, hidden, 0);
        let dense = linear(&mut b.at(module), &first, width, width, true);
        activation.apply(b, &dense)
    };
    let (whole, module) = match kind.heads {
        Style::Bert | Style::Albert | Style::RemBert => (base_pooled(b, kind, width, hidden), "classifier"),
        Style::Roberta => (dense("classifier.dense", Activation::Tanh), "classifier.out_proj"),
        Style::Electra => (dense("classifier.dense", Activation::Gelu), "classifier.out_proj"),
        Style::DistilBert => (dense("pre_classifier", Activation::Relu), "classifier"),
    };
    linear(&mut b.at(module), &whole, width, labels, true)
}

/// A score for each word at each token: `[batch, sequence, vocabulary]`.
fn word_scores(
    b: &mut GraphBuilder,
    config: &Config,
    kind: &Kind,
    options: &Options,
    hidden: &Var,
    table: &Var,
) -> Result<Var, ModelError> {
    // Where the head is, then the dense layer, the norm, the product and its bias in it.
    let [scope, dense, norm, decoder, bias] = match kind.heads {
        Style::Bert => ["cls.predictions", "transform.dense", "transform.LayerNorm", "decoder", ""],
        Style::Roberta => ["lm_head", "dense", "layer_norm", "decoder", ""],
        Style::DistilBert => ["", "vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector"],
        Style::Electra => {
            let [dense, norm] = ["generator_predictions.dense", "generator_predictions.LayerNorm"];
            ["", dense, norm, "generator_lm_head", "generator_lm_head"]
        }
        Style::Albert => ["predictions", "dense", "LayerNorm", "decoder", ""],
        Style::RemBert => ["cls.predictions", "dense", "LayerNorm", "decoder", "decoder"],
    };
    let mut b = b.at(scope);
    let vocabulary = options.vocabulary;
    let inner = match kind.heads {
        Style::RemBert => config.size("output_embedding_size", 1664)?,
        _ => options.narrow,
    };
    let activation = match kind.heads {
        Style::Roberta | Style::Electra => Activation::Gelu,
        _ => options.activation,
    };
    let dense = linear(&mut b.at(dense), hidden, options.width, inner, true);
    let active = activation.apply(&mut b, &dense);
    let normal = layer_norm(&mut b.at(norm), &active, inner, options.epsilon);
    let tied = config.flag("tie_word_embeddings", kind.heads != Style::RemBert)?;
    if tied && inner != options.narrow {
        return Err(config.refuse(
            "tie_word_embeddings",
            format!("the head is {inner} wide and the word table {}", options.narrow),
            "Set tie_word_embeddings to false",
        ));
    }
    let scores = if tied {
        tied_head(&mut b, &normal, table, inner, vocabulary)
    } else {
        linear(&mut b.at(decoder), &normal, inner, vocabulary, false)
    };
    let bias = b.at(bias).weight("bias", &[vocabulary], Fill::Bias);
    Ok(b.add(&scores, &bias))
}
