//! Mixture of experts: for each token a router chooses which few of many networks it goes through.
//!
//! An expert computes the tokens that chose it and no others. Which these are is known only when they are there: so rows of
//! tokens are put in the order of their experts and cut between them at places that the graph counts. Only the products are
//! made expert by expert; an expert that nobody chose multiplies no rows, and reads no weights.

use super::{Activation, GATED, Stored, gated_feed_forward, gated_halves, gated_together, linear};
use crate::{
    Element,
    builder::{GraphBuilder, Var},
    weights::Fill,
};

/// The networks of one layer, and how a token finds its own.
#[derive(Clone, Copy, Debug)]
pub struct Experts {
    pub count: usize,
    /// How many of them each token goes through.
    pub chosen: usize,
    pub inner: usize,
    pub activation: Activation,
    pub router: Router,
    pub matrices: Matrices,
    pub shared: Option<Shared>,
}

/// How a token's experts are scored, chosen and weighed.
#[derive(Clone, Copy, Debug)]
pub struct Router {
    /// Module of the product that scores the experts.
    pub module: &'static str,
    pub bias: bool,
    pub scores: Scores,
    pub correction: Option<Correction>,
    pub groups: Option<Groups>,
    /// The weights of the chosen are divided by their sum, which counts as at least this much.
    pub normal: Option<f64>,
    /// The weights are multiplied by it.
    pub factor: f64,
}

/// A number for each expert that counts in choosing and not in weighing, by its name.
#[derive(Clone, Copy, Debug)]
pub enum Correction {
    /// `[experts]`.
    Buffer(&'static str),
    /// `[1, experts]`.
    Parameter(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scores {
    Softmax,
    Sigmoid,
    /// One expert after the other, each weighed against those whose score is near its own: farther than `2 · jitter` of
    /// the larger of both does not count (Liu et al. 2023, arXiv 2310.00811).
    OneByOne {
        jitter: f64,
    },
}

/// Experts in groups of equal size, of which only the best are chosen from.
#[derive(Clone, Copy, Debug)]
pub struct Groups {
    pub count: usize,
    pub chosen: usize,
    /// A group is as good as so many of its best experts together.
    pub best: usize,
}

/// How a checkpoint has the matrices of the experts.
#[derive(Clone, Copy, Debug)]
pub enum Matrices {
    /// `experts.N` with modules of these names: gate, up and down.
    Apart([&'static str; 3]),
    /// Tensors of all experts: gate and up in one `[experts, 2 · inner, width]`, and down `[experts, width, inner]`; their
    /// last two axes are swapped where inputs come first.
    Stacked { tensors: [&'static str; 2], stored: Stored },
    /// Tensors of all experts with inputs first, each with its bias: gate and up in one, number by number, then down.
    Woven { tensors: [&'static str; 4], gate: Gate },
}

/// (up + 1) · gate · sigmoid(slope · gate), the gate being at most `limit` and up between ± that.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    pub slope: f64,
    pub limit: f64,
}

/// A network that every token goes through.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    pub module: &'static str,
    pub inner: usize,
    /// One product for gate and up, and one for down, where they are not apart.
    pub together: Option<[&'static str; 2]>,
    pub bias: bool,
    /// Module of a product that weighs it by a sigmoid.
    pub gate: Option<&'static str>,
}

impl Experts {
    /// `[batch, sequence, width]` to the same.
    pub fn apply(&self, b: &mut GraphBuilder, x: &Var, width: usize) -> Var {
        b.mixture(self.count, self.chosen);
        let tokens = b.reshape(x, &[-1, width as i64]);
        let logits = self.router.logits(b, &tokens, [width, self.count]);
        let (chosen, weights) = self.router.choose(b, &logits, self.count, self.chosen);
        let rows = Rows::of(b, &logits, &chosen);
        let given = b.gather(&tokens, &rows.tokens, 0);
        let made = self.networks(b, &given, &rows.counts, width);
        let made = b.gather(&made, &rows.places, 0);
        let weights = b.unsqueeze(&weights, -1);
        let shares = b.mul(&made, &weights);
        let sum = b.sum(&shares, 1);
        let shape = b.shape_of(x);
        let sum = b.reshape_to(&sum, &shape);
        b.hint(&sum, width);
        match self.shared {
            None => sum,
            Some(shared) => {
                let made = shared.apply(b, x, width, self.activation);
                b.add(&sum, &made)
            }
        }
    }

    /// Each row through the network of its expert: `[rows, width]` to the same. The rows are in the order of the experts,
    /// which have `counts` of them each.
    fn networks(&self, b: &mut GraphBuilder, rows: &Var, counts: &Var, width: usize) -> Var {
        let Self { count, inner, activation, .. } = *self;
        let parts = b.split_by(rows, counts, count, 0);
        let (product, down) = match self.matrices {
            Matrices::Apart([gate, up, down]) => {
                let gate = Matrix::Apart(gate).products(b, &parts, [width, inner]);
                let gate = activation.apply(b, &gate);
                let up = Matrix::Apart(up).products(b, &parts, [width, inner]);
                (b.mul(&gate, &up), Matrix::Apart(down))
            }
            Matrices::Stacked { tensors: [both, down], stored } => {
                let both = Matrix::Stacked(both, stored).products(b, &parts, [width, 2 * inner]);
                (gated_halves(b, &both, inner, activation), Matrix::Stacked(down, stored))
            }
            Matrices::Woven { tensors: [both, both_bias, down, down_bias], gate } => {
                let both = Matrix::Woven([both, both_bias]).products(b, &parts, [width, 2 * inner]);
                (gate.apply(b, &both), Matrix::Woven([down, down_bias]))
            }
        };
        let parts = b.split_by(&product, counts, count, 0);
        down.products(b, &parts, [inner, width])
    }
}

/// A row for each token and each expert that it goes through, by expert and then by token.
struct Rows {
    /// Which token each is: `[rows]`.
    tokens: Var,
    /// How many each expert has: `[experts]`.
    counts: Var,
    /// Where those of a token lie, in the order of its experts: `[tokens, chosen]`.
    places: Var,
}

impl Rows {
    /// From a value `[tokens, experts]` and the experts of each token, `[tokens, chosen]`. All of it is whole numbers, so
    /// that it is exact on every engine.
    fn of(b: &mut GraphBuilder, logits: &Var, chosen: &Var) -> Self {
        let (nothing, one) = (counted_like(b, logits, 0), counted_like(b, chosen, 1));
        let marks = b.put_elements(&nothing, chosen, &one);
        let counts = b.sum(&marks, 0);
        // Before a row lie those of the experts before its own, and those that its own has of the tokens before.
        let (experts_before, tokens_before) = (b.sum_before(&counts, 0), b.sum_before(&marks, 0));
        let place = b.add(&tokens_before, &experts_before);
        let places = b.gather_elements(&place, chosen, -1);
        // Sums of ones number the tokens.
        let token = b.sum_before(&one, 0);
        let (token, place) = (b.reshape(&token, &[-1]), b.reshape(&places, &[-1]));
        let tokens = b.put_elements(&token, &place, &token);
        Self { tokens, counts, places }
    }
}

/// One matrix of each expert, by how a checkpoint has it.
#[derive(Clone, Copy)]
enum Matrix {
    Apart(&'static str),
    Stacked(&'static str, Stored),
    /// With its bias.
    Woven([&'static str; 2]),
}

impl Matrix {
    /// The rows of each expert, `[rows, inputs]`, times its matrix: `[rows, outputs]`, those of one expert after another's.
    fn products(self, b: &mut GraphBuilder, parts: &[Var], sizes: [usize; 2]) -> Var {
        let [inputs, outputs] = sizes;
        let product = |(expert, rows): (usize, &Var)| {
            let place = [expert, parts.len()];
            match self {
                Self::Apart(module) => {
                    let mut b = b.at(format_args!("experts.{expert}.{module}"));
                    linear(&mut b, rows, inputs, outputs, false)
                }
                Self::Stacked(tensor, stored) => {
                    let weight = b.stacked_weight(tensor, place, sizes, stored);
                    b.matmul(rows, &weight)
                }
                Self::Woven([tensor, bias]) => {
                    let weight = b.stacked_weight(tensor, place, sizes, Stored::InputsFirst);
                    let product = b.matmul(rows, &weight);
                    let bias = b.stacked_bias(bias, place, outputs);
                    b.add(&product, &bias)
                }
            }
        };
        let products: Vec<Var> = parts.iter().enumerate().map(product).collect();
        b.concat(&products.iter().collect::<Vec<_>>(), 0)
    }
}

impl Gate {
    /// `[…, 2 · inner]` to `[…, inner]`.
    fn apply(self, b: &mut GraphBuilder, both: &Var) -> Var {
        let (gate, up) = (b.every(both, 0, 2, -1), b.every(both, 1, 2, -1));
        let (most, least) = (b.scalar(self.limit), b.scalar(-self.limit));
        let gate = b.smaller(&gate, &most);
        let up = b.smaller(&up, &most);
        let up = b.larger(&up, &least);
        let (slope, one) = (b.scalar(self.slope), b.scalar(1.0));
        let steep = b.mul(&gate, &slope);
        let open = b.unary("Sigmoid", &steep);
        let through = b.mul(&gate, &open);
        let up = b.add(&up, &one);
        b.mul(&up, &through)
    }
}

impl Shared {
    fn apply(&self, b: &mut GraphBuilder, x: &Var, width: usize, activation: Activation) -> Var {
        let sizes = [width, self.inner];
        let made = match self.together {
            None => gated_feed_forward(&mut b.at(self.module), x, GATED, sizes, activation, self.bias),
            Some(modules) => gated_together(&mut b.at(self.module), x, modules, sizes, activation, self.bias),
        };
        let Some(gate) = self.gate else { return made };
        let score = linear(&mut b.at(gate), x, width, 1, false);
        let weight = b.unary("Sigmoid", &score);
        b.mul(&made, &weight)
    }
}

impl Router {
    /// `[tokens, width]` to a score of each expert, in f32.
    fn logits(&self, b: &mut GraphBuilder, x: &Var, [width, count]: [usize; 2]) -> Var {
        let logits = linear(&mut b.at(self.module), x, width, count, self.bias);
        b.cast(&logits, Element::F32)
    }

    /// The experts of each token and what they weigh, both `[tokens, chosen]`. Computed in f32.
    fn choose(&self, b: &mut GraphBuilder, logits: &Var, count: usize, chosen: usize) -> (Var, Var) {
        let (places, weights) = match self.scores {
            Scores::OneByOne { jitter } => one_by_one(b, logits, chosen, jitter),
            Scores::Softmax => {
                let scores = b.softmax_last(logits);
                self.best(b, &scores, count, chosen)
            }
            Scores::Sigmoid => {
                let scores = b.unary("Sigmoid", logits);
                self.best(b, &scores, count, chosen)
            }
        };
        let weights = self.scaled(b, weights);
        (places, b.cast_float(&weights))
    }

    /// Places and scores of the best experts.
    fn best(&self, b: &mut GraphBuilder, scores: &Var, count: usize, chosen: usize) -> (Var, Var) {
        let mut ranked = scores.clone();
        if let Some(correction) = self.correction {
            let correction = match correction {
                Correction::Buffer(name) => b.buffer(name, &[count], Fill::Bias),
                Correction::Parameter(name) => b.weight(name, &[1, count], Fill::Bias),
            };
            let correction = b.cast(&correction, Element::F32);
            ranked = b.add(&ranked, &correction);
        }
        if let Some(groups) = self.groups {
            ranked = groups.keep_best(b, &ranked, count);
        }
        let (best, places) = b.largest(&ranked, chosen);
        let weights = if self.correction.is_none() { best } else { b.gather_elements(scores, &places, -1) };
        (places, weights)
    }

    fn scaled(&self, b: &mut GraphBuilder, weights: Var) -> Var {
        let mut weights = weights;
        if let Some(least) = self.normal {
            let mut sum = b.sum_last(&weights);
            if least > 0.0 {
                let least = b.scalar_as(Element::F32, least);
                sum = b.larger(&sum, &least);
            }
            weights = b.div(&weights, &sum);
        }
        if self.factor != 1.0 {
            let factor = b.scalar_as(Element::F32, self.factor);
            weights = b.mul(&weights, &factor);
        }
        weights
    }
}

impl Groups {
    /// The scores with those of all groups but the best out of reach.
    fn keep_best(&self, b: &mut GraphBuilder, scores: &Var, experts: usize) -> Var {
        let groups = self.count as i64;
        let grouped = b.reshape(scores, &[0, groups, (experts / self.count) as i64]);
        let (best, _) = b.largest(&grouped, self.best);
        let sums = b.sum_last(&best);
        let sums = b.squeeze(&sums, -1);
        let (_, places) = b.largest(&sums, self.chosen);
        let (away, kept) = (filled_like(b, &sums, f64::from(f32::MIN)), filled_like(b, &places, 0.0));
        let kept = b.put_elements(&away, &places, &kept);
        let kept = b.unsqueeze(&kept, -1);
        let kept = b.add(&grouped, &kept);
        b.reshape(&kept, &[0, experts as i64])
    }
}

/// Places and weights of experts chosen one after the other, each weighed against those near it that are still left.
fn one_by_one(b: &mut GraphBuilder, logits: &Var, chosen: usize, jitter: f64) -> (Var, Var) {
    let (best, places) = b.largest(logits, chosen);
    let (bests, each) = (b.split(&best, &vec![1; chosen], -1), b.split(&places, &vec![1; chosen], -1));
    let size = b.unary("Abs", logits);
    let (reach, lowest) = (b.scalar_as(Element::F32, 2.0 * jitter), b.scalar_as(Element::F32, f64::from(f32::MIN)));
    let mut left = logits.clone();
    let mut weights = Vec::new();
    for (index, (best, place)) in bests.iter().zip(&each).enumerate() {
        if index > 0 {
            let gone = filled_like(b, &each[index - 1], f64::from(f32::MIN));
            left = b.put_elements(&left, &each[index - 1], &gone);
        }
        let below = b.sub(best, &left);
        let larger = b.larger(&size, best);
        let distance = b.div(&below, &larger);
        let near = b.less_or_equal(&distance, &reach);
        let near = b.choose(&near, &left, &lowest);
        let scores = b.softmax_last(&near);
        weights.push(b.gather_elements(&scores, place, -1));
    }
    let weights: Vec<&Var> = weights.iter().collect();
    (places, b.concat(&weights, -1))
}

/// One number in f32 at every place of another value.
fn filled_like(b: &mut GraphBuilder, value: &Var, number: f64) -> Var {
    let number = b.scalar_as(Element::F32, number);
    spread_like(b, value, &number)
}

/// The same of a whole number.
fn counted_like(b: &mut GraphBuilder, value: &Var, number: i64) -> Var {
    let number = b.int(number);
    spread_like(b, value, &number)
}

fn spread_like(b: &mut GraphBuilder, value: &Var, number: &Var) -> Var {
    let shape = b.shape_of(value);
    b.expand(number, &shape)
}
