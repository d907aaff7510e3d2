//! What tells one graph or file from another.

use crate::{
    Content, Graph, Initializer, ModelError,
    files::Stretch,
    onnx::{self, Place},
};
use sha2::{Digest, Sha256};
use std::ops::Range;

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
    for initializer in &graph.initializers {
        match &initializer.content {
            Content::Ready(bytes) => samples(bytes.len()).for_each(|sample| hash.update(&bytes[sample])),
            Content::InFile(numbers) => add_samples(&mut hash, numbers)?,
            Content::Described => {}
        }
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

/// Adds samples of a tensor that lies in a file.
pub fn add_samples(hash: &mut Sha256, numbers: &Stretch) -> Result<(), ModelError> {
    let file = numbers.open()?;
    for sample in samples(numbers.length) {
        hash.update(file.bytes(sample)?);
    }
    Ok(())
}

/// A few stretches of a tensor of so many bytes, enough to tell two checkpoints apart without reading them whole.
fn samples(length: usize) -> impl Iterator<Item = Range<usize>> {
    const LONGEST: usize = 256;
    [0, length / 2, length.saturating_sub(LONGEST)].into_iter().map(move |start| start..length.min(start + LONGEST))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
