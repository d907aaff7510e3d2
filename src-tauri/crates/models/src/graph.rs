//! A computation as ONNX describes it: nodes in running order, inputs, outputs and weights.

use crate::{Element, Filling, ModelError, Tensor, files::Stretch, onnx, tensor};
use bytes::Bytes;
use std::{collections::BTreeMap, fmt, path::Path};

#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub name: String,
    /// Version of the standard operators.
    pub opset: i64,
    /// Versions of further operator domains, such as `com.microsoft`.
    pub domains: BTreeMap<String, i64>,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    /// Each node comes after those whose outputs it reads.
    pub nodes: Vec<Node>,
    pub initializers: Vec<Initializer>,
    /// Shapes of values in between that engines cannot infer by themselves; written, never read.
    pub hints: Vec<Value>,
    /// How inputs are filled that random numbers would make nonsense of, by name.
    pub fillings: BTreeMap<String, Filling>,
    /// Its weights are beginnings of one pool of random numbers: what is timed on them is no measurement of the model.
    pub shared_weights: bool,
    /// Where only the numbers tell the sizes that a Split is given, costs count equal parts: the rows of a mixture's
    /// experts, each of which costs the same wherever it goes.
    pub equal_shares: bool,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub name: String,
    pub element: Element,
    pub shape: Vec<Dimension>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    Fixed(u64),
    /// Free; chosen for each run under this name.
    Free(String),
}

/// A size that is the same in every run.
pub fn fixed(size: usize) -> Dimension {
    Dimension::Fixed(size as u64)
}

#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Unique in the graph.
    pub name: String,
    /// `MatMul`, `Softmax`, …
    pub op: String,
    /// Empty for the standard operators.
    pub domain: String,
    /// Names of values; an empty name is an optional input left out.
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: BTreeMap<String, Attribute>,
}

#[derive(Clone, Debug)]
pub enum Attribute {
    Int(i64),
    Float(f32),
    Text(String),
    Tensor(Tensor),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    /// A branch or a loop body.
    Graph(Box<Graph>),
}

/// A tensor that belongs to the graph: a weight or a constant.
#[derive(Clone, Debug)]
pub struct Initializer {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
    pub content: Content,
}

/// Where an initializer's numbers are.
#[derive(Clone)]
pub enum Content {
    /// In memory, or mapped from a file. Little-endian, row-major.
    Ready(Bytes),
    /// The same, to be read from a file.
    InFile(Stretch),
    /// In no file yet: a weight of a model that was only described so far.
    Described,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(bytes) => write!(f, "Ready({} bytes)", bytes.len()),
            Self::InFile(numbers) => write!(f, "InFile({} bytes)", numbers.length),
            Self::Described => f.write_str("Described"),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Free(name) => f.write_str(name),
        }
    }
}

impl Graph {
    /// Reads an ONNX file. Weights stay in the file and are mapped, which only a worker may do with a person's file: one
    /// that is cut short ends the process. External data may not leave the file's folder.
    ///
    /// Whatever the bytes, this ends with a graph that holds together or a [`ModelError`] that says what is wrong.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        onnx::read(path)
    }

    /// Writes an ONNX file with all weights inside it, which the format limits to 2 GB.
    pub fn write(&self, path: &Path) -> Result<(), ModelError> {
        onnx::write(self, path)
    }

    pub fn initializer(&self, name: &str) -> Option<&Initializer> {
        self.initializers.iter().find(|initializer| initializer.name == name)
    }

    /// The names of the free dimensions of the inputs, in the order they appear.
    pub fn free_dimensions(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for dimension in self.inputs.iter().flat_map(|input| &input.shape) {
            if let Dimension::Free(name) = dimension
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }
}

impl Value {
    /// The shape with its free dimensions filled in.
    pub fn shape_for(&self, dims: &BTreeMap<String, u64>) -> Result<Vec<u64>, ModelError> {
        self.shape
            .iter()
            .map(|dimension| match dimension {
                Dimension::Fixed(size) => Ok(*size),
                Dimension::Free(name) => dims.get(name).copied().ok_or_else(|| {
                    ModelError::bad_size(name, 0, format!("no size was chosen for input {}", self.name))
                }),
            })
            .collect()
    }
}

impl Node {
    pub fn int(&self, attribute: &str) -> Option<i64> {
        match self.attributes.get(attribute) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn float(&self, attribute: &str) -> Option<f32> {
        match self.attributes.get(attribute) {
            Some(Attribute::Float(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn ints(&self, attribute: &str) -> Option<&[i64]> {
        match self.attributes.get(attribute) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    pub fn floats(&self, attribute: &str) -> Option<&[f32]> {
        match self.attributes.get(attribute) {
            Some(Attribute::Floats(values)) => Some(values),
            _ => None,
        }
    }

    pub fn text(&self, attribute: &str) -> Option<&str> {
        match self.attributes.get(attribute) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// The name of an input, none where it is left out.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }
}

impl Initializer {
    pub fn len(&self) -> u64 {
        self.shape.iter().map(|size| *size as u64).product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn byte_len(&self) -> u64 {
        self.element.bytes_of(self.len()).unwrap_or(u64::MAX)
    }

    /// The numbers; none where they were not read, or the weight is of a model that was only described so far.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Ready(bytes) => Some(bytes),
            Content::InFile(_) | Content::Described => None,
        }
    }

    /// Every number as i64, for shapes and axes.
    pub fn i64s(&self) -> Option<Vec<i64>> {
        Some(tensor::numbers(self.element, self.bytes()?, |value| value as i64, |value| value as i64))
    }

    /// A copy with the numbers in memory.
    pub fn tensor(&self) -> Option<Tensor> {
        let bytes = self.bytes()?.to_vec();
        Some(Tensor { name: self.name.clone(), element: self.element, shape: self.shape.clone(), bytes })
    }
}
