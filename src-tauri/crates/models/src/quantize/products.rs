//! A product with a weight matrix, in the operators of its scheme.

use super::{BLOCK, Ranges, Scheme, is_product, parts};
use crate::{Attribute, Content, Element, Graph, Initializer, ModelError, Node};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// Writes nodes into the graph one after another; products with a chosen weight in another form.
pub struct Products<'a> {
    scheme: Scheme<'a>,
    chosen: &'a FxHashSet<String>,
    graph: &'a mut Graph,
    /// Activations and weights that were quantised or widened already.
    done: FxHashSet<String>,
}

impl<'a> Products<'a> {
    pub fn new(scheme: Scheme<'a>, chosen: &'a FxHashSet<String>, graph: &'a mut Graph) -> Self {
        Self { scheme, chosen, graph, done: FxHashSet::default() }
    }

    pub fn add(&mut self, node: Node) -> Result<(), ModelError> {
        if !is_product(&node, self.chosen) {
            self.graph.nodes.push(node);
            return Ok(());
        }
        match self.scheme {
            Scheme::Dynamic => self.dynamic(&node),
            Scheme::Weights => {
                let wide = self.widened(&node.inputs[1], &[("axis", Attribute::Int(1))]);
                self.graph.nodes.push(with_weight(node, wide));
            }
            Scheme::Blocks => {
                let attributes = [("axis", Attribute::Int(0)), ("block_size", Attribute::Int(BLOCK as i64))];
                let wide = self.widened(&node.inputs[1], &attributes);
                self.graph.nodes.push(with_weight(node, wide));
            }
            Scheme::Static(ranges) => {
                let rounded = self.rounded(&node.inputs[0], ranges)?;
                let wide = self.widened(&node.inputs[1], &[("axis", Attribute::Int(1))]);
                let mut node = with_weight(node, wide);
                node.inputs[0] = rounded;
                self.graph.nodes.push(node);
            }
        }
        Ok(())
    }

    /// x ≈ (q − z) · s, so x · W ≈ ((q − z) · Wq) · (s · Ws), the first product being of integers.
    fn dynamic(&mut self, product: &Node) {
        let [activations, weight] = [&product.inputs[0], &product.inputs[1]];
        let [integers, scale, zero] = ["q", "scale", "zero"].map(|part| format!("{activations}:{part}"));
        if self.done.insert(activations.clone()) {
            let outputs = [&integers, &scale, &zero];
            self.push(&format!("{activations}:quantise"), "DynamicQuantizeLinear", &[activations], &outputs, &[]);
        }
        let [weights, weight_scales] = parts(weight);
        let name = product.name.as_str();
        let [sums, wide, scales] = ["sums", "wide", "scale"].map(|part| format!("{name}:{part}"));
        self.push(name, "MatMulInteger", &[&integers, &weights, &zero], &[&sums], &[]);
        let to_f32 = [("to", Attribute::Int(Element::F32.onnx_code().into()))];
        self.push(&format!("{name}:Cast"), "Cast", &[&sums], &[&wide], &to_f32);
        self.push(&format!("{name}:scales"), "Mul", &[&scale, &weight_scales], &[&scales], &[]);
        self.push(&format!("{name}:scaled"), "Mul", &[&wide, &scales], &[&product.outputs[0]], &[]);
    }

    /// The weight as numbers again: engines fuse this into the product, or do it once when they load the graph.
    fn widened(&mut self, weight: &str, attributes: &[(&str, Attribute)]) -> String {
        let wide = format!("{weight}:wide");
        if self.done.insert(weight.to_owned()) {
            let [integers, scales] = parts(weight);
            self.push(&format!("{weight}:widen"), "DequantizeLinear", &[&integers, &scales], &[&wide], attributes);
        }
        wide
    }

    /// The activations rounded to the 256 steps of their range.
    fn rounded(&mut self, activations: &str, ranges: &Ranges) -> Result<String, ModelError> {
        let wide = format!("{activations}:wide");
        if !self.done.insert(activations.to_owned()) {
            return Ok(wide);
        }
        let (step, zero) = ranges.steps(activations)?;
        let [scale, zero_point, integers] = ["step", "zero", "q"].map(|part| format!("{activations}:{part}"));
        self.scalar(&scale, Element::F32, step.to_le_bytes().to_vec());
        self.scalar(&zero_point, Element::U8, vec![zero]);
        let quantise = format!("{activations}:quantise");
        self.push(&quantise, "QuantizeLinear", &[activations, &scale, &zero_point], &[&integers], &[]);
        let widen = format!("{activations}:widen");
        self.push(&widen, "DequantizeLinear", &[&integers, &scale, &zero_point], &[&wide], &[]);
        Ok(wide)
    }

    fn scalar(&mut self, name: &str, element: Element, bytes: Vec<u8>) {
        let content = Content::Ready(bytes.into());
        self.graph.initializers.push(Initializer { name: name.to_owned(), element, shape: Vec::new(), content });
    }

    fn push(&mut self, name: &str, op: &str, inputs: &[&str], outputs: &[&String], attributes: &[(&str, Attribute)]) {
        let attributes: BTreeMap<_, _> =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.graph.nodes.push(Node {
            name: name.to_owned(),
            op: op.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|input| (*input).to_owned()).collect(),
            outputs: outputs.iter().map(|output| (*output).clone()).collect(),
            attributes,
        });
    }
}

fn with_weight(mut product: Node, weight: String) -> Node {
    product.inputs[1] = weight;
    product
}
