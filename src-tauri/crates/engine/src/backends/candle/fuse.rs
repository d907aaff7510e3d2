//! Chains of nodes that stand for one operation candle has a kernel for: activations and normalisations that exports
//! write out step by step.

use models::{Attribute, Graph, Node};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    f32::consts::{FRAC_1_SQRT_2, FRAC_2_PI, SQRT_2},
};

/// The graph's nodes with recognised chains replaced. A chain is left alone where another node reads one of its steps.
pub(super) fn fused(graph: &Graph) -> Vec<Node> {
    let view = View::new(graph);
    let mut replaced: BTreeMap<usize, Node> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let chain = match node.op.as_str() {
            "Erf" => view.gelu_by_erf(index),
            "Tanh" => view.gelu_by_tanh(index),
            "Sigmoid" => view.sigmoid_gate(index),
            "Clip" => view.hard_swish(index),
            "Sqrt" => view.rms_norm(index),
            _ => None,
        };
        let Some(chain) = chain else { continue };
        if chain.steps.iter().any(|step| gone.contains(step) || replaced.contains_key(step)) {
            continue;
        }
        gone.extend(chain.steps.iter().copied().filter(|step| *step != chain.last));
        replaced.insert(chain.last, view.replacement(&chain));
    }
    let kept = graph.nodes.iter().enumerate().filter(|(index, _)| !gone.contains(index));
    kept.map(|(index, node)| replaced.remove(&index).unwrap_or_else(|| node.clone())).collect()
}

/// Nodes that one operation replaces.
struct Chain {
    steps: Vec<usize>,
    /// The step whose output is the chain's.
    last: usize,
    op: &'static str,
    domain: &'static str,
    inputs: Vec<String>,
    attributes: Vec<(&'static str, Attribute)>,
}

struct View<'a> {
    graph: &'a Graph,
    /// The node that makes a value.
    makers: HashMap<&'a str, usize>,
    /// The nodes that read a value; a graph output counts as a reader that is no node.
    readers: HashMap<&'a str, Vec<Option<usize>>>,
    /// Values of constants of one number.
    numbers: HashMap<&'a str, f32>,
}

impl<'a> View<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut view = Self { graph, makers: HashMap::new(), readers: HashMap::new(), numbers: HashMap::new() };
        for (index, node) in graph.nodes.iter().enumerate() {
            view.makers.extend(node.outputs.iter().map(|output| (output.as_str(), index)));
            for input in &node.inputs {
                view.readers.entry(input).or_default().push(Some(index));
            }
        }
        for output in &graph.outputs {
            view.readers.entry(&output.name).or_default().push(None);
        }
        for initializer in graph.initializers.iter().filter(|initializer| initializer.len() == 1) {
            if let Some([number]) = initializer.tensor().map(|tensor| tensor.f32s()).as_deref() {
                view.numbers.insert(&initializer.name, *number);
            }
        }
        view
    }

    fn node(&self, index: usize) -> &'a Node {
        &self.graph.nodes[index]
    }

    fn made_by(&self, value: &str, op: &str) -> Option<usize> {
        self.makers.get(value).copied().filter(|index| self.node(*index).op == op)
    }

    /// The only node that reads what a node makes.
    fn next(&self, index: usize, op: &str) -> Option<usize> {
        let output = self.node(index).outputs.first()?;
        match self.readers.get(output.as_str())?.as_slice() {
            [Some(reader)] if self.node(*reader).op == op => Some(*reader),
            _ => None,
        }
    }

    /// The other operand where one operand of a node is about `number`, on either side.
    fn beside_number(&self, index: usize, number: f32) -> Option<&'a str> {
        let [a, b] = self.node(index).inputs.as_slice() else { return None };
        let is_number = |value: &str| self.numbers.get(value).is_some_and(|known| close(*known, number));
        match (is_number(a), is_number(b)) {
            (false, true) => Some(a),
            (true, false) => Some(b),
            _ => None,
        }
    }

    /// The operand of a node that is not `value`.
    fn beside(&self, index: usize, value: &str) -> Option<&'a str> {
        match self.node(index).inputs.as_slice() {
            [a, b] if a == value => Some(b),
            [a, b] if b == value => Some(a),
            _ => None,
        }
    }

    fn read_once(&self, value: &str) -> bool {
        self.readers.get(value).is_some_and(|readers| readers.len() == 1)
    }

    /// From `curve`, the tail (1 + curve) · x · ½ in either order: its steps and its last one.
    fn half_of_one_more(&self, curve: usize, x: &str) -> Option<(Vec<usize>, usize)> {
        let shifted = self.next(curve, "Add")?;
        self.beside_number(shifted, 1.0)?;
        let product = self.next(shifted, "Mul")?;
        let other = self.beside(product, &self.node(shifted).outputs[0])?;
        if other == x {
            let halved = self.next(product, "Mul")?;
            self.beside_number(halved, 0.5)?;
            return Some((vec![curve, shifted, product, halved], halved));
        }
        let halved = self.made_by(other, "Mul")?;
        let same = self.beside_number(halved, 0.5)? == x && self.read_once(other);
        same.then(|| (vec![curve, shifted, halved, product], product))
    }

    /// x · (1 + erf(x / √2)) · ½
    fn gelu_by_erf(&self, erf: usize) -> Option<Chain> {
        let scaled = self.node(erf).input(0)?;
        let (scaling, x) = match (self.made_by(scaled, "Div"), self.made_by(scaled, "Mul")) {
            (Some(division), _) => {
                let [x, root] = self.node(division).inputs.as_slice() else { return None };
                close(*self.numbers.get(root.as_str())?, SQRT_2).then_some((division, x.as_str()))?
            }
            (None, Some(product)) => (product, self.beside_number(product, FRAC_1_SQRT_2)?),
            (None, None) => return None,
        };
        let (mut steps, last) = self.half_of_one_more(erf, x)?;
        steps.push(scaling);
        self.read_once(scaled).then(|| Chain::gelu(steps, last, x, "none"))
    }

    /// ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
    fn gelu_by_tanh(&self, tanh: usize) -> Option<Chain> {
        let scaling = self.made_by(self.node(tanh).input(0)?, "Mul")?;
        let sum_value = self.beside_number(scaling, FRAC_2_PI.sqrt())?;
        let sum = self.made_by(sum_value, "Add")?;
        let [a, b] = self.node(sum).inputs.as_slice() else { return None };
        let sides = [(a.as_str(), b.as_str()), (b.as_str(), a.as_str())];
        let (x, cubic, power) = sides.into_iter().find_map(|(x, cubic_value)| {
            let cubic = self.made_by(cubic_value, "Mul")?;
            let power_value = self.beside_number(cubic, 0.044_715)?;
            let power = self.made_by(power_value, "Pow")?;
            let cubes =
                self.node(power).input(0) == Some(x) && close(*self.numbers.get(self.node(power).input(1)?)?, 3.0);
            (cubes && self.read_once(cubic_value) && self.read_once(power_value)).then_some((x, cubic, power))
        })?;
        let (mut steps, last) = self.half_of_one_more(tanh, x)?;
        steps.extend([scaling, sum, cubic, power]);
        let alone = self.read_once(self.node(tanh).input(0)?) && self.read_once(sum_value);
        alone.then(|| Chain::gelu(steps, last, x, "tanh"))
    }

    /// x · sigmoid(x), and x · sigmoid(1.702 x)
    fn sigmoid_gate(&self, sigmoid: usize) -> Option<Chain> {
        let inside = self.node(sigmoid).input(0)?;
        let gate = self.next(sigmoid, "Mul")?;
        let x = self.beside(gate, self.node(sigmoid).outputs.first()?)?;
        if x == inside {
            return Some(Chain::new(vec![sigmoid, gate], gate, SILU, INTERNAL, vec![x.to_owned()]));
        }
        let scaling = self.made_by(inside, "Mul")?;
        let same = self.beside_number(scaling, 1.702)? == x && self.read_once(inside);
        same.then(|| Chain::new(vec![scaling, sigmoid, gate], gate, "QuickGelu", "com.microsoft", vec![x.to_owned()]))
    }

    /// x · clip(x + 3, 0, 6) / 6
    fn hard_swish(&self, clip: usize) -> Option<Chain> {
        let bound = |index: usize, attribute: &str| match self.node(clip).input(index) {
            Some(bound) => self.numbers.get(bound).copied(),
            None => self.node(clip).float(attribute),
        };
        let from_0_to_6 = bound(1, "min")? == 0.0 && close(bound(2, "max")?, 6.0);
        let shifted_value = self.node(clip).input(0)?;
        let shifted = self.made_by(shifted_value, "Add")?;
        let x = self.beside_number(shifted, 3.0)?;
        let product = self.next(clip, "Mul")?;
        let gates_x = self.beside(product, self.node(clip).outputs.first()?)? == x;
        let divided = self.next(product, "Div").filter(|division| {
            let of_product = self.node(*division).input(0) == self.node(product).outputs.first().map(String::as_str);
            of_product && self.beside_number(*division, 6.0).is_some()
        });
        let scaled = || self.next(product, "Mul").filter(|scaled| self.beside_number(*scaled, 1.0 / 6.0).is_some());
        let last = divided.or_else(scaled)?;
        let steps = vec![shifted, clip, product, last];
        (from_0_to_6 && gates_x && self.read_once(shifted_value))
            .then(|| Chain::new(steps, last, "HardSwish", "", vec![x.to_owned()]))
    }

    /// x / √(mean(x²) + ε) · weight
    fn rms_norm(&self, root: usize) -> Option<Chain> {
        let sum_value = self.node(root).input(0)?;
        let sum = self.made_by(sum_value, "Add")?;
        let mean_value = self.node(sum).inputs.iter().find(|value| self.made_by(value, "ReduceMean").is_some())?;
        let epsilon = *self.numbers.get(self.beside(sum, mean_value)?)?;
        let mean = self.made_by(mean_value, "ReduceMean")?;
        let last_axis = self.node(mean).ints("axes") == Some(&[-1]) && self.node(mean).int("keepdims") != Some(0);
        let square_value = self.node(mean).input(0)?;
        let square = self.made_by(square_value, "Pow")?;
        let x = self.node(square).input(0)?;
        let squared = close(*self.numbers.get(self.node(square).input(1)?)?, 2.0);
        let quotient = self.next(root, "Div")?;
        let divides = self.node(quotient).input(0) == Some(x);
        let scaled = self.next(quotient, "Mul")?;
        let weight = self.beside(scaled, self.node(quotient).outputs.first()?)?;
        let is_vector = self.graph.initializer(weight).is_some_and(|weight| weight.shape.len() == 1);
        let alone = [sum_value, mean_value, square_value].into_iter().all(|value| self.read_once(value));
        let steps = vec![square, mean, sum, root, quotient, scaled];
        let inputs = vec![x.to_owned(), weight.to_owned()];
        (last_axis && squared && divides && is_vector && alone).then(|| {
            let mut chain = Chain::new(steps, scaled, "RMSNormalization", "", inputs);
            chain.attributes = vec![("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon))];
            chain
        })
    }

    fn replacement(&self, chain: &Chain) -> Node {
        let last = self.node(chain.last);
        Node {
            name: last.name.clone(),
            op: chain.op.to_owned(),
            domain: chain.domain.to_owned(),
            inputs: chain.inputs.clone(),
            outputs: last.outputs.clone(),
            attributes: chain.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }
}

/// The domain of operators that only this executor has.
pub(super) const INTERNAL: &str = "assay";
/// x · sigmoid(x)
pub(super) const SILU: &str = "Silu";

impl Chain {
    fn new(steps: Vec<usize>, last: usize, op: &'static str, domain: &'static str, inputs: Vec<String>) -> Self {
        Self { steps, last, op, domain, inputs, attributes: Vec::new() }
    }

    fn gelu(steps: Vec<usize>, last: usize, x: &str, approximate: &str) -> Self {
        let mut chain = Self::new(steps, last, "Gelu", "", vec![x.to_owned()]);
        chain.attributes = vec![("approximate", Attribute::Text(approximate.to_owned()))];
        chain
    }
}

/// Constants are rounded to the weights' format, of which bf16 has the fewest digits.
fn close(a: f32, b: f32) -> bool {
    (a - b).abs() <= 4e-3 * b.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use models::{Content, Element, Initializer, Tensor, Value};

    fn node(op: &str, inputs: &[&str], output: &str) -> Node {
        Node {
            name: output.to_owned(),
            op: op.to_owned(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            ..Node::default()
        }
    }

    fn number(name: &str, value: f32) -> Initializer {
        let bytes = Tensor::from_f32s(name, &[], &[value]).bytes.into();
        Initializer { name: name.to_owned(), element: Element::F32, shape: vec![], content: Content::Ready(bytes) }
    }

    fn gelu(outputs: &[&str]) -> Graph {
        let value = |name: &&str| Value { name: (*name).to_owned(), element: Element::F32, shape: vec![] };
        Graph {
            nodes: vec![
                node("Div", &["x", "root"], "a"),
                node("Erf", &["a"], "b"),
                node("Add", &["b", "one"], "c"),
                node("Mul", &["x", "c"], "d"),
                node("Mul", &["d", "half"], "y"),
            ],
            initializers: vec![number("root", SQRT_2), number("one", 1.0), number("half", 0.5)],
            outputs: outputs.iter().map(value).collect(),
            ..Graph::default()
        }
    }

    #[test]
    fn a_written_out_hard_swish_becomes_one_operation() {
        let graph = |by: &str, sixth: f32, operands: [&str; 2]| Graph {
            nodes: vec![
                node("Add", &["x", "three"], "a"),
                node("Clip", &["a", "zero", "six"], "b"),
                node("Mul", &["x", "b"], "c"),
                node(by, &operands, "y"),
            ],
            initializers: vec![number("three", 3.0), number("zero", 0.0), number("six", 6.0), number("sixth", sixth)],
            outputs: vec![Value { name: "y".to_owned(), element: Element::F32, shape: vec![] }],
            ..Graph::default()
        };
        assert_eq!(ops(&fused(&graph("Div", 6.0, ["c", "sixth"]))), ["HardSwish"]);
        assert_eq!(ops(&fused(&graph("Mul", 1.0 / 6.0, ["sixth", "c"]))), ["HardSwish"]);
        // These are other functions.
        assert_eq!(fused(&graph("Div", 6.0, ["sixth", "c"])).len(), 4);
        assert_eq!(fused(&graph("Div", 5.0, ["c", "sixth"])).len(), 4);
    }

    fn ops(nodes: &[Node]) -> Vec<&str> {
        nodes.iter().map(|node| node.op.as_str()).collect()
    }

    #[test]
    fn a_written_out_gelu_becomes_one_operation() {
        let nodes = fused(&gelu(&["y"]));
        assert_eq!(ops(&nodes), ["Gelu"]);
        assert_eq!(
            (nodes[0].inputs.as_slice(), nodes[0].outputs.as_slice()),
            (&["x".to_owned()][..], &["y".to_owned()][..])
        );
    }

    #[test]
    fn a_step_that_something_else_reads_keeps_the_chain_apart() {
        assert_eq!(fused(&gelu(&["y", "c"])).len(), 5);
    }

    #[test]
    fn another_constant_is_another_function() {
        let mut graph = gelu(&["y"]);
        graph.initializers[0] = number("root", 2.0);
        assert_eq!(fused(&graph).len(), 5);
    }
}
