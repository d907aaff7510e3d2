//! From ids to a vector for each token.

use super::{Kind, Layers, Norms, Options, Positions, Segments};
use crate::{
    Element,
    architectures::Text,
    blocks::{Attention, Layer, Places, embedding, layer_norm, linear, padding_mask, padding_mask_under_bias},
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// The word table and the vector of each token.
pub fn encode(b: &mut GraphBuilder, kind: &Kind, options: &Options, text: &Text, segments: Option<&Var>) -> (Var, Var) {
    let Options { width, epsilon, .. } = *options;
    let (table, mut hidden) = embed(b, kind, options, text, segments);
    let mask = match options.relative {
        None => padding_mask(b, &text.mask),
        Some(bias) => {
            let length = b.size_of(&text.ids, 1);
            let places = Places::new(b, &length);
            let bias = bias.apply(&mut b.at("encoder.relative_attention_bias"), &places);
            let mask = padding_mask_under_bias(b, &text.mask);
            b.add(&bias, &mask)
        }
    };
    let step = Layer {
        attention: Attention { mask: Some(&mask), ..Attention::new(options.heads, kind.names.products) },
        modules: [kind.names.attention, kind.names.attention_norm, kind.names.output_norm],
        network: kind.names.feed_forward,
        inner: options.inner,
        activation: options.activation,
        epsilon,
        norm_first: matches!(kind.norms, Norms::Before { .. }),
        scales: None,
    };
    for index in 0..options.layers {
        let mut layer = match kind.names.layers {
            Layers::Each(module) => b.at(format_args!("{module}.{index}")),
            Layers::Shared => {
                let group = index * options.groups / options.layers;
                b.at(format_args!("encoder.albert_layer_groups.{group}.albert_layers.0"))
            }
        };
        hidden = step.apply(&mut layer, &hidden);
    }
    if let Norms::Before { last, .. } = kind.norms {
        hidden = layer_norm(&mut b.at(last), &hidden, width, epsilon);
    }
    (table, hidden)
}

/// Words, segments and positions together.
fn embed(b: &mut GraphBuilder, kind: &Kind, options: &Options, text: &Text, segments: Option<&Var>) -> (Var, Var) {
    let width = options.narrow;
    let mut e = b.at("embeddings");
    let (table, words) = embedding(&mut e.at("word_embeddings"), &text.ids, options.vocabulary, width);
    let mut sum = words;
    if kind.segments != Segments::None {
        let mut e = e.at("token_type_embeddings");
        let kinds = match segments {
            Some(segments) => embedding(&mut e, segments, options.segments, width).1,
            None => {
                let first = e.int(0);
                embedding(&mut e, &first, options.segments, width).1
            }
        };
        sum = e.add(&sum, &kinds);
    }
    let places = positions(&mut e.at("position_embeddings"), kind, options, text);
    let mut sum = e.add(&sum, &places);
    e.hint(&sum, width);
    if !matches!(kind.norms, Norms::Before { embeddings: false, .. }) {
        sum = layer_norm(&mut e.at("LayerNorm"), &sum, width, options.epsilon);
    }
    match kind.narrow {
        Some(narrow) if narrow.always || width != options.width => {
            (table, linear(&mut b.at(narrow.module), &sum, width, options.width, true))
        }
        _ => (table, sum),
    }
}

fn positions(b: &mut GraphBuilder, kind: &Kind, options: &Options, text: &Text) -> Var {
    let table = b.weight("weight", &[options.positions, options.narrow], Fill::Matrix);
    match kind.positions {
        Positions::Counted => {
            let length = b.size_of(&text.ids, 1);
            b.first_rows(&table, &length)
        }
        Positions::AfterPadding => {
            let padding = b.int(options.padding as i64);
            let places = places_after_padding(b, &text.ids, &padding);
            b.gather(&table, &places, 0)
        }
    }
}

/// Where each token stands among those that are not padding, counted from behind the id of padding; padding itself stands
/// at its own id.
pub fn places_after_padding(b: &mut GraphBuilder, ids: &Var, padding: &Var) -> Var {
    let is_padding = b.equal(ids, padding);
    let is_word = b.unary("Not", &is_padding);
    let is_word = b.cast(&is_word, Element::I64);
    let counted = b.cumulative_sum(&is_word, 1);
    let counted = b.mul(&counted, &is_word);
    b.add(&counted, padding)
}
