//! The outline of an ONNX file: the file without the raw data of its large tensors, which stay where they are.
//!
//! Two bytes of protobuf can become a structure of several hundred, so a small hostile file could ask for any amount of
//! memory. The walk through the file adds up what decoding would take and finds lengths that point outside the file.

use super::{
    SMALL,
    proto::{AttributeProto, DimProto, Entry, FunctionProto, NodeProto, RAW_LENGTH, RAW_START, TensorProto, ValueInfo},
    write::LARGEST_FILE,
};
use crate::{ModelError, files::Opened};
use prost::encoding::encode_varint;
use std::array;

/// Memory the decoded structure may take; tensors' raw bytes do not count.
pub const BUDGET_BYTES: u64 = 256 << 20;
/// Bytes that are read ahead: most steps through the file are of some bytes each.
const AHEAD: usize = 64 << 10;
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

/// The bytes of the outline. In place of raw data that is not [`SMALL`], its tensor says where the file has them.
///
/// # Errors
/// Where the file's lengths contradict each other, or its structure would need more memory than any real model's.
pub fn of(file: &Opened, name: &str) -> Result<Vec<u8>, ModelError> {
    let length = file.stretch.length;
    let ahead = Ahead { file, start: 0, bytes: Vec::new() };
    let mut walk = Walk { ahead, name, length, needed: 0, outline: Vec::new() };
    walk.message(Message::Model, 0, length, 0)?;
    Ok(walk.outline)
}

/// A file of which some was read ahead.
struct Ahead<'a> {
    file: &'a Opened,
    /// Where that begins.
    start: usize,
    bytes: Vec<u8>,
}

impl Ahead<'_> {
    /// At most [`AHEAD`] bytes, which the file has.
    fn get(&mut self, start: usize, length: usize) -> Result<&[u8], ModelError> {
        if start < self.start || start + length > self.start + self.bytes.len() {
            self.start = start;
            self.bytes.resize(AHEAD.min(self.file.stretch.length - start), 0);
            self.file.read_at(start, &mut self.bytes)?;
        }
        let begin = start - self.start;
        Ok(&self.bytes[begin..begin + length])
    }
}

struct Walk<'a> {
    ahead: Ahead<'a>,
    name: &'a str,
    length: usize,
    needed: u64,
    outline: Vec<u8>,
}

impl Walk<'_> {
    fn message(&mut self, message: Message, start: usize, end: usize, depth: usize) -> Result<(), ModelError> {
        if depth > DEEPEST {
            return Err(ModelError::unsupported(
                self.name,
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
                    // A file may not say itself where its raw data are.
                    if !matches!((message, tag >> 3), (Message::Tensor, RAW_START | RAW_LENGTH)) {
                        self.copy(tag_at, at)?;
                    }
                }
                1 => self.fixed(tag_at, &mut at, end, 8)?,
                5 => self.fixed(tag_at, &mut at, end, 4)?,
                2 => {
                    let length = self.varint(&mut at, end)?;
                    let left = (end - at) as u64;
                    if length > left {
                        let reason = format!("a part says it is {length} bytes long, only {left} are left");
                        return Err(self.damaged(tag_at, &reason));
                    }
                    let part_end = at + length as usize;
                    self.take(child.size() + held_bytes(message, tag >> 3, length), tag_at)?;
                    match (message, tag >> 3) {
                        (Message::Tensor, 9) if length > SMALL as u64 => self.leave(at, length),
                        // How many sparse weights there are is all that is looked at.
                        (Message::Graph, 15) => self.add([tag, 0]),
                        _ if matches!(child, Message::Leaf) => self.copy(tag_at, part_end)?,
                        _ => {
                            self.add([tag]);
                            let begin = self.outline.len();
                            self.outline.extend(padded(0));
                            self.message(child, at, part_end, depth + 1)?;
                            let length = padded(self.outline.len() - begin - LENGTH);
                            self.outline[begin..begin + LENGTH].copy_from_slice(&length);
                        }
                    }
                    at = part_end;
                }
                other => return Err(self.damaged(tag_at, &format!("there is no protobuf wire type {other}"))),
            }
        }
        Ok(())
    }

    fn varint(&mut self, at: &mut usize, end: usize) -> Result<u64, ModelError> {
        let start = *at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            if *at == end {
                return Err(self.damaged(start, "the file ends in the middle of a number"));
            }
            let byte = self.ahead.get(*at, 1)?[0];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged(start, "a number has more than 64 bits"))
    }

    fn fixed(&mut self, tag_at: usize, at: &mut usize, end: usize, length: usize) -> Result<(), ModelError> {
        if end - *at < length {
            return Err(self.damaged(*at, "the file ends in the middle of a number"));
        }
        self.take(length as u64, *at)?;
        *at += length;
        self.copy(tag_at, *at)
    }

    /// Adds what lies in the file as it is.
    fn copy(&mut self, start: usize, end: usize) -> Result<(), ModelError> {
        let (before, length) = (self.outline.len(), end - start);
        if (before + length) as u64 > LARGEST_FILE {
            return Err(ModelError::unsupported(
                self.name,
                format!("byte {start}"),
                "what it holds beside raw data is longer than an ONNX file may be",
                "Keep the weights as raw data, or in a file beside it",
            ));
        }
        if length > AHEAD {
            self.outline.resize(before + length, 0);
            return self.ahead.file.read_at(start, &mut self.outline[before..]);
        }
        self.outline.extend_from_slice(self.ahead.get(start, length)?);
        Ok(())
    }

    /// Adds where raw data lie instead of the data.
    fn leave(&mut self, at: usize, length: u64) {
        self.add([RAW_START << 3, at as u64, RAW_LENGTH << 3, length]);
    }

    fn add(&mut self, numbers: impl IntoIterator<Item = u64>) {
        numbers.into_iter().for_each(|number| encode_varint(number, &mut self.outline));
    }

    fn take(&mut self, bytes: u64, at: usize) -> Result<(), ModelError> {
        // Vectors grow by doubling, so that the last growth holds twice what is in them.
        self.needed += 2 * bytes;
        if self.needed > BUDGET_BYTES + 2 * self.length as u64 {
            return Err(ModelError::unsupported(
                self.name,
                format!("byte {at}"),
                "the graph's description needs far more memory than any real model's",
                "Keep the weights as raw data, or fetch the file again from a source you trust",
            ));
        }
        Ok(())
    }

    fn damaged(&self, at: usize, reason: &str) -> ModelError {
        ModelError::damaged(self.name, format!("byte {at} of {}", self.length), reason)
    }
}

/// Bytes of a length that is known only once its message is there.
const LENGTH: usize = 5;

/// A length below 2³⁵ as a varint of so many bytes.
fn padded(length: usize) -> [u8; LENGTH] {
    array::from_fn(|place| {
        let bits = (length >> (7 * place)) as u8 & 0x7f;
        if place + 1 < LENGTH { bits | 0x80 } else { bits }
    })
}

/// Bytes that decoding copies out of a leaf of this length.
fn held_bytes(message: Message, field: u64, length: u64) -> u64 {
    match (message, field) {
        // Raw and other opaque bytes stay in the file, or in the outline.
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
    use crate::{
        files::Stretch,
        onnx::proto::{GraphProto, ModelProto},
    };
    use prost::Message as _;

    fn outline(bytes: &[u8]) -> Result<Vec<u8>, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.onnx");
        std::fs::write(&path, bytes).unwrap();
        of(&Stretch::of(&path)?.open()?, "x.onnx")
    }

    #[test]
    fn all_but_the_raw_data_of_large_tensors_is_in_the_outline() {
        let tensor = |name: &str, length: usize| TensorProto {
            name: Some(name.to_owned()),
            raw_data: Some(name.as_bytes().repeat(length).into()),
            ..TensorProto::default()
        };
        let numbers = TensorProto { float_data: vec![0.5; 2 * AHEAD], ..TensorProto::default() };
        let (small, large) = (tensor("s", SMALL), tensor("l", 3 * AHEAD));
        let attribute = AttributeProto { t: Some(large.clone()), f: Some(1.5), ..AttributeProto::default() };
        let node = NodeProto { attribute: vec![attribute], ..NodeProto::default() };
        let sparse_initializer = vec![large.encode_to_vec().into(); 2];
        let initializer = vec![small, large, numbers];
        let graph = GraphProto { node: vec![node], initializer, sparse_initializer, ..GraphProto::default() };
        let mut whole = ModelProto { ir_version: Some(-1), graph: Some(graph), ..ModelProto::default() };
        let tell = |model: &mut ModelProto, start| model.graph.as_mut().unwrap().initializer[0].raw_start = start;
        tell(&mut whole, Some(7));
        let bytes = whole.encode_to_vec();
        tell(&mut whole, None);

        let outline = outline(&bytes).unwrap();
        assert!(outline.len() < SMALL + 2 * AHEAD * size_of::<f32>() + 200);
        let mut found = ModelProto::decode(outline.as_slice()).unwrap();
        let graph = found.graph.as_mut().unwrap();
        let in_node = graph.node[0].attribute[0].t.as_mut().unwrap();
        for tensor in [in_node, &mut graph.initializer[1]] {
            let start = tensor.raw_start.take().unwrap() as usize;
            let length = tensor.raw_length.take().unwrap() as usize;
            assert_eq!(tensor.raw_data.replace(bytes[start..start + length].to_vec().into()), None);
        }
        for sparse in &mut graph.sparse_initializer {
            assert!(sparse.is_empty());
            *sparse = whole.graph.as_ref().unwrap().sparse_initializer[0].clone();
        }
        assert!(found == whole);
    }

    #[test]
    fn a_length_beyond_the_end_is_named_with_its_place() {
        // Field 7 (the graph), 100 bytes long, of which none follow.
        let error = outline(&[0x3a, 100]).unwrap_err().to_string();
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
        let error = outline(&model).unwrap_err().to_string();
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
        let error = outline(&model).unwrap_err().to_string();
        assert!(error.contains("too deep"), "{error}");
    }
}
