//! Seeded random weights: any stretch of any tensor can be made alone, in any order, on any thread.

use super::{Fill, Weight};
use crate::{Element, seed::Stream, tensor::floats};
use std::{collections::HashMap, f64::consts::TAU, iter::once};

/// A power of two, so that 16 bits of a hash choose an entry.
const TABLE_LEN: usize = 1 << 16;

/// Makes the numbers of weights in one element.
pub struct Random {
    seed: u64,
    element: Element,
    /// A normally distributed table for each deviation, in the bytes of the element.
    tables: HashMap<u32, Vec<u8>>,
}

impl Random {
    pub fn new(weights: &[Weight], element: Element, seed: u64) -> Self {
        let mut tables = HashMap::new();
        for weight in weights {
            tables.entry(weight.deviation.to_bits()).or_insert_with(|| table(weight.deviation, element));
        }
        Self { seed, element, tables }
    }

    /// The numbers from `first` on that fill `bytes`. `first` is a multiple of four.
    pub fn fill(&self, weight: &Weight, first: u64, bytes: &mut [u8]) {
        if weight.fill == Fill::Ones {
            let one = floats(self.element, once(1.0));
            bytes.chunks_exact_mut(one.len()).for_each(|place| place.copy_from_slice(&one));
            return;
        }
        let stream = Stream::new(self.seed, &weight.name);
        let table = &self.tables[&weight.deviation.to_bits()];
        match self.element.size() {
            2 => draw::<2>(stream, table, first, bytes),
            _ => draw::<4>(stream, table, first, bytes),
        }
    }
}

/// Looks numbers up: each hash chooses four entries of `N` bytes.
fn draw<const N: usize>(stream: Stream, table: &[u8], first: u64, bytes: &mut [u8]) {
    let table = table.as_chunks::<N>().0;
    for (quad, places) in bytes.as_chunks_mut::<N>().0.chunks_mut(4).enumerate() {
        let hash = stream.at(first / 4 + quad as u64);
        for (part, place) in places.iter_mut().enumerate() {
            *place = table[(hash >> (16 * part)) as usize & (TABLE_LEN - 1)];
        }
    }
}

/// Normally distributed numbers by the Box–Muller transform of evenly spread points.
fn table(deviation: f32, element: Element) -> Vec<u8> {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let number = |index: usize| {
        let radius = (-2.0 * ((index as f64 + 0.5) / TABLE_LEN as f64).ln()).sqrt();
        let angle = TAU * (index as f64 * golden).fract();
        (f64::from(deviation) * radius * angle.cos()) as f32
    };
    floats(element, (0..TABLE_LEN).map(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tensor::f64s, weights::Part};

    fn weight(fill: Fill, deviation: f32) -> Weight {
        let (name, initializer) = ("w".to_owned(), "w".to_owned());
        let (shape, part) = (vec![1000, 40], Part::Parameter);
        Weight { name, initializer, shape, transposed: false, fill, deviation, part, stack: None }
    }

    fn made(element: Element, seed: u64, first: u64, count: usize) -> Vec<f64> {
        let weight = weight(Fill::Matrix, 0.02);
        let mut bytes = vec![0; count * element.size()];
        Random::new(std::slice::from_ref(&weight), element, seed).fill(&weight, first, &mut bytes);
        f64s(element, &bytes)
    }

    #[test]
    fn weights_are_normally_distributed() {
        let values = made(Element::F32, 3, 0, 40_000);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation = (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt();
        assert!(mean.abs() < 4e-4 && (deviation - 0.02).abs() < 4e-4, "{mean} {deviation}");
        let beyond = values.iter().filter(|value| value.abs() > 0.04).count() as f64 / values.len() as f64;
        assert!((beyond - 0.0455).abs() < 0.005, "{beyond}");
    }

    #[test]
    fn a_part_made_alone_equals_the_part_of_the_whole() {
        let whole = made(Element::F32, 3, 0, 4000);
        assert_eq!(made(Element::F32, 3, 1000, 100), whole[1000..1100]);
        assert_ne!(made(Element::F32, 4, 0, 4000), whole);
    }

    #[test]
    fn the_half_formats_hold_the_same_weights_rounded() {
        let wide = made(Element::F32, 3, 0, 1000);
        for (element, relative) in [(Element::F16, 1e-3), (Element::Bf16, 5e-3)] {
            for (a, b) in wide.iter().zip(made(element, 3, 0, 1000)) {
                assert!((a - b).abs() <= relative * a.abs() + 1e-7, "{a} {b}");
            }
        }
    }
}
