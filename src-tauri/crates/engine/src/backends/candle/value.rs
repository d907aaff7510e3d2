//! Between Assay's tensors and candle's. candle has no booleans and few integer formats: booleans become bytes, and
//! every integer wider than a byte becomes i64, which holds them exactly (u64 above 2^63 excepted).

use candle_core::{DType, Device, Error, Result, Tensor};
use half::{bf16, f16};
use models::Element;

/// The format candle computes an element in.
pub(super) fn dtype(element: Element) -> DType {
    match element {
        Element::F32 => DType::F32,
        Element::F16 => DType::F16,
        Element::Bf16 => DType::BF16,
        Element::F64 => DType::F64,
        Element::Bool | Element::U8 => DType::U8,
        Element::I4
        | Element::I8
        | Element::I16
        | Element::U16
        | Element::I32
        | Element::U32
        | Element::I64
        | Element::U64 => DType::I64,
    }
}

/// A tensor of little-endian numbers on a device.
pub(super) fn tensor(element: Element, shape: &[usize], bytes: &[u8], device: &Device) -> Result<Tensor> {
    match element {
        Element::F32 => made(bytes, f32::from_le_bytes, shape, device),
        Element::F16 => made(bytes, f16::from_le_bytes, shape, device),
        Element::Bf16 => made(bytes, bf16::from_le_bytes, shape, device),
        Element::F64 => made(bytes, f64::from_le_bytes, shape, device),
        Element::Bool => made(bytes, |[byte]| u8::from(byte != 0), shape, device),
        Element::U8 => made(bytes, |[byte]| byte, shape, device),
        Element::I8 => made(bytes, |byte| i64::from(i8::from_le_bytes(byte)), shape, device),
        Element::I4 => made(&nibbles(bytes), |byte| i64::from(i8::from_le_bytes(byte)), shape, device),
        Element::I16 => made(bytes, |pair| i64::from(i16::from_le_bytes(pair)), shape, device),
        Element::U16 => made(bytes, |pair| i64::from(u16::from_le_bytes(pair)), shape, device),
        Element::I32 => made(bytes, |four| i64::from(i32::from_le_bytes(four)), shape, device),
        Element::U32 => made(bytes, |four| i64::from(u32::from_le_bytes(four)), shape, device),
        Element::I64 => made(bytes, i64::from_le_bytes, shape, device),
        Element::U64 => made(bytes, |eight| u64::from_le_bytes(eight) as i64, shape, device),
    }
}

/// One byte for each of two numbers that share one, the lower half first.
pub(super) fn nibbles(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [(byte << 4) as i8 >> 4, *byte as i8 >> 4]).map(|number| number as u8).collect()
}

fn made<const N: usize, T: candle_core::WithDType>(
    bytes: &[u8],
    decode: impl Fn([u8; N]) -> T,
    shape: &[usize],
    device: &Device,
) -> Result<Tensor> {
    let values: Vec<T> = bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect();
    if values.len() != shape.iter().product::<usize>() {
        return Err(Error::Msg(format!("{} numbers for a tensor of shape {shape:?}", values.len())));
    }
    Tensor::from_vec(values, shape, device)
}

/// The numbers in the format the model declares for them.
pub(super) fn read(name: &str, element: Element, tensor: &Tensor) -> Result<models::Tensor> {
    let flat = tensor.flatten_all()?;
    let bytes = match element {
        Element::F32 => written(floats::<f32>(&flat, DType::F32)?, f32::to_le_bytes),
        Element::F16 => written(floats::<f16>(&flat, DType::F16)?, f16::to_le_bytes),
        Element::Bf16 => written(floats::<bf16>(&flat, DType::BF16)?, bf16::to_le_bytes),
        Element::F64 => written(floats::<f64>(&flat, DType::F64)?, f64::to_le_bytes),
        Element::Bool | Element::U8 => floats::<u8>(&flat, DType::U8)?,
        Element::I8 | Element::I4 => written(ints(&flat)?, |value| (value as i8).to_le_bytes()),
        Element::I16 => written(ints(&flat)?, |value| (value as i16).to_le_bytes()),
        Element::U16 => written(ints(&flat)?, |value| (value as u16).to_le_bytes()),
        Element::I32 => written(ints(&flat)?, |value| (value as i32).to_le_bytes()),
        Element::U32 => written(ints(&flat)?, |value| (value as u32).to_le_bytes()),
        Element::I64 => written(ints(&flat)?, i64::to_le_bytes),
        Element::U64 => written(ints(&flat)?, |value| (value as u64).to_le_bytes()),
    };
    Ok(models::Tensor { name: name.to_owned(), element, shape: tensor.dims().to_vec(), bytes })
}

fn floats<T: candle_core::WithDType>(flat: &Tensor, dtype: DType) -> Result<Vec<T>> {
    flat.to_dtype(dtype)?.to_vec1()
}

fn ints(flat: &Tensor) -> Result<Vec<i64>> {
    flat.to_dtype(DType::I64)?.to_vec1()
}

fn written<T, const N: usize>(values: Vec<T>, encode: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_exactly() {
        let bytes: Vec<u8> = [i32::MIN, -1, i32::MAX].into_iter().flat_map(i32::to_le_bytes).collect();
        let tensor = tensor(Element::I32, &[3], &bytes, &Device::Cpu).unwrap();
        assert_eq!(tensor.to_vec1::<i64>().unwrap(), [i32::MIN as i64, -1, i32::MAX as i64]);
        assert_eq!(read("x", Element::I32, &tensor).unwrap().bytes, bytes);
    }

    #[test]
    fn a_shape_that_does_not_fit_is_an_error() {
        assert!(tensor(Element::F32, &[3], &[0; 8], &Device::Cpu).is_err());
    }
}
