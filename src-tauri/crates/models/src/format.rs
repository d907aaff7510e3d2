//! What a model is written as.

use crate::{ModelError, Ranges, quantize::Scheme};
use contract::Precision;
use std::sync::Arc;

/// A precision, with what a quantised one needs beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    pub precision: Precision,
    pub dynamic: DynamicForm,
    /// Of the activations, for int8 static.
    pub ranges: Option<Arc<Ranges>>,
}

/// Engines quantise activations in each call by different operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DynamicForm {
    /// The graph says so: DynamicQuantizeLinear and MatMulInteger, which ONNX Runtime fuses.
    #[default]
    Operators,
    /// The graph has weights in 8 bits, and the engine quantises what they are multiplied with, as OpenVINO does.
    Weights,
}

impl From<Precision> for Format {
    fn from(precision: Precision) -> Self {
        Self { precision, dynamic: DynamicForm::default(), ranges: None }
    }
}

impl Format {
    pub fn with_dynamic(self, dynamic: DynamicForm) -> Self {
        Self { dynamic, ..self }
    }

    pub fn with_ranges(self, ranges: Ranges) -> Self {
        Self { ranges: Some(Arc::new(ranges)), ..self }
    }

    /// How the graph is quantised, none for a format of floating-point numbers.
    pub(crate) fn scheme(&self) -> Result<Option<Scheme<'_>>, ModelError> {
        Ok(Some(match (self.precision, self.dynamic) {
            (Precision::F32 | Precision::F16 | Precision::Bf16, _) => return Ok(None),
            (Precision::Int8, DynamicForm::Operators) => Scheme::Dynamic,
            (Precision::Int8, DynamicForm::Weights) => Scheme::Weights,
            (Precision::Int4, _) => Scheme::Blocks,
            (Precision::Int8Static, _) => Scheme::Static(self.ranges.as_deref().ok_or_else(|| {
                ModelError::unsupported(
                    "the model",
                    "int8 static",
                    "the ranges of its activations are not calibrated yet",
                    "Calibrate it first",
                )
            })?),
        }))
    }
}
