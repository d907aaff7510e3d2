//! A look at the bare bytes of an ONNX file before anything is allocated for them.
//!
//! Two bytes of protobuf can become a structure of several hundred, so a small hostile file could ask for any amount of
//! memory. This walk adds up what decoding would take and finds lengths that point outside the file.

use super::proto::{AttributeProto, DimProto, Entry, FunctionProto, NodeProto, TensorProto, ValueInfo};
use crate::ModelError;

/// Memory the decoded structure may take; tensors' raw bytes are mapped and do not count.
pub const BUDGET_BYTES: u64 = 256 << 20;
/// Messages within messages; prost itself stops at 100.
const DEEPEST: usize = 90;

/// The messages that matter for the walk.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Function,
    Graph,
    Node,
    Attribute,
    Tensor,
    Entry,
    Value,
    Type,
    TensorType,
    Shape,
    Dim,
    /// Strings, bytes and numbers.
    Leaf,
}

impl Message {
    fn field(self, number: u64) -> Self {
        match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::Value,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Tensor, 13) | (Self::Model, 8 | 14) | (Self::Function, 9) => Self::Entry,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Dim,
            _ => Self::Leaf,
        }
    }

    /// Bytes the decoded message takes, without what its fields hold.
    fn size(self) -> u64 {
        let size = match self {
            Self::Function => size_of::<FunctionProto>(),
            Self::Node => size_of::<NodeProto>(),
            Self::Attribute => size_of::<AttributeProto>(),
            Self::Tensor => size_of::<TensorProto>(),
            Self::Value => size_of::<ValueInfo>(),
            Self::Dim => size_of::<DimProto>(),
            Self::Entry => size_of::<Entry>(),
            Self::Model | Self::Graph | Self::Type | Self::TensorType | Self::Shape | Self::Leaf => size_of::<String>(),
        };
        size as u64
    }
}

/// Refuses a file whose lengths contradict each other or whose structure would need more memory than any real model's.
pub fn check(bytes: &[u8], file: &str) -> Result<(), ModelError> {
    Walk { bytes, file, needed: 0 }.message(Message::Model, 0, bytes.len(), 0)
}

struct Walk<'a> {
    bytes: &'a [u8],
    file: &'a str,
    needed: u64,
}

impl Walk<'_> {
    fn message(&mut self, message: Message, start: usize, end: usize, depth: usize) -> Result<(), ModelError> {
        if depth > DEEPEST {
            return Err(ModelError::unsupported(
                self.file,
                format!("byte {start}"),
                "subgraphs lie in subgraphs too deep to be a real model",
                "Ask whoever exported it for a file without control flow in control flow",
            ));
        }
        let mut at = start;
        while at < end {
            let tag_at = at;
            let tag = self.varint(&mut at, end)?;
            let child = message.field(tag >> 3);
            match tag & 7 {
                0 => {
                    self.varint(&mut at, end)?;
                    self.take(size_of::<i64>() as u64, tag_at)?;
                }
                1 => self.skip(&mut at, end, 8)?,
                5 => self.skip(&mut at, end, 4)?,
                2 => {
                    let length = self.varint(&mut at, end)?;
                    let left = (end - at) as u64;
                    if length > left {
                        let reason = format!("a part says it is {length} bytes long, only {left} are left");
                        return Err(self.damaged(tag_at, &reason));
                    }
                    let part_end = at + length as usize;
                    self.take(child.size() + held_bytes(message, tag >> 3, length), tag_at)?;
                    if !matches!(child, Message::Leaf) {
                        self.message(child, at, part_end, depth + 1)?;
                    }
                    at = part_end;
                }
                other => return Err(self.damaged(tag_at, &format!("there is no protobuf wire type {other}"))),
            }
        }
        Ok(())
    }

    fn varint(&self, at: &mut usize, end: usize) -> Result<u64, ModelError> {
        let start = *at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes[..end].get(*at) else {
                return Err(self.damaged(start, "the file ends in the middle of a number"));
            };
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged(start, "a number has more than 64 bits"))
    }

    fn skip(&mut self, at: &mut usize, end: usize, length: usize) -> Result<(), ModelError> {
        if end - *at < length {
            return Err(self.damaged(*at, "the file ends in the middle of a number"));
        }
        self.take(length as u64, *at)?;
        *at += length;
        Ok(())
    }

    fn take(&mut self, bytes: u64, at: usize) -> Result<(), ModelError> {
        // Vectors grow by doubling, so that the last growth holds twice what is in them.
        self.needed += 2 * bytes;
        if self.needed > BUDGET_BYTES + 2 * self.bytes.len() as u64 {
            return Err(ModelError::unsupported(
                self.file,
                format!("byte {at}"),
                "the graph's description needs far more memory than any real model's",
                "Keep the weights as raw data, or fetch the file again from a source you trust",
            ));
        }
        Ok(())
    }

    fn damaged(&self, at: usize, reason: &str) -> ModelError {
        ModelError::damaged(self.file, format!("byte {at} of {}", self.bytes.len()), reason)
    }
}

/// Bytes that decoding copies out of a leaf of this length.
fn held_bytes(message: Message, field: u64, length: u64) -> u64 {
    match (message, field) {
        // Raw and other opaque bytes stay in the mapped file.
        (Message::Tensor, 9) | (Message::Attribute, 4 | 9) | (Message::Graph, 15) => 0,
        // Packed numbers of one byte each become eight.
        (Message::Tensor, 1 | 5 | 7 | 11) | (Message::Attribute, 8) => 8 * length,
        (Message::Tensor, 4 | 10) | (Message::Attribute, 7) => length,
        (Message::Graph | Message::Node | Message::Attribute | Message::Tensor | Message::Function, _)
        | (Message::Entry | Message::Value | Message::Dim | Message::Model, _) => match message.field(field) {
            Message::Leaf => length,
            _ => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_is_named_with_its_place() {
        // Field 7 (the graph), 100 bytes long, of which none follow.
        let error = check(&[0x3a, 100], "x.onnx").unwrap_err().to_string();
        assert!(error.contains("byte 0 of 2") && error.contains("100 bytes long, only 0 are left"), "{error}");
    }

    #[test]
    fn a_file_of_empty_attributes_is_refused_before_it_fills_the_memory() {
        let attributes = [0x2a, 0x00].repeat(1 << 20);
        let wrap = |tag: u8, body: Vec<u8>| {
            let mut out = vec![tag];
            prost::encoding::encode_varint(body.len() as u64, &mut out);
            out.extend(body);
            out
        };
        let model = wrap(0x3a, wrap(0x0a, attributes));
        let error = check(&model, "x.onnx").unwrap_err().to_string();
        assert!(error.contains("far more memory"), "{error}");
    }

    #[test]
    fn subgraphs_without_end_are_refused() {
        let mut body = Vec::new();
        for tag in [0x32u8, 0x2a, 0x0a].iter().cycle().take(300) {
            let mut out = vec![*tag];
            prost::encoding::encode_varint(body.len() as u64, &mut out);
            out.extend(body);
            body = out;
        }
        let mut model = vec![0x3a];
        prost::encoding::encode_varint(body.len() as u64, &mut model);
        model.extend(body);
        let error = check(&model, "x.onnx").unwrap_err().to_string();
        assert!(error.contains("too deep"), "{error}");
    }
}
