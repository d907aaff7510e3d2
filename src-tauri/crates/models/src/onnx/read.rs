//! From an ONNX file to a graph that holds together, whatever the file's bytes are.

use super::{
    EQUAL_SHARES, SHARED_WEIGHTS, SMALL, functions,
    outline::{self, BUDGET_BYTES},
    proto::{self, attribute_kind},
    standard_domain,
};
use crate::{
    Attribute, Content, Dimension, Element, Filling, Graph, Initializer, ModelError, Node, Value,
    files::{self, Stretch},
    filling::METADATA_KEY,
    stamp::Stamped,
};
use bytes::Bytes;
use prost::Message;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

/// The standard operators of May 2018; before them, operators spread shapes to each other in other ways, and no engine
/// reads them.
const OLDEST_OPSET: i64 = 7;
/// Operator domains whose operators come with the engines; all others would need code from outside.
const DOMAINS: [&str; 4] = ["", "ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training"];
const MOST_NODES: usize = 1_000_000;
const MOST_DIMENSIONS: usize = 32;
/// By so many of its first bytes a file is known as what it is.
const LONGEST_SIGN: usize = 32;

/// The graph with its weights mapped, for a worker.
pub fn read(path: &Path) -> Result<Graph, ModelError> {
    let (mut graph, _) = read_with_files(path)?;
    let mut maps = HashMap::new();
    for initializer in &mut graph.initializers {
        if let Content::InFile(numbers) = &initializer.content {
            initializer.content = Content::Ready(numbers.mapped(&mut maps)?);
        }
    }
    Ok(graph)
}

/// The graph, whose large weights stay in their files, and every file that a part of it lies in.
pub fn read_with_files(path: &Path) -> Result<(Graph, Vec<Stamped>), ModelError> {
    let stamped = Stamped::now(path);
    let own = Stretch::of(path)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let (found, files) = (HashMap::new(), vec![stamped]);
    let mut reader = Reader { file: files::name(path), own, folder, found, files, fetched_bytes: 0 };
    let graph = reader.model()?;
    Ok((graph, reader.files))
}

/// What Assay wrote about the inputs; a text that is not its own says nothing about them.
fn fillings(metadata: &[proto::Entry]) -> BTreeMap<String, Filling> {
    let own = metadata.iter().find(|entry| entry.key.as_deref() == Some(METADATA_KEY));
    own.and_then(|entry| serde_json::from_str(entry.value.as_deref()?).ok()).unwrap_or_default()
}

fn says(metadata: &[proto::Entry], told: [&str; 2]) -> bool {
    metadata.iter().any(|entry| [entry.key.as_deref(), entry.value.as_deref()] == told.map(Some))
}

struct Reader {
    file: String,
    own: Stretch,
    /// External data may only come from here.
    folder: PathBuf,
    /// Files of external data, by what the model calls them.
    found: HashMap<String, Stretch>,
    /// The model's own file and those of external data.
    files: Vec<Stamped>,
    /// What was read of them into memory.
    fetched_bytes: u64,
}

impl Reader {
    fn model(&mut self) -> Result<Graph, ModelError> {
        let file = self.own.open()?;
        self.check_kind(&file.bytes(0..self.own.length.min(LONGEST_SIGN))?)?;
        let outline = outline::of(&file, &self.file)?;
        let model = proto::ModelProto::decode(Bytes::from(outline))
            .map_err(|error| ModelError::damaged(&self.file, "its protobuf structure", error.to_string()))?;
        let Some(mut graph) = model.graph else {
            return Err(ModelError::damaged(&self.file, "the model", "it holds no graph"));
        };
        functions::write_out(&mut graph, &model.functions, &self.file)?;
        // A function's own versions count where the model names none; where it does, both mean the same operators.
        let of_functions = model.functions.iter().flat_map(|function| function.opset_import.iter().cloned());
        let (opset, domains) = self.opsets(of_functions.chain(model.opset_import))?;
        let mut read = self.graph(graph, None)?;
        set_opsets(&mut read, opset, &domains);
        read.fillings = fillings(&model.metadata_props);
        read.shared_weights = says(&model.metadata_props, SHARED_WEIGHTS);
        read.equal_shares = says(&model.metadata_props, EQUAL_SHARES);
        Ok(read)
    }

    /// Says what a file really is when it is no ONNX file at all, by its first bytes.
    fn check_kind(&self, bytes: &[u8]) -> Result<(), ModelError> {
        let found = match bytes {
            [] => "an empty file",
            [b'P', b'K', ..] => "a zip archive",
            [b'{' | b'[' | b'<', ..] => "a text file",
            _ if bytes.starts_with(b"version https://git-lfs") => "a Git LFS pointer instead of the model",
            _ if bytes.starts_with(b"\x89HDF") => "an HDF5 file",
            _ => return Ok(()),
        };
        Err(ModelError::Damaged {
            file: self.file.clone(),
            place: "byte 0".to_owned(),
            reason: format!("this is {found}"),
            remedy: "Choose the .onnx file itself; where Git LFS keeps it, download it from its repository's page"
                .to_owned(),
        })
    }

    /// The version of the standard operators, and of those of each further domain; later imports count.
    fn opsets(
        &self,
        imports: impl Iterator<Item = proto::OperatorSetId>,
    ) -> Result<(i64, BTreeMap<String, i64>), ModelError> {
        let mut domains = BTreeMap::new();
        for import in imports {
            let domain = standard_domain(import.domain.as_deref().unwrap_or_default());
            domains.insert(domain.to_owned(), import.version.unwrap_or(1));
        }
        let Some(opset) = domains.remove("") else {
            return Err(ModelError::unsupported(
                &self.file,
                "its opset list",
                "no version of the standard operators is given",
                "Ask whoever exported it for a file with the standard operators of ONNX",
            ));
        };
        if opset < OLDEST_OPSET {
            return Err(ModelError::unsupported(
                &self.file,
                format!("opset {opset}"),
                format!("operators from before May 2018 (opset {OLDEST_OPSET}) work differently and are not read"),
                "Ask whoever exported it for the same model with newer operators, best with opset 17",
            ));
        }
        Ok((opset, domains))
    }

    /// `outer` are the names a subgraph may read from the graphs around it.
    fn graph(&mut self, graph: proto::GraphProto, outer: Option<&Names>) -> Result<Graph, ModelError> {
        if graph.node.len() > MOST_NODES {
            return Err(ModelError::unsupported(
                &self.file,
                "the graph",
                format!("it has {} nodes, more than {MOST_NODES}", graph.node.len()),
                "Ask whoever exported it for a file without unrolled loops",
            ));
        }
        if !graph.sparse_initializer.is_empty() {
            return Err(ModelError::unsupported(
                &self.file,
                "the graph's sparse weights",
                "sparse weights are not read by all engines",
                "Ask whoever exported it for a file with dense weights",
            ));
        }
        let mut tensors = graph.initializer;
        let mut nodes = Vec::with_capacity(graph.node.len());
        for mut node in graph.node {
            match constant(&mut node) {
                Some(tensor) => tensors.push(tensor),
                None => nodes.push(node),
            }
        }
        let mut initializers = Vec::with_capacity(tensors.len());
        let mut own = HashSet::new();
        for tensor in tensors {
            let initializer = if outer.is_none() { self.initializer(tensor)? } else { self.held(tensor)? };
            if initializer.name.is_empty() || !own.insert(initializer.name.clone()) {
                let place = format!("weight {:?}", initializer.name);
                return Err(ModelError::damaged(&self.file, place, "the name is empty or used twice"));
            }
            initializers.push(initializer);
        }
        // Files of the first ONNX versions list weights among the inputs too.
        let inputs = graph
            .input
            .into_iter()
            .filter(|input| !own.contains(input.name.as_deref().unwrap_or_default()))
            .map(|input| self.value(input, outer.is_some()))
            .collect::<Result<Vec<_>, _>>()?;
        for input in &inputs {
            if input.name.is_empty() || !own.insert(input.name.clone()) {
                let place = format!("input {:?}", input.name);
                return Err(ModelError::damaged(&self.file, place, "the name is empty or used twice"));
            }
        }
        let mut known = Names { own, outer };
        let nodes = self.nodes(nodes, &mut known)?;
        let outputs = graph.output.into_iter().map(|output| self.value(output, true)).collect::<Result<Vec<_>, _>>()?;
        for output in &outputs {
            if !known.contain(&output.name) {
                let place = format!("output {:?}", output.name);
                return Err(ModelError::damaged(&self.file, place, "no node computes it"));
            }
        }
        if outputs.is_empty() {
            return Err(ModelError::damaged(&self.file, "the graph", "it has no output"));
        }
        Ok(Graph { name: graph.name.unwrap_or_default(), inputs, outputs, nodes, initializers, ..Graph::default() })
    }

    /// Reads the nodes and puts each behind those it reads from; `known` grows by what they compute.
    fn nodes(&mut self, protos: Vec<proto::NodeProto>, known: &mut Names) -> Result<Vec<Node>, ModelError> {
        let protos = self.in_running_order(protos, known)?;
        let mut names = HashSet::new();
        let mut nodes = Vec::with_capacity(protos.len());
        for (index, proto) in protos.into_iter().enumerate() {
            let op = proto.op_type.unwrap_or_default();
            let given = proto.name.filter(|name| !name.is_empty());
            let mut name = given.unwrap_or_else(|| format!("{op}_{index}"));
            if !names.insert(name.clone()) {
                name = format!("{name}#{index}");
                names.insert(name.clone());
            }
            let domain = standard_domain(proto.domain.as_deref().unwrap_or_default()).to_owned();
            if !DOMAINS.contains(&domain.as_str()) {
                return Err(ModelError::unsafe_(
                    &self.file,
                    format!("node {name}"),
                    format!(
                        "the operator {domain}.{op} needs a library of custom operators, and such code is not loaded"
                    ),
                    "Ask whoever exported it for a file with standard operators only",
                ));
            }
            let attributes = proto
                .attribute
                .into_iter()
                .map(|attribute| self.attribute(attribute, &name, known))
                .collect::<Result<_, _>>()?;
            nodes.push(Node { name, op, domain, inputs: proto.input, outputs: proto.output, attributes });
        }
        Ok(nodes)
    }

    fn in_running_order(
        &self,
        protos: Vec<proto::NodeProto>,
        known: &mut Names,
    ) -> Result<Vec<proto::NodeProto>, ModelError> {
        let mut maker: HashMap<&str, usize> = HashMap::new();
        for (index, node) in protos.iter().enumerate() {
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                if known.own.contains(output) || maker.insert(output, index).is_some() {
                    let place = format!("value {output:?}");
                    return Err(ModelError::damaged(&self.file, place, "two nodes compute the same value"));
                }
            }
        }
        // Kahn's algorithm; taking the lowest index first keeps a file's own order where it is right already.
        let mut waits_for = vec![0usize; protos.len()];
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); protos.len()];
        for (index, node) in protos.iter().enumerate() {
            let mut needs: HashSet<&str> = HashSet::new();
            reads(node, &mut needs);
            for name in needs {
                if let Some(from) = maker.get(name) {
                    waits_for[index] += 1;
                    readers[*from].push(index);
                } else if !known.contain(name) && node.input.iter().any(|input| input == name) {
                    let place = format!("node {}", describe(node));
                    return Err(ModelError::damaged(
                        &self.file,
                        place,
                        format!("its input {name:?} comes from nowhere"),
                    ));
                }
            }
        }
        let mut ready: std::collections::BinaryHeap<std::cmp::Reverse<usize>> =
            (0..protos.len()).filter(|index| waits_for[*index] == 0).map(std::cmp::Reverse).collect();
        let mut order = Vec::with_capacity(protos.len());
        while let Some(std::cmp::Reverse(index)) = ready.pop() {
            order.push(index);
            for reader in &readers[index] {
                waits_for[*reader] -= 1;
                if waits_for[*reader] == 0 {
                    ready.push(std::cmp::Reverse(*reader));
                }
            }
        }
        if let Some(stuck) = waits_for.iter().position(|count| *count > 0) {
            let place = format!("node {}", describe(&protos[stuck]));
            return Err(ModelError::damaged(&self.file, place, "its inputs depend on its own output"));
        }
        known.own.extend(maker.into_keys().map(str::to_owned));
        let mut protos: Vec<Option<proto::NodeProto>> = protos.into_iter().map(Some).collect();
        Ok(order.into_iter().map(|index| protos[index].take().expect("each index occurs once")).collect())
    }

    fn attribute(
        &mut self,
        attribute: proto::AttributeProto,
        node: &str,
        known: &Names,
    ) -> Result<(String, Attribute), ModelError> {
        let name = attribute.name.unwrap_or_default();
        let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
        let value = match attribute.kind.unwrap_or_default() {
            attribute_kind::FLOAT => Attribute::Float(attribute.f.unwrap_or_default()),
            attribute_kind::INT => Attribute::Int(attribute.i.unwrap_or_default()),
            attribute_kind::STRING => Attribute::Text(attribute.s.map(text).unwrap_or_default()),
            attribute_kind::TENSOR => {
                let held = self.held(attribute.t.unwrap_or_default())?;
                Attribute::Tensor(held.tensor().expect("its numbers are in memory"))
            }
            attribute_kind::GRAPH => {
                Attribute::Graph(Box::new(self.graph(attribute.g.unwrap_or_default(), Some(known))?))
            }
            attribute_kind::FLOATS => Attribute::Floats(attribute.floats),
            attribute_kind::INTS => Attribute::Ints(attribute.ints),
            attribute_kind::STRINGS => Attribute::Texts(attribute.strings.into_iter().map(text).collect()),
            kind => {
                return Err(ModelError::unsupported(
                    &self.file,
                    format!("node {node}"),
                    format!("its attribute {name:?} is of kind {kind}, which is not read"),
                    "Ask whoever exported it for a file with standard operators on tensors",
                ));
            }
        };
        Ok((name, value))
    }

    fn value(&self, info: proto::ValueInfo, shape_optional: bool) -> Result<Value, ModelError> {
        let name = info.name.unwrap_or_default();
        let place = format!("value {name:?}");
        let tensor = match info.kind.and_then(|kind| kind.kind) {
            Some(proto::TypeKind::Tensor(tensor)) => tensor,
            // A branch of a subgraph may leave its types to be inferred.
            None if shape_optional => proto::TensorType { element: Some(Element::F32.onnx_code()), shape: None },
            _ => {
                return Err(ModelError::unsupported(
                    &self.file,
                    place,
                    "it is not a tensor (a sequence, a map or an optional)",
                    "Ask whoever exported it for a file whose inputs and outputs are tensors (where it comes from \
                     scikit-learn, without ZipMap)",
                ));
            }
        };
        let element = self.element(tensor.element, &place)?;
        let shape = match tensor.shape {
            Some(shape) if shape.dim.len() > MOST_DIMENSIONS => {
                let reason = format!("it has {} dimensions", shape.dim.len());
                return Err(ModelError::damaged(&self.file, place, reason));
            }
            Some(shape) => shape
                .dim
                .into_iter()
                .enumerate()
                .map(|(axis, dim)| match (dim.value, dim.symbol) {
                    (Some(size), _) if size >= 0 => Dimension::Fixed(size as u64),
                    (_, Some(symbol)) if !symbol.is_empty() => Dimension::Free(symbol),
                    _ => Dimension::Free(format!("{name}_{axis}")),
                })
                .collect(),
            None if shape_optional => vec![Dimension::Free("unknown".to_owned())],
            None => {
                return Err(ModelError::unsupported(
                    &self.file,
                    place,
                    "the file does not say how many dimensions this input has",
                    "Ask whoever exported it for a file with the shapes of its inputs",
                ));
            }
        };
        Ok(Value { name, element, shape })
    }

    fn element(&self, code: Option<i32>, place: &str) -> Result<Element, ModelError> {
        let code = code.unwrap_or_default();
        Element::from_onnx_code(code).ok_or_else(|| {
            let what = match code {
                8 => "text".to_owned(),
                14 | 15 => "complex numbers".to_owned(),
                17..=20 => "8-bit floating-point numbers".to_owned(),
                21 => "4-bit integers without a sign".to_owned(),
                _ => format!("numbers of ONNX type {code}"),
            };
            ModelError::unsupported(
                &self.file,
                place,
                format!("it holds {what}, which Assay does not measure"),
                "Ask whoever exported it for a file with floating-point numbers or integers of 8 bits and more",
            )
        })
    }

    /// A tensor, whose numbers stay in their file where they are not [`SMALL`].
    fn initializer(&mut self, tensor: proto::TensorProto) -> Result<Initializer, ModelError> {
        let name = tensor.name.clone().unwrap_or_default();
        let place = format!("weight {name:?}");
        let element = self.element(tensor.data_type, &place)?;
        let (shape, length) = self.shape(&tensor.dims, element, &place)?;
        let content = if tensor.data_location == Some(1) {
            let numbers = self.external(&tensor.external_data, length, &place)?;
            if length > SMALL { Content::InFile(numbers) } else { Content::Ready(self.fetched(&numbers, &place)?) }
        } else {
            let content = match (self.left(&tensor), &tensor.raw_data) {
                (Some(numbers), _) => Content::InFile(numbers),
                // A part of the outline would keep all of it.
                (None, Some(raw)) => Content::Ready(Bytes::copy_from_slice(raw)),
                (None, None) => Content::Ready(typed_bytes(element, &tensor).into()),
            };
            let there = match &content {
                Content::Ready(bytes) => bytes.len(),
                Content::InFile(numbers) => numbers.length,
                Content::Described => 0,
            };
            if there != length {
                let reason = format!("its shape {shape:?} needs {length} bytes, {there} are there");
                return Err(ModelError::damaged(&self.file, place, reason));
            }
            content
        };
        Ok(Initializer { name, element, shape, content })
    }

    /// The same with its numbers in memory.
    fn held(&mut self, tensor: proto::TensorProto) -> Result<Initializer, ModelError> {
        let mut held = self.initializer(tensor)?;
        if let Content::InFile(numbers) = &held.content {
            held.content = Content::Ready(self.fetched(numbers, &format!("weight {:?}", held.name))?);
        }
        Ok(held)
    }

    /// Numbers of a file in memory. Any number of tensors may name the same ones, so what is read in all is bounded.
    fn fetched(&mut self, numbers: &Stretch, place: &str) -> Result<Bytes, ModelError> {
        let lengths = self.found.values().chain([&self.own]).map(|file| file.length as u64);
        self.fetched_bytes += numbers.length as u64;
        if self.fetched_bytes > BUDGET_BYTES + 2 * lengths.sum::<u64>() {
            let reason = "it and the weights before it have the same numbers again and again";
            let remedy = "Ask whoever exported it for a file that has each weight once";
            return Err(ModelError::unsupported(&self.file, place, reason, remedy));
        }
        Ok(numbers.bytes()?.into())
    }

    /// The raw data that the outline of the file left in it.
    fn left(&self, tensor: &proto::TensorProto) -> Option<Stretch> {
        let [start, length] = [tensor.raw_start?, tensor.raw_length?].map(|number| number as usize);
        let end = start.checked_add(length).filter(|end| *end <= self.own.length)?;
        Some(self.own.part(start..end))
    }

    fn shape(&self, dims: &[i64], element: Element, place: &str) -> Result<(Vec<usize>, usize), ModelError> {
        let damaged = |reason: String| ModelError::damaged(&self.file, place, reason);
        if dims.len() > MOST_DIMENSIONS {
            return Err(damaged(format!("it has {} dimensions", dims.len())));
        }
        let shape: Option<Vec<usize>> = dims.iter().map(|size| usize::try_from(*size).ok()).collect();
        let shape = shape.ok_or_else(|| damaged(format!("its shape {dims:?} has a negative size")))?;
        let length = shape
            .iter()
            .try_fold(1, |count: u64, size| count.checked_mul(*size as u64))
            .and_then(|count| element.bytes_of(count))
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| isize::try_from(*length).is_ok())
            .ok_or_else(|| damaged(format!("its shape {dims:?} is larger than any memory")))?;
        Ok((shape, length))
    }

    /// Numbers that lie in another file of the same folder.
    fn external(&mut self, entries: &[proto::Entry], length: usize, place: &str) -> Result<Stretch, ModelError> {
        let entry = |key: &str| {
            entries.iter().find(|entry| entry.key.as_deref() == Some(key)).and_then(|entry| entry.value.as_deref())
        };
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| {
                ModelError::damaged(
                    &self.file,
                    place,
                    format!("the {key} of its external data is {text:?}, not a number"),
                )
            }),
        };
        let (offset, declared) = (number("offset")?.unwrap_or(0), number("length")?.unwrap_or(length));
        let location = entry("location").unwrap_or_default().to_owned();
        if declared != length {
            let reason = format!("its shape needs {length} bytes, its external data has {declared}");
            return Err(ModelError::damaged(&self.file, place, reason));
        }
        if !self.found.contains_key(&location) {
            let path = files::inside(&self.folder, &location, &self.file, place)?;
            self.files.push(Stamped::now(&self.folder.join(&location)));
            self.found.insert(location.clone(), Stretch::of(&path)?);
        }
        let file = &self.found[&location];
        match offset.checked_add(length) {
            Some(end) if end <= file.length => Ok(file.part(offset..end)),
            _ => Err(ModelError::damaged(
                &location,
                format!("byte {offset}"),
                format!("{place} of {} needs {length} bytes here, the file has {} in all", self.file, file.length),
            )),
        }
    }
}

/// The values a graph knows: its own, and those of the graphs around it.
struct Names<'a> {
    own: HashSet<String>,
    outer: Option<&'a Names<'a>>,
}

impl Names<'_> {
    fn contain(&self, name: &str) -> bool {
        self.own.contains(name) || self.outer.is_some_and(|outer| outer.contain(name))
    }
}

/// Every name a node reads, its subgraphs' included.
fn reads<'a>(node: &'a proto::NodeProto, names: &mut HashSet<&'a str>) {
    names.extend(node.input.iter().filter(|input| !input.is_empty()).map(String::as_str));
    for graph in node.attribute.iter().filter_map(|attribute| attribute.g.as_ref()) {
        for inner in &graph.node {
            reads(inner, names);
        }
        names.extend(graph.output.iter().filter_map(|output| output.name.as_deref()));
    }
}

fn describe(node: &proto::NodeProto) -> String {
    match node.name.as_deref() {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => format!("{} ({})", node.op_type.as_deref().unwrap_or("?"), node.output.join(", ")),
    }
}

/// The tensor of a node that is nothing else: some exporters, Paddle's among them, keep all weights in such nodes.
fn constant(node: &mut proto::NodeProto) -> Option<proto::TensorProto> {
    let is_standard = standard_domain(node.domain.as_deref().unwrap_or_default()).is_empty();
    let (true, Some("Constant"), [output]) = (is_standard, node.op_type.as_deref(), node.output.as_slice()) else {
        return None;
    };
    let tensor = node.attribute.iter_mut().find_map(|attribute| attribute.t.take())?;
    Some(proto::TensorProto { name: Some(output.clone()), ..tensor })
}

fn set_opsets(graph: &mut Graph, opset: i64, domains: &BTreeMap<String, i64>) {
    graph.opset = opset;
    graph.domains.clone_from(domains);
    for attribute in graph.nodes.iter_mut().flat_map(|node| node.attributes.values_mut()) {
        if let Attribute::Graph(inner) = attribute {
            set_opsets(inner, opset, domains);
        }
    }
}

/// Numbers in the typed fields of a tensor, as bytes. Small types travel in `int32_data`.
fn typed_bytes(element: Element, tensor: &proto::TensorProto) -> Vec<u8> {
    let ints = |size: usize| -> Vec<u8> {
        tensor.int32_data.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size)).collect()
    };
    match element {
        Element::F32 => tensor.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::F64 => tensor.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::I64 => tensor.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::U64 => tensor.uint64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::U32 => tensor.uint64_data.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect(),
        Element::I32 => ints(4),
        Element::F16 | Element::Bf16 | Element::I16 | Element::U16 => ints(2),
        Element::I8 | Element::U8 | Element::Bool | Element::I4 => ints(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::{TensorType, TypeKind, TypeProto, ValueInfo};

    /// Of a file of so many bytes.
    fn reader(folder: &Path, bytes: usize) -> Reader {
        let path = folder.join("x.onnx");
        std::fs::write(&path, vec![0; bytes]).unwrap();
        let (own, folder) = (Stretch::of(&path).unwrap(), folder.to_owned());
        Reader { file: "x.onnx".into(), own, folder, found: HashMap::new(), files: Vec::new(), fetched_bytes: 0 }
    }

    #[test]
    fn tensors_that_all_name_the_same_numbers_are_refused_before_they_fill_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = Reader { fetched_bytes: BUDGET_BYTES, ..reader(folder.path(), 100) };
        let whole = reader.own.part(0..100);
        assert!((0..2).all(|_| reader.fetched(&whole, "w").unwrap().len() == 100));
        let error = reader.fetched(&whole, "w").unwrap_err().to_string();
        assert!(error.contains("again and again") && error.contains("Ask whoever exported it"), "{error}");
    }

    #[test]
    fn a_branch_may_leave_its_types_open_and_a_sequence_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let reader = reader(folder.path(), 0);
        let read = |kind: Option<TypeProto>, of_branch: bool| {
            reader.value(ValueInfo { name: Some("y".into()), kind }, of_branch).map_err(|error| error.to_string())
        };
        // Exporters leave the type out, or write an empty one.
        for open in [None, Some(TypeProto { kind: None })] {
            assert!(read(open.clone(), true).is_ok());
            assert!(read(open, false).unwrap_err().contains("not a tensor"));
        }
        let kinds = |kind: TypeKind| read(Some(TypeProto { kind: Some(kind) }), true);
        assert!(kinds(TypeKind::Sequence(Vec::new())).unwrap_err().contains("not a tensor"));
        assert!(kinds(TypeKind::Tensor(TensorType { element: Some(1), shape: None })).is_ok());
    }
}
