//! The number formats a tensor can have.

use contract::Precision;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    F32,
    F16,
    Bf16,
    F64,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    Bool,
    /// Two in a byte, the first in the lower half; weights only.
    I4,
}

/// Element, bytes, ONNX code, ONNX name, safetensors name.
const FORMATS: [(Element, usize, i32, &str, ::safetensors::Dtype); 14] = [
    (Element::F32, 4, 1, "float", ::safetensors::Dtype::F32),
    (Element::U8, 1, 2, "uint8", ::safetensors::Dtype::U8),
    (Element::I8, 1, 3, "int8", ::safetensors::Dtype::I8),
    (Element::U16, 2, 4, "uint16", ::safetensors::Dtype::U16),
    (Element::I16, 2, 5, "int16", ::safetensors::Dtype::I16),
    (Element::I32, 4, 6, "int32", ::safetensors::Dtype::I32),
    (Element::I64, 8, 7, "int64", ::safetensors::Dtype::I64),
    (Element::Bool, 1, 9, "bool", ::safetensors::Dtype::BOOL),
    (Element::F16, 2, 10, "float16", ::safetensors::Dtype::F16),
    (Element::F64, 8, 11, "double", ::safetensors::Dtype::F64),
    (Element::U32, 4, 12, "uint32", ::safetensors::Dtype::U32),
    (Element::U64, 8, 13, "uint64", ::safetensors::Dtype::U64),
    (Element::Bf16, 2, 16, "bfloat16", ::safetensors::Dtype::BF16),
    // safetensors has no such format; its bytes would be kept as they are.
    (Element::I4, 1, 22, "int4", ::safetensors::Dtype::U8),
];

impl Element {
    fn format(self) -> &'static (Self, usize, i32, &'static str, ::safetensors::Dtype) {
        FORMATS.iter().find(|format| format.0 == self).expect("every element has its line in FORMATS")
    }

    /// Bytes of one number; of two where they share a byte.
    pub fn size(self) -> usize {
        self.format().1
    }

    /// Bytes of so many numbers; none where that is more than any memory.
    pub fn bytes_of(self, count: u64) -> Option<u64> {
        match self {
            Self::I4 => Some(count.div_ceil(2)),
            _ => count.checked_mul(self.size() as u64),
        }
    }

    /// `TensorProto.DataType` of ONNX.
    pub fn onnx_code(self) -> i32 {
        self.format().2
    }

    pub fn from_onnx_code(code: i32) -> Option<Self> {
        FORMATS.iter().find(|format| format.2 == code).map(|format| format.0)
    }

    /// ONNX's name in lower case: `float`, `int64`.
    pub fn onnx_name(self) -> &'static str {
        self.format().3
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::F64)
    }

    /// The element that weights and activations of a precision have; none for the integer formats, which need scales too.
    pub fn of(precision: Precision) -> Option<Self> {
        match precision {
            Precision::F32 => Some(Self::F32),
            Precision::F16 => Some(Self::F16),
            Precision::Bf16 => Some(Self::Bf16),
            Precision::Int8 | Precision::Int8Static | Precision::Int4 => None,
        }
    }

    pub(crate) fn dtype(self) -> ::safetensors::Dtype {
        self.format().4
    }

    pub(crate) fn from_dtype(dtype: ::safetensors::Dtype) -> Option<Self> {
        FORMATS.iter().find(|format| format.4 == dtype).map(|format| format.0)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.onnx_name())
    }
}
