//! The branches of an If: graphs within a node, which read values of the graphs around them.

use super::{
    operators::{Inputs, Kernel},
    plan::{Plan, PlanError},
};
use candle_core::{Device, Error, Result, Tensor};
use models::{Attribute, Element, Graph, Node, Value};
use std::{borrow::Cow, collections::HashSet};

const BRANCHES: [&str; 2] = ["then_branch", "else_branch"];

/// The graphs of a node, the one for true first; none for any other operator.
fn of(node: &Node) -> Option<[&Graph; 2]> {
    let branch = |name: &str| match node.attributes.get(name) {
        Some(Attribute::Graph(graph)) => Some(graph.as_ref()),
        _ => None,
    };
    let [met, otherwise] = BRANCHES.map(branch);
    (node.op == "If").then_some([met?, otherwise?])
}

/// The graph with nodes that list what their branches read among their own inputs, after the condition.
pub(super) fn opened(graph: &Graph) -> Cow<'_, Graph> {
    if graph.nodes.iter().all(|node| of(node).is_none()) {
        return Cow::Borrowed(graph);
    }
    let mut graph = graph.clone();
    for node in &mut graph.nodes {
        let Some(branches) = of(node) else { continue };
        let mut read: Vec<String> = Vec::new();
        for name in branches.into_iter().flat_map(read_from_around) {
            if !read.contains(&name) {
                read.push(name);
            }
        }
        node.inputs.truncate(1);
        node.inputs.append(&mut read);
    }
    Cow::Owned(graph)
}

fn read_from_around(branch: &Graph) -> Vec<String> {
    let inputs = branch.inputs.iter().map(|input| &input.name);
    let weights = branch.initializers.iter().map(|weight| &weight.name);
    let own: HashSet<&String> =
        branch.nodes.iter().flat_map(|node| &node.outputs).chain(inputs).chain(weights).collect();
    let within = branch.nodes.iter().filter_map(of).flatten().flat_map(read_from_around);
    let read =
        branch.nodes.iter().flat_map(|node| &node.inputs).chain(branch.outputs.iter().map(|output| &output.name));
    let read = read.filter(|name| !name.is_empty()).cloned().chain(within);
    read.filter(|name| !own.contains(name)).collect()
}

/// Says of a node with branches whether all their operators are known; nothing of any other.
pub(super) fn check(node: &Node, graph: &Graph) -> Option<std::result::Result<(), PlanError>> {
    let branches = of(node)?;
    Some(branches.into_iter().try_for_each(|branch| {
        let mut branch = alone(branch, &[], graph.opset);
        branch.initializers.extend(graph.initializers.iter().cloned());
        Plan::check(&branch)
    }))
}

/// The kernel of a node of an opened graph, both branches laid out; none where it has no branches.
pub(super) fn kernel(node: &Node, opset: i64, device: &Device) -> std::result::Result<Option<Kernel>, PlanError> {
    let Some(branches) = of(node) else { return Ok(None) };
    let read = node.inputs.get(1..).unwrap_or_default();
    let [met, otherwise] = branches.map(|branch| Plan::new(&alone(branch, read, opset), device));
    let (met, otherwise) = (met?, otherwise?);
    Ok(Some(Box::new(move |x| taken(x, &met, &otherwise))))
}

/// A branch as a graph that is given what it reads from around it.
fn alone(branch: &Graph, read: &[String], opset: i64) -> Graph {
    let given = |name: &String| Value { name: name.clone(), element: Element::F32, shape: Vec::new() };
    Graph { opset, inputs: read.iter().map(given).collect(), ..branch.clone() }
}

fn taken(x: &Inputs, met: &Plan, otherwise: &Plan) -> Result<Vec<Tensor>> {
    let condition = x.ints(0)?.first().copied().ok_or_else(|| Error::Msg("the condition is empty".to_owned()))?;
    let given: Vec<Tensor> = x.tensors[1..].iter().flatten().map(|tensor| (*tensor).clone()).collect();
    let branch = if condition != 0 { met } else { otherwise };
    branch.run(&given, |_| {}).map_err(|error| Error::Msg(error.to_string()))
}
