//! Models: architectures described in code, any ONNX file, their weights, inputs and costs.

mod element;
mod error;
mod files;
mod graph;
mod inputs;
mod onnx;
pub mod safetensors;
mod seed;
mod tensor;

pub use element::Element;
pub use error::ModelError;
pub use graph::{Attribute, Content, Dimension, Graph, Initializer, Node, Value};
pub use inputs::make_inputs;
pub use tensor::Tensor;
