//! Drawing a graph: operators as methods, weights under transformers' names.

use crate::{
    Attribute, Content, Dimension, Element, Filling, Graph, Initializer, Node, Value,
    blocks::Stored,
    graph::fixed,
    quantize::Packing,
    weights::{Fill, Part, Stack, Weight},
};
use contract::{Dim, DimRole, Experts};
use half::{bf16, f16};
use rustc_hash::FxHashMap;
use std::{collections::HashMap, fmt::Display, rc::Rc};

/// A value in the graph being drawn.
#[derive(Clone, Debug)]
pub struct Var {
    name: Rc<str>,
    element: Element,
}

/// A model as its architecture describes it: the graph, what its weights are called and how they begin, its free sizes.
pub struct Description {
    pub graph: Graph,
    /// One for each initializer whose content is described only.
    pub weights: Vec<Weight>,
    pub dims: Vec<Dim>,
    /// Weights that are written as integers with scales in place of their initializer.
    pub packed: HashMap<String, Packing>,
    /// In f16 and in bf16 the same nodes are drawn.
    pub halves_alike: bool,
    /// Those of its first layer that is a mixture.
    pub experts: Option<Experts>,
}

/// What is being drawn, whole.
pub struct Draft {
    graph: Graph,
    weights: Vec<Weight>,
    dims: Vec<Dim>,
    tokens: Option<[Dimension; 2]>,
    /// Element of weights and activations.
    float: Element,
    /// Standard deviation of random weight matrices.
    deviation: f32,
    /// Weights and constants that are there already, by what they hold.
    known: FxHashMap<String, Var>,
    /// How many nodes a name was given to.
    used: FxHashMap<String, usize>,
    /// What values are called as outputs, by the names they are drawn with.
    outputs: FxHashMap<Rc<str>, String>,
    halves_alike: bool,
    experts: Option<Experts>,
}

impl Draft {
    pub fn new(name: &str, float: Element) -> Self {
        Self {
            graph: Graph { name: name.to_owned(), opset: 17, ..Graph::default() },
            weights: Vec::new(),
            dims: Vec::new(),
            tokens: None,
            float,
            deviation: 0.02,
            known: FxHashMap::default(),
            used: FxHashMap::default(),
            outputs: FxHashMap::default(),
            halves_alike: true,
            experts: None,
        }
    }

    pub fn builder(&mut self) -> GraphBuilder<'_> {
        GraphBuilder { draft: self, scope: String::new() }
    }

    pub fn finish(mut self) -> Description {
        let values = self.graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain(&mut node.outputs));
        for value in values {
            if let Some(output) = self.outputs.get(value.as_str()) {
                value.clone_from(output);
            }
        }
        self.graph.equal_shares = self.experts.is_some();
        let Self { graph, weights, dims, halves_alike, experts, .. } = self;
        Description { graph, weights, dims, packed: HashMap::new(), halves_alike, experts }
    }
}

/// A pen over the draft at one place of the model's module tree.
pub struct GraphBuilder<'a> {
    draft: &'a mut Draft,
    /// `encoder.layer.0`, or empty at the root.
    scope: String,
}

impl GraphBuilder<'_> {
    /// The same draft one module deeper: `b.at("encoder.layer").at(0)`. An empty name stays where it is.
    pub fn at(&mut self, module: impl Display) -> GraphBuilder<'_> {
        let scope = self.inside(module);
        GraphBuilder { draft: self.draft, scope }
    }

    fn inside(&self, name: impl Display) -> String {
        let name = name.to_string();
        match (self.scope.is_empty(), name.is_empty()) {
            (true, _) => name,
            (false, true) => self.scope.clone(),
            (false, false) => format!("{}.{name}", self.scope),
        }
    }

    /// Sets the standard deviation that random weight matrices get from here on.
    pub fn deviation(&mut self, deviation: f64) {
        self.draft.deviation = deviation as f32;
    }

    /// Element of weights and activations.
    pub fn float(&self) -> Element {
        self.draft.float
    }

    // Inputs, outputs, sizes

    /// Declares a free size and gives it for use in input shapes.
    pub fn free(&mut self, name: &str, role: DimRole, question: &str, default: u32, max: Option<u32>) -> Dimension {
        let default = max.map_or(default, |max| default.min(max));
        let (name, question) = (name.to_owned(), question.to_owned());
        let dimension = Dimension::Free(name.clone());
        self.draft.dims.push(Dim { name, role, question, default, max, per_second: None, frames: false });
        dimension
    }

    /// The same for samples of sound, of which so many make a second.
    pub fn free_samples(&mut self, name: &str, question: &str, default: u32, per_second: u32) -> Dimension {
        let dimension = self.free(name, DimRole::Sound, question, default, None);
        self.draft.dims.last_mut().expect("pushed by the line above").per_second = Some(per_second);
        dimension
    }

    /// The same for frames of a spectrogram, so many steps a second, of which there is one more than steps.
    pub fn free_frames(
        &mut self,
        name: &str,
        question: &str,
        default: u32,
        max: Option<u32>,
        per_second: u32,
    ) -> Dimension {
        let dimension = self.free(name, DimRole::Sound, question, default, max);
        let dim = self.draft.dims.last_mut().expect("pushed by the line above");
        (dim.per_second, dim.frames) = (Some(per_second), true);
        dimension
    }

    pub fn input(&mut self, name: &str, element: Element, shape: &[Dimension]) -> Var {
        self.draft.graph.inputs.push(Value { name: name.to_owned(), element, shape: shape.to_vec() });
        Var { name: name.into(), element }
    }

    /// Says how an input is filled that random numbers would make nonsense of.
    pub fn filling(&mut self, input: &str, filling: Filling) {
        self.draft.graph.fillings.insert(input.to_owned(), filling);
    }

    /// Makes a value an output; floating-point outputs leave as f32 whatever the weights are.
    pub fn output(&mut self, name: &str, value: &Var, shape: &[Dimension]) {
        let value = if value.element.is_float() { self.cast(value, Element::F32) } else { value.clone() };
        self.output_kept(name, &value, shape);
    }

    /// Makes a value an output in the element it has.
    pub fn output_kept(&mut self, name: &str, value: &Var, shape: &[Dimension]) {
        let Draft { graph, outputs, .. } = &mut *self.draft;
        let taken = graph.inputs.iter().any(|input| input.name == *value.name) || outputs.contains_key(&value.name);
        if taken {
            let copy = Node {
                name: format!("{name}/Identity"),
                op: "Identity".to_owned(),
                inputs: vec![value.name.to_string()],
                outputs: vec![name.to_owned()],
                ..Node::default()
            };
            graph.nodes.push(copy);
        } else {
            outputs.insert(value.name.clone(), name.to_owned());
        }
        graph.outputs.push(Value { name: name.to_owned(), element: value.element, shape: shape.to_vec() });
    }

    /// Sets the two sizes that sequences of vectors have from here on: how many, and how long.
    pub fn tokens(&mut self, batch: &Dimension, length: &Dimension) {
        self.draft.tokens = Some([batch.clone(), length.clone()]);
    }

    /// Notes that a value is `[batch, length, width]`. Engines do not see through computed sizes; where they know the shape,
    /// they fuse what comes after.
    pub fn hint(&mut self, value: &Var, width: usize) {
        if let Some([batch, length]) = self.draft.tokens.clone() {
            self.note(value, vec![batch, length, fixed(width)]);
        }
    }

    /// Notes that a value is `[batch, heads, length, width]`.
    pub fn hint_heads(&mut self, value: &Var, heads: usize, width: usize) {
        if let Some([batch, length]) = self.draft.tokens.clone() {
            self.note(value, vec![batch, fixed(heads), length, fixed(width)]);
        }
    }

    fn note(&mut self, value: &Var, shape: Vec<Dimension>) {
        self.draft.graph.hints.push(Value { name: value.name.to_string(), element: value.element, shape });
    }

    // Weights and constants

    /// A weight as the checkpoint has it.
    pub fn weight(&mut self, name: &str, shape: &[usize], fill: Fill) -> Var {
        self.any_weight(name, shape, fill, false, Part::Parameter)
    }

    /// State that a checkpoint has and training did not learn by its gradient, such as a norm's running mean: no parameter.
    pub fn buffer(&mut self, name: &str, shape: &[usize], fill: Fill) -> Var {
        self.any_weight(name, shape, fill, false, Part::Buffer)
    }

    /// A parameter that a checkpoint has and this graph has no use for, such as one that only training reads.
    pub fn unread(&mut self, name: &str, shape: &[usize]) {
        let (name, shape) = (self.inside(name), shape.to_vec());
        let (initializer, transposed, fill, deviation) = (name.clone(), false, Fill::Ones, 0.0);
        let (part, stack) = (Part::Unread, None);
        self.draft.weights.push(Weight { name, initializer, shape, transposed, fill, deviation, part, stack });
    }

    /// Draws what belongs to the model and has no part in its outputs: its weights count as unread, its nodes are dropped.
    pub fn undrawn(&mut self, draw: impl FnOnce(&mut GraphBuilder)) {
        let (nodes, hints) = (self.draft.graph.nodes.len(), self.draft.graph.hints.len());
        let (weights, used) = (self.draft.weights.len(), self.draft.used.clone());
        let experts = self.draft.experts;
        draw(self);
        self.draft.graph.nodes.truncate(nodes);
        self.draft.graph.hints.truncate(hints);
        self.draft.experts = experts;
        self.draft.used = used;
        for weight in &mut self.draft.weights[weights..] {
            weight.part = Part::Unread;
            self.draft.known.remove(&weight.initializer);
            self.draft.graph.initializers.retain(|known| known.name != weight.initializer);
        }
    }

    /// Notes that rows are shared among the experts of a layer, so many, of which a token goes through so many.
    pub fn mixture(&mut self, count: usize, chosen: usize) {
        self.draft.experts.get_or_insert(Experts { count: count as u32, chosen: chosen as u32 });
    }

    /// The weight of a linear layer: `[out, in]` in the checkpoint, `[in, out]` in the graph, as a product wants it.
    pub fn linear_weight(&mut self, name: &str, inputs: usize, outputs: usize) -> Var {
        self.any_weight(name, &[outputs, inputs], Fill::Matrix, true, Part::Parameter)
    }

    /// The same of a matrix that lies in one tensor with others, by its place in it and their count.
    pub fn stacked_weight(
        &mut self,
        tensor: &str,
        [place, count]: [usize; 2],
        [inputs, outputs]: [usize; 2],
        stored: Stored,
    ) -> Var {
        let var = stored.weight(self, &format!("{tensor}.{place}"), inputs, outputs);
        self.mark_stacked(tensor, place, count);
        var
    }

    /// A vector that lies in one tensor `[count, width]` with others.
    pub fn stacked_bias(&mut self, tensor: &str, [place, count]: [usize; 2], width: usize) -> Var {
        let var = self.weight(&format!("{tensor}.{place}"), &[width], Fill::Bias);
        self.mark_stacked(tensor, place, count);
        var
    }

    fn mark_stacked(&mut self, tensor: &str, place: usize, count: usize) {
        let tensor = self.inside(tensor);
        let name = format!("{tensor}.{place}");
        if let Some(weight) = self.draft.weights.last_mut().filter(|weight| weight.name == name) {
            weight.stack = Some(Stack { tensor, place, count });
        }
    }

    fn any_weight(&mut self, name: &str, shape: &[usize], fill: Fill, transposed: bool, part: Part) -> Var {
        let name = self.inside(name);
        // The same module used twice shares its weight.
        let initializer = if transposed { format!("{name}.T") } else { name.clone() };
        if let Some(known) = self.draft.known.get(&initializer) {
            return known.clone();
        }
        let deviation = match fill {
            Fill::Matrix => self.draft.deviation,
            Fill::Bias => self.draft.deviation.min(0.02),
            Fill::Ones => 0.0,
        };
        let stored = if transposed { shape.iter().rev().copied().collect() } else { shape.to_vec() };
        self.draft.weights.push(Weight {
            name,
            initializer: initializer.clone(),
            shape: shape.to_vec(),
            transposed,
            fill,
            deviation,
            part,
            stack: None,
        });
        let element = self.draft.float;
        self.initializer(initializer, element, stored, Content::Described)
    }

    fn initializer(&mut self, name: String, element: Element, shape: Vec<usize>, content: Content) -> Var {
        let var = Var { name: name.as_str().into(), element };
        self.draft.known.insert(name.clone(), var.clone());
        self.draft.graph.initializers.push(Initializer { name, element, shape, content });
        var
    }

    /// What the graph itself brings along, once for each name.
    fn constant(&mut self, name: String, element: Element, shape: &[usize], bytes: impl FnOnce() -> Vec<u8>) -> Var {
        match self.draft.known.get(&name) {
            Some(known) => known.clone(),
            None => self.initializer(name, element, shape.to_vec(), Content::Ready(bytes().into())),
        }
    }

    /// Whole numbers as a vector: a shape, axes.
    pub fn ints(&mut self, values: &[i64]) -> Var {
        self.constant(format!("int64{values:?}"), Element::I64, &[values.len()], || whole(values))
    }

    /// One whole number without dimensions: an index.
    pub fn int(&mut self, value: i64) -> Var {
        self.constant(format!("int64({value})"), Element::I64, &[], || whole(&[value]))
    }

    /// One number in the element of weights and activations.
    pub fn scalar(&mut self, value: f64) -> Var {
        self.scalar_as(self.draft.float, value)
    }

    pub fn scalar_as(&mut self, element: Element, value: f64) -> Var {
        self.constant(format!("{element}({value:e})"), element, &[], || floats(element, &[value]))
    }

    /// Numbers in f32 that are part of the architecture, not of the checkpoint.
    pub fn table(&mut self, name: &str, shape: &[usize], values: &[f64]) -> Var {
        self.constant(self.inside(name), Element::F32, shape, || floats(Element::F32, values))
    }

    /// Whole numbers that are part of the architecture: which row of a table belongs where.
    pub fn index_table(&mut self, name: &str, shape: &[usize], values: &[i64]) -> Var {
        self.constant(self.inside(name), Element::I64, shape, || whole(values))
    }

    // Operators

    /// A node with one output of the given element.
    pub fn node(&mut self, op: &str, inputs: &[&Var], element: Element, attributes: &[(&str, Attribute)]) -> Var {
        let mut vars = self.nodes(op, inputs, 1, element, attributes);
        vars.pop().expect("one output was asked for")
    }

    fn nodes(
        &mut self,
        op: &str,
        inputs: &[&Var],
        outputs: usize,
        element: Element,
        attributes: &[(&str, Attribute)],
    ) -> Vec<Var> {
        let base = if self.scope.is_empty() { op.to_owned() } else { format!("{}/{op}", self.scope) };
        let count = self.draft.used.entry(base.clone()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { base } else { format!("{base}_{count}") };
        let output = |index: usize| if outputs == 1 { format!("{name}:out") } else { format!("{name}:out{index}") };
        let vars: Vec<Var> = (0..outputs).map(|index| Var { name: output(index).as_str().into(), element }).collect();
        self.draft.graph.nodes.push(Node {
            name,
            op: op.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|input| input.name.to_string()).collect(),
            outputs: vars.iter().map(|var| var.name.to_string()).collect(),
            attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        });
        vars
    }

    /// An operator without attributes whose output has its first input's element.
    fn plain(&mut self, op: &str, inputs: &[&Var]) -> Var {
        self.node(op, inputs, inputs[0].element, &[])
    }

    pub fn add(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Add", &[a, b])
    }

    pub fn sub(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Sub", &[a, b])
    }

    pub fn mul(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Mul", &[a, b])
    }

    pub fn div(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Div", &[a, b])
    }

    pub fn matmul(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("MatMul", &[a, b])
    }

    /// `a · bᵀ` of two matrices.
    pub fn matmul_transposed(&mut self, a: &Var, b: &Var) -> Var {
        self.node("Gemm", &[a, b], a.element, &[("transB", Attribute::Int(1))])
    }

    /// An operator of one input: `Tanh`, `Erf`, `Sqrt`, `Cos`, …
    pub fn unary(&mut self, op: &str, value: &Var) -> Var {
        self.plain(op, &[value])
    }

    pub fn pow(&mut self, value: &Var, exponent: &Var) -> Var {
        self.plain("Pow", &[value, exponent])
    }

    /// Mean over the last axis, which stays as 1.
    pub fn mean_last(&mut self, value: &Var) -> Var {
        self.mean(value, &[-1], true)
    }

    /// Mean over some axes, which stay as 1 or go.
    pub fn mean(&mut self, value: &Var, axes: &[i64], keep: bool) -> Var {
        self.reduce("ReduceMean", value, axes, keep)
    }

    /// The root of the sum of squares over some axes, which stay as 1.
    pub fn length(&mut self, value: &Var, axes: &[i64]) -> Var {
        self.reduce("ReduceL2", value, axes, true)
    }

    /// The largest number over the last axis, which stays as 1.
    pub fn largest_last(&mut self, value: &Var) -> Var {
        self.reduce("ReduceMax", value, &[-1], true)
    }

    /// The smallest number over the last axis, which stays as 1.
    pub fn smallest_last(&mut self, value: &Var) -> Var {
        self.reduce("ReduceMin", value, &[-1], true)
    }

    fn reduce(&mut self, op: &str, value: &Var, axes: &[i64], keep: bool) -> Var {
        let attributes = [("axes", Attribute::Ints(axes.to_vec())), ("keepdims", Attribute::Int(keep.into()))];
        self.node(op, &[value], value.element, &attributes)
    }

    /// Sum over the last axis, which stays as 1.
    pub fn sum_last(&mut self, value: &Var) -> Var {
        let axes = self.ints(&[-1]);
        self.node("ReduceSum", &[value, &axes], value.element, &[("keepdims", Attribute::Int(1))])
    }

    /// Sum over an axis, which goes.
    pub fn sum(&mut self, value: &Var, axis: i64) -> Var {
        let axes = self.ints(&[axis]);
        self.node("ReduceSum", &[value, &axes], value.element, &[("keepdims", Attribute::Int(0))])
    }

    pub fn softmax_last(&mut self, value: &Var) -> Var {
        self.node("Softmax", &[value], value.element, &[("axis", Attribute::Int(-1))])
    }

    pub fn cast(&mut self, value: &Var, element: Element) -> Var {
        if value.element == element {
            return value.clone();
        }
        self.node("Cast", &[value], element, &[("to", Attribute::Int(element.onnx_code().into()))])
    }

    /// To the element of weights and activations.
    pub fn cast_float(&mut self, value: &Var) -> Var {
        self.cast(value, self.draft.float)
    }

    /// 0 keeps a dimension, −1 takes what is left.
    pub fn reshape(&mut self, value: &Var, shape: &[i64]) -> Var {
        let shape = self.ints(shape);
        self.reshape_to(value, &shape)
    }

    pub fn reshape_to(&mut self, value: &Var, shape: &Var) -> Var {
        self.plain("Reshape", &[value, shape])
    }

    pub fn transpose(&mut self, value: &Var, order: &[i64]) -> Var {
        self.node("Transpose", &[value], value.element, &[("perm", Attribute::Ints(order.to_vec()))])
    }

    pub fn unsqueeze(&mut self, value: &Var, axis: i64) -> Var {
        let axes = self.ints(&[axis]);
        self.plain("Unsqueeze", &[value, &axes])
    }

    pub fn squeeze(&mut self, value: &Var, axis: i64) -> Var {
        let axes = self.ints(&[axis]);
        self.plain("Squeeze", &[value, &axes])
    }

    pub fn concat(&mut self, values: &[&Var], axis: i64) -> Var {
        self.node("Concat", values, values[0].element, &[("axis", Attribute::Int(axis))])
    }

    /// Parts of the given sizes along an axis.
    pub fn split(&mut self, value: &Var, sizes: &[usize], axis: i64) -> Vec<Var> {
        let lengths: Vec<i64> = sizes.iter().map(|size| *size as i64).collect();
        let lengths = self.ints(&lengths);
        self.split_by(value, &lengths, sizes.len(), axis)
    }

    /// The same at sizes that were computed, a vector of as many as there are parts; a part may be empty.
    pub fn split_by(&mut self, value: &Var, sizes: &Var, parts: usize, axis: i64) -> Vec<Var> {
        self.nodes("Split", &[value, sizes], parts, value.element, &[("axis", Attribute::Int(axis))])
    }

    /// The rows `indices` of a table, or what lies at them along another axis.
    pub fn gather(&mut self, table: &Var, indices: &Var, axis: i64) -> Var {
        self.node("Gather", &[table, indices], table.element, &[("axis", Attribute::Int(axis))])
    }

    /// What lies at a place of its own along an axis for each place of the result; both values have the same axes.
    pub fn gather_elements(&mut self, value: &Var, places: &Var, axis: i64) -> Var {
        self.node("GatherElements", &[value, places], value.element, &[("axis", Attribute::Int(axis))])
    }

    /// The value with other numbers at these places of the last axis.
    pub fn put_elements(&mut self, value: &Var, places: &Var, numbers: &Var) -> Var {
        self.node("ScatterElements", &[value, places, numbers], value.element, &[("axis", Attribute::Int(-1))])
    }

    /// The largest numbers along the last axis, from the largest down, and their places.
    pub fn largest(&mut self, value: &Var, count: usize) -> (Var, Var) {
        let count = self.ints(&[count as i64]);
        let mut both = self.nodes("TopK", &[value, &count], 2, value.element, &[("axis", Attribute::Int(-1))]);
        let places = both.pop().expect("two outputs were asked for");
        (both.remove(0), Var { element: Element::I64, ..places })
    }

    /// The first `count` rows, `count` being a vector of one number.
    pub fn first_rows(&mut self, table: &Var, count: &Var) -> Var {
        let (start, axis) = (self.ints(&[0]), self.ints(&[0]));
        self.plain("Slice", &[table, &start, count, &axis])
    }

    /// What lies from `start` to before `end` along an axis; negative places count from the end.
    pub fn slice(&mut self, value: &Var, [start, end]: [i64; 2], axis: i64) -> Var {
        let (start, end, axis) = (self.ints(&[start]), self.ints(&[end]), self.ints(&[axis]));
        self.plain("Slice", &[value, &start, &end, &axis])
    }

    /// The same between places that were computed, each a vector of one number.
    pub fn slice_between(&mut self, value: &Var, start: &Var, end: &Var, axis: i64) -> Var {
        let axis = self.ints(&[axis]);
        self.plain("Slice", &[value, start, end, &axis])
    }

    /// Every `step`-th place along an axis from `start` on.
    pub fn every(&mut self, value: &Var, start: i64, step: i64, axis: i64) -> Var {
        let (start, end) = (self.ints(&[start]), self.ints(&[i64::MAX]));
        let (axis, step) = (self.ints(&[axis]), self.ints(&[step]));
        self.plain("Slice", &[value, &start, &end, &axis, &step])
    }

    /// Zeros before each axis, then after each.
    pub fn pad(&mut self, value: &Var, pads: &[i64]) -> Var {
        let pads = self.ints(pads);
        self.plain("Pad", &[value, &pads])
    }

    pub fn expand(&mut self, value: &Var, shape: &Var) -> Var {
        self.plain("Expand", &[value, shape])
    }

    /// All dimensions of a value as a vector.
    pub fn shape_of(&mut self, value: &Var) -> Var {
        self.node("Shape", &[value], Element::I64, &[])
    }

    /// One dimension of a value as a vector of one number.
    pub fn size_of(&mut self, value: &Var, axis: i64) -> Var {
        let attributes = [("start", Attribute::Int(axis)), ("end", Attribute::Int(axis + 1))];
        self.node("Shape", &[value], Element::I64, &attributes)
    }

    /// 0, 1, 2, … up to a count, which is a vector of one number.
    pub fn count_up(&mut self, count: &Var) -> Var {
        let (start, end) = (self.int(0), self.squeeze(count, 0));
        self.range(&start, &end)
    }

    /// Every whole number from `start` up to but not including `end`, both without dimensions.
    pub fn range(&mut self, start: &Var, end: &Var) -> Var {
        let step = self.int(1);
        self.plain("Range", &[start, end, &step])
    }

    pub fn cumulative_sum(&mut self, value: &Var, axis: i64) -> Var {
        let axis = self.int(axis);
        self.plain("CumSum", &[value, &axis])
    }

    /// At each place the sum of what lies before it along an axis.
    pub fn sum_before(&mut self, value: &Var, axis: i64) -> Var {
        let axis = self.int(axis);
        self.node("CumSum", &[value, &axis], value.element, &[("exclusive", Attribute::Int(1))])
    }

    /// The larger of two numbers.
    pub fn larger(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Max", &[a, b])
    }

    /// The smaller of two numbers.
    pub fn smaller(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("Min", &[a, b])
    }

    pub fn less_or_equal(&mut self, a: &Var, b: &Var) -> Var {
        self.node("LessOrEqual", &[a, b], Element::Bool, &[])
    }

    pub fn less(&mut self, a: &Var, b: &Var) -> Var {
        self.node("Less", &[a, b], Element::Bool, &[])
    }

    pub fn greater(&mut self, a: &Var, b: &Var) -> Var {
        self.node("Greater", &[a, b], Element::Bool, &[])
    }

    pub fn equal(&mut self, a: &Var, b: &Var) -> Var {
        self.node("Equal", &[a, b], Element::Bool, &[])
    }

    pub fn both(&mut self, a: &Var, b: &Var) -> Var {
        self.plain("And", &[a, b])
    }

    pub fn choose(&mut self, condition: &Var, yes: &Var, no: &Var) -> Var {
        self.node("Where", &[condition, yes, no], yes.element, &[])
    }

    /// Normalises the last axis. Its sums are kept in f32 whatever the element, as the operator's default says.
    pub fn layer_norm(&mut self, value: &Var, weight: &Var, bias: Option<&Var>, epsilon: f64) -> Var {
        let inputs: Vec<&Var> = [value, weight].into_iter().chain(bias).collect();
        let attributes = [("axis", Attribute::Int(-1)), ("epsilon", Attribute::Float(epsilon as f32))];
        self.node("LayerNormalization", &inputs, value.element, &attributes)
    }

    /// An operator on numbers that does not know bf16 before opset 22: in bf16 it is computed in f32.
    pub fn without_bf16(&mut self, op: &str, inputs: &[&Var], attributes: &[(&str, Attribute)]) -> Var {
        self.draft.halves_alike = false;
        let element = inputs[0].element;
        let known = if element == Element::Bf16 { Element::F32 } else { element };
        let wide = |input: &&Var| {
            if input.element == element && !input.name.is_empty() { self.cast(input, known) } else { (*input).clone() }
        };
        let wide: Vec<Var> = inputs.iter().map(wide).collect();
        let made = self.node(op, &wide.iter().collect::<Vec<_>>(), known, attributes);
        self.cast(&made, element)
    }
}

impl Var {
    pub fn element(&self) -> Element {
        self.element
    }

    /// An optional input that is left out, before others that are not.
    pub fn omitted(&self) -> Self {
        Self { name: "".into(), element: self.element }
    }
}

fn whole(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(element: Element, values: &[f64]) -> Vec<u8> {
    match element {
        Element::F16 => values.iter().flat_map(|value| f16::from_f64(*value).to_le_bytes()).collect(),
        Element::Bf16 => values.iter().flat_map(|value| bf16::from_f64(*value).to_le_bytes()).collect(),
        Element::F64 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
    }
}
