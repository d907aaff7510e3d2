//! A named tensor in memory: what goes into an engine and what comes out.

use crate::Element;
use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// Numbers in row-major order, little-endian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
    /// `shape` product × `element.size()` bytes.
    pub bytes: Vec<u8>,
}

impl Tensor {
    pub fn from_f32s(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Self {
        Self::from_pods(name, Element::F32, shape, values)
    }

    pub fn from_i64s(name: impl Into<String>, shape: &[usize], values: &[i64]) -> Self {
        Self::from_pods(name, Element::I64, shape, values)
    }

    fn from_pods<T: bytemuck::Pod>(name: impl Into<String>, element: Element, shape: &[usize], values: &[T]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "one value for each place of the shape");
        Self { name: name.into(), element, shape: shape.to_vec(), bytes: bytemuck::cast_slice(values).to_vec() }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Every number as f32, whatever the element; integers beyond 2^24 lose digits.
    pub fn f32s(&self) -> Vec<f32> {
        self.f64s().into_iter().map(|value| value as f32).collect()
    }

    /// Every number as f64, whatever the element; integers beyond 2^53 lose digits.
    pub fn f64s(&self) -> Vec<f64> {
        f64s(self.element, &self.bytes)
    }

    /// Every number as i64; floating-point numbers are cut towards zero.
    pub fn i64s(&self) -> Vec<i64> {
        numbers(self.element, &self.bytes, |value| value as i64, |value| value as i64)
    }
}

/// Encodes floating-point numbers, little-endian.
pub(crate) fn floats(element: Element, values: impl Iterator<Item = f32>) -> Vec<u8> {
    match element {
        Element::F16 => values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect(),
        Element::Bf16 => values.flat_map(|value| bf16::from_f32(value).to_le_bytes()).collect(),
        Element::F64 => values.flat_map(|value| f64::from(value).to_le_bytes()).collect(),
        _ => values.flat_map(f32::to_le_bytes).collect(),
    }
}

/// Every number as f64, whatever the element; integers beyond 2^53 lose digits.
pub(crate) fn f64s(element: Element, bytes: &[u8]) -> Vec<f64> {
    numbers(element, bytes, |value| value as f64, |value| value)
}

/// Decodes little-endian bytes; integers pass through `int`, floating-point numbers through `float`.
pub(crate) fn numbers<T>(element: Element, bytes: &[u8], int: impl Fn(i128) -> T, float: impl Fn(f64) -> T) -> Vec<T> {
    fn each<const N: usize, T>(bytes: &[u8], decode: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect()
    }
    match element {
        Element::F32 => each(bytes, |b| float(f32::from_le_bytes(b).into())),
        Element::F64 => each(bytes, |b| float(f64::from_le_bytes(b))),
        Element::F16 => each(bytes, |b| float(f16::from_le_bytes(b).to_f64())),
        Element::Bf16 => each(bytes, |b| float(bf16::from_le_bytes(b).to_f64())),
        Element::I8 => each(bytes, |b| int(i8::from_le_bytes(b).into())),
        Element::U8 => each(bytes, |b| int(u8::from_le_bytes(b).into())),
        Element::I16 => each(bytes, |b| int(i16::from_le_bytes(b).into())),
        Element::U16 => each(bytes, |b| int(u16::from_le_bytes(b).into())),
        Element::I32 => each(bytes, |b| int(i32::from_le_bytes(b).into())),
        Element::U32 => each(bytes, |b| int(u32::from_le_bytes(b).into())),
        Element::I64 => each(bytes, |b| int(i64::from_le_bytes(b).into())),
        Element::U64 => each(bytes, |b| int(u64::from_le_bytes(b).into())),
        Element::Bool => each(bytes, |[b]| int(i128::from(b != 0))),
        Element::I4 => bytes.iter().flat_map(|b| [b << 4, *b]).map(|b| int(i128::from(b as i8 >> 4))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_through_bytes() {
        let floats = Tensor::from_f32s("x", &[2, 2], &[1.5, -2.0, 0.0, 3.25]);
        assert_eq!(floats.f32s(), [1.5, -2.0, 0.0, 3.25]);
        assert_eq!(floats.i64s(), [1, -2, 0, 3]);
        let ids = Tensor::from_i64s("ids", &[3], &[7, -1, i64::MAX]);
        assert_eq!(ids.i64s(), [7, -1, i64::MAX]);
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn half_formats_are_widened() {
        let bytes = [f16::from_f32(0.5).to_le_bytes(), f16::from_f32(-4.0).to_le_bytes()].concat();
        let tensor = Tensor { name: "h".into(), element: Element::F16, shape: vec![2], bytes };
        assert_eq!(tensor.f32s(), [0.5, -4.0]);
    }
}
