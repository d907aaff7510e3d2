//! ONNX files: the protobuf messages, reading with distrust, writing.

mod functions;
mod limits;
mod proto;
mod read;
mod write;

/// Key and value of the metadata that says of a file that its weights share one pool.
const SHARED_WEIGHTS: [&str; 2] = ["assay.weights", "shared"];

/// The domain of the standard operators goes by two names.
fn standard_domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

pub(crate) use read::{read, read_with_files};
pub(crate) use write::{Place, encode, write};
