//! Numbers of a weight matrix as integers with scales.

use crate::quantize::Packing;

/// The largest integer of a weight in 8 bits. On processors without VNNI, ONNX Runtime adds two products with unsigned
/// 8-bit activations in 16 bits, which larger ones would overflow; its own tools call this `reduce_range`.
const LARGEST: f32 = 64.0;

impl Packing {
    /// The scale for numbers of which this is the one farthest from zero. In 4 bits that one becomes −8, the end that
    /// reaches one step further than the other.
    fn scale(self, extreme: f32) -> f32 {
        match self {
            _ if extreme == 0.0 => 1.0,
            Self::Columns => extreme.abs() / LARGEST,
            Self::Blocks => extreme / -8.0,
        }
    }

    pub fn scales_of(self, extremes: &[f32]) -> Vec<f32> {
        extremes.iter().map(|extreme| self.scale(*extreme)).collect()
    }

    /// Adds rows of numbers as integers, one scale for each column.
    pub fn pack(self, rows: &[f32], scales: &[f32], into: &mut Vec<u8>) {
        let steps = rows.chunks_exact(scales.len()).flat_map(|row| row.iter().zip(scales).map(|(x, scale)| x / scale));
        match self {
            Self::Columns => into.extend(steps.map(|step| step.round().clamp(-LARGEST, LARGEST) as i8 as u8)),
            Self::Blocks => {
                let mut nibbles = steps.map(|step| step.round().clamp(-8.0, 7.0) as i8 as u8 & 0xf);
                while let Some(low) = nibbles.next() {
                    into.push(low | nibbles.next().unwrap_or(0) << 4);
                }
            }
        }
    }
}

/// Notes for each column the number farthest from zero.
pub fn note_extremes(rows: &[f32], extremes: &mut [f32]) {
    for row in rows.chunks_exact(extremes.len()) {
        for (extreme, number) in extremes.iter_mut().zip(row) {
            if number.abs() > extreme.abs() {
                *extreme = *number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Element, tensor::numbers};
    use proptest::prelude::*;

    fn scales(packing: Packing, rows: &[f32], columns: usize) -> Vec<f32> {
        let mut extremes = vec![0.0; columns];
        note_extremes(rows, &mut extremes);
        packing.scales_of(&extremes)
    }

    proptest! {
        #[test]
        fn every_number_comes_back_within_a_step(rows in prop::collection::vec(-1f32..1.0, 96), four in any::<bool>()) {
            let packing = if four { Packing::Blocks } else { Packing::Columns };
            let scales = scales(packing, &rows, 3);
            let mut bytes = Vec::new();
            packing.pack(&rows, &scales, &mut bytes);
            let integers = numbers(packing.element(), &bytes, |integer| integer as f32, |_| f32::NAN);
            prop_assert_eq!(integers.len(), rows.len());
            for (place, (number, integer)) in rows.iter().zip(integers).enumerate() {
                let scale = scales[place % 3];
                // The short end of 4 bits cuts up to a whole step.
                let step = if four { 1.0 } else { 0.5 };
                prop_assert!((number - integer * scale).abs() <= scale.abs() * (step + 1e-3), "{} {}", number, integer);
            }
        }
    }

    #[test]
    fn the_farthest_number_is_kept_and_zeros_need_no_scale() {
        let rows = [0.5, 0.0, -0.8, 0.0];
        let scales = scales(Packing::Blocks, &rows, 2);
        assert_eq!(scales, [0.1, 1.0]);
        let mut bytes = Vec::new();
        Packing::Blocks.pack(&rows, &scales, &mut bytes);
        assert_eq!(numbers(Element::I4, &bytes, |integer| integer, |_| 0), [5, 0, -8, 0]);
    }
}
