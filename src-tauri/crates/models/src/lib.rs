//! Models: architectures described in code, any ONNX file, their weights, inputs and costs.

mod architectures;
mod blocks;
mod builder;
mod config;
mod costs;
mod dims;
mod element;
mod error;
mod extent;
mod files;
mod generation;
mod graph;
mod hash;
mod inputs;
mod model;
mod onnx;
mod open;
mod presets;
pub mod safetensors;
mod seed;
mod shapes;
mod tensor;
pub mod transformers;
mod weights;

pub use architectures::{Class, built};
pub use costs::Costs;
pub use element::Element;
pub use error::ModelError;
pub use generation::{CacheEntry, Generation, Stage};
pub use graph::{Attribute, Content, Dimension, Graph, Initializer, Node, Value};
pub use inputs::make_inputs;
pub use model::Model;
pub use presets::Preset;
pub use tensor::Tensor;
pub use weights::Files;
