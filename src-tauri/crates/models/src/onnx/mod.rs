//! ONNX files: the protobuf messages, reading with distrust, writing.

mod functions;
mod outline;
mod proto;
mod read;
mod write;

/// Key and value of the metadata that says of a file that its weights share one pool.
const SHARED_WEIGHTS: [&str; 2] = ["assay.weights", "shared"];
/// The same of a graph whose Splits count as equal parts where only its numbers tell their sizes.
const EQUAL_SHARES: [&str; 2] = ["assay.splits", "equal"];

/// Numbers of a tensor up to so many bytes are read with the graph: shapes and other constants have to be known.
pub(crate) const SMALL: usize = 4096;

/// The domain of the standard operators goes by two names.
fn standard_domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

pub(crate) use read::{read, read_with_files};
pub(crate) use write::{Place, encode, write};
