//! The weights of a described model: how they begin, where a checkpoint has them, how they are written.

mod checkpoint;
mod maker;
mod packed;
mod pool;
mod random;
mod store;

pub use checkpoint::Checkpoint;
pub use store::{
    Files, Progress, Source, disk_bytes, export, export_shared, found, graph_beside, is_named_in, materialize,
    pool_bytes,
};

/// One weight as a checkpoint knows it.
#[derive(Clone, Debug)]
pub struct Weight {
    /// transformers' name.
    pub name: String,
    /// Name of the graph's initializer.
    pub initializer: String,
    /// The checkpoint's shape.
    pub shape: Vec<usize>,
    /// The graph has a matrix's rows and columns swapped.
    pub transposed: bool,
    pub fill: Fill,
    /// Standard deviation where the fill is random.
    pub deviation: f32,
    pub part: Part,
    /// Where it is one of several matrices that the checkpoint has in one tensor.
    pub stack: Option<Stack>,
}

/// A place in a tensor `[count, …]`.
#[derive(Clone, Debug)]
pub struct Stack {
    pub tensor: String,
    pub place: usize,
    pub count: usize,
}

/// What a weight is to its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Parameter,
    /// In the graph, and not counted: a norm's running mean.
    Buffer,
    /// Counted, and not in the graph: what only training reads. A checkpoint may lack it.
    Unread,
}

/// How a weight without a checkpoint begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Normally distributed.
    Matrix,
    /// Normally distributed and small; never all zero, so that no engine can skip them.
    Bias,
    Ones,
}

impl Weight {
    /// The tensor that holds it, and that tensor's shape.
    pub fn tensor(&self) -> (&str, Vec<usize>) {
        match &self.stack {
            None => (&self.name, self.shape.clone()),
            Some(Stack { tensor, count, .. }) => (tensor, [&[*count], self.shape.as_slice()].concat()),
        }
    }

    pub fn parameters(&self) -> u64 {
        self.shape.iter().map(|size| *size as u64).product()
    }
}
