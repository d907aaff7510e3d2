//! The ranges that activations had on calibration data.

use crate::{ModelError, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Smallest and largest number of each value that is quantised by its range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranges(BTreeMap<String, [f32; 2]>);

/// What the outputs of a calibration graph are called: `smallest:` or `largest:` and the value.
pub(super) const ENDS: [(&str, &str); 2] = [("smallest:", "ReduceMin"), ("largest:", "ReduceMax")];

impl Ranges {
    /// Ranges for what only follows from the graph's form: its size, its costs.
    pub(crate) fn any(activations: impl IntoIterator<Item = String>) -> Self {
        Self(activations.into_iter().map(|name| (name, [-1.0, 1.0])).collect())
    }

    /// From the outputs of the calibration graph, one set for each input it was given.
    pub(super) fn seen(outputs: &[Vec<Tensor>]) -> Self {
        let mut ranges: BTreeMap<String, [f32; 2]> = BTreeMap::new();
        for tensor in outputs.iter().flatten() {
            let end = |index: usize| tensor.name.strip_prefix(ENDS[index].0);
            let Some(number) = tensor.f32s().first().copied() else { continue };
            if let Some(value) = end(0) {
                let range = ranges.entry(value.to_owned()).or_default();
                range[0] = range[0].min(number);
            } else if let Some(value) = end(1) {
                let range = ranges.entry(value.to_owned()).or_default();
                range[1] = range[1].max(number);
            }
        }
        Self(ranges)
    }

    /// Step and zero point of a value in unsigned 8 bits. Zero is always hit exactly, as padding and activations want.
    ///
    /// # Errors
    /// Where the value has no range, or one that is not finite.
    pub(super) fn steps(&self, value: &str) -> Result<(f32, u8), ModelError> {
        let range = self.0.get(value).filter(|range| range.iter().all(|end| end.is_finite()));
        let [smallest, largest] = *range.ok_or_else(|| {
            ModelError::unsupported(
                value,
                "its range",
                "calibration found no finite range for it",
                "Choose int8, which needs no calibration",
            )
        })?;
        let (smallest, largest) = (smallest.min(0.0), largest.max(0.0));
        let step = (largest - smallest) / 255.0;
        if step <= 0.0 {
            return Ok((1.0, 0));
        }
        Ok((step, (-smallest / step).round().clamp(0.0, 255.0) as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(smallest: f32, largest: f32) -> Vec<Tensor> {
        vec![Tensor::from_f32s("smallest:x", &[], &[smallest]), Tensor::from_f32s("largest:x", &[], &[largest])]
    }

    #[test]
    fn a_range_covers_all_calls_and_hits_zero_exactly() {
        let ranges = Ranges::seen(&[ends(-1.0, 0.5), ends(-0.25, 2.0)]);
        let (step, zero) = ranges.steps("x").unwrap();
        assert_eq!((step, zero), (3.0 / 255.0, 85));
        assert_eq!(Ranges::seen(&[ends(3.0, 5.1)]).steps("x").unwrap(), (5.1 / 255.0, 0));
    }

    #[test]
    fn a_value_without_a_finite_range_is_refused() {
        assert!(Ranges::default().steps("x").is_err());
        assert!(Ranges::seen(&[ends(f32::NEG_INFINITY, 1.0)]).steps("x").is_err());
        assert_eq!(Ranges::seen(&[ends(0.0, 0.0)]).steps("x").unwrap(), (1.0, 0));
    }
}
