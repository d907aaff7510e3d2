//! ONNX files: the protobuf messages, reading with distrust, writing.

mod limits;
mod proto;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::{Place, encode, write};
