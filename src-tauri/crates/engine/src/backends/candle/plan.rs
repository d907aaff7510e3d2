//! A graph laid out for running: kernels in order, constants computed once, and for each step what is no longer needed
//! after it.

use super::{
    branches, fuse, operators,
    operators::{Inputs, Kernel},
    value,
};
use candle_core::{DType, Device, Result, Tensor};
use models::{Element, Graph, Node};
use std::{collections::HashMap, fmt};

pub(super) struct Plan {
    steps: Vec<Step>,
    constants: Vec<Tensor>,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    slots: usize,
    device: Device,
}

/// Where a step finds a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Constant(usize),
    Slot(usize),
}

struct Step {
    node: String,
    op: String,
    kernel: Kernel,
    inputs: Vec<Option<Source>>,
    /// Slots of the outputs; none where nothing reads one.
    outputs: Vec<Option<usize>>,
    /// Slots whose last reader this is.
    spent: Vec<usize>,
}

struct Input {
    name: String,
    slot: usize,
}

struct Output {
    name: String,
    element: Element,
    source: Source,
}

/// Folded constants above this many numbers would cost more memory than the time they save.
const LARGEST_FOLDED: usize = 1 << 24;

#[derive(Debug, thiserror::Error)]
pub(super) enum PlanError {
    #[error("it does not have {}", .0.join(", "))]
    Operators(Vec<String>),
    #[error("the weights of {0} are missing")]
    Weights(String),
    #[error("the value {0} is used but nothing makes it")]
    Unmade(String),
    #[error("the constant node {node} ({op}) failed: {source}")]
    Constant { node: String, op: String, source: Box<candle_core::Error> },
    #[error("the weights {name} cannot be laid out: {source}")]
    Layout { name: String, source: Box<candle_core::Error> },
}

impl Plan {
    /// Every operator of the graph that has no kernel, in one answer.
    pub fn check(graph: &Graph) -> std::result::Result<(), PlanError> {
        let mut lacking: Vec<String> = Vec::new();
        for node in fuse::fused(&branches::opened(graph)) {
            let reasons = match branches::check(&node, graph) {
                Some(Err(PlanError::Operators(reasons))) => reasons,
                Some(told) => {
                    told?;
                    Vec::new()
                }
                None => operators::check(&node, graph).err().into_iter().collect(),
            };
            for reason in reasons {
                if !lacking.contains(&reason) {
                    lacking.push(reason);
                }
            }
        }
        if lacking.is_empty() { Ok(()) } else { Err(PlanError::Operators(lacking)) }
    }

    /// Lays the graph out on a device. Weights are copied there from their file, each once.
    pub fn new(graph: &Graph, device: &Device) -> std::result::Result<Self, PlanError> {
        let graph = &*branches::opened(graph);
        let mut draft = Draft { graph, device, sources: HashMap::new(), constants: Vec::new(), slots: 0 };
        let inputs = draft.inputs();
        let mut steps = Vec::new();
        for node in fuse::fused(graph) {
            steps.extend(draft.step(&node)?);
        }
        let outputs = graph
            .outputs
            .iter()
            .map(|output| {
                let source = draft.source(&output.name)?;
                Ok(Output { name: output.name.clone(), element: output.element, source })
            })
            .collect::<std::result::Result<Vec<_>, PlanError>>()?;
        mark_spent(&mut steps, &outputs);
        let (constants, slots) = (draft.constants, draft.slots);
        let mut plan = Self { steps, constants: Vec::new(), inputs, outputs, slots, device: device.clone() };
        plan.keep_used(constants);
        Ok(plan)
    }

    /// Drops the constants that only other constants were made from.
    fn keep_used(&mut self, constants: Vec<Tensor>) {
        let mut places: HashMap<usize, usize> = HashMap::new();
        let kept = &mut self.constants;
        let mut keep = |source: &mut Source| {
            if let Source::Constant(index) = source {
                *index = *places.entry(*index).or_insert_with(|| {
                    kept.push(constants[*index].clone());
                    kept.len() - 1
                });
            }
        };
        self.steps.iter_mut().flat_map(|step| step.inputs.iter_mut().flatten()).for_each(&mut keep);
        self.outputs.iter_mut().map(|output| &mut output.source).for_each(&mut keep);
    }

    /// Tensors of one variant, in the order of the graph's inputs.
    pub fn feed(&self, tensors: &[models::Tensor]) -> Result<Vec<Tensor>> {
        self.inputs
            .iter()
            .map(|input| {
                let given = tensors.iter().find(|tensor| tensor.name == input.name);
                let given = given.ok_or_else(|| {
                    candle_core::Error::Msg(format!("no values were given for the input {}", input.name))
                })?;
                self.give(given)
            })
            .collect()
    }

    /// A tensor of the host's on the plan's device.
    pub fn give(&self, tensor: &models::Tensor) -> Result<Tensor> {
        value::tensor(tensor.element, &tensor.shape, &tensor.bytes, &self.device)
    }

    pub fn input_names(&self) -> Vec<String> {
        self.inputs.iter().map(|input| input.name.clone()).collect()
    }

    pub fn output_names(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.name.clone()).collect()
    }

    /// Runs the graph. `watch` sees each step's operator and the tensors it read and made.
    pub fn run(&self, feed: &[Tensor], mut watch: impl FnMut(&Seen)) -> std::result::Result<Vec<Tensor>, RunError> {
        let mut slots: Vec<Option<Tensor>> = vec![None; self.slots];
        for (input, tensor) in self.inputs.iter().zip(feed) {
            slots[input.slot] = Some(tensor.clone());
        }
        for step in &self.steps {
            let made = {
                let read: Vec<Option<&Tensor>> =
                    step.inputs.iter().map(|source| source.and_then(|source| self.at(source, &slots))).collect();
                let inputs = Inputs { tensors: &read, device: &self.device };
                let failed = |error| RunError { node: step.node.clone(), op: step.op.clone(), source: Box::new(error) };
                let made = (step.kernel)(&inputs).map_err(failed)?;
                watch(&Seen { op: &step.op, first: read.first().copied().flatten(), made: made.first() });
                made
            };
            for (slot, tensor) in step.outputs.iter().zip(made) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(tensor);
                }
            }
            for slot in &step.spent {
                slots[*slot] = None;
            }
        }
        self.outputs
            .iter()
            .map(|output| {
                let unmade = || candle_core::Error::Msg(format!("the output {} was not made", output.name));
                self.at(output.source, &slots).cloned().ok_or_else(|| RunError::of_output(&output.name, unmade()))
            })
            .collect()
    }

    fn at<'a>(&'a self, source: Source, slots: &'a [Option<Tensor>]) -> Option<&'a Tensor> {
        match source {
            Source::Constant(index) => self.constants.get(index),
            Source::Slot(slot) => slots[slot].as_ref(),
        }
    }

    /// Results as the model declares them, on the host.
    pub fn read(&self, results: &[Tensor]) -> Result<Vec<models::Tensor>> {
        let pairs = self.outputs.iter().zip(results);
        pairs.map(|(output, tensor)| value::read(&output.name, output.element, tensor)).collect()
    }

    /// One result by its output's name, on the host.
    pub fn take(&self, name: &str, result: &Tensor) -> Result<models::Tensor> {
        let output = self.outputs.iter().find(|output| output.name == name);
        let output = output.ok_or_else(|| candle_core::Error::Msg(format!("the graph has no output {name}")))?;
        value::read(name, output.element, result)
    }

    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// One step as it ran.
pub(super) struct Seen<'a> {
    pub op: &'a str,
    pub first: Option<&'a Tensor>,
    pub made: Option<&'a Tensor>,
}

#[derive(Debug)]
pub(super) struct RunError {
    node: String,
    op: String,
    source: Box<candle_core::Error>,
}

impl RunError {
    fn of_output(name: &str, source: candle_core::Error) -> Self {
        Self { node: name.to_owned(), op: "output".to_owned(), source: Box::new(source) }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.node, self.op, self.source)
    }
}

struct Draft<'a> {
    graph: &'a Graph,
    device: &'a Device,
    sources: HashMap<String, Source>,
    constants: Vec<Tensor>,
    slots: usize,
}

impl Draft<'_> {
    fn slot(&mut self, name: &str) -> usize {
        self.slots += 1;
        self.sources.insert(name.to_owned(), Source::Slot(self.slots - 1));
        self.slots - 1
    }

    fn constant(&mut self, name: &str, tensor: Tensor) -> Source {
        self.constants.push(tensor);
        let source = Source::Constant(self.constants.len() - 1);
        self.sources.insert(name.to_owned(), source);
        source
    }

    /// Inputs that have a weight as their default are constants.
    fn inputs(&mut self) -> Vec<Input> {
        let free: Vec<String> = self.graph.inputs.iter().map(|input| input.name.clone()).collect();
        let free = free.into_iter().filter(|name| self.graph.initializer(name).is_none());
        let free: Vec<String> = free.collect();
        free.into_iter().map(|name| Input { slot: self.slot(&name), name }).collect()
    }

    fn source(&mut self, name: &str) -> std::result::Result<Source, PlanError> {
        if let Some(source) = self.sources.get(name) {
            return Ok(*source);
        }
        let weight = self.graph.initializer(name).ok_or_else(|| PlanError::Unmade(name.to_owned()))?;
        let bytes = weight.bytes().ok_or_else(|| PlanError::Weights(name.to_owned()))?;
        // Shapes and indices are read on the host, so they stay there.
        let home = if weight.element.is_float() { self.device } else { &Device::Cpu };
        let tensor = value::tensor(weight.element, &weight.shape, bytes, home);
        let tensor = tensor.map_err(|error| PlanError::Layout { name: name.to_owned(), source: Box::new(error) })?;
        Ok(self.constant(name, tensor))
    }

    /// The step of a node; none where all it reads is constant, and it was run instead.
    fn step(&mut self, node: &Node) -> std::result::Result<Option<Step>, PlanError> {
        let opset = self.graph.opset;
        let kernel = match branches::kernel(node, opset, self.device)? {
            Some(kernel) => kernel,
            None => operators::kernel(node, opset).map_err(|reason| PlanError::Operators(vec![reason]))?,
        };
        let inputs = (0..node.inputs.len())
            .map(|index| node.input(index).map(|name| self.source(name)).transpose())
            .collect::<std::result::Result<Vec<_>, _>>()?;
        if inputs.iter().flatten().all(|source| matches!(source, Source::Constant(_)))
            && let Some(made) = self.folded(node, &kernel, &inputs)?
        {
            for (name, tensor) in node.outputs.iter().zip(made) {
                self.constant(name, tensor);
            }
            return Ok(None);
        }
        let outputs = node.outputs.iter().map(|name| (!name.is_empty()).then(|| self.slot(name))).collect();
        Ok(Some(Step { node: node.name.clone(), op: node.op.clone(), kernel, inputs, outputs, spent: Vec::new() }))
    }

    fn folded(
        &self,
        node: &Node,
        kernel: &Kernel,
        inputs: &[Option<Source>],
    ) -> std::result::Result<Option<Vec<Tensor>>, PlanError> {
        let read: Vec<Option<&Tensor>> = inputs
            .iter()
            .map(|source| match source {
                Some(Source::Constant(index)) => self.constants.get(*index),
                _ => None,
            })
            .collect();
        let made = kernel(&Inputs { tensors: &read, device: self.device });
        let failed =
            |error| PlanError::Constant { node: node.name.clone(), op: node.op.clone(), source: Box::new(error) };
        let made = made.map_err(failed)?;
        // Weights of integers are widened once, whatever their size: they take the place of f32 weights.
        let fits = |tensor: &Tensor| node.op == "DequantizeLinear" || tensor.elem_count() <= LARGEST_FOLDED;
        Ok(Some(made).filter(|made| made.iter().all(fits)))
    }
}

/// Notes for each step the slots that nothing after it reads, so that intermediate results are freed at once.
fn mark_spent(steps: &mut [Step], outputs: &[Output]) {
    let wanted: Vec<Source> = outputs.iter().map(|output| output.source).collect();
    let mut last: HashMap<usize, usize> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let read = step.inputs.iter().flatten().filter_map(|source| match source {
            Source::Slot(slot) => Some(*slot),
            Source::Constant(_) => None,
        });
        last.extend(read.chain(step.outputs.iter().copied().flatten()).map(|slot| (slot, index)));
    }
    for (slot, index) in last {
        if !wanted.contains(&Source::Slot(slot)) {
            steps[index].spent.push(slot);
        }
    }
}

/// The number format of most of the matrix work, by the sizes of what it made; of the largest results where there is
/// no such work.
#[derive(Default)]
pub(super) struct Formats {
    products: HashMap<Work, usize>,
    others: HashMap<Work, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Work {
    /// Of the tensors that are read.
    pub format: DType,
    /// Whether it is a convolution over one or two dimensions, which on the processor is our own kernel's, in f32.
    pub convolves: bool,
}

impl Formats {
    pub fn see(&mut self, seen: &Seen) {
        let (Some(first), Some(made)) = (seen.first, seen.made) else { return };
        if !first.dtype().is_float() {
            return;
        }
        let is_product = matches!(seen.op, "MatMul" | "Gemm" | "Conv" | "ConvTranspose");
        let group = if is_product { &mut self.products } else { &mut self.others };
        let work = Work { format: first.dtype(), convolves: seen.op == "Conv" && first.rank() <= 4 };
        *group.entry(work).or_default() += made.elem_count();
    }

    pub fn most(&self) -> Option<Work> {
        let group = if self.products.is_empty() { &self.others } else { &self.products };
        group.iter().max_by_key(|(_, size)| **size).map(|(work, _)| *work)
    }
}
