//! What tells one graph or file from another.

use crate::{
    Content, Graph, Initializer, ModelError,
    onnx::{self, Place},
};
use sha2::{Digest, Sha256};

/// Constants up to this size are structure (shapes, axes, scalars); larger ones are weights.
const LARGEST_CONSTANT_BYTES: u64 = 512;

/// Hex SHA-256 of the graph without its weights' numbers.
pub fn structure(graph: &Graph) -> Result<String, ModelError> {
    let place = |initializer: &Initializer| match initializer.content {
        Content::Ready(_) if initializer.byte_len() <= LARGEST_CONSTANT_BYTES => Place::Inside,
        _ => Place::External { location: String::new(), offset: 0 },
    };
    Ok(hex(&Sha256::digest(onnx::encode(graph, &graph.name, &place)?)))
}

/// The start of a hash over the structure and samples of the weights, as a model's id.
pub fn content(graph: &Graph) -> Result<String, ModelError> {
    let mut hash = Sha256::new();
    hash.update(structure(graph)?);
    for bytes in graph.initializers.iter().filter_map(Initializer::bytes) {
        samples(bytes).for_each(|sample| hash.update(sample));
    }
    Ok(id(hash))
}

/// The start of a hash over several texts, as a model's id.
pub fn short(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    id(hash)
}

fn id(hash: Sha256) -> String {
    hex(&hash.finalize())[..20].to_owned()
}

/// A few stretches of a tensor, enough to tell two checkpoints apart without reading them whole.
pub fn samples(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LENGTH: usize = 256;
    [0, bytes.len() / 2, bytes.len().saturating_sub(LENGTH)]
        .into_iter()
        .map(move |start| &bytes[start..bytes.len().min(start + LENGTH)])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
