//! From a graph to the bytes of an ONNX file.

use super::{
    EQUAL_SHARES, SHARED_WEIGHTS,
    proto::{self, attribute_kind},
};
use crate::{Attribute, Dimension, Graph, Initializer, ModelError, Node, Value, files, filling::METADATA_KEY};
use bytes::Bytes;
use prost::Message;
use std::{fs, path::Path};

/// Protobuf messages cannot be longer.
pub const LARGEST_FILE: u64 = (1 << 31) - 1;

/// Where an initializer's numbers are put.
pub enum Place {
    Inside,
    External { location: String, offset: u64 },
}

pub fn write(graph: &Graph, path: &Path) -> Result<(), ModelError> {
    let bytes = encode(graph, &files::name(path), &|_| Place::Inside)?;
    fs::write(path, bytes).map_err(files::unwritable(path))
}

/// The file's bytes; `place` says for each initializer of the outermost graph where its numbers are.
pub fn encode(graph: &Graph, file: &str, place: &dyn Fn(&Initializer) -> Place) -> Result<Vec<u8>, ModelError> {
    let inside: u64 = graph
        .initializers
        .iter()
        .filter(|initializer| matches!(place(initializer), Place::Inside))
        .map(Initializer::byte_len)
        .sum();
    if inside > LARGEST_FILE {
        return Err(ModelError::unsupported(
            file,
            "its weights",
            format!("{inside} bytes of weights do not fit into one ONNX file"),
            "Keep the weights in a file beside it",
        ));
    }
    let standard = (String::new(), graph.opset);
    let domains = graph.domains.iter().map(|(domain, version)| (domain.clone(), *version));
    let model = proto::ModelProto {
        ir_version: Some(ir_version(graph.opset)),
        producer_name: Some("assay".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(graph_proto(graph, file, place)?),
        opset_import: std::iter::once(standard)
            .chain(domains)
            .map(|(domain, version)| proto::OperatorSetId { domain: Some(domain), version: Some(version) })
            .collect(),
        metadata_props: metadata(graph),
        functions: Vec::new(),
    };
    Ok(model.encode_to_vec())
}

/// How the inputs are filled, where the architecture says so, and what else Assay knows of the graph.
fn metadata(graph: &Graph) -> Vec<proto::Entry> {
    let mut told = Vec::new();
    if !graph.fillings.is_empty() {
        let value = serde_json::to_string(&graph.fillings).expect("names and numbers always become JSON");
        told.push(entry(METADATA_KEY, value));
    }
    let known = [(graph.shared_weights, SHARED_WEIGHTS), (graph.equal_shares, EQUAL_SHARES)];
    told.extend(known.into_iter().filter(|(is, _)| *is).map(|(_, [key, value])| entry(key, value.to_owned())));
    told
}

fn entry(key: &str, value: String) -> proto::Entry {
    proto::Entry { key: Some(key.to_owned()), value: Some(value) }
}

/// The first version of the file format that knows an opset.
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        _ => 11,
    }
}

fn graph_proto(
    graph: &Graph,
    file: &str,
    place: &dyn Fn(&Initializer) -> Place,
) -> Result<proto::GraphProto, ModelError> {
    let initializer = |initializer| initializer_proto(initializer, file, place(initializer));
    Ok(proto::GraphProto {
        node: graph.nodes.iter().map(|node| node_proto(node, file)).collect::<Result<_, _>>()?,
        name: Some(if graph.name.is_empty() { "graph".to_owned() } else { graph.name.clone() }),
        initializer: graph.initializers.iter().map(initializer).collect::<Result<_, _>>()?,
        input: graph.inputs.iter().map(value_proto).collect(),
        output: graph.outputs.iter().map(value_proto).collect(),
        value_info: graph.hints.iter().map(value_proto).collect(),
        sparse_initializer: Vec::new(),
    })
}

fn initializer_proto(initializer: &Initializer, file: &str, place: Place) -> Result<proto::TensorProto, ModelError> {
    let mut tensor = proto::TensorProto {
        dims: initializer.shape.iter().map(|size| *size as i64).collect(),
        data_type: Some(initializer.element.onnx_code()),
        name: Some(initializer.name.clone()),
        ..Default::default()
    };
    match place {
        Place::Inside => match initializer.bytes() {
            Some(bytes) => tensor.raw_data = Some(Bytes::copy_from_slice(bytes)),
            None => {
                return Err(ModelError::unsupported(
                    file,
                    format!("weight {:?}", initializer.name),
                    "its numbers have not been made yet",
                    "Write the model with its weights",
                ));
            }
        },
        Place::External { location, offset } => {
            tensor.data_location = Some(1);
            tensor.external_data = vec![
                entry("location", location),
                entry("offset", offset.to_string()),
                entry("length", initializer.byte_len().to_string()),
            ];
        }
    }
    Ok(tensor)
}

fn node_proto(node: &Node, file: &str) -> Result<proto::NodeProto, ModelError> {
    Ok(proto::NodeProto {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: Some(node.name.clone()),
        op_type: Some(node.op.clone()),
        attribute: node
            .attributes
            .iter()
            .map(|(name, attribute)| attribute_proto(name, attribute, file))
            .collect::<Result<_, _>>()?,
        domain: Some(node.domain.clone()).filter(|domain| !domain.is_empty()),
        overload: None,
    })
}

fn attribute_proto(name: &str, attribute: &Attribute, file: &str) -> Result<proto::AttributeProto, ModelError> {
    let mut proto = proto::AttributeProto { name: Some(name.to_owned()), ..Default::default() };
    let text = |text: &String| Bytes::copy_from_slice(text.as_bytes());
    let kind = match attribute {
        Attribute::Int(value) => {
            proto.i = Some(*value);
            attribute_kind::INT
        }
        Attribute::Float(value) => {
            proto.f = Some(*value);
            attribute_kind::FLOAT
        }
        Attribute::Text(value) => {
            proto.s = Some(text(value));
            attribute_kind::STRING
        }
        Attribute::Tensor(tensor) => {
            proto.t = Some(proto::TensorProto {
                dims: tensor.shape.iter().map(|size| *size as i64).collect(),
                data_type: Some(tensor.element.onnx_code()),
                raw_data: Some(Bytes::copy_from_slice(&tensor.bytes)),
                ..Default::default()
            });
            attribute_kind::TENSOR
        }
        Attribute::Ints(values) => {
            proto.ints.clone_from(values);
            attribute_kind::INTS
        }
        Attribute::Floats(values) => {
            proto.floats.clone_from(values);
            attribute_kind::FLOATS
        }
        Attribute::Texts(values) => {
            proto.strings = values.iter().map(text).collect();
            attribute_kind::STRINGS
        }
        Attribute::Graph(graph) => {
            proto.g = Some(graph_proto(graph, file, &|_| Place::Inside)?);
            attribute_kind::GRAPH
        }
    };
    proto.kind = Some(kind);
    Ok(proto)
}

fn value_proto(value: &Value) -> proto::ValueInfo {
    let dim = |dimension: &Dimension| match dimension {
        Dimension::Fixed(size) => proto::DimProto { value: Some(*size as i64), symbol: None },
        Dimension::Free(symbol) => proto::DimProto { value: None, symbol: Some(symbol.clone()) },
    };
    let shape = proto::ShapeProto { dim: value.shape.iter().map(dim).collect() };
    let tensor = proto::TensorType { element: Some(value.element.onnx_code()), shape: Some(shape) };
    proto::ValueInfo {
        name: Some(value.name.clone()),
        kind: Some(proto::TypeProto { kind: Some(proto::TypeKind::Tensor(tensor)) }),
    }
}
