//! Functions of a model's own: in place of each call the nodes that it stands for, so that shapes, costs and candle see
//! plain operators.

use super::{
    outline::BUDGET_BYTES,
    proto::{
        AttributeProto, Entry, FunctionProto, GraphProto, NodeProto, TensorProto, TypeKind, ValueInfo, attribute_kind,
    },
    standard_domain,
};
use crate::ModelError;
use std::{
    collections::{HashMap, HashSet},
    mem,
};

/// Calls within calls and graphs within graphs, together. What lies deeper is no real model, or calls itself.
const DEEPEST: usize = 32;
const PLACE: &str = "the model's functions";
const REMEDY: &str = "Ask whoever exported it for a file without functions of its own";

/// Puts the nodes that it stands for in place of each call of a function, in the graphs within the graph too.
///
/// A constant of a function, such as a weight, lies in the file once, and so in the graph, however often the function
/// is called. What a call gives as an attribute is that call's own.
///
/// # Errors
/// Where a function calls itself, or all that is called would need more memory than any real model.
pub fn write_out(graph: &mut GraphProto, functions: &[FunctionProto], file: &str) -> Result<(), ModelError> {
    if functions.is_empty() {
        return Ok(());
    }
    let mut known = HashMap::with_capacity(functions.len());
    for function in functions {
        let key = key([&function.domain, &function.name, &function.overload]);
        if known.insert(key, function).is_some() {
            return Err(ModelError::damaged(file, PLACE, format!("two of them are called {:?}", key[1])));
        }
    }
    let mut taken = HashSet::new();
    names(graph, &mut taken);
    let (calls, again, held_bytes) = (0, 0, 0);
    let (constants, known_constants) = (Vec::new(), HashMap::new());
    let mut writer = Writer { file, functions: known, constants, known_constants, taken, calls, again, held_bytes };
    let nodes = writer.nodes(mem::take(&mut graph.node), 0)?;
    graph.node = writer.constants;
    graph.node.extend(nodes);
    Ok(())
}

/// Domain, name and overload, by which a node names what it calls.
type Key<'a> = [&'a str; 3];

fn key(parts: [&Option<String>; 3]) -> Key<'_> {
    let [domain, name, overload] = parts.map(|part| part.as_deref().unwrap_or_default());
    [standard_domain(domain), name, overload]
}

/// The names of all values that the graph and the graphs within it make.
fn names(graph: &GraphProto, taken: &mut HashSet<String>) {
    let values = graph.input.iter().chain(&graph.output).filter_map(|value| value.name.as_ref());
    let weights = graph.initializer.iter().filter_map(|weight| weight.name.as_ref());
    let made = graph.node.iter().flat_map(|node| &node.output);
    taken.extend(values.chain(weights).chain(made).cloned());
    for inner in graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref()) {
        names(inner, taken);
    }
}

struct Writer<'a> {
    file: &'a str,
    functions: HashMap<Key<'a>, &'a FunctionProto>,
    /// Those of all functions that were called, for the outermost graph: every other graph reads its values.
    constants: Vec<NodeProto>,
    /// What they are called there, by their function and their name in it.
    known_constants: HashMap<(Key<'a>, &'a str), String>,
    /// Names that values have already.
    taken: HashSet<String>,
    /// How many calls were written out.
    calls: usize,
    /// How often a name was taken already.
    again: usize,
    /// Memory of all that was written out. Little of a file can call much of it, again and again.
    held_bytes: u64,
}

/// One call of a function.
struct Call<'a> {
    /// Begins the names of what it makes.
    prefix: String,
    /// What the function's own attributes stand for.
    attributes: HashMap<&'a str, &'a AttributeProto>,
}

/// What the names in a function, or in a graph within it, are called where it is written out.
#[derive(Default)]
struct Scope<'a> {
    names: HashMap<&'a str, String>,
    outer: Option<&'a Scope<'a>>,
}

impl Scope<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let own = self.names.get(name).map(String::as_str);
        own.or_else(|| self.outer.and_then(|outer| outer.get(name)))
    }
}

impl<'a> Writer<'a> {
    /// The nodes with all calls among them written out, in their order.
    fn nodes(&mut self, nodes: Vec<NodeProto>, depth: usize) -> Result<Vec<NodeProto>, ModelError> {
        if depth > DEEPEST {
            return Err(self.too_deep());
        }
        let mut written = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            let called = self.functions.get(&key([&node.domain, &node.op_type, &node.overload])).copied();
            if let Some(function) = called {
                let body = self.body(function, &node)?;
                written.append(&mut self.nodes(body, depth + 1)?);
                continue;
            }
            for graph in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut()) {
                graph.node = self.nodes(mem::take(&mut graph.node), depth + 1)?;
            }
            written.push(node);
        }
        Ok(written)
    }

    /// The nodes that a call stands for, under names that nothing else has.
    fn body(&mut self, function: &'a FunctionProto, node: &NodeProto) -> Result<Vec<NodeProto>, ModelError> {
        let name = function.name.as_deref().unwrap_or_default();
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            let reason = "a call has more inputs or outputs than the function";
            return Err(ModelError::damaged(self.file, format!("the function {name:?}"), reason));
        }
        let own = function.input.len() + function.attribute_proto.len();
        self.take(name.len() + own * (size_of::<String>() + size_of::<&str>()))?;
        self.calls += 1;
        let attributes = function.attribute_proto.iter().chain(&node.attribute);
        let attributes = attributes.map(|attribute| (attribute.name.as_deref().unwrap_or_default(), attribute));
        let call = Call { prefix: format!("{name}#{}/", self.calls), attributes: attributes.collect() };
        let mut scope = Scope::default();
        for (index, formal) in function.input.iter().enumerate() {
            scope.names.insert(formal, node.input.get(index).cloned().unwrap_or_default());
        }
        let mut rest = Vec::with_capacity(function.node.len());
        for part in &function.node {
            match constant(part).filter(|name| !scope.names.contains_key(*name)) {
                Some(name) => self.place(function, part, name, &call, &mut scope)?,
                None => rest.push(part),
            }
        }
        let mut nodes = Vec::new();
        for (formal, actual) in function.output.iter().zip(&node.output).filter(|(_, actual)| !actual.is_empty()) {
            match scope.names.get(formal.as_str()) {
                // What goes in comes out as it is, and so does a constant.
                Some(given) => {
                    self.take(size_of::<NodeProto>() + given.len() + actual.len())?;
                    nodes.push(identity(given, actual));
                }
                None => drop(scope.names.insert(formal, actual.clone())),
            }
        }
        nodes.append(&mut self.renamed(&rest, &call, &mut scope)?);
        Ok(nodes)
    }

    /// Puts a constant of a function among the others where no call has, and gives the scope its name.
    fn place(
        &mut self,
        function: &'a FunctionProto,
        node: &NodeProto,
        name: &'a str,
        call: &Call,
        scope: &mut Scope<'a>,
    ) -> Result<(), ModelError> {
        let own = (key([&function.domain, &function.name, &function.overload]), name);
        if let Some(known) = self.known_constants.get(&own).cloned() {
            self.take(size_of::<String>() + known.len())?;
            scope.names.insert(name, known);
            return Ok(());
        }
        self.name(name, call, scope)?;
        let copy = self.node(node, call, scope)?;
        self.known_constants.insert(own, scope.names[name].clone());
        self.constants.push(copy);
        Ok(())
    }

    /// Copies of nodes that belong together, each value under its name outside.
    fn renamed<'s>(
        &mut self,
        nodes: &[&'s NodeProto],
        call: &Call,
        scope: &mut Scope<'s>,
    ) -> Result<Vec<NodeProto>, ModelError> {
        for output in nodes.iter().flat_map(|node| &node.output).filter(|output| !output.is_empty()) {
            self.name(output, call, scope)?;
        }
        nodes.iter().map(|node| self.node(node, call, scope)).collect()
    }

    /// Gives a value a name that nothing else has, where it has none yet.
    fn name<'s>(&mut self, name: &'s str, call: &Call, scope: &mut Scope<'s>) -> Result<(), ModelError> {
        if scope.names.contains_key(name) {
            return Ok(());
        }
        // It is kept here and in the scope.
        self.take(2 * (size_of::<String>() + call.prefix.len() + name.len()))?;
        let mut fresh = format!("{}{name}", call.prefix);
        while self.taken.contains(&fresh) {
            self.again += 1;
            fresh = format!("{}{name}#{}", call.prefix, self.again);
        }
        self.taken.insert(fresh.clone());
        scope.names.insert(name, fresh);
        Ok(())
    }

    fn node(&mut self, node: &NodeProto, call: &Call, scope: &Scope) -> Result<NodeProto, ModelError> {
        self.take(size_of::<NodeProto>() + call.prefix.len() + texts(node))?;
        let mut attributes = Vec::with_capacity(node.attribute.len());
        for attribute in &node.attribute {
            attributes.extend(self.attribute(attribute, call, scope)?);
        }
        let name = node.name.as_deref().filter(|name| !name.is_empty());
        Ok(NodeProto {
            input: self.called_outside(&node.input, scope)?,
            output: self.called_outside(&node.output, scope)?,
            name: name.map(|name| format!("{}{name}", call.prefix)),
            op_type: node.op_type.clone(),
            attribute: attributes,
            domain: node.domain.clone(),
            overload: node.overload.clone(),
        })
    }

    /// None where it stands for an attribute that the call leaves out.
    fn attribute(
        &mut self,
        attribute: &AttributeProto,
        call: &Call,
        scope: &Scope,
    ) -> Result<Option<AttributeProto>, ModelError> {
        let name = attribute.name.clone();
        if let Some(asked) = attribute.ref_attr_name.as_deref().filter(|asked| !asked.is_empty()) {
            let Some(given) = call.attributes.get(asked).copied() else { return Ok(None) };
            // Each call may put the graph that it was given into another and hand that on.
            if given.g.as_ref().is_some_and(|graph| levels(graph) > DEEPEST) {
                return Err(self.too_deep());
            }
            self.take(text(&name) + of_attribute(given))?;
            return Ok(Some(AttributeProto { name, ..given.clone() }));
        }
        match &attribute.g {
            Some(graph) if attribute.kind == Some(attribute_kind::GRAPH) => {
                self.take(size_of::<AttributeProto>() + text(&name))?;
                let (kind, graph) = (attribute.kind, self.graph(graph, call, scope)?);
                Ok(Some(AttributeProto { name, kind, g: Some(graph), ..AttributeProto::default() }))
            }
            _ => {
                self.take(of_attribute(attribute))?;
                Ok(Some(attribute.clone()))
            }
        }
    }

    /// A copy of a graph within a function.
    fn graph(&mut self, graph: &GraphProto, call: &Call, outer: &Scope) -> Result<GraphProto, ModelError> {
        self.take(size_of::<GraphProto>() + text(&graph.name) + size_of_val(&graph.sparse_initializer[..]))?;
        let mut scope = Scope { names: HashMap::new(), outer: Some(outer) };
        let inputs = graph.input.iter().map(|input| &input.name);
        for name in inputs.chain(graph.initializer.iter().map(|weight| &weight.name)).flatten() {
            self.name(name, call, &mut scope)?;
        }
        let node = self.renamed(&graph.node.iter().collect::<Vec<_>>(), call, &mut scope)?;
        let mut initializer = Vec::with_capacity(graph.initializer.len());
        for weight in &graph.initializer {
            self.take(of_tensor(weight))?;
            initializer.push(TensorProto { name: self.maybe_outside(&weight.name, &scope)?, ..weight.clone() });
        }
        Ok(GraphProto {
            node,
            name: graph.name.clone(),
            initializer,
            input: self.values(&graph.input, &scope)?,
            output: self.values(&graph.output, &scope)?,
            value_info: Vec::new(),
            sparse_initializer: graph.sparse_initializer.clone(),
        })
    }

    fn values(&mut self, values: &[ValueInfo], scope: &Scope) -> Result<Vec<ValueInfo>, ModelError> {
        let mut outside = Vec::with_capacity(values.len());
        for value in values {
            self.take(of_value(value))?;
            outside.push(ValueInfo { name: self.maybe_outside(&value.name, scope)?, kind: value.kind.clone() });
        }
        Ok(outside)
    }

    fn maybe_outside(&mut self, name: &Option<String>, scope: &Scope) -> Result<Option<String>, ModelError> {
        name.as_deref().map(|name| self.outside(name, scope)).transpose()
    }

    fn called_outside(&mut self, names: &[String], scope: &Scope) -> Result<Vec<String>, ModelError> {
        names.iter().map(|name| self.outside(name, scope)).collect()
    }

    /// What a value is called outside; an empty name is one that is left out.
    fn outside(&mut self, name: &str, scope: &Scope) -> Result<String, ModelError> {
        let outside = if name.is_empty() { Some("") } else { scope.get(name) };
        let Some(outside) = outside else {
            return Err(ModelError::damaged(self.file, PLACE, format!("the value {name:?} comes from nowhere")));
        };
        self.take(size_of::<String>() + outside.len())?;
        Ok(outside.to_owned())
    }

    fn too_deep(&self) -> ModelError {
        let reason =
            format!("they call each other, or have graphs within graphs, more than {DEEPEST} deep, or in a circle");
        ModelError::unsupported(self.file, PLACE, reason, REMEDY)
    }

    /// Counts memory before it is used.
    fn take(&mut self, bytes: usize) -> Result<(), ModelError> {
        self.held_bytes += bytes as u64;
        if self.held_bytes > BUDGET_BYTES {
            let reason = "written out, they need far more memory than any real model's";
            return Err(ModelError::unsupported(self.file, PLACE, reason, REMEDY));
        }
        Ok(())
    }
}

/// How many graphs lie one within the other here, this one included.
fn levels(graph: &GraphProto) -> usize {
    let inner = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref());
    1 + inner.map(levels).max().unwrap_or(0)
}

/// The name of a node's value where that is a tensor which no attribute of a call changes.
fn constant(node: &NodeProto) -> Option<&str> {
    let is_standard = standard_domain(node.domain.as_deref().unwrap_or_default()).is_empty();
    let (true, Some("Constant"), [name], [value]) =
        (is_standard, node.op_type.as_deref(), node.output.as_slice(), node.attribute.as_slice())
    else {
        return None;
    };
    let is_fixed = value.t.is_some() && value.ref_attr_name.as_deref().unwrap_or_default().is_empty();
    (is_fixed && !name.is_empty()).then_some(name)
}

fn identity(from: &str, to: &str) -> NodeProto {
    NodeProto {
        input: vec![from.to_owned()],
        output: vec![to.to_owned()],
        op_type: Some("Identity".to_owned()),
        ..NodeProto::default()
    }
}

// Memory that a copy takes. Raw numbers are shared and cost none.

fn text(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

fn texts(node: &NodeProto) -> usize {
    text(&node.name) + text(&node.op_type) + text(&node.domain) + text(&node.overload)
}

fn of_node(node: &NodeProto) -> usize {
    let values = node.input.iter().chain(&node.output).map(|name| size_of::<String>() + name.len());
    let attributes = node.attribute.iter().map(of_attribute);
    size_of::<NodeProto>() + texts(node) + values.chain(attributes).sum::<usize>()
}

fn of_attribute(attribute: &AttributeProto) -> usize {
    let lists =
        size_of_val(&attribute.floats[..]) + size_of_val(&attribute.ints[..]) + size_of_val(&attribute.strings[..]);
    let held = attribute.t.as_ref().map_or(0, of_tensor) + attribute.g.as_ref().map_or(0, of_graph);
    size_of::<AttributeProto>() + text(&attribute.name) + text(&attribute.ref_attr_name) + lists + held
}

fn of_graph(graph: &GraphProto) -> usize {
    let values = graph.input.iter().chain(&graph.output).chain(&graph.value_info).map(of_value);
    let parts = graph.node.iter().map(of_node).chain(graph.initializer.iter().map(of_tensor)).chain(values);
    text(&graph.name) + size_of_val(&graph.sparse_initializer[..]) + parts.sum::<usize>()
}

fn of_tensor(tensor: &TensorProto) -> usize {
    let floats = size_of_val(&tensor.float_data[..]) + size_of_val(&tensor.double_data[..]);
    let ints = size_of_val(&tensor.int32_data[..]) + size_of_val(&tensor.int64_data[..]);
    let numbers = floats + ints + size_of_val(&tensor.uint64_data[..]) + size_of_val(&tensor.dims[..]);
    let entries = tensor.external_data.iter().map(|entry| size_of::<Entry>() + text(&entry.key) + text(&entry.value));
    size_of::<TensorProto>() + text(&tensor.name) + numbers + entries.sum::<usize>()
}

fn of_value(value: &ValueInfo) -> usize {
    let kind = match value.kind.as_ref().and_then(|kind| kind.kind.as_ref()) {
        Some(TypeKind::Tensor(tensor)) => {
            let sizes = tensor.shape.iter().flat_map(|shape| &shape.dim);
            sizes.map(|size| size_of_val(size) + text(&size.symbol)).sum::<usize>()
        }
        Some(
            TypeKind::Sequence(bytes)
            | TypeKind::Map(bytes)
            | TypeKind::SparseTensor(bytes)
            | TypeKind::Optional(bytes),
        ) => bytes.len(),
        None => 0,
    };
    size_of::<ValueInfo>() + text(&value.name) + kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Attribute, Graph,
        onnx::proto::{DimProto, ModelProto, OperatorSetId, ShapeProto, TensorType, TypeProto},
    };
    use proptest::prelude::*;
    use prost::Message;
    use std::{collections::BTreeMap, fs};

    const LOCAL: &str = "of.this.model";

    fn node(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[AttributeProto]) -> NodeProto {
        let (op, domain) = op.strip_prefix("local.").map_or((op, None), |op| (op, Some(LOCAL.to_owned())));
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        NodeProto {
            input: names(inputs),
            output: names(outputs),
            op_type: Some(op.to_owned()),
            attribute: attributes.to_vec(),
            domain,
            ..NodeProto::default()
        }
    }

    fn function(name: &str, [inputs, outputs]: [&[&str]; 2], nodes: Vec<NodeProto>) -> FunctionProto {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        FunctionProto {
            name: Some(name.to_owned()),
            domain: Some(LOCAL.to_owned()),
            input: names(inputs),
            output: names(outputs),
            node: nodes,
            ..FunctionProto::default()
        }
    }

    fn float(name: &str, value: f32) -> AttributeProto {
        let (name, kind) = (Some(name.to_owned()), Some(attribute_kind::FLOAT));
        AttributeProto { name, kind, f: Some(value), ..AttributeProto::default() }
    }

    fn standing_for(name: &str, of_call: &str) -> AttributeProto {
        AttributeProto { f: None, ref_attr_name: Some(of_call.to_owned()), ..float(name, 0.0) }
    }

    fn value(name: &str) -> ValueInfo {
        let dim = vec![DimProto { value: Some(2), symbol: None }];
        let tensor = TensorType { element: Some(1), shape: Some(ShapeProto { dim }) };
        ValueInfo { name: Some(name.to_owned()), kind: Some(TypeProto { kind: Some(TypeKind::Tensor(tensor)) }) }
    }

    fn model(nodes: Vec<NodeProto>, functions: Vec<FunctionProto>) -> ModelProto {
        let import = |domain: &str, version| OperatorSetId { domain: Some(domain.to_owned()), version: Some(version) };
        ModelProto {
            opset_import: vec![import("", 17), import(LOCAL, 1)],
            graph: Some(GraphProto {
                node: nodes,
                input: vec![value("x")],
                output: vec![value("y")],
                ..GraphProto::default()
            }),
            functions,
            ..ModelProto::default()
        }
    }

    fn read_bytes(bytes: &[u8]) -> Result<Graph, ModelError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        fs::write(&path, bytes).unwrap();
        Graph::read(&path)
    }

    fn read(model: &ModelProto) -> Result<Graph, ModelError> {
        read_bytes(&model.encode_to_vec())
    }

    /// A function that calls another twice, once with an attribute of its own call and once without.
    fn nested() -> ModelProto {
        let leaky = vec![
            node("LeakyRelu", &["x"], &["t"], &[standing_for("alpha", "slope")]),
            node("Relu", &["t"], &["y"], &[]),
        ];
        let leaky =
            FunctionProto { attribute_proto: vec![float("slope", 0.25)], ..function("leaky", [&["x"], &["y"]], leaky) };
        let twice = vec![
            node("local.leaky", &["a"], &["t"], &[standing_for("slope", "first")]),
            node("local.leaky", &["t"], &["b"], &[]),
        ];
        let twice = function("twice", [&["a"], &["b"]], twice);
        let nodes =
            vec![node("local.twice", &["x"], &["t"], &[float("first", 0.5)]), node("local.leaky", &["t"], &["y"], &[])];
        model(nodes, vec![leaky, twice])
    }

    #[test]
    fn calls_become_the_nodes_that_they_stand_for_under_names_of_their_own() {
        let graph = read(&nested()).unwrap();
        let operators: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(operators, ["LeakyRelu", "Relu"].repeat(3));
        let slopes: Vec<Option<f32>> = graph.nodes.iter().step_by(2).map(|node| node.float("alpha")).collect();
        assert_eq!(slopes, [Some(0.5), Some(0.25), Some(0.25)]);
        let mut last = "x";
        for node in &graph.nodes {
            assert_eq!(node.inputs, [last]);
            last = &node.outputs[0];
        }
        assert_eq!(last, "y");
        assert_eq!(graph.shapes(&BTreeMap::new()).unwrap()["y"], [2]);
        assert_eq!(graph.costs(&BTreeMap::new()).unwrap().macs, Some(0));
    }

    #[test]
    fn a_weight_of_a_function_is_one_weight_however_often_it_is_called() {
        let attribute = |name: &str, kind: i32| AttributeProto {
            name: Some(name.to_owned()),
            kind: Some(kind),
            ..AttributeProto::default()
        };
        let dims = vec![2];
        let tensor = TensorProto { dims, data_type: Some(1), float_data: vec![3.0, 4.0], ..TensorProto::default() };
        let own = AttributeProto { t: Some(tensor), ..attribute("value", attribute_kind::TENSOR) };
        let asked = AttributeProto { t: None, ref_attr_name: Some("weight".to_owned()), ..own.clone() };
        let given = [AttributeProto { name: Some("weight".to_owned()), ..own.clone() }];
        let reads_weight = |op: &str, weight: AttributeProto| {
            vec![node("Constant", &[], &["w"], &[weight]), node(op, &["x", "w"], &["y"], &[])]
        };
        let scaled = function("scaled", [&["x"], &["y", "w"]], reads_weight("Mul", own));
        let twice = vec![node("local.scaled", &["x"], &["t"], &[]), node("local.scaled", &["t"], &["y"], &[])];
        let twice = function("twice", [&["x"], &["y"]], twice);
        let shifted = function("shifted", [&["x"], &["y"]], reads_weight("Add", asked));
        let branch = GraphProto {
            node: vec![node("local.scaled", &["x"], &["out"], &[])],
            output: vec![value("out")],
            ..GraphProto::default()
        };
        let branch = AttributeProto { g: Some(branch), ..attribute("then_branch", attribute_kind::GRAPH) };
        let nodes = vec![
            node("If", &["x"], &["a"], &[branch]),
            node("local.twice", &["a"], &["b"], &[]),
            node("local.scaled", &["b"], &["c", "copy"], &[]),
            node("local.shifted", &["c"], &["d"], &given),
            node("local.shifted", &["copy"], &["e"], &given),
            node("Add", &["d", "e"], &["y"], &[]),
        ];
        let graph = read(&model(nodes, vec![scaled, twice, shifted])).unwrap();
        let of = |op: &str| graph.nodes.iter().filter(|node| node.op == op).collect::<Vec<_>>();
        let copied = of("Identity").remove(0);
        let weight = &copied.inputs[0];
        let read: Vec<&String> = of("Mul").into_iter().map(|node| &node.inputs[1]).collect();
        assert_eq!(read, [weight; 3]);
        let Some(Attribute::Graph(met)) = of("If").remove(0).attributes.get("then_branch") else { panic!("no branch") };
        assert_eq!((&met.nodes[0].inputs[1], met.initializers.len()), (weight, 0), "it lies in the graph around");
        // Each call of `shifted` brings a weight along.
        assert_eq!((graph.initializers.len(), graph.parameters()), (3, 6));
        assert_eq!(graph.costs(&BTreeMap::new()).unwrap().weight_bytes, 24);
    }

    #[test]
    fn a_branch_in_a_function_reads_the_functions_own_values() {
        let branch = |name: &str, op: &str| {
            let nodes = vec![node(op, &["t"], &["local"], &[]), node("Neg", &["local"], &["out"], &[])];
            let graph = GraphProto { node: nodes, output: vec![value("out")], ..GraphProto::default() };
            let (name, kind) = (Some(name.to_owned()), Some(attribute_kind::GRAPH));
            AttributeProto { name, kind, g: Some(graph), ..AttributeProto::default() }
        };
        let chosen = vec![
            node("Abs", &["x"], &["t"], &[]),
            node("If", &["flag"], &["y"], &[branch("then_branch", "Relu"), branch("else_branch", "Tanh")]),
        ];
        let to_truth = AttributeProto {
            name: Some("to".to_owned()),
            kind: Some(attribute_kind::INT),
            i: Some(9),
            ..AttributeProto::default()
        };
        // The graph that calls it has values of the same names.
        let nodes = vec![
            node("Neg", &["x"], &["t"], &[]),
            node("Exp", &["t"], &["local"], &[]),
            node("ReduceMax", &["local"], &["flag_number"], &[]),
            node("Cast", &["flag_number"], &["flag"], &[to_truth]),
            node("local.chosen", &["flag", "x"], &["y"], &[]),
        ];
        let graph = read(&model(nodes, vec![function("chosen", [&["flag", "x"], &["y"]], chosen)])).unwrap();
        let of = |op: &str| graph.nodes.iter().find(|node| node.op == op).unwrap();
        assert_eq!(of("If").inputs, ["flag"]);
        let Some(Attribute::Graph(met)) = of("If").attributes.get("then_branch") else { panic!("no branch") };
        assert_eq!(met.nodes[0].inputs, of("Abs").outputs);
        assert!(!["t", "local"].contains(&met.nodes[0].outputs[0].as_str()));
        assert_eq!(met.outputs[0].name, met.nodes[1].outputs[0]);
    }

    #[test]
    fn what_is_left_out_stays_left_out_and_what_passes_through_is_copied() {
        let body = vec![node("Clip", &["x", "", "most"], &["y"], &[]), node("Neg", &["x"], &["never"], &[])];
        let clipped = function("clipped", [&["x", "most"], &["y", "x", "never"]], body);
        let nodes = vec![node("local.clipped", &["x"], &["c", "same"], &[]), node("Add", &["c", "same"], &["y"], &[])];
        let graph = read(&model(nodes, vec![clipped])).unwrap();
        let of = |op: &str| graph.nodes.iter().find(|node| node.op == op).unwrap();
        assert_eq!(of("Clip").inputs, ["x", "", ""]);
        assert_eq!(of("Identity").inputs, ["x"]);
        assert_eq!(of("Identity").outputs, ["same"]);
    }

    #[test]
    fn functions_that_call_themselves_or_grow_without_end_are_refused_with_a_remedy() {
        let call = vec![node("local.round", &["x"], &["y"], &[])];
        let round = function("round", [&["x"], &["y"]], call.clone());
        let error = read(&model(call, vec![round])).unwrap_err().to_string();
        assert!(error.contains("in a circle") && error.contains("Ask whoever exported it"), "{error}");

        // Half a megabyte, called 8 to the fifth times.
        let much = AttributeProto {
            name: Some("much".to_owned()),
            kind: Some(attribute_kind::INTS),
            ints: vec![0; 1 << 16],
            ..AttributeProto::default()
        };
        let name = |depth: usize| format!("local.f{depth}");
        let calls = |depth: usize| {
            let values: Vec<String> = (0..=8).map(|place| format!("v{place}")).collect();
            let call = |place: usize| node(&name(depth), &[values[place].as_str()], &[values[place + 1].as_str()], &[]);
            function(&format!("f{}", depth - 1), [&["v0"], &["v8"]], (0..8).map(call).collect())
        };
        let last = function("f5", [&["x"], &["y"]], vec![node("Relu", &["x"], &["y"], &[much])]);
        let functions = (1..=5).map(calls).chain([last]).collect();
        let error = read(&model(vec![node(&name(0), &["x"], &["y"], &[])], functions)).unwrap_err().to_string();
        assert!(error.contains("far more memory") && error.contains("Ask whoever exported it"), "{error}");
    }

    /// Each function hands on the graph that it was given within others, the last one throws it away.
    #[test]
    fn a_graph_that_grows_deeper_with_every_call_is_refused() {
        let graph = |graph: GraphProto| {
            let (name, kind) = (Some("branch".to_owned()), Some(attribute_kind::GRAPH));
            AttributeProto { name, kind, g: Some(graph), ..AttributeProto::default() }
        };
        let asked = Some("branch".to_owned());
        let given = AttributeProto { g: None, ref_attr_name: asked, ..graph(GraphProto::default()) };
        let read_with = |levels: usize| {
            let within = |inner: AttributeProto| {
                graph(GraphProto { node: vec![node("If", &[], &[], &[inner])], ..GraphProto::default() })
            };
            let deeper = (0..levels).fold(given.clone(), |inner, _| within(inner));
            let calls = |depth: usize| {
                let call = node(&format!("local.f{}", depth + 1), &["x"], &["y"], std::slice::from_ref(&deeper));
                function(&format!("f{depth}"), [&["x"], &["y"]], vec![call])
            };
            let last = function("f8", [&["x"], &["y"]], vec![node("Relu", &["x"], &["y"], &[])]);
            let first = node("local.f0", &["x"], &["y"], &[graph(GraphProto::default())]);
            read(&model(vec![first], (0..8).map(calls).chain([last]).collect()))
        };
        assert_eq!(read_with(1).unwrap().nodes.len(), 1);
        let error = read_with(10).unwrap_err().to_string();
        assert!(error.contains("graphs within graphs") && error.contains("Ask whoever exported it"), "{error}");
    }

    #[test]
    fn a_function_that_reads_what_nobody_gives_it_is_damaged() {
        let reads = |names: &[&str]| function("f", [&["x"], &["y"]], vec![node("Sum", names, &["y"], &[])]);
        // The graph that calls it has a value of that name, which the function cannot see.
        let call = |inputs: &[&str]| vec![node("Neg", &["x"], &["outer"], &[]), node("local.f", inputs, &["y"], &[])];
        let error = read(&model(call(&["x"]), vec![reads(&["x", "outer"])])).unwrap_err().to_string();
        assert!(error.contains("\"outer\" comes from nowhere"), "{error}");
        let error = read(&model(call(&["x", "x"]), vec![reads(&["x"])])).unwrap_err().to_string();
        assert!(error.contains("more inputs or outputs"), "{error}");
        let error = read(&model(call(&["x"]), vec![reads(&["x"]), reads(&["x"])])).unwrap_err().to_string();
        assert!(error.contains("two of them are called \"f\""), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn damaged_functions_never_bring_the_app_down(changes in prop::collection::vec((0.0..1.0, any::<u8>()), 1..8)) {
            let mut bytes = nested().encode_to_vec();
            for (share, byte) in changes {
                let place = ((bytes.len() - 1) as f64 * share) as usize;
                bytes[place] = byte;
            }
            if let Ok(graph) = read_bytes(&bytes) {
                let _ = graph.costs(&BTreeMap::new());
            }
        }
    }
}
