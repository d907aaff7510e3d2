//! One pool of random numbers that all weights of a model share, so that a large one is written in seconds.

use super::{Fill, Part, Weight, maker::row, store::element};
use crate::{
    Content, Element, Graph, Initializer,
    builder::Description,
    quantize::{self, BLOCK, Packing, parts},
};
use std::collections::HashMap;

/// A tensor for each kind of weight, as large as the largest weight of that kind.
pub struct Pool {
    /// These tensors as the weights of a model of their own.
    pub description: Description,
    /// For each initializer of the model the pool's that it is the beginning of.
    pub begins: HashMap<String, String>,
}

/// What weights have in common that may be made of the same numbers.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    fill: Fill,
    deviation: f32,
    packing: Option<Packing>,
}

impl Pool {
    pub fn of(model: &Description) -> Self {
        let mut kinds: Vec<(Kind, Vec<&Weight>)> = Vec::new();
        for weight in model.weights.iter().filter(|weight| weight.part != Part::Unread) {
            let packing = model.packed.get(&weight.initializer).copied();
            let kind = Kind { fill: weight.fill, deviation: weight.deviation, packing };
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, weights)) => weights.push(weight),
                None => kinds.push((kind, vec![weight])),
            }
        }
        let (graph, packed) = (Graph::default(), HashMap::new());
        let (weights, dims, experts) = (Vec::new(), Vec::new(), None);
        let description = Description { graph, weights, dims, packed, halves_alike: true, experts };
        let mut pool = Self { description, begins: HashMap::new() };
        kinds.iter().for_each(|(kind, weights)| pool.add(*kind, element(model), weights));
        pool
    }

    fn add(&mut self, kind: Kind, element: Element, weights: &[&Weight]) {
        let Description { graph, weights: tensors, packed, .. } = &mut self.description;
        let Kind { fill, deviation, packing } = kind;
        let (name, shape) = (format!("pool.{}", tensors.len()), shape(packing, weights).to_vec());
        let tensor = Initializer { name: name.clone(), element, shape: shape.clone(), content: Content::Described };
        let initializers = weights.iter().map(|weight| &weight.initializer);
        match packing {
            None => {
                graph.initializers.push(tensor);
                self.begins.extend(initializers.map(|own| (own.clone(), name.clone())));
            }
            Some(packing) => {
                graph.initializers.extend(quantize::packed(tensor, packing));
                self.begins.extend(initializers.flat_map(|own| parts(own).into_iter().zip(parts(&name))));
                packed.insert(name.clone(), packing);
            }
        }
        let (initializer, transposed, part, stack) = (name.clone(), false, Part::Parameter, None);
        tensors.push(Weight { name, initializer, shape, transposed, fill, deviation, part, stack });
    }
}

/// A matrix whose beginning is long enough for the numbers of each of these weights, and for the scales where they are
/// packed: it is as wide as the widest of them.
fn shape(packing: Option<Packing>, weights: &[&Weight]) -> [usize; 2] {
    let most = |of: fn(&Weight) -> usize| weights.iter().map(|weight| of(weight)).max().unwrap_or(0).max(1);
    let columns = most(row);
    let rows = most(|weight| weight.parameters() as usize).div_ceil(columns);
    [if packing == Some(Packing::Blocks) { rows.next_multiple_of(BLOCK) } else { rows }, columns]
}
