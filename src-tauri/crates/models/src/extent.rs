//! Sizes that follow from a free one: how long a signal, how high an image is after convolutions.

use crate::{Dimension, ModelError};
use std::collections::BTreeMap;

/// ⌊(size + offset) / step⌋ of a free size, or a fixed size.
///
/// Convolutions and poolings without ceilings keep this form: ⌊(⌊(x + a) / m⌋ + b) / n⌋ = ⌊(x + a + m·b) / (m·n)⌋.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    Fixed(i64),
    Free { name: String, offset: i64, step: i64 },
}

impl Extent {
    pub fn of(dimension: &Dimension) -> Self {
        match dimension {
            Dimension::Fixed(size) => Self::Fixed(i64::try_from(*size).unwrap_or(i64::MAX)),
            Dimension::Free(name) => Self::Free { name: name.clone(), offset: 0, step: 1 },
        }
    }

    /// After a window of `reach` places (a kernel with its dilations) that moves by `stride`, with `pads` places added.
    pub fn after(&self, reach: usize, stride: usize, pads: usize) -> Self {
        let (stride, added) = (stride as i64, pads as i64 - reach as i64 + stride as i64);
        match self {
            Self::Fixed(size) => Self::Fixed(size.saturating_add(added).div_euclid(stride)),
            Self::Free { name, offset, step } => Self::Free {
                name: name.clone(),
                offset: offset.saturating_add(step.saturating_mul(added)),
                step: step.saturating_mul(stride),
            },
        }
    }

    /// The size in a declared shape.
    pub fn dimension(&self) -> Dimension {
        match self {
            Self::Fixed(size) => Dimension::Fixed(u64::try_from(*size).unwrap_or(0)),
            Self::Free { name, offset: 0, step: 1 } => Dimension::Free(name.clone()),
            Self::Free { name, offset, step } => Dimension::Free(format!("floor(({name} + {offset}) / {step})")),
        }
    }

    /// The free size and the two numbers that such a name holds.
    fn parse(name: &str) -> Option<(&str, i64, i64)> {
        let (inner, step) = name.strip_prefix("floor((")?.strip_suffix(')')?.rsplit_once(") / ")?;
        let (size, offset) = inner.rsplit_once(" + ")?;
        Some((size, offset.parse().ok()?, step.parse().ok().filter(|step| *step > 0)?))
    }

    /// What a name of this form comes to with the sizes chosen so far; none where it has another form or part.
    pub fn value(name: &str, chosen: &BTreeMap<String, u64>) -> Option<Result<u64, ModelError>> {
        let (size, offset, step) = Self::parse(name)?;
        let value = *chosen.get(size)?;
        let left = i64::try_from(value).ok()?.checked_add(offset)?.div_euclid(step);
        let too_small =
            || ModelError::bad_size(size, value, "nothing would be left of it after the model's convolutions");
        Some(u64::try_from(left).ok().filter(|left| *left > 0).ok_or_else(too_small))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_windows_is_one_quotient() {
        let windows: [(u64, u64, u64); 6] = [(10, 5, 0), (3, 2, 0), (3, 2, 2), (2, 2, 0), (7, 3, 6), (1, 1, 0)];
        let free =
            windows.iter().fold(Extent::of(&Dimension::Free("samples".into())), |extent, (reach, stride, pads)| {
                extent.after(*reach as usize, *stride as usize, *pads as usize)
            });
        let Dimension::Free(name) = free.dimension() else { panic!("{free:?}") };
        for size in [400u64, 401, 479, 480, 481, 16_000, 16_001] {
            let one_by_one =
                windows.iter().fold(size, |size, (reach, stride, pads)| (size + pads - reach) / stride + 1);
            let chosen = BTreeMap::from([("samples".to_owned(), size)]);
            assert_eq!(Extent::value(&name, &chosen).unwrap().unwrap(), one_by_one, "{name} {size}");
            let stepped = Extent::of(&Dimension::Fixed(size));
            let stepped = windows.iter().fold(stepped, |extent, (reach, stride, pads)| {
                extent.after(*reach as usize, *stride as usize, *pads as usize)
            });
            assert_eq!(stepped, Extent::Fixed(one_by_one as i64));
        }
    }

    #[test]
    fn a_size_of_which_nothing_is_left_is_refused() {
        let chosen = BTreeMap::from([("samples".to_owned(), 5)]);
        assert!(Extent::value("floor((samples + -5) / 5)", &chosen).unwrap().is_err());
        assert!(Extent::value("samples + 3", &chosen).is_none());
        assert!(Extent::value("floor((others + 1) / 2)", &chosen).is_none());
    }
}
