//! A product with a weight matrix, in the operators of its scheme.

use super::{BLOCK, Ranges, Scheme, is_product, parts};
use crate::{Attribute, Content, Element, Graph, Initializer, ModelError, Node};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Writes nodes into the graph one after another; products with a chosen weight in another form.
pub struct Products<'a> {
    scheme: Scheme<'a>,
    chosen: &'a FxHashSet<String>,
    /// The values that parts are quantised with, by the names of the parts.
    wholes: FxHashMap<String, String>,
    graph: &'a mut Graph,
    /// Values that were quantised or widened already, by the names of what became of them.
    done: FxHashSet<String>,
}

impl<'a> Products<'a> {
    pub fn new(
        scheme: Scheme<'a>,
        chosen: &'a FxHashSet<String>,
        wholes: FxHashMap<String, String>,
        graph: &'a mut Graph,
    ) -> Self {
        Self { scheme, chosen, wholes, graph, done: FxHashSet::default() }
    }

    pub fn add(&mut self, node: Node) -> Result<(), ModelError> {
        if node.outputs.first().is_some_and(|part| self.wholes.contains_key(part)) {
            return self.cut(node);
        }
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

    /// Cuts the integers of a value where the node cuts the value.
    fn cut(&mut self, mut split: Node) -> Result<(), ModelError> {
        let whole = split.inputs[0].clone();
        match self.scheme {
            Scheme::Static(ranges) => self.quantised_by(ranges, &whole)?,
            _ => self.quantised(&whole),
        }
        split.inputs[0].push_str(":q");
        split.outputs.iter_mut().for_each(|part| part.push_str(":q"));
        self.graph.nodes.push(split);
        Ok(())
    }

    /// The value whose scale and zero point are those of this one: itself, but for a part.
    fn whole(&self, value: &str) -> String {
        self.wholes.get(value).map_or(value, String::as_str).to_owned()
    }

    /// x ≈ (q − z) · s, so x · W ≈ ((q − z) · Wq) · (s · Ws), the first product being of integers.
    fn dynamic(&mut self, product: &Node) {
        let [activations, weight] = [&product.inputs[0], &product.inputs[1]];
        let whole = self.whole(activations);
        self.quantised(&whole);
        let integers = format!("{activations}:q");
        let [scale, zero] = ["scale", "zero"].map(|part| format!("{whole}:{part}"));
        let [weights, weight_scales] = parts(weight);
        let name = product.name.as_str();
        let [sums, wide, scales] = ["sums", "wide", "scale"].map(|part| format!("{name}:{part}"));
        self.push(name, "MatMulInteger", &[&integers, &weights, &zero], &[&sums], &[]);
        let to_f32 = [("to", Attribute::Int(Element::F32.onnx_code().into()))];
        self.push(&format!("{name}:Cast"), "Cast", &[&sums], &[&wide], &to_f32);
        self.push(&format!("{name}:scales"), "Mul", &[&scale, &weight_scales], &[&scales], &[]);
        self.push(&format!("{name}:scaled"), "Mul", &[&wide, &scales], &[&product.outputs[0]], &[]);
    }

    /// A value in 256 steps of the range that it has in the call.
    fn quantised(&mut self, value: &str) {
        let [integers, scale, zero] = ["q", "scale", "zero"].map(|part| format!("{value}:{part}"));
        if self.done.insert(integers.clone()) {
            let outputs = [&integers, &scale, &zero];
            self.push(&format!("{value}:quantise"), "DynamicQuantizeLinear", &[value], &outputs, &[]);
        }
    }

    /// The weight as numbers again: engines fuse this into the product, or do it once when they load the graph.
    fn widened(&mut self, weight: &str, attributes: &[(&str, Attribute)]) -> String {
        let wide = format!("{weight}:wide");
        if self.done.insert(wide.clone()) {
            let [integers, scales] = parts(weight);
            self.push(&format!("{weight}:widen"), "DequantizeLinear", &[&integers, &scales], &[&wide], attributes);
        }
        wide
    }

    /// The activations rounded to the 256 steps of their range.
    fn rounded(&mut self, activations: &str, ranges: &Ranges) -> Result<String, ModelError> {
        let whole = self.whole(activations);
        self.quantised_by(ranges, &whole)?;
        let [integers, wide] = ["q", "wide"].map(|part| format!("{activations}:{part}"));
        if self.done.insert(wide.clone()) {
            let [scale, zero_point] = ["step", "zero"].map(|part| format!("{whole}:{part}"));
            let widen = format!("{activations}:widen");
            self.push(&widen, "DequantizeLinear", &[&integers, &scale, &zero_point], &[&wide], &[]);
        }
        Ok(wide)
    }

    /// A value in the 256 steps of its range.
    fn quantised_by(&mut self, ranges: &Ranges, value: &str) -> Result<(), ModelError> {
        let [integers, scale, zero_point] = ["q", "step", "zero"].map(|part| format!("{value}:{part}"));
        if !self.done.insert(integers.clone()) {
            return Ok(());
        }
        let (step, zero) = ranges.steps(value)?;
        self.scalar(&scale, Element::F32, step.to_le_bytes().to_vec());
        self.scalar(&zero_point, Element::U8, vec![zero]);
        let quantise = format!("{value}:quantise");
        self.push(&quantise, "QuantizeLinear", &[value, &scale, &zero_point], &[&integers], &[]);
        Ok(())
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
