//! Recurrent layers, step by step.

use super::{Builder, Inputs, Kernel, bail, int_or};
use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use models::Node;
use std::ops::Range;

pub(super) fn builder(op: &str) -> Option<Builder> {
    Some(match op {
        "LSTM" => |node, _| recurrent(node, Cell::Lstm),
        "GRU" => |node, _| {
            let cell = Cell::Gru { reset_after: int_or(node, "linear_before_reset", 0) == 1 };
            recurrent(node, cell)
        },
        _ => return None,
    })
}

#[derive(Clone, Copy)]
enum Cell {
    Lstm,
    /// Whether the product with the state is made before the reset gate.
    Gru {
        reset_after: bool,
    },
}

impl Cell {
    /// The activations of a direction that the cell is written with, in lower case.
    fn activations(self) -> &'static [&'static str] {
        match self {
            Self::Lstm => &["sigmoid", "tanh", "tanh"],
            Self::Gru { .. } => &["sigmoid", "tanh"],
        }
    }
}

fn recurrent(node: &Node, cell: Cell) -> std::result::Result<Kernel, String> {
    let directions: &[bool] = match node.text("direction").unwrap_or("forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => return Err(format!("the direction {other}")),
    };
    let asked: Vec<String> = match node.attributes.get("activations") {
        Some(models::Attribute::Texts(texts)) => texts.iter().map(|text| text.to_lowercase()).collect(),
        _ => Vec::new(),
    };
    if !asked.is_empty() && asked != cell.activations().repeat(directions.len()) {
        return Err(format!("the activations {}", asked.join(", ")));
    }
    if node.attributes.contains_key("clip") || int_or(node, "input_forget", 0) != 0 {
        return Err("clipped or coupled gates".to_owned());
    }
    let batch_first = int_or(node, "layout", 0) == 1;
    Ok(Box::new(move |x| layer(x, cell, directions, batch_first)))
}

/// Outputs as ONNX defines them: Y [length, directions, batch, width], the last states [directions, batch, width] and,
/// of an LSTM, the last cells; with the batch first where the layout says so.
fn layer(x: &Inputs, cell: Cell, directions: &[bool], batch_first: bool) -> Result<Vec<Tensor>> {
    let value = if batch_first { x.get(0)?.transpose(0, 1)?.contiguous()? } else { x.get(0)?.contiguous()? };
    let (length, batch, _) = value.dims3()?;
    if x.optional(4).is_some() && x.ints(4)?.iter().any(|own| *own != length as i64) {
        return bail("sequences of different lengths in one batch");
    }
    if x.optional(7).is_some() {
        return bail("peepholes");
    }
    let width = x.get(2)?.dim(2)?;
    let start = |index: usize, direction: usize| match x.optional(index) {
        Some(given) if batch_first => given.narrow(1, direction, 1)?.squeeze(1)?.contiguous(),
        Some(given) => given.get(direction),
        None => Tensor::zeros((batch, width), value.dtype(), value.device()),
    };
    let (mut all, mut states, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for (direction, backwards) in directions.iter().enumerate() {
        let weights = Weights::of(x, direction)?;
        let read = weights.read(&value)?;
        let mut state = State { hidden: start(5, direction)?, cell: start(6, direction)? };
        let mut steps = Vec::with_capacity(length);
        for step in 0..length {
            let place = if *backwards { length - 1 - step } else { step };
            state = match cell {
                Cell::Lstm => weights.lstm(&read.get(place)?, &state)?,
                Cell::Gru { reset_after } => weights.gru(&read.get(place)?, &state, reset_after)?,
            };
            steps.push(state.hidden.clone());
        }
        if *backwards {
            steps.reverse();
        }
        all.push(Tensor::stack(&steps, 0)?);
        states.push(state.hidden);
        cells.push(state.cell);
    }
    let all = Tensor::stack(&all, 1)?;
    let all = if batch_first { all.permute((2, 0, 1, 3))?.contiguous()? } else { all };
    let last = |of: &[Tensor]| Tensor::stack(of, usize::from(batch_first));
    Ok(match cell {
        Cell::Lstm => vec![all, last(&states)?, last(&cells)?],
        Cell::Gru { .. } => vec![all, last(&states)?],
    })
}

struct State {
    /// [batch, width]
    hidden: Tensor,
    /// [batch, width]; of a GRU, unused.
    cell: Tensor,
}

/// Of one direction, the gates side by side.
struct Weights {
    /// [input, gates · width]
    input: Tensor,
    /// [gates · width, width]
    hidden: Tensor,
    /// [gates · width] each, of the input and of the state.
    biases: Option<(Tensor, Tensor)>,
    width: usize,
}

impl Weights {
    fn of(x: &Inputs, direction: usize) -> Result<Self> {
        let hidden = x.get(2)?.get(direction)?;
        let (gates, width) = hidden.dims2()?;
        let biases = match x.optional(3) {
            Some(both) => {
                let both = both.get(direction)?;
                Some((both.narrow(0, 0, gates)?, both.narrow(0, gates, gates)?))
            }
            None => None,
        };
        Ok(Self { input: x.get(1)?.get(direction)?.t()?, hidden, biases, width })
    }

    /// What all steps bring to the gates, in one product: [length, batch, gates · width].
    fn read(&self, value: &Tensor) -> Result<Tensor> {
        let (length, batch, input) = value.dims3()?;
        let made = value.reshape((length * batch, input))?.matmul(&self.input)?;
        let made = match &self.biases {
            Some((bias, _)) => made.broadcast_add(bias)?,
            None => made,
        };
        made.reshape((length, batch, ()))
    }

    /// What a state brings to some of the gates.
    fn of_state(&self, hidden: &Tensor, gates: Range<usize>) -> Result<Tensor> {
        let (start, length) = (gates.start * self.width, gates.len() * self.width);
        let made = hidden.matmul(&self.hidden.narrow(0, start, length)?.t()?)?;
        match &self.biases {
            Some((_, bias)) => made.broadcast_add(&bias.narrow(0, start, length)?),
            None => Ok(made),
        }
    }

    fn gate(&self, gates: &Tensor, index: usize) -> Result<Tensor> {
        gates.narrow(1, index * self.width, self.width)?.contiguous()
    }

    /// Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; gates in ONNX's order: input, output,
    /// forget, cell.
    fn lstm(&self, read: &Tensor, before: &State) -> Result<State> {
        let gates = (read + self.of_state(&before.hidden, 0..4)?)?;
        let gate = |index: usize| self.gate(&gates, index);
        let (input, output, forget) = (sigmoid(&gate(0)?)?, sigmoid(&gate(1)?)?, sigmoid(&gate(2)?)?);
        let cell = ((forget * &before.cell)? + (input * gate(3)?.tanh()?)?)?;
        Ok(State { hidden: (output * cell.tanh()?)?, cell })
    }

    /// Cho et al. 2014; gates in ONNX's order: update, reset, hidden.
    fn gru(&self, read: &Tensor, before: &State, reset_after: bool) -> Result<State> {
        // A gate that acts before the product leaves the last part of it to the state that it lets through.
        let of_state = self.of_state(&before.hidden, 0..if reset_after { 3 } else { 2 })?;
        let both = |index: usize| self.gate(read, index)? + self.gate(&of_state, index)?;
        let (update, reset) = (sigmoid(&both(0)?)?, sigmoid(&both(1)?)?);
        let from_state = if reset_after {
            (reset * self.gate(&of_state, 2)?)?
        } else {
            self.of_state(&(reset * &before.hidden)?, 2..3)?
        };
        let fresh = (self.gate(read, 2)? + from_state)?.tanh()?;
        let hidden = ((&update * &before.hidden)? + (update.affine(-1.0, 1.0)? * fresh)?)?;
        Ok(State { hidden, cell: before.cell.clone() })
    }
}
